//! Node and edge tables (Microsoft, "SQL Graph architecture"): their columns, and the values that
//! the server gives them.

use crate::engine::error::{Result, error};
use crate::engine::parse::statement::{ColumnSpec, Graph, TypeName};
use crate::engine::table::{ColumnDef, Table};
use crate::engine::value::text;
use crate::types::Value;

/// `sys.columns.graph_type` (Microsoft, "sys.columns").
pub(crate) const ID: u8 = 1;
pub(crate) const ID_COMPUTED: u8 = 2;
pub(crate) const FROM_ID: u8 = 3;
pub(crate) const FROM_OBJ_ID: u8 = 4;
pub(crate) const FROM_ID_COMPUTED: u8 = 5;
pub(crate) const TO_ID: u8 = 6;
pub(crate) const TO_OBJ_ID: u8 = 7;
pub(crate) const TO_ID_COMPUTED: u8 = 8;

/// The pseudo-columns: the only supported way to ask for graph columns.
pub(crate) const PSEUDO: [&str; 4] = ["$node_id", "$edge_id", "$from_id", "$to_id"];

pub(crate) fn describe(graph_type: u8) -> &'static str {
    match graph_type {
        ID => "GRAPH_ID",
        ID_COMPUTED => "GRAPH_ID_COMPUTED",
        FROM_ID => "GRAPH_FROM_ID",
        FROM_OBJ_ID => "GRAPH_FROM_OBJ_ID",
        FROM_ID_COMPUTED => "GRAPH_FROM_ID_COMPUTED",
        TO_ID => "GRAPH_TO_ID",
        TO_OBJ_ID => "GRAPH_TO_OBJ_ID",
        _ => "GRAPH_TO_ID_COMPUTED",
    }
}

/// Internal columns cannot be selected, computed ones can.
pub(crate) fn is_internal(graph_type: u8) -> bool {
    !matches!(graph_type, ID_COMPUTED | FROM_ID_COMPUTED | TO_ID_COMPUTED)
}

/// The suffix of the internal names, which tells one table's from another's.
pub(crate) fn suffix(object_id: i32) -> String {
    let seed = u128::from(object_id.unsigned_abs());
    format!(
        "{:032X}",
        seed.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
    )
}

/// Whether a pseudo-column stands for the column of this name.
pub(crate) fn stands_for(pseudo: &str, name: &str) -> bool {
    PSEUDO
        .iter()
        .any(|known| known.eq_ignore_ascii_case(pseudo))
        && name
            .split_at_checked(pseudo.len())
            .is_some_and(|(front, rest)| {
                front.eq_ignore_ascii_case(pseudo) && rest.len() == 33 && rest.starts_with('_')
            })
}

/// The columns that the server puts in front of those of the statement.
pub(crate) fn columns(graph: Graph, object_id: i32) -> Vec<ColumnSpec> {
    let wanted: &[(&str, &str, u8)] = match graph {
        Graph::Node => &[
            ("graph_id", "bigint", ID),
            ("$node_id", "nvarchar", ID_COMPUTED),
        ],
        Graph::Edge => &[
            ("graph_id", "bigint", ID),
            ("$edge_id", "nvarchar", ID_COMPUTED),
            ("from_obj_id", "int", FROM_OBJ_ID),
            ("from_id", "bigint", FROM_ID),
            ("$from_id", "nvarchar", FROM_ID_COMPUTED),
            ("to_obj_id", "int", TO_OBJ_ID),
            ("to_id", "bigint", TO_ID),
            ("$to_id", "nvarchar", TO_ID_COMPUTED),
        ],
    };
    let suffix = suffix(object_id);
    let spec = |(name, ty, graph_type): &(&str, &str, u8)| ColumnSpec {
        name: format!("{name}_{suffix}"),
        ty: Some(TypeName {
            name: (*ty).to_owned(),
            args: match *ty {
                "nvarchar" => vec![Some(1000)],
                _ => Vec::new(),
            },
        }),
        nullable: Some(*graph_type != ID && *graph_type != ID_COMPUTED),
        hidden: is_internal(*graph_type),
        graph: Some(*graph_type),
        ..ColumnSpec::default()
    };
    wanted.iter().map(spec).collect()
}

/// # Errors
/// 13908 for an internal column.
pub(crate) fn refuse_internal(column: &str, internal: bool) -> Result<()> {
    if internal {
        let message = format!("Cannot access internal graph column '{column}'.");
        return Err(error(13908, 16, message));
    }
    Ok(())
}

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
fn json(kind: &str, schema: &str, table: &str, id: i64) -> String {
    format!(r#"{{"type":"{kind}","schema":"{schema}","table":"{table}","id":{id}}}"#)
}

/// Schema, table and number of a node's JSON.
fn parse_node(json: &str) -> Option<(String, String, i64)> {
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
