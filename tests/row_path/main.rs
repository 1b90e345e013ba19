//! The row path against PostgreSQL and another driver, value by value.

#![allow(unreachable_pub, reason = "a test binary has no callers")]
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

#[path = "../../crates/tds-copy/tests/row_path/cases/mod.rs"]
mod cases;
mod code_pages;
mod differential;
mod literal;
mod other_driver;
#[path = "../../crates/tds-copy/benches/row_path/scripted.rs"]
mod scripted;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../crates/tds-copy/tests/row_path/wide.rs"]
mod wide;
#[path = "../../crates/tds-copy/tests/row_path/wire.rs"]
mod wire;
