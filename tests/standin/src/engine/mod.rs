//! The SQL engine: typed tables in memory, under T-SQL.

mod arithmetic;
mod cascade;
mod catalog;
pub(crate) mod collate;
mod control;
mod datatype;
mod ddl;
mod dml;
mod error;
mod expr;
mod facts;
mod function;
mod gate;
mod graph;
mod memory;
mod object;
mod pages;
mod parse;
mod partition;
mod procedure;
mod query;
mod rows;
mod security;
mod server;
mod session;
mod state;
mod store;
mod table;
mod transaction;
mod value;
mod work;

pub use parse::script::batches;
pub use server::{ConnectionFacts, Connections, Engine, Options};
pub use table::Generator;
pub use work::{OTHERS, Work};

/// `SERVERPROPERTY('ProductVersion')`: SQL Server 2022 RTM.
pub const PRODUCT_VERSION: &str = "16.0.1000.6";
