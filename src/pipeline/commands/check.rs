//! Looks at everything that a run needs, and changes nothing.
//!
//! Both sides are looked at even if the other cannot be reached, and nothing is made: state tables
//! that are missing stay missing. It takes no job lock, so it may run beside a run of the job.

use crate::config::job::{Consistency, Job, Tls};
use crate::error::{Error, Result};
use crate::mssql::{self, pool::SourcePool};
use crate::pipeline::commands::check_target::{
    check_rights, check_schemas, check_space, check_tables,
};
use crate::pipeline::commands::outlook::{outlook, says};
use crate::pipeline::connections::{self, open_source, open_target, source_endpoint};
use crate::pipeline::policy::advice;
use crate::pipeline::survey;
use crate::plan::access::FILTERS_HIDDEN;
use crate::plan::build::{self, Planned};
use crate::postgres;
use crate::postgres::pool::TargetPool;
use crate::report::check::{CheckReport, Finding, Outlook, Severity, Volume};
use crate::report::server::ServerFacts;
use tsql::schema::Database;

/// Objects named in a finding that several share; the rest is counted.
const MOST_NAMES: usize = 3;

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
        estimate: None,
        outlook: Outlook::default(),
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
    pub(super) fn good(&mut self, finding: impl Into<String>) {
        self.find(Severity::Good, finding, "");
    }

    pub(super) fn find(&mut self, severity: Severity, finding: impl Into<String>, advice: &str) {
        self.findings.push(Finding {
            severity,
            finding: finding.into(),
            advice: advice.to_owned(),
        });
    }

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

    /// Adds an error with its causes, and the advice of its kind.
    pub(super) fn problem(&mut self, error: &Error) {
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
        Ok(planned) => check_plan(job, pool, &planned, report).await,
    }
}

/// What is planned, against what the target has.
async fn check_plan(job: &Job, pool: &TargetPool, planned: &Planned, report: &mut CheckReport) {
    let plans = &planned.tables;
    report.good(format!("{} can be copied", tables(plans.len())));
    report.volume = Some(Volume {
        tables: plans.len(),
        rows: plans.iter().map(|plan| plan.estimated_rows).sum(),
        bytes: plans.iter().map(|plan| plan.estimated_bytes).sum(),
    });
    if let Err(error) = check_tables(job, pool, plans, report).await {
        report.problem(&error);
    }
    if let Err(error) = check_schemas(job, pool, plans, report).await {
        report.problem(&error);
    }
    if let Err(error) = check_space(job, pool, report).await {
        report.problem(&error);
    }
    notes(planned, report);
    report.outlook = outlook(job, planned);
    left_out(report);
}

/// One finding for each reason why objects are left out; the outlook has them all.
fn left_out(report: &mut CheckReport) {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for omission in &report.outlook.omissions {
        let name = format!("{}: {}", omission.table, omission.object);
        match reasons
            .iter_mut()
            .find(|(reason, _)| *reason == omission.reason)
        {
            Some((_, names)) => names.push(name),
            None => reasons.push((omission.reason.clone(), vec![name])),
        }
    }
    for (reason, names) in reasons {
        let finding = match names.len() {
            1 => format!("{} is left out: {reason}", names[0]),
            all => format!("{all} objects are left out: {reason}: {}", first(&names)),
        };
        report.find(
            Severity::Warning,
            finding,
            "make them by hand after the load; the run ends with exit code 6.",
        );
    }
}

/// Adds every note of the plan that the outlook does not say; one that several tables share is added once.
fn notes(planned: &Planned, report: &mut CheckReport) {
    for note in planned.notes.iter().filter(|note| *note != FILTERS_HIDDEN) {
        report.find(Severity::Note, note, "");
    }
    let mut said: Vec<(&str, Vec<String>)> = Vec::new();
    for plan in &planned.tables {
        for note in plan.notes.iter().filter(|note| !says(plan, note)) {
            match said.iter_mut().find(|(text, _)| text == note) {
                Some((_, tables)) => tables.push(plan.full_name()),
                None => said.push((note, vec![plan.full_name()])),
            }
        }
    }
    for (note, tables) in said {
        report.find(Severity::Note, format!("{}: {note}", first(&tables)), "");
    }
}

/// The first names, and how many more there are.
fn first(names: &[String]) -> String {
    let named = names[..names.len().min(MOST_NAMES)].join(", ");
    match names.len().saturating_sub(MOST_NAMES) {
        0 => named,
        more => format!("{named} and {more} more"),
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
