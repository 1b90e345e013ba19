//! What statements have touched: rows of tables and of indexes, lookups, sorts and spools.
//!
//! The rules are SQL Server's, as far as they are documented; `engine/query/seek.rs` says which
//! access path is taken and from where each rule comes.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Different batch texts that are told apart; what comes after them is counted under [`OTHERS`].
const MOST_TEXTS: usize = 20_000;
/// The text under which batches are counted once there are too many to tell apart.
pub const OTHERS: &str = "(other statements)";

/// Work of one statement or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// SELECT statements that read a table.
    pub statements: u64,
    /// Rows of heaps, clustered indexes and columnstores that were read, whether or not they passed
    /// the predicates.
    pub table_rows: u64,
    /// Rows of nonclustered indexes that were read.
    pub index_rows: u64,
    /// Rows that a nonclustered index led to, each fetched for the columns that the index lacks.
    pub lookups: u64,
    /// Operators that sorted rows of a table.
    pub sorts: u64,
    pub sorted_rows: u64,
    /// Rows put aside in tempdb by a window function that needs the number of rows first.
    pub spooled_rows: u64,
}

impl Work {
    /// Rows touched: read, looked up, or written to a spool. Sorted rows are counted apart.
    pub fn touched(&self) -> u64 {
        self.table_rows + self.index_rows + self.lookups + self.spooled_rows
    }

    fn add(&mut self, other: &Work) {
        self.statements += other.statements;
        self.table_rows += other.table_rows;
        self.index_rows += other.index_rows;
        self.lookups += other.lookups;
        self.sorts += other.sorts;
        self.sorted_rows += other.sorted_rows;
        self.spooled_rows += other.spooled_rows;
    }

    /// One line of JSON.
    pub fn to_json(&self) -> String {
        format!(
            "{{\"statements\":{},\"touched\":{},\"table_rows\":{},\"index_rows\":{},\"lookups\":{},\
             \"sorts\":{},\"sorted_rows\":{},\"spooled_rows\":{}}}",
            self.statements,
            self.touched(),
            self.table_rows,
            self.index_rows,
            self.lookups,
            self.sorts,
            self.sorted_rows,
            self.spooled_rows
        )
    }
}

/// The work of all statements that have ended, in total and by the text of their batch.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    total: Work,
    by_text: HashMap<String, Work>,
}

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        // Additions cannot be left half done, so a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn total(&self) -> Work {
        self.books().total
    }

    pub(crate) fn by_text(&self) -> Vec<(String, Work)> {
        let books = self.books();
        let mut all: Vec<_> = books.by_text.iter().map(|(t, w)| (t.clone(), *w)).collect();
        all.sort_by(|a, b| (b.1.touched(), &a.0).cmp(&(a.1.touched(), &b.0)));
        all
    }

    pub(crate) fn reset(&self) {
        *self.books() = Books::default();
    }

    fn enter(&self, text: &str, work: &Work) {
        let mut books = self.books();
        books.total.add(work);
        if let Some(known) = books.by_text.get_mut(text) {
            known.add(work);
            return;
        }
        let text = if books.by_text.len() < MOST_TEXTS {
            text
        } else {
            OTHERS
        };
        books.by_text.entry(text.to_owned()).or_default().add(work);
    }
}

/// The work of one execution as it goes on.
#[derive(Default)]
pub(crate) struct Meter<'a> {
    work: Cell<Work>,
    /// Counted on its own: it changes with every row.
    read: Cell<u64>,
    paused: Cell<bool>,
    into: Option<(&'a Ledger, &'a str)>,
}

impl<'a> Meter<'a> {
    /// Enters the work into `ledger` under the batch's text when the execution ends, however it ends.
    pub(crate) fn into_ledger(ledger: &'a Ledger, text: &'a str) -> Meter<'a> {
        let mut meter = Meter::default();
        meter.into = Some((ledger, text));
        meter
    }

    /// Counts one more row for the look at the client, and gives the count.
    pub(crate) fn tick(&self) -> u64 {
        let rows = self.read.get() + 1;
        self.read.set(rows);
        rows
    }

    /// Changes the work, unless what happens stands for something that a server does not do.
    pub(crate) fn note(&self, change: impl FnOnce(&mut Work)) {
        if self.paused.get() {
            return;
        }
        let mut work = self.work.get();
        change(&mut work);
        self.work.set(work);
    }

    /// Runs what is done here only because there is no spool: a server reads once.
    pub(crate) fn unnoted<T>(&self, run: impl FnOnce() -> T) -> T {
        let before = self.paused.replace(true);
        let result = run();
        self.paused.set(before);
        result
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        let mut work = self.work.get();
        if let Some((ledger, text)) = self.into.filter(|_| work != Work::default()) {
            work.statements = 1;
            ledger.enter(text, &work);
        }
    }
}
