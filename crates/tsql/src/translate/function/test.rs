//! ISNUMERIC and ISDATE: whether a text could be converted.
//!
//! They say whether a conversion would succeed, by the helper functions that try it.

use super::Call;
use crate::schema::SqlType;
use crate::translate::Outcome;
use crate::translate::context::Context;
use crate::translate::helper::Helper;
use crate::translate::types::Family;
use crate::translate::value::Value;

#[cfg(test)]
pub(super) const NAMES: &[&str] = &["ISNUMERIC", "ISDATE"];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    Some(match call.name {
        "ISNUMERIC" => is_numeric(context, call),
        "ISDATE" => is_date(context, call),
        _ => return None,
    })
}

fn is_numeric(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    match value.family() {
        Family::Text => {
            let helper = context.help(Helper::IsNumeric)?;
            let sql = format!("{helper}({})", value.kept()?.sql);
            Ok(Value::atom(sql, SqlType::Int))
        }
        family if family.is_number() => {
            let sql = format!("CASE WHEN {} IS NULL THEN 0 ELSE 1 END", value.operand());
            Ok(Value::operation(sql, SqlType::Int))
        }
        _ => Err(call.unlike(&value)),
    }
}

/// A `datetime`, read as under us_english; an empty text is none here.
fn is_date(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [value] = call.values(context)?;
    if value.family() != Family::Text {
        return Err(call.unlike(&value));
    }
    let value = value.kept()?;
    context.only_read("ISDATE, which the language of the session decides")?;
    context.note("texts are read as dates in the order month, day, year, as under us_english");
    let helper = context.help(Helper::TryMoment)?;
    let sql = format!(
        "CASE WHEN btrim({0}) <> '' AND {helper}({0}, 'mdy', true) IS NOT NULL THEN 1 ELSE 0 END",
        value.sql
    );
    Ok(Value::operation(sql, SqlType::Int))
}
