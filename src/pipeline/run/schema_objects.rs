//! Schema objects other than tables. Before the load: collations, domains, sequences and the functions
//! that read no table, and constraints that would refuse rows are suspended. After it: foreign keys,
//! suspended constraints, the sequences' next values, views and the other functions.

use crate::config::job::Mode;
use crate::error::{Error, Kind, Result};
use crate::pipeline::context::Run;
use crate::pipeline::run::completed::{CompletedObjects, FailuresByTable};
use crate::pipeline::run::resume::{JobState, by_table_name};
use crate::pipeline::run::views::{make_functions_for_tables, make_views};
use crate::pipeline::run::{done_tables, foreign_keys};
use crate::pipeline::shutdown::{Ended, STOP_GRACE, finish_within_grace};
use crate::plan::build::Planned;
use crate::plan::table::TablePlan;
use crate::postgres::objects;
use crate::postgres::state::{self, TableStage};

/// Tables whose constraints one transaction suspends.
const SUSPENDED_AT_ONCE: usize = 32;

/// Makes what tables need before they are made, and suspends what would refuse their rows.
///
/// # Errors
/// The first: without them no table can be made.
pub async fn make_before_load(run: &Run, planned: &Planned, state: &JobState) -> Result<()> {
    let fence = run.fence();
    for plan in &planned.collations {
        run.on_target(|mut target| async move {
            objects::make_collation(&mut target, fence, plan).await
        })
        .await?;
    }
    let makes_tables = matches!(run.job.transfer.mode, Mode::Create | Mode::Replace);
    for plan in planned.domains.iter().filter(|_| makes_tables) {
        run.on_target(
            |mut target| async move { objects::make_domain(&mut target, fence, plan).await },
        )
        .await?;
    }
    for plan in &planned.sequences {
        run.on_target(|mut target| async move {
            objects::make_sequence(&mut target, fence, plan).await
        })
        .await?;
    }
    make_functions_for_tables(run, planned).await?;
    match run.job.transfer.mode {
        Mode::Create => Ok(()),
        Mode::Replace => drop_obstacles(run, planned, state).await,
        Mode::Truncate | Mode::Append => suspend_constraints(run, planned, state).await,
    }
}

/// Drops foreign keys among the tables that are to be replaced, and views on them: they would keep each
/// from being dropped alone.
async fn drop_obstacles(run: &Run, planned: &Planned, state: &JobState) -> Result<()> {
    let made = |plan: &&TablePlan| {
        let record = state.records.get(&plan.full_name());
        record.is_none_or(|record| !record.created)
    };
    let replaced: Vec<_> = planned.tables.iter().filter(made).cloned().collect();
    if replaced.is_empty() {
        return Ok(());
    }
    let (replaced, fence) = (&replaced, run.fence());
    run.on_target(|mut target| async move {
        for view in planned.views.iter().rev() {
            objects::drop_view(&mut target, fence, view).await?;
        }
        objects::drop_keys_between(&mut target, fence, replaced).await
    })
    .await
}

async fn suspend_constraints(run: &Run, planned: &Planned, state: &JobState) -> Result<()> {
    let done = |name: &str| {
        let record = state.records.get(name);
        record.is_some_and(|record| record.state == TableStage::Done)
    };
    let plans = planned.tables.iter();
    let plans = plans.map(|plan| with_obstacles_only(plan, done));
    let plans = plans
        .filter(|plan| !plan.objects.foreign_keys.is_empty() || !plan.objects.checks.is_empty());
    let plans = plans.collect::<Vec<_>>();
    let plans = plans.iter().collect::<Vec<_>>();
    for group in plans.chunks(SUSPENDED_AT_ONCE) {
        if let Err(error) = suspend(run, group).await {
            tracing::debug!(%error, "constraints are suspended table by table");
            for plan in group {
                suspend(run, std::slice::from_ref(plan)).await?;
            }
        }
    }
    Ok(())
}

async fn suspend(run: &Run, plans: &[&TablePlan]) -> Result<()> {
    run.on_target(
        |mut target| async move { objects::suspend(&mut target, run.fence(), plans).await },
    )
    .await
}

/// The plan with only those constraints that rows still to come can meet: a table that is done gets no
/// more rows, but the tables that it refers to may.
fn with_obstacles_only(plan: &TablePlan, done: impl Fn(&str) -> bool) -> TablePlan {
    let mut plan = plan.clone();
    if done(&plan.full_name()) {
        let keys = &mut plan.objects.foreign_keys;
        keys.retain(|key| !done(&key.referenced_source));
        plan.objects.checks.clear();
    }
    plan
}

/// Makes what is missing of all tables that are done, foreign keys last, restores suspended
/// constraints, continues sequences, and makes views. `failures` are those of tables that were finished
/// just now.
///
/// # Errors
/// What concerns no table: the state cannot be read, a sequence cannot be set.
pub async fn make_after_load(
    run: &Run,
    planned: &Planned,
    before: &JobState,
    failures: FailuresByTable,
) -> Result<CompletedObjects> {
    let work = make_all_after_load(run, planned, before, failures);
    let outcome = match finish_within_grace(&run.target, &run.cancel, STOP_GRACE, work).await {
        Ended::Whole(outcome) => outcome,
        // What its statements say then is not their failure.
        Ended::Cancelled(_) => Err(Error::new(
            Kind::Stopped,
            "stopped while foreign keys and views were made",
        )),
    };
    match outcome {
        Err(error) if error.kind() == Kind::Stopped || run.cancel.is_cancelled() => {
            tracing::debug!(%error, "not finished; the next run continues");
            Ok(CompletedObjects {
                stopped: true,
                ..CompletedObjects::default()
            })
        }
        other => other,
    }
}

async fn make_all_after_load(
    run: &Run,
    planned: &Planned,
    before: &JobState,
    failures: FailuresByTable,
) -> Result<CompletedObjects> {
    let (job, fence) = (&run.job.name, run.fence());
    let records = run.on_target(|target| async move { state::load(&target, job).await });
    let records = records.await?;
    let mut completed = CompletedObjects {
        failures,
        ..CompletedObjects::default()
    };
    let tables = done_tables::from_records(
        run,
        planned,
        by_table_name(records),
        before,
        &mut completed.omissions,
    );
    done_tables::make_all_missing(run, &tables, &mut completed).await?;
    foreign_keys::add_keys(run, &tables, &mut completed).await?;
    foreign_keys::validate_keys(run, &tables, &mut completed).await?;
    done_tables::restore_all(run, &tables, &mut completed).await?;
    done_tables::record_causes(run, &tables, &completed).await?;
    done_tables::note_collisions(run, &tables, &mut completed).await?;
    for plan in &planned.sequences {
        run.on_target(|mut target| async move {
            objects::continue_sequence(&mut target, fence, plan).await
        })
        .await?;
    }
    completed.omissions.extend(make_views(run, planned).await?);
    Ok(completed)
}
