//! What `check` looks at on the target: rights, tables that are there, room.

use std::collections::{BTreeSet, HashSet};

use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::disk;
use crate::plan::table::TablePlan;
use crate::postgres::pool::TargetPool;
use crate::postgres::{ddl, facts, rights, state};
use crate::report::check::{CheckReport, Severity};

/// How much room the target has, beside how much there is to copy.
pub(super) async fn check_space(
    job: &Job,
    pool: &TargetPool,
    report: &mut CheckReport,
) -> Result<()> {
    let place = {
        let lease = pool.acquire().await?;
        facts::place(&lease).await?
    };
    let free = disk::free_bytes(&place, &job.target.database);
    if let Some(facts) = &mut report.target_facts {
        facts.free_bytes = free.ok();
        facts.free_unknown = free.err().map(str::to_owned);
    }
    let wanted = report.volume.map_or(0, |volume| volume.bytes);
    match free {
        Ok(free) if free < wanted.saturating_mul(2) => {
            let enough = if free < wanted {
                "the rows alone will not fit"
            } else {
                "indexes and WAL come on top of the rows"
            };
            report.find(
                Severity::Warning,
                format!(
                    "target: {} MiB are free, and the tables take {} MiB at the source: {enough}",
                    free >> 20,
                    wanted >> 20
                ),
                "make room where the server keeps its files, or set default_tablespace for the role.",
            );
        }
        Ok(_) => {}
        Err(why) => report.find(
            Severity::Note,
            format!("target: its free space is not known: {why}"),
            "look at the disk of its data directory, or at the page of its provider.",
        ),
    }
    Ok(())
}

/// What the role may do, and whether the server has room for the pool.
pub(super) async fn check_rights(
    job: &Job,
    pool: &TargetPool,
    report: &mut CheckReport,
) -> Result<()> {
    let lease = pool.acquire().await?;
    let rights = rights::of_session(&lease).await?;
    let role = &rights.role;
    if rights.may_create {
        report.good(format!("target: logged in, {role} may create schemas"));
    } else {
        report.find(
            Severity::Problem,
            format!(
                "target: {role} may not create schemas in database {}",
                job.target.database
            ),
            "GRANT CREATE ON DATABASE to the role; the state schema _migrate is made there too.",
        );
    }
    let (limit, used) = (rights.connection_limit, rights.connections_used);
    let wanted = i32::try_from(job.target.pool.max_connections)
        .unwrap_or(i32::MAX)
        .saturating_add(1);
    if limit.saturating_sub(used) < wanted {
        report.find(
            Severity::Warning,
            format!(
                "target: {used} of {limit} connections are in use, the run wants {wanted} more"
            ),
            "lower target.pool.max_connections or raise max_connections on the server.",
        );
    }
    Ok(())
}

/// Schemas in which the role may not make tables, and tables that belong to another role.
pub(super) async fn check_schemas(
    job: &Job,
    pool: &TargetPool,
    plans: &[TablePlan],
    report: &mut CheckReport,
) -> Result<()> {
    let lease = pool.acquire().await?;
    let schemas = plans
        .iter()
        .map(|plan| plan.target.schema.as_str())
        .collect::<BTreeSet<_>>();
    let schemas = schemas.into_iter().collect::<Vec<_>>();
    for schema in rights::closed_schemas(&lease, &schemas).await? {
        report.find(
            Severity::Problem,
            format!(
                "target: {} may not make tables in schema {schema}",
                job.target.user
            ),
            "GRANT USAGE, CREATE ON SCHEMA to the role.",
        );
    }
    let names = plans
        .iter()
        .map(|plan| plan.target.to_string())
        .collect::<Vec<_>>();
    for table in rights::tables_of_others(&lease, &names).await? {
        report.find(
            Severity::Problem,
            format!(
                "target: table {table} does not belong to {}",
                job.target.user
            ),
            "ALTER TABLE ... OWNER TO the role, or grant it the owner's role.",
        );
    }
    Ok(())
}

/// Tables that the job's mode would refuse, unless they are this job's own.
pub(super) async fn check_tables(
    job: &Job,
    pool: &TargetPool,
    plans: &[TablePlan],
    report: &mut CheckReport,
) -> Result<()> {
    let lease = pool.acquire().await?;
    let records = if state::is_installed(&lease).await? {
        state::load(&lease, &job.name).await?
    } else {
        Vec::new()
    };
    let own: HashSet<String> = records
        .iter()
        .filter(|record| record.created)
        .map(|record| record.plan.full_name())
        .collect();
    for plan in plans {
        if own.contains(&plan.full_name()) {
            continue;
        }
        if let Err(error) = ddl::check(&lease, plan, job.transfer.mode).await {
            report.problem(&error.at_table(plan.full_name()));
        }
    }
    Ok(())
}
