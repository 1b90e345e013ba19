//! Decides, without any server, how each table is made, read and loaded.

pub mod access;
pub mod build;
pub mod changes;
pub mod fingerprint;
pub mod key;
pub mod object;
pub mod objects;
pub mod query;
pub mod remaining;
#[cfg(test)]
pub(crate) mod sample;
pub mod selection;
pub mod slices;
pub mod strategy;
pub mod table;
mod types;
mod values;
