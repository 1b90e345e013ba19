//! Statements about databases, schemas and types.

use std::sync::Arc;

use crate::engine::collate;
use crate::engine::ddl::work::moment;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::{Name, fold, same_name};
use crate::engine::model::state::{Database, Schema, State, random_guid};
use crate::engine::parse::statement::Statement;
use crate::engine::procedure::types::create_type;

/// Statements about whole databases, schemas and types.
pub(crate) fn server_statement(
    facts: &Facts,
    state: &mut State,
    statement: &Statement,
) -> Result<()> {
    match statement {
        Statement::CreateDatabase { name, collation } => {
            create_database(facts, state, name, collation.as_deref())
        }
        Statement::AlterDatabase { name, settings } => {
            alter_database(facts, state, name.as_deref(), settings)
        }
        Statement::DropDatabase { names, if_exists } => {
            for name in names {
                if state.databases.remove(&fold(name)).is_none() && !if_exists {
                    let message = format!(
                        "Cannot drop the database '{name}', because it does not exist or you do not have permission."
                    );
                    return Err(error(3701, 11, message));
                }
            }
            Ok(())
        }
        Statement::CreateSchema(name) => create_schema(facts, state, name),
        Statement::DropSchema { name, if_exists } => drop_schema(facts, state, name, *if_exists),
        Statement::CreateType { name, ty, nullable } => {
            create_type(facts, state, name, ty, *nullable)
        }
        Statement::DropType { name, if_exists } => drop_type(facts, state, name, *if_exists),
        Statement::CreateFullTextCatalog(name) => {
            let database = state.database_mut(&facts.database)?;
            Arc::make_mut(&mut database.full_text)
                .catalogs
                .push(name.clone());
            Ok(())
        }
        other => Err(unsupported(format!("the statement {other:?}"))),
    }
}

fn create_schema(facts: &Facts, state: &mut State, name: &str) -> Result<()> {
    let database = state.database_mut(&facts.database)?;
    if database.schema_id(name).is_some() {
        return Err(error(
            2714,
            16,
            format!("There is already an object named '{name}' in the database."),
        ));
    }
    let id = database.schemas.iter().map(|s| s.id).max().unwrap_or(4) + 1;
    Arc::make_mut(&mut database.schemas).push(Schema {
        id,
        name: name.to_owned(),
    });
    Ok(())
}

fn drop_schema(facts: &Facts, state: &mut State, name: &str, if_exists: bool) -> Result<()> {
    let database = state.database_mut(&facts.database)?;
    let Some(id) = database.schema_id(name) else {
        return if if_exists {
            Ok(())
        } else {
            Err(error(
                15151,
                16,
                format!(
                    "Cannot drop the schema '{name}', because it does not exist or you do not have permission."
                ),
            ))
        };
    };
    if database.names.keys().any(|(schema, _)| *schema == id) {
        return Err(error(
            3729,
            16,
            format!("Cannot drop schema '{name}' because it is being referenced by an object."),
        ));
    }
    Arc::make_mut(&mut database.schemas).retain(|s| s.id != id);
    Ok(())
}

fn drop_type(facts: &Facts, state: &mut State, name: &Name, if_exists: bool) -> Result<()> {
    let database = state.database_mut(&facts.database)?;
    let before = database.types.len();
    Arc::make_mut(&mut database.types).retain(|t| !same_name(&t.name, &name.name));
    if database.types.len() == before && !if_exists {
        return Err(error(
            218,
            16,
            format!(
                "Could not find the type '{name}'. Either it does not exist or you do not have the necessary permission."
            ),
        ));
    }
    Ok(())
}

fn create_database(
    facts: &Facts,
    state: &mut State,
    name: &str,
    collation: Option<&str>,
) -> Result<()> {
    if state.databases.contains_key(&fold(name)) {
        return Err(error(
            1801,
            16,
            format!("Database '{name}' already exists. Choose a different database name."),
        ));
    }
    let collation = collation.map_or_else(|| Ok(collate::default_collation()), collate::find)?;
    let id = state.next_database;
    state.next_database += 1;
    state.databases.insert(
        fold(name),
        Arc::new(Database::new(id, name, collation, moment(facts))),
    );
    Ok(())
}

fn alter_database(
    facts: &Facts,
    state: &mut State,
    name: Option<&str>,
    settings: &[Vec<String>],
) -> Result<()> {
    let database = state.database_mut(name.unwrap_or(&facts.database))?;
    for setting in settings {
        let words: Vec<String> = setting.iter().map(|w| w.to_ascii_uppercase()).collect();
        let on = words.last().is_some_and(|w| w == "ON");
        match words.first().map(String::as_str) {
            Some("READ_ONLY") => database.read_only = true,
            Some("READ_WRITE") => database.read_only = false,
            Some("ALLOW_SNAPSHOT_ISOLATION") => database.snapshot_isolation = on,
            Some("NEW_BROKER") => database.guid = random_guid(),
            Some("READ_COMMITTED_SNAPSHOT") => database.read_committed_snapshot = on,
            Some(
                "RECOVERY"
                | "SINGLE_USER"
                | "MULTI_USER"
                | "AUTO_CLOSE"
                | "AUTO_SHRINK"
                | "COMPATIBILITY_LEVEL"
                | "PAGE_VERIFY"
                | "AUTO_UPDATE_STATISTICS"
                | "AUTO_CREATE_STATISTICS"
                | "ANSI_NULLS"
                | "QUOTED_IDENTIFIER"
                | "DISABLE_BROKER"
                | "ENABLE_BROKER"
                | "DELAYED_DURABILITY"
                | "QUERY_STORE"
                | "TRUSTWORTHY"
                | "ANSI_NULL_DEFAULT"
                | "ANSI_PADDING"
                | "ANSI_WARNINGS"
                | "ARITHABORT"
                | "CONCAT_NULL_YIELDS_NULL"
                | "NUMERIC_ROUNDABORT"
                | "RECURSIVE_TRIGGERS"
                | "CURSOR_CLOSE_ON_COMMIT"
                | "CURSOR_DEFAULT"
                | "DATE_CORRELATION_OPTIMIZATION"
                | "PARAMETERIZATION"
                | "HONOR_BROKER_PRIORITY"
                | "DB_CHAINING"
                | "ACCELERATED_DATABASE_RECOVERY"
                | "OPTIMIZED_LOCKING",
            ) => {}
            other => {
                return Err(unsupported(format!(
                    "ALTER DATABASE ... SET {}",
                    other.unwrap_or_default()
                )));
            }
        }
    }
    Ok(())
}
