//! Finishes a table when its rows are there: its keys, indexes and checks, its identity, its statistics.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};

use crate::error::{Error, Kind, Result};
use crate::mssql::catalog;
use crate::pipeline::context::{Run, TableLoad};
use crate::pipeline::load::queue::WorkQueue;
use crate::pipeline::outage::Tries;
use crate::pipeline::retry::Backoff;
use crate::pipeline::shutdown::{Ended, finish_within_grace};
use crate::pipeline::verify;
use crate::plan::object::IndexPlan;
use crate::plan::table::TablePlan;
use crate::postgres::objects::{self, TableContext};
use crate::postgres::pool::Lease;
use crate::postgres::{counter, finish as pg_finish, state};
use crate::report::Omission;
use crate::report::progress::TablePhase;

/// Makes all objects of the table and records it as done: every index and check in a transaction of its
/// own, the rest in one. An index or check that cannot be made is kept with the table and costs nothing
/// else. A stop does not drop the work: its statement would continue at the server. From the moment when
/// nothing keeps readers out any more, other workers may count the table.
///
/// # Errors
/// The first permanent error, the last transient one, or [`Kind::Stopped`].
pub async fn finish(run: &Run, queue: &WorkQueue, table: &Arc<TableLoad>) -> Result<()> {
    let mut backoff = Backoff::new(&run.job.transfer.retry);
    let mut tries = Tries::default();
    let mut counted = !verify::counts_early(&run.job);
    loop {
        tries.begin(run.contact());
        let readable = || {
            if !std::mem::replace(&mut counted, true) {
                queue.add_count(table);
            }
        };
        let Err(error) = attempt(run, table, readable).await else {
            return Ok(());
        };
        let before = tries.failed(run.contact());
        run.watched(before, backoff.after(error, &run.cancel).await)?;
    }
}

/// Whether something that is made after the primary key waits for all readers of the table, and lets none
/// in meanwhile: `ALTER TABLE ... ADD CONSTRAINT` does, `CREATE INDEX` does not.
fn keeps_readers_out(plan: &TablePlan) -> bool {
    let objects = &plan.objects;
    !objects.checks.is_empty()
        || !objects.triggers.is_empty()
        || objects.indexes.iter().any(IndexPlan::is_constraint)
}

/// `readable` is called, once or twice, when the table is durable and has its key and readers hinder
/// nothing from there on.
async fn attempt(run: &Run, table: &TableLoad, mut readable: impl FnMut()) -> Result<()> {
    let mut lease = run.target.acquire().await?;
    set_maintenance(run, &lease).await?;
    state::set_loaded(&lease, &table.key).await?;
    pg_finish::make_durable(&mut lease, &table.key, run.id, &table.plan).await?;
    if !keeps_readers_out(&table.plan) {
        readable();
    }
    let of = TableContext {
        table: &table.key,
        run: run.id,
        plan: &table.plan,
    };
    let unmade = make_indexes(run, &mut lease, &of).await?;
    readable();
    let plan = with_counters_now(run, &lease, &table.plan).await?;
    pg_finish::finish(&mut lease, &table.key, run.id, &plan).await?;
    table.set_unmade(unmade);
    Ok(())
}

/// The plan with the last identity value that the source has by now. Rows beyond the counter as it was when
/// the plan was made came since, at a live source, or were inserted with IDENTITY_INSERT: only the source
/// can tell.
async fn with_counters_now<'a>(
    run: &Run,
    lease: &Lease,
    plan: &'a TablePlan,
) -> Result<Cow<'a, TablePlan>> {
    if !counter::is_beyond(lease, plan).await? {
        return Ok(Cow::Borrowed(plan));
    }
    let mut source = run.source.acquire().await?;
    let last = catalog::last_value(&mut source, (&plan.schema, &plan.name)).await?;
    let mut plan = plan.clone();
    for column in &mut plan.columns {
        if let (Some(identity), Some(counter)) = (&mut column.identity, &column.clauses.counter)
            && let Some(last) = last.filter(|last| counter.holds(*last))
        {
            identity.last_value = Some(last);
        }
    }
    Ok(Cow::Owned(plan))
}

/// Gives the session the memory and the workers that the job grants to indexes.
pub(super) async fn set_maintenance(run: &Run, lease: &Lease) -> Result<()> {
    let target = &run.job.target;
    let (memory, workers) = (
        target.maintenance_work_mem,
        target.parallel_maintenance_workers,
    );
    pg_finish::set_maintenance(lease, memory, workers).await
}

/// Makes missing indexes, checks and triggers of a table that an earlier run has finished; gives why some
/// cannot be made.
///
/// # Errors
/// As [`finish`].
pub async fn make_missing(run: &Run, context: &TableContext<'_>) -> Result<Vec<Error>> {
    let objects = &context.plan.objects;
    if objects.indexes.is_empty() && objects.checks.is_empty() && objects.triggers.is_empty() {
        return Ok(Vec::new());
    }
    let mut lease = run.target.acquire().await?;
    set_maintenance(run, &lease).await?;
    make_indexes(run, &mut lease, context).await
}

/// Makes indexes, checks and triggers, each in a transaction of its own; existing ones are kept. Gives why
/// some cannot be made, each with the line that leaves it out.
async fn make_indexes(
    run: &Run,
    lease: &mut Lease,
    context: &TableContext<'_>,
) -> Result<Vec<Error>> {
    let mut unmade = Vec::new();
    for index in &context.plan.objects.indexes {
        stop_between_objects(run)?;
        let made = objects::make_index(lease, context, index).await;
        unmade.extend(or_unmade(run, made, context.plan, &index.source)?);
    }
    for check in &context.plan.objects.checks {
        stop_between_objects(run)?;
        let made = objects::make_check(lease, context, check).await;
        unmade.extend(or_unmade(run, made, context.plan, &check.source)?);
    }
    for trigger in &context.plan.objects.triggers {
        stop_between_objects(run)?;
        // The job asked for it by a key of its own, in which it is left out.
        objects::make_trigger(lease, context, trigger).await?;
    }
    Ok(unmade)
}

/// Why one object cannot be made, with the line that leaves it out; `None` if it was made.
///
/// # Errors
/// Those that are not the object's: a stop, a lost connection, a full disk.
pub fn or_unmade(
    run: &Run,
    made: Result<()>,
    plan: &TablePlan,
    source: &str,
) -> Result<Option<Error>> {
    match made {
        Ok(()) => Ok(None),
        Err(error) if !run.cancel.is_cancelled() && is_of_object(error.kind()) => {
            tracing::error!(kind = ?error.kind(), %error, "an index or constraint cannot be made");
            let line = format!(
                "; to do without it: tables.overrides.{}.without: [{source}]",
                plan.full_name()
            );
            Ok(Some(error.and(&line)))
        }
        Err(error) => Err(error),
    }
}

/// Rows, names or definitions that PostgreSQL refuses, rather than the state of the target or the run.
fn is_of_object(kind: Kind) -> bool {
    matches!(kind, Kind::TargetQuery | Kind::TargetExists | Kind::Value)
}

/// Refuses to begin another object while the run stops.
fn stop_between_objects(run: &Run) -> Result<()> {
    if run.cancel.is_cancelled() {
        return Err(Error::new(Kind::Stopped, "stopped between two indexes"));
    }
    Ok(())
}

/// What became of the visibility maps.
pub struct Vacuumed {
    /// What could not be vacuumed.
    pub omissions: Vec<Omission>,
    /// A stop came first; the same command does it again.
    pub stopped: bool,
}

/// Vacuums the tables that are done, so that their visibility maps are there for the first query. After all
/// loads: rows are marked as visible to all only if no older transaction is left.
pub async fn vacuum(run: &Run, tables: &[Arc<TableLoad>]) -> Vacuumed {
    let mut done = tables
        .iter()
        .filter(|table| table.progress.state() == TablePhase::Done)
        .collect::<Vec<_>>();
    done.sort_by_key(|table| Reverse(table.weight()));
    let work = stream::iter(done)
        .map(|table| async move {
            let target = &table.plan.target;
            let vacuumed =
                run.on_target(|lease| async move { pg_finish::vacuum(&lease, target).await });
            vacuumed.await.err().map(|error| Omission {
                table: table.plan.full_name(),
                object: "visibility map".to_owned(),
                reason: error.to_string(),
                text: None,
            })
        })
        .buffer_unordered(run.job.target.finish_connections)
        .filter_map(|omission| async move { omission })
        .collect::<Vec<_>>();
    let ended = finish_within_grace(&run.target, &run.cancel, Duration::ZERO, work).await;
    match ended {
        Ended::Whole(omissions) if !run.cancel.is_cancelled() => Vacuumed {
            omissions,
            stopped: false,
        },
        _ => Vacuumed {
            omissions: Vec::new(),
            stopped: true,
        },
    }
}

/// Records the cause of a failure with the table's state.
pub async fn record_failure(run: &Run, table: &TableLoad, text: &str) -> Result<()> {
    let lease = run.target.acquire().await?;
    state::set_failed(&lease, &table.key, run.id, text).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixtures::table;
    use crate::plan::object::CheckPlan;
    use crate::postgres::state::PartitionState;

    /// A count of an hour would hold off the ALTER TABLE, which waits for a minute.
    #[test]
    fn a_check_keeps_readers_out() {
        let load = table(1, &[PartitionState::Done]);
        assert!(!keeps_readers_out(&load.plan));
        let mut plan = load.plan.clone();
        plan.objects.checks.push(CheckPlan {
            name: "positive".into(),
            source: "positive".into(),
            expression: "v > 0".into(),
            valid: true,
        });
        assert!(keeps_readers_out(&plan));
    }
}
