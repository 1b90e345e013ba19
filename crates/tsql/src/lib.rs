//! What SQL Server says, in PostgreSQL's terms: the source schema as plain data, types and names of
//! the target, key values as literals, and T-SQL expressions and views translated.
//!
//! Pure: no I/O, no runtime, no driver. `schema` is what the catalog says; `typemap`, `names` and
//! `page` say what becomes of it; `translate` turns T-SQL text into PostgreSQL's, or says why it
//! does not.
//!
//! An expression is translated only if both servers give the same result for every row, as far as
//! the documentation of both says. Anything else is refused with its reason, never approximated.

#![deny(missing_docs)]

pub mod calendar;
pub mod error;
pub mod hex;
pub mod key;
pub mod locale;
pub mod names;
pub mod page;
pub mod schema;
pub mod translate;
pub mod typemap;
