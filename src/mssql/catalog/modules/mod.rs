//! Views, functions, procedures, triggers and synonyms, from the catalog's rows.
//!
//! A definition that is encrypted, or that the login may not see, is `None`: the object is then
//! known by name and listed as left out. What a view reads is by `object_id`, so renaming does not
//! matter.

mod queries;
mod synonym;

use std::collections::HashMap;

use crate::error::Result;
use crate::mssql::connection::Connection;
use tsql::schema::modules::{Function, Module, ModuleKind, Parameter, Returns, Synonym};
use tsql::schema::objects::{RecordedColumn, View};
use tsql::schema::{Database, Index, IndexColumn};

use super::ask::{all, rows, warn_if_refused};
use super::assemble::{Answers, code_pages, index, index_columns};
use super::objects::named;
use super::queries::{IndexColumnRow, IndexRow};
use super::types::{Declared, Types};

use queries::{ModuleRow, ParameterRow, ReadRow, RecordedRow, SynonymRow, ViewRow};

/// The rows of every query; what was refused has none.
#[derive(Default)]
pub(super) struct ModuleAnswers {
    views: Vec<ViewRow>,
    reads: Vec<ReadRow>,
    recorded: Vec<RecordedRow>,
    indexes: Vec<IndexRow>,
    index_columns: Vec<IndexColumnRow>,
    synonyms: Vec<SynonymRow>,
    modules: Vec<ModuleRow>,
    parameters: Vec<ParameterRow>,
}

/// Indexes of views are asked for only if there are any.
///
/// # Errors
/// A lost connection.
pub(super) async fn ask(connection: &mut Connection) -> Result<ModuleAnswers> {
    let mut answers = ModuleAnswers {
        views: warn_if_refused(all(connection).await)?,
        reads: warn_if_refused(all(connection).await)?,
        recorded: warn_if_refused(all(connection).await)?,
        synonyms: warn_if_refused(all(connection).await)?,
        modules: warn_if_refused(all(connection).await)?,
        parameters: warn_if_refused(all(connection).await)?,
        ..ModuleAnswers::default()
    };
    if answers.views.iter().any(|view| view.is_indexed) {
        let indexes = rows(connection, &queries::indexes()).await;
        answers.indexes = warn_if_refused(indexes)?;
        let columns = rows(connection, &queries::index_columns()).await;
        answers.index_columns = warn_if_refused(columns)?;
    }
    Ok(answers)
}

/// Adds what the rows describe, in the order of the answers.
pub(super) fn fill(answers: &Answers, modules: &ModuleAnswers, database: &mut Database) {
    let types = Types::new(&answers.types);
    database.synonyms = synonyms(&modules.synonyms, &database.name);
    database.code_pages = code_pages(&answers.collations).into_iter().collect();
    let (reads, calls) = used(modules, &database.synonyms);
    let mut found = Found {
        reads,
        calls,
        columns: recorded(&modules.recorded, &types),
    };
    let hidden = named(&answers.objects, "V");
    database.views = views(modules, hidden, &mut found);
    database.functions = functions(modules, &types, &mut found);
    database.modules = modules.modules.iter().filter_map(module).collect();
}

/// Full names by `object_id` of what reads or calls them, sorted, each once.
type Names = HashMap<i64, Vec<String>>;

/// What several kinds of module have, by `object_id`.
struct Found {
    reads: Names,
    calls: Names,
    columns: HashMap<i64, Vec<RecordedColumn>>,
}

/// Synonyms of objects in another database are in the list, without an object here.
fn synonyms(rows: &[SynonymRow], database: &str) -> Vec<Synonym> {
    let synonym = |row: &SynonymRow| {
        let base = row.base.clone().unwrap_or_default();
        Synonym {
            schema: row.schema.clone(),
            name: row.name.clone(),
            stands_for: synonym::stands_for(&base, database),
            base,
        }
    };
    rows.iter().map(synonym).collect()
}

/// What is read, and what is called. What is read through a synonym counts under its own name; what is not
/// in this database does not count.
fn used(modules: &ModuleAnswers, synonyms: &[Synonym]) -> (Names, Names) {
    let scalar = |schema: &str, name: &str| {
        let mut all = modules.modules.iter();
        all.any(|one| one.kind.trim_end() == "FN" && one.schema == schema && one.name == name)
    };
    let (mut reads, mut calls) = (Names::new(), Names::new());
    for row in &modules.reads {
        let is_it = |one: &&Synonym| one.schema == row.schema && one.name == row.name;
        let own = || Some((row.schema.clone(), row.name.clone()));
        let stands_for = match row.kind.trim_end() {
            "SN" => synonyms
                .iter()
                .find(is_it)
                .and_then(|one| one.stands_for.clone()),
            _ => own(),
        };
        let Some((schema, name)) = stands_for else {
            continue;
        };
        let names = if row.kind.trim_end() == "FN" || scalar(&schema, &name) {
            &mut calls
        } else {
            &mut reads
        };
        let of_reader = names.entry(row.reader_id).or_default();
        of_reader.push(format!("{schema}.{name}"));
    }
    for names in reads.values_mut().chain(calls.values_mut()) {
        names.sort();
        names.dedup();
    }
    (reads, calls)
}

/// Columns as the server recorded them when the view was made or refreshed, in its order.
fn recorded(rows: &[RecordedRow], types: &Types) -> HashMap<i64, Vec<RecordedColumn>> {
    let mut rows: Vec<&RecordedRow> = rows.iter().collect();
    rows.sort_by_key(|row| row.column_id);
    let mut columns: HashMap<i64, Vec<RecordedColumn>> = HashMap::new();
    for row in rows {
        let ty = types.resolve(Declared {
            system_type_id: row.system_type_id,
            user_type_id: row.user_type_id,
            max_length: row.max_length,
            precision: row.precision,
            scale: row.scale,
            dimensions: -1,
        });
        columns
            .entry(row.object_id)
            .or_default()
            .push(RecordedColumn {
                name: row.name.clone(),
                ty,
                collation: row.collation_name.clone(),
                nullable: row.is_nullable,
            });
    }
    columns
}

/// In the order of the answer, then those that are not described, without a definition.
fn views<'a>(
    modules: &ModuleAnswers,
    hidden: impl Iterator<Item = (&'a str, &'a str)>,
    found: &mut Found,
) -> Vec<View> {
    let mut indexes = indexes(modules, &found.columns);
    let mut view = |row: &ViewRow| View {
        schema: row.schema.clone(),
        name: row.name.clone(),
        definition: row.definition.clone(),
        reads: found.reads.remove(&row.object_id).unwrap_or_default(),
        calls: found.calls.remove(&row.object_id).unwrap_or_default(),
        quoted_identifiers: row.uses_quoted_identifier.unwrap_or(true),
        indexed: row.is_indexed,
        columns: found.columns.remove(&row.object_id).unwrap_or_default(),
        indexes: indexes.remove(&row.object_id).unwrap_or_default(),
    };
    let mut views: Vec<View> = modules.views.iter().map(&mut view).collect();
    for (schema, name) in hidden {
        let known = |one: &View| one.schema == schema && one.name == name;
        if !views.iter().any(known) {
            views.push(View {
                schema: schema.to_owned(),
                name: name.to_owned(),
                definition: None,
                reads: Vec::new(),
                calls: Vec::new(),
                quoted_identifiers: true,
                indexed: false,
                columns: Vec::new(),
                indexes: Vec::new(),
            });
        }
    }
    views
}

/// By `object_id`, the clustered one first.
fn indexes(
    modules: &ModuleAnswers,
    columns: &HashMap<i64, Vec<RecordedColumn>>,
) -> HashMap<i64, Vec<Index>> {
    let mut members = index_columns(&modules.index_columns);
    let mut rows: Vec<&IndexRow> = modules.indexes.iter().collect();
    rows.sort_by_key(|row| row.index_id);
    let mut indexes: HashMap<i64, Vec<Index>> = HashMap::new();
    for row in rows {
        let mut members = members
            .remove(&(row.object_id, row.index_id))
            .unwrap_or_default();
        members.sort_by_key(|member| (member.key_ordinal, member.index_column_id));
        let of_view = columns.get(&row.object_id).map_or(&[][..], Vec::as_slice);
        let made = with_columns(index(row, false), &members, of_view);
        indexes.entry(row.object_id).or_default().push(made);
    }
    indexes
}

/// The columns of a view are numbered without gaps. An index of which one is not shown has none.
fn with_columns(
    mut index: Index,
    members: &[&IndexColumnRow],
    of_view: &[RecordedColumn],
) -> Index {
    for member in members {
        let at = usize::try_from(member.column_id - 1).ok();
        let Some(column) = at.and_then(|at| of_view.get(at)) else {
            index.key.clear();
            index.included.clear();
            return index;
        };
        if member.is_included_column {
            index.included.push(column.name.clone());
        } else {
            index.key.push(IndexColumn {
                column: column.name.clone(),
                descending: member.is_descending_key,
            });
        }
    }
    index
}

/// Scalar and inline table functions.
fn functions(modules: &ModuleAnswers, types: &Types, found: &mut Found) -> Vec<Function> {
    let mut parameters: HashMap<i64, Vec<(i64, Parameter)>> = HashMap::new();
    for row in &modules.parameters {
        let ty = types.resolve(Declared {
            system_type_id: row.system_type_id,
            user_type_id: row.user_type_id,
            max_length: row.max_length,
            precision: row.precision,
            scale: row.scale,
            dimensions: -1,
        });
        let name = row.name.clone().unwrap_or_default();
        let of_function = parameters.entry(row.object_id).or_default();
        of_function.push((row.parameter_id, Parameter { name, ty }));
    }
    let mut functions = Vec::new();
    for row in &modules.modules {
        let mut own = parameters.remove(&row.object_id).unwrap_or_default();
        own.sort_by_key(|(id, _)| *id);
        let value = own.iter().find(|(id, _)| *id == 0);
        let value = value.map(|(_, result)| result.ty.clone());
        let returns = match (row.kind.trim_end(), value) {
            ("FN", ty) => Returns::Value(ty),
            ("IF", _) => Returns::Rows(found.columns.remove(&row.object_id).unwrap_or_default()),
            _ => continue,
        };
        let parameters = own.into_iter().filter(|(id, _)| *id > 0);
        functions.push(Function {
            schema: row.schema.clone(),
            name: row.name.clone(),
            definition: row.definition.clone(),
            parameters: parameters.map(|(_, parameter)| parameter).collect(),
            returns,
            reads: found.reads.remove(&row.object_id).unwrap_or_default(),
            calls: found.calls.remove(&row.object_id).unwrap_or_default(),
            quoted_identifiers: row.uses_quoted_identifier.unwrap_or(true),
            null_on_null_input: row.null_on_null_input,
        });
    }
    functions
}

/// `None` for a type of object that is not listed.
fn module(row: &ModuleRow) -> Option<Module> {
    let kind = match row.kind.trim_end() {
        "P" => ModuleKind::Procedure,
        "FN" => ModuleKind::ScalarFunction,
        "IF" => ModuleKind::InlineFunction,
        "TF" => ModuleKind::TableFunction,
        "TR" => ModuleKind::Trigger,
        _ => return None,
    };
    let parent = match (&row.parent_schema, &row.parent) {
        (Some(schema), Some(name)) => Some(format!("{schema}.{name}")),
        _ => None,
    };
    Some(Module {
        kind,
        schema: row.schema.clone(),
        name: row.name.clone(),
        parent,
        instead_of: row.is_instead_of,
        definition: row.definition.clone(),
    })
}

#[cfg(test)]
mod tests;
