//! TRY_CAST and TRY_CONVERT, which make NULL of what cannot be converted.
//!
//! A cast that fails ends the statement in PostgreSQL. So what may fail goes through a helper
//! function, or is compared with the bounds of its type first.

use super::constant;
use super::context::Context;
use super::convert;
use super::helper::Helper;
use super::text_moment;
use super::types::{self, Family};
use super::value::Value;
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// A conversion that never fails; `style` is that of TRY_CONVERT.
///
/// # Errors
/// A pair of types of which it is not known for which values SQL Server gives NULL.
pub(super) fn tried(
    context: &mut Context<'_>,
    value: Value,
    to: &SqlType,
    style: Option<i128>,
) -> Outcome<Value> {
    if value.is_null() || value.ty.as_ref() == Some(to) {
        return convert::implicit(value, to);
    }
    if style.is_none()
        && let Ok(known) = constant::converted(&value, to)
    {
        return Ok(known);
    }
    match (value.family(), types::family(to)) {
        (Family::Text, Family::Text) => convert::converted(context, value, to),
        (Family::Text, family) if family.is_temporal() => {
            text_moment::tried(context, &value, to, style.unwrap_or(0))
        }
        (Family::Text, _) => text(context, &value, to),
        (Family::Date | Family::Time | Family::Moment | Family::Uuid, Family::Text) => {
            match style {
                None => convert::converted(context, value, to),
                Some(style) => convert::styled(context, value, to, style),
            }
        }
        (_, Family::Bit | Family::Float) if value.family().is_number() => {
            convert::converted(context, value, to)
        }
        (_, Family::Int) if value.family().is_number() => whole(&value, to),
        (Family::Int | Family::Bit, Family::Text) if has_room(&value, to) => {
            convert::converted(context, value, to)
        }
        (Family::Date, Family::Moment) | (Family::Moment, Family::Date | Family::Time) => {
            convert::converted(context, value, to)
        }
        _ => Err(Untranslated::new(format!(
            "TRY_CAST of {} to {to}",
            value.shown()
        ))),
    }
}

/// Whether every integer of the type fits into the text type.
fn has_room(value: &Value, to: &SqlType) -> bool {
    let longest = if value.ty == Some(SqlType::BigInt) {
        20
    } else {
        11
    };
    types::length(to).is_none_or(|room| room >= longest)
}

/// The least and the greatest value of an integer type.
fn range(to: &SqlType) -> (&'static str, &'static str) {
    match to {
        SqlType::TinyInt => ("0", "255"),
        SqlType::SmallInt => ("-32768", "32767"),
        SqlType::Int => ("-2147483648", "2147483647"),
        _ => ("-9223372036854775808", "9223372036854775807"),
    }
}

/// NULL outside of the bounds of the integer type.
fn whole(value: &Value, to: &SqlType) -> Outcome<Value> {
    let target = types::natural(to).ok_or_else(|| value.refused(to))?;
    let number = match value.family() {
        Family::Bit => value.cast("integer"),
        Family::Money => format!("round({})", value.sql),
        Family::Decimal | Family::Float => format!("trunc({})", value.sql),
        _ => value.operand(),
    };
    let (least, most) = range(to);
    let sql = format!("CASE WHEN {number} BETWEEN {least} AND {most} THEN {number}::{target} END");
    Ok(Value::operation(sql, to.clone()))
}

fn text(context: &mut Context<'_>, value: &Value, to: &SqlType) -> Outcome<Value> {
    let mut call = |helper, arguments: &str| -> Outcome<String> {
        Ok(format!(
            "{}({}{arguments})",
            context.help(helper)?,
            value.sql
        ))
    };
    let sql = match (types::family(to), to) {
        (Family::Int, SqlType::BigInt) => call(Helper::TryInt, "")?,
        (Family::Int, _) => {
            let number = Value::atom(call(Helper::TryInt, "")?, SqlType::BigInt);
            return whole(&number, to);
        }
        (_, SqlType::Decimal { precision, scale }) => {
            call(Helper::TryDecimal, &format!(", {precision}, {scale}"))?
        }
        (Family::Money, _) => {
            let digits = if *to == SqlType::Money { 19 } else { 10 };
            let plain = format!("translate({}, '$,', '')", value.sql);
            let helper = context.help(Helper::TryDecimal)?;
            format!(
                "CASE btrim({}) WHEN '' THEN 0 ELSE {helper}({plain}, {digits}, 4) END",
                value.sql
            )
        }
        (_, SqlType::Float) => call(Helper::TryFloat, "")?,
        (Family::Uuid, _) => call(Helper::TryUuid, "")?,
        (Family::Bit, _) => {
            let number = call(Helper::TryInt, "")?;
            let word = format!("lower(btrim({}) COLLATE \"C\")", value.sql);
            format!(
                "CASE {word} WHEN 'true' THEN true WHEN 'false' THEN false ELSE {number} <> 0 END"
            )
        }
        _ => {
            return Err(Untranslated::new(format!(
                "TRY_CAST of {} to {to}",
                value.shown()
            )));
        }
    };
    Ok(if sql.starts_with("CASE") {
        Value::operation(sql, to.clone())
    } else {
        Value::atom(sql, to.clone())
    })
}
