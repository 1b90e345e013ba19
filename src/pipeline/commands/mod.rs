//! The commands that move no rows: check, status, plan, schema and rejects.

pub mod check;
pub mod plan;
pub mod rejects;
pub mod schema;
pub mod status;
