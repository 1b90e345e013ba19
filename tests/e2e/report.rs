//! The report files of a run.

use std::fs;

use serde_json::Value;

use crate::support::json_schema::faults;
use crate::support::scenario::Scenario;

fn json(path: impl AsRef<std::path::Path>) -> Value {
    let path = path.as_ref();
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

fn here(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Two tables, one of them with several partitions and an index.
const SCRIPT: &str = "\
CREATE TABLE dbo.Large (Id int NOT NULL PRIMARY KEY, V varchar(100) NULL);
INSERT INTO dbo.Large VALUES (0, REPLICATE('x', 100));
INSERT INTO dbo.Large SELECT Id + 1, V FROM dbo.Large;
INSERT INTO dbo.Large SELECT Id + 2, V FROM dbo.Large;
INSERT INTO dbo.Large SELECT Id + 4, V FROM dbo.Large;
INSERT INTO dbo.Large SELECT Id + 8, V FROM dbo.Large;
INSERT INTO dbo.Large SELECT Id + 16, V FROM dbo.Large;
INSERT INTO dbo.Large SELECT Id + 32, V FROM dbo.Large;
INSERT INTO dbo.Large SELECT Id + 64, V FROM dbo.Large;
INSERT INTO dbo.Large SELECT Id + 128, V FROM dbo.Large;
INSERT INTO dbo.Large SELECT Id + 256, V FROM dbo.Large;
CREATE INDEX IX_Large ON dbo.Large (V);
CREATE TABLE dbo.[<b>Small</b>] (Id int NOT NULL PRIMARY KEY);
INSERT INTO dbo.[<b>Small</b>] VALUES (1), (2);";

#[test]
fn both_files_of_a_run_have_its_course_and_keep_to_the_schema() {
    let scenario = Scenario::on_stand_in(SCRIPT);
    scenario.fault("stall:rows=5,for=700ms,times=4,match=SELECT [Id], [V]");
    let job = scenario.job(
        "transfer: { partition_min_rows: 128, commit_every: 16KiB, partitions_in_flight: 3 }\nverify: counts",
    );
    let files = [
        job.folder().join("report.json"),
        job.folder().join("report.html"),
    ];
    let report = format!(
        "\nreport: {{ json: {}, html: {} }}\nverify: counts",
        files[0].display(),
        files[1].display()
    );
    let job = job.changed("\nverify: counts", &report);
    let line = job.report(&["run"], 0);
    let report = json(&files[0]);
    assert_eq!(
        faults(&json(here("docs/report.schema.json")), &report),
        Vec::<String>::new()
    );

    let timeline = &report["timeline"];
    let bars = timeline["bars"].as_array().expect("bars");
    let of = |table: &str| {
        bars.iter()
            .filter(|bar| bar["table"] == table)
            .collect::<Vec<_>>()
    };
    let rows = |table: &str| {
        of(table)
            .iter()
            .map(|bar| bar["rows"].as_u64().unwrap_or(0))
            .sum::<u64>()
    };
    assert_eq!(
        (rows("dbo.Large"), rows("dbo.<b>Small</b>")),
        (512, 2),
        "{bars:#?}"
    );
    let partitions = report["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .find(|table| table["table"] == "dbo.Large");
    let partitions = partitions.expect("the table")["partitions"]
        .as_u64()
        .expect("partitions");
    assert!(
        partitions > 1 && of("dbo.Large").len() as u64 >= partitions,
        "{partitions}"
    );
    let lanes = timeline["lanes"].as_u64().expect("lanes");
    assert!(
        (2..=4).contains(&lanes),
        "no more than the pool's cap: {lanes}"
    );
    no_lane_is_taken_twice(bars);
    let waited = of("dbo.Large")
        .iter()
        .any(|bar| bar["waits"]["source_rows"].as_f64() > Some(0.5));
    assert!(waited, "the stall is seen: {bars:#?}");
    assert!(!timeline["samples"].as_array().expect("samples").is_empty());
    let phases: f64 = report["phases"]
        .as_array()
        .expect("phases")
        .iter()
        .filter_map(|phase| phase["seconds"].as_f64())
        .sum();
    let seconds = report["seconds"].as_f64().expect("seconds");
    assert!((phases - seconds).abs() < 0.5, "{phases} of {seconds}");

    // The line that schedulers keep stays short.
    assert!(line.get("timeline").is_none() && line.get("settings").is_none());
    assert_eq!(line["health"]["verdict"], "healthy");
    let password = report["settings"]
        .as_array()
        .expect("settings")
        .iter()
        .find(|one| one["key"] == "source.password");
    assert_eq!(password.expect("the password")["value"], "***");

    let page = fs::read_to_string(&files[1]).expect("the page");
    for part in [
        "&lt;b&gt;Small&lt;/b&gt;",
        "<title>dbo.Large, partition",
        "Content-Security-Policy",
        "***",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<b>Small"));
}

/// Two bars of a lane do not overlap: a lane is a connection.
fn no_lane_is_taken_twice(bars: &[Value]) {
    let time = |bar: &Value, name: &str| bar[name].as_f64().expect("seconds");
    for (number, one) in bars.iter().enumerate() {
        for other in &bars[number + 1..] {
            let apart = time(one, "end") <= time(other, "start")
                || time(other, "end") <= time(one, "start");
            assert!(one["lane"] != other["lane"] || apart, "{one} and {other}");
        }
    }
}

/// The example that has every key.
#[test]
fn the_schema_describes_every_key() {
    let examples = json(here("tests/fixtures/reports.json"));
    let schema = json(here("docs/report.schema.json"));
    assert_eq!(
        faults(&schema, &examples["report_file"]),
        Vec::<String>::new()
    );
    let mut broken = examples["report_file"].clone();
    broken["outcome"] = "fine".into();
    broken["totals"]["more"] = 1.into();
    broken["timeline"]["bars"][0]["lane"] = 0.into();
    assert_eq!(
        faults(&schema, &broken).len(),
        3,
        "the check finds what is wrong"
    );
}
