//! Fills the graph columns of new rows.

use crate::engine::error::{Result, error};
use crate::engine::model::graph::{
    FROM_ID, FROM_ID_COMPUTED, FROM_OBJ_ID, ID, ID_COMPUTED, TO_ID, TO_ID_COMPUTED, TO_OBJ_ID,
};
use crate::engine::model::table::{ColumnDef, Table};
use crate::engine::value::text;
use crate::types::Value;

/// # Errors
/// 13907 for a graph column that the server fills by itself.
pub(crate) fn refuse_given(column: &ColumnDef) -> Result<()> {
    match column.graph {
        None | Some(FROM_ID_COMPUTED | TO_ID_COMPUTED) => Ok(()),
        Some(_) => {
            let message = format!("Cannot insert into graph column '{}'.", column.name);
            Err(error(13907, 16, message))
        }
    }
}

/// Fills the graph columns of a new row; the ends of an edge are given as the JSON of their nodes.
pub(crate) fn fill(
    table: &Table,
    schema: &str,
    values: &mut [Value],
    node: impl Fn(&str, &str) -> Option<i32>,
) -> Result<()> {
    let place = |kind: u8| table.columns.iter().position(|c| c.graph == Some(kind));
    let Some(id) = place(ID) else {
        return Ok(());
    };
    let number = i64::try_from(table.next_row).unwrap_or(i64::MAX) - 1;
    values[id] = Value::Int(number);
    let kind = if place(FROM_ID).is_some() {
        "edge"
    } else {
        "node"
    };
    if let Some(shown) = place(ID_COMPUTED) {
        values[shown] = text::value(&json(kind, schema, &table.name, number));
    }
    for (computed, object, id) in [
        (FROM_ID_COMPUTED, FROM_OBJ_ID, FROM_ID),
        (TO_ID_COMPUTED, TO_OBJ_ID, TO_ID),
    ] {
        let (Some(computed), Some(object), Some(id)) = (place(computed), place(object), place(id))
        else {
            continue;
        };
        let given = text::units(&values[computed]).map(|units| text::to_string(units));
        let end = given.as_deref().and_then(parse_node);
        let found = end
            .as_ref()
            .and_then(|(schema, table, number)| Some((node(schema, table)?, *number)));
        let Some((object_id, number)) = found else {
            let name = &table.columns[computed].name;
            let message =
                format!("The value for graph column '{name}' is not the $node_id of a node table.");
            return Err(error(13915, 16, message));
        };
        values[object] = Value::Int(i64::from(object_id));
        values[id] = Value::Int(number);
    }
    Ok(())
}

/// What SELECT shows of a graph id: "a computed value in the form of a JSON string".
pub(crate) fn json(kind: &str, schema: &str, table: &str, id: i64) -> String {
    format!(r#"{{"type":"{kind}","schema":"{schema}","table":"{table}","id":{id}}}"#)
}

/// Schema, table and number of a node's JSON.
pub(crate) fn parse_node(json: &str) -> Option<(String, String, i64)> {
    let after = |key: &str| {
        let at = json.find(&format!("\"{key}\":"))?;
        Some(&json[at + key.len() + 3..])
    };
    let quoted = |key: &str| {
        let text = after(key)?.strip_prefix('"')?;
        Some(text[..text.find('"')?].to_owned())
    };
    let number = after("id")?.trim_end_matches('}').trim();
    (quoted("type")? == "node").then_some(())?;
    Some((quoted("schema")?, quoted("table")?, number.parse().ok()?))
}
