//! Value expressions: the tree's nodes, each to the file that knows it.
//!
//! The recursion goes through `value`: it bounds depth and length, gives an error the place of the
//! innermost node that failed, and recognises an expression that a SELECT groups by.

use sqlparser::ast::{CaseWhen, CastKind, Expr, Ident, UnaryOperator};

use super::collation::Collation;
use super::common;
use super::context::{self, ColumnPath, Context, Purpose};
use super::convert;
use super::convert_try;
use super::function;
use super::literal;
use super::types::{self, Family};
use super::value::Value;
use super::zone;
use super::{Outcome, Untranslated};
use super::{compare, condition, operators, place, query};

/// What yields a value. Conditions are none: T-SQL keeps the two apart.
///
/// # Errors
/// What of it does not translate, with its place in the text.
pub(super) fn value(context: &mut Context<'_>, expr: &Expr) -> Outcome<Value> {
    let made = context.deeper(|context| node(context, expr));
    let made = made.map_err(|error| error.at(place::start(expr)))?;
    context::bounded(&made.sql)?;
    // In a SELECT that groups by this very expression, it is the group's.
    let group = query::group_of(context, &made).map_err(|error| error.at(place::start(expr)))?;
    Ok(group.unwrap_or(made))
}

fn node(context: &mut Context<'_>, expr: &Expr) -> Outcome<Value> {
    match expr {
        Expr::Nested(inner) => value(context, inner),
        Expr::Value(literal) => literal::value(&literal.value, context.default_collation.as_ref()),
        Expr::Identifier(ident) if is_parameter(context, ident) => {
            column(context, std::slice::from_ref(ident))
        }
        Expr::Identifier(ident) => match function::without_brackets(context, ident) {
            Some(result) => result,
            None if ident.quote_style == Some('"') && !context.quoted_identifiers => {
                Err(Untranslated::new(
                    "text in double quotes, which is a name or a string by a setting",
                ))
            }
            None => column(context, std::slice::from_ref(ident)),
        },
        Expr::CompoundIdentifier(parts) => column(context, parts),
        Expr::UnaryOp {
            op: op @ (UnaryOperator::Minus | UnaryOperator::Plus | UnaryOperator::BitwiseNot),
            expr,
        } => operators::unary(context, *op, expr),
        Expr::BinaryOp { left, op, right } => operators::binary(context, left, op, right),
        Expr::Collate { expr, collation } => {
            let value = value(context, expr)?;
            collated(value, &collation.to_string())
        }
        Expr::Cast { .. } | Expr::Convert { .. } => conversion(context, expr),
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => case(
            context,
            operand.as_deref(),
            conditions,
            else_result.as_deref(),
        ),
        Expr::Function(call) => {
            match query::call(context, call)
                .or_else(|| query::xml_method(context, call))
                .or_else(|| query::user_function(context, call))
            {
                Some(result) => result,
                None => function::call(context, call),
            }
        }
        Expr::Substring { .. } | Expr::Trim { .. } | Expr::Floor { .. } | Expr::Ceil { .. } => {
            function::keyword(context, expr)
        }
        Expr::Subquery(inner) if context.purpose == Purpose::Query => query::scalar(context, inner),
        Expr::CompoundFieldAccess { root, access_chain } if context.purpose == Purpose::Query => {
            query::concatenated_xml(context, root, access_chain)
        }
        Expr::Subquery(_) | Expr::Exists { .. } => Err(Untranslated::new("a subquery")),
        Expr::AtTimeZone {
            timestamp,
            time_zone,
        } => {
            let moment = value(context, timestamp)?;
            let zone = value(context, time_zone)?;
            zone::at(context, moment, &zone)
        }
        _ => Err(Untranslated::new(
            "an expression of a kind that is not translated",
        )),
    }
}

/// A parameter of the function that is translated.
fn is_parameter(context: &Context<'_>, ident: &Ident) -> bool {
    let mut parameters = context.parameters.iter();
    parameters.any(|(name, _)| context::same(name, &ident.value))
}

/// `column`, `table.column`, `schema.table.column`, or a parameter.
fn column(context: &mut Context<'_>, parts: &[Ident]) -> Outcome<Value> {
    if let [name] = parts
        && let Some((_, value)) = context
            .parameters
            .iter()
            .find(|(parameter, _)| context::same(parameter, &name.value))
    {
        return Ok(value.clone());
    }
    let (schema, table, name) = match parts {
        [name] => (None, None, name),
        [table, name] => (None, Some(table), name),
        [schema, table, name] => (Some(schema), Some(table), name),
        _ => return Err(Untranslated::new("a column of another database")),
    };
    context.column(&ColumnPath {
        schema: schema.map(|it| it.value.as_str()),
        table: table.map(|it| it.value.as_str()),
        name: &name.value,
    })
}

/// An explicit COLLATE wins over a column's collation.
fn collated(mut value: Value, name: &str) -> Outcome<Value> {
    if value.family() != Family::Text {
        return Err(Untranslated::new("COLLATE of something other than text"));
    }
    if name.eq_ignore_ascii_case("database_default") {
        value.collation = None;
        value.explicit = false;
        return Ok(value);
    }
    value.collation = Some(Collation::parse(name.trim_matches(['[', ']'])));
    value.explicit = true;
    Ok(value)
}

/// CAST, CONVERT and their TRY forms; a style must be a constant.
fn conversion(context: &mut Context<'_>, expr: &Expr) -> Outcome<Value> {
    let (inner, data_type, styles, tried) = match expr {
        Expr::Cast {
            kind: kind @ (CastKind::Cast | CastKind::TryCast),
            expr,
            data_type,
            format: None,
        } => (expr, data_type, &[][..], *kind == CastKind::TryCast),
        Expr::Convert {
            is_try,
            expr,
            data_type: Some(data_type),
            charset: None,
            target_before_value: true,
            styles,
        } => (expr, data_type, styles.as_slice(), *is_try),
        _ => return Err(Untranslated::new("a conversion that was not understood")),
    };
    let to = types::parse(data_type)?;
    let from = value(context, inner)?.kept()?;
    let style = match styles {
        [] => None,
        [style] => {
            let style = value(context, style)?.as_int();
            Some(style.ok_or_else(|| Untranslated::new("CONVERT with a style that varies"))?)
        }
        _ => return Err(Untranslated::new("CONVERT with several styles")),
    };
    match style {
        _ if tried => convert_try::tried(context, from, &to, style),
        None => convert::converted(context, from, &to),
        Some(style) => convert::styled(context, from, &to, style),
    }
}

/// The operand of a simple CASE is compared with each WHEN as `=` does.
fn case(
    context: &mut Context<'_>,
    operand: Option<&Expr>,
    whens: &[CaseWhen],
    otherwise: Option<&Expr>,
) -> Outcome<Value> {
    let mut conditions = Vec::with_capacity(whens.len());
    let mut values = Vec::with_capacity(whens.len() + 1);
    let operand = match operand {
        Some(operand) => Some(value(context, operand)?),
        None => None,
    };
    for when in whens {
        conditions.push(match &operand {
            None => condition::condition(context, &when.condition)?.sql,
            Some(operand) => {
                let a = operand.clone();
                let b = value(context, &when.condition)?;
                compare::compare(context, a, "=", b)?.sql()
            }
        });
        values.push(value(context, &when.result)?);
    }
    if let Some(otherwise) = otherwise {
        values.push(value(context, otherwise)?);
    }
    searched(context, &conditions, values)
}

/// `CASE WHEN condition THEN value ... ELSE value END`; one value more than conditions is ELSE.
pub(super) fn searched(
    context: &mut Context<'_>,
    conditions: &[String],
    values: Vec<Value>,
) -> Outcome<Value> {
    let (values, shape) = common::unified(context, values)?;
    let mut sql = String::from("CASE");
    for (condition, value) in conditions.iter().zip(&values) {
        sql.push_str(&format!(" WHEN {condition} THEN {}", value.sql));
        context::bounded(&sql)?;
    }
    if let Some(last) = values.get(conditions.len()) {
        sql.push_str(&format!(" ELSE {}", last.sql));
    }
    sql.push_str(" END");
    let ty = shape
        .ty
        .clone()
        .ok_or_else(|| Untranslated::new("an expression of NULLs only"))?;
    Ok(Value::operation(sql, ty).in_collation_of(&shape))
}
