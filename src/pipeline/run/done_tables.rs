//! What tables still need when they are done: missing indexes, foreign keys, suspended constraints.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, StreamExt};

use crate::error::{Error, Kind, Result};
use crate::pipeline::context::Run;
use crate::pipeline::load::finish;
use crate::pipeline::retry::retry_to_completion;
use crate::pipeline::run::completed::CompletedObjects;
use crate::pipeline::run::resume::JobState;
use crate::plan::build::Planned;
use crate::plan::fingerprint::fingerprint;
use crate::plan::object::ForeignKeyPlan;
use crate::plan::table::TablePlan;
use crate::postgres::counter;
use crate::postgres::objects::{self, TableContext};
use crate::postgres::state::{self, SuspendedConstraint, TableKey, TableRecord, TableStage};
use crate::report::Omission;

/// A table that is done, with the foreign keys whose other end is done too.
pub struct DoneTable {
    /// Full name at the source, as `dbo.Posts`.
    name: String,
    key: TableKey,
    plan: TablePlan,
    /// Foreign keys whose other end is done too.
    keys: Vec<ForeignKeyPlan>,
    /// It was done before this run, which may plan more indexes and checks than the one that
    /// finished it.
    was_done: bool,
    /// The state holds a cause of an earlier run.
    had_error: bool,
}

impl DoneTable {
    fn context(&self, run: &Run) -> TableContext<'_> {
        TableContext {
            table: &self.key,
            run: run.id,
            plan: &self.plan,
        }
    }
}

/// Tables as planned now, and tables that only an earlier run loaded as planned then: a foreign key may
/// wait for a table that `--table` named later.
pub fn from_records(
    run: &Run,
    planned: &Planned,
    records: HashMap<String, TableRecord>,
    before: &JobState,
    omissions: &mut Vec<Omission>,
) -> Vec<DoneTable> {
    let done: HashSet<String> = records
        .iter()
        .filter(|(_, record)| record.state == TableStage::Done)
        .map(|(name, _)| name.clone())
        .collect();
    let mut tables = Vec::new();
    let by_name = TablePlan::by_name(&planned.tables);
    for (name, record) in records {
        if !done.contains(&name) {
            continue;
        }
        let now = by_name.get(&name).copied();
        let former = before.records.get(&name);
        let mut was_done = now.is_some() && former.is_some_and(|it| it.state == TableStage::Done);
        if let Some(plan) = now.filter(|plan| was_done && fingerprint(plan) != record.fingerprint) {
            was_done = false;
            omissions.push(reshaped(plan));
        }
        let plan = now.cloned().unwrap_or(record.plan);
        let all = plan.objects.foreign_keys.iter();
        let (keys, waiting): (Vec<_>, Vec<_>) = all
            .cloned()
            .partition(|key| done.contains(&key.referenced_source));
        omissions.extend(waiting.iter().map(|key| Omission {
            table: name.clone(),
            object: format!("foreign key {}", key.source),
            reason: format!(
                "{} is not done: the run that completes it makes the key",
                key.referenced_source
            ),
            text: None,
        }));
        tables.push(DoneTable {
            name,
            key: TableKey::for_plan(&run.job.name, &plan),
            plan,
            keys,
            was_done,
            had_error: record.error.is_some(),
        });
    }
    tables.sort_by(|one, other| one.name.cmp(&other.name));
    tables
}

/// A table that is done stays as it was loaded, and new columns are not there for new indexes.
fn reshaped(now: &TablePlan) -> Omission {
    Omission {
        table: now.full_name(),
        object: "the table as it is at the source now".to_owned(),
        reason: "its columns were changed since it was loaded, and it stays as it was then: \
                 --restart loads it again"
            .to_owned(),
        text: None,
    }
}

/// Makes missing indexes and checks of tables that an earlier run finished, several tables at a time.
pub async fn make_all_missing(
    run: &Run,
    tables: &[DoneTable],
    completed: &mut CompletedObjects,
) -> Result<()> {
    let outcomes = stream::iter(tables.iter().filter(|table| table.was_done))
        .map(|table| async move { (table, make_missing(run, table).await) })
        .buffer_unordered(run.job.target.pool.max_connections)
        .collect::<Vec<_>>()
        .await;
    for (table, outcome) in outcomes {
        collect_failures(outcome, table, completed)?;
    }
    Ok(())
}

async fn make_missing(run: &Run, table: &DoneTable) -> Result<Vec<Error>> {
    let context = table.context(run);
    retry_to_completion(&run.job.transfer.retry, &run.cancel, || {
        finish::make_missing(run, &context)
    })
    .await
}

/// Adds foreign keys one after the other: each locks two tables, and two keys that cross would wait for
/// each other.
pub async fn add_keys(
    run: &Run,
    tables: &[DoneTable],
    completed: &mut CompletedObjects,
) -> Result<()> {
    for table in tables {
        let context = &table.context(run);
        for key in &table.keys {
            let added = run.on_target(|mut target| async move {
                objects::add_foreign_key(&mut target, context, key).await
            });
            let added = finish::or_unmade(run, added.await, &table.plan, &key.source);
            let added = added.map(|unmade| unmade.into_iter().collect());
            collect_failures(added, table, completed)?;
        }
    }
    Ok(())
}

/// Validates the foreign keys that were added, several tables at a time; the keys of one in turn, because
/// a validation locks out another one of the same table.
pub async fn validate_keys(
    run: &Run,
    tables: &[DoneTable],
    completed: &mut CompletedObjects,
) -> Result<()> {
    let outcomes = stream::iter(tables)
        .map(|table| async move { (table, validate_keys_of(run, table).await) })
        .buffer_unordered(run.job.target.pool.max_connections)
        .collect::<Vec<_>>()
        .await;
    for (table, outcome) in outcomes {
        collect_failures(outcome, table, completed)?;
    }
    Ok(())
}

/// Gives the keys that the rows do not meet.
async fn validate_keys_of(run: &Run, table: &DoneTable) -> Result<Vec<Error>> {
    let context = &table.context(run);
    let mut unmade = Vec::new();
    for key in table.keys.iter().filter(|key| key.valid) {
        let validated = run.on_target(|mut target| async move {
            objects::validate_foreign_key(&mut target, context, key).await
        });
        unmade.extend(finish::or_unmade(
            run,
            validated.await,
            &table.plan,
            &key.source,
        )?);
    }
    Ok(unmade)
}

/// Restores suspended constraints from what was kept of them: the plan may not have them any more. What
/// must stay off is listed.
pub async fn restore_all(
    run: &Run,
    tables: &[DoneTable],
    completed: &mut CompletedObjects,
) -> Result<()> {
    let job = &run.job.name;
    let suspended =
        run.on_target(|target| async move { state::suspended_constraints(&target, job).await });
    let done = |name: &str| tables.iter().find(|table| table.name == name);
    for constraint in &suspended.await? {
        let own = done(&constraint.full_name());
        let other = constraint.refers_to.as_deref();
        match own.filter(|_| other.is_none_or(|other| done(other).is_some())) {
            Some(table) => {
                let context = &table.context(run);
                let restored = run.on_target(|mut target| async move {
                    objects::restore(&mut target, context, constraint).await
                });
                let restored = restored.await.map(|()| Vec::new());
                collect_failures(restored, table, completed)?;
            }
            // Listed as a key that waits for its other end.
            None if own.is_some_and(|table| is_planned(table, constraint)) => {}
            _ => {
                let off = run.on_target(|mut target| async move {
                    objects::is_suspended(&mut target, run.fence(), constraint).await
                });
                if off.await? {
                    completed.omissions.push(still_suspended(constraint));
                }
            }
        }
    }
    Ok(())
}

fn is_planned(table: &DoneTable, constraint: &SuspendedConstraint) -> bool {
    let mut planned = table.plan.objects.foreign_keys.iter();
    planned.any(|key| key.name == constraint.name)
}

fn still_suspended(constraint: &SuspendedConstraint) -> Omission {
    let until = if constraint.restore_after_load {
        "it was dropped for the load, and the run that completes the tables restores it"
    } else {
        "it was dropped for the table to be replaced, which has not happened"
    };
    Omission {
        table: constraint.full_name(),
        object: format!("constraint {}", constraint.name),
        reason: format!(
            "{until}; by hand: {}",
            objects::restore_statement(constraint)
        ),
        text: None,
    }
}

/// A stop ends the step; any other error is its table's.
fn collect_failures(
    outcome: Result<Vec<Error>>,
    table: &DoneTable,
    completed: &mut CompletedObjects,
) -> Result<()> {
    let errors = match outcome {
        Ok(errors) => errors,
        Err(error) if matches!(error.kind(), Kind::Stopped | Kind::JobHeld) => return Err(error),
        Err(error) => {
            tracing::error!(kind = ?error.kind(), %error, "an index or constraint could not be made");
            vec![error]
        }
    };
    if !errors.is_empty() {
        let failures = completed.failures.entry(table.name.clone());
        failures.or_default().extend(errors);
    }
    Ok(())
}

/// Records what each table lacks as the cause in its state, or removes a cause that no longer holds.
pub async fn record_causes(
    run: &Run,
    tables: &[DoneTable],
    completed: &CompletedObjects,
) -> Result<()> {
    for table in tables {
        let errors = completed.failures.get(&table.name);
        if errors.is_none() && !table.had_error {
            continue;
        }
        let text = errors.map(|errors| {
            let texts = errors.iter().map(ToString::to_string);
            texts.collect::<Vec<_>>().join("\n")
        });
        let (key, text) = (&table.key, text.as_deref());
        run.on_target(|target| async move { state::set_cause(&target, key, text).await })
            .await?;
    }
    Ok(())
}

/// Identities continue after the source's last value. Rows with later values, inserted with
/// IDENTITY_INSERT, get a note.
pub async fn note_collisions(
    run: &Run,
    tables: &[DoneTable],
    completed: &mut CompletedObjects,
) -> Result<()> {
    for table in tables {
        let plan = &table.plan;
        let found = run.on_target(|target| async move { counter::collisions(&target, plan).await });
        for one in found.await? {
            let note = format!(
                "identity {}: the next value is {}, as at the source, and the table holds values up to {}: an INSERT that is given one of those fails; renumber those rows, or continue after them with SELECT setval('{}', {})",
                one.column,
                one.next,
                one.furthest,
                one.sequence.replace('\'', "''"),
                one.furthest
            );
            completed.notes.push((table.name.clone(), note));
        }
    }
    Ok(())
}
