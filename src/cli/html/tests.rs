//! Pages of reports that no run of a test would make.

use super::*;
use crate::config::setting::{Origin, Setting};
use crate::report::Omission;
use crate::report::run::Report;
use crate::report::run::tests::facts;
use crate::report::table::{Cause, TableOutcome, TableReport};
use crate::report::time::TimeSpent;
use crate::report::timeline::{Bar, Sample, TableSpan, Timeline};

/// What a database may be named by someone who means no good.
const HOSTILE: &str = "dbo.<script>alert('x')</script><img src=//evil.example/x>&\"</title>";

fn bar(table: &str, lane: u32, start: f64) -> Bar {
    Bar {
        lane,
        table: Some(table.to_owned()),
        partition: Some(1),
        partitions: 1,
        start,
        end: start + 0.8,
        committed: start + 0.9,
        rows: 100,
        bytes: 1000,
        failed: false,
        waits: TimeSpent {
            copy: 0.6,
            source_rows: 0.2,
            ..TimeSpent::default()
        },
    }
}

fn made(report: &Report, timeline: &Timeline) -> String {
    let settings = [Setting {
        key: "source.password".into(),
        value: "***".into(),
        origin: Origin::File,
    }];
    page(&ReportFile::new(report, timeline, &settings))
}

/// Elements whose text an attacker could end, with everything that came from outside hostile.
#[test]
fn text_of_the_databases_stays_text() {
    let mut facts = facts();
    facts.job = HOSTILE.to_owned();
    facts.source.database = HOSTILE.to_owned();
    facts.target.address = HOSTILE.to_owned();
    let cause = Cause {
        kind: "SourceLost".into(),
        message: HOSTILE.into(),
        because: vec![HOSTILE.into()],
        advice: HOSTILE.into(),
    };
    facts.tables = vec![TableReport {
        cause: Some(cause),
        notes: vec![HOSTILE.into()],
        strategy: HOSTILE.into(),
        rejected: 1,
        ..TableReport::new(HOSTILE, HOSTILE, TableOutcome::Failed)
    }];
    facts.omissions = vec![Omission {
        table: HOSTILE.into(),
        object: HOSTILE.into(),
        reason: HOSTILE.into(),
        text: Some(HOSTILE.into()),
    }];
    let timeline = Timeline {
        lanes: 1,
        bars: vec![bar(HOSTILE, 1, 0.0)],
        tables: vec![TableSpan {
            table: HOSTILE.into(),
            start: Some(0.0),
            loaded: Some(1.0),
            end: Some(9.0),
        }],
        ..Timeline::default()
    };
    let page = made(&Report::draw_up(facts), &timeline);
    assert!(
        page.contains("dbo.&lt;script&gt;alert(&#39;x&#39;)"),
        "{page}"
    );
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    for markup in ["<img", "alert('x')", "\"</title>", HOSTILE] {
        assert!(!page.contains(markup), "{markup}");
    }
}

/// Nothing is asked of a network, and no style or script runs that the policy does not name.
#[test]
fn a_page_asks_for_nothing() {
    let timeline = Timeline {
        lanes: 2,
        bars: vec![bar("dbo.A", 1, 0.0), bar("dbo.B", 2, 0.5)],
        samples: vec![
            Sample {
                at: 1.0,
                ..Sample::default()
            },
            Sample {
                at: 2.0,
                ..Sample::default()
            },
        ],
        ..Timeline::default()
    };
    let page = made(&Report::draw_up(facts()), &timeline);
    let policy = "content=\"default-src 'none'; style-src 'sha256-";
    assert!(
        page.contains(policy) && page.contains("script-src 'sha256-"),
        "{page}"
    );
    assert!(!page.contains("unsafe") && !page.contains(" style=\"") && !page.contains(" onclick"));
    for loading in [
        "http:", "https:", "//", " src=", "url(", "@import", "<link", "<iframe", "fetch(",
    ] {
        let found = page.lines().find(|line| line.contains(loading));
        assert_eq!(found, None, "{loading}");
    }
    let failed = failure("no <report>");
    assert!(
        failed.contains(policy) && !failed.contains("script-src"),
        "{failed}"
    );
}

/// 5,000 tables of one partition each: the page stays below 4 MB, and its drawing is bounded.
#[test]
fn thousands_of_tables_stay_usable() {
    let mut facts = facts();
    let name = |number: u32| format!("dbo.Table{number:04}");
    facts.tables = (0..5000)
        .map(|number| TableReport {
            rows: u64::from(number),
            ..TableReport::new(name(number), name(number), TableOutcome::Done)
        })
        .collect();
    let timeline = Timeline {
        lanes: 8,
        bars: (0..2000)
            .map(|number| bar(&name(number), 1 + number % 8, f64::from(number / 8) / 30.0))
            .collect(),
        ..Timeline::default()
    };
    let page = made(&Report::draw_up(facts), &timeline);
    assert!(page.len() < 4 << 20, "{} bytes", page.len());
    assert!(page.contains("other tables") && page.contains("id=\"filter-tables\""));
}
