//! AT TIME ZONE, with the names that Windows has for zones.

use super::context::Context;
use super::types::Family;
use super::value::{Value, quote};
use super::windows_zones::iana;
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

/// A wall clock becomes a moment of the zone; a moment shows the zone's wall clock.
///
/// # Errors
/// A zone that is not a constant or not in the CLDR, and a value that is not a date with a time.
pub(super) fn at(context: &mut Context<'_>, value: Value, zone: &Value) -> Outcome<Value> {
    let name = zone
        .as_text()
        .ok_or_else(|| Untranslated::new("AT TIME ZONE of a zone that varies"))?;
    let known = iana(name)
        .ok_or_else(|| Untranslated::new(format!("AT TIME ZONE of the zone {name:?}")))?;
    if known != "UTC" {
        context.note("time zones change by the IANA database; the source has Windows' rules");
    }
    let known = quote(known);
    let scale = match value.ty {
        Some(SqlType::DateTimeOffset { scale } | SqlType::DateTime2 { scale }) => scale,
        Some(SqlType::DateTime) => 3,
        Some(SqlType::SmallDateTime) => 0,
        _ => {
            return Err(Untranslated::new(format!(
                "AT TIME ZONE of {}",
                value.shown()
            )));
        }
    };
    let moment = if value.family() == Family::Offset {
        value.operand()
    } else {
        format!("({} AT TIME ZONE {known})", value.operand())
    };
    let mut made = Value::atom(moment.clone(), SqlType::DateTimeOffset { scale });
    made.local = Some(if value.family() == Family::Offset {
        format!("{moment} AT TIME ZONE {known}")
    } else {
        value.sql
    });
    Ok(made)
}
