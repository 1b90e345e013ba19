//! Whole runs of the tool: a source server, a real PostgreSQL, and the binary in between.
//!
//! The source is the stand-in, or the server that `MIGRATE_TEST_MSSQL` names; tests that count the
//! source's connections or break them always take a stand-in of their own.

// What the tool said is what a failing test must show.
#![allow(clippy::print_stderr)]

mod changes;
mod errors;
mod keys;
mod kill;
mod load;
mod modes;
mod objects;
mod pool;
mod resume;
mod samples;
mod types;

#[path = "../support/mod.rs"]
mod support;
