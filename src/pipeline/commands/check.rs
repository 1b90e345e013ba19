//! The commands that look and change nothing: check and status.

use std::collections::{BTreeSet, HashSet};

use crate::config::job::{Consistency, Job, Tls};
use crate::error::{Error, Kind, Result};
use crate::mssql::catalog;
use crate::mssql::pool::SourcePool;
use crate::pipeline::connections::{self, open_source, open_target, source_endpoint};
use crate::pipeline::policy::policy;
use crate::pipeline::retry::retry_before_load;
use crate::pipeline::survey::{self, omissions};
use crate::plan::access::FILTERS_HIDDEN;
use crate::plan::build::{self, Planned};
use crate::plan::table::TablePlan;
use crate::postgres::pool::TargetPool;
use crate::postgres::state::{self, PartitionState, TableRecord};
use crate::postgres::{ddl, lock};
use crate::report::check::{CheckReport, Finding, Severity};
use crate::report::status::{RunState, RunStatus, StatusReport, TableStatus};
use crate::schema::Database;

/// Looks at everything a run needs, and changes nothing. What it finds wrong is a finding, so that
/// all of it comes at once.
pub async fn check(job: &Job) -> Result<CheckReport> {
    let mut report = CheckReport {
        job: job.name.clone(),
        settings: job.settings.clone(),
        source: None,
        target: None,
        findings: Vec::new(),
        unreachable: false,
        kind: None,
    };
    let (source, target) = tokio::join!(open_source(job), open_target(job));
    let database = check_source(job, source.as_ref(), &mut report).await;
    check_target(job, target.as_ref(), database.as_ref(), &mut report).await;
    if let Ok(source) = source {
        source.close().await;
    }
    if let Ok(target) = target {
        target.close().await;
    }
    Ok(report)
}

impl CheckReport {
    fn good(&mut self, finding: impl Into<String>) {
        self.find(Severity::Good, finding, "");
    }

    fn find(&mut self, severity: Severity, finding: impl Into<String>, advice: &str) {
        self.findings.push(Finding {
            severity,
            finding: finding.into(),
            advice: advice.to_owned(),
        });
    }

    fn problem(&mut self, error: &Error) {
        let causes = crate::report::table::chain(error);
        let because = causes
            .iter()
            .map(|cause| format!(": {cause}"))
            .collect::<String>();
        self.find(
            Severity::Problem,
            format!("{error}{because}"),
            policy(error.kind()).advice,
        );
    }
}

/// Reads the catalog and plans, so that what will not fit shows now.
async fn check_source(
    job: &Job,
    pool: std::result::Result<&SourcePool, &Error>,
    report: &mut CheckReport,
) -> Option<Database> {
    let pool = match pool {
        Ok(pool) => pool,
        Err(error) => {
            report.problem(error);
            report.unreachable = true;
            return None;
        }
    };
    let loaded = retry_before_load(&job.transfer.retry, || async {
        catalog::load(&mut *pool.acquire().await?).await
    });
    let database = match loaded.await {
        Ok(database) => database,
        Err(error) => {
            report.problem(&error);
            return None;
        }
    };
    report.source = Some(source_endpoint(job, &database));
    report.good(format!(
        "source: logged in, {} in database {}",
        tables(database.tables.len()),
        database.name
    ));
    if let Err(error) = connections::require_consistency(job, &database) {
        report.problem(&error);
    }
    if database.select_on_all == Some(false) {
        report.find(
            Severity::Warning,
            "source: the login may not SELECT in the whole database, so there may be tables it does not see",
            "make it a member of db_datareader, or know that only the tables listed by plan are copied.",
        );
    }
    if database.filters_hidden {
        report.find(
            Severity::Warning,
            format!("source: {FILTERS_HIDDEN}"),
            "GRANT VIEW DEFINITION to the login's user in the source database.",
        );
    }
    if job.source.tls == Tls::Legacy {
        report.find(
            Severity::Warning,
            "source.tls is legacy: it accepts TLS 1.0 and ciphers that an attacker on the network may break",
            "use modern if the server's Windows is newer than Server 2012 R2.",
        );
    }
    if job.transfer.consistency == Consistency::Relaxed {
        report.find(
            Severity::Warning,
            "consistency relaxed reads with NOLOCK: rows may be missing or doubled while others write",
            "use strict, or snapshot if the database allows it.",
        );
    }
    Some(database)
}

async fn check_target(
    job: &Job,
    pool: std::result::Result<&TargetPool, &Error>,
    database: Option<&Database>,
    report: &mut CheckReport,
) {
    let pool = match pool {
        Ok(pool) => pool,
        Err(error) => {
            report.problem(error);
            report.unreachable = true;
            return;
        }
    };
    match connections::target_endpoint(job, pool).await {
        Ok(endpoint) => report.target = Some(endpoint),
        Err(error) => report.problem(&error),
    }
    if let Err(error) = pool.must_be_writable().await {
        report.problem(&error);
        report.unreachable = true;
    }
    if let Err(error) = check_rights(job, pool, report).await {
        report.problem(&error);
    }
    let Some(database) = database else { return };
    let types = match survey::target_types(database, pool).await {
        Ok(types) => types,
        Err(error) => return report.problem(&error),
    };
    match build::build(database, job, types) {
        Err(errors) => {
            report.kind = errors.first().map(Error::kind);
            errors.iter().for_each(|error| report.problem(error));
        }
        Ok(planned) => {
            report.good(format!("{} can be copied", tables(planned.tables.len())));
            if let Err(error) = check_tables(job, pool, &planned.tables, report).await {
                report.problem(&error);
            }
            if let Err(error) = check_schemas(job, pool, &planned.tables, report).await {
                report.problem(&error);
            }
            notes(&planned, report);
            for omission in omissions(&planned) {
                let finding = format!(
                    "{}: {} is left out: {}",
                    omission.table, omission.object, omission.reason
                );
                report.find(
                    Severity::Warning,
                    finding,
                    "make it by hand after the load; the run ends with exit code 6.",
                );
            }
        }
    }
}

/// Every note of the plan, what is true of many tables once.
fn notes(planned: &Planned, report: &mut CheckReport) {
    for note in planned.notes.iter().filter(|note| *note != FILTERS_HIDDEN) {
        report.find(Severity::Note, note, "");
    }
    let mut said: Vec<(&str, Vec<String>)> = Vec::new();
    for plan in &planned.tables {
        for note in &plan.notes {
            match said.iter_mut().find(|(text, _)| text == note) {
                Some((_, tables)) => tables.push(plan.full_name()),
                None => said.push((note, vec![plan.full_name()])),
            }
        }
    }
    for (note, tables) in said {
        report.find(Severity::Note, format!("{}: {note}", tables.join(", ")), "");
    }
}

fn tables(count: usize) -> String {
    match count {
        1 => "1 table".to_owned(),
        count => format!("{count} tables"),
    }
}

/// What the role may do, and whether the server has room for the pool.
async fn check_rights(job: &Job, pool: &TargetPool, report: &mut CheckReport) -> Result<()> {
    let lease = pool.acquire().await?;
    let row = lease
        .query_one(
            "SELECT has_database_privilege(current_database(), 'CREATE'), \
             current_setting('max_connections')::int, \
             (SELECT count(*)::int FROM pg_stat_activity), current_user::text",
            &[],
        )
        .await
        .map_err(|error| {
            Error::new(Kind::TargetQuery, "could not read the role's rights").because(error)
        })?;
    let (may_create, limit, used): (bool, i32, i32) = (row.get(0), row.get(1), row.get(2));
    // Another than target.user where the role is set to act as one.
    let role: String = row.get(3);
    if may_create {
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

/// Schemas in which the role may not make tables, and tables that belong to somebody else.
async fn check_schemas(
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
    let closed = lease
        .query(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY($1) \
             AND NOT has_schema_privilege(oid, 'CREATE') ORDER BY nspname",
            &[&schemas],
        )
        .await
        .map_err(|error| {
            Error::new(Kind::TargetQuery, "could not read the role's rights").because(error)
        })?;
    for row in closed {
        let schema: String = row.get(0);
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
        .map(|plan| format!("{}.{}", plan.target.schema, plan.target.table))
        .collect::<Vec<_>>();
    let foreign = lease
        .query(
            "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname || '.' || c.relname = ANY($1) AND NOT pg_has_role(c.relowner, 'USAGE') ORDER BY 1",
            &[&names],
        )
        .await
        .map_err(|error| Error::new(Kind::TargetQuery, "could not read the tables' owners").because(error))?;
    for row in foreign {
        let table: String = row.get(0);
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
async fn check_tables(
    job: &Job,
    pool: &TargetPool,
    plans: &[TablePlan],
    report: &mut CheckReport,
) -> Result<()> {
    let lease = pool.acquire().await?;
    let records = recorded(&lease, job).await?;
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

async fn recorded(client: &tokio_postgres::Client, job: &Job) -> Result<Vec<TableRecord>> {
    if !state::is_installed(client).await? {
        return Ok(Vec::new());
    }
    state::load(client, &job.name).await
}

/// Reads what the target's state tables say of the job.
pub async fn status(job: &Job) -> Result<StatusReport> {
    let target = open_target(job).await?;
    let read = read_status(job, &target).await;
    target.close().await;
    read
}

async fn read_status(job: &Job, target: &TargetPool) -> Result<StatusReport> {
    let lease = target.acquire().await?;
    let mut report = StatusReport {
        job: job.name.clone(),
        run: None,
        held_by: None,
    };
    if !state::is_installed(&lease).await? {
        return Ok(report);
    }
    report.held_by = lock::holder(&lease, &job.name).await?;
    let Some(last) = state::last_run(&lease, &job.name).await? else {
        return Ok(report);
    };
    let records = state::load(&lease, &job.name).await?;
    let mut rejects = state::count_rejects(&lease, &job.name).await?;
    let state = match (&last.outcome, &report.held_by) {
        (Some(outcome), _) => RunState::recorded(outcome).ok_or_else(|| {
            Error::new(
                Kind::Checkpoint,
                "_migrate.runs.outcome has a word that this version does not know",
            )
        })?,
        (None, Some(_)) => RunState::Running,
        (None, None) => RunState::Died,
    };
    report.run = Some(RunStatus {
        run_id: last.id.0.to_string(),
        state,
        started: last.started_at,
        ended: last.ended_at,
        tables: records
            .into_iter()
            .map(|record| {
                let rejected = rejects.remove(&record.plan.full_name());
                table_status(record, rejected.unwrap_or(0))
            })
            .collect(),
    });
    Ok(report)
}

fn table_status(record: TableRecord, rejected_rows: u64) -> TableStatus {
    let count = |parts: usize| u32::try_from(parts).unwrap_or(u32::MAX);
    let done = record
        .partitions
        .iter()
        .filter(|part| part.state == PartitionState::Done)
        .count();
    TableStatus {
        table: record.plan.full_name(),
        state: record.state.word(),
        rows: record
            .partitions
            .iter()
            .map(|part| part.progress.rows)
            .sum(),
        bytes: record
            .partitions
            .iter()
            .map(|part| part.progress.bytes)
            .sum(),
        rejected_rows,
        partitions_done: count(done),
        partitions: count(record.partitions.len()),
        cause: record.error,
    }
}
