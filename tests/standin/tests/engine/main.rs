//! The SQL engine through its session interface, against what SQL Server documents.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may panic, and says what it skips"
)]

mod catalog;
mod definitions;
mod direct;
mod dml;
mod functions;
mod grouping;
mod harness;
mod memory;
mod modules;
mod objects;
mod order;
mod partitions;
mod patience;
mod queries;
mod samples;
mod sampling;
mod security;
mod seek;
mod tables;
mod types;
mod values;
mod versions;
mod work;
