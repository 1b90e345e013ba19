//! The steps of a run that change the target: tables are made, loaded and completed, then compared.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt};

use crate::config::job::VerifyLevel;
use crate::error::{Error, Kind, Result};
use crate::pipeline::context::{Run, TableLoad, UnreadyTable};
use crate::pipeline::hooks::{self, HookContext, Moment};
use crate::pipeline::load::finish;
use crate::pipeline::load::workers::{self, LateTables};
use crate::pipeline::retry::stopped_error_if_stopping;
use crate::pipeline::run::completed::{CompletedObjects, FailuresByTable, unmade_error};
use crate::pipeline::run::data::RunData;
use crate::pipeline::run::prepare::{self, CutSearch};
use crate::pipeline::run::session::{TOO_EARLY, begin_step};
use crate::pipeline::run::{drift, schema_objects, table_loads};
use crate::pipeline::shutdown::{Ended, cancel_on_stop, finish_within_grace};
use crate::pipeline::verify;
use crate::plan::table::TablePlan;
use crate::postgres::state;
use crate::report::progress::TablePhase;
use crate::report::verify::VerifyReport;

/// Tables whose index is read for cut points at a time, beside those that are being loaded: each holds
/// one of the source's connections for minutes, and one is left to load.
const CUT_AT_A_TIME: usize = 2;

/// Makes, loads and completes the tables, and compares them if the job asks for it.
///
/// # Errors
/// What concerns no single table; nothing else is begun then.
pub async fn load(run: &Arc<Run>, data: &mut RunData) -> Result<()> {
    hooks::check(&run.job)?;
    call_hook(run, Moment::BeforeLoad).await?;
    begin_step(&run.progress, 3, "finding cut points and making tables");
    let prepared = prepare_tables(run, data);
    let late = cancel_on_stop(&run.target, &run.cancel, TOO_EARLY, prepared).await?;
    begin_step(&run.progress, 4, "loading");
    load_tables(run, data, &late).await?;
    let unmade = data
        .tables
        .iter()
        .map(|table| (table.plan.full_name(), table.take_unmade()));
    let unmade = unmade.filter(|(_, errors)| !errors.is_empty()).collect();
    data.objects = complete(run, data, unmade).await?;
    if run.job.transfer.vacuum {
        tracing::info!("vacuuming");
        let vacuumed = finish::vacuum(run, &data.tables).await;
        data.objects.omissions.extend(vacuumed.omissions);
        data.objects.stopped |= vacuumed.stopped;
    }
    if !run.cancel.is_cancelled() && all_done(data) {
        data.ended_by = call_hook(run, Moment::AfterTables).await.err();
        // A stop is no failure: the next run calls the hook.
        data.ended_by.take_if(|error| error.kind() == Kind::Stopped);
    }
    data.verification = compare(run, &data.tables).await;
    begin_step(&run.progress, 7, "recording the outcome");
    for table in &data.tables {
        if let Some(errors) = data.objects.failures.remove(&table.plan.full_name()) {
            table.fail(unmade_error(errors));
        }
    }
    Ok(())
}

async fn call_hook(run: &Run, moment: Moment) -> Result<()> {
    let context = HookContext {
        run_id: Some(run.id.0.to_string()),
        outcome: None,
    };
    hooks::call(&run.job, moment, &run.target, &context, &run.cancel).await
}

/// Every table is done, and every object that was to be made is there or left out.
fn all_done(data: &RunData) -> bool {
    let mut tables = data.tables.iter();
    data.unready.is_empty()
        && data.objects.failures.is_empty()
        && tables.all(|table| table.progress.state() == TablePhase::Done)
}

/// Makes the tables that are not there yet. Gives those that are made while others are loaded.
async fn prepare_tables(run: &Arc<Run>, data: &mut RunData) -> Result<Vec<TablePlan>> {
    let planned = &data.survey.planned;
    let (plans, drifted) = drift::check(run, &planned.tables, &mut data.state).await?;
    prepare::refuse_existing(run, &plans, &data.state.records).await?;
    schema_objects::make_before_load(run, planned, &data.state).await?;
    run.progress.expect_tables(plans.len());
    let prepared = prepare::prepare(run, &plans, &data.state.records, CutSearch::Quick).await;
    let mut unready = prepared.unready;
    record_unready(run, &unready).await;
    // What is recorded of these stays as it is: it is what the table once held.
    unready.extend(drifted);
    let unready_plans = unready.iter().map(|table| &table.plan);
    let left_out = unready_plans.chain(&prepared.late);
    let (tables, missing) = table_loads::from_state(run, &planned.tables, left_out).await?;
    unready.extend(missing);
    data.tables = tables;
    data.unready = unready;
    Ok(prepared.late)
}

/// Loads the tables of `data` and the `late` ones, which join it.
async fn load_tables(run: &Arc<Run>, data: &mut RunData, late: &[TablePlan]) -> Result<()> {
    let open = data
        .tables
        .iter()
        .filter(|table| table.progress.state() != TablePhase::Done);
    let open = open.cloned().collect::<Vec<_>>();
    let cut_at_a_time = CUT_AT_A_TIME.min(run.job.source.pool.max_connections - 1);
    let coming = stream::iter(late)
        .map(|plan| prepare_late(run, plan))
        .buffer_unordered(cut_at_a_time.max(1));
    for came in workers::load_tables(run, &open, coming).await? {
        data.tables.extend(came.tables);
        data.unready.extend(came.unready);
    }
    let stopped = never_prepared(late, data);
    data.unready.extend(stopped);
    Ok(())
}

/// The late tables that a stop came before.
fn never_prepared(late: &[TablePlan], data: &RunData) -> Vec<UnreadyTable> {
    let came = data.tables.iter().map(|table| table.plan.full_name());
    let came = came.chain(data.unready.iter().map(|table| table.plan.full_name()));
    let came = came.collect::<HashSet<_>>();
    let left = late.iter().filter(|plan| !came.contains(&plan.full_name()));
    left.map(|plan| UnreadyTable {
        plan: plan.clone(),
        error: Error::new(Kind::Stopped, TOO_EARLY),
    })
    .collect()
}

/// Makes a table ready that others do not wait for. An error is this table's alone, as the others are
/// being loaded.
async fn prepare_late(run: &Arc<Run>, plan: &TablePlan) -> LateTables {
    let plans = std::slice::from_ref(plan);
    let prepared = prepare::prepare(run, plans, &HashMap::new(), CutSearch::Any).await;
    let mut unready = prepared.unready;
    let mut tables = Vec::new();
    if unready.is_empty() {
        let load = table_loads::from_state_of(run, plan).await;
        match stopped_error_if_stopping(&run.cancel, load) {
            Ok(load) => tables.push(load),
            Err(error) => unready.push(UnreadyTable {
                plan: plan.clone(),
                error: error.at_table(plan.full_name()),
            }),
        }
    }
    record_unready(run, &unready).await;
    LateTables { tables, unready }
}

/// Makes foreign keys, sequences and views, unless an earlier run has made all of them.
async fn complete(run: &Run, data: &RunData, unmade: FailuresByTable) -> Result<CompletedObjects> {
    if data.state.objects_complete {
        return Ok(CompletedObjects::default());
    }
    if run.cancel.is_cancelled() {
        return Ok(CompletedObjects {
            failures: unmade,
            stopped: true,
            ..CompletedObjects::default()
        });
    }
    begin_step(&run.progress, 5, "making foreign keys and views");
    schema_objects::make_after_load(run, &data.survey.planned, &data.state, unmade).await
}

/// Compares the tables that are done; `None` if the job does not ask for it or a stop came first.
async fn compare(run: &Run, tables: &[Arc<TableLoad>]) -> Option<VerifyReport> {
    if run.job.verify == VerifyLevel::None || run.cancel.is_cancelled() {
        return None;
    }
    let name = match run.job.verify {
        VerifyLevel::Checksums => "comparing checksums",
        VerifyLevel::None | VerifyLevel::Counts => "comparing row counts",
    };
    begin_step(&run.progress, 6, name);
    let done = tables
        .iter()
        .filter(|table| table.progress.state() == TablePhase::Done);
    let done = done.collect::<Vec<_>>();
    let compared = verify::compare(run, &done);
    match finish_within_grace(&run.target, &run.cancel, Duration::ZERO, compared).await {
        Ended::Whole(report) => report,
        Ended::Cancelled(_) => None,
    }
}

/// Records the tables as failed; those that only a stop kept from being made are left as they are.
async fn record_unready(run: &Run, unready: &[UnreadyTable]) {
    for UnreadyTable { plan, error } in unready
        .iter()
        .filter(|table| table.error.kind() != Kind::Stopped)
    {
        tracing::error!(kind = ?error.kind(), %error, "a table could not be made ready");
        let key = state::TableKey::for_plan(&run.job.name, plan);
        let recorded = async {
            let lease = run.target.acquire().await?;
            state::set_failed(&lease, &key, run.id, &error.to_string()).await
        };
        if let Err(error) = recorded.await {
            tracing::warn!(%error, "the failure could not be recorded; the report has it");
        }
    }
}
