//! The report of a run as its files hold it: with its course and its settings.

use serde::Serialize;

use crate::config::setting::Setting;
use crate::report::run::Report;
use crate::report::timeline::{Phase, Timeline};

/// Raised when a key is taken away or changes its meaning; docs/report.schema.json describes it.
pub const REPORT_VERSION: u32 = 1;

/// The report, and what the last line of a run leaves out because it is long.
#[derive(Debug, Clone, Serialize)]
pub struct ReportFile<'a> {
    pub report_version: u32,
    /// The tool's own version.
    pub tool_version: &'static str,
    #[serde(flatten)]
    pub report: &'a Report,
    pub phases: Vec<Phase>,
    pub timeline: &'a Timeline,
    /// Every setting in force, secrets masked.
    pub settings: &'a [Setting],
}

impl<'a> ReportFile<'a> {
    /// What the files of a job's report hold.
    pub fn new(report: &'a Report, timeline: &'a Timeline, settings: &'a [Setting]) -> Self {
        Self {
            report_version: REPORT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            report,
            phases: timeline.phases(),
            timeline,
            settings,
        }
    }
}
