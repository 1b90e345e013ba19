//! DROP of modules, sequences and synonyms, and triggers that are switched on and off.

use std::sync::Arc;

use crate::engine::ddl::module::object_of;
use crate::engine::ddl::work::place;
use crate::engine::error::{Result, error};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::object::{Module, ModuleKind};
use crate::engine::model::state::{Database, State};

/// DROP of anything but a table, index, type or schema.
pub(crate) fn drop_object(
    facts: &Facts,
    state: &mut State,
    kind: &str,
    name: &Name,
    if_exists: bool,
) -> Result<()> {
    let (database, name) = place(facts, state, name)?;
    let word = if kind == "PROC" { "PROCEDURE" } else { kind };
    let found = object_of(database, &name).filter(|id| match word {
        "SEQUENCE" => database.sequences.contains_key(id),
        "SYNONYM" => database.synonyms.contains_key(id),
        word => database
            .modules
            .get(id)
            .is_some_and(|m| m.kind.word() == word),
    });
    let Some(id) = found else {
        if if_exists {
            return Ok(());
        }
        let message = format!(
            "Cannot drop the {} '{name}', because it does not exist or you do not have permission.",
            word.to_lowercase()
        );
        return Err(error(3701, 11, message));
    };
    if let Some(sequence) = database.sequences.get(&id) {
        refuse_used(database, &sequence.name)?;
    }
    let modules: Vec<i32> = database.modules.keys().copied().collect();
    database.modules.remove(&id);
    database.sequences.remove(&id);
    database.synonyms.remove(&id);
    database.modules.retain(|_, m| m.parent != id);
    let left: Vec<i32> = database.modules.keys().copied().collect();
    let triggers = |n: &i32| modules.contains(n) && !left.contains(n);
    Arc::make_mut(&mut database.names).retain(|_, named| *named != id && !triggers(named));
    Arc::make_mut(&mut database.properties).retain(|p| p.class != 1 || p.major_id != id);
    Ok(())
}

/// A sequence that a default uses stays.
fn refuse_used(database: &Database, sequence: &str) -> Result<()> {
    let wanted = format!("[{}]", sequence.replace(']', "]]"));
    for table in database.tables.values() {
        for default in table.columns.iter().filter_map(|c| c.default.as_ref()) {
            let uses = default
                .definition
                .split("NEXT VALUE FOR ")
                .skip(1)
                .any(|rest| rest.trim_end_matches(')').ends_with(&wanted));
            if uses {
                let message = format!(
                    "Cannot DROP SEQUENCE '{sequence}' because it is being referenced by object '{}'.",
                    default.name
                );
                return Err(error(3729, 16, message));
            }
        }
    }
    Ok(())
}

/// Switches the triggers of a table (or, with parent 0, of the database) on or off.
pub(crate) fn enable_triggers(
    database: &mut Database,
    parent: i32,
    names: &[String],
    on: bool,
) -> Result<()> {
    let wanted = |m: &Module| {
        m.kind == ModuleKind::Trigger
            && m.parent == parent
            && (names.is_empty() || names.iter().any(|n| same_name(n, &m.name)))
    };
    let found: Vec<i32> = database
        .modules
        .values()
        .filter(|m| wanted(m))
        .map(|m| m.object_id)
        .collect();
    if found.len() < names.len() {
        let message = format!("Could not find the trigger '{}'.", names.join(", "));
        return Err(error(4917, 16, message));
    }
    for id in found {
        if let Some(module) = database.modules.get_mut(&id) {
            Arc::make_mut(module).disabled = !on;
        }
    }
    Ok(())
}
