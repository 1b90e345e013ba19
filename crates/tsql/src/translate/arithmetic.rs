//! `+ - * / %`, signs and bits, by the types of both sides.

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::context::Context;
use super::convert;
use super::decimal::{self, Decimal, Digits};
use super::expression;
use super::types::{self, Family};
use super::value::{Constant, Value};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// `a op b`.
pub(super) fn binary(
    context: &mut Context<'_>,
    left: &Expr,
    op: &BinaryOperator,
    right: &Expr,
) -> Outcome<Value> {
    precedence(left, op, right)?;
    let a = expression::value(context, left)?.kept()?;
    let b = expression::value(context, right)?.kept()?;
    if a.is_null() || b.is_null() {
        return Err(Untranslated::new(format!("{op} with NULL")));
    }
    let families = (a.family(), b.family());
    match families {
        (Family::Text, Family::Text) if *op == BinaryOperator::Plus => concat(context, &a, &b),
        (Family::Bit, Family::Bit) => Err(Untranslated::new(format!("{op} of two bits"))),
        (one, other) if one.is_number() && other.is_number() => numbers(op, &a, &b),
        _ => Err(Untranslated::new(format!(
            "{op} of {} and {}",
            a.shown(),
            b.shown()
        ))),
    }
}

/// The parser follows other dialects where SQL Server has `& ^ |` beside `+`, and a sign below
/// `*` ("Operator precedence"). What the two would read differently is refused.
fn precedence(left: &Expr, op: &BinaryOperator, right: &Expr) -> Outcome<()> {
    let bare = |expr: &Expr| match expr {
        Expr::BinaryOp { op, .. } => Some(op.clone()),
        _ => None,
    };
    let (one, other) = (bare(left), bare(right));
    let mixed = |inner: &Option<BinaryOperator>| {
        inner
            .as_ref()
            .is_some_and(|inner| inner != op && (is_bitwise(inner) || is_bitwise(op)))
    };
    if mixed(&one) || mixed(&other) {
        return Err(Untranslated::new(
            "bit operators beside others without brackets",
        ));
    }
    if is_factor(op)
        && let Expr::BinaryOp { op, right, .. } = left
        && is_factor(op)
        && matches!(
            **right,
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                ..
            }
        )
    {
        return Err(Untranslated::new(
            "a sign within a product without brackets",
        ));
    }
    Ok(())
}

fn is_bitwise(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::BitwiseAnd | BinaryOperator::BitwiseOr | BinaryOperator::BitwiseXor
    )
}

fn is_factor(op: &BinaryOperator) -> bool {
    matches!(
        op,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo
    )
}

/// NULL makes NULL on both sides. SQL Server cuts a result that is longer than its type.
pub(super) fn concat(context: &Context<'_>, a: &Value, b: &Value) -> Outcome<Value> {
    let national = a.is_national() || b.is_national();
    let both = |a: &Value, b: &Value| {
        let length = |it: &Value| it.ty.as_ref().and_then(types::length);
        match (&a.constant, &b.constant) {
            (Some(Constant::Text(one)), Some(Constant::Text(two))) => {
                u32::try_from(one.len() + two.len()).ok()
            }
            _ => Some(u32::from(length(a)?) + u32::from(length(b)?)),
        }
    };
    let most = if national { 4_000 } else { 8_000 };
    let length = both(a, b);
    if length.is_some_and(|length| length > most) {
        return Err(Untranslated::new(
            "+ of texts that SQL Server may have to cut at 8,000 bytes",
        ));
    }
    if a.is_national() != b.is_national() {
        let narrow = if national && !a.is_national() { a } else { b };
        convert::ascii_or_column(narrow)?;
    }
    let collation = match (&a.collation, &b.collation) {
        (None, None) => None,
        _ => Some(context.collation(a, b)?),
    };
    let mut value = Value::operation(
        format!("{} || {}", a.operand(), b.operand()),
        types::text_type(national, length),
    );
    value.collation = collation;
    value.explicit = a.explicit || b.explicit;
    Ok(value)
}

fn numbers(op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let (a, b) = (unbit(a)?, unbit(b)?);
    let families = (a.family(), b.family());
    match families {
        (Family::Float, _) | (_, Family::Float) => floats(op, &a, &b),
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

fn higher(a: &Value, b: &Value) -> SqlType {
    let (one, other) = (&a.ty, &b.ty);
    let rank = |ty: &Option<SqlType>| ty.as_ref().map_or(0, types::rank);
    let ty = if rank(one) >= rank(other) { one } else { other };
    ty.clone().unwrap_or(SqlType::Int)
}

fn floats(op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let sign = match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        _ => return Err(unknown(op)),
    };
    let ty = higher(a, b);
    let a = convert::implicit(a.clone(), &ty)?;
    let b = convert::implicit(b.clone(), &ty)?;
    let sql = format!("{} {sign} {}", a.operand(), b.operand());
    Ok(Value::operation(sql, ty))
}

/// `money` with itself and integers: sums, and products with integers, are exact.
fn money(op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let ty = higher(a, b);
    let both = a.family() == b.family();
    let sign = match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply if !both => "*",
        _ => {
            return Err(Untranslated::new(format!(
                "{op} of money, which rounds in between"
            )));
        }
    };
    Ok(Value::operation(
        format!("{} {sign} {}", a.plain(), b.plain()),
        ty,
    ))
}

fn decimals(op: &BinaryOperator, a: &Value, b: &Value) -> Outcome<Value> {
    let (one, other) = (digits(a)?, digits(b)?);
    let (sign, digits) = match op {
        BinaryOperator::Plus => ("+", decimal::sum(one, other)),
        BinaryOperator::Minus => ("-", decimal::sum(one, other)),
        BinaryOperator::Multiply => ("*", decimal::product(one, other)),
        BinaryOperator::Modulo => ("%", decimal::remainder(one, other)),
        BinaryOperator::Divide => return quotient(a, b, decimal::quotient(one, other)),
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
        (true, BinaryOperator::Multiply) => Ok(Value::atom(format!("round({sql}, {scale})"), ty)),
        (true, _) => Err(too_long(op)),
    }
}

/// SQL Server cuts a quotient at its scale: `2 / 3.0` is 0.666666. `div` cuts at the point.
fn quotient(a: &Value, b: &Value, digits: Digits) -> Outcome<Value> {
    let Digits {
        precision,
        scale,
        reduced,
    } = digits;
    // Whether 0.5 has one digit or two decides how long the quotient is.
    let below_one = matches!(
        &b.constant,
        Some(Constant::Decimal(Decimal { mantissa, scale }))
            if *scale > 0 && mantissa.unsigned_abs().to_string().len() <= usize::from(*scale)
    );
    if reduced || below_one {
        return Err(too_long(&BinaryOperator::Divide));
    }
    let unit = format!("1{}", "0".repeat(usize::from(scale)));
    let smallest = format!("0.{}1", "0".repeat(usize::from(scale).saturating_sub(1)));
    let sql = format!(
        "div({} * {unit}::numeric, {}) * {smallest}",
        a.plain(),
        b.plain()
    );
    Ok(Value::operation(sql, SqlType::Decimal { precision, scale }))
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

fn too_long(op: &BinaryOperator) -> Untranslated {
    Untranslated::new(format!("{op} of decimals whose result SQL Server shortens"))
}

/// `-x`, `+x`, `~x`.
pub(super) fn unary(context: &mut Context<'_>, op: UnaryOperator, expr: &Expr) -> Outcome<Value> {
    let value = expression::value(context, expr)?;
    let ty = value.ty.clone().unwrap_or(SqlType::Int);
    match (op, value.family()) {
        (UnaryOperator::Plus, family) if family.is_number() => Ok(value),
        (UnaryOperator::Minus, _) => minus(value, ty),
        (UnaryOperator::BitwiseNot, Family::Bit) => {
            Ok(Value::operation(format!("NOT {}", value.operand()), ty))
        }
        (UnaryOperator::BitwiseNot, Family::Int) if ty != SqlType::TinyInt => {
            Ok(Value::operation(format!("~{}", value.operand()), ty))
        }
        _ => Err(Untranslated::new(format!("{op} of {}", value.shown()))),
    }
}

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
