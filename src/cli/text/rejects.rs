//! Rejected rows as text: one line each, so that a name or a key is never cut.

use crate::cli::text::figures::count;
use crate::report::rejects::{RejectedRow, RejectsReport};

/// The report as text.
pub(crate) fn render(report: &RejectsReport) -> String {
    let mut out = format!("job {}\n", report.job);
    if report.tables.is_empty() {
        out.push_str("no rejected rows\n");
        return out;
    }
    let mut rejects = report.rejects.iter().peekable();
    for table in &report.tables {
        out.push_str(&format!(
            "\n{}: {} rejected rows\n",
            table.table,
            count(table.rows)
        ));
        let mut shown = 0;
        while let Some(reject) = rejects.next_if(|reject| reject.table == table.table) {
            line(&mut out, reject);
            shown += 1;
        }
        if shown < table.rows {
            let more = count(table.rows - shown);
            out.push_str(&format!("  ... and {more} more (--limit shows more)\n"));
        }
    }
    out.push_str(&format!(
        "\n{} rejected rows in all\n",
        count(report.total())
    ));
    out
}

fn line(out: &mut String, reject: &RejectedRow) {
    let key = reject.key.as_ref().map(ToString::to_string);
    let key = key.unwrap_or_else(|| "no key".to_owned());
    let faults = reject
        .faults
        .iter()
        .map(|fault| format!("{} ({})", fault.column, fault.reason))
        .collect::<Vec<_>>()
        .join(", ");
    out.push_str(&format!("  {key}: {faults}, at {}\n", reject.at));
    if let Some(row) = &reject.row {
        out.push_str(&format!("    {row}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rejects::{FaultyColumn, RejectedTable};
    use serde_json::json;

    #[test]
    fn a_row_is_shown_only_where_it_was_asked_for() {
        let reject = |id, row| RejectedRow {
            id,
            run_id: "1".into(),
            table: "dbo.A".into(),
            partition: 1,
            key: Some(json!({ "Id": id.to_string() })),
            faults: vec![FaultyColumn {
                column: "Body".into(),
                reason: "nul_characters".into(),
            }],
            at: "2024-05-06T07:08:09.000Z".into(),
            row,
        };
        let report = RejectsReport {
            job: "j".into(),
            tables: vec![RejectedTable {
                table: "dbo.A".into(),
                rows: 1003,
            }],
            rejects: vec![reject(7, None), reject(8, Some(json!({ "body": "x" })))],
        };
        assert_eq!(
            render(&report),
            "job j\n\ndbo.A: 1,003 rejected rows\n  \
             {\"Id\":\"7\"}: Body (nul_characters), at 2024-05-06T07:08:09.000Z\n  \
             {\"Id\":\"8\"}: Body (nul_characters), at 2024-05-06T07:08:09.000Z\n    \
             {\"body\":\"x\"}\n  ... and 1,001 more (--limit shows more)\n\n\
             1,003 rejected rows in all\n"
        );
    }
}
