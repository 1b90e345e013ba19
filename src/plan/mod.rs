//! Decides, without any server, how each table is made, read and loaded.
//!
//! In: the source's catalog as a `tsql::schema::Database`, and the checked job. Out:
//! `build::Planned`, plain data that is recorded with the run, shown by `migrate plan`, and carried
//! out by `pipeline`. `query`, `cut_sql` and `sample_cuts` then make the T-SQL of reads and cuts
//! from a plan alone. Nothing here waits or fails for reasons of a server, so all of it is tested
//! without one.

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
