//! User-defined functions: scalar ones, and inline table functions.

use sqlparser::ast::Expr;

use super::context::Context;
use super::parse::statement::{Statement, StatementKind};
use super::query;
use super::types;
use super::value::Value;
use super::{
    Helper, Outcome, Untranslated, ViewColumn, ViewScope, Volatility, convert, expression, parse,
    statement,
};
use crate::schema::SqlType;
use crate::typemap::PgType;

/// The language of a function of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// The body is a SELECT.
    Sql,
    /// The body is a block.
    PlPgSql,
}

/// A function of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslatedFunction {
    /// Its body. Parameters are `$1`, `$2` and so on.
    pub sql: String,
    /// The language of its body.
    pub language: Language,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// Type of the result, at the source and in the target; `None` if it returns rows.
    pub returns: Option<(SqlType, PgType)>,
    /// Columns of the rows that it returns.
    pub columns: Vec<ViewColumn>,
    /// When its result may change.
    pub volatility: Volatility,
    /// `RETURNS NULL ON NULL INPUT`.
    pub strict: bool,
    /// Full names at the source of what it reads, sorted, each once.
    pub reads: Vec<String>,
    /// As [`super::TranslatedView::fell_back`].
    pub fell_back: bool,
    /// Where the two sides can tell apart after all, for the plan.
    pub notes: Vec<String>,
    /// Helper functions that it calls.
    pub helpers: Vec<Helper>,
}

/// A parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Name at the source, without `@`.
    pub name: String,
    /// Type at the source.
    pub sql_type: SqlType,
    /// Type in the target.
    pub pg_type: PgType,
    /// The value of DEFAULT as PostgreSQL writes it; `None` if there is no default or it cannot be translated.
    pub default: Option<String>,
}

/// A `CREATE FUNCTION` that returns a value: of one RETURN in the language SQL, of more in PL/pgSQL.
pub(super) fn scalar(text: &str, scope: &ViewScope<'_>) -> Outcome<TranslatedFunction> {
    let parsed = parse::routine::scalar(text)?;
    let returns = types::parse(&parsed.returns)?;
    let pg = natural(&returns)?;
    let mut context = Context::of_query(scope);
    let parameters = parameters(&mut context, &parsed.parameters)?;
    let mut language = Language::Sql;
    let sql = match parsed.body.as_slice() {
        [
            Statement {
                kind: StatementKind::Return(Some(value)),
                ..
            },
        ] => one_return(&mut context, value, (&returns, &pg))?,
        _ => None,
    };
    let sql = match sql {
        Some(sql) => sql,
        None => {
            language = Language::PlPgSql;
            let variables = variables(&mut context)?;
            statement::body(&mut context, (&returns, &pg), &variables, &parsed.body)?
        }
    };
    Ok(TranslatedFunction {
        sql,
        language,
        parameters,
        returns: Some((returns, pg)),
        columns: Vec::new(),
        volatility: context.volatility,
        strict: parsed.strict,
        reads: context.reads.into_iter().collect(),
        fell_back: context.fell_back,
        notes: context.notes,
        helpers: context.helpers,
    })
}

/// A body that is one expression; `None` if it calls itself, which a function of SQL cannot before it is
/// there.
fn one_return(
    context: &mut Context<'_>,
    value: &Expr,
    (returns, pg): (&SqlType, &PgType),
) -> Outcome<Option<String>> {
    let value = expression::value(context, value)?.kept()?;
    let value = convert::converted(context, value, returns)?;
    let sql = format!("SELECT {}", value.cast(&pg.to_string()));
    Ok((!context.recursive).then_some(sql))
}

/// The parameters as variables, which a body may set: their names in the target, types and first values.
fn variables(context: &mut Context<'_>) -> Outcome<Vec<(String, PgType, String)>> {
    let mut variables = Vec::with_capacity(context.parameters.len());
    for (name, value) in std::mem::take(&mut context.parameters) {
        let ty = value.ty.clone().unwrap_or(SqlType::Int);
        let (variable, pg) = statement::variable::add(context, &name, &ty)?;
        variables.push((variable, pg, value.sql));
    }
    Ok(variables)
}

/// A `CREATE FUNCTION` that returns the rows of one query.
pub(super) fn table(text: &str, scope: &ViewScope<'_>) -> Outcome<TranslatedFunction> {
    let parsed = parse::routine::table(text)?;
    let mut context = Context::of_query(scope);
    let parameters = parameters(&mut context, &parsed.parameters)?;
    let mut made = query::query(&mut context, &parsed.body)?;
    let recorded = scope.recorded;
    made.body.each_item(&mut |at, item| {
        let ty = recorded.get(at).map_or(&SqlType::Int, |it| &it.ty);
        item.value = query::typed(query::typed_null(item.value.clone(), ty))?;
        Ok(())
    })?;
    let columns = query::columns(&context, made.body.items())?;
    let targets: Vec<String> = columns.iter().map(|column| column.target.clone()).collect();
    let sql = made.sql(&targets)?;
    Ok(TranslatedFunction {
        sql,
        language: Language::Sql,
        parameters,
        returns: None,
        columns: columns.into_iter().map(ViewColumn::from).collect(),
        volatility: context.volatility,
        strict: false,
        reads: context.reads.into_iter().collect(),
        fell_back: context.fell_back,
        notes: context.notes,
        helpers: context.helpers,
    })
}

fn parameters(
    context: &mut Context<'_>,
    parsed: &[parse::routine::Parameter],
) -> Outcome<Vec<Parameter>> {
    let mut parameters = Vec::with_capacity(parsed.len());
    for (at, parameter) in parsed.iter().enumerate() {
        let ty = types::parse(&parameter.data_type)?;
        let pg_type = natural(&ty)?;
        let place = format!("${}", at + 1);
        let filled = match ty {
            SqlType::Char { length } | SqlType::NChar { length } => {
                format!("rpad({place}, {length})")
            }
            _ => place,
        };
        let mut value = Value::atom(filled, ty.clone());
        value.collation.clone_from(&context.default_collation);
        context.parameters.push((parameter.name.clone(), value));
        let default = match &parameter.default {
            Some(default) => passed_by_default(context, default, &ty),
            None => None,
        };
        parameters.push(Parameter {
            name: parameter.name.trim_start_matches('@').to_owned(),
            sql_type: ty,
            pg_type,
            default,
        });
    }
    Ok(parameters)
}

/// What DEFAULT passes; `None` if that does not translate, so that only calls that use it are refused.
fn passed_by_default(context: &mut Context<'_>, expr: &Expr, ty: &SqlType) -> Option<String> {
    let value = expression::value(context, expr)
        .and_then(Value::kept)
        .ok()?;
    query::passed(context, value, ty).ok()
}

fn natural(ty: &SqlType) -> Outcome<PgType> {
    types::natural(ty)
        .ok_or_else(|| Untranslated::new(format!("a parameter or result of type {ty}")))
}
