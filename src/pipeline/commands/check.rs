//! Looks at everything that a run needs, and changes nothing.
//!
//! Both sides are looked at even if the other cannot be reached, and nothing is made: state tables
//! that are missing stay missing. It takes no job lock, so it may run beside a run of the job.

use std::collections::{BTreeSet, HashSet};

use crate::config::job::{Consistency, Job, Tls};
use crate::error::{Error, Result};
use crate::mssql::{self, pool::SourcePool};
use crate::pipeline::connections::{self, open_source, open_target, source_endpoint};
use crate::pipeline::policy::advice;
use crate::pipeline::survey::{self, omissions};
use crate::plan::access::FILTERS_HIDDEN;
use crate::plan::build::{self, Planned};
use crate::plan::table::TablePlan;
use crate::postgres::pool::TargetPool;
use crate::postgres::state;
use crate::postgres::{self, ddl, rights};
use crate::report::check::{CheckReport, Finding, Severity, Volume};
use crate::report::server::ServerFacts;
use tsql::schema::Database;

/// Looks at everything a run needs, and changes nothing. What it finds wrong is a finding, so that
/// all of it comes at once.
///
/// # Errors
/// None today: what is wrong is in the report. The type leaves room for a stop.
pub async fn check(job: &Job) -> Result<CheckReport> {
    let mut report = CheckReport {
        job: job.name.clone(),
        settings: job.settings.clone(),
        source: None,
        target: None,
        source_facts: None,
        target_facts: None,
        volume: None,
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
    /// Something that is as it must be; shown so that a reader sees what was looked at.
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

    /// An error with its causes, and the advice of its kind.
    /// Warns of a clock that is off.
    fn judged(&mut self, facts: ServerFacts, side: &str) -> Option<ServerFacts> {
        if facts.clock_is_off() {
            self.find(
                Severity::Warning,
                format!(
                    "{side}: its clock and this machine's differ by {} s",
                    facts.clock_ahead_s.abs()
                ),
                "let both follow the same time server: certificates, tokens and logs depend on it.",
            );
        }
        Some(facts)
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
            advice(error),
        );
    }
}

/// Reads the catalog and plans, so that what will not fit shows now.
/// `None` if the catalog could not be read, after which the target is checked without a plan.
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
    let database = match survey::read_catalog(job, pool).await {
        Ok(database) => database,
        Err(error) => {
            report.problem(&error);
            return None;
        }
    };
    report.source = Some(source_endpoint(job, &database));
    match mssql::facts::ask(pool, &job.source).await {
        Ok(facts) => report.source_facts = report.judged(facts, "source"),
        Err(error) => report.find(
            Severity::Note,
            format!("source: it does not answer what it is: {error}"),
            "",
        ),
    }
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

/// The plan needs both sides, since some types depend on the target's extensions.
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
    match target_facts(job, pool).await {
        Ok(facts) => report.target_facts = report.judged(facts, "target"),
        Err(error) => report.problem(&error),
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
            report.volume = Some(Volume {
                tables: planned.tables.len(),
                rows: planned.tables.iter().map(|plan| plan.estimated_rows).sum(),
                bytes: planned.tables.iter().map(|plan| plan.estimated_bytes).sum(),
            });
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

/// Adds every note of the plan; one that several tables share is added once.
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

async fn target_facts(job: &Job, pool: &TargetPool) -> Result<ServerFacts> {
    let lease = pool.acquire().await?;
    postgres::facts::ask(&lease, job.target.sslmode).await
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
async fn check_tables(
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
