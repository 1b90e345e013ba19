//! Extended properties: added, changed and dropped at every level.

use std::sync::Arc;

use crate::engine::error::{Result, error, syntax};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::same_name;
use crate::engine::model::state::{Database, ExtendedProperty, State};
use crate::engine::procedure::argument::Arguments;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Add,
    Update,
    Drop,
}

/// What a property belongs to: class, major and minor id.
type Place = (u8, i32, i32);

/// `sp_addextendedproperty`, `sp_updateextendedproperty`, `sp_dropextendedproperty`.
///
/// # Errors
/// 15135 for an object that is not there, 15233 for a property that is, 15217 for one that is not.
pub(super) fn change(
    facts: &Facts,
    state: &mut State,
    arguments: &Arguments,
    change: Change,
) -> Result<()> {
    let name = arguments
        .text("@name", 0)
        .ok_or_else(|| syntax("extended property"))?;
    // A property that is dropped has no value among its arguments.
    let from = if change == Change::Drop { 1 } else { 2 };
    let value = if change == Change::Drop {
        String::new()
    } else {
        arguments.text("@value", 1).unwrap_or_default()
    };
    let level = |n: usize| {
        let kind = arguments.text(&format!("@level{n}type"), from + 2 * n);
        let named = arguments.text(&format!("@level{n}name"), from + 2 * n + 1);
        kind.zip(named).map(|(k, n)| (k.to_ascii_uppercase(), n))
    };
    let levels = [level(0), level(1), level(2)];
    let database = state.database_mut(&facts.database)?;
    let place = place(database, &levels).ok_or_else(|| {
        error(
            15135,
            16,
            "Object is invalid. Extended properties are not permitted on the object, or the object does not exist.",
        )
    })?;
    let is = |p: &ExtendedProperty| {
        (p.class, p.major_id, p.minor_id) == place && same_name(&p.name, &name)
    };
    let properties = Arc::make_mut(&mut database.properties);
    let found = properties.iter().position(is);
    match (change, found) {
        (Change::Add, Some(_)) => {
            let message = format!(
                "Property cannot be added. Property '{name}' already exists for the object specified."
            );
            return Err(error(15233, 16, message));
        }
        (Change::Add, None) => properties.push(ExtendedProperty {
            class: place.0,
            major_id: place.1,
            minor_id: place.2,
            name,
            value,
        }),
        (Change::Update, Some(at)) => properties[at].value = value,
        (Change::Drop, Some(at)) => {
            properties.remove(at);
        }
        (_, None) => {
            let message = format!(
                "Property cannot be updated or deleted. Property '{name}' does not exist for the object specified."
            );
            return Err(error(15217, 16, message));
        }
    }
    Ok(())
}

fn place(database: &Database, levels: &[Option<(String, String)>; 3]) -> Option<Place> {
    let Some((kind, first)) = &levels[0] else {
        return Some((0, 0, 0));
    };
    match kind.as_str() {
        "SCHEMA" | "USER" => {}
        "FILEGROUP" => return same_name(first, "PRIMARY").then_some((20, 1, 0)),
        // A trigger of the database has no schema of its own: it is kept in dbo.
        "TRIGGER" => return Some((1, database.object_id("dbo", first)?, 0)),
        _ => return None,
    }
    let schema_id = database.schema_id(first)?;
    let Some((kind, name)) = &levels[1] else {
        return Some((3, schema_id, 0));
    };
    if kind == "TYPE" {
        let ty = database
            .user_type(name)
            .filter(|t| t.schema_id == schema_id)?;
        return Some((6, ty.user_type_id, 0));
    }
    let id = database.object_id(first, name)?;
    let Some((kind, part)) = &levels[2] else {
        return Some((1, id, 0));
    };
    match kind.as_str() {
        "COLUMN" => Some((1, id, column_id(database, id, part)?)),
        "INDEX" => {
            let table = database.tables.get(&id)?;
            let index = table.indexes.iter().find(|i| same_name(&i.name, part))?;
            Some((7, id, index.id))
        }
        "CONSTRAINT" | "TRIGGER" => Some((1, database.object_id(first, part)?, 0)),
        _ => None,
    }
}

fn column_id(database: &Database, object: i32, name: &str) -> Option<i32> {
    if let Some(table) = database.tables.get(&object) {
        return table.column(name).map(|at| table.columns[at].id);
    }
    let module = database.modules.get(&object)?;
    let column = module.columns.iter().find(|c| same_name(&c.name, name));
    column.map(|c| c.id)
}
