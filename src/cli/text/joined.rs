//! What a member of a run did, as text.

use crate::cli::text::figures::{count, counted, seconds, wrap};
use crate::report::joined::JoinedReport;

/// The report as text: this process's part, and how the run ended.
pub(crate) fn render(report: &JoinedReport) -> String {
    let own = format!(
        "job {}: this process loaded {} of run {} ({} rows) in {}.",
        report.job,
        counted(report.partitions, "partition"),
        report.run_id,
        count(report.rows),
        seconds(report.seconds)
    );
    let run = format!(
        "run {} ended: {}. Its report is that of the process that led it, and in _migrate.runs.",
        report.run_id,
        report.outcome.as_str()
    );
    format!("{}{}", wrap(&own, "", ""), wrap(&run, "", ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::run::RunOutcome;

    #[test]
    fn a_member_says_its_part_and_how_the_run_ended() {
        let text = render(&JoinedReport {
            job: "stack".into(),
            run_id: "7".into(),
            outcome: RunOutcome::Rejected,
            partitions: 3,
            rows: 1200,
            seconds: 2.0,
            report: None,
        });
        assert!(text.contains("loaded 3 partitions of run 7"), "{text}");
        assert!(text.contains("run 7 ended: rejected."), "{text}");
    }
}
