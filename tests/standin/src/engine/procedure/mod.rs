//! System procedures, RAISERROR and THROW, and statements about databases, schemas and types.

pub(crate) mod argument;
mod database;
mod message;
mod property;
pub(crate) mod types;

use sqlparser::ast::Expr;

use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::model::facts::{Facts, Variable};
use crate::engine::model::name::Name;
use crate::engine::model::state::State;
use crate::engine::parse::definition::{ColumnSpec, CreateTable};
use crate::engine::parse::tokens::Tokens;
use crate::engine::procedure::argument::Arguments;
use crate::engine::procedure::types::create_type;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::session::outcome::{Flow, changing};
use crate::engine::session::sql_session::SqlSession;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;
use crate::engine::{ddl, type_name};
use crate::session::Sink;
use crate::types::Value;

pub(crate) use crate::engine::procedure::database::server_statement;
pub(crate) use crate::engine::procedure::message::{raise, throw};

pub(crate) fn identity_insert(session: &mut SqlSession, table: &Name, on: bool) -> Result<()> {
    let facts = session.facts();
    let (database, found) = facts.table(table)?;
    if !found.columns.iter().any(|c| c.identity.is_some()) {
        let message = format!(
            "Table '{table}' does not have the identity property. Cannot perform SET operation."
        );
        return Err(error(8106, 16, message));
    }
    let slot = (database.name.clone(), found.object_id);
    let current = &mut session.settings.identity_insert;
    match (on, current.as_ref()) {
        (true, Some(other)) if *other != slot => {
            let message = format!(
                "IDENTITY_INSERT is already ON for another table. Cannot perform SET operation for table '{table}'."
            );
            return Err(error(8107, 16, message));
        }
        (true, _) => *current = Some(slot),
        (false, Some(other)) if *other == slot => *current = None,
        (false, _) => {}
    }
    Ok(())
}

/// Creates the table of SELECT INTO.
pub(crate) fn create_from(
    facts: &Facts,
    state: &mut State,
    name: &Name,
    columns: &[Output],
) -> Result<()> {
    let spec = |c: &Output| -> Result<ColumnSpec> {
        if c.name.is_empty() {
            return Err(error(
                1038,
                15,
                "An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name.",
            ));
        }
        let declared = type_name::declaration(&c.t.ty);
        Ok(ColumnSpec {
            name: c.name.clone(),
            ty: Some(Tokens::new(&declared)?.type_name()?),
            nullable: Some(c.t.nullable),
            identity: c.identity.then_some((1, 1)),
            collation: c.t.collation.as_ref().map(|c| c.name.clone()),
            ..ColumnSpec::default()
        })
    };
    let columns = columns.iter().map(spec).collect::<Result<Vec<_>>>()?;
    ddl::create_table(
        facts,
        state,
        &CreateTable {
            name: name.clone(),
            columns,
            constraints: Vec::new(),
            indexes: Vec::new(),
            period: None,
            versioning: None,
            on: None,
            external: false,
            durable: None,
            graph: None,
        },
    )?;
    Ok(())
}

/// What is left to do after EXECUTE.
pub(crate) enum Executed {
    /// Nothing.
    Ended(Flow),
    /// `sp_executesql`: this text runs as a batch of its own, with these variables.
    Text {
        sql: String,
        variables: Vec<(String, Variable)>,
    },
}

/// Runs a system procedure.
///
/// # Errors
/// 2812 for one that is not there; 40001 for one of the database, which is kept as text only.
pub(crate) fn execute(
    session: &mut SqlSession,
    procedure: &Name,
    args: &[(Option<String>, Expr)],
    sink: &mut dyn Sink,
) -> Result<Executed> {
    let facts = session.facts();
    let mut binder = Binder::new(&facts);
    let mut values = Vec::new();
    for (name, expr) in args {
        let (value, t) = binder.constant(expr)?;
        values.push((name.clone(), value, t.ty));
    }
    let arguments = Arguments(values);
    let flow = match procedure.name.to_ascii_lowercase().as_str() {
        "sp_executesql" => return execute_sql(&facts, &arguments),
        "sp_addtype" => {
            let name = arguments
                .text("@typename", 0)
                .ok_or_else(|| syntax("sp_addtype"))?;
            let base = arguments
                .text("@phystype", 1)
                .ok_or_else(|| syntax("sp_addtype"))?;
            let nullable = arguments
                .text("@nulltype", 2)
                .is_none_or(|n| !n.eq_ignore_ascii_case("NOT NULL"));
            let ty = Tokens::new(&base)?.type_name()?;
            let name = Name {
                database: None,
                schema: None,
                name,
            };
            changing(session, sink, |f, s, _| {
                create_type(f, s, &name, &ty, nullable)
            })
        }
        "sp_addextendedproperty" => changing(session, sink, |f, s, _| {
            property::change(f, s, &arguments, property::Change::Add)
        }),
        "sp_updateextendedproperty" => changing(session, sink, |f, s, _| {
            property::change(f, s, &arguments, property::Change::Update)
        }),
        "sp_dropextendedproperty" => changing(session, sink, |f, s, _| {
            property::change(f, s, &arguments, property::Change::Drop)
        }),
        "sp_dboption" | "sp_updatestats" | "sp_configure" | "sp_changedbowner"
        | "sp_tableoption" => Ok(()),
        _ if kept_procedure(&facts, procedure) => {
            Err(unsupported(format!("running the procedure '{procedure}'")))
        }
        _ => Err(error(
            2812,
            16,
            format!("Could not find stored procedure '{procedure}'."),
        )),
    };
    flow?;
    let gone = sink.done(None).is_break();
    Ok(Executed::Ended(if gone { Flow::Stop } else { Flow::Next }))
}

/// `sp_executesql @statement, @parameters, @p1 = ...`.
fn execute_sql(facts: &Facts, arguments: &Arguments) -> Result<Executed> {
    let sql = arguments
        .text("@stmt", 0)
        .or_else(|| arguments.text("@statement", 0))
        .ok_or_else(|| syntax("sp_executesql"))?;
    let mut variables = Vec::new();
    if let Some(declared) = arguments.text("@params", 1) {
        let mut tokens = Tokens::new(&declared)?;
        let list = if tokens.done() {
            Vec::new()
        } else {
            tokens.separated(|t| {
                let name = t.identifier()?;
                Ok((name, t.type_name()?))
            })?
        };
        for (i, (name, ty)) in list.iter().enumerate() {
            let (ty, ..) = facts.resolve_type(ty, false)?;
            let given = arguments
                .0
                .iter()
                .skip(2)
                .find(|(n, ..)| n.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
            let given = given.or_else(|| arguments.0.get(i + 2).filter(|(n, ..)| n.is_none()));
            let value = match given {
                Some((_, value, from)) => convert(
                    value,
                    from,
                    &ty,
                    How {
                        truncate: true,
                        ..How::default()
                    },
                )?,
                None => Value::Null,
            };
            variables.push((name.clone(), Variable { ty, value }));
        }
    }
    Ok(Executed::Text { sql, variables })
}

fn kept_procedure(facts: &Facts, name: &Name) -> bool {
    let database = facts.database_of(name).ok();
    database.is_some_and(|d| {
        d.object_id(name.schema.as_deref().unwrap_or("dbo"), &name.name)
            .is_some_and(|id| d.modules.contains_key(&id))
    })
}
