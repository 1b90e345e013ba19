//! The report of a run as text.

use std::collections::BTreeMap;

use crate::cli::text::figures::{count, counted, mebibytes, seconds, wrap};
use crate::cli::text::grid::{Align, Grid};
use crate::cli::text::{cause, inventory, list, omissions, verify};
use crate::report::pool::{PoolReport, Side};
use crate::report::run::{Report, RunOutcome};
use crate::report::table::{TableOutcome, TableReport};
use crate::report::time::Activity;

/// The report as text.
pub(crate) fn render(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    tables(&mut out, report);
    failures(&mut out, report);
    notes(&mut out, report);
    omissions(&mut out, &report.facts.omissions);
    inventory(&mut out, &report.facts.inventory);
    pools(&mut out, &report.facts.pools);
    time(&mut out, report);
    if let Some(verification) = &report.facts.verification {
        out.push_str("\nverification\n");
        verify::lines(&mut out, verification);
    }
    if let Some(warning) = report.warning {
        let warning = format!(
            "consistency {}: {warning}.",
            report.facts.consistency.word()
        );
        out.push('\n');
        out.push_str(&wrap(&warning, "", ""));
    }
    out.push('\n');
    out.push_str(&wrap(&conclusion(report), "", ""));
    out
}

fn head(out: &mut String, report: &Report) {
    let facts = &report.facts;
    let continued = if facts.resumed { ", continued" } else { "" };
    let run = format!(
        "job {}, run {}{continued}: {} to {}, {}",
        facts.job,
        facts.run_id,
        facts.started,
        facts.ended,
        seconds(report.seconds)
    );
    let sides = format!(
        "from {}, database {} (SQL Server {}{}) to {}, database {} (PostgreSQL {})",
        facts.source.address,
        facts.source.database,
        facts.source.version,
        match &facts.source.tls {
            Some(tls) => format!(", tls: {tls}"),
            None => String::new(),
        },
        facts.target.address,
        facts.target.database,
        facts.target.version
    );
    out.push_str(&wrap(&run, "", "  "));
    out.push_str(&wrap(&sides, "", "  "));
    out.push('\n');
}

fn tables(out: &mut String, report: &Report) {
    let mut grid = Grid::new(&[
        ("table", Align::Left),
        ("rows", Align::Right),
        ("size", Align::Right),
        ("time", Align::Right),
        ("rows/s", Align::Right),
        ("read by", Align::Left),
        ("state", Align::Left),
    ]);
    for table in &report.facts.tables {
        if table.outcome != TableOutcome::Skipped {
            grid.row(vec![
                table.table.clone(),
                count(table.rows),
                mebibytes(table.bytes),
                seconds(table.seconds),
                table
                    .rows_per_second()
                    .map_or_else(|| "-".to_owned(), |rate| count(rate as u64)),
                strategy(table),
                word(table.outcome).to_owned(),
            ]);
        }
    }
    let totals = &report.totals;
    grid.row(vec![
        "total".to_owned(),
        count(totals.rows),
        mebibytes(totals.bytes),
        seconds(report.seconds),
        count(totals.rows_per_second as u64),
        String::new(),
        String::new(),
    ]);
    out.push_str(&grid.render());
}

/// `keyset x8`: the strategy's first word and the partitions; the whole is in the JSON.
fn strategy(table: &TableReport) -> String {
    let name = table.strategy.split_whitespace().next().unwrap_or("-");
    match table.partitions {
        0 | 1 => name.to_owned(),
        partitions => format!("{name} x{partitions}"),
    }
}

fn word(outcome: TableOutcome) -> &'static str {
    match outcome {
        TableOutcome::Done => "done",
        TableOutcome::Failed => "FAILED",
        TableOutcome::Skipped => "skipped",
        TableOutcome::Unfinished => "unfinished",
    }
}

fn failures(out: &mut String, report: &Report) {
    let failed = report.facts.tables.iter();
    let failed = failed.filter_map(|table| Some((&table.table, table.cause.as_ref()?)));
    if let Some(why) = &report.facts.ended_by {
        out.push_str("\nended early\n");
        cause(out, "the run", why);
    }
    for (index, (table, why)) in failed.enumerate() {
        if index == 0 {
            out.push_str("\nfailed\n");
        }
        cause(out, table, why);
    }
}

/// `dbo.A, dbo.B and 17 more`.
fn some(tables: &[&str]) -> String {
    const NAMED: usize = 3;
    let named = tables.iter().take(NAMED).copied().collect::<Vec<_>>();
    match tables.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

fn notes(out: &mut String, report: &Report) {
    let lines = note_lines(report);
    if !lines.is_empty() {
        out.push_str("\nnotes\n");
        list(out, lines.into_iter());
    }
    if report.totals.tables_skipped > 0 {
        out.push_str(&format!(
            "\n{} left out by the job's own filter\n",
            counted(report.totals.tables_skipped, "table")
        ));
    }
}

/// What a reader must know of single tables: notes of the plan, retries, changed values.
pub(crate) fn note_lines(report: &Report) -> Vec<String> {
    let mut lines: Vec<(Vec<&str>, String)> = Vec::new();
    for table in &report.facts.tables {
        if table.outcome == TableOutcome::Skipped {
            continue;
        }
        // What is true of many tables is said once.
        let mut say = |text: String| match lines.iter_mut().find(|(_, said)| *said == text) {
            Some((tables, _)) => tables.push(&table.table),
            None => lines.push((vec![&table.table], text)),
        };
        table.notes.iter().for_each(|note| say(note.clone()));
        if table.retries > 0 {
            say(match table.retries {
                1 => "1 retry after a transient fault".to_owned(),
                retries => format!("{retries} retries after transient faults"),
            });
        }
        if table.resumed_rows > 0 {
            say(format!(
                "{} rows were there from earlier runs",
                count(table.resumed_rows)
            ));
        }
        if table.changed_values > 0 {
            say(format!(
                "{} characters changed by `values:` ({})",
                count(table.changed_values),
                by_column(&table.changed_columns)
            ));
        }
        if table.truncated_values > 0 {
            say(format!(
                "times truncated to stay in their day, because rounding would have carried them \
                 into the next ({})",
                by_column(&table.truncated_columns)
            ));
        }
        if table.rejected > 0 {
            say(format!(
                "{} rows rejected (migrate rejects --table {})",
                count(table.rejected),
                table.table
            ));
        }
    }
    let of_all = report.facts.notes.iter().cloned();
    let line = |(tables, text): (Vec<&str>, String)| format!("{}: {text}", some(&tables));
    of_all.chain(lines.into_iter().map(line)).collect()
}

/// `Body: 12, Title: 3`.
fn by_column(columns: &BTreeMap<String, u64>) -> String {
    let columns = columns.iter();
    let columns = columns.map(|(column, number)| format!("{column}: {}", count(*number)));
    columns.collect::<Vec<_>>().join(", ")
}

fn pools(out: &mut String, pools: &[PoolReport]) {
    if pools.is_empty() {
        return;
    }
    out.push('\n');
    let mut grid = Grid::new(&[
        ("pool", Align::Left),
        ("cap", Align::Right),
        ("peak", Align::Right),
        ("taken", Align::Right),
        ("waited", Align::Right),
        ("mean wait", Align::Right),
        ("longest", Align::Right),
        ("time-outs", Align::Right),
        ("reconnects", Align::Right),
    ]);
    for pool in pools {
        let side = match pool.side {
            Side::Source => "source",
            Side::Target => "target",
        };
        grid.row(vec![
            side.to_owned(),
            pool.max_connections.to_string(),
            pool.peak_in_use.to_string(),
            count(pool.acquisitions),
            count(pool.waits),
            seconds(pool.mean_wait),
            seconds(pool.longest_wait),
            count(pool.timeouts),
            count(pool.reconnects),
        ]);
    }
    out.push_str(&grid.render());
}

fn time(out: &mut String, report: &Report) {
    let spent = &report.facts.time;
    out.push_str("\nwhere the time went, all workers together\n");
    for activity in Activity::ALL {
        out.push_str(&format!(
            "  {:28} {:>12}  {:>3.0} %\n",
            activity.words(),
            seconds(spent.seconds(activity)),
            spent.share(activity) * 100.0
        ));
    }
    out.push_str(&wrap(&report.bottleneck, "", ""));
    health(out, report);
    if let Some(in_flight) = report.facts.in_flight.sentence() {
        out.push_str(&wrap(&in_flight, "", ""));
    }
}

/// The verdict on the pools, with evidence and advice for each rule that holds.
fn health(out: &mut String, report: &Report) {
    let pools = report.health.pools.iter();
    let used = pools.map(|pool| format!("{} {:.0} %", pool.side.word(), pool.utilisation * 100.0));
    let used = used.collect::<Vec<_>>().join(", ");
    if used.is_empty() {
        return;
    }
    let verdict = report.health.verdict.word();
    out.push_str(&wrap(&format!("pools: {verdict}; in use: {used}."), "", ""));
    for finding in &report.health.findings {
        let line = format!("{}: {}.", finding.evidence, finding.recommendation);
        out.push_str(&wrap(&line, "  ", "    "));
    }
}

/// One sentence: how it ended, and with what.
pub(crate) fn conclusion(report: &Report) -> String {
    let totals = &report.totals;
    let done = format!(
        "{} of {} in {}",
        counted(usize::try_from(totals.rows).unwrap_or(usize::MAX), "row"),
        counted(totals.tables_done, "table"),
        seconds(report.seconds)
    );
    match report.outcome {
        RunOutcome::Done => format!("done: {done}."),
        RunOutcome::Failed if report.facts.ended_by.is_some() => format!(
            "FAILED: the run was ended by the error above; {done}. When the cause is fixed, the \
             same command continues."
        ),
        RunOutcome::Failed if totals.tables_failed + totals.tables_unfinished == 0 => {
            format!("FAILED: at least one table could not be compared; {done}.")
        }
        RunOutcome::Failed => format!(
            "FAILED: {} failed, {} unfinished; {done}. When the cause is fixed, the same \
             command continues.",
            counted(totals.tables_failed, "table"),
            totals.tables_unfinished
        ),
        RunOutcome::Different => format!("DIFFERENT: both sides were compared and differ; {done}."),
        RunOutcome::Rejected => format!(
            "done, with {} rejected rows (in _migrate.rejects): {done}.",
            count(totals.rejected)
        ),
        RunOutcome::Incomplete => format!(
            "done, with {} schema objects left out: {done}.",
            report.facts.omissions.len()
        ),
        RunOutcome::Stopped => format!("stopped: {done}. The same command continues."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::text::figures::WIDTH;
    use crate::report::Omission;
    use crate::report::run::tests::facts;
    use crate::report::table::Cause;
    use crate::report::verify::{VerifiedTable, VerifyReport};

    #[test]
    fn a_bad_run_says_all_of_it_in_the_width() {
        let mut facts = facts();
        let name = format!("sales.{}", "VeryLongTableName".repeat(7));
        facts.tables.push(TableReport {
            rows: 123_456_789_012,
            bytes: 1 << 45,
            seconds: 86_399.0,
            partitions: 1024,
            strategy: "keyset PK_Posts (Id)".into(),
            cause: Some(Cause {
                kind: "SourceLost".into(),
                message: "table x: connection closed ".repeat(8),
                because: vec!["broken pipe".into()],
                advice: "the same command continues.".into(),
            }),
            notes: (0..30).map(|note| format!("note {note}")).collect(),
            ..TableReport::new(name, "t", TableOutcome::Failed)
        });
        facts
            .tables
            .push(TableReport::new("dbo.Skip", "s", TableOutcome::Skipped));
        facts.omissions.push(Omission {
            table: "dbo.A".into(),
            object: "index IX_A".into(),
            reason: "indexes are not made in this version".into(),
            text: None,
        });
        facts.verification = Some(VerifyReport {
            job: "demo".into(),
            tables: vec![VerifiedTable {
                table: "dbo.A".into(),
                target: "public.a".into(),
                source_rows: Some(5),
                target_rows: Some(4),
                rejected: 0,
                checksums: None,
                cause: None,
            }],
            views: Vec::new(),
            seconds: 0.2,
        });
        let text = render(&Report::draw_up(facts));
        for line in text.lines() {
            // A name is never broken, so it may stand out of a line of its own.
            let one_word = line.split_whitespace().count() == 1;
            assert!(one_word || line.chars().count() <= WIDTH, "{line}");
        }
        for part in [
            "123,456,789,012",
            "FAILED",
            "because: broken pipe",
            "advice: the same command continues.",
            "... and 11 more",
            "dbo.A: index IX_A",
            "1 table left out by the job's own filter",
            "DIFFERENT",
            "FAILED: 1 table failed",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_good_run_ends_with_its_sum() {
        let text = render(&Report::draw_up(facts()));
        assert!(
            text.ends_with("done: 1,000 rows of 1 table in 10.0 s.\n"),
            "{text}"
        );
        assert!(
            !text.contains("\nfailed\n") && !text.contains("left out"),
            "{text}"
        );
    }

    #[test]
    fn what_is_true_of_many_tables_is_said_once() {
        let mut facts = facts();
        facts.tables = (0..30)
            .map(|number| TableReport {
                notes: vec!["the key's index is not clustered".into()],
                ..TableReport::new(format!("dbo.T{number:02}"), "t", TableOutcome::Done)
            })
            .collect();
        let text = render(&Report::draw_up(facts));
        let said = "dbo.T00, dbo.T01, dbo.T02 and 27 more: the key's index is not clustered";
        assert!(text.contains(said), "{text}");
        assert_eq!(text.matches("is not clustered").count(), 1, "{text}");
    }

    #[test]
    fn what_ended_a_run_early_is_said_with_what_was_done() {
        let mut facts = facts();
        facts.ended_by = Some(Cause {
            kind: "JobHeld".into(),
            message: "job demo is run by another process".into(),
            because: Vec::new(),
            advice: "wait for it.".into(),
        });
        let report = Report::draw_up(facts);
        assert_eq!(report.outcome, RunOutcome::Failed);
        let text = render(&report);
        assert!(
            text.contains("the run: job demo is run by another process"),
            "{text}"
        );
        assert!(text.contains("1,000 rows of 1 table"), "{text}");
    }
}
