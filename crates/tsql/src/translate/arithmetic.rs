//! `+ - * / %`, signs and bits, by the types of both sides.
//!
//! The result type follows from both operands ("Data type precedence", "Precision, scale, and
//! length"). PostgreSQL's operator must give the same digits and fail for the same values; if it
//! does not, the operation is spelled out. A text beside a number is converted first.

use sqlparser::ast::{BinaryOperator, UnaryOperator};

use super::context::Context;
use super::convert;
use super::decimal::{self, Decimal, Digits};
use super::moment_arithmetic;
use super::text_sum;
use super::types::{self, Family};
use super::value::{Constant, Value};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// Whether an operator makes a value here; comparisons and AND make conditions.
pub(super) fn is_operator(op: &BinaryOperator) -> bool {
    is_factor(op)
        || matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::BitwiseAnd
                | BinaryOperator::BitwiseOr
                | BinaryOperator::BitwiseXor
        )
}

/// Those that bind tighter than `+`.
pub(super) fn is_factor(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo
    )
}

fn is_bitwise(op: &BinaryOperator) -> bool {
    is_operator(op) && !is_factor(op) && !matches!(op, BinaryOperator::Plus | BinaryOperator::Minus)
}

/// `a op b`.
///
/// # Errors
/// A pair of types or an operator whose result is not certain to be the same.
pub(super) fn binary(
    context: &mut Context<'_>,
    op: &BinaryOperator,
    a: Value,
    b: Value,
) -> Outcome<Value> {
    if !is_operator(op) {
        return Err(Untranslated::new(format!("the operator {op} as a value")));
    }
    let (a, b) = typed_nulls(op, a.kept()?, b.kept()?)?;
    match (a.family(), b.family()) {
        (Family::Text, Family::Text) if *op == BinaryOperator::Plus => {
            text_sum::sum(context, &a, &b)
        }
        (Family::Binary, Family::Binary) if *op == BinaryOperator::Plus => {
            let length = |it: &Value| it.ty.as_ref().and_then(types::length);
            let both = length(&a).zip(length(&b));
            let length = both
                .map(|(one, other)| one.saturating_add(other))
                .filter(|length| *length <= 8_000);
            if both.is_some() && length.is_none() {
                return Err(Untranslated::new("+ of binaries of more than 8,000 bytes"));
            }
            let sql = format!("{} || {}", a.operand(), b.operand());
            Ok(Value::operation(sql, SqlType::VarBinary { length }))
        }
        (Family::Bit, Family::Bit) if is_bitwise(op) => bits(op, &a, &b),
        (Family::Bit, Family::Bit) => Err(Untranslated::new(format!("{op} of two bits"))),
        (one, other) if one.is_number() && other.is_number() => numbers(context, op, &a, &b),
        // A number, and a date, has the higher precedence: the text is read as one.
        (Family::Text, other) if other.is_number() => {
            let ty = number_type(&b);
            let a = convert::converted(context, a, &ty)?;
            numbers(context, op, &a, &b)
        }
        (one, Family::Text) if one.is_number() => {
            let ty = number_type(&a);
            let b = convert::converted(context, b, &ty)?;
            numbers(context, op, &a, &b)
        }
        (Family::Moment, _) | (_, Family::Moment) => moment_arithmetic::binary(context, op, &a, &b),
        _ => Err(Untranslated::new(format!(
            "{op} of {} and {}",
            a.shown(),
            b.shown()
        ))),
    }
}

/// What a text beside a number is read as.
fn number_type(number: &Value) -> SqlType {
    match &number.ty {
        Some(SqlType::Bit) | None => SqlType::Int,
        Some(ty) => ty.clone(),
    }
}

/// NULL by itself has the type of what it stands beside, and makes NULL of it.
fn typed_nulls(op: &BinaryOperator, a: Value, b: Value) -> Outcome<(Value, Value)> {
    let untyped = |value: &Value| value.is_null() && value.ty.is_none();
    match (untyped(&a), untyped(&b)) {
        (true, true) => Err(Untranslated::new(format!("{op} with NULL"))),
        (true, false) => {
            let ty = b.ty.clone().unwrap_or(SqlType::Int);
            Ok((convert::implicit(a, &ty)?, b))
        }
        (false, true) => {
            let ty = a.ty.clone().unwrap_or(SqlType::Int);
            let b = convert::implicit(b, &ty)?;
            Ok((a, b))
        }
        (false, false) => Ok((a, b)),
    }
}

/// Bits of bits, by way of integers: `false AND NULL` is false, `0 & NULL` is NULL.
fn bits(op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let int = |value: &Value| convert::implicit(value.clone(), &SqlType::Int);
    let made = integers(op, &int(a)?, &int(b)?)?;
    Ok(Value::operation(
        format!("({}) <> 0", made.sql),
        SqlType::Bit,
    ))
}

/// Floats come first, then integers among themselves, then money without decimals, then decimals.
fn numbers(context: &mut Context<'_>, op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let (a, b) = (unbit(a)?, unbit(b)?);
    match (a.family(), b.family()) {
        (Family::Float, _) | (_, Family::Float) => floats(context, op, &a, &b),
        (Family::Int, Family::Int) => integers(op, &a, &b),
        (Family::Money, other) | (other, Family::Money) if other != Family::Decimal => {
            money(op, &a, &b)
        }
        _ => decimals(op, &a, &b),
    }
}

/// A bit meets a number as that number's type.
fn unbit(value: &Value) -> Outcome<Value> {
    match value.family() {
        Family::Bit => convert::implicit(value.clone(), &SqlType::Int),
        _ => Ok(value.clone()),
    }
}

/// The same operators, the same cut towards zero, and an error past the same bounds. (A `tinyint`
/// is a `smallint` there, which gives results where the source gives the error.)
fn integers(op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let ty = higher(a, b);
    let sign = match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::BitwiseAnd => "&",
        BinaryOperator::BitwiseOr => "|",
        BinaryOperator::BitwiseXor => "#",
        _ => return Err(unknown(op)),
    };
    // A cast constant decides the type of what it stands beside.
    let sql = format!("{} {sign} {}", a.operand(), b.operand());
    Ok(Value::operation(sql, ty))
}

/// The type with the higher precedence; the first operand's if both have the same.
fn higher(a: &Value, b: &Value) -> SqlType {
    let (one, other) = (&a.ty, &b.ty);
    let rank = |ty: &Option<SqlType>| ty.as_ref().map_or(0, types::rank);
    let ty = if rank(one) >= rank(other) { one } else { other };
    ty.clone().unwrap_or(SqlType::Int)
}

/// Both operands are converted to the wider of the two types.
fn floats(context: &mut Context<'_>, op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let sign = match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        _ => return Err(unknown(op)),
    };
    let ty = higher(a, b);
    let a = convert::converted(context, a.clone(), &ty)?;
    let b = convert::converted(context, b.clone(), &ty)?;
    let sql = format!("{} {sign} {}", a.operand(), b.operand());
    Ok(Value::operation(sql, ty))
}

/// `money` with itself and integers. Sums and products with integers are exact; a product of two
/// has eight digits, of which four stay, rounded, and a quotient is cut after four.
fn money(op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let ty = higher(a, b);
    let both = a.family() == b.family();
    let (one, other) = (a.plain(), b.plain());
    Ok(match op {
        BinaryOperator::Plus => Value::operation(format!("{one} + {other}"), ty),
        BinaryOperator::Minus => Value::operation(format!("{one} - {other}"), ty),
        BinaryOperator::Multiply if both => Value::atom(format!("round({one} * {other}, 4)"), ty),
        BinaryOperator::Multiply => Value::operation(format!("{one} * {other}"), ty),
        BinaryOperator::Divide => {
            let sql = format!("div({one} * 10000::numeric, {other}) * 0.0001");
            Value::operation(sql, ty)
        }
        _ => return Err(unknown(op)),
    })
}

/// The digits of the result are SQL Server's; PostgreSQL's `numeric` is rounded to them only if SQL
/// Server rounds.
fn decimals(op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let (one, other) = (digits(a)?, digits(b)?);
    let (sign, digits) = match op {
        BinaryOperator::Plus => ("+", decimal::sum(one, other)),
        BinaryOperator::Minus => ("-", decimal::sum(one, other)),
        BinaryOperator::Multiply => ("*", decimal::product(one, other)),
        BinaryOperator::Modulo => ("%", decimal::remainder(one, other)),
        BinaryOperator::Divide => {
            return Ok(quotient(a, b, decimal::quotient(one, other)));
        }
        _ => return Err(unknown(op)),
    };
    let sql = format!("{} {sign} {}", a.plain(), b.plain());
    let Digits {
        precision,
        scale,
        reduced,
    } = digits;
    let ty = SqlType::Decimal { precision, scale };
    match (reduced, op) {
        (false, _) => Ok(Value::operation(sql, ty)),
        (true, BinaryOperator::Modulo) => Err(Untranslated::new(
            "% of decimals whose result SQL Server shortens",
        )),
        // "Precision, scale, and length": the result is rounded to the scale that is left.
        (true, _) => Ok(Value::atom(format!("round({sql}, {scale})"), ty)),
    }
}

/// SQL Server cuts a quotient at its scale: `2 / 3.0` is 0.666666. `div` cuts at the point.
fn quotient(a: &Value, b: &Value, digits: Digits) -> Value {
    let Digits {
        precision, scale, ..
    } = digits;
    let unit = format!("1{}", "0".repeat(usize::from(scale)));
    let smallest = format!("0.{}1", "0".repeat(usize::from(scale).saturating_sub(1)));
    let sql = format!(
        "div({} * {unit}::numeric, {}) * {smallest}",
        a.plain(),
        b.plain()
    );
    Value::operation(sql, SqlType::Decimal { precision, scale })
}

/// A constant has the digits that are written.
fn digits(value: &Value) -> Outcome<(u8, u8)> {
    if let Some(Constant::Int(number)) = value.constant
        && value.ty == Some(SqlType::Int)
    {
        return Ok(Decimal::whole(number).digits());
    }
    let ty = value.ty.as_ref();
    ty.and_then(types::digits)
        .ok_or_else(|| Untranslated::new(format!("arithmetic with {}", value.shown())))
}

fn unknown(op: &BinaryOperator) -> Untranslated {
    Untranslated::new(format!("the operator {op} with these types"))
}

/// `-x`, `+x`, `~x`.
pub(super) fn unary(op: UnaryOperator, value: Value) -> Outcome<Value> {
    let ty = value.ty.clone().unwrap_or(SqlType::Int);
    match (op, value.family()) {
        (UnaryOperator::Plus, family) if family.is_number() => Ok(value),
        (UnaryOperator::Plus, Family::Text) => Ok(value),
        (UnaryOperator::Minus, _) => minus(value, ty),
        (UnaryOperator::BitwiseNot, Family::Bit) => {
            Ok(Value::operation(format!("NOT {}", value.operand()), ty))
        }
        // All eight bits of it, and no sign.
        (UnaryOperator::BitwiseNot, Family::Int) if ty == SqlType::TinyInt => Ok(Value::operation(
            format!("~{} & 255::smallint", value.operand()),
            ty,
        )),
        (UnaryOperator::BitwiseNot, Family::Int) => {
            Ok(Value::operation(format!("~{}", value.operand()), ty))
        }
        _ => Err(Untranslated::new(format!("{op} of {}", value.shown()))),
    }
}

/// A constant is negated here. `tinyint` has no negative values and is refused.
fn minus(value: Value, ty: SqlType) -> Outcome<Value> {
    match &value.constant {
        Some(Constant::Int(number)) if ty == SqlType::Int => return Ok(Value::int(-number)),
        Some(Constant::Decimal(decimal)) => {
            let negated = decimal.negated();
            return Ok(Value::constant(
                negated.to_string(),
                ty,
                Constant::Decimal(negated),
            ));
        }
        Some(Constant::Float(text)) if !text.starts_with('-') => {
            return Ok(super::literal::float(&format!("-{text}")));
        }
        _ => {}
    }
    match value.family() {
        Family::Int | Family::Decimal | Family::Money | Family::Float if ty != SqlType::TinyInt => {
            Ok(Value::operation(format!("-{}", value.operand()), ty))
        }
        _ => Err(Untranslated::new(format!("- of {}", value.shown()))),
    }
}
