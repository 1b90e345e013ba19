//! A small SQL Server for the tests, the demo and the benchmarks of `migrate`.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

pub mod counters;
pub mod engine;
pub mod fault;
pub mod load;
pub mod prng;
pub mod sample;
pub mod server;
pub mod session;
pub mod types;
pub mod wire;
pub(crate) mod work;

mod admin;
mod serve;
