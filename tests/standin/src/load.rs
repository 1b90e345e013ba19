//! Filling a server before clients come: scripts through a session, samples row by row.

use std::ops::ControlFlow;
use std::str::FromStr;

use crate::sample;
use crate::sample::table::TableSource;
use crate::session::{Session, Sink};
use crate::types::{Column, SqlError, Value};

/// Runs one batch and hands every error and message with a class to `report`.
///
/// The first error is the result; what came before it has happened.
pub fn run_batch(
    session: &mut dyn Session,
    batch: &str,
    report: &mut dyn FnMut(&SqlError),
) -> Result<(), SqlError> {
    let mut messages = Messages {
        report,
        first_error: None,
    };
    session.execute(batch, &[], &mut messages);
    messages.first_error.map_or(Ok(()), Err)
}

/// A sample by name and size, written `stackoverflow:ROWS`, `benchmark:ROWS` or `scale:ROWS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    rows: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    StackOverflow,
    Benchmark,
    Scale,
}

impl Sample {
    pub fn tables(&self) -> Vec<Box<dyn TableSource>> {
        match self.kind {
            Kind::StackOverflow => sample::stackoverflow(self.rows),
            Kind::Benchmark => sample::benchmark(self.rows),
            Kind::Scale => sample::lookups(),
        }
    }

    /// The tables that are made when they are read.
    pub fn made(&self) -> Vec<sample::Made> {
        match self.kind {
            Kind::Scale => sample::scale(self.rows),
            Kind::StackOverflow | Kind::Benchmark => Vec::new(),
        }
    }
}

impl FromStr for Sample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, rows) = match text.split_once(':') {
            Some(("stackoverflow", rows)) => (Kind::StackOverflow, rows),
            Some(("benchmark", rows)) => (Kind::Benchmark, rows),
            Some(("scale", rows)) => (Kind::Scale, rows),
            _ => {
                let known = "the samples are stackoverflow:ROWS, benchmark:ROWS and scale:ROWS";
                return Err(known.to_owned());
            }
        };
        let rows = rows
            .replace('_', "")
            .parse()
            .map_err(|_| format!("{rows:?} is no number of rows"))?;
        Ok(Self { rows, kind })
    }
}

/// The rows of a table on their way into the engine.
pub type Rows = Box<dyn Iterator<Item = Vec<Value>> + Send>;

/// Creates a table in the session's database and hands its rows to `store`, which says how many it
/// has taken.
pub fn create_and_fill(
    session: &mut dyn Session,
    table: &dyn TableSource,
    store: &mut dyn FnMut(&str, Rows) -> Result<u64, SqlError>,
) -> Result<(), SqlError> {
    run_batch(session, table.ddl(), &mut |_| {})?;
    let stored = store(table.name(), table.rows())?;
    if stored == table.row_count() {
        return Ok(());
    }
    let message = format!(
        "{}: {stored} of {} rows stored",
        table.name(),
        table.row_count()
    );
    Err(SqlError {
        number: 50000,
        class: 16,
        state: 1,
        message,
        line: 0,
    })
}

/// A sink that is after messages only.
struct Messages<'a> {
    report: &'a mut dyn FnMut(&SqlError),
    first_error: Option<SqlError>,
}

impl Sink for Messages<'_> {
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
        (self.report)(message);
        if message.class > 10 && self.first_error.is_none() {
            self.first_error = Some(message.clone());
        }
        ControlFlow::Continue(())
    }

    fn database_changed(&mut self, _: &str, _: &str) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Parameter;

    /// Fails batches that contain "bad".
    struct Picky;

    impl Session for Picky {
        fn execute(&mut self, batch: &str, _: &[Parameter], sink: &mut dyn Sink) {
            let class = if batch.contains("bad") { 16 } else { 0 };
            let message = SqlError {
                number: 1,
                class,
                state: 1,
                message: batch.to_owned(),
                line: 1,
            };
            let _ = sink.message(&message);
            let _ = sink.done(None);
        }

        fn reset(&mut self) {}

        fn database(&self) -> &str {
            "master"
        }
    }

    #[test]
    fn batches_report_and_fail() {
        let mut seen = Vec::new();
        let mut report = |message: &SqlError| seen.push(message.message.clone());
        assert!(run_batch(&mut Picky, "good", &mut report).is_ok());
        assert_eq!(
            run_batch(&mut Picky, "bad", &mut report)
                .unwrap_err()
                .message,
            "bad"
        );
        assert_eq!(seen, ["good", "bad"]);
    }

    #[test]
    fn a_table_that_lost_rows_is_an_error() {
        let tables = "stackoverflow:5_000".parse::<Sample>().unwrap().tables();
        for table in &tables {
            let mut all = |_: &str, rows: Rows| Ok(rows.count() as u64);
            assert!(create_and_fill(&mut Picky, table.as_ref(), &mut all).is_ok());
            let mut some = |_: &str, rows: Rows| Ok(rows.skip(1).count() as u64);
            assert!(create_and_fill(&mut Picky, table.as_ref(), &mut some).is_err());
        }
        assert!("northwind:5".parse::<Sample>().is_err());
    }
}
