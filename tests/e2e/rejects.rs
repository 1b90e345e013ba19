//! Values that PostgreSQL cannot hold: every policy, killed and continued, with exact totals.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::job::{Answer, Job, table};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// The number of rows is two to this power, 16 or more; 20 makes a million of it.
const VARIABLE: &str = "MIGRATE_TEST_REJECT_POWER";
const DEFAULT_POWER: u32 = 17;
const FAULTY: i64 = 1000;

/// In every faulty value, and in no log, error or state table but the one for it.
const SECRET: &str = "Pl4nt3d-S3cret";

const TRANSFER: &str = "transfer: { partition_min_rows: 20000, max_partitions_per_table: 4, commit_every: 128KiB, \
     retry: { attempts: 5, initial_backoff: 10ms, max_backoff: 100ms } }";

fn power() -> u32 {
    std::env::var(VARIABLE).map_or(DEFAULT_POWER, |text| text.parse().expect("a number"))
}

fn rows() -> i64 {
    1 << power()
}

/// Many rows of which every `rows / 1000`th has a value with U+0000 in it. In batches, because a
/// million rows at once take longer than a control query may.
fn script() -> String {
    const STEP: i64 = 1 << 16;
    let mut script = String::from(
        "CREATE TABLE dbo.Seed (Id int NOT NULL PRIMARY KEY CLUSTERED);\n\
         CREATE TABLE dbo.Notes (Id int NOT NULL PRIMARY KEY CLUSTERED, Body nvarchar(60) NULL);\n\
         INSERT INTO dbo.Seed VALUES (0);\nGO\n",
    );
    for power in 0..STEP.ilog2() {
        let step = 1 << power;
        script.push_str(&format!(
            "INSERT INTO dbo.Seed SELECT Id + {step} FROM dbo.Seed;\n"
        ));
    }
    let every = rows() / FAULTY;
    for from in (0..rows()).step_by(usize::try_from(STEP).expect("a step")) {
        script.push_str(&format!(
            "GO\nINSERT INTO dbo.Notes SELECT Id + {from}, CASE WHEN (Id + {from}) % {every} = {} \
             THEN N'{SECRET}' + NCHAR(0) + N'!' ELSE N'harmless' END FROM dbo.Seed;\n",
            every - 1
        ));
    }
    script
}

fn job_text(values: &str) -> String {
    format!("{TRANSFER}\nvalues: {values}\ntables: {{ include: [dbo.Notes] }}")
}

/// Every log there is, in which no value may stand.
fn run_aloud(job: &Job, arguments: &[&str]) -> Answer {
    let mut command = job.command(&[arguments, &["--output", "json"]].concat());
    let output = command
        .env("RUST_LOG", "trace")
        .output()
        .expect("the tool runs");
    let answer = Answer {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    assert!(!answer.stdout.contains(SECRET) && !answer.stderr.contains(SECRET));
    answer
}

/// No state table but the one for rejects holds a value.
fn state_is_clean(target: &Database<'_>) {
    for table in ["runs", "tables", "partitions"] {
        let sql =
            format!("SELECT count(*) FROM _migrate.{table} t WHERE t::text LIKE '%{SECRET}%'");
        assert_eq!(target.value(&sql), "0", "{table}");
    }
}

/// Kills the run again and again, then lets it end.
fn with_kills(job: &Job, code: i32) -> Value {
    for round in 1..=5 {
        let mut child = job.spawn(&[]);
        std::thread::sleep(Duration::from_millis(250 * round));
        child.kill().expect("kill -9");
        child.wait().expect("the killed process is gone");
    }
    let answer = run_aloud(job, &[]);
    assert_eq!(answer.code, Some(code), "{}", answer.stdout);
    answer.json()
}

fn is_rejected_once(target: &Database<'_>, report: &Value) {
    let (rows, faulty) = (rows() as u64, FAULTY as u64);
    assert_eq!(report["outcome"], "rejected");
    assert_eq!(report["totals"]["rejected"], faulty);
    let table = &report["tables"][0];
    assert_eq!(
        (&table["rejected"], &table["rows"]),
        (&faulty.into(), &(rows - faulty).into())
    );
    let verified = &report["verification"]["tables"][0];
    assert_eq!(verified["source_rows"], rows);
    assert_eq!(verified["target_rows"], rows - faulty);
    assert_eq!(verified["rejected"], faulty);
    let once = "SELECT concat_ws('|', count(*), count(DISTINCT key ->> 'Id'), count(DISTINCT \"row\" ->> 'id')) FROM _migrate.rejects";
    assert_eq!(target.value(once), "1000|1000|1000");
    let all = format!(
        "SELECT count(*) = {rows} AND count(DISTINCT id) = {rows} FROM (SELECT id FROM public.notes \
         UNION ALL SELECT (key ->> 'Id')::int FROM _migrate.rejects) AS u"
    );
    assert_eq!(target.value(&all), "t", "every row is in one of both, once");
    let (hex, every) = (utf16_hex(&format!("{SECRET}\0!")), rows / faulty);
    let exact = format!(
        "SELECT count(*) FROM _migrate.rejects WHERE \"row\" -> 'body' ->> '$hex' = '{hex}' \
         AND \"row\" -> 'body' ->> '$encoding' = 'utf-16le' AND (key ->> 'Id')::int % {every} = {} \
         AND source_column = 'Body' AND reason = 'nul_characters' AND partition > 0",
        every - 1
    );
    assert_eq!(target.value(&exact), "1000", "as the server sent it");
}

fn utf16_hex(text: &str) -> String {
    let bytes = text.encode_utf16().flat_map(u16::to_le_bytes);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_thousand_faulty_rows_under_each_policy_killed_and_continued() {
    let source = Source::stand_in();
    let database = source.database(&script());
    let started = Instant::now();
    for policy in ["reject", "strip", "replace", "error"] {
        let target = Postgres::shared().database();
        let values = format!("{{ nul_characters: {policy} }}");
        let job = Job::new(&database, &target.target(), &job_text(&values));
        match policy {
            "reject" => {
                let report = with_kills(&job, 5);
                is_rejected_once(&target, &report);
                // Done is done, and still says so.
                is_rejected_once(&target, &job.report(&[], 5));
                let verified = job.report(&["verify"], 0);
                assert_eq!(verified["tables"][0]["rejected"], FAULTY as u64);
                is_rejected_once(&target, &job.report(&["--restart"], 5));
            }
            "error" => {
                let answer = run_aloud(&job, &[]);
                // A run that was done before it was killed has little to say; this one loads.
                assert!(
                    answer.stderr.contains("TRACE") || answer.stderr.contains("DEBUG"),
                    "{}",
                    answer.stderr
                );
                assert_eq!(answer.code, Some(1));
                let cause = answer.json()["tables"][0]["cause"]["message"].to_string();
                assert!(
                    cause.contains("column Body") && cause.contains("values.nul_characters"),
                    "{cause}"
                );
            }
            _ => {
                let report = with_kills(&job, 0);
                let table = &report["tables"][0];
                assert_eq!(
                    (&table["rows"], &table["rejected"]),
                    (&rows().into(), &0.into())
                );
                assert_eq!(table["changed_values"], FAULTY);
                assert_eq!(
                    table["changed_columns"],
                    serde_json::json!({ "Body": FAULTY })
                );
                let mark = if policy == "strip" { "" } else { "\u{FFFD}" };
                let arrived =
                    format!("SELECT count(*) FROM public.notes WHERE body = '{SECRET}{mark}!'");
                assert_eq!(target.value(&arrived), "1000");
            }
        }
        state_is_clean(&target);
        eprintln!("{policy}: {:?}", started.elapsed());
    }
}

/// What a table of one faulty value gives under a policy for text.
const FIXTURE: &str = "\
CREATE TABLE dbo.Texts (Id int NOT NULL PRIMARY KEY, N nvarchar(40) NULL, M nvarchar(max) NULL, G varchar(40) COLLATE Greek_CI_AS NULL, \
J varchar(max) COLLATE Japanese_CI_AS NULL, F float NULL, D datetime2(7) NULL, B varbinary(10) NULL, P decimal(10, 2) NULL);
INSERT INTO dbo.Texts VALUES (1, N'good', N'good', 'good', 'good', 1.5, '9999-12-31T23:59:59.9999999', 0x, -1.5);
INSERT INTO dbo.Texts VALUES (2, N'a' + NCHAR(55296) + N'b', N'm', 0x61AA62, 'x', 0.1, '0001-01-01', 0x00FF, 12345678.90);
INSERT INTO dbo.Texts VALUES (3, N'n', REPLICATE(CAST(N'long' AS nvarchar(max)), 20000) + NCHAR(0) + NCHAR(56320), 'g', 0x8389FE41, NULL, NULL, NULL, NULL);
CREATE TABLE dbo.Keys (K varchar(20) COLLATE Greek_CI_AS NOT NULL PRIMARY KEY, V int NULL);
INSERT INTO dbo.Keys VALUES ('a', 1);
INSERT INTO dbo.Keys VALUES (0x61AA, 2);
INSERT INTO dbo.Keys VALUES ('b', 3);
CREATE TABLE dbo.NKeys (K nvarchar(20) NOT NULL PRIMARY KEY, V int NULL);
INSERT INTO dbo.NKeys VALUES (N'a', 1), (N'b' + NCHAR(56832), 2), (N'c', 3);
CREATE TABLE dbo.Heap (N nvarchar(10) NULL, V int NULL);
INSERT INTO dbo.Heap VALUES (NCHAR(0), 1), (N'x', 2), (NCHAR(0), 1);
";

#[test]
fn every_fault_is_told_by_its_column_and_the_row_can_be_mended() {
    let scenario = Scenario::on_stand_in(FIXTURE);
    let job = scenario.job(
        "values: { nul_characters: reject, unpaired_surrogates: reject, undecodable: reject }",
    );
    let report = job.report(&[], 5);
    assert_eq!(report["totals"]["rejected"], 6);
    let faults = |id: i32| {
        scenario.value(&format!(
            "SELECT string_agg(f ->> 'column' || ' ' || (f ->> 'reason'), ', ') FROM _migrate.rejects, \
             jsonb_array_elements(faults) AS f WHERE source_table = 'Texts' AND key ->> 'Id' = '{id}'"
        ))
    };
    assert_eq!(faults(2), "N unpaired_surrogates, G undecodable");
    assert_eq!(faults(3), "M nul_characters, J undecodable");
    let mended = "INSERT INTO public.texts SELECT r.* FROM _migrate.rejects, \
        jsonb_populate_record(NULL::public.texts, \"row\" || '{\"n\": \"mended\", \"g\": \"\"}') AS r \
        WHERE source_table = 'Texts' AND key ->> 'Id' = '2' \
        RETURNING concat_ws('|', id, n, m, g, j, f, d, b, p)";
    assert_eq!(
        scenario.value(mended),
        "2|mended|m||x|0.1|0001-01-01 00:00:00|\\x00ff|12345678.90"
    );
    let hex = "SELECT concat_ws('|', \"row\" -> 'j' ->> '$hex', \"row\" -> 'j' ->> '$encoding', length(\"row\" -> 'm' ->> '$hex')) \
        FROM _migrate.rejects WHERE source_table = 'Texts' AND key ->> 'Id' = '3'";
    assert_eq!(scenario.value(hex), "8389fe41|code page 932|320008");
    let keys = "SELECT string_agg(key -> 'K' ->> '$hex', '|' ORDER BY source_table) FROM _migrate.rejects WHERE source_table LIKE '%Keys'";
    assert_eq!(scenario.value(keys), "61aa|620000de");
    assert_eq!(
        scenario.value(
            "SELECT count(*) FROM _migrate.rejects WHERE source_table = 'Heap' AND key IS NULL"
        ),
        "2"
    );
    // A row that was mended and deleted from the rejects is accounted for.
    scenario
        .sql("DELETE FROM _migrate.rejects WHERE source_table = 'Texts' AND key ->> 'Id' = '2'");
    job.report(&["verify"], 0);
    scenario
        .sql("DELETE FROM _migrate.rejects WHERE source_table = 'Texts' AND key ->> 'Id' = '3'");
    job.report(&["verify"], 4);
}

/// The stronger levels count the rows that the source's read rejects; they had believed what
/// `_migrate.rejects` said of them, and so called a table equal that lacked a row on both sides.
#[test]
fn a_reject_that_is_gone_is_a_difference_at_every_level() {
    let scenario = Scenario::on_stand_in(FIXTURE);
    let values =
        "values: { nul_characters: reject, unpaired_surrogates: reject, undecodable: reject }";
    let job = scenario.job(values);
    job.report(&[], 5);
    let levels = ["counts", "checksums", "rows"];
    for level in levels {
        job.report(&["verify", "--level", level], 0);
    }
    scenario
        .sql("DELETE FROM _migrate.rejects WHERE source_table = 'Texts' AND key ->> 'Id' = '2'");
    for level in levels {
        let report = job.report(&["verify", "--level", level], 4);
        let texts = table(&report, "dbo.Texts");
        let counts = ["source_rows", "target_rows", "rejected"].map(|count| &texts[count]);
        assert_eq!(counts, [3, 1, 1], "{level}");
    }
    let mended = "INSERT INTO public.texts (id, n) VALUES (2, 'mended')";
    scenario.sql(mended);
    job.report(&["verify", "--level", "counts"], 0);
    let report = job.report(&["verify", "--level", "rows", "--table", "dbo.Texts"], 4);
    let sums = &report["tables"][0]["checksums"];
    assert_eq!(sums["differences"][0]["difference"], "extra");
    assert!(
        sums["notes"].to_string().contains("repaired by hand"),
        "{sums}"
    );
}

#[test]
fn rejects_are_listed_with_keys_and_shown_only_on_request() {
    let fixture = format!(
        "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY, T nvarchar(40) NULL);\n\
         INSERT INTO dbo.A VALUES (1, N'{SECRET}' + NCHAR(0)), (2, NCHAR(0)), (3, N'x');\n\
         CREATE TABLE dbo.B (Id int NOT NULL PRIMARY KEY, T nvarchar(40) NULL, S nvarchar(20) NULL);\n\
         INSERT INTO dbo.B VALUES (7, NCHAR(0), N'{SECRET}');\n"
    );
    let scenario = Scenario::on_stand_in(&fixture);
    let job = scenario.job("values: { nul_characters: reject }");
    let nothing = job.run(&["rejects"]);
    assert!(nothing.code == Some(0) && nothing.stdout.contains("no rejected rows"));
    let run = job.ends(&[], 5);
    assert!(
        run.stdout.contains("3 rejected rows")
            && run.stdout.contains("migrate rejects --table dbo.A"),
        "{}",
        run.stdout
    );
    let text = job.run(&["rejects"]);
    assert_eq!(text.code, Some(0));
    assert!(!text.stdout.contains(SECRET), "{}", text.stdout);
    for part in [
        "dbo.A: 2 rejected rows",
        "{\"Id\":\"1\"}: T (nul_characters)",
        "{\"Id\":\"7\"}",
        "3 rejected rows in all",
    ] {
        assert!(
            text.stdout.contains(part),
            "{part} is not in\n{}",
            text.stdout
        );
    }
    let limited = job.run(&["rejects", "--table", "dbo.a", "--limit", "1"]);
    assert!(
        limited.stdout.contains("... and 1 more") && !limited.stdout.contains("dbo.B"),
        "{}",
        limited.stdout
    );
    let shown = job.report(&["rejects", "--table", "dbo.B", "--show-values"], 0);
    assert_eq!(shown["rejects"][0]["row"]["s"], SECRET);
    assert_eq!(shown["rejects"][0]["key"]["Id"], "7");
    let hidden = job.report(&["rejects"], 0);
    assert_eq!(hidden["rejects"].as_array().map(Vec::len), Some(3));
    assert!(hidden["rejects"][0].get("row").is_none());
    let status = job.report(&["status"], 0);
    let tables = status["run"]["tables"].as_array().expect("tables");
    let rejected = tables
        .iter()
        .map(|table| (table["table"].as_str(), table["rejected_rows"].as_u64()));
    assert_eq!(
        rejected.collect::<Vec<_>>(),
        [(Some("dbo.A"), Some(2)), (Some("dbo.B"), Some(1))]
    );
    job.ends(&["rejects", "--table", "dbo.Typo"], 2);
}

#[test]
fn a_column_may_differ_from_the_job_and_an_unknown_one_is_an_error() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY, T nvarchar(40) NULL, S nvarchar(40) NULL, R nvarchar(40) NULL);\n\
         INSERT INTO dbo.A VALUES (1, N'a' + NCHAR(0), N'x', N'x'), (2, N'x', N'b' + NCHAR(0), N'x'), (3, N'x', N'x', N'c' + NCHAR(0));\n",
    );
    let with = |column: &str| {
        let values = format!(
            "{{ {column}: {{ nul_characters: strip }}, R: {{ nul_characters: replace }} }}"
        );
        let more = format!(
            "values: {{ nul_characters: reject }}\ntables: {{ overrides: {{ dbo.A: {{ values: {values} }} }} }}"
        );
        scenario.job(&more)
    };
    for (column, message) in [("Missing", "column Missing"), ("Id", "holds none")] {
        let answer = with(column).ends(&["plan"], 2);
        assert!(answer.stdout.contains(message), "{}", answer.stdout);
    }
    let report = with("S").report(&[], 5);
    assert_eq!(report["totals"]["rejected"], 1);
    assert_eq!(
        report["tables"][0]["changed_columns"],
        serde_json::json!({ "R": 1, "S": 1 })
    );
    assert_eq!(
        scenario.value("SELECT string_agg(s || '|' || r, ', ' ORDER BY id) FROM public.a"),
        "b|x, x|c\u{FFFD}"
    );
}

/// Mode replace loads again, and the rejects of the first load must not stay.
#[test]
fn a_job_that_loads_again_has_its_rejects_once() {
    let scenario = Scenario::on_stand_in(FIXTURE);
    let values = "values: { nul_characters: reject, unpaired_surrogates: reject, undecodable: reject }\ntransfer: { mode: replace }";
    let job = scenario.job(values);
    for _ in 0..2 {
        assert_eq!(job.report(&[], 5)["totals"]["rejected"], 6);
        assert_eq!(scenario.value("SELECT count(*) FROM _migrate.rejects"), "6");
    }
}
