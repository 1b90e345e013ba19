//! The columns that CREATE TABLE ... AS NODE and AS EDGE add.

use crate::engine::model::graph::{
    FROM_ID, FROM_ID_COMPUTED, FROM_OBJ_ID, ID, ID_COMPUTED, TO_ID, TO_ID_COMPUTED, TO_OBJ_ID,
    is_internal, suffix,
};
use crate::engine::model::name::TypeName;
use crate::engine::parse::definition::{ColumnSpec, Graph};

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
