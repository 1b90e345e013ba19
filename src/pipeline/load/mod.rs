//! Loads tables: workers take partitions from a queue, move their rows from the source to the target,
//! and finish each table when its last partition is there.

pub mod active;
mod adapt;
mod concurrency;
pub mod cut_points;
pub mod finish;
pub mod finish_group;
mod pending;
pub mod queue;
pub mod reader;
mod small_tables;
mod split;
mod transfer;
pub mod workers;
