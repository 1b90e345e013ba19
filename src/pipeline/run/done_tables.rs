//! What tables still need when they are done: missing indexes, foreign keys, suspended constraints.

use std::collections::{BTreeSet, HashMap, HashSet};

use futures::stream::{self, StreamExt};

use crate::error::{Error, Kind, Result};
use crate::pipeline::context::Run;
use crate::pipeline::load::finish;
use crate::pipeline::retry::retry_to_completion;
use crate::pipeline::run::completed::CompletedObjects;
use crate::pipeline::run::resume::JobState;
use crate::pipeline::small::is_small;
use crate::plan::build::Planned;
use crate::plan::fingerprint::is_same_shape;
use crate::plan::object::ForeignKeyPlan;
use crate::plan::table::TablePlan;
use crate::postgres::counter;
use crate::postgres::objects::{self, TableContext};
use crate::postgres::state::{self, SuspendedConstraint, TableKey, TableRecord, TableStage};
use crate::report::Omission;

/// Tables that one statement asks about.
const ASKED_AT_ONCE: usize = 100;

/// Constraints that one transaction restores.
const RESTORED_AT_ONCE: usize = 64;

/// A table that is done, with the foreign keys whose other end is done too.
pub struct DoneTable {
    /// Full name at the source, as `dbo.Posts`.
    pub(super) name: String,
    pub(super) key: TableKey,
    pub(super) plan: TablePlan,
    /// Foreign keys whose other end is done too.
    pub(super) keys: Vec<ForeignKeyPlan>,
    /// Few rows: its keys are made with those of others.
    pub(super) small: bool,
    /// It was done before this run, which may plan more indexes and checks than the one that
    /// finished it.
    was_done: bool,
    /// The state holds a cause of an earlier run.
    had_error: bool,
}

impl DoneTable {
    pub(super) fn context(&self, run: &Run) -> TableContext<'_> {
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
        let changed = |plan: &&TablePlan| !is_same_shape(&record.fingerprint, &record.plan, plan);
        if let Some(plan) = now.filter(|plan| was_done && changed(plan)) {
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
            small: is_small(record.rows, record.bytes),
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
    let suspended = suspended.await?;
    let by_name = tables.iter().map(|table| (table.name.as_str(), table));
    let by_name: HashMap<&str, &DoneTable> = by_name.collect();
    let done = |name: &str| by_name.get(name).copied();
    // What is restored in groups, and one by one.
    let (mut small, mut others) = (Vec::new(), Vec::new());
    for constraint in &suspended {
        let own = done(&constraint.full_name());
        let other = constraint.refers_to.as_deref().map(done);
        match (own, other) {
            (Some(own), Some(Some(other))) if own.small && other.small => {
                small.push((own, constraint));
            }
            (Some(own), None) if !constraint.restore_after_load => small.push((own, constraint)),
            (Some(own), None | Some(Some(_))) => others.push((own, constraint)),
            // Listed as a key that waits for its other end.
            (Some(own), Some(None)) if is_planned(own, constraint) => {}
            _ => list_if_off(run, constraint, completed).await?,
        }
    }
    for group in small.chunks(RESTORED_AT_ONCE) {
        let restored = restore_together(run, group).await;
        let rest = group.iter().enumerate();
        let rest = rest.filter(|(at, _)| !restored.contains(at));
        others.extend(rest.map(|(_, one)| *one));
    }
    for (table, constraint) in others {
        let context = &table.context(run);
        let restored = run.on_target(|mut target| async move {
            objects::restore(&mut target, context, constraint).await
        });
        let restored = restored.await.map(|()| Vec::new());
        collect_failures(restored, table, completed)?;
    }
    Ok(())
}

/// Gives the positions of the constraints that were restored.
async fn restore_together(
    run: &Run,
    group: &[(&DoneTable, &SuspendedConstraint)],
) -> BTreeSet<usize> {
    let all = group.iter().map(|(table, one)| (&table.plan, *one));
    let all = &all.collect::<Vec<_>>();
    let restored = run.on_target(|mut target| async move {
        objects::restore_all(&mut target, run.fence(), all).await
    });
    restored.await.unwrap_or_else(|error| {
        tracing::debug!(%error, "constraints are restored one by one");
        BTreeSet::new()
    })
}

/// Lists a constraint that cannot be restored yet, unless it is on again.
async fn list_if_off(
    run: &Run,
    constraint: &SuspendedConstraint,
    completed: &mut CompletedObjects,
) -> Result<()> {
    let off = run.on_target(|mut target| async move {
        objects::is_suspended(&mut target, run.fence(), constraint).await
    });
    if off.await? {
        completed.omissions.push(still_suspended(constraint));
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
pub(super) fn collect_failures(
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
    for tables in tables.chunks(ASKED_AT_ONCE) {
        let plans = &tables.iter().map(|table| &table.plan).collect::<Vec<_>>();
        let found =
            run.on_target(|target| async move { counter::collisions(&target, plans).await });
        for (at, one) in found.await? {
            let note = format!(
                "identity {}: the next value is {}, as at the source, and the table holds values up to {}: an INSERT that is given one of those fails; renumber those rows, or continue after them with SELECT setval('{}', {})",
                one.column,
                one.next,
                one.furthest,
                one.sequence.replace('\'', "''"),
                one.furthest
            );
            completed.notes.push((tables[at].name.clone(), note));
        }
    }
    Ok(())
}
