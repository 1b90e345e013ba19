//! Scalar functions and inline table functions, as functions in the languages SQL and PL/pgSQL.
//!
//! A body of one RETURN or one query is a SELECT, which PostgreSQL can inline; more statements are a block.

use std::collections::HashSet;

use crate::plan::function::{FunctionLanguage, FunctionPlan, FunctionVolatility};
use crate::plan::objects::context::{Remarks, Sources};
use crate::plan::objects::default::HIDDEN;
use crate::plan::objects::modules::columns;
use crate::plan::objects::modules::view::resolved_as_the_source;
use crate::plan::objects::scope::{Names, target};
use crate::plan::table::ColumnPlan;
use tsql::names::{self, qualified, quote_ident};
use tsql::schema::SqlType;
use tsql::schema::modules::{Function, Parameter, Returns};
use tsql::schema::objects::RecordedColumn;
use tsql::translate::{
    self, FunctionParameter, Language, ScalarFunction, TranslatedFunction, ViewScope, Volatility,
};

/// Translates a function whose tables, views and functions are known to `names`, and adds it to them.
///
/// # Errors
/// Why it is left out, as a fragment. Nothing was added to `names` then.
pub(super) fn plan(
    function: &Function,
    sources: &Sources<'_>,
    names: &mut Names,
    remarks: &mut Remarks,
) -> Result<FunctionPlan, String> {
    let text = function.definition.as_deref().ok_or(HIDDEN)?;
    let target = target(&function.schema, &function.name, sources.job)?;
    names.set_own(own(function, &qualified(&target)));
    let recorded: &[RecordedColumn] = match &function.returns {
        Returns::Value(_) => &[],
        Returns::Rows(columns) => columns,
    };
    let scope = ViewScope {
        schema: &function.schema,
        names,
        default_collation: sources.default_collation(),
        recorded,
        quoted_identifiers: function.quoted_identifiers,
    };
    let translated = match &function.returns {
        Returns::Value(_) => translate::scalar_function(text, &scope),
        Returns::Rows(_) => translate::table_function(text, &scope),
    };
    names.set_own(None);
    let mut translated = translated.map_err(|why| why.to_string())?;
    resolved_as_the_source(&function.reads, &translated.reads, translated.fell_back)?;
    as_recorded(function, &translated)?;
    if !translated.reads.is_empty() {
        translated.volatility = translated.volatility.max(Volatility::Stable);
    }
    let columns = columns::plan(&translated.columns, recorded, sources.database)?;
    let object = format!("function {}", function.full_name());
    remarks.note_all(&object, &translated.notes);
    let plan = FunctionPlan {
        source: function.full_name(),
        parameters: parameters(&translated, &columns, sources),
        returns: returns(&translated, &columns),
        language: match translated.language {
            Language::Sql => FunctionLanguage::Sql,
            Language::PlPgSql => FunctionLanguage::PlPgSql,
        },
        body: translated.sql.clone(),
        volatility: volatility(translated.volatility),
        strict: translated.strict,
        after_views: None,
        target,
    };
    add(function, &translated, columns, (names, &plan));
    Ok(plan)
}

/// A function as it may call itself, as far as the catalog tells what that takes and gives.
fn own(function: &Function, sql: &str) -> Option<(String, ScalarFunction)> {
    let Returns::Value(Some(returns)) = &function.returns else {
        return None;
    };
    let parameter = |one: &Parameter| FunctionParameter {
        ty: one.ty.clone(),
        default: None,
    };
    let own = ScalarFunction {
        sql: sql.to_owned(),
        parameters: function.parameters.iter().map(parameter).collect(),
        returns: returns.clone(),
        collation: None,
        volatility: Volatility::Immutable,
        own: true,
    };
    Some((function.full_name(), own))
}

/// Parameters and result have the types that the catalog gives them.
///
/// # Errors
/// A type that the text and the catalog do not agree on: the text may be older than a type it
/// names.
fn as_recorded(function: &Function, translated: &TranslatedFunction) -> Result<(), String> {
    if let (Returns::Value(Some(ty)), Some((here, _))) = (&function.returns, &translated.returns) {
        same_type("its result", ty, here)?;
    }
    if function.parameters.is_empty() {
        // None, or the catalog does not tell.
        return Ok(());
    }
    if function.parameters.len() != translated.parameters.len() {
        return Err("other parameters than the source's catalog has".to_owned());
    }
    let pairs = function.parameters.iter().zip(&translated.parameters);
    for (source, here) in pairs {
        same_type(
            &format!("parameter {}", source.name),
            &source.ty,
            &here.sql_type,
        )?;
    }
    Ok(())
}

fn same_type(what: &str, source: &SqlType, here: &SqlType) -> Result<(), String> {
    if source == here {
        return Ok(());
    }
    Err(format!(
        "{what}, which is {source} in the source's catalog and {here} in its text"
    ))
}

/// With their names, for calls by name, unless the result has columns of these names.
fn parameters(
    translated: &TranslatedFunction,
    columns: &[ColumnPlan],
    sources: &Sources<'_>,
) -> Vec<String> {
    let style = sources.job.schema.names;
    let mut taken: HashSet<String> = columns.iter().map(|it| it.target_name.clone()).collect();
    let own = translated.parameters.iter();
    let own: Vec<_> = own.map(|it| names::fold(&it.name, style)).collect();
    let named = own
        .iter()
        .all(|name| !name.is_empty() && taken.insert(name.clone()));
    let types = translated.parameters.iter().zip(own);
    types
        .map(|(parameter, name)| {
            if named {
                format!(
                    "{} {}",
                    quote_ident(&names::shorten(&name)),
                    parameter.pg_type
                )
            } else {
                parameter.pg_type.to_string()
            }
        })
        .collect()
}

/// What follows RETURNS: a type, or TABLE with the columns of the result.
fn returns(translated: &TranslatedFunction, columns: &[ColumnPlan]) -> String {
    if let Some((_, ty)) = &translated.returns {
        return ty.to_string();
    }
    let column = |column: &ColumnPlan| {
        let name = quote_ident(&column.target_name);
        format!("{name} {}", column.target_type)
    };
    let columns: Vec<_> = columns.iter().map(column).collect();
    format!("TABLE ({})", columns.join(", "))
}

fn volatility(volatility: Volatility) -> FunctionVolatility {
    match volatility {
        Volatility::Immutable => FunctionVolatility::Immutable,
        Volatility::Stable => FunctionVolatility::Stable,
        Volatility::Volatile => FunctionVolatility::Volatile,
    }
}

/// Lets later views and functions call it.
fn add(
    function: &Function,
    translated: &TranslatedFunction,
    columns: Vec<ColumnPlan>,
    (names, plan): (&mut Names, &FunctionPlan),
) {
    let own = (function.schema.as_str(), function.name.as_str());
    let parameters = translated.parameters.iter();
    let parameters = parameters.map(|one| FunctionParameter {
        ty: one.sql_type.clone(),
        default: one.default.clone(),
    });
    let parameters: Vec<FunctionParameter> = parameters.collect();
    match &translated.returns {
        Some((returns, _)) => names.add_scalar_function(
            own,
            ScalarFunction {
                sql: qualified(&plan.target),
                parameters,
                returns: returns.clone(),
                collation: None,
                volatility: translated.volatility,
                own: false,
            },
        ),
        None => names.add_table_function(own, &plan.target, (columns, parameters)),
    }
}
