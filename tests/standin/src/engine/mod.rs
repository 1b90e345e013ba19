//! The SQL engine: typed tables in memory, under T-SQL.

mod arithmetic;
mod catalog;
pub(crate) mod collate;
mod control;
mod datatype;
mod ddl;
mod dml;
mod error;
pub(crate) mod eval;
mod function;
pub(crate) mod model;
mod parse;
mod procedure;
mod query;
pub(crate) mod rules;
mod server;
mod session;
pub(crate) mod type_name;
mod value;

pub use crate::engine::model::options::{ConnectionFacts, Connections, Options};
pub use crate::engine::model::table::Generator;
pub use crate::engine::parse::script::batches;
pub use crate::engine::session::shared::Engine;
pub use crate::work::{OTHERS, Work};
