//! Dynamic data masking: what of a column is shown to those without UNMASK.
//!
//! Microsoft, "Dynamic data masking": conditions see the values, results do not; an expression over
//! a masked column is masked by default().

use std::sync::Arc;

use crate::engine::datatype::{self, has_collation};
use crate::engine::error::{Result, error};
use crate::engine::eval::expr::{Bound, Call, Kind, Ty};
use crate::engine::eval::plan::Plan;
use crate::engine::query::bind::Output;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

/// What masks an expression, whatever masks its columns.
pub(crate) const DEFAULT: &str = "default()";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Mask {
    Default,
    Email,
    /// Characters shown at the front, what stands between, characters shown at the end.
    Partial(usize, String, usize),
    Random(i64),
}

fn parse(function: &str) -> Option<Mask> {
    let (name, rest) = function.trim().split_once('(')?;
    let arguments = rest.trim().strip_suffix(')')?;
    let parts: Vec<&str> = arguments.split(',').map(str::trim).collect();
    Some(
        match (name.trim().to_ascii_lowercase().as_str(), parts.as_slice()) {
            ("default", [""]) => Mask::Default,
            ("email", [""]) => Mask::Email,
            ("random", [low, _]) => Mask::Random(low.parse().ok()?),
            ("partial", [front, .., end]) if parts.len() > 2 => {
                let padding = arguments.split_once('"')?.1.rsplit_once('"')?.0;
                Mask::Partial(front.parse().ok()?, padding.to_owned(), end.parse().ok()?)
            }
            _ => return None,
        },
    )
}

/// # Errors
/// 16003 for a function that is none of the four.
pub(crate) fn check(function: &str) -> Result<()> {
    parse(function).map(|_| ()).ok_or_else(|| {
        error(
            16003,
            16,
            format!("The data masking function '{function}' is not valid."),
        )
    })
}

/// The plan with its masked columns masked.
pub(crate) fn shown(plan: Plan, columns: &[Output]) -> Plan {
    if columns.iter().all(|c| c.mask.is_none()) {
        return plan;
    }
    let column = |(at, output): (usize, &Output)| {
        let value = Bound {
            kind: Kind::Column { depth: 0, at },
            t: output.t.clone(),
        };
        match &output.mask {
            None => value,
            Some(function) => masked(value, function),
        }
    };
    let exprs = columns.iter().enumerate().map(column).collect();
    Plan::Project(Box::new(plan), exprs)
}

fn masked(value: Bound, function: &str) -> Bound {
    let mask = parse(function).unwrap_or(Mask::Default);
    let t: Ty = value.t.clone();
    let ty = t.ty.clone();
    let call: Call = Arc::new(move |values: &[Value]| hide(&values[0], &ty, &mask));
    Bound {
        kind: Kind::Call(call, vec![value]),
        t,
    }
}

fn hide(value: &Value, ty: &SqlType, mask: &Mask) -> Result<Value> {
    if matches!(value, Value::Null) {
        return Ok(Value::Null);
    }
    if !has_collation(ty) {
        return match (mask, ty) {
            (
                Mask::Random(low),
                SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt,
            ) => Ok(Value::Int(*low)),
            _ => empty(ty),
        };
    }
    let units = text::units(value)
        .map(|u| text::to_string(u))
        .unwrap_or_default();
    let told: Vec<char> = units.trim_end().chars().collect();
    let shown = match mask {
        Mask::Email => format!("{}XXX@XXXX.com", told.first().copied().unwrap_or('X')),
        Mask::Partial(front, padding, end) if told.len() >= front + end => {
            let front: String = told[..*front].iter().collect();
            let end: String = told[told.len() - end..].iter().collect();
            format!("{front}{padding}{end}")
        }
        // Too short to show a part of: none is (Microsoft, "Dynamic data masking").
        Mask::Partial(_, padding, _) => padding.clone(),
        // Four, or fewer where the field is shorter.
        _ => "x".repeat(width(ty).min(4)),
    };
    let wide = SqlType::NVarChar { length: None };
    let how = How {
        truncate: true,
        code_page: Some(1252),
        ..How::default()
    };
    convert(&text::value(&shown), &wide, ty, how)
}

fn width(ty: &SqlType) -> usize {
    match ty {
        SqlType::NChar { length }
        | SqlType::NVarChar {
            length: Some(length),
        } => (*length).into(),
        SqlType::Char { length }
        | SqlType::VarChar {
            length: Some(length),
        } => (*length).into(),
        _ => 4,
    }
}

/// Zero, 1900-01-01 or a single zero byte.
fn empty(ty: &SqlType) -> Result<Value> {
    let from = |value: Value, from: SqlType| convert(&value, &from, ty, How::default());
    match ty {
        SqlType::Bit => Ok(Value::Bit(false)),
        SqlType::Date
        | SqlType::Time { .. }
        | SqlType::SmallDateTime
        | SqlType::DateTime
        | SqlType::DateTime2 { .. }
        | SqlType::DateTimeOffset { .. } => from(
            text::value("1900-01-01 00:00:00"),
            SqlType::NVarChar { length: Some(30) },
        ),
        ty if datatype::is_binary(ty) => Ok(Value::Bytes(Arc::from([0u8].as_slice()))),
        SqlType::UniqueIdentifier => Ok(Value::Guid([0; 16])),
        SqlType::Xml => Ok(text::value("<masked />")),
        _ => from(Value::Int(0), SqlType::Int),
    }
}
