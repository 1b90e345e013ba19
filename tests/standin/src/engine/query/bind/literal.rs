//! Literals, and constants that are computed while binding.

use std::sync::Arc;

use sqlparser::ast;

use crate::engine::arithmetic::Operator;
use crate::engine::collate;
use crate::engine::datatype::{self, is_integer};
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::value::{decimal, text};
use crate::types::{SqlType, Value};

pub(super) fn literal(value: &ast::Value) -> Result<Bound> {
    let text_type = |s: &str, unicode: bool| {
        let units: Arc<[u16]> = s.encode_utf16().collect();
        let n = units.len().max(1);
        let length = u16::try_from(n)
            .ok()
            .filter(|n| *n <= if unicode { 4000 } else { 8000 });
        let ty = if unicode {
            SqlType::NVarChar { length }
        } else {
            SqlType::VarChar { length }
        };
        let mut bound = Bound::constant(Value::Text(units), ty);
        bound.t.collation = Some(collate::default_collation());
        bound
    };
    match value {
        ast::Value::Number(n, _) => number(n),
        ast::Value::SingleQuotedString(s) => {
            let mut bound = text_type(s, false);
            if let Kind::Const(Value::Text(units)) = &bound.kind {
                let kept = collate::narrow(collate::default_collation().code_page, units, false);
                bound.kind = Kind::Const(Value::Text(kept));
            }
            Ok(bound)
        }
        ast::Value::NationalStringLiteral(s) => Ok(text_type(s, true)),
        ast::Value::HexStringLiteral(h) => {
            let bytes = text::parse_hex(h).ok_or_else(|| syntax(h))?;
            let length = u16::try_from(bytes.len().max(1))
                .ok()
                .filter(|n| *n <= 8000);
            Ok(Bound::constant(
                Value::Bytes(bytes.into()),
                SqlType::VarBinary { length },
            ))
        }
        ast::Value::Placeholder(p) if p.starts_with('$') => {
            let amount = if p.len() == 1 {
                Some((0, 0))
            } else {
                decimal::parse(&p[1..])
            };
            let (unscaled, scale) = amount.ok_or_else(|| syntax(p))?;
            let scaled = decimal::rescale(unscaled, scale, 4).and_then(|v| i64::try_from(v).ok());
            scaled
                .map(|m| Bound::constant(Value::Money(m), SqlType::Money))
                .ok_or_else(|| syntax(p))
        }
        ast::Value::Null => Ok(Bound::constant(Value::Null, SqlType::Int)),
        other => Err(unsupported(format!("the literal {other}"))),
    }
}

/// An integer, a decimal, or with an exponent a float.
pub(super) fn number(digits: &str) -> Result<Bound> {
    if digits.contains(['e', 'E']) {
        let f: f64 = digits.parse().map_err(|_| syntax(digits))?;
        return if f.is_finite() {
            Ok(Bound::constant(Value::Float(f), SqlType::Float))
        } else {
            Err(syntax(digits))
        };
    }
    if let Ok(i) = digits.parse::<i32>() {
        return Ok(Bound::constant(Value::Int(i64::from(i)), SqlType::Int));
    }
    let too_large = || {
        error(
            1007,
            15,
            format!(
                "The number '{digits}' is out of the range for numeric representation (maximum precision 38)."
            ),
        )
    };
    let (unscaled, scale) = decimal::parse(digits).ok_or_else(too_large)?;
    let precision = (unscaled.unsigned_abs().to_string().len() as u8)
        .max(scale)
        .max(1);
    Ok(Bound::constant(
        Value::Decimal { unscaled, scale },
        SqlType::Decimal { precision, scale },
    ))
}

pub(super) fn negative(bound: Bound) -> Result<Bound> {
    let zero = match &bound.t.ty {
        SqlType::Decimal { scale, .. } => Value::Decimal {
            unscaled: 0,
            scale: *scale,
        },
        SqlType::Float => Value::Float(-0.0),
        SqlType::Real => Value::Real(-0.0),
        SqlType::Money | SqlType::SmallMoney => Value::Money(0),
        t if is_integer(t) => Value::Int(0),
        other => {
            return Err(error(
                8117,
                16,
                format!(
                    "Operand data type {} is invalid for minus operator.",
                    datatype::name(other)
                ),
            ));
        }
    };
    // No tinyint is negative: its negation is a smallint.
    let bound = if bound.t.ty == SqlType::TinyInt {
        crate::engine::eval::types::convert_to(bound, &SqlType::SmallInt)
    } else {
        bound
    };
    let ty = bound.t.clone();
    let zero = Bound::constant(zero, ty.ty.clone());
    Ok(Bound {
        kind: Kind::Arithmetic(Operator::Subtract, Box::new(zero), Box::new(bound)),
        t: ty,
    })
}
