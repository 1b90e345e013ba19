//! What the command line adds to a job file for every command that plans tables.

/// What the command line adds to a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Discard what an earlier run of the job committed, and start over.
    pub restart: bool,
    /// `schema.table`, compared without regard to case; empty means all tables of the job.
    pub only_tables: Vec<String>,
}
