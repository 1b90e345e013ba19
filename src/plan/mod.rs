//! Decides, without any server, how each table is made, read and loaded.

pub mod key;
pub mod query;
pub mod table;
