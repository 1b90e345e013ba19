//! Gathers what a run's report says, from the state tables rather than from memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::job::VerifyLevel;
use crate::error::{Error, Result};
use crate::pipeline::connections::{Connections, source_endpoint};
use crate::pipeline::context::{Run, TableLoad, Unready};
use crate::pipeline::policy::cause;
use crate::pipeline::retry::retry_cancellable;
use crate::pipeline::run::resume::{JobState, by_table_name};
use crate::pipeline::run::schema_objects::{self, Completed, Failures};
use crate::pipeline::survey::{Survey, omissions};
use crate::plan::table::{Strategy, TablePlan};
use crate::postgres::state::{self, PartitionProgress, TableRecord};
use crate::report::progress::TablePhase;
use crate::report::run::{Facts, Report};
use crate::report::table::{TableOutcome, TableReport};
use crate::report::timestamp::Timestamp;
use crate::report::verify::VerifyReport;
use crate::report::{Endpoint, Omission};
use crate::typemap;

/// How long after a stop a run asks the target what it has.
const ASK_WITHIN: Duration = Duration::from_secs(5);

const EMPTIED: &str = "PostgreSQL crashed during an earlier run and emptied this table, which was \
                       UNLOGGED (transfer.unlogged_load): all of it was loaded again";

/// How a run ended, before it is put in order.
pub struct Ending<'a> {
    pub survey: &'a Survey,
    pub recorded: &'a JobState,
    pub unready: &'a [Unready],
    pub tables: &'a [Arc<TableLoad>],
    pub verification: Option<VerifyReport>,
    pub completed: Completed,
    pub target: Endpoint,
    pub started: Timestamp,
}

/// Draws up the report. Rows and bytes are those that the target has recorded as committed.
pub async fn draw_up(run: &Run, connections: &Connections, ending: Ending<'_>) -> Result<Report> {
    let told = ask(run).await?;
    let unasked = told.is_none();
    let (records, rejected) = told.unwrap_or_default();
    let mut tables = Vec::new();
    for load in ending.tables {
        let name = load.plan.full_name();
        let before = ending.recorded.records.get(&name);
        let mut table = loaded_table(load, name.clone(), records.get(&name), before);
        table.rejected = rejected.get(&name).copied().unwrap_or_default();
        if ending.recorded.emptied.contains(&name) {
            table.notes.push(EMPTIED.to_owned());
        }
        let notes = ending.completed.notes.iter().filter(|(of, _)| *of == name);
        table.notes.extend(notes.map(|(_, note)| note.clone()));
        tables.push(table);
    }
    for (plan, error) in ending.unready {
        tables.push(unready_table(plan, error));
    }
    for name in &ending.survey.planned.skipped {
        let mut table = TableReport::new(name, "", TableOutcome::Skipped);
        table
            .notes
            .push("left out by tables.include or tables.exclude".to_owned());
        tables.push(table);
    }
    let mut omissions = omissions(&ending.survey.planned);
    omissions.extend(ending.completed.omissions);
    omissions.extend(strangers(ending.completed.failures));
    let unverified = ending.verification.is_none() && run.job.verify != VerifyLevel::None;
    tables.sort_by(|one, other| one.table.cmp(&other.table));
    Ok(Report::draw_up(Facts {
        run_id: run.id.0.to_string(),
        job: run.job.name.clone(),
        started: ending.started,
        ended: Timestamp::now(),
        resumed: ending.recorded.resumed,
        stopped: run.cancel.is_cancelled()
            && (unverified
                || unasked
                || ending.completed.stopped
                || tables
                    .iter()
                    .any(|table| table.outcome == TableOutcome::Unfinished)),
        ended_by: None,
        source: source_endpoint(&run.job, &ending.survey.database),
        target: ending.target,
        consistency: run.job.transfer.consistency,
        pools: connections.reports(),
        in_flight: run.progress.concurrency(),
        time: run.progress.clock().read(),
        verification: ending.verification,
        omissions,
        notes: ending.survey.planned.notes.clone(),
        inventory: ending.survey.planned.inventory.clone(),
        tables,
    }))
}

/// Foreign keys that failed of tables that this run was not about.
fn strangers(failures: Failures) -> impl Iterator<Item = Omission> {
    failures.into_iter().map(|(table, errors)| Omission {
        table,
        object: "foreign key".to_owned(),
        reason: schema_objects::lacks(errors).to_string(),
        text: None,
    })
}

/// What is recorded of the job's tables, and rejected rows by table.
type Told = (HashMap<String, TableRecord>, HashMap<String, u64>);

/// Asks until the target answers; `None` when a stop leaves no time for that.
async fn ask(run: &Run) -> Result<Option<Told>> {
    // A stop does not end the question, only the time for it.
    let patient = CancellationToken::new();
    let asked = retry_cancellable(&run.job.transfer.retry, &patient, || recorded(run));
    let error = match run.stop_clock.in_time(&run.target, ASK_WITHIN, asked).await {
        Some(Ok(told)) => return Ok(Some(told)),
        Some(Err(error)) if !run.cancel.is_cancelled() => return Err(error),
        Some(Err(error)) => error.to_string(),
        None => "no answer in the time that a stop leaves".to_owned(),
    };
    tracing::warn!(
        error,
        "the target could not be asked: the report says what was sent"
    );
    Ok(None)
}

async fn recorded(run: &Run) -> Result<Told> {
    let target = run.target.acquire().await?;
    let records = by_table_name(state::load(&target, &run.job.name).await?);
    Ok((records, state::count_rejects(&target, &run.job.name).await?))
}

fn target_name(plan: &TablePlan) -> String {
    format!("{}.{}", plan.target.schema, plan.target.table)
}

/// `before` is what an earlier run had committed, `now` what is committed now.
fn loaded_table(
    load: &TableLoad,
    name: String,
    now: Option<&TableRecord>,
    before: Option<&TableRecord>,
) -> TableReport {
    let failure = load.take_failure();
    let outcome = match (load.progress.state(), &failure) {
        (_, Some(_)) => TableOutcome::Failed,
        (TablePhase::Done, None) => TableOutcome::Done,
        _ => TableOutcome::Unfinished,
    };
    let mut table = TableReport::new(&name, target_name(&load.plan), outcome);
    table.cause = failure.as_ref().map(cause);
    if let Some(record) = now {
        let parts = record.partitions.iter().map(|part| &part.progress);
        table.rows = parts.clone().map(|part| part.rows).sum();
        table.bytes = parts.clone().map(|part| part.bytes).sum();
        for part in parts {
            count_changes(&mut table, part, &load.plan);
        }
    } else {
        table.rows = load.progress.rows();
        table.bytes = load.progress.bytes();
    }
    if let Some(before) = before {
        table.resumed_rows = before
            .partitions
            .iter()
            .map(|part| part.progress.rows)
            .sum();
    }
    table.seconds = load.progress.elapsed().as_secs_f64();
    table.strategy = strategy_words(&load.plan.strategy);
    table.partitions = load.progress.partitions().1;
    table.splits = load.progress.splits();
    table.retries = load.progress.retries();
    table.notes.clone_from(&load.plan.notes);
    if now.is_none() {
        let note = "rows and size are what was sent, and changed values and rejected rows are not \
                    known: the target could not be asked what it has";
        table.notes.push(note.to_owned());
    }
    table
}

/// What was changed in a column of times are times, and characters anywhere else.
fn count_changes(table: &mut TableReport, part: &PartitionProgress, plan: &TablePlan) {
    let truncated = part.changed_columns.iter().filter(|(column, _)| {
        let planned = plan.column(column);
        planned.is_some_and(|planned| typemap::rounds(&planned.source, &planned.target_type))
    });
    for (column, count) in truncated.clone() {
        *table.truncated_columns.entry(column.clone()).or_default() += count;
        table.truncated_values += count;
    }
    let times = truncated.map(|(_, count)| count).sum::<u64>();
    table.changed_values += part.changed_values.saturating_sub(times);
    for (column, count) in &part.changed_columns {
        if !table.truncated_columns.contains_key(column) {
            *table.changed_columns.entry(column.clone()).or_default() += count;
        }
    }
}

fn unready_table(plan: &TablePlan, error: &Error) -> TableReport {
    let stopped = error.kind() == crate::error::Kind::Stopped;
    let outcome = if stopped {
        TableOutcome::Unfinished
    } else {
        TableOutcome::Failed
    };
    let mut table = TableReport::new(plan.full_name(), target_name(plan), outcome);
    table.cause = (!stopped).then(|| cause(error));
    table.strategy = strategy_words(&plan.strategy);
    table
}

/// `keyset PK_Posts (Id)`.
fn strategy_words(strategy: &Strategy) -> String {
    match strategy {
        Strategy::Keyset { index, key, .. } | Strategy::Clustered { index, key } => {
            let columns = key
                .iter()
                .map(|key| key.column.name.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            format!("{} {index} ({columns})", strategy.name())
        }
        Strategy::RowNumber { .. } | Strategy::Hash { .. } | Strategy::Single => {
            strategy.name().to_owned()
        }
    }
}
