//! Takes the outcome of statements that the server runs on a session's behalf.

use std::ops::ControlFlow;

use crate::session::Sink;
use crate::types::{Column, SqlError, Value};

/// Receives what a statement of the server itself reports; only errors matter.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    pub(crate) errors: Vec<SqlError>,
}

impl Sink for Quiet {
    fn columns(&mut self, _: &[Column]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, _: &[Value]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn encoded_rows(&mut self, _: &[u8], _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn done(&mut self, _: Option<u64>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn message(&mut self, message: &SqlError) -> ControlFlow<()> {
        if message.class > 10 {
            self.errors.push(message.clone());
        }
        ControlFlow::Continue(())
    }

    fn database_changed(&mut self, _: &str, _: &str) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
