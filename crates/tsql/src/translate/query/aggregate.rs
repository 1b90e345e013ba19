//! Aggregates, with the types that SQL Server gives their results.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    OrderByExpr,
};

use super::super::context::Context;
use super::super::decimal::MOST_DIGITS;
use super::super::types::{self, Family};
use super::super::value::Value;
use super::super::{Outcome, Untranslated, collation_key, convert, expression};
use super::arguments::{arguments, name};
use super::{group, order, typed_constant};
use crate::schema::SqlType;

/// Aggregates that are translated.
pub(super) const NAMES: [&str; 13] = [
    "COUNT",
    "COUNT_BIG",
    "SUM",
    "AVG",
    "MIN",
    "MAX",
    "STRING_AGG",
    "STDEV",
    "STDEVP",
    "VAR",
    "VARP",
    "GROUPING",
    "GROUPING_ID",
];

/// How the condition of an aggregate begins, which a bracket ends.
const FILTER: &str = " FILTER (WHERE ";

/// An aggregate of the rows that a condition holds for.
pub(super) fn filtered(context: &mut Context<'_>, call: &Function, wanted: &str) -> Outcome<Value> {
    let known = name(call).is_some_and(|name| NAMES.contains(&name.as_str()));
    if !known || call.over.is_some() {
        return Err(Untranslated::new(
            "PIVOT of something other than an aggregate",
        ));
    }
    aggregate(context, call, &format!("{FILTER}{wanted})"))
}

/// How an aggregate is called: what stands in its brackets before, and after them.
struct Shape<'s> {
    /// `DISTINCT `, or nothing.
    distinct: &'s str,
    /// `FILTER` or `OVER`.
    after: &'s str,
}

/// An aggregate; `after` is its `FILTER` or `OVER`, or nothing.
pub(super) fn aggregate(context: &mut Context<'_>, call: &Function, after: &str) -> Outcome<Value> {
    let name = name(call).unwrap_or_default();
    let FunctionArguments::List(list) = &call.args else {
        return Err(Untranslated::new(format!("the arguments of {name}")));
    };
    if call.uses_odbc_syntax
        || call.filter.is_some()
        || call.null_treatment.is_some()
        || !list.clauses.is_empty()
        || !matches!(call.parameters, FunctionArguments::None)
    {
        return Err(Untranslated::new(format!(
            "{name} in a form that is not T-SQL's"
        )));
    }
    if call.over.is_none() {
        context.level()?.aggregated = true;
    }
    let distinct = matches!(list.duplicate_treatment, Some(DuplicateTreatment::Distinct));
    let shape = Shape {
        distinct: if distinct { "DISTINCT " } else { "" },
        after,
    };
    let star = matches!(
        list.args.as_slice(),
        [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]
    );
    if star {
        return match name.as_str() {
            "COUNT" => Ok(counted(&format!("count(*){after}"), SqlType::Int)),
            "COUNT_BIG" => Ok(counted(&format!("count(*){after}"), SqlType::BigInt)),
            _ => Err(Untranslated::new(format!("{name}(*)"))),
        };
    }
    if name.starts_with("GROUPING") {
        return grouping(context, call, &name);
    }
    // A window function is computed after grouping; a plain aggregate is what groups.
    let windowed = call.over.is_some();
    let own = (!windowed).then(|| context.levels.len().saturating_sub(1));
    let ungrouped = std::mem::replace(&mut context.ungrouped, own);
    let made = of_values(context, call, &name, &shape);
    context.ungrouped = ungrouped;
    made
}

fn of_values(
    context: &mut Context<'_>,
    call: &Function,
    name: &str,
    shape: &Shape<'_>,
) -> Outcome<Value> {
    let arguments = arguments(call);
    if name == "STRING_AGG" {
        return string_agg(context, &arguments, &call.within_group, shape);
    }
    if !call.within_group.is_empty() {
        return Err(Untranslated::new(format!("{name} WITHIN GROUP")));
    }
    let [argument] = arguments.as_slice() else {
        return Err(Untranslated::new(format!("the arguments of {name}")));
    };
    let value = typed_constant(expression::value(context, argument)?);
    if value.ty.is_none() {
        return Err(Untranslated::new(format!("{name} of NULL")));
    }
    match name {
        "COUNT" => count(context, &value, shape, SqlType::Int),
        "COUNT_BIG" => count(context, &value, shape, SqlType::BigInt),
        "SUM" => sum(context, &value, shape),
        "AVG" => average(context, &value, shape),
        "MIN" | "MAX" => extreme(context, value.kept()?, &name.to_ascii_lowercase(), shape),
        _ => deviation(context, &value, name, shape),
    }
}

fn counted(sql: &str, ty: SqlType) -> Value {
    match ty {
        // An overflow is an error on both sides.
        SqlType::Int => Value::atom(format!("({sql})::integer"), ty),
        _ => Value::atom(sql, ty),
    }
}

fn count(
    context: &mut Context<'_>,
    value: &Value,
    shape: &Shape<'_>,
    ty: SqlType,
) -> Outcome<Value> {
    let argument = if shape.distinct.is_empty() {
        value.sql.clone()
    } else {
        group::key(context, value)?
    };
    let Shape { distinct, after } = shape;
    Ok(counted(&format!("count({distinct}{argument}){after}"), ty))
}

/// "SUM (Transact-SQL)", Return types: a sum of `int` that exceeds `int` is an error there and here.
fn sum(context: &mut Context<'_>, value: &Value, shape: &Shape<'_>) -> Outcome<Value> {
    let ty = summed(value, "SUM")?;
    if types::family(&ty) == Family::Float {
        context.note("SUM of float: the last digits depend on the order of the rows on both sides");
    }
    let Shape { distinct, after } = shape;
    let sql = format!("sum({distinct}{}){after}", value.sql);
    Ok(match ty {
        SqlType::Int => Value::atom(format!("({sql})::integer"), ty),
        SqlType::BigInt => Value::atom(format!("({sql})::bigint"), ty),
        _ => Value::atom(sql, ty),
    })
}

/// The type of a sum.
fn summed(value: &Value, name: &str) -> Outcome<SqlType> {
    let ty = value.ty.as_ref();
    Ok(match (value.family(), ty) {
        (Family::Int, Some(SqlType::BigInt)) => SqlType::BigInt,
        (Family::Int, _) => SqlType::Int,
        (Family::Decimal, Some(ty)) => SqlType::Decimal {
            precision: MOST_DIGITS,
            scale: types::digits(ty).map_or(0, |it| it.1),
        },
        (Family::Money, _) => SqlType::Money,
        (Family::Float, _) => SqlType::Float,
        _ => return Err(Untranslated::new(format!("{name} of {}", value.shown()))),
    })
}

/// "AVG (Transact-SQL)", Return types. The average of integers is cut towards zero, that of
/// decimals after its scale.
fn average(context: &mut Context<'_>, value: &Value, shape: &Shape<'_>) -> Outcome<Value> {
    let total = summed(value, "AVG")?;
    let Shape { distinct, after } = shape;
    let argument = &value.sql;
    let sum = format!("sum({distinct}{argument}){after}");
    let count = format!("count({distinct}{argument}){after}");
    let scale = match total {
        SqlType::Int => {
            // A sum that exceeds the type is an error there too.
            return Ok(Value::atom(
                format!("(({sum})::integer / {count})::integer"),
                SqlType::Int,
            ));
        }
        SqlType::BigInt => {
            return Ok(Value::atom(
                format!("(({sum})::bigint / {count})"),
                SqlType::BigInt,
            ));
        }
        SqlType::Float => {
            context.note(
                "AVG of float: the last digits depend on the order of the rows on both sides",
            );
            let sql = format!("avg({distinct}{argument}){after}");
            return Ok(Value::atom(sql, SqlType::Float));
        }
        SqlType::Money => 4,
        SqlType::Decimal { scale, .. } => scale.max(6),
        _ => return Err(Untranslated::new(format!("AVG of {}", value.shown()))),
    };
    let unit = format!("1{}", "0".repeat(usize::from(scale)));
    let smallest = format!("0.{}1", "0".repeat(usize::from(scale).saturating_sub(1)));
    let sql = format!("div({sum} * {unit}::numeric, {count}) * {smallest}");
    let ty = match total {
        SqlType::Money => SqlType::Money,
        _ => SqlType::Decimal {
            precision: MOST_DIGITS,
            scale,
        },
    };
    Ok(Value::operation(sql, ty))
}

/// MIN and MAX.
fn extreme(
    context: &mut Context<'_>,
    value: Value,
    name: &str,
    shape: &Shape<'_>,
) -> Outcome<Value> {
    let Shape { after, .. } = shape;
    let ty = value.ty.clone().unwrap_or(SqlType::Int);
    match value.family() {
        Family::Bit | Family::Other | Family::Binary | Family::Uuid => Err(Untranslated::new(
            format!("{} of {}", name.to_uppercase(), value.shown()),
        )),
        Family::Text => {
            // PIVOT's condition goes with the one that leaves out NULL.
            let filter = after
                .strip_prefix(FILTER)
                .and_then(|it| it.strip_suffix(')'));
            if !after.is_empty() && filter.is_none() {
                return Err(Untranslated::new(format!(
                    "{} of text in a window",
                    name.to_uppercase()
                )));
            }
            let wanted = filter.map(|it| format!(" AND {it}")).unwrap_or_default();
            // The first text in the collation's order.
            let key = collation_key::order(context, &value)?;
            let direction = if name == "min" { "" } else { " DESC" };
            let sql = format!(
                "(array_agg({0} ORDER BY {key}{direction}) FILTER (WHERE {0} IS NOT NULL{wanted}))[1]",
                value.operand()
            );
            Ok(Value::atom(sql, ty).in_collation_of(&value))
        }
        _ => Ok(Value::atom(format!("{name}({}){after}", value.sql), ty)),
    }
}

/// STDEV, STDEVP, VAR and VARP.
fn deviation(
    context: &mut Context<'_>,
    value: &Value,
    name: &str,
    shape: &Shape<'_>,
) -> Outcome<Value> {
    let value = convert::converted(context, value.clone(), &SqlType::Float)?;
    let function = match name {
        "STDEV" => "stddev_samp",
        "STDEVP" => "stddev_pop",
        "VAR" => "var_samp",
        "VARP" => "var_pop",
        _ => return Err(Untranslated::new(format!("the aggregate {name}"))),
    };
    context.note(format!(
        "{name}: the last digits depend on the order of the rows on both sides"
    ));
    let Shape { distinct, after } = shape;
    let sql = format!("{function}({distinct}{}){after}", value.sql);
    Ok(Value::atom(sql, SqlType::Float))
}

/// `STRING_AGG (text, separator) WITHIN GROUP (ORDER BY ...)`.
fn string_agg(
    context: &mut Context<'_>,
    arguments: &[&Expr],
    within: &[OrderByExpr],
    shape: &Shape<'_>,
) -> Outcome<Value> {
    let [text, separator] = arguments else {
        return Err(Untranslated::new("the arguments of STRING_AGG"));
    };
    let text = typed_constant(expression::value(context, text)?.kept()?);
    let separator = expression::value(context, separator)?.kept()?;
    if within.is_empty() {
        return Err(Untranslated::new(
            "STRING_AGG without WITHIN GROUP, whose order is not certain",
        ));
    }
    if !shape.distinct.is_empty() || separator.family() != Family::Text {
        return Err(Untranslated::new(
            "STRING_AGG in a form that is not T-SQL's",
        ));
    }
    let national = text.family() != Family::Text || text.is_national();
    let max = matches!(
        text.ty,
        Some(SqlType::VarChar { length: None } | SqlType::NVarChar { length: None })
    );
    let text = match text.family() {
        Family::Text => text,
        _ => convert::converted(
            context,
            text,
            &SqlType::NVarChar {
                length: Some(4_000),
            },
        )?,
    };
    let mut keys = Vec::with_capacity(within.len());
    for expr in within {
        let value = expression::value(context, &expr.expr)?;
        keys.push(order::key(context, &value, expr)?);
    }
    let sql = format!(
        "string_agg({}, {} ORDER BY {}){}",
        text.sql,
        separator.sql,
        keys.join(", "),
        shape.after
    );
    if !max {
        context.note(
            "STRING_AGG of a type without max: more than 8,000 bytes are an error at the source",
        );
    }
    // "STRING_AGG (Transact-SQL)", Return types.
    let length = (!max).then_some(if national { 4_000 } else { 8_000 });
    Ok(Value::atom(sql, types::text_type(national, length)).in_collation_of(&text))
}

/// GROUPING and GROUPING_ID: which of the columns a row is not grouped by.
fn grouping(context: &mut Context<'_>, call: &Function, name: &str) -> Outcome<Value> {
    let mut keys = Vec::new();
    let own = context.levels.len().saturating_sub(1);
    let ungrouped = context.ungrouped.replace(own);
    for argument in arguments(call) {
        let value = expression::value(context, argument)?;
        let groups = context.level()?.groups.iter();
        let key = groups
            .filter(|group| group.sql == value.sql)
            .map(|group| group.key.clone())
            .next();
        keys.push(
            key.ok_or_else(|| Untranslated::new(format!("{name} of what is not grouped by")))?,
        );
    }
    context.ungrouped = ungrouped;
    if name == "GROUPING_ID" && keys.is_empty() {
        let level = context.level()?;
        keys.extend(level.groups.iter().map(|group| group.key.clone()));
    }
    let sql = format!("grouping({})", keys.join(", "));
    Ok(match name {
        "GROUPING" => Value::atom(format!("{sql}::smallint"), SqlType::TinyInt),
        _ => Value::atom(sql, SqlType::Int),
    })
}
