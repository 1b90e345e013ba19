//! Makes tables ready to be loaded: their cut points, the records of their partitions, their DDL.

use std::cmp::Reverse;
use std::collections::HashMap;

use futures::stream::{self, StreamExt};

use crate::error::Result;
use crate::pipeline::context::{Run, Unready, weight};
use crate::pipeline::load::cut_points::CutFinder;
use crate::pipeline::retry::{retry_cancellable, retry_to_completion, stopped_error_if_stopping};
use crate::pipeline::survey::{together, width};
use crate::plan::fingerprint::fingerprint;
use crate::plan::slices::slices;
use crate::plan::table::{Slice, TablePlan};
use crate::postgres::ddl;
use crate::postgres::scratch;
use crate::postgres::state::{self, TableKey, TableRecord, TableStage};

/// Refuses, before anything is written, tables that the job's mode does not allow to touch.
pub async fn refuse_existing(
    run: &Run,
    plans: &[TablePlan],
    records: &HashMap<String, TableRecord>,
) -> Result<()> {
    let fresh = plans.iter().filter(|plan| {
        records
            .get(&plan.full_name())
            .is_none_or(|record| !record.created)
    });
    let problems = stream::iter(fresh)
        .map(|plan| async move {
            let retry = &run.job.transfer.retry;
            let checked = retry_to_completion(retry, &run.cancel, || check_target(run, plan)).await;
            checked.map_err(|error| error.at_table(plan.full_name()))
        })
        .buffer_unordered(width(&run.job))
        .filter_map(|checked| async move { checked.err() })
        .collect::<Vec<_>>()
        .await;
    if problems.is_empty() {
        Ok(())
    } else {
        Err(together(problems))
    }
}

async fn check_target(run: &Run, plan: &TablePlan) -> Result<()> {
    let target = run.target.acquire().await?;
    ddl::check(&target, plan, run.job.transfer.mode).await
}

/// What tables are not held up for: cuts that an index has to be read for take minutes where it is
/// large, and other tables can be loaded meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cuts {
    /// Tables that need such cuts are left for later.
    Quick,
    Any,
}

/// The partitions of a new table; `None` where it is left for later.
async fn find_slices(run: &Run, plan: &TablePlan, cuts: Cuts) -> Result<Option<Vec<Slice>>> {
    let found = match plan.strategy.ranges() {
        Some(key) if plan.asks_for_cuts() => {
            let look = CutFinder::whole(run.job.transfer.consistency, plan, key);
            let mut source = run.source.acquire().await?;
            match cuts {
                Cuts::Quick => look.quick_cuts(&mut source).await?,
                Cuts::Any => Some(look.first_cuts(&mut source).await?),
            }
        }
        _ => Some(Vec::new()),
    };
    Ok(found.map(|cuts| slices(plan, cuts)))
}

/// Records the plan of a new table with its partitions.
async fn save_plan(run: &Run, plan: &TablePlan, slices: &[Slice]) -> Result<()> {
    let mut target = run.target.acquire().await?;
    let print = fingerprint(plan);
    state::save_plan(&mut target, &run.job.name, run.id, (plan, &print), slices).await
}

/// What became of the tables that were to be made ready: those that are not mentioned are.
#[derive(Default)]
pub struct Readiness {
    pub unready: Vec<Unready>,
    /// Not tried, see [`Cuts::Quick`]; the largest first.
    pub later: Vec<TablePlan>,
}

/// What a killed `tune` of the job left takes space and is in nobody's way.
async fn drop_samples(run: &Run) {
    let dropped = async {
        let mut target = run.target.acquire().await?;
        scratch::drop_left_behind(&mut target, &run.job.name).await
    };
    if let Err(error) = dropped.await {
        tracing::warn!(%error, "the scratch table of a killed tune is left behind");
    }
}

/// Records and makes every table that is not recorded yet, several at a time. Before the first of a
/// run, what a killed `tune` left is dropped.
pub async fn make_ready(
    run: &Run,
    plans: &[TablePlan],
    records: &HashMap<String, TableRecord>,
    cuts: Cuts,
) -> Readiness {
    if cuts == Cuts::Quick {
        drop_samples(run).await;
    }
    let made = stream::iter(plans)
        .map(|plan| async move {
            let known = records.get(&plan.full_name());
            let outcome = make_one(run, plan, known, cuts).await;
            let outcome = stopped_error_if_stopping(&run.cancel, outcome);
            if cuts == Cuts::Quick {
                run.progress.one_table_more();
            }
            (plan, outcome)
        })
        .buffer_unordered(width(&run.job))
        .collect::<Vec<_>>()
        .await;
    let mut all = Readiness::default();
    for (plan, outcome) in made {
        match outcome {
            Ok(true) => {}
            Ok(false) => all.later.push(plan.clone()),
            Err(error) => {
                let error = error.at_table(plan.full_name());
                all.unready.push((plan.clone(), error));
            }
        }
    }
    all.later.sort_by_key(|plan| Reverse(weight(plan)));
    all
}

/// Each step is tried again by itself: cuts that were dear to find are not found twice, and what was
/// recorded is not recorded anew when only the answer to a later step was lost.
async fn make_one(
    run: &Run,
    plan: &TablePlan,
    known: Option<&TableRecord>,
    cuts: Cuts,
) -> Result<bool> {
    if known.is_some_and(|record| record.state == TableStage::Done) {
        return Ok(true);
    }
    let (retry, cancel) = (&run.job.transfer.retry, &run.cancel);
    if known.is_none() {
        let found = retry_cancellable(retry, cancel, || find_slices(run, plan, cuts)).await?;
        let Some(slices) = found else {
            return Ok(false);
        };
        retry_to_completion(retry, cancel, || save_plan(run, plan, &slices)).await?;
    }
    let plan = known.map_or(plan, |record| &record.plan);
    retry_to_completion(retry, cancel, || make(run, plan)).await?;
    Ok(true)
}

async fn make(run: &Run, plan: &TablePlan) -> Result<()> {
    let key = TableKey::for_plan(&run.job.name, plan);
    let mut target = run.target.acquire().await?;
    state::reopen(&target, &key).await?;
    let making = ddl::TableOptions {
        mode: run.job.transfer.mode,
        unlogged: run.job.transfer.unlogged_load,
    };
    ddl::make(&mut target, &key, run.id, plan, &making).await
}
