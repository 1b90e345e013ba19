//! What the wire asks of the SQL engine, and what the engine tells the wire.

use std::ops::ControlFlow;

use crate::types::{Column, SqlError, SqlType, Value};
use crate::work::Work;

/// A parameter of `sp_executesql`, already decoded from the wire.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// With its `@`.
    pub name: String,
    pub ty: SqlType,
    pub value: Value,
}

/// Receives the outcome of a batch, in wire order. The wire implements it.
///
/// Every method answers `Break` when the client asked for attention or went away; the engine then
/// stops the batch as soon as it can.
pub trait Sink {
    /// A result set begins.
    fn columns(&mut self, columns: &[Column]) -> ControlFlow<()>;
    /// One row of the current result set.
    fn row(&mut self, values: &[Value]) -> ControlFlow<()>;
    /// Whether rows may come by [`Sink::encoded_rows`]; what reads values says no.
    fn takes_encoded_rows(&self) -> bool {
        false
    }
    /// `rows` whole ROW / NBCROW tokens of the current result set, made by `wire::encode`, for
    /// scans that need no evaluation.
    fn encoded_rows(&mut self, tokens: &[u8], rows: u64) -> ControlFlow<()>;
    /// A statement ended. `count` is `None` where SQL Server sends no count (SET NOCOUNT ON, DDL).
    fn done(&mut self, count: Option<u64>) -> ControlFlow<()>;
    /// An error of class 11 or more, or a message of class 10 or less (INFO token).
    fn message(&mut self, message: &SqlError) -> ControlFlow<()>;
    /// `USE` changed the database.
    fn database_changed(&mut self, from: &str, to: &str) -> ControlFlow<()>;
    /// Looks for attention during work that reports nothing, such as a wait or a long sort. Cheap
    /// enough for every few thousand rows.
    fn poll(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// One logged-in session of the engine. Runs on the connection's own thread, so it may block.
pub trait Session: Send {
    /// Runs a batch; `parameters` come from `sp_executesql`.
    fn execute(&mut self, batch: &str, parameters: &[Parameter], sink: &mut dyn Sink);
    /// RESETCONNECTION: settings, transactions and temporary tables back to the state after login.
    fn reset(&mut self);
    fn database(&self) -> &str;
    /// `@@SPID`; packets carry it. `None`: the wire counts for itself.
    fn id(&self) -> Option<u16> {
        None
    }
}

/// Lets users in. The engine implements it; the wire holds one for all connections.
pub trait Login: Send + Sync {
    /// 18456 for a wrong user or password, 4060 for a database that is not there.
    fn login(
        &self,
        user: &str,
        password: &str,
        database: Option<&str>,
    ) -> Result<Box<dyn Session>, SqlError>;
    /// A session for an account that was shown to be itself by other means than a password.
    /// 18456 if it has no login here, 4060 for a database that is not there.
    fn admit(&self, account: &str, database: Option<&str>) -> Result<Box<dyn Session>, SqlError> {
        self.login(account, "", database)
    }
    /// What statements have touched, in total and by their text, where that is counted.
    fn work(&self) -> (Work, Vec<(String, Work)>) {
        (Work::default(), Vec::new())
    }
    /// Begins to count again.
    fn reset_work(&self) {}
}
