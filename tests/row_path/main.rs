//! The row path without a server: bytes of the specification, bytes cut anywhere, bytes that are
//! wrong; and against PostgreSQL and another driver, value by value.

#![allow(unreachable_pub, reason = "a test binary has no callers")]
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod cases;
mod cuts;
mod differential;
mod fixtures;
mod fuzz;
mod literal;
mod other_driver;
mod rejects;
mod scripted;
mod specification;
#[path = "../support/mod.rs"]
mod support;
mod wide;
mod wire;
