//! Partition functions and schemes: which partition a value is in, and where an index lies.

use std::sync::Arc;

use crate::engine::value::compare::{Comparison, compare};
use crate::types::{Collation, SqlType, Value};

/// `CREATE PARTITION FUNCTION`: n boundaries make n + 1 partitions.
#[derive(Debug, Clone)]
pub(crate) struct PartitionFunction {
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    pub(crate) user_type_id: i32,
    pub(crate) collation: Option<Arc<Collation>>,
    /// RANGE RIGHT: a boundary is the first value of the partition above it.
    pub(crate) right: bool,
    /// Ascending, without equals.
    pub(crate) boundaries: Vec<Value>,
    /// When it was created, and when it was last split, as [`Facts`](crate::engine::model::facts::Facts) counts time.
    pub(crate) created: u64,
    pub(crate) modified: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct PartitionScheme {
    /// `sys.data_spaces.data_space_id`; schemes begin at 65601 (as seen, not documented).
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) function: Arc<PartitionFunction>,
}

/// An index or a heap that is divided by a scheme.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    /// `data_space_id` of the scheme.
    pub(crate) scheme: i32,
    pub(crate) function: Arc<PartitionFunction>,
    /// Column id of the partitioning column.
    pub(crate) column: i32,
}

impl PartitionFunction {
    pub(crate) fn partitions(&self) -> u16 {
        u16::try_from(self.boundaries.len() + 1).unwrap_or(u16::MAX)
    }

    /// The number, from 1, of the partition that holds a value; NULL is below every boundary
    /// ("CREATE PARTITION FUNCTION": the leftmost partition, unless NULL is itself a boundary of a
    /// RIGHT function, which is refused here).
    pub(crate) fn partition_of(&self, value: &Value) -> u16 {
        if matches!(value, Value::Null) {
            return 1;
        }
        let below = |boundary: &Value| {
            let order = compare(boundary, value, self.collation.as_deref());
            order.is_lt() || (self.right && order.is_eq())
        };
        let before = self.boundaries.partition_point(below);
        u16::try_from(before + 1).unwrap_or(u16::MAX)
    }

    /// Whether partition `n` may hold a value for which `value op constant` is true.
    pub(crate) fn may_hold(&self, n: u16, op: Comparison, constant: &Value) -> bool {
        let at = self.partition_of(constant);
        match op {
            Comparison::Eq => n == at,
            Comparison::Lt | Comparison::Le => n <= at,
            Comparison::Gt | Comparison::Ge => n >= at,
            Comparison::Ne => true,
        }
    }
}

/// How a partition's number begins the keys of its rows: all of one partition lie together, and an
/// index is in order only inside of one ("Partitioned Table and Index Concepts").
pub(crate) fn prefix(number: u16) -> [u8; 2] {
    number.to_be_bytes()
}
