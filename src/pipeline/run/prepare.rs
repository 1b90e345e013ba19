//! Makes tables ready to be loaded: their cut points, the records of their partitions, their DDL.

use std::cmp::Reverse;
use std::collections::HashMap;

use futures::stream::{self, StreamExt};

use crate::error::{Error, Result};
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

/// Tables that one statement looks for.
const CHECKED_AT_ONCE: usize = 500;

/// Tables that are recorded by one transaction and made by another: a kill or a table that fails costs
/// the work for this many at most.
const MADE_AT_ONCE: usize = 32;

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
    let fresh = fresh.collect::<Vec<_>>();
    let mut problems = Vec::new();
    for plans in fresh.chunks(CHECKED_AT_ONCE) {
        let checked =
            run.on_target(|target| async move { ddl::check_all(&target, plans, mode).await });
        problems.extend(checked.await?);
    }
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
    let found = stream::iter(plans)
        .map(|plan| async move {
            let known = records.get(&plan.full_name());
            let step = next_step(run, plan, known, search).await;
            (plan, stopped_error_if_stopping(&run.cancel, step))
        })
        .buffer_unordered(width(&run.job))
        .collect::<Vec<_>>()
        .await;
    let mut all = Prepared::default();
    let mut unmade = Vec::new();
    for (plan, step) in found {
        match step {
            Ok(Step::None) => one_table_more(run, search),
            Ok(Step::Later) => {
                one_table_more(run, search);
                all.late.push(plan.clone());
            }
            Ok(Step::Make { plan: made, slices }) => unmade.push(Unmade { plan, made, slices }),
            Err(error) => {
                one_table_more(run, search);
                all.unready.push(unready(plan, error));
            }
        }
    }
    let groups = stream::iter(unmade.chunks(MADE_AT_ONCE))
        .map(|group| make_group(run, group, search))
        .buffer_unordered(width(&run.job));
    let failed = groups.collect::<Vec<_>>().await;
    all.unready.extend(failed.into_iter().flatten());
    all.late.sort_by_key(|plan| Reverse(weight(plan)));
    all
}

fn one_table_more(run: &Run, search: CutSearch) {
    if search == CutSearch::Quick {
        run.progress.one_table_more();
    }
}

fn unready(plan: &TablePlan, error: Error) -> UnreadyTable {
    UnreadyTable {
        plan: plan.clone(),
        error: error.at_table(plan.full_name()),
    }
}

/// What a table still needs before it can be loaded.
enum Step<'a> {
    /// It is done.
    None,
    /// Its cut points take too long to wait for.
    Later,
    Make {
        plan: &'a TablePlan,
        /// Its partitions, if it is not recorded yet.
        slices: Option<Vec<Slice>>,
    },
}

/// A table that is to be made.
struct Unmade<'a> {
    /// As planned now.
    plan: &'a TablePlan,
    /// As it is made: as recorded, if it is.
    made: &'a TablePlan,
    /// Its partitions, if it is not recorded yet.
    slices: Option<Vec<Slice>>,
}

/// Finds the cut points of a new table: a step of its own, so that they are not found twice when only the
/// answer to a later step was lost.
async fn next_step<'a>(
    run: &Run,
    plan: &'a TablePlan,
    known: Option<&'a TableRecord>,
    search: CutSearch,
) -> Result<Step<'a>> {
    if let Some(record) = known {
        if record.state == TableStage::Done {
            return Ok(Step::None);
        }
        return Ok(Step::Make {
            plan: &record.plan,
            slices: None,
        });
    }
    let before = run.contact();
    let found = retry_cancellable(&run.job.transfer.retry, &run.cancel, || {
        find_slices(run, plan, search)
    });
    let found = run.watched(before, found.await);
    Ok(found?.map_or(Step::Later, |slices| Step::Make {
        plan,
        slices: Some(slices),
    }))
}

/// Records and makes the tables of a group together, or one by one if that fails: an odd table costs no
/// other one. Gives those that failed.
async fn make_group(run: &Run, group: &[Unmade<'_>], search: CutSearch) -> Vec<UnreadyTable> {
    let together = match group {
        [_] => false,
        _ => match make_together(run, group).await {
            Ok(()) => true,
            Err(error) => {
                tracing::debug!(%error, tables = group.len(), "tables are made one by one");
                false
            }
        },
    };
    let mut failed = Vec::new();
    for table in group {
        if !together {
            let made = stopped_error_if_stopping(&run.cancel, make_one(run, table).await);
            failed.extend(made.err().map(|error| unready(table.plan, error)));
        }
        one_table_more(run, search);
    }
    failed
}

/// Each step is tried again by itself: what was recorded is not recorded again when only the answer to a
/// later step was lost.
async fn make_together(run: &Run, group: &[Unmade<'_>]) -> Result<()> {
    let prints = group.iter().map(|table| fingerprint(table.made));
    let prints = prints.collect::<Vec<_>>();
    let new = group.iter().zip(&prints).filter_map(|(table, print)| {
        let slices = table.slices.as_deref()?;
        Some(state::NewTable {
            plan: table.made,
            fingerprint: print,
            slices,
        })
    });
    let new = &new.collect::<Vec<_>>();
    if !new.is_empty() {
        run.on_target(|mut target| async move {
            state::save_plans(&mut target, run.fence(), new).await
        })
        .await?;
    }
    let plans = &group.iter().map(|table| table.made).collect::<Vec<_>>();
    let (options, recorded) = (&table_options(run), new.len() < group.len());
    run.on_target(|mut target| async move {
        if recorded {
            state::reopen_all(&target, &run.job.name, plans).await?;
        }
        ddl::make_all(&mut target, run.fence(), plans, options).await
    })
    .await
}

async fn make_one(run: &Run, table: &Unmade<'_>) -> Result<()> {
    if let Some(slices) = &table.slices {
        save_plan(run, table.made, slices).await?;
    }
    make_table(run, table.made).await
}

fn table_options(run: &Run) -> ddl::TableOptions {
    ddl::TableOptions {
        mode: run.job.transfer.mode,
        unlogged: run.job.transfer.unlogged_load,
    }
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
    let options = &table_options(run);
    run.on_target(|mut target| async move {
        state::reopen(&target, key).await?;
        ddl::make(&mut target, key, run.id, plan, options).await
    })
    .await
}
