//! JSON_VALUE and JSON_QUERY of a text.
//!
//! For views and functions only, because a text that is not JSON fails when it is read.

use super::super::context::{Context, Purpose};
use super::super::json_path;
use super::super::types::Family;
use super::super::value::Value;
use super::super::{Outcome, Untranslated};
use super::Call;
use crate::schema::SqlType;

pub(super) const NAMES: &[&str] = &["JSON_VALUE", "JSON_QUERY"];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    NAMES.contains(&call.name).then(|| made(context, call))
}

fn made(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    if context.purpose == Purpose::Table {
        return Err(Untranslated::new(format!(
            "{}, of a text that may be no JSON",
            call.name
        )));
    }
    let (text, path) = match (call.name, call.arguments.len()) {
        ("JSON_QUERY", 1) => {
            let [text] = call.values(context)?;
            (text, Value::text("$", true))
        }
        _ => {
            let [text, path] = call.values(context)?;
            (text, path)
        }
    };
    if text.family() != Family::Text {
        return Err(call.unlike(&text));
    }
    let path = path
        .as_text()
        .ok_or_else(|| call.refused("a path that varies"))?;
    let found = json_path::found(&format!("{}::json", text.kept()?.operand()), path)?;
    context.note("JSON: of two equal keys the last one counts here, the first one at the source");
    let composite = format!("json_typeof({found}) IN ('object', 'array')");
    Ok(if call.name == "JSON_QUERY" {
        let sql = format!("CASE WHEN {composite} THEN ({found})::text END");
        Value::operation(sql, SqlType::NVarChar { length: None })
    } else {
        // "JSON_VALUE (Transact-SQL)": NULL for what is longer than 4000 characters.
        let scalar = format!("({found}) #>> '{{}}'");
        let sql =
            format!("CASE WHEN NOT {composite} AND length({scalar}) <= 4000 THEN {scalar} END");
        let length = Some(4_000);
        Value::operation(sql, SqlType::NVarChar { length })
    })
}
