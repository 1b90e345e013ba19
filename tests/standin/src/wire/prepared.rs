//! Statements that a client has prepared, by handle.

use std::collections::HashMap;

use crate::types::SqlError;

/// A prepared statement.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) text: String,
    /// With their `@`, in the order of their declaration.
    pub(crate) parameters: Vec<String>,
}

/// The prepared statements of one connection.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    statements: HashMap<i32, Statement>,
    last: i32,
}

impl Prepared {
    pub(crate) fn add(&mut self, statement: Statement) -> i32 {
        self.last += 1;
        self.statements.insert(self.last, statement);
        self.last
    }

    pub(crate) fn get(&self, handle: i32) -> Result<&Statement, SqlError> {
        self.statements.get(&handle).ok_or_else(|| unknown(handle))
    }

    pub(crate) fn remove(&mut self, handle: i32) -> Result<(), SqlError> {
        self.statements
            .remove(&handle)
            .map(drop)
            .ok_or_else(|| unknown(handle))
    }
}

fn unknown(handle: i32) -> SqlError {
    SqlError {
        number: 8179,
        class: 16,
        state: 2,
        message: format!("Could not find prepared statement with handle {handle}."),
        line: 1,
    }
}
