//! Gathers what a run's report says, from the state tables rather than from memory.

use std::collections::HashMap;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::job::VerifyLevel;
use crate::error::{Kind, Result};
use crate::pipeline::connections::{Connections, source_endpoint};
use crate::pipeline::context::{Run, TableLoad, UnreadyTable};
use crate::pipeline::policy::cause;
use crate::pipeline::retry::retry_cancellable;
use crate::pipeline::run::completed::{FailuresByTable, unmade_error};
use crate::pipeline::run::data::RunData;
use crate::pipeline::run::resume::by_table_name;
use crate::pipeline::survey::omissions;
use crate::plan::table::{Strategy, TablePlan};
use crate::postgres::state::{self, PartitionProgress, TableRecord};
use crate::report::Omission;
use crate::report::progress::TablePhase;
use crate::report::run::{Facts, Report};
use crate::report::table::{TableOutcome, TableReport};
use crate::report::timestamp::Timestamp;
use tsql::typemap;

/// How long after a stop a run asks the target what it has.
const ASK_WITHIN: Duration = Duration::from_secs(5);

const EMPTIED: &str = "PostgreSQL crashed during an earlier run and emptied this table, which was \
                       UNLOGGED (transfer.unlogged_load): all of it was loaded again";

/// Draws up the report. Rows and bytes are those that the target has recorded as committed.
///
/// # Errors
/// The target cannot be asked what it has, and no stop explains it.
pub async fn draw_up(run: &Run, connections: &Connections, data: RunData) -> Result<Report> {
    let committed = ask(run).await?;
    let unasked = committed.is_none();
    let committed = committed.unwrap_or_default();
    let mut tables = Vec::new();
    for load in &data.tables {
        tables.push(loaded_table(load, &data, &committed));
    }
    for table in &data.unready {
        tables.push(unready_table(table));
    }
    for name in &data.survey.planned.skipped {
        let mut table = TableReport::new(name, "", TableOutcome::Skipped);
        table
            .notes
            .push("left out by tables.include or tables.exclude".to_owned());
        tables.push(table);
    }
    let mut omissions = omissions(&data.survey.planned);
    omissions.extend(data.objects.omissions);
    omissions.extend(other_failures(data.objects.failures));
    let unverified = data.verification.is_none() && run.job.verify != VerifyLevel::None;
    tables.sort_by(|one, other| one.table.cmp(&other.table));
    Ok(Report::draw_up(Facts {
        run_id: run.id.0.to_string(),
        job: run.job.name.clone(),
        started: data.started,
        ended: Timestamp::now(),
        resumed: data.state.resumed,
        stopped: run.cancel.is_cancelled()
            && (unverified
                || unasked
                || data.objects.stopped
                || tables
                    .iter()
                    .any(|table| table.outcome == TableOutcome::Unfinished)),
        ended_by: data.ended_by.as_ref().map(cause),
        source: source_endpoint(&run.job, &data.survey.database),
        target: data.target,
        consistency: run.job.transfer.consistency,
        pools: connections.reports(),
        in_flight: run.progress.concurrency(),
        time: run.progress.clock().read(),
        verification: data.verification,
        omissions,
        notes: data.survey.planned.notes.clone(),
        inventory: data.survey.planned.inventory.clone(),
        tables,
    }))
}

/// Foreign keys that failed of tables that are not part of this run.
fn other_failures(failures: FailuresByTable) -> impl Iterator<Item = Omission> {
    failures.into_iter().map(|(table, errors)| Omission {
        table,
        object: "foreign key".to_owned(),
        reason: unmade_error(errors).to_string(),
        text: None,
    })
}

/// What the target has recorded of the job, by the full names of its tables.
#[derive(Default)]
struct Committed {
    records: HashMap<String, TableRecord>,
    /// Rows in `_migrate.rejects`.
    rejected: HashMap<String, u64>,
}

/// Asks until the target answers; `None` when a stop leaves no time for that.
async fn ask(run: &Run) -> Result<Option<Committed>> {
    // A stop does not end the question, only the time for it.
    let never = CancellationToken::new();
    let asked = retry_cancellable(&run.job.transfer.retry, &never, || read_committed(run));
    let asked = run.stop_clock.finish_within(&run.target, ASK_WITHIN, asked);
    let error = match asked.await {
        Some(Ok(committed)) => return Ok(Some(committed)),
        Some(Err(error)) if !run.cancel.is_cancelled() => return Err(error),
        Some(Err(error)) => error.to_string(),
        None => "no answer in the time that a stop leaves".to_owned(),
    };
    tracing::warn!(
        error,
        "the target could not be asked what it has: the report says what was sent"
    );
    Ok(None)
}

async fn read_committed(run: &Run) -> Result<Committed> {
    let target = run.target.acquire().await?;
    Ok(Committed {
        records: by_table_name(state::load(&target, &run.job.name).await?),
        rejected: state::count_rejects(&target, &run.job.name).await?,
    })
}

fn target_name(plan: &TablePlan) -> String {
    plan.target.to_string()
}

/// A table that was loaded, or done before. Rows that an earlier run had committed are told apart.
fn loaded_table(load: &TableLoad, data: &RunData, committed: &Committed) -> TableReport {
    let name = load.plan.full_name();
    let failure = load.take_failure();
    let outcome = match (load.progress.state(), &failure) {
        (_, Some(_)) => TableOutcome::Failed,
        (TablePhase::Done, None) => TableOutcome::Done,
        _ => TableOutcome::Unfinished,
    };
    let mut table = TableReport::new(&name, target_name(&load.plan), outcome);
    table.cause = failure.as_ref().map(cause);
    let record = committed.records.get(&name);
    if let Some(record) = record {
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
    if let Some(before) = data.state.records.get(&name) {
        let parts = before.partitions.iter();
        table.resumed_rows = parts.map(|part| part.progress.rows).sum();
    }
    table.rejected = committed.rejected.get(&name).copied().unwrap_or_default();
    table.seconds = load.progress.elapsed().as_secs_f64();
    table.strategy = strategy_words(&load.plan.strategy);
    table.partitions = load.progress.partitions().1;
    table.splits = load.progress.splits();
    table.retries = load.progress.retries();
    table.notes.clone_from(&load.plan.notes);
    if record.is_none() {
        let note = "rows and size are what was sent, and changed values and rejected rows are not \
                    known: the target could not be asked what it has";
        table.notes.push(note.to_owned());
    }
    if data.state.emptied.contains(&name) {
        table.notes.push(EMPTIED.to_owned());
    }
    let notes = data.objects.notes.iter().filter(|(of, _)| *of == name);
    table.notes.extend(notes.map(|(_, note)| note.clone()));
    table
}

/// Adds up the values that were changed: times in columns of a time type, characters in all others.
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

fn unready_table(unready: &UnreadyTable) -> TableReport {
    let UnreadyTable { plan, error } = unready;
    let stopped = error.kind() == Kind::Stopped;
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
