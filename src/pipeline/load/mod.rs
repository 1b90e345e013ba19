//! Loads tables: workers take partitions from a queue, move their rows from the source to the target,
//! and finish each table when its last partition is there.

pub mod active;
pub mod adapt;
pub mod concurrency;
pub mod cut_points;
pub mod finish;
pub mod finish_group;
mod pending;
pub mod queue;
pub mod reader;
mod row_place;
mod shared_work;
pub mod sharing;
mod small_tables;
pub mod split;
pub mod transfer;
pub mod workers;
