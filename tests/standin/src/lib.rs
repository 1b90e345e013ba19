//! A small SQL Server for the tests, the demo and the benchmarks of `migrate`.

pub mod engine;
pub mod session;
pub mod types;
