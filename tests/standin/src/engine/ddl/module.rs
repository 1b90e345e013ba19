//! Views, procedures, functions and triggers: kept by their text; views can be read, and functions
//! of one query or one expression called.

use std::sync::Arc;

use crate::engine::ddl::body;
use crate::engine::ddl::work::{moment, place};
use crate::engine::error::{Result, error, invalid_object};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::object::{Body, Module, ModuleKind, Synonym};
use crate::engine::model::state::{Database, State};
use crate::engine::parse::definition::CreateModule;

/// Keeps a module. The message tells what of it cannot be run here.
pub(crate) fn create_module(
    facts: &Facts,
    state: &mut State,
    create: &CreateModule,
) -> Result<Option<String>> {
    let parameters = body::parameters(facts, create)?;
    let (body, columns) = body::body(facts, create, &parameters)?;
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
        (Body::Query(_) | Body::Expression(_) | Body::Statements(_), _) => None,
        (Body::Refused(e), ModuleKind::View) => Some(format!(
            "The stand-in server keeps VIEW '{name}' but cannot read it: {}",
            e.message
        )),
        (Body::Refused(e), kind) => Some(format!(
            "The stand-in server keeps {} '{name}' but does not run it: {}",
            kind.word(),
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
        parameters,
        made_with: body::made_with(facts, create),
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
