//! Makes tables ready to be loaded: their cut points, the records of their partitions, their DDL.

use std::cmp::Reverse;
use std::collections::HashMap;

use futures::stream::{self, StreamExt};

use crate::error::Result;
use crate::pipeline::context::{Run, UnreadyTable, weight};
use crate::pipeline::load::cut_points::CutFinder;
use crate::pipeline::retry::{retry_cancellable, stopped_error_if_stopping};
use crate::pipeline::survey::{all_as_one, width};
use crate::plan::fingerprint::fingerprint;
use crate::plan::slices::slices;
use crate::plan::table::{Slice, TablePlan};
use crate::postgres::ddl;
use crate::postgres::scratch;
use crate::postgres::state::{self, TableKey, TableRecord, TableStage};

/// Refuses, before anything is written, tables that the job's mode does not allow to touch.
///
/// # Errors
/// All of them as one error.
pub async fn refuse_existing(
    run: &Run,
    plans: &[TablePlan],
    records: &HashMap<String, TableRecord>,
) -> Result<()> {
    let mode = run.job.transfer.mode;
    let fresh = plans.iter().filter(|plan| {
        records
            .get(&plan.full_name())
            .is_none_or(|record| !record.created)
    });
    let problems = stream::iter(fresh)
        .map(|plan| async move {
            let checked =
                run.on_target(|target| async move { ddl::check(&target, plan, mode).await });
            let checked = checked.await;
            checked.map_err(|error| error.at_table(plan.full_name()))
        })
        .buffer_unordered(width(&run.job))
        .filter_map(|checked| async move { checked.err() })
        .collect::<Vec<_>>()
        .await;
    if problems.is_empty() {
        Ok(())
    } else {
        Err(all_as_one(problems))
    }
}

/// Which cut points tables wait for. Those that an index has to be read for take minutes if it is
/// large, and other tables can be loaded meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutSearch {
    /// Tables that need such cut points are left for later.
    Quick,
    /// All of them.
    Any,
}

/// Makes the partitions of a new table; `None` if it is left for later.
async fn find_slices(run: &Run, plan: &TablePlan, search: CutSearch) -> Result<Option<Vec<Slice>>> {
    let found = match plan.strategy.ranges() {
        Some(key) if plan.asks_for_cuts() => {
            let finder = CutFinder::for_table(run.job.transfer.consistency, plan, key);
            let mut source = run.source.acquire().await?;
            match search {
                CutSearch::Quick => finder.quick_cuts(&mut source).await?,
                CutSearch::Any => Some(finder.first_cuts(&mut source).await?),
            }
        }
        _ => Some(Vec::new()),
    };
    Ok(found.map(|cuts| slices(plan, cuts)))
}

/// What became of the tables that were to be made ready: those that are not mentioned are.
#[derive(Default)]
pub struct Prepared {
    /// Tables that failed, or that a stop came before.
    pub unready: Vec<UnreadyTable>,
    /// Not tried, see [`CutSearch::Quick`]; the largest first.
    pub late: Vec<TablePlan>,
}

/// Drops what a killed `tune` of the job left. It takes space and hinders nothing, so an error is
/// logged.
async fn drop_samples(run: &Run) {
    let dropped = async {
        let mut target = run.target.acquire().await?;
        scratch::drop_left_behind(&mut target, &run.job.name).await
    };
    if let Err(error) = dropped.await {
        tracing::warn!(%error, "the scratch table of a killed tune was not dropped");
    }
}

/// Records and makes every table that is not recorded yet, several at a time. Before the first tables
/// of a run, what a killed `tune` left is dropped.
pub async fn prepare(
    run: &Run,
    plans: &[TablePlan],
    records: &HashMap<String, TableRecord>,
    search: CutSearch,
) -> Prepared {
    if search == CutSearch::Quick {
        drop_samples(run).await;
    }
    let made = stream::iter(plans)
        .map(|plan| async move {
            let known = records.get(&plan.full_name());
            let outcome = prepare_one(run, plan, known, search).await;
            let outcome = stopped_error_if_stopping(&run.cancel, outcome);
            if search == CutSearch::Quick {
                run.progress.one_table_more();
            }
            (plan, outcome)
        })
        .buffer_unordered(width(&run.job))
        .collect::<Vec<_>>()
        .await;
    let mut all = Prepared::default();
    for (plan, outcome) in made {
        match outcome {
            Ok(Readiness::Ready) => {}
            Ok(Readiness::Later) => all.late.push(plan.clone()),
            Err(error) => all.unready.push(UnreadyTable {
                plan: plan.clone(),
                error: error.at_table(plan.full_name()),
            }),
        }
    }
    all.late.sort_by_key(|plan| Reverse(weight(plan)));
    all
}

/// Whether a table can be loaded now.
enum Readiness {
    Ready,
    /// Its cut points take too long to wait for.
    Later,
}

/// Each step is tried again by itself: cut points that took long to find are not found twice, and what
/// was recorded is not recorded again when only the answer to a later step was lost.
async fn prepare_one(
    run: &Run,
    plan: &TablePlan,
    known: Option<&TableRecord>,
    search: CutSearch,
) -> Result<Readiness> {
    if known.is_some_and(|record| record.state == TableStage::Done) {
        return Ok(Readiness::Ready);
    }
    if known.is_none() {
        let found = retry_cancellable(&run.job.transfer.retry, &run.cancel, || {
            find_slices(run, plan, search)
        });
        let Some(slices) = found.await? else {
            return Ok(Readiness::Later);
        };
        save_plan(run, plan, &slices).await?;
    }
    make_table(run, known.map_or(plan, |record| &record.plan)).await?;
    Ok(Readiness::Ready)
}

/// Records the plan of a new table with its partitions.
async fn save_plan(run: &Run, plan: &TablePlan, slices: &[Slice]) -> Result<()> {
    let print = fingerprint(plan);
    let print = print.as_str();
    run.on_target(|mut target| async move {
        state::save_plan(&mut target, run.fence(), plan, print, slices).await
    })
    .await
}

/// Makes the table, or takes over the one that is there, as the mode says. A table that failed before is
/// put back into the state that its record proves.
async fn make_table(run: &Run, plan: &TablePlan) -> Result<()> {
    let key = &TableKey::for_plan(&run.job.name, plan);
    let options = &ddl::TableOptions {
        mode: run.job.transfer.mode,
        unlogged: run.job.transfer.unlogged_load,
    };
    run.on_target(|mut target| async move {
        state::reopen(&target, key).await?;
        ddl::make(&mut target, key, run.id, plan, options).await
    })
    .await
}
