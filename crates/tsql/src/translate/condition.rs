//! Conditions: comparisons, LIKE, IN, BETWEEN, IS NULL, and what joins them.
//!
//! NULL makes UNKNOWN on both sides, and both let a check pass that is not false.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::compare::{self, Comparison};
use super::context::{self, Context, Purpose};
use super::expression;
use super::like;
use super::{Outcome, Untranslated};
use super::{place, query};

/// How tight a condition binds.
/// The loosest is first: a looser condition gets brackets within a tighter one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Or,
    And,
    Not,
}

/// A boolean expression, and how tight it binds.
pub(super) struct Condition {
    pub(super) sql: String,
    level: Level,
}

impl Condition {
    fn new(sql: String, level: Level) -> Self {
        Self { sql, level }
    }

    /// In brackets if it binds less tightly than `level`.
    fn within(self, level: Level) -> String {
        if self.level < level {
            format!("({})", self.sql)
        } else {
            self.sql
        }
    }
}

/// # Errors
/// What of it does not translate, with its place in the text.
pub(super) fn condition(context: &mut Context<'_>, expr: &Expr) -> Outcome<Condition> {
    let made = context.deeper(|context| node(context, expr));
    let made = made.map_err(|error| error.at(place::start(expr)))?;
    context::bounded(&made.sql)?;
    Ok(made)
}

fn node(context: &mut Context<'_>, expr: &Expr) -> Outcome<Condition> {
    match expr {
        Expr::Nested(inner) => condition(context, inner),
        Expr::BinaryOp {
            op: op @ (BinaryOperator::And | BinaryOperator::Or),
            ..
        } => joined(context, expr, op),
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => {
            let inner = condition(context, expr)?;
            Ok(Condition::new(format!("NOT ({})", inner.sql), Level::Not))
        }
        Expr::IsNull(inner) => null_test(context, inner, "IS NULL"),
        Expr::IsNotNull(inner) => null_test(context, inner, "IS NOT NULL"),
        Expr::InList {
            expr,
            list,
            negated,
        } => in_list(context, expr, list, *negated),
        Expr::Between {
            expr,
            negated,
            low,
            high,
        } => between(context, [expr, low, high], *negated),
        Expr::Like {
            negated,
            any: false,
            expr,
            pattern,
            escape_char,
        } => {
            let text = expression::value(context, expr)?;
            let pattern = expression::value(context, pattern)?;
            let escape = match escape_char {
                Some(escape) => Some(expression::value(context, escape)?),
                None => None,
            };
            let sql = like::like(context, &text, &pattern, escape.as_ref(), *negated)?;
            Ok(Condition::new(sql, Level::Not))
        }
        Expr::BinaryOp { left, op, right } => {
            let Some(sign) = compare::sign(op) else {
                return Err(no_condition());
            };
            let a = expression::value(context, left)?;
            let b = expression::value(context, right)?;
            let sql = compare::compare(context, a, sign, b)?.sql();
            Ok(Condition::new(sql, Level::Not))
        }
        Expr::Exists { .. } | Expr::InSubquery { .. } | Expr::AnyOp { .. } | Expr::AllOp { .. } => {
            if context.purpose == Purpose::Table {
                return Err(Untranslated::new("a subquery"));
            }
            Ok(Condition::new(with_subquery(context, expr)?, Level::Not))
        }
        _ => Err(no_condition()),
    }
}

/// Conditions of views and functions only: a constraint has no subquery, on either side.
fn with_subquery(context: &mut Context<'_>, expr: &Expr) -> Outcome<String> {
    match expr {
        Expr::Exists { subquery, negated } => {
            let exists = query::exists(context, subquery)?;
            Ok(if *negated {
                format!("NOT {exists}")
            } else {
                exists
            })
        }
        Expr::InSubquery {
            expr,
            subquery,
            negated,
        } => query::in_subquery(context, expr, subquery, *negated),
        Expr::AnyOp {
            left,
            compare_op,
            right,
            ..
        } => query::any_or_all(context, (left, compare_op, right), "ANY"),
        Expr::AllOp {
            left,
            compare_op,
            right,
        } => query::any_or_all(context, (left, compare_op, right), "ALL"),
        _ => Err(no_condition()),
    }
}

fn no_condition() -> Untranslated {
    Untranslated::new("a condition of a kind that is not translated")
}

/// A chain of one operator, without a level of the stack for each link.
fn joined(context: &mut Context<'_>, expr: &Expr, op: &BinaryOperator) -> Outcome<Condition> {
    let mut links = Vec::new();
    let mut rest = expr;
    loop {
        match rest {
            Expr::BinaryOp {
                left,
                op: here,
                right,
            } if here == op => {
                links.push(&**right);
                rest = left;
            }
            first => {
                links.push(first);
                break;
            }
        }
    }
    let (word, level) = match op {
        BinaryOperator::And => (" AND ", Level::And),
        _ => (" OR ", Level::Or),
    };
    let mut parts = Vec::with_capacity(links.len());
    for link in links.into_iter().rev() {
        parts.push(condition(context, link)?.within(level));
    }
    Ok(Condition::new(parts.join(word), level))
}

fn null_test(context: &mut Context<'_>, expr: &Expr, test: &str) -> Outcome<Condition> {
    // UPPER and LOWER are NULL for the same values, whatever letters they make.
    let rounded = context.rounded;
    let value = expression::value(context, expr)?;
    context.rounded = rounded;
    let sql = format!("{} {test}", value.operand());
    Ok(Condition::new(sql, Level::Not))
}

/// One IN if the tested value has the same form beside every item, else comparisons joined by OR.
fn in_list(
    context: &mut Context<'_>,
    expr: &Expr,
    list: &[Expr],
    negated: bool,
) -> Outcome<Condition> {
    let mut comparisons: Vec<Comparison> = Vec::with_capacity(list.len());
    let mut total = 0;
    let value = expression::value(context, expr)?;
    for item in list {
        let item = expression::value(context, item)?;
        let made = compare::compare(context, value.clone(), "=", item)?;
        total += made.left.len() + made.right.len();
        context::bounded_at(total)?;
        comparisons.push(made);
    }
    let Some(first) = comparisons.first() else {
        return Err(Untranslated::new("an empty IN"));
    };
    let not = if negated { "NOT " } else { "" };
    if comparisons.iter().all(|it| it.left == first.left) {
        let items: Vec<&str> = comparisons.iter().map(|it| it.right.as_str()).collect();
        let sql = format!("{} {not}IN ({})", first.left, items.join(", "));
        return Ok(Condition::new(sql, Level::Not));
    }
    let items: Vec<String> = comparisons.iter().map(Comparison::sql).collect();
    let sql = items.join(" OR ");
    Ok(if negated {
        Condition::new(format!("NOT ({sql})"), Level::Not)
    } else {
        Condition::new(sql, Level::Or)
    })
}

/// Two comparisons, because each bound may ask for another conversion.
fn between(
    context: &mut Context<'_>,
    [expr, low, high]: [&Expr; 3],
    negated: bool,
) -> Outcome<Condition> {
    let value = expression::value(context, expr)?;
    let mut side = |sign, bound| {
        let bound = expression::value(context, bound)?;
        Ok(compare::compare(context, value.clone(), sign, bound)?.sql())
    };
    let sql = format!("{} AND {}", side(">=", low)?, side("<=", high)?);
    Ok(if negated {
        Condition::new(format!("NOT ({sql})"), Level::Not)
    } else {
        Condition::new(sql, Level::And)
    })
}
