//! Window functions, and the windows of aggregates.

use sqlparser::ast::{Expr, Function, WindowFrameBound, WindowFrameUnits, WindowSpec, WindowType};

use super::super::context::Context;
use super::super::types::Family;
use super::super::value::Value;
use super::super::{Outcome, Untranslated, common, expression};
use super::{arguments, group, order, typed_constant};
use crate::schema::SqlType;

/// Window functions that are translated.
pub(super) const NAMES: [&str; 10] = [
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "NTILE",
    "LAG",
    "LEAD",
    "FIRST_VALUE",
    "LAST_VALUE",
    "PERCENT_RANK",
    "CUME_DIST",
];

/// A window function; `None` for any other function.
pub(super) fn call(
    context: &mut Context<'_>,
    call: &Function,
    name: &str,
) -> Option<Outcome<Value>> {
    if !NAMES.contains(&name) {
        return None;
    }
    Some(windowed(context, call, name))
}

fn windowed(context: &mut Context<'_>, call: &Function, name: &str) -> Outcome<Value> {
    let Some(WindowType::WindowSpec(spec)) = &call.over else {
        return Err(Untranslated::new(format!("{name} without OVER")));
    };
    if call.null_treatment.is_some() || call.filter.is_some() || !call.within_group.is_empty() {
        return Err(Untranslated::new(format!("{name} IGNORE NULLS")));
    }
    if spec.order_by.is_empty() {
        return Err(Untranslated::new(format!("{name} without ORDER BY")));
    }
    let window = self::spec(context, spec)?;
    let arguments = arguments::arguments(call);
    let plain = |sql: &str| format!("{sql}() OVER ({window})");
    Ok(match (name, arguments.as_slice()) {
        ("ROW_NUMBER" | "RANK" | "DENSE_RANK", []) => {
            Value::atom(plain(&name.to_ascii_lowercase()), SqlType::BigInt)
        }
        ("PERCENT_RANK" | "CUME_DIST", []) => {
            Value::atom(plain(&name.to_ascii_lowercase()), SqlType::Float)
        }
        ("NTILE", [buckets]) => {
            let buckets = expression::value(context, buckets)?;
            if buckets.family() != Family::Int {
                return Err(Untranslated::new(
                    "NTILE of something other than an integer",
                ));
            }
            let sql = format!(
                "(ntile({}::integer) OVER ({window}))::bigint",
                buckets.operand()
            );
            Value::atom(sql, SqlType::BigInt)
        }
        ("LAG" | "LEAD", [value, rest @ ..]) => {
            return shifted(context, &name.to_ascii_lowercase(), (value, rest), &window);
        }
        ("FIRST_VALUE" | "LAST_VALUE", [value]) => {
            let value = typed_constant(expression::value(context, value)?.kept()?);
            let ty = value.ty.clone();
            let ty = ty.ok_or_else(|| Untranslated::new(format!("{name} of NULL")))?;
            let sql = format!(
                "{}({}) OVER ({window})",
                name.to_ascii_lowercase(),
                value.sql
            );
            Value::atom(sql, ty).in_collation_of(&value)
        }
        _ => return Err(Untranslated::new(format!("the arguments of {name}"))),
    })
}

/// LAG and LEAD: the default is converted to the value's type.
fn shifted(
    context: &mut Context<'_>,
    function: &str,
    (value, rest): (&Expr, &[&Expr]),
    window: &str,
) -> Outcome<Value> {
    let value = typed_constant(expression::value(context, value)?.kept()?);
    let ty = value.ty.clone();
    let ty = ty.ok_or_else(|| Untranslated::new("LAG or LEAD of NULL"))?;
    let mut list = vec![value.sql.clone()];
    if let Some(offset) = rest.first() {
        let offset = expression::value(context, offset)?;
        if offset.family() != Family::Int {
            return Err(Untranslated::new(
                "LAG or LEAD by something other than an integer",
            ));
        }
        list.push(format!("{}::integer", offset.operand()));
    }
    if let Some(default) = rest.get(1) {
        let default = expression::value(context, default)?.kept()?;
        if default.ty.is_some() {
            let both = common::common(&value, &default)?;
            if both != ty && default.constant.is_none() {
                return Err(Untranslated::new(
                    "LAG or LEAD with a default of another type",
                ));
            }
            let default = super::super::convert::converted(context, default, &ty)?;
            let natural = super::super::types::natural(&ty);
            list[0] = match &natural {
                Some(natural) => value.cast(&natural.to_string()),
                None => value.sql.clone(),
            };
            list.push(match &natural {
                Some(natural) => default.cast(&natural.to_string()),
                None => default.sql,
            });
        }
    }
    let sql = format!("{function}({}) OVER ({window})", list.join(", "));
    Ok(Value::atom(sql, ty).in_collation_of(&value))
}

/// The window of an aggregate.
pub(super) fn over(context: &mut Context<'_>, over: &WindowType) -> Outcome<String> {
    match over {
        WindowType::WindowSpec(spec) => self::spec(context, spec),
        WindowType::NamedWindow(_) => Err(Untranslated::new("a named window")),
    }
}

fn spec(context: &mut Context<'_>, spec: &WindowSpec) -> Outcome<String> {
    if spec.window_name.is_some() {
        return Err(Untranslated::new("a named window"));
    }
    let mut parts = Vec::new();
    if !spec.partition_by.is_empty() {
        let mut keys = Vec::with_capacity(spec.partition_by.len());
        for expr in &spec.partition_by {
            let value = expression::value(context, expr)?;
            keys.push(group::key(context, &value)?);
        }
        parts.push(format!("PARTITION BY {}", keys.join(", ")));
    }
    if !spec.order_by.is_empty() {
        let mut keys = Vec::with_capacity(spec.order_by.len());
        for expr in &spec.order_by {
            let value = expression::value(context, &expr.expr)?;
            if value.constant.is_some() || matches!(expr.expr, Expr::Subquery(_)) {
                return Err(Untranslated::new(
                    "a window ordered by a constant, so that its order is not certain",
                ));
            }
            keys.push(order::key(context, &value, expr)?);
        }
        parts.push(format!("ORDER BY {}", keys.join(", ")));
    }
    if let Some(frame) = &spec.window_frame {
        let units = match frame.units {
            WindowFrameUnits::Rows => "ROWS",
            WindowFrameUnits::Range => "RANGE",
            WindowFrameUnits::Groups => return Err(Untranslated::new("a frame of GROUPS")),
        };
        let start = bound(&frame.start_bound)?;
        parts.push(match &frame.end_bound {
            Some(end) => format!("{units} BETWEEN {start} AND {}", bound(end)?),
            None => format!("{units} {start}"),
        });
    }
    Ok(parts.join(" "))
}

fn bound(bound: &WindowFrameBound) -> Outcome<String> {
    let rows = |rows: &Option<Box<Expr>>| match rows {
        None => Ok("UNBOUNDED".to_owned()),
        Some(rows) => match &**rows {
            Expr::Value(value) if value.to_string().bytes().all(|it| it.is_ascii_digit()) => {
                Ok(value.to_string())
            }
            _ => Err(Untranslated::new("a frame of a number that varies")),
        },
    };
    Ok(match bound {
        WindowFrameBound::CurrentRow => "CURRENT ROW".to_owned(),
        WindowFrameBound::Preceding(number) => format!("{} PRECEDING", rows(number)?),
        WindowFrameBound::Following(number) => format!("{} FOLLOWING", rows(number)?),
    })
}
