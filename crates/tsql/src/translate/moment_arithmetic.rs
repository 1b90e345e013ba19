//! `+` and `-` of `datetime` and `smalldatetime`: numbers are days, and a moment is the time since
//! 1900 ("+ (Addition)", "Use the addition operator to add days to date and time values").

use sqlparser::ast::BinaryOperator;

use super::context::Context;
use super::convert;
use super::datetime::EPOCH;
use super::types::Family;
use super::value::{Constant, Value};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// Ticks of `datetime` in a day: 300 in a second.
const TICKS: i128 = 25_920_000;

/// # Errors
/// `date`, `time`, `datetime2` and `datetimeoffset`, which have no `+` and `-`; days that would end
/// between two ticks.
pub(super) fn binary(
    context: &mut Context<'_>,
    op: &BinaryOperator,
    a: &Value,
    b: &Value,
) -> Outcome<Value> {
    let sign = match op {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        _ => {
            return Err(Untranslated::new(format!(
                "the operator {op} with these types"
            )));
        }
    };
    // The newer types know no arithmetic.
    let old = |value: &Value| matches!(value.ty, Some(SqlType::DateTime | SqlType::SmallDateTime));
    match (old(a), old(b)) {
        (true, true) => Ok(moments(sign, a, b)),
        (true, false) if b.family() == Family::Text => {
            let b = convert::converted(context, b.clone(), &SqlType::DateTime)?;
            Ok(moments(sign, a, &b))
        }
        (true, false) => Ok(Value::operation(
            format!("{} {sign} {}", a.operand(), days(b)?),
            a.ty.clone().unwrap_or(SqlType::DateTime),
        )),
        (false, true) if sign == "+" => binary(context, op, b, a),
        (false, true) => {
            let a = convert::converted(context, a.clone(), &SqlType::DateTime)?;
            Ok(moments(sign, &a, b))
        }
        (false, false) => Err(Untranslated::new(format!(
            "{op} of {} and {}",
            a.shown(),
            b.shown()
        ))),
    }
}

/// The sum or difference of two times since 1900 is one again.
fn moments(sign: &str, a: &Value, b: &Value) -> Value {
    let ty = match (&a.ty, &b.ty) {
        (Some(SqlType::SmallDateTime), Some(SqlType::SmallDateTime)) => SqlType::SmallDateTime,
        _ => SqlType::DateTime,
    };
    let sql = if sign == "+" {
        format!("{} + ({} - {EPOCH})", a.operand(), b.operand())
    } else {
        format!("{EPOCH} + ({} - {})", a.operand(), b.operand())
    };
    Value::operation(sql, ty)
}

/// An interval of days: whole ones, and constant parts of one that are ticks of `datetime`.
fn days(number: &Value) -> Outcome<String> {
    let refused = || {
        Untranslated::new(format!(
            "{} as days of a date, which may end between two ticks",
            number.shown()
        ))
    };
    match (number.family(), &number.constant) {
        (Family::Int | Family::Bit, _) => {
            let int = convert::implicit(number.clone(), &SqlType::Int)?;
            Ok(format!("make_interval(days => {})", int.plain()))
        }
        (_, Some(Constant::Decimal(decimal))) => {
            let unit = 10_i128.pow(u32::from(decimal.scale.min(30)));
            let ticks = decimal.mantissa.checked_mul(TICKS).ok_or_else(refused)?;
            if ticks % unit != 0 || (ticks / unit) % 300 != 0 {
                return Err(refused());
            }
            Ok(format!("make_interval(secs => {})", ticks / unit / 300))
        }
        _ => Err(refused()),
    }
}
