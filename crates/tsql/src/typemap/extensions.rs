//! What the target's extensions offer beside PostgreSQL's own types.
//!
//! `postgres::extensions` asks the target; this crate only needs the answer.

use crate::schema::{Column, SqlType};

/// Types that a target has only where an extension was created in it.
///
/// A type that is not on the connection's search path counts as not there, because the DDL names
/// it without a schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TargetTypes {
    /// PostGIS: `geometry` and `geography`.
    pub postgis: bool,
    /// pgvector: `vector`.
    pub pgvector: bool,
}

/// Whether a column's default type depends on the target's extensions.
pub fn depends_on_target(column: &Column) -> bool {
    matches!(
        column.ty,
        SqlType::Geography | SqlType::Geometry | SqlType::Vector { .. }
    )
}
