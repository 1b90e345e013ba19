//! ALTER INDEX and DROP INDEX.

use std::sync::Arc;

use crate::engine::ddl::work::{Work, place, table_id};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::Facts;
use crate::engine::model::index::IndexKind;
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::ForeignKey;

pub(crate) fn alter_index(
    facts: &Facts,
    state: &mut State,
    index: Option<&str>,
    table: &Name,
    rebuild: bool,
) -> Result<()> {
    let (database, name) = place(facts, state, table)?;
    let object_id = table_id(database, &name)?;
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    let mut found = index.is_none();
    let mut keys = Vec::new();
    for i in &mut work.table().indexes {
        if index.is_none_or(|n| same_name(n, &i.name)) {
            if !rebuild && i.id == 1 {
                return Err(unsupported("disabling a clustered index"));
            }
            i.disabled = !rebuild;
            if !rebuild && i.unique {
                keys.push(i.keys.iter().map(|k| k.0).collect::<Vec<_>>());
            }
            found = true;
        }
    }
    if !found {
        return Err(error(
            2727,
            11,
            format!("Cannot find index '{}'.", index.unwrap_or_default()),
        ));
    }
    work.rebuild()?;
    disable_referring(work.database, object_id, &keys);
    Ok(())
}

/// Disabling a unique index disables the foreign keys that rest on it ("Disable indexes and
/// constraints").
pub(crate) fn disable_referring(database: &mut Database, target: i32, keys: &[Vec<i32>]) {
    let rests = |k: &ForeignKey| {
        k.target == target
            && keys.iter().any(|key| {
                key.len() == k.target_columns.len()
                    && k.target_columns.iter().all(|c| key.contains(c))
            })
    };
    let referring: Vec<i32> = database
        .tables
        .values()
        .filter(|t| t.foreign_keys.iter().any(rests))
        .map(|t| t.object_id)
        .collect();
    for id in referring {
        let Some(table) = database.table_mut(id) else {
            continue;
        };
        for key in Arc::make_mut(&mut table.foreign_keys)
            .iter_mut()
            .filter(|k| rests(k))
        {
            (key.disabled, key.trusted) = (true, false);
        }
    }
}

pub(crate) fn drop_index(
    facts: &Facts,
    state: &mut State,
    index: &str,
    table: &Name,
    if_exists: bool,
) -> Result<()> {
    let (database, name) = place(facts, state, table)?;
    let object_id = table_id(database, &name)?;
    let stored = database.table_mut(object_id).expect("found above");
    let Some(at) = stored
        .indexes
        .iter()
        .position(|i| same_name(&i.name, index))
    else {
        if if_exists {
            return Ok(());
        }
        return Err(error(
            3701,
            11,
            format!(
                "Cannot drop the index '{table}.{index}', because it does not exist or you do not have permission."
            ),
        ));
    };
    if stored.indexes[at].kind != IndexKind::Plain {
        return Err(error(
            3723,
            16,
            format!(
                "An explicit DROP INDEX is not allowed on index '{table}.{index}'. It is being used for PRIMARY KEY constraint enforcement."
            ),
        ));
    }
    let id = stored.indexes[at].id;
    let (table_schema, name) = (stored.object_id, stored.indexes[at].name.clone());
    let mut work = Work {
        facts,
        database,
        object_id: table_schema,
    };
    work.remove_index(&name);
    Arc::make_mut(&mut database.properties)
        .retain(|p| p.class != 7 || p.major_id != object_id || p.minor_id != id);
    Ok(())
}
