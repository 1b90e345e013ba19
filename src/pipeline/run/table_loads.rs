//! Turns recorded tables into loads. A table that is wanted and has no record fails: no part of the
//! report would name it otherwise.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::config::job::VerifyLevel;
use crate::error::{Error, Kind, Result};
use crate::pipeline::context::{Run, TableLoad, UnreadyTable};
use crate::pipeline::run::resume::by_table_name;
use crate::plan::layout::row_layout;
use crate::plan::table::TablePlan;
use crate::postgres::state::{self, TableKey, TableRecord, TableStage};
use crate::report::progress::TablePhase;

/// Turns the recorded tables into loads, in the state in which they are now: those of `plans` that are
/// not `left_out`, because they could not be made ready or come later. Gives the tables that have no
/// record beside them.
///
/// # Errors
/// The state cannot be read, or is of columns that this version cannot write.
pub async fn from_state(
    run: &Run,
    plans: &[TablePlan],
    left_out: impl Iterator<Item = &TablePlan>,
) -> Result<(Vec<Arc<TableLoad>>, Vec<UnreadyTable>)> {
    let job = &run.job.name;
    let records = run.on_target(|target| async move { state::load(&target, job).await });
    let records = records.await?;
    let left_out: HashSet<_> = left_out.map(TablePlan::full_name).collect();
    let wanted = plans
        .iter()
        .filter(|plan| !left_out.contains(&plan.full_name()));
    let (found, missing) = match_up(wanted, by_table_name(records));
    for UnreadyTable { error, .. } in &missing {
        tracing::error!(%error, "a table cannot be loaded");
    }
    let loads = found.into_iter().map(|record| from_record(run, record));
    Ok((loads.collect::<Result<_>>()?, missing))
}

/// The same for one table: a job may have thousands of others on record.
///
/// # Errors
/// As [`from_state`], and [`Kind::Checkpoint`] if the table has no record.
pub async fn from_state_of(run: &Run, plan: &TablePlan) -> Result<Arc<TableLoad>> {
    let key = &TableKey::for_plan(&run.job.name, plan);
    let record = run.on_target(|target| async move { state::load_one(&target, key).await });
    let record = record.await?.ok_or_else(|| no_record(plan))?;
    from_record(run, current(record, plan))
}

/// The records of the plans, and the plans that have none.
fn match_up<'a>(
    plans: impl Iterator<Item = &'a TablePlan>,
    mut records: HashMap<String, TableRecord>,
) -> (Vec<TableRecord>, Vec<UnreadyTable>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for plan in plans {
        match records.remove(&plan.full_name()) {
            Some(record) => found.push(current(record, plan)),
            None => missing.push(UnreadyTable {
                plan: plan.clone(),
                error: no_record(plan),
            }),
        }
    }
    (found, missing)
}

fn no_record(plan: &TablePlan) -> Error {
    Error::new(
        Kind::Checkpoint,
        "the table's record in schema _migrate is gone: it was deleted since this run made it",
    )
    .advise(
        "remove what was loaded of the table before another run, which would load it from the beginning.",
    )
    .at_table(plan.full_name())
}

/// Rows are loaded as they were planned when the load began; what is made after them, and said of it,
/// follows the job as it is now, so that an operator can leave out what cannot be made.
fn current(mut record: TableRecord, plan: &TablePlan) -> TableRecord {
    record.plan.objects.clone_from(&plan.objects);
    record.plan.notes.clone_from(&plan.notes);
    record
}

/// Turns a recorded table into a load.
///
/// # Errors
/// Its columns are such that this version cannot write them.
pub fn from_record(run: &Run, record: TableRecord) -> Result<Arc<TableLoad>> {
    let name = record.plan.full_name();
    let done = record.state == TableStage::Done;
    let layout = row_layout(&record.plan, &run.job)
        .map_err(|error| error.at_table(&name))?
        .with_checksums(run.job.verify == VerifyLevel::Checksums);
    let progress = run.progress.add_table(name, record.plan.estimated_rows);
    let load = TableLoad::new(&run.job, &run.cancel, record, layout, progress);
    if done {
        load.progress.set_state(TablePhase::Done);
    }
    Ok(load)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixtures::keyed;
    use crate::plan::object::CheckPlan;

    fn named(name: &str) -> TablePlan {
        TablePlan {
            name: name.to_owned(),
            ..keyed(1, 1)
        }
    }

    fn recorded(name: &str) -> TableRecord {
        TableRecord {
            plan: named(name),
            fingerprint: String::new(),
            state: TableStage::Created,
            created: true,
            rows: 0,
            bytes: 0,
            error: None,
            partitions: Vec::new(),
        }
    }

    #[test]
    fn every_wanted_table_is_a_load_or_fails() {
        let mut one = named("One");
        one.objects.checks.push(CheckPlan {
            name: "positive".into(),
            source: "positive".into(),
            expression: "v > 0".into(),
            valid: true,
        });
        let two = named("Two");
        let records = by_table_name(vec![recorded("One"), recorded("Other")]);
        let (found, missing) = match_up([&one, &two].into_iter(), records);
        assert_eq!(found.len(), 1);
        // As it is planned now.
        assert_eq!(found[0].plan, one);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].plan, two);
        assert_eq!(missing[0].error.kind(), Kind::Checkpoint);
        assert_eq!(
            missing[0].error.place().table.as_deref(),
            Some(two.full_name().as_str())
        );
    }
}
