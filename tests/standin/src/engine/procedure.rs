//! System procedures, RAISERROR and THROW, and statements about databases, schemas and types.

use std::sync::Arc;

use sqlparser::ast::Expr;

use crate::engine::collate;
use crate::engine::control::{Flow, changing, nested};
use crate::engine::datatype;
use crate::engine::ddl;
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::facts::{Facts, Variable};
use crate::engine::parse::statement::{ColumnSpec, CreateTable, Name, Statement, TypeName};
use crate::engine::parse::tokens::Tokens;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::session::SqlSession;
use crate::engine::state::{Database, ExtendedProperty, Schema, State, UserType};
use crate::engine::table::{fold, same_name};
use crate::engine::value::convert::{How, convert, print};
use crate::engine::value::text;
use crate::session::Sink;
use crate::types::{SqlError, Value};

fn shown(value: &Value, ty: &crate::types::SqlType) -> Result<String> {
    Ok(text::to_string(&print(value, ty, None)?))
}

/// `RAISERROR(message, severity, state, arguments...)`.
pub(crate) fn raise(facts: &Facts, args: &[Expr]) -> Result<SqlError> {
    let mut binder = Binder::new(facts);
    let mut values = args
        .iter()
        .map(|a| binder.constant(a))
        .collect::<Result<Vec<_>>>()?
        .into_iter();
    let (message, ty) = values.next().ok_or_else(|| syntax("RAISERROR"))?;
    let mut number = |default: i64| match values.next() {
        Some((Value::Int(i), _)) => i,
        _ => default,
    };
    let (class, state) = (number(16), number(1));
    let (id, format) = match message {
        Value::Int(id) => (
            id as i32,
            format!("Error {id}, severity {class}, state {state} was raised."),
        ),
        other => (50_000, shown(&other, &ty.ty)?),
    };
    let mut arguments = Vec::new();
    for (value, t) in values {
        arguments.push(if matches!(value, Value::Null) {
            "(null)".to_owned()
        } else {
            shown(&value, &t.ty)?
        });
    }
    Ok(SqlError {
        number: if class <= 10 && id == 50_000 {
            50_000
        } else {
            id
        },
        class: class.clamp(0, 25) as u8,
        state: state.clamp(0, 255) as u8,
        message: formatted(&format, &arguments),
        line: 0,
    })
}

/// Puts arguments in for `%s`, `%d` and their kin; widths and flags are passed over.
fn formatted(format: &str, arguments: &[String]) -> String {
    let mut out = String::new();
    let mut arguments = arguments.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        while chars
            .peek()
            .is_some_and(|c| c.is_ascii_digit() || "+-#.*lIh ".contains(*c))
        {
            chars.next();
        }
        match chars.next() {
            Some('%') | None => out.push('%'),
            Some(_) => out.push_str(arguments.next().map_or("(null)", String::as_str)),
        }
    }
    out
}

pub(crate) fn throw(facts: &Facts, args: &[Expr]) -> Result<SqlError> {
    if args.is_empty() {
        return facts.caught.clone().ok_or_else(|| {
            error(10704, 15, "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW statement inside a CATCH block, or add error parameters to the THROW statement.")
        });
    }
    let mut binder = Binder::new(facts);
    let values = args
        .iter()
        .map(|a| binder.constant(a))
        .collect::<Result<Vec<_>>>()?;
    let [
        (Value::Int(number), _),
        (message, ty),
        (Value::Int(state), _),
    ] = values.as_slice()
    else {
        return Err(syntax("THROW"));
    };
    let message = shown(message, &ty.ty)?;
    Ok(SqlError {
        number: *number as i32,
        class: 16,
        state: (*state).clamp(0, 255) as u8,
        message,
        line: 0,
    })
}

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
        let declared = datatype::declaration(&c.t.ty);
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
        },
    )?;
    Ok(())
}

/// The arguments of a procedure by name or position.
struct Arguments(Vec<(Option<String>, Value, crate::types::SqlType)>);

impl Arguments {
    fn get(&self, name: &str, position: usize) -> Option<&Value> {
        let named = self
            .0
            .iter()
            .find(|(n, ..)| n.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
        let placed = || self.0.get(position).filter(|(n, ..)| n.is_none());
        named
            .or_else(placed)
            .map(|(_, v, _)| v)
            .filter(|v| !matches!(v, Value::Null))
    }

    fn text(&self, name: &str, position: usize) -> Option<String> {
        self.get(name, position)
            .and_then(text::units)
            .map(|u| text::to_string(u))
    }
}

pub(crate) fn execute(
    session: &mut SqlSession,
    procedure: &Name,
    args: &[(Option<String>, Expr)],
    sink: &mut dyn Sink,
) -> Result<Flow> {
    let facts = session.facts();
    let mut binder = Binder::new(&facts);
    let mut values = Vec::new();
    for (name, expr) in args {
        let (value, t) = binder.constant(expr)?;
        values.push((name.clone(), value, t.ty));
    }
    let arguments = Arguments(values);
    let flow = match procedure.name.to_ascii_lowercase().as_str() {
        "sp_executesql" => return execute_sql(session, &facts, &arguments, sink),
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
        "sp_addextendedproperty" => {
            changing(session, sink, |f, s, _| add_property(f, s, &arguments))
        }
        "sp_dboption" | "sp_updatestats" | "sp_configure" | "sp_changedbowner"
        | "sp_tableoption" => Ok(()),
        _ => Err(error(
            2812,
            16,
            format!("Could not find stored procedure '{procedure}'."),
        )),
    };
    flow?;
    Ok(if sink.done(None).is_break() {
        Flow::Stop
    } else {
        Flow::Next
    })
}

/// `sp_executesql @statement, @parameters, @p1 = ...`.
fn execute_sql(
    session: &mut SqlSession,
    facts: &Facts,
    arguments: &Arguments,
    sink: &mut dyn Sink,
) -> Result<Flow> {
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
    nested(session, &sql, variables, sink)
}

fn create_type(
    facts: &Facts,
    state: &mut State,
    name: &Name,
    ty: &TypeName,
    nullable: bool,
) -> Result<()> {
    let (ty, ..) = facts.resolve_type(ty, false)?;
    let database = state.database_mut(&facts.database)?;
    if database.user_type(&name.name).is_some() {
        let message = format!(
            "The type '{name}' already exists, or you do not have permission to create it."
        );
        return Err(error(219, 16, message));
    }
    let schema_id = database
        .schema_id(name.schema.as_deref().unwrap_or("dbo"))
        .unwrap_or(1);
    let user_type_id = database
        .types
        .iter()
        .map(|t| t.user_type_id)
        .max()
        .unwrap_or(256)
        + 1;
    Arc::make_mut(&mut database.types).push(UserType {
        user_type_id,
        schema_id,
        name: name.name.clone(),
        ty,
        nullable,
    });
    Ok(())
}

fn add_property(facts: &Facts, state: &mut State, arguments: &Arguments) -> Result<()> {
    let name = arguments
        .text("@name", 0)
        .ok_or_else(|| syntax("sp_addextendedproperty"))?;
    let value = arguments.text("@value", 1).unwrap_or_default();
    let database = state.database_mut(&facts.database)?;
    let schema = arguments.text("@level0name", 3);
    let table = arguments.text("@level1name", 5);
    let part = arguments.text("@level2name", 7);
    let missing = || {
        error(
            15135,
            16,
            "Object is invalid. Extended properties are not permitted on the object, or the object does not exist.",
        )
    };
    let (class, major_id, minor_id) = match (&schema, &table) {
        (None, _) => (0, 0, 0),
        (Some(schema), None) => (3, database.schema_id(schema).ok_or_else(missing)?, 0),
        (Some(schema), Some(table)) => {
            let table = database.table(schema, table).ok_or_else(missing)?;
            let minor = match &part {
                None => 0,
                Some(column) => table
                    .column(column)
                    .map(|i| table.columns[i].id)
                    .ok_or_else(missing)?,
            };
            (1, table.object_id, minor)
        }
    };
    Arc::make_mut(&mut database.properties).push(ExtendedProperty {
        class,
        major_id,
        minor_id,
        name,
        value,
    });
    Ok(())
}

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
        Statement::CreateSchema(name) => {
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
                name: name.clone(),
            });
            Ok(())
        }
        Statement::DropSchema { name, if_exists } => {
            let database = state.database_mut(&facts.database)?;
            let Some(id) = database.schema_id(name) else {
                return if *if_exists {
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
            if database.tables.values().any(|t| t.schema_id == id) {
                return Err(error(
                    3729,
                    16,
                    format!(
                        "Cannot drop schema '{name}' because it is being referenced by an object."
                    ),
                ));
            }
            Arc::make_mut(&mut database.schemas).retain(|s| s.id != id);
            Ok(())
        }
        Statement::CreateType { name, ty, nullable } => {
            create_type(facts, state, name, ty, *nullable)
        }
        Statement::DropType { name, if_exists } => {
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
        other => Err(unsupported(format!("the statement {other:?}"))),
    }
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
        Arc::new(Database::new(id, name, collation, ddl::moment(facts))),
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
                | "ACCELERATED_DATABASE_RECOVERY",
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
