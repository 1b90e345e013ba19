//! Views, procedures, functions and triggers: kept by their text; views can be read.

use std::sync::Arc;

use crate::engine::datatype;
use crate::engine::ddl::work::{moment, place};
use crate::engine::error::{Result, error, invalid_object};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::object::{Body, Module, ModuleKind, Synonym};
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::{ColumnDef, GeneratedAlways};
use crate::engine::parse::definition::CreateModule;
use crate::engine::query::bind::{Binder, Output};
use crate::types::SqlError;

/// Keeps a module. The message tells what of it cannot be run here.
pub(crate) fn create_module(
    facts: &Facts,
    state: &mut State,
    create: &CreateModule,
) -> Result<Option<String>> {
    let (body, columns) = view_body(facts, create)?;
    let returns = match &create.returns {
        Some(ty) => Some(facts.resolve_type(ty, false)?.0),
        None => None,
    };
    let (database, name) = place(facts, state, &create.name)?;
    let schema = name.schema.as_deref().unwrap_or("dbo");
    let schema_id = schema_of(database, schema)?;
    let parent = match &create.parent {
        Some(parent) => object_of(database, parent).ok_or_else(|| {
            let message =
                format!("The object '{parent}' does not exist or is invalid for this operation.");
            error(8197, 16, message)
        })?,
        None => 0,
    };
    let old = database
        .object_id(schema, &name.name)
        .filter(|id| database.modules.contains_key(id));
    if create.must_exist && old.is_none() {
        return Err(invalid_object(&name));
    }
    let object_id = match old.filter(|_| create.replace) {
        Some(id) => id,
        None => {
            let id = database.new_object();
            database.claim(schema_id, &name.name, id)?;
            id
        }
    };
    let refers = create
        .refers
        .iter()
        .filter(|n| object_of(database, n).is_some_and(|id| id != object_id))
        .cloned()
        .collect();
    let told = match (&body, create.kind) {
        (Body::Query(_), _) => None,
        (Body::Refused(e), _) => Some(format!(
            "The stand-in server keeps VIEW '{name}' but cannot read it: {}",
            e.message
        )),
        (Body::None, kind) => Some(format!(
            "The stand-in server keeps {} '{name}' but does not run it.",
            kind.word()
        )),
    };
    let module = Module {
        object_id,
        schema_id,
        name: name.name.clone(),
        kind: create.kind,
        parent,
        disabled: false,
        definition: create.text.clone(),
        body,
        columns,
        returns,
        refers,
        created: moment(facts),
    };
    database.modules.insert(object_id, Arc::new(module));
    Ok(told)
}

fn schema_of(database: &Database, schema: &str) -> Result<i32> {
    database.schema_id(schema).ok_or_else(|| {
        error(2760, 16, format!("The specified schema name \"{schema}\" either does not exist or you do not have permission to use it."))
    })
}

/// The id of the object that a name means.
pub(crate) fn object_of(database: &Database, name: &Name) -> Option<i32> {
    database.object_id(name.schema.as_deref().unwrap_or("dbo"), &name.name)
}

/// A view's query, bound once to see whether it can be run and what it yields.
fn view_body(facts: &Facts, create: &CreateModule) -> Result<(Body, Vec<ColumnDef>)> {
    let query = match &create.query {
        None => return Ok((Body::None, Vec::new())),
        Some(Err(e)) => return Ok((Body::Refused(e.clone()), Vec::new())),
        Some(Ok(query)) => query,
    };
    match Binder::new(facts).query(query) {
        Ok((_, mut outputs)) => {
            if !create.columns.is_empty() {
                name_columns(&mut outputs, &create.columns, create)?;
            }
            let columns = outputs.iter().zip(1..).map(|(o, id)| column(o, id));
            let columns = columns.collect::<Result<_>>()?;
            let mut query = query.clone();
            rename(&mut query, &create.columns);
            Ok((Body::Query(Arc::new(*query)), columns))
        }
        Err(e) if missing(facts, create, &e) => Err(e),
        Err(e) => Ok((Body::Refused(e), Vec::new())),
    }
}

/// Whether the error is one that SQL Server has too: a table or column that is not there.
fn missing(facts: &Facts, create: &CreateModule, e: &SqlError) -> bool {
    let refused_view = create.refers.iter().any(|n| {
        facts
            .view(n)
            .is_some_and(|v| !matches!(v.body, Body::Query(_)))
    });
    e.number == 208 || (e.number == 207 && !refused_view)
}

fn name_columns(outputs: &mut [Output], names: &[String], create: &CreateModule) -> Result<()> {
    if outputs.len() != names.len() {
        let message = format!(
            "'{}' has {} columns than were specified in the column list.",
            create.name,
            if outputs.len() > names.len() {
                "more"
            } else {
                "fewer"
            }
        );
        return Err(error(8158, 16, message));
    }
    for (output, name) in outputs.iter_mut().zip(names) {
        output.name.clone_from(name);
    }
    Ok(())
}

/// Puts the view's own column names on its query, as a derived table with column names.
fn rename(query: &mut sqlparser::ast::Query, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let quoted: Vec<String> = names
        .iter()
        .map(|n| format!("[{}]", n.replace(']', "]]")))
        .collect();
    let text = format!("SELECT * FROM ({query}) AS [v] ({})", quoted.join(", "));
    if let Ok(named) = crate::engine::parse::tokens::Tokens::new(&text).and_then(|mut t| t.query())
    {
        *query = *named;
    }
}

fn column(output: &Output, id: i32) -> Result<ColumnDef> {
    if output.name.is_empty() {
        let message = format!(
            "Create View or Function failed because no column name was specified for column {id}."
        );
        return Err(error(4511, 16, message));
    }
    Ok(ColumnDef {
        name: output.name.clone(),
        id,
        ty: output.t.ty.clone(),
        user_type_id: i32::from(datatype::system_type_id(&output.t.ty)),
        nullable: output.t.nullable,
        collation: output
            .t
            .collation
            .clone()
            .filter(|_| datatype::has_collation(&output.t.ty)),
        identity: None,
        computed: None,
        default: None,
        rowguid: false,
        sparse: false,
        column_set: false,
        graph: None,
        generated: GeneratedAlways::No,
        hidden: false,
        mask: None,
    })
}

pub(crate) fn create_synonym(
    facts: &Facts,
    state: &mut State,
    name: &Name,
    target: &str,
) -> Result<()> {
    let (database, name) = place(facts, state, name)?;
    let schema_id = schema_of(database, name.schema.as_deref().unwrap_or("dbo"))?;
    let object_id = database.new_object();
    database.claim(schema_id, &name.name, object_id)?;
    let synonym = Synonym {
        object_id,
        schema_id,
        name: name.name.clone(),
        target: target.to_owned(),
        created: moment(facts),
    };
    database.synonyms.insert(object_id, Arc::new(synonym));
    Ok(())
}

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
