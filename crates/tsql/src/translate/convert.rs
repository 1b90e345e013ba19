//! Conversions between types, where both sides make the same value of the same value.
//!
//! There are three kinds: `implicit`, of which nothing is to be said; `converted`, which may add a
//! note or need a helper; and `styled`, with the third argument of CONVERT. Each is right for every
//! value of its type, or refused.

use super::Volatility;
use super::constant;
use super::context::Context;
use super::convert_moment as moment;
use super::convert_text as text;
use super::date_text;
use super::datetime::Moment;
use super::helper::Helper;
use super::text_moment;
use super::types::{self, Family};
use super::value::{Constant, Value};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

pub(super) use super::convert_moment::{clock, fraction};

/// A conversion that T-SQL does by itself, or a CAST without a style.
///
/// # Errors
/// A pair of types whose conversion is not the same on both sides.
pub(super) fn converted(context: &mut Context<'_>, value: Value, to: &SqlType) -> Outcome<Value> {
    if let Some(read) = literal_of_a_setting(context, &value, to) {
        return Ok(read);
    }
    if value.ty.as_ref() == Some(to) || value.constant.is_some() {
        return implicit(value, to);
    }
    if value.clock.is_some() && types::family(to).is_temporal() {
        return implicit(value, to);
    }
    match (value.family(), types::family(to)) {
        (Family::Text, Family::Text) => text::text(context, value, to),
        (Family::Date | Family::Time | Family::Moment, Family::Text) => {
            date_text::plain(context, &value, to)
        }
        (Family::Int | Family::Decimal | Family::Money, Family::Float) => {
            let long = value.ty.as_ref().and_then(types::digits);
            if long.is_some_and(|(precision, scale)| precision > 15 && scale > 0) {
                context.note("the last digit of a float that a decimal becomes may differ");
            }
            implicit(value, to)
        }
        (Family::Text, Family::Date | Family::Moment) => {
            text_moment::strict(context, &value.kept()?, to, 0)
        }
        (Family::Moment, Family::Moment | Family::Time)
            if value.ty == Some(SqlType::DateTime) && fraction(to) > 3 =>
        {
            context.only_read("thirds of a second of datetime in more than three digits")?;
            context.note(
                "datetime has its thirds of a second in full where it becomes a type of more \
                 digits, as with compatibility level 130 and later",
            );
            Ok(moment::with_thirds(&value, to))
        }
        (Family::Float, Family::Text) => float_text(context, &value, to),
        // Microsoft documents 17 digits, and not how a tie of the shorter form is rounded; PostgreSQL takes 15.
        (Family::Float, Family::Decimal | Family::Money) => Err(Untranslated::new(
            "float as decimal, of which the last digit may differ",
        )),
        _ => implicit(value, to),
    }
}

/// Style 0: six digits.
fn float_text(context: &mut Context<'_>, value: &Value, to: &SqlType) -> Outcome<Value> {
    context.only_read("float as text")?;
    let helper = context.help(Helper::FloatText)?;
    context.at_least(Volatility::Stable);
    let sql = format!("{helper}({})", value.sql);
    Ok(text::shown(sql, 13, to, text::TooLong::Fails))
}

/// `'2000-01-05'` as a `datetime`, which SET DATEFORMAT dmy reads as the first of May.
fn literal_of_a_setting(context: &mut Context<'_>, value: &Value, to: &SqlType) -> Option<Value> {
    context.only_read("a date by a setting").ok()?;
    let moment = Moment::parse(value.as_text()?)?;
    if !matches!(types::family(to), Family::Moment | Family::Date) || moment.certain(to) {
        return None;
    }
    let literal = moment.literal(to)?;
    context.note(if moment.american() {
        "dates such as '1/5/2000' are read as month, day, year, as under us_english"
    } else {
        "dates such as '2000-01-05' are read as year, month, day; under DATEFORMAT dmy the source \
         reads year, day, month"
    });
    Some(Value::atom(literal, to.clone()))
}

/// A conversion of which nothing has to be said.
pub(super) fn implicit(value: Value, to: &SqlType) -> Outcome<Value> {
    if value.ty.as_ref() == Some(to) {
        return Ok(value);
    }
    if value.is_null() {
        return typed_null(to);
    }
    if let Some(clock) = value.clock
        && let Some(read) = moment::clock_as(clock, to)
    {
        return Ok(read);
    }
    if value.constant.is_some() {
        return constant::converted(&value, to);
    }
    if let Some(local) = value.local.clone()
        && types::family(to) != Family::Offset
    {
        let local = Value::operation(local, SqlType::DateTime2 { scale: 7 });
        return implicit(local, to);
    }
    let from = value.ty.clone().unwrap_or(SqlType::Int);
    let families = (types::family(&from), types::family(to));
    match families {
        (Family::Bit, _) => bit(&value, to),
        (Family::Int | Family::Decimal | Family::Money | Family::Float, Family::Bit) => Ok(
            Value::operation(format!("{} <> 0", value.operand()), SqlType::Bit),
        ),
        (Family::Int | Family::Float, Family::Moment) => moment::from_days(&value, to),
        (Family::Int, _) => int(&value, to),
        (Family::Decimal | Family::Money, _) => exact(&value, &from, to),
        (Family::Float, _) => float(&value, to),
        (Family::Moment, Family::Int | Family::Float) => moment::to_days(&value, to),
        // Without an offset it is that of UTC.
        (Family::Moment, Family::Offset) => {
            let sql = format!("({} AT TIME ZONE 'UTC')", value.operand());
            let mut made = Value::atom(sql, to.clone());
            made.local = Some(value.sql);
            Ok(made)
        }
        (one, other) if one.is_temporal() && other.is_temporal() => {
            moment::temporal(&value, &from, to)
        }
        (Family::Text, Family::Text) => text::same_characters(value, to),
        (Family::Text, _) => text::read(&value.kept()?, to),
        (Family::Uuid, Family::Text) if text::room(to).is_none_or(|room| room >= 36) => {
            let shown = format!("upper({})", value.cast("text"));
            Ok(text::shown(shown, 36, to, text::TooLong::Fails))
        }
        (Family::Binary, Family::Int) => bytes_as_int(&value, to),
        // It was moved as the text that the source makes of it.
        (Family::Other, Family::Text)
            if from == SqlType::Xml && types::length(to).is_none() && value.passed.is_some() =>
        {
            Ok(Value::atom(value.cast("text"), to.clone()))
        }
        (Family::Binary, Family::Binary) if wider(&from, to) => Ok(value.retyped(to.clone())),
        _ => Err(value.refused(to)),
    }
}

/// CONVERT with a style, which matters to texts, moments, money and bytes only. 0 is what there is
/// without one, except for moments.
pub(super) fn styled(
    context: &mut Context<'_>,
    from: Value,
    to: &SqlType,
    style: i128,
) -> Outcome<Value> {
    let temporal = from.family().is_temporal() || types::family(to).is_temporal();
    let into_text = types::family(to) == Family::Text;
    match from.family() {
        _ if !into_text && from.family() != Family::Text => converted(context, from, to),
        _ if from.is_null() => implicit(from, to),
        _ if style == 0 && !temporal => converted(context, from, to),
        Family::Date | Family::Time | Family::Moment if into_text => {
            date_text::styled(context, &from, to, style)
        }
        Family::Text | Family::Int | Family::Decimal | Family::Bit | Family::Uuid
            if into_text || (types::family(to).is_number() && style < 100) =>
        {
            converted(context, from, to)
        }
        Family::Text if matches!(types::family(to), Family::Date | Family::Moment) => {
            // A literal is read by its style too.
            let mut from = from.kept()?;
            from.constant = None;
            text_moment::strict(context, &from, to, style)
        }
        Family::Money if into_text => money_text(context, &from, to, style),
        Family::Binary if into_text && matches!(style, 1 | 2) => bytes_text(&from, to, style),
        _ => Err(Untranslated::new(format!(
            "CONVERT of {} to {} with style {style}",
            from.shown(),
            to
        ))),
    }
}

/// With a cast, so that PostgreSQL has no type to guess.
pub(super) fn typed_null(to: &SqlType) -> Outcome<Value> {
    let natural = types::natural(to).ok_or_else(|| Value::null().refused(to))?;
    Ok(Value::constant(
        format!("NULL::{natural}"),
        to.clone(),
        Constant::Null,
    ))
}

/// By a cast to the type that PostgreSQL has for it.
fn natural(value: &Value, to: &SqlType) -> Outcome<Value> {
    let target = types::natural(to).ok_or_else(|| value.refused(to))?;
    Ok(Value::atom(value.cast(&target.to_string()), to.clone()))
}

/// Whether every value fits without a change.
fn wider(from: &SqlType, to: &SqlType) -> bool {
    let varying = matches!(to, SqlType::VarBinary { .. } | SqlType::Image);
    match (types::length(from), types::length(to)) {
        (Some(from), Some(to)) => from == to || (varying && from <= to),
        (_, None) => varying,
        (None, Some(_)) => false,
    }
}

fn bit(value: &Value, to: &SqlType) -> Outcome<Value> {
    let number = Value::atom(value.cast("integer"), SqlType::Int);
    match types::family(to) {
        Family::Int | Family::Decimal | Family::Money | Family::Float => implicit(number, to),
        Family::Text => Ok(text::shown(
            number.cast("text"),
            1,
            to,
            text::TooLong::Fails,
        )),
        _ => Err(value.refused(to)),
    }
}

/// The last bytes, as many as the integer has.
fn bytes_as_int(value: &Value, to: &SqlType) -> Outcome<Value> {
    let (digits, bits, target) = match to {
        SqlType::BigInt => (16, 64, "bigint"),
        SqlType::Int => (8, 32, "integer"),
        _ => return Err(value.refused(to)),
    };
    let hex = format!("encode({}, 'hex')", value.sql);
    let last = match value.ty {
        Some(SqlType::Binary { length }) if length * 2 == digits => hex,
        _ => format!("right(lpad({hex}, greatest(length({hex}), {digits}), '0'), {digits})"),
    };
    let sql = format!("('x' || {last})::bit({bits})::{target}");
    Ok(Value::atom(sql, to.clone()))
}

/// PostgreSQL fails where SQL Server does, except that its `smallint` takes what `tinyint` does
/// not.
fn int(value: &Value, to: &SqlType) -> Outcome<Value> {
    match types::family(to) {
        Family::Int | Family::Decimal | Family::Money | Family::Float => natural(value, to),
        Family::Text => {
            let longest = match value.ty {
                Some(SqlType::TinyInt) => 3,
                Some(SqlType::SmallInt) => 6,
                Some(SqlType::Int) => 11,
                _ => 20,
            };
            // "Truncating and rounding results": `*` where `char` and `varchar` are too short.
            let too_long = if types::is_national(to) || value.ty == Some(SqlType::BigInt) {
                text::TooLong::Fails
            } else {
                text::TooLong::Star
            };
            Ok(text::shown(value.cast("text"), longest, to, too_long))
        }
        _ => Err(value.refused(to)),
    }
}

/// "CAST and CONVERT", "Truncating and rounding results": `decimal` to `int` truncates, `money` to
/// `int` rounds, as it is between `decimal`s and `money`.
fn exact(value: &Value, from: &SqlType, to: &SqlType) -> Outcome<Value> {
    let money = types::family(from) == Family::Money;
    match types::family(to) {
        Family::Int => {
            let target = types::natural(to).ok_or_else(|| value.refused(to))?;
            let cut = if money { "round" } else { "trunc" };
            let sql = format!("{cut}({})::{target}", value.sql);
            Ok(Value::atom(sql, to.clone()))
        }
        Family::Decimal | Family::Money | Family::Float => natural(value, to),
        // Two digits after the point.
        Family::Text if money => {
            let sql = format!("round({}, 2)::text", value.sql);
            Ok(text::shown(sql, 21, to, text::TooLong::Fails))
        }
        Family::Text => {
            let SqlType::Decimal { precision, scale } = *from else {
                return Err(value.refused(to));
            };
            let sql = format!(
                "{}::text",
                value.cast(&format!("numeric({precision},{scale})"))
            );
            let longest = u16::from(precision) + 3;
            Ok(text::shown(sql, longest, to, text::TooLong::Fails))
        }
        _ => Err(value.refused(to)),
    }
}

fn float(value: &Value, to: &SqlType) -> Outcome<Value> {
    match types::family(to) {
        Family::Float => natural(value, to),
        Family::Int => {
            let target = types::natural(to).ok_or_else(|| value.refused(to))?;
            let sql = format!("trunc({})::{target}", value.sql);
            Ok(Value::atom(sql, to.clone()))
        }
        _ => Err(value.refused(to)),
    }
}

/// Style 1 has a comma every three digits, 2 and 126 have four digits after the point.
fn money_text(
    context: &mut Context<'_>,
    value: &Value,
    to: &SqlType,
    style: i128,
) -> Outcome<Value> {
    let sql = match style {
        1 => {
            context.at_least(Volatility::Stable);
            format!(
                "to_char(round({}, 2), 'FM999,999,999,999,999,990.00')",
                value.sql
            )
        }
        2 | 126 => format!("round({}, 4)::text", value.sql),
        _ => format!("round({}, 2)::text", value.sql),
    };
    Ok(text::shown(sql, 27, to, text::TooLong::Fails))
}

/// Hexadecimal, with `0x` in style 1.
fn bytes_text(value: &Value, to: &SqlType, style: i128) -> Outcome<Value> {
    let prefix = if style == 1 { "'0x' || " } else { "" };
    let bytes = value.ty.as_ref().and_then(types::length);
    let longest = bytes.and_then(|bytes| bytes.checked_mul(2)?.checked_add(2));
    let fits = match (longest, text::room(to)) {
        (_, None) => true,
        (Some(longest), Some(room)) => longest <= room,
        (None, Some(_)) => false,
    };
    if !fits {
        return Err(value.refused(to));
    }
    let sql = format!("{prefix}upper(encode({}, 'hex'))", value.sql);
    let made = Value::operation(sql, to.clone());
    let shown = text::shown(
        made.operand(),
        longest.unwrap_or(0),
        to,
        text::TooLong::Fails,
    );
    Ok(shown)
}
