//! What makes a table memory-optimised.

/// What makes a table memory-optimised.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// `DURABILITY = SCHEMA_AND_DATA`.
    pub(crate) durable: bool,
    /// Names of its hash indexes.
    pub(crate) hash: Vec<String>,
}
