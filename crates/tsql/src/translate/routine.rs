//! User-defined functions: scalar ones of one RETURN, and inline table functions.

use super::context::Context;
use super::query;
use super::types;
use super::value::Value;
use super::{
    Outcome, Parameter, TranslatedFunction, Untranslated, ViewColumn, ViewScope, convert,
    expression, parse,
};
use crate::schema::SqlType;
use crate::typemap::PgType;

/// A `CREATE FUNCTION` that returns a value.
pub(super) fn scalar(text: &str, scope: &ViewScope<'_>) -> Outcome<TranslatedFunction> {
    let parsed = parse::routine::scalar(text)?;
    let mut context = Context::of_query(scope);
    let parameters = parameters(&mut context, &parsed.parameters)?;
    let returns = types::parse(&parsed.returns)?;
    let value = expression::value(&mut context, &parsed.body)?.kept()?;
    let value = convert::converted(&mut context, value, &returns)?;
    let natural = natural(&returns)?;
    let sql = format!("SELECT {}", value.cast(&natural.to_string()));
    Ok(TranslatedFunction {
        sql,
        parameters,
        returns: Some((returns, natural)),
        columns: Vec::new(),
        volatility: context.volatility,
        strict: parsed.strict,
        reads: context.reads.into_iter().collect(),
        fell_back: context.fell_back,
        notes: context.notes,
        helpers: context.helpers,
    })
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
        item.value = typed(query::typed_null(item.value.clone(), ty))?;
        Ok(())
    })?;
    let columns = query::columns(&context, made.body.items())?;
    let targets: Vec<String> = columns.iter().map(|column| column.target.clone()).collect();
    let sql = made.sql(&targets)?;
    Ok(TranslatedFunction {
        sql,
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

/// A result column in exactly its type: the function's declaration names it.
fn typed(value: Value) -> Outcome<Value> {
    let Some(pg) = query::shown_type(&value) else {
        return Err(Untranslated::new(format!(
            "a column of type {}",
            value.shown()
        )));
    };
    if value.passed.is_some() {
        return Ok(value);
    }
    let sql = match value.plain_column() {
        Some(column) => format!("{column}::{pg}"),
        None => value.cast(&pg.to_string()),
    };
    Ok(Value {
        sql,
        atom: true,
        constant: None,
        ..value
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
        parameters.push(Parameter {
            name: parameter.name.trim_start_matches('@').to_owned(),
            sql_type: ty,
            pg_type,
        });
    }
    Ok(parameters)
}

fn natural(ty: &SqlType) -> Outcome<PgType> {
    types::natural(ty)
        .ok_or_else(|| Untranslated::new(format!("a parameter or result of type {ty}")))
}
