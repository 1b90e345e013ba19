//! Indexes, and constraints by name.
//!
//! From `sys.indexes` and `sys.index_columns`; constraints that are not keys are in `objects`.

use serde::{Deserialize, Serialize};

/// In place of a predicate where the server does not tell whether there is one.
pub const FILTER_UNKNOWN: &str = "(this server does not tell whether the index is filtered)";

/// An index, or the key of a constraint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Name, unquoted.
    pub name: String,
    /// What it is for.
    pub role: IndexRole,
    /// Whether it forbids equal keys.
    pub unique: bool,
    /// Whether the rows are stored in it.
    /// A table has one at most; its order is that of the table's pages.
    pub clustered: bool,
    /// Whether the server leaves it as it is.
    /// `ALTER INDEX ... DISABLE`: it holds nothing, finds nothing and enforces nothing.
    pub disabled: bool,
    /// Whether it is a tree of rows.
    pub rowstore: bool,
    /// Its kind if it is not a rowstore: `columnstore`, `xml`, `spatial` or `full-text`.
    #[serde(default)]
    pub kind: String,
    /// The predicate of a filtered index, or [`FILTER_UNKNOWN`].
    pub filter: Option<String>,
    /// In key order.
    pub key: Vec<IndexColumn>,
    /// Names of INCLUDE columns.
    pub included: Vec<String>,
}

/// A constraint, by kind (`foreign key`, `check`, `default`) and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherObject {
    /// Which kind of constraint.
    pub kind: String,
    /// Name, unquoted.
    pub name: String,
}

/// What an index is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexRole {
    /// The key of PRIMARY KEY.
    PrimaryKey,
    /// The key of UNIQUE.
    UniqueConstraint,
    /// Made by CREATE INDEX.
    Index,
}

/// A column of an index's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexColumn {
    /// Its name.
    pub column: String,
    /// Whether the largest value is first.
    pub descending: bool,
}
