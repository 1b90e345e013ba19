//! Decides, without any server, how each table is made, read and loaded.

pub mod access;
pub mod build;
pub mod changes;
mod columns;
pub mod cut_sql;
pub mod fingerprint;
pub mod function;
mod inventory;
pub mod kept;
pub mod layout;
pub mod isolation;
mod limits;
pub mod object;
pub mod objects;
mod page;
pub mod query;
mod range;

#[cfg(test)]
pub(crate) mod sample;
pub mod sample_cuts;
pub mod selection;
pub mod slices;
pub mod strategy;
pub mod table;
mod ntile_cuts;
mod types;
mod unknown;
mod values;
pub mod view;
