//! The type map: which PostgreSQL type holds which SQL Server type.
//!
//! `map` is the table that docs/types.md shows; `fit` says what else a job may ask for, `parse`
//! reads that, `note` says what a reader of the plan should know. Whether values can then be
//! written is decided in `tds_copy::transcode::encoding`, for the same pairs.

mod extensions;
mod fit;
mod job_types;
mod map;
mod note;
mod parse;
mod pg;
#[cfg(test)]
mod tests;

pub use extensions::{TargetTypes, depends_on_target};
pub use fit::can_encode;
pub use job_types::{asked_for, unknown_sources};
pub use map::{Rule, TYPES, default_type, type_of};
pub use note::{precision_note, rounds, source_note};
pub use parse::parse_override;
pub use pg::PgType;
