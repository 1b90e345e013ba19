//! The type map: which PostgreSQL type holds which SQL Server type.

mod pg;

pub use pg::PgType;
