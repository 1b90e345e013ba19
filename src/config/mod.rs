//! The job file: as written, as checked, and everything that can be wrong with it.

pub mod effective;
pub mod job;
