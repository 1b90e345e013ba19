//! What the field has reported, one test per finding, named by what it protects.
//!
//! The numbers are those of `docs/real-servers.md`: F1 to F16 come from a review against Microsoft's
//! documents, D and O cases from public reports; their scripts are in `tests/fixtures/field`.

// What the tool said is what a failing test must show.
#![allow(clippy::print_stderr)]

mod captures;
mod connecting;
mod counts;
mod cut_points;
mod hidden;
mod memory_optimised;
mod objects;
mod reading;
mod source_work;
mod target;
mod transient;
mod values;

#[path = "../e2e/documented.rs"]
mod documented;
#[path = "../support/mod.rs"]
mod support;
