//! What a job asks for around its rows: report files, lineage events, hooks.

use std::path::PathBuf;
use std::time::Duration;

/// Files that a run writes its report to: the section `report`.
#[derive(Debug, Clone, Default)]
pub struct ReportFiles {
    /// The report as data, relative to the working directory.
    pub json: Option<PathBuf>,
    /// One page without external files.
    pub html: Option<PathBuf>,
}

/// Where OpenLineage events go: the section `lineage`.
#[derive(Debug, Clone, Default)]
pub struct Lineage {
    pub file: Option<PathBuf>,
}

/// What is done around a run: the section `hooks`. Each is a command, or the name of a file that ends with
/// `.sql`.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    pub before_load: Option<String>,
    pub after_tables: Option<String>,
    pub after_run: Option<String>,
    /// How long each may take.
    pub timeout: Duration,
}
