//! Pages of assessments that no database of a test would give.

use super::*;
use crate::cli::html::assessment as page;
use crate::plan::changes::TypeChange;
use crate::plan::sample;
use crate::plan::table::Strategy;
use crate::report::Endpoint;
use crate::report::estimate::{Estimate, TableSamples};
use crate::report::planned::{PlannedTable, UnplannedTable};
use crate::report::table::Cause;
use tsql::schema::SqlType;
use tsql::schema::inventory::InventoryKind;

const HOSTILE: &str = "dbo.<script>alert('x')</script><img src=//evil.example/x>&\"</title>";

fn table(name: &str, bytes: u64) -> PlannedTable {
    let mut plan = sample::plan(vec![sample::column("Id", SqlType::Int)], Strategy::Single);
    plan.name = name.into();
    plan.estimated_bytes = bytes;
    plan.notes = vec!["a note".into()];
    PlannedTable {
        plan,
        ddl: Vec::new(),
        changes: vec![TypeChange {
            column: "Price".into(),
            from: "money".into(),
            to: "numeric(19,4)".into(),
        }],
    }
}

fn by_hand(name: &str, effort: Effort, text: Option<&str>) -> ByHand {
    ByHand {
        kind: "procedures".into(),
        name: name.into(),
        reason: format!("{name} has a cursor"),
        effort,
        lines: 40,
        text: text.map(str::to_owned),
    }
}

fn report(tables: Vec<PlannedTable>, by_hand: Vec<ByHand>) -> PlanReport {
    let count = |kind: &str, moved, by_hand| KindCount {
        kind: kind.into(),
        moved,
        by_hand,
        left_out: 0,
        unread: None,
    };
    PlanReport {
        job: "shop".into(),
        source: Endpoint {
            database: "Shop".into(),
            ..Endpoint::default()
        },
        skipped: Vec::new(),
        failed: Vec::new(),
        problems: Vec::new(),
        omissions: Vec::new(),
        notes: Vec::new(),
        inventory: Vec::new(),
        others: Vec::new(),
        assessment: Assessment {
            kinds: vec![
                count("tables", tables.len(), 0),
                count("columns", 40, 0),
                count("procedures", 0, by_hand.len()),
            ],
            by_hand,
        },
        estimate: None,
        kind: None,
        tables,
    }
}

#[test]
fn a_meeting_sees_what_moves_and_what_does_not() {
    let hands = vec![
        by_hand(
            "dbo.Close",
            Effort::Large,
            Some("CREATE PROCEDURE dbo.Close AS SELECT 1"),
        ),
        by_hand("dbo.Open", Effort::Small, None),
    ];
    let tables = vec![table("A", 3 << 30), table("B", 1 << 30)];
    let mut report = report(tables, hands);
    report.inventory = vec![InventoryKind {
        kind: "users and roles".into(),
        names: vec!["clerk".into()],
        ..InventoryKind::default()
    }];
    let text = page(&report, Timestamp::now());
    for part in [
        "Assessment of Shop",
        "can be run",
        "2 of 4 objects (50 %) move by themselves, and 2 need a person.",
        "<td class=\"word\">procedures</td><td class=\"n\">2</td><td class=\"n\"></td><td class=\"n\">2</td>",
        "large</span></td><td class=\"n\">1</td><td class=\"n\">40</td>",
        "CREATE PROCEDURE dbo.Close AS SELECT 1</pre>",
        "dbo.Close has a cursor",
        "users and roles",
        // 4 GiB at 100 MiB/s.
        "100 MiB/s</td><td class=\"n\">41.0 s</td>",
        "plan --output html --sample",
        "<td>money</td><td>numeric(19,4)</td>",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    report.estimate = Some(Estimate {
        shortest_seconds: 20.0,
        longest_seconds: 80.0,
        samples: vec![TableSamples {
            table: "dbo.A".into(),
            connections: 4,
            bytes_per_second: vec![1e8, 2e8],
            rows_per_second: vec![1e5, 2e5],
        }],
        sampled_share: 0.75,
        notes: vec!["a table stays".into()],
    });
    report.failed = vec![UnplannedTable {
        table: "dbo.Odd".into(),
        cause: Cause {
            kind: "Unsupported".into(),
            message: "no column is left".into(),
            because: Vec::new(),
            advice: "keep one".into(),
        },
    }];
    let text = page(&report, Timestamp::now());
    for part in [
        "the job cannot be run yet",
        "no column is left",
        "The rows take 20.0 s to 1 min 20 s.",
        "75 % of the bytes",
        "a table stays",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(
        !text.contains("100 MiB/s"),
        "measured, so nothing is supposed"
    );
}

#[test]
fn text_of_the_source_stays_text_and_the_page_asks_for_nothing() {
    let mut report = report(
        vec![table(HOSTILE, 1)],
        vec![by_hand(HOSTILE, Effort::Unknown, Some(HOSTILE))],
    );
    report.job = HOSTILE.into();
    report.source.database = HOSTILE.into();
    report.notes = vec![HOSTILE.into()];
    report.tables[0].changes[0].from = HOSTILE.into();
    report.tables[0].plan.notes = vec![HOSTILE.into()];
    report.assessment.kinds[0].kind = HOSTILE.into();
    report.assessment.kinds[0].unread = Some(HOSTILE.into());
    let text = page(&report, Timestamp::now());
    assert_eq!(text.matches("<script").count(), 1, "the page's own");
    for markup in [
        "<img",
        "alert('x')",
        "\"</title>",
        "http:",
        "https:",
        " style=\"",
        "url(",
    ] {
        assert!(!text.contains(markup), "{markup}");
    }
    assert!(text.contains("default-src 'none'"), "{text}");
}

/// 741 procedures of 20 KiB are 15 MiB of T-SQL; the page says what it does not show.
#[test]
fn a_page_of_many_long_texts_stays_small() {
    let long = "SELECT 1\n".repeat(2300);
    let hands =
        (0..741).map(|number| by_hand(&format!("dbo.P{number}"), Effort::Large, Some(&long)));
    let text = page(&report(Vec::new(), hands.collect()), Timestamp::now());
    assert!(text.len() < 6 << 20, "{} bytes", text.len());
    assert!(text.contains("objects is not shown, to keep the page small"));
}
