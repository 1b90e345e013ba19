//! Operators: their result types (precision and scale included) and their evaluation.

use crate::engine::datatype::{self, is_binary, is_integer, is_money, is_text, precedence};
use crate::engine::error::{Result, error, overflow};
use crate::engine::value::calendar::{DAY, DAYS_1900, LAST_DAY};
use crate::engine::value::decimal;
use crate::types::{SqlType, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    And,
    Or,
    Xor,
    /// Text and binary.
    Concat,
}

impl Operator {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operator::Add | Operator::Concat => "add",
            Operator::Subtract => "subtract",
            Operator::Multiply => "multiply",
            Operator::Divide => "divide",
            Operator::Modulo => "modulo",
            Operator::And => "'&'",
            Operator::Or => "'|'",
            Operator::Xor => "'^'",
        }
    }
}

/// The decimal that an integer or money type counts as beside a decimal.
pub(crate) fn as_decimal(ty: &SqlType) -> (u8, u8) {
    match ty {
        SqlType::Decimal { precision, scale } => (*precision, *scale),
        SqlType::Bit => (1, 0),
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::BigInt => (19, 0),
        SqlType::SmallMoney => (10, 4),
        SqlType::Money => (19, 4),
        _ => (10, 0),
    }
}

/// "Precision, scale, and length (Transact-SQL)".
fn decimal_result(op: Operator, a: (u8, u8), b: (u8, u8)) -> (u8, u8) {
    let (p1, s1, p2, s2) = (
        i32::from(a.0),
        i32::from(a.1),
        i32::from(b.0),
        i32::from(b.1),
    );
    let (mut p, mut s) = match op {
        Operator::Multiply => (p1 + p2 + 1, s1 + s2),
        Operator::Divide => {
            let s = 6.max(s1 + p2 + 1);
            (p1 - s1 + s2 + s, s)
        }
        Operator::Modulo => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
        _ => (s1.max(s2) + (p1 - s1).max(p2 - s2) + 1, s1.max(s2)),
    };
    if p > 38 {
        s = match op {
            Operator::Multiply | Operator::Divide => (38 - (p - s)).max(s.min(6)).min(s),
            // "The resulting scale is MIN(precision, 38) - MAX(p1 - s1, p2 - s2)": the digit that
            // a sum may have more is not kept room for.
            _ => (38 - (p1 - s1).max(p2 - s2)).max(0).min(s),
        };
        p = 38;
    }
    (p as u8, s as u8)
}

/// The type of `l op r`, and the type that both operands convert to before (`None`: as they are).
pub(crate) fn result_type(
    op: Operator,
    l: &SqlType,
    r: &SqlType,
) -> Result<(SqlType, Option<SqlType>)> {
    let invalid = || {
        let message = format!(
            "The data types {} and {} are incompatible in the {} operator.",
            datatype::name(l),
            datatype::name(r),
            op.name()
        );
        error(402, 16, message)
    };
    if op == Operator::Add && (is_text(l) && is_text(r) || is_binary(l) && is_binary(r)) {
        return Ok((concat_type(l, r), None));
    }
    let strong = if precedence(l) >= precedence(r) { l } else { r };
    if matches!(strong, SqlType::DateTime | SqlType::SmallDateTime)
        && matches!(op, Operator::Add | Operator::Subtract)
    {
        return Ok((strong.clone(), Some(SqlType::DateTime)));
    }
    if datatype::is_temporal(strong)
        || matches!(
            strong,
            SqlType::UniqueIdentifier
                | SqlType::Xml
                | SqlType::SqlVariant
                | SqlType::HierarchyId
                | SqlType::Geography
                | SqlType::Geometry
                | SqlType::Json
                | SqlType::Vector { .. }
        )
    {
        return Err(invalid());
    }
    if matches!(op, Operator::And | Operator::Or | Operator::Xor) {
        let ty = match strong {
            SqlType::Bit
            | SqlType::TinyInt
            | SqlType::SmallInt
            | SqlType::Int
            | SqlType::BigInt => strong.clone(),
            _ => return Err(invalid()),
        };
        return Ok((ty.clone(), Some(ty)));
    }
    match strong {
        SqlType::Decimal { .. } => {
            let side = |ty: &SqlType| {
                if is_text(ty) {
                    as_decimal(strong)
                } else {
                    as_decimal(ty)
                }
            };
            let (a, b) = (side(l), side(r));
            let (precision, scale) = decimal_result(op, a, b);
            // Each operand keeps its own scale; evaluation reads it from the value.
            Ok((SqlType::Decimal { precision, scale }, None))
        }
        SqlType::Bit
            if matches!(op, Operator::Add | Operator::Subtract | Operator::Multiply) && l == r =>
        {
            Err(invalid())
        }
        SqlType::Bit => Ok((SqlType::Int, Some(SqlType::Int))),
        SqlType::Float | SqlType::Real if op == Operator::Modulo => Err(invalid()),
        ty if datatype::is_number(ty) => Ok((ty.clone(), Some(ty.clone()))),
        _ => Err(invalid()),
    }
}

fn concat_type(l: &SqlType, r: &SqlType) -> SqlType {
    let length = |most: u32| match (datatype::length(l), datatype::length(r)) {
        (Some(a), Some(b)) => Some((u32::from(a) + u32::from(b)).min(most) as u16),
        _ => None,
    };
    let fixed = |ty: &SqlType| matches!(ty, SqlType::Char { .. } | SqlType::NChar { .. });
    let both_fixed = fixed(l) && fixed(r);
    if is_binary(l) {
        return SqlType::VarBinary {
            length: length(8000),
        };
    }
    if datatype::is_unicode(l) || datatype::is_unicode(r) {
        return match length(4000) {
            Some(length) if both_fixed => SqlType::NChar { length },
            length => SqlType::NVarChar { length },
        };
    }
    match length(8000) {
        Some(length) if both_fixed => SqlType::Char { length },
        length => SqlType::VarChar { length },
    }
}

fn divide_by_zero() -> crate::types::SqlError {
    error(8134, 16, "Divide by zero error encountered.")
}

/// Evaluates an operator on values of one kind; NULL in, NULL out.
pub(crate) fn evaluate(op: Operator, l: Value, r: Value, ty: &SqlType) -> Result<Value> {
    match (l, r) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Int(a), Value::Int(b)) if is_integer(ty) => integer(op, a, b, ty).map(Value::Int),
        (Value::Bit(a), Value::Bit(b)) => Ok(Value::Bit(match op {
            Operator::And => a && b,
            Operator::Or => a || b,
            _ => a != b,
        })),
        (Value::Float(a), Value::Float(b)) => float(op, a, b).map(Value::Float),
        (Value::Real(a), Value::Real(b)) => {
            let wide = float(op, f64::from(a), f64::from(b))? as f32;
            if wide.is_finite() {
                Ok(Value::Real(wide))
            } else {
                Err(overflow("real"))
            }
        }
        (Value::Money(a), Value::Money(b)) if is_money(ty) => {
            money(op, i128::from(a), i128::from(b))
        }
        (Value::Text(a), Value::Text(b)) => {
            let mut joined = a.to_vec();
            joined.extend_from_slice(&b);
            Ok(Value::Text(joined.into()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([&a[..], &b[..]].concat().into())),
        (
            Value::DateTime {
                days: d1,
                ticks: t1,
            },
            Value::DateTime {
                days: d2,
                ticks: t2,
            },
        ) => moment(op, (d1, t1), (d2, t2), ty),
        (a, b) => match ty {
            SqlType::Decimal { precision, scale } => decimals(op, &a, &b, *precision, *scale),
            _ => Err(error(
                403,
                16,
                format!(
                    "Invalid operator for data type. Operator equals {}, type equals {}.",
                    op.name(),
                    datatype::name(ty)
                ),
            )),
        },
    }
}

fn integer(op: Operator, a: i64, b: i64, ty: &SqlType) -> Result<i64> {
    let result = match op {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide if b == 0 => return Err(divide_by_zero()),
        Operator::Divide => a.checked_div(b),
        Operator::Modulo if b == 0 => return Err(divide_by_zero()),
        Operator::Modulo => Some(a.checked_rem(b).unwrap_or(0)),
        Operator::And => Some(a & b),
        Operator::Or => Some(a | b),
        Operator::Xor => Some(a ^ b),
        Operator::Concat => None,
    };
    let fits = |v: &i64| match ty {
        SqlType::TinyInt => (0..=255).contains(v),
        SqlType::SmallInt => i16::try_from(*v).is_ok(),
        SqlType::Int => i32::try_from(*v).is_ok(),
        _ => true,
    };
    result
        .filter(fits)
        .ok_or_else(|| overflow(datatype::name(ty)))
}

fn float(op: Operator, a: f64, b: f64) -> Result<f64> {
    let result = match op {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        _ if b == 0.0 => return Err(divide_by_zero()),
        _ => a / b,
    };
    if result.is_finite() {
        Ok(result)
    } else {
        Err(overflow("float"))
    }
}

fn money(op: Operator, a: i128, b: i128) -> Result<Value> {
    let result = match op {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => decimal::round_off(a * b, 4),
        _ if b == 0 => return Err(divide_by_zero()),
        Operator::Divide => a * 10_000 / b,
        _ => a % b,
    };
    i64::try_from(result)
        .map(Value::Money)
        .map_err(|_| overflow("money"))
}

fn decimals(op: Operator, a: &Value, b: &Value, precision: u8, scale: u8) -> Result<Value> {
    let read = |v: &Value| match v {
        Value::Decimal { unscaled, scale } => Ok((*unscaled, *scale)),
        Value::Int(i) => Ok((i128::from(*i), 0)),
        Value::Bit(b) => Ok((i128::from(*b), 0)),
        Value::Money(m) => Ok((i128::from(*m), 4)),
        _ => Err(overflow("numeric")),
    };
    let (a, b) = (read(a)?, read(b)?);
    let wide = a.1.max(b.1);
    let aligned = || {
        Some((
            decimal::rescale(a.0, a.1, wide)?,
            decimal::rescale(b.0, b.1, wide)?,
        ))
    };
    let result = match op {
        Operator::Add => {
            aligned().and_then(|(x, y)| decimal::rescale(x.checked_add(y)?, wide, scale))
        }
        Operator::Subtract => {
            aligned().and_then(|(x, y)| decimal::rescale(x.checked_sub(y)?, wide, scale))
        }
        Operator::Multiply => decimal::multiply(a, b, scale),
        _ if b.0 == 0 => return Err(divide_by_zero()),
        Operator::Divide => decimal::divide(a, b, scale),
        _ => aligned().and_then(|(x, y)| decimal::rescale(x % y, wide, scale)),
    };
    let unscaled = result
        .filter(|v| v.abs() < decimal::pow10(precision))
        .ok_or_else(|| overflow("numeric"))?;
    Ok(Value::Decimal { unscaled, scale })
}

/// `datetime + datetime`: days count from 1900, ticks are 1/300 s.
fn moment(op: Operator, a: (i32, u32), b: (i32, u32), ty: &SqlType) -> Result<Value> {
    const TICKS: i64 = 300 * 86_400;
    debug_assert_eq!(DAY / 10_000_000, 86_400);
    let total = |m: (i32, u32)| i64::from(m.0) * TICKS + i64::from(m.1);
    let sum = match op {
        Operator::Add => total(a) + total(b),
        _ => total(a) - total(b),
    };
    let days = sum.div_euclid(TICKS) as i32;
    if DAYS_1900 + days > LAST_DAY || DAYS_1900 + days < 639_905 {
        return Err(error(
            517,
            16,
            "Adding a value to a 'datetime' column caused an overflow.",
        ));
    }
    let value = Value::DateTime {
        days,
        ticks: sum.rem_euclid(TICKS) as u32,
    };
    crate::engine::value::convert::convert(&value, &SqlType::DateTime, ty, Default::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dec(p: u8, s: u8) -> SqlType {
        SqlType::Decimal {
            precision: p,
            scale: s,
        }
    }

    #[test]
    fn decimal_types_as_documented() {
        let of = |op, a: &SqlType, b: &SqlType| result_type(op, a, b).unwrap().0;
        assert_eq!(of(Operator::Add, &dec(10, 2), &dec(8, 4)), dec(13, 4));
        assert_eq!(of(Operator::Multiply, &dec(10, 2), &dec(8, 4)), dec(19, 6));
        assert_eq!(of(Operator::Divide, &dec(10, 2), &dec(8, 4)), dec(23, 11));
        assert_eq!(
            of(Operator::Multiply, &dec(38, 10), &dec(38, 10)),
            dec(38, 6)
        );
        assert_eq!(of(Operator::Add, &SqlType::Int, &dec(5, 2)), dec(13, 2));
        assert_eq!(
            of(Operator::Divide, &SqlType::Int, &SqlType::Int),
            SqlType::Int
        );
    }

    #[test]
    fn integer_division_and_overflow() {
        let eval = |op, a, b| evaluate(op, Value::Int(a), Value::Int(b), &SqlType::Int);
        assert!(matches!(eval(Operator::Divide, 7, 2), Ok(Value::Int(3))));
        assert!(matches!(eval(Operator::Modulo, -7, 3), Ok(Value::Int(-1))));
        assert_eq!(
            eval(Operator::Add, i64::from(i32::MAX), 1)
                .unwrap_err()
                .number,
            8115
        );
        assert_eq!(eval(Operator::Divide, 1, 0).unwrap_err().number, 8134);
    }
}
