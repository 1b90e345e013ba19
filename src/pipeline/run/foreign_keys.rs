//! Foreign keys of the tables that are done: added in groups, then validated.

use std::collections::{BTreeSet, HashMap};

use futures::stream::{self, StreamExt};

use crate::error::{Error, Result};
use crate::pipeline::context::Run;
use crate::pipeline::load::finish;
use crate::pipeline::run::completed::CompletedObjects;
use crate::pipeline::run::done_tables::{DoneTable, collect_failures};
use crate::plan::object::ForeignKeyPlan;
use crate::postgres::objects::{self, NewKey};

/// Keys that one transaction adds: a kill or a key that fails costs the work for this many at most.
const ADDED_AT_ONCE: usize = 64;

/// A foreign key and its table.
type KeyOfTable<'a> = (&'a DoneTable, &'a ForeignKeyPlan);

/// Adds foreign keys, group after group: each locks two tables, and two keys that cross would wait for each
/// other. The keys of a group of which one cannot be added are added one by one.
///
/// # Errors
/// A stop. What cannot be added is kept with its table in `completed`.
pub async fn add_keys(
    run: &Run,
    tables: &[DoneTable],
    completed: &mut CompletedObjects,
) -> Result<()> {
    let small = tables
        .iter()
        .map(|table| (table.name.as_str(), table.small));
    let small: HashMap<&str, bool> = small.collect();
    let keys = tables
        .iter()
        .flat_map(|table| table.keys.iter().map(move |key| (table, key)));
    let keys = keys.collect::<Vec<KeyOfTable<'_>>>();
    for group in keys.chunks(ADDED_AT_ONCE) {
        let new = group.iter().map(|(table, key)| NewKey {
            plan: &table.plan,
            key,
            // Of both tables: the lock on the other one lasts as long.
            at_once: key.valid
                && table.small
                && small.get(key.referenced_source.as_str()) == Some(&true),
        });
        let added = add_together(run, &new.collect::<Vec<_>>()).await;
        for (at, (table, key)) in group.iter().enumerate() {
            if !added.contains(&at) {
                add_one(run, table, key, completed).await?;
            }
        }
    }
    Ok(())
}

/// Gives the positions of the keys that were added.
async fn add_together(run: &Run, keys: &[NewKey<'_>]) -> BTreeSet<usize> {
    if keys.len() < 2 {
        return BTreeSet::new();
    }
    let added = run.on_target(|mut target| async move {
        objects::add_foreign_keys(&mut target, run.fence(), keys).await
    });
    added.await.unwrap_or_else(|error| {
        tracing::debug!(%error, keys = keys.len(), "foreign keys are added one by one");
        BTreeSet::new()
    })
}

async fn add_one(
    run: &Run,
    table: &DoneTable,
    key: &ForeignKeyPlan,
    completed: &mut CompletedObjects,
) -> Result<()> {
    let context = &table.context(run);
    let added = run.on_target(|mut target| async move {
        objects::add_foreign_key(&mut target, context, key).await
    });
    let added = finish::or_unmade(run, added.await, &table.plan, &key.source);
    collect_failures(
        added.map(|unmade| unmade.into_iter().collect()),
        table,
        completed,
    )
}

/// Validates the foreign keys that are not valid yet, several tables at a time; the keys of one in turn,
/// because a validation locks out another one of the same table.
///
/// # Errors
/// A stop.
pub async fn validate_keys(
    run: &Run,
    tables: &[DoneTable],
    completed: &mut CompletedObjects,
) -> Result<()> {
    if tables.iter().all(|table| table.keys.is_empty()) {
        return Ok(());
    }
    let open = run.on_target(|target| async move { objects::unvalidated_keys(&target).await });
    let open = open.await?;
    let is_open = |table: &DoneTable, key: &ForeignKeyPlan| {
        let target = &table.plan.target;
        let name = (
            target.schema.clone(),
            target.table.clone(),
            key.name.clone(),
        );
        key.valid && open.contains(&name)
    };
    let open = tables.iter().map(|table| {
        let keys = table.keys.iter().filter(|key| is_open(table, key));
        (table, keys.collect::<Vec<_>>())
    });
    let open = open
        .filter(|(_, keys)| !keys.is_empty())
        .collect::<Vec<_>>();
    let outcomes = stream::iter(open)
        .map(|(table, keys)| async move { (table, validate_keys_of(run, table, &keys).await) })
        .buffer_unordered(run.job.target.pool.max_connections)
        .collect::<Vec<_>>()
        .await;
    for (table, outcome) in outcomes {
        collect_failures(outcome, table, completed)?;
    }
    Ok(())
}

/// Gives the keys that the rows do not meet.
async fn validate_keys_of(
    run: &Run,
    table: &DoneTable,
    keys: &[&ForeignKeyPlan],
) -> Result<Vec<Error>> {
    let context = &table.context(run);
    let mut unmade = Vec::new();
    for key in keys {
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
