//! The row path without a server: bytes of the specification, bytes cut anywhere, bytes that are
//! wrong.

#![allow(unreachable_pub, reason = "a test binary has no callers")]
#![allow(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod cases;
mod cuts;
mod fixtures;
mod fuzz;
mod rejects;
mod specification;
mod wide;
mod wire;
