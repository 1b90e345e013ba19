//! What a view or function is made of: its query or expression, its columns and its parameters.

use std::sync::Arc;

use crate::engine::error::{Result, error, unsupported};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::{TypeName, same_name};
use crate::engine::model::object::{Body, MadeWith, ModuleKind, Parameter};
use crate::engine::model::table::{ColumnDef, GeneratedAlways};
use crate::engine::parse::definition::{ColumnSpec, CreateModule};
use crate::engine::query::bind::Output;
use crate::engine::query::{module, run_body};
use crate::engine::{collate, datatype};
use crate::types::{SqlError, SqlType};

/// The parameters, and first what a scalar function returns ("sys.parameters": parameter 0).
pub(super) fn parameters(facts: &Facts, create: &CreateModule) -> Result<Vec<Parameter>> {
    let mut all = Vec::new();
    if let Some(returns) = &create.returns {
        let (ty, user_type_id) = type_of(facts, returns)?;
        all.push(Parameter {
            name: String::new(),
            ty,
            user_type_id,
            output: true,
            default: None,
        });
    }
    for spec in &create.parameters {
        let (ty, user_type_id) = type_of(facts, &spec.ty)?;
        all.push(Parameter {
            name: spec.name.clone(),
            ty,
            user_type_id,
            output: spec.output,
            default: spec.default.clone(),
        });
    }
    Ok(all)
}

/// `None` for a table type, and for a cursor.
fn type_of(facts: &Facts, name: &TypeName) -> Result<(Option<SqlType>, i32)> {
    if let Ok((ty, id, _)) = facts.resolve_type(name, false) {
        return Ok((Some(ty), id));
    }
    let tables = &facts.current()?.table_types;
    let table = tables.iter().find(|t| same_name(&t.name, &name.name));
    match table {
        Some(table) => Ok((None, table.user_type_id)),
        None if name.name.eq_ignore_ascii_case("cursor") => Ok((None, 0)),
        None => Err(error(
            2715,
            16,
            format!(
                "Column, parameter, or variable: Cannot find data type {}.",
                name.name
            ),
        )),
    }
}

/// What of the session and of its WITH the module keeps ("sys.sql_modules").
pub(super) fn made_with(facts: &Facts, create: &CreateModule) -> MadeWith {
    let says = |word: &str| create.options.iter().any(|o| o == word);
    let returns_null = create
        .options
        .windows(2)
        .any(|pair| pair[0] == "RETURNS" && pair[1] == "NULL");
    MadeWith {
        ansi_nulls: facts.ansi_nulls,
        quoted_identifier: facts.quoted_identifier,
        schema_bound: says("SCHEMABINDING"),
        encrypted: says("ENCRYPTION"),
        recompiled: says("RECOMPILE"),
        null_on_null_input: returns_null,
    }
}

/// The query or expression, bound once to see whether it can be run and what it yields.
pub(super) fn body(
    facts: &Facts,
    create: &CreateModule,
    parameters: &[Parameter],
) -> Result<(Body, Vec<ColumnDef>)> {
    let schema = create.name.schema.as_deref().unwrap_or("dbo");
    if let Some(expression) = &create.expression {
        let body = match expression {
            Err(_) => match run_body::statements(&create.body) {
                Ok(_) => Body::Statements(create.body.as_str().into()),
                // What no function may have.
                Err(e) if matches!(e.number, 443 | 444 | 455) => return Err(e),
                Err(e) => Body::Refused(e),
            },
            Ok(expr) => match module::expression(facts, schema, parameters, expr) {
                Ok(_) => Body::Expression(Arc::new(expr.clone())),
                Err(e) if unknown_here(&e) => Body::Refused(e),
                // Names in scalar functions are looked up when they run ("Deferred name resolution").
                Err(_) => Body::Statements(create.body.as_str().into()),
            },
        };
        return Ok((body, Vec::new()));
    }
    if create.kind == ModuleKind::TableFunction {
        let refused = unsupported("a function of more than one statement");
        return Ok((Body::Refused(refused), table_columns(facts, &create.table)?));
    }
    let query = match &create.query {
        None => return Ok((Body::None, Vec::new())),
        Some(Err(e)) => return Ok((Body::Refused(e.clone()), Vec::new())),
        Some(Ok(query)) => query,
    };
    match module::query(facts, schema, parameters, query) {
        Ok((_, mut outputs)) => {
            if !create.columns.is_empty() {
                name_columns(&mut outputs, &create.columns, create)?;
            }
            let columns = recorded(&outputs, create)?;
            Ok((Body::Query(Arc::new((**query).clone())), columns))
        }
        Err(e) if unknown_here(&e) => Ok((Body::Refused(e), Vec::new())),
        Err(e) => Err(e),
    }
}

/// Whether SQL Server may well know what this engine does not.
fn unknown_here(e: &SqlError) -> bool {
    matches!(e.number, 40_001 | 195)
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

/// The columns as the catalog keeps them from now on.
fn recorded(outputs: &[Output], create: &CreateModule) -> Result<Vec<ColumnDef>> {
    for (n, output) in (1..).zip(outputs) {
        if output.name.is_empty() {
            let message = format!(
                "Create View or Function failed because no column name was specified for column {n}."
            );
            return Err(error(4511, 16, message));
        }
        if outputs[..n - 1]
            .iter()
            .any(|o| same_name(&o.name, &output.name))
        {
            let message = format!(
                "Column names in each view or function must be unique. Column name '{}' in view or function '{}' is specified more than once.",
                output.name, create.name.name
            );
            return Err(error(4506, 16, message));
        }
    }
    Ok(outputs
        .iter()
        .zip(1..)
        .map(|(o, id)| column(o, id))
        .collect())
}

fn column(output: &Output, id: i32) -> ColumnDef {
    let user_type_id = i32::from(datatype::system_type_id(&output.t.ty));
    ColumnDef {
        collation: output
            .t
            .collation
            .clone()
            .filter(|_| datatype::has_collation(&output.t.ty)),
        nullable: output.t.nullable,
        ..plain(&output.name, id, output.t.ty.clone(), user_type_id)
    }
}

fn plain(name: &str, id: i32, ty: SqlType, user_type_id: i32) -> ColumnDef {
    ColumnDef {
        name: name.to_owned(),
        id,
        ty,
        user_type_id,
        nullable: true,
        collation: None,
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
    }
}

/// The columns of the table that a function of several statements returns.
fn table_columns(facts: &Facts, specs: &[ColumnSpec]) -> Result<Vec<ColumnDef>> {
    let mut columns = Vec::new();
    for (spec, id) in specs.iter().zip(1..) {
        let (ty, user_type_id, nullable) = match &spec.ty {
            Some(name) => facts.resolve_type(name, false)?,
            None => (SqlType::Int, 56, None),
        };
        let collation = match &spec.collation {
            Some(name) if !name.eq_ignore_ascii_case("database_default") => {
                Some(collate::find(name)?)
            }
            _ => Some(Arc::clone(&facts.current()?.collation)),
        };
        columns.push(ColumnDef {
            collation: collation.filter(|_| datatype::has_collation(&ty)),
            nullable: spec.nullable.or(nullable).unwrap_or(true),
            ..plain(&spec.name, id, ty, user_type_id)
        });
    }
    Ok(columns)
}
