//! Decides, without any server, how each table is made, read and loaded.

pub mod access;
pub mod build;
pub mod changes;
mod columns;
pub mod cut_sql;
pub mod fingerprint;
pub mod function;
mod inventory;
pub mod isolation;
pub mod kept;
pub mod layout;
mod limits;
pub mod object;
pub mod objects;
mod page;
pub mod query;
mod range;

mod column_policies;
mod ntile_cuts;
#[cfg(test)]
pub(crate) mod sample;
pub mod sample_cuts;
pub mod selection;
pub mod slices;
pub mod strategy;
pub mod table;
mod types;
mod unknown;
pub mod view;
