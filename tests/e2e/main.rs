//! Whole runs of the tool: a source server, a real PostgreSQL, and the binary in between.
//!
//! The source is the stand-in, or the server that `MIGRATE_TEST_MSSQL` names; tests that count the
//! source's connections or break them always take a stand-in of their own.

// What the tool said is what a failing test must show.
#![allow(clippy::print_stderr)]

mod accounting;
mod again;
mod assessment;
mod by_hand;
mod changes;
mod check;
mod cluster;
mod documented;
mod errors;
mod every_object;
mod hooks;
mod init;
mod interrupted;
mod joined;
mod keys;
mod kill;
mod lines;
mod load;
mod many_tables;
mod metrics;
mod modes;
mod names;
mod objects;
mod overrides;
mod peers;
mod pool;
mod refused;
mod rejects;
mod report;
mod resume;
mod roundtrips;
mod samples;
mod secrets;
mod side_by_side;
mod silent;
mod special;
mod starting_over;
mod stopping;
mod stragglers;
mod streams;
mod texts;
mod tune;
mod types;
mod verify;
mod views;
mod watch;
mod ways;

#[path = "../support/mod.rs"]
mod support;
