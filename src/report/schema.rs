//! What `schema` prints: the whole DDL in an order that runs.
//!
//! The text can be run with psql on an empty database. It is made from the plan, by the same
//! functions that `run` makes objects with.

use serde::Serialize;

use crate::report::{Endpoint, Omission};

/// A statement, and what a reader of it should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The source object that it makes, as `dbo.Posts`; empty for schemas.
    pub of: String,
    /// For a table: digits that are lost, names that were shortened, constraints that stay NOT VALID.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Without the final semicolon.
    pub sql: String,
}

/// Statements of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SchemaSection {
    /// What the statements make, as `tables` or `foreign keys`.
    pub title: &'static str,
    pub statements: Vec<Statement>,
}

/// What `schema` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SchemaReport {
    pub job: String,
    pub source: Endpoint,
    /// In the order in which they run; none is empty.
    pub parts: Vec<SchemaSection>,
    /// What the job asked for and the statements do not make.
    pub omissions: Vec<Omission>,
}
