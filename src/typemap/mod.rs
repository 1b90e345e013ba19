//! The type map: which PostgreSQL type holds which SQL Server type.

mod map;
mod parse;
mod pg;
#[cfg(test)]
mod tests;

pub use map::{Rule, TYPES, can_encode, default_type, precision_note};
pub use parse::parse_override;
pub use pg::PgType;
