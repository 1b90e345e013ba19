//! The commands that move no rows: check, status, plan, schema and rejects.
//!
//! Each returns a report as data and leaves both servers as they were; none takes the job lock.
//! They close their pools themselves.

mod assess;
pub mod check;
mod check_target;
mod outlook;
pub mod plan;
pub mod rejects;
pub mod schema;
pub mod status;
