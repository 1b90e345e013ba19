//! Translated expressions against both servers: each row gives the same on either side.
//!
//! The source is the stand-in, or the server that `MIGRATE_TEST_MSSQL` names. What a source cannot
//! evaluate is printed and counted, so that a test which compares nothing fails.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

mod babelfish;
mod draw;
mod equivalence;
mod random;
mod sample;
mod views;
