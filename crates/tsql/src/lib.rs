//! What SQL Server says, in PostgreSQL's terms: the source schema as plain data, types and names of
//! the target, key values as literals, and T-SQL expressions and views translated.

#![deny(missing_docs)]

pub mod calendar;
pub mod error;
pub mod hex;
pub mod key;
pub mod names;
pub mod page;
pub mod schema;
pub mod translate;
pub mod typemap;
