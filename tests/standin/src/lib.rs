//! A small SQL Server for the tests, the demo and the benchmarks of `migrate`.

pub mod counters;
pub mod engine;
pub mod fault;
pub mod prng;
pub mod sample;
pub mod server;
pub mod session;
pub mod types;
pub mod wire;

mod admin;
