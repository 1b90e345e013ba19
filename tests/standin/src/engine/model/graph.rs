//! Graph columns: their kinds, and the names that stand for them.

use crate::engine::error::{Result, error};

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

/// # Errors
/// 13908 for an internal column.
pub(crate) fn refuse_internal(column: &str, internal: bool) -> Result<()> {
    if internal {
        let message = format!("Cannot access internal graph column '{column}'.");
        return Err(error(13908, 16, message));
    }
    Ok(())
}
