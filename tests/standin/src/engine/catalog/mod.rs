//! The catalog: `sys` views and INFORMATION_SCHEMA as rows made from the state.

mod build;
mod constraints;
mod histogram;
mod indexes;
mod objects;
mod partitions;
mod schema;
mod security;
mod server;
pub(crate) mod stored;

use crate::engine::error::{Result, invalid_object};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::types::Value;

pub(crate) use crate::engine::catalog::build::{View, system_view};

/// The catalog view of that name, if the name is one of the catalog's.
///
/// # Errors
/// 208 for a name in `sys` or INFORMATION_SCHEMA that is not there.
pub(crate) fn view(facts: &Facts, name: &Name) -> Result<Option<View>> {
    let schema = name
        .schema
        .as_deref()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let view = name.name.to_ascii_lowercase();
    // The old system tables need no schema: `sysobjects`, `dbo.sysobjects`.
    let compatibility = matches!(
        view.as_str(),
        "sysobjects" | "sysindexes" | "sysdatabases" | "sysusers" | "syscolumns"
    );
    match schema.as_str() {
        "sys" => {}
        "information_schema" => return schema::view(facts, name, &view),
        "" | "dbo" if compatibility => {}
        _ => return Ok(None),
    }
    let database = facts.database_of(name)?;
    let rights = facts.rights(database);
    security::refuse(database, &rights, &view)?;
    let found = objects::view(facts, database, &view)
        .or_else(|| security::view(database, &rights, &view))
        .or_else(|| indexes::view(facts, database, &view))
        .or_else(|| constraints::view(facts, database, &view))
        .or_else(|| server::view(facts, &view));
    match found {
        Some(found) => {
            let mut found = found.finish();
            security::limit(&mut found, &rights, &view);
            Ok(Some(found))
        }
        None => Err(invalid_object(name)),
    }
}

/// The rows of a function of the catalog, if the name is that of one.
pub(crate) fn function(facts: &Facts, name: &Name, arguments: &[Value]) -> Result<Option<View>> {
    let sys = name
        .schema
        .as_deref()
        .is_some_and(|s| s.eq_ignore_ascii_case("sys"));
    if !sys || !name.name.eq_ignore_ascii_case("dm_db_stats_histogram") {
        return Ok(None);
    }
    let database = facts.database_of(name)?;
    Ok(Some(histogram::of_arguments(database, arguments).finish()))
}
