//! Transactions: a private state that is published at COMMIT.

use std::sync::Arc;

use crate::engine::model::state::State;

/// An open transaction.
pub(crate) struct Transaction {
    /// `@@TRANCOUNT`.
    pub(crate) depth: u32,
    /// What this transaction has made; `None` until it first writes, when it takes the gate.
    pub(crate) work: Option<Arc<State>>,
    /// Under SNAPSHOT: what the transaction sees, from its first access on.
    pub(crate) snapshot: Option<Arc<State>>,
    pub(crate) savepoints: Vec<(String, Option<Arc<State>>)>,
}

impl Transaction {
    pub(crate) fn new() -> Transaction {
        Transaction {
            depth: 1,
            work: None,
            snapshot: None,
            savepoints: Vec::new(),
        }
    }
}
