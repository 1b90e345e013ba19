//! Indexes, constraints, defaults, computed columns, comments and sequences of a whole schema.

use std::path::Path;
use std::time::Instant;

use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
pub(crate) use crate::support::programs::tool;
use crate::support::scenario::Scenario;
use crate::support::source::{Source, SourceDatabase};

const FIXTURE: &str = include_str!("../fixtures/objects.sql");

/// What `pg_dump` must print of the fixture's target, line by line as it was reviewed.
const SNAPSHOT: &str = "tests/fixtures/objects.pg_dump.sql";

/// How many points of a run are killed.
const VARIABLE: &str = "MIGRATE_TEST_KILLS";

fn source() -> SourceDatabase {
    static SOURCE: std::sync::OnceLock<std::sync::Arc<Source>> = std::sync::OnceLock::new();
    SOURCE.get_or_init(Source::stand_in).database(FIXTURE)
}

#[test]
fn one_of_every_object_is_made_as_the_snapshot_shows() {
    let database = source();
    let target = Postgres::shared().database();
    let report = Job::new(&database, &target.target(), "").report(&[], 0);
    assert_eq!(report["omissions"], serde_json::json!([]), "{report:#}");
    must_be_as_reviewed(&target, SNAPSHOT);
}

/// What `pg_dump` prints of the target is the snapshot, or becomes it where that is asked for.
pub(crate) fn must_be_as_reviewed(target: &Database<'_>, snapshot: &str) {
    let made = dump(target);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(snapshot);
    if std::env::var_os("MIGRATE_TEST_BLESS").is_some() {
        std::fs::write(&path, &made).expect("the snapshot");
    }
    let expected = std::fs::read_to_string(&path).expect("the snapshot");
    assert_eq!(
        made, expected,
        "review the change, then MIGRATE_TEST_BLESS=1"
    );
}

/// What the dump cannot show: values, and that the objects work.
#[test]
fn what_was_made_does_what_it_did() {
    let database = source();
    let target = Postgres::shared().database();
    Job::new(&database, &target.target(), "").report(&[], 0);
    let refused = |sql: &str, state: &str| {
        let checked = format!(
            "DO $$ BEGIN {sql}; RAISE EXCEPTION 'taken'; EXCEPTION WHEN {state} THEN NULL; END $$"
        );
        target.sql(&checked);
    };
    assert_eq!(
        target.value("SELECT string_agg(total::text, ',' ORDER BY id) FROM sales.orders"),
        "2,3,4"
    );
    // One NULL only, as at the source; the refused row takes a value of the identity.
    refused(
        "INSERT INTO public.customers (email) VALUES ('d@example.com')",
        "unique_violation",
    );
    target.sql("INSERT INTO public.customers (email, passport) VALUES ('d@example.com', 'P4')");
    assert_eq!(
        target.value(
            "SELECT id || country || credit || active FROM public.customers WHERE passport = 'P4'"
        ),
        "30NL0.00true"
    );
    target.sql("INSERT INTO sales.orders (customerid, quantity, price) VALUES (30, 1, 1)");
    assert_eq!(target.value("SELECT max(id) FROM sales.orders"), "1015");
    assert_eq!(target.value("SELECT nextval('sales.tickets')"), "-1");
    refused("UPDATE sales.orders SET quantity = 0", "check_violation");
    refused(
        "INSERT INTO sales.shipments (id, orderid) VALUES (9, 77)",
        "foreign_key_violation",
    );
    refused(
        "UPDATE public.customers SET managerid = 1",
        "foreign_key_violation",
    );
    target.sql("UPDATE public.customers SET lastorderid = NULL; DELETE FROM public.customers WHERE id = 30");
    assert_eq!(target.value("SELECT count(*) FROM sales.orders"), "3");
}

/// The printed DDL, run by psql, and an append into it end where a plain run ends.
#[test]
fn the_printed_schema_and_an_append_end_in_the_same_database() {
    let database = source();
    let plain = Postgres::shared().database();
    Job::new(&database, &plain.target(), "").report(&[], 0);
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), "transfer: { mode: append }");
    let answer = job.ends(&["schema"], 0);
    apply(&target, &job, &answer.stdout);
    job.report(&[], 0);
    assert_eq!(dump(&target), dump(&plain));
    assert_eq!(target.value("SELECT count(*) FROM sales.lines"), "3");
    let json = job.report(&["schema"], 0);
    assert!(
        json["parts"]
            .as_array()
            .is_some_and(|parts| parts.len() > 5),
        "{json}"
    );
}

#[test]
fn replace_and_truncate_find_foreign_keys_in_their_way() {
    let database = source();
    let target = Postgres::shared().database();
    let run = |mode: &str| {
        let settings = format!("job: {mode}\ntransfer: {{ mode: {mode} }}");
        Job::new(&database, &target.target(), &settings).report(&[], 0);
        dump(&target)
    };
    let first = run("create");
    let again = Job::new(&database, &target.target(), "job: create");
    again.report(&["--restart"], 0);
    assert_eq!(dump(&target), first);
    assert_eq!(run("replace"), first);
    assert_eq!(run("truncate"), first);
    assert_eq!(target.value("SELECT count(*) FROM sales.orders"), "3");
}

#[test]
fn a_run_killed_between_any_two_objects_is_continued() {
    let database = source();
    let whole = {
        let target = Postgres::shared().database();
        let started = Instant::now();
        Job::new(&database, &target.target(), "").report(&[], 0);
        (dump(&target), started.elapsed())
    };
    let points = std::env::var(VARIABLE).map_or(12, |text| text.parse::<u32>().expect("a number"));
    for point in 0..points {
        let target = Postgres::shared().database();
        let job = Job::new(&database, &target.target(), "");
        let mut child = job.spawn(&[]);
        // The second half of a run, where objects are made.
        let part = 0.4 + 0.65 * f64::from(point) / f64::from(points);
        std::thread::sleep(whole.1.mul_f64(part));
        child.kill().expect("kill -9");
        child.wait().expect("the killed process is gone");
        job.report(&[], 0);
        assert_eq!(dump(&target), whole.0, "killed at {part:.2} of a run");
        assert_eq!(target.value("SELECT count(*) FROM sales.lines"), "3");
    }
}

#[test]
fn a_constraint_that_cannot_be_made_is_its_tables_failure() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.Parent (Code varchar(10) NOT NULL PRIMARY KEY);\n\
         CREATE TABLE dbo.Child (Id int NOT NULL PRIMARY KEY, Code varchar(10) NULL \
         CONSTRAINT FK_Child_Parent REFERENCES dbo.Parent (Code));\n\
         INSERT INTO dbo.Parent VALUES ('abc');\n\
         INSERT INTO dbo.Child VALUES (1, 'ABC');",
    );
    let job = scenario.job("");
    let report = job.report(&[], 1);
    let child = &report["tables"][0];
    assert_eq!(child["table"], "dbo.Child", "{report:#}");
    assert_eq!(child["outcome"], "failed");
    let message = child["cause"]["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("FK_Child_Parent") && message.contains("schema.collations: icu"),
        "{message}"
    );
    assert_eq!(report["tables"][1]["outcome"], "done");
    let status = job.report(&["status"], 0);
    assert!(status.to_string().contains("FK_Child_Parent"), "{status}");
    // Mended by hand, the same command makes the rest.
    scenario.sql("UPDATE public.child SET code = 'abc'");
    job.report(&[], 0);
    assert_eq!(
        scenario.value("SELECT convalidated FROM pg_constraint WHERE conname = 'fk_child_parent'"),
        "t"
    );
    // Or the job says that text compares as at the source.
    let icu = Postgres::shared().database();
    Job::new(
        &scenario.source,
        &icu.target(),
        "schema: { collations: icu }",
    )
    .report(&[], 0);
    assert_eq!(
        icu.value("SELECT count(*) FROM public.parent WHERE code = 'AbC'"),
        "1"
    );
}

#[test]
fn what_is_left_out_is_listed_with_its_text() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.Kept (Id int NOT NULL PRIMARY KEY, A int NULL);\n\
         CREATE TABLE dbo.Gone (Id int NOT NULL PRIMARY KEY);\n\
         GO\n\
         ALTER TABLE dbo.Kept ADD CONSTRAINT FK_Kept_Gone FOREIGN KEY (A) REFERENCES dbo.Gone (Id);\n\
         GO\n\
         ALTER TABLE dbo.Kept ADD CONSTRAINT CK_Kept_A CHECK (CHECKSUM(A) = 1);\n\
         GO\n\
         CREATE INDEX IX_Off ON dbo.Kept (A);\n\
         GO\n\
         ALTER INDEX IX_Off ON dbo.Kept DISABLE;",
    );
    let only = "tables: { include: ['dbo.Kept'] }";
    let report = scenario.job(only).report(&[], 6);
    let omissions = report["omissions"].to_string();
    for part in [
        "foreign key FK_Kept_Gone",
        "dbo.Gone",
        "CK_Kept_A",
        "checksum",
        "IX_Off",
    ] {
        assert!(
            omissions.to_lowercase().contains(&part.to_lowercase()),
            "{part}: {omissions}"
        );
    }
    let quiet = "job: quiet\ntransfer: { mode: replace }\ntables: { include: ['dbo.Kept'] }\n\
                 schema: { untranslated: ignore, indexes: false, foreign_keys: false }";
    let report = scenario.job(quiet).report(&[], 0);
    let notes = report["tables"].to_string();
    for part in ["CK_Kept_A", "checksum([A])=(1)"] {
        assert!(notes.contains(part), "{part}: {report}");
    }
}

#[test]
fn views_are_made_in_the_order_in_which_they_read_each_other() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, Val int NULL);\n\
         INSERT INTO dbo.T VALUES (1, 2), (2, -2);\n\
         GO\n\
         CREATE VIEW dbo.Base AS SELECT Id AS RowId, Val FROM dbo.T WHERE Val > 0;\n\
         GO\n\
         CREATE VIEW dbo.Above AS SELECT b.RowId FROM dbo.Base AS b;\n\
         GO\n\
         CREATE VIEW dbo.Never AS SELECT CHECKSUM(Id) AS N FROM dbo.T;",
    );
    let job = scenario.job("schema: { views: try }");
    let report = job.report(&[], 6);
    assert_eq!(scenario.value("SELECT rowid FROM public.above"), "1");
    let omissions = report["omissions"].as_array().expect("omissions");
    assert_eq!(omissions.len(), 1, "{omissions:?}");
    let never = omissions[0].to_string();
    assert!(
        never.contains("dbo.Never") && never.contains("CHECKSUM(Id)"),
        "{never}"
    );
    // They are in the way of a restart, and of a replacement.
    job.report(&["--restart"], 6);
    let replace = "job: r\ntransfer: { mode: replace }\nschema: { views: try }";
    scenario.job(replace).report(&[], 6);
    assert_eq!(scenario.value("SELECT rowid FROM public.above"), "1");
    // Without the key nothing is said of them.
    let other = Postgres::shared().database();
    Job::new(&scenario.source, &other.target(), "").report(&[], 0);
}

#[test]
fn columns_get_the_names_that_the_job_gives() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, Val int NOT NULL CHECK (Val > 0));\n\
         CREATE INDEX IX_Val ON dbo.T (Val);\n\
         INSERT INTO dbo.T VALUES (1, 2);",
    );
    let rename = |name: &str| {
        format!(
            "tables: {{ overrides: {{ dbo.T: {{ columns: {{ rename: {{ Val: {name} }} }} }} }} }}"
        )
    };
    let answer = scenario.job(&rename("id")).ends(&[], 1);
    answer.says(&["both be named id"]);
    scenario.job(&rename("\"my value\"")).report(&[], 0);
    assert_eq!(scenario.value("SELECT \"my value\" FROM public.t"), "2");
    let definition = "SELECT pg_get_indexdef('public.ix_val'::regclass)";
    assert!(scenario.value(definition).ends_with("(\"my value\")"));
}

/// The schema as `pg_dump` prints it, without what differs from server to server.
pub(crate) fn dump(database: &Database<'_>) -> String {
    let text = tool(
        "pg_dump",
        &database.target(),
        &[
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--exclude-schema=_migrate",
        ],
    );
    let kept = text.lines().filter(|line| {
        !line.starts_with("--")
            && !line.starts_with("SET ")
            && !line.starts_with('\\')
            && !line.starts_with("SELECT pg_catalog.set_config")
            && !line.is_empty()
    });
    kept.map(|line| format!("{line}\n")).collect()
}

pub(crate) fn apply(database: &Database<'_>, job: &Job, script: &str) {
    let path = job.folder().join("schema.sql");
    std::fs::write(&path, script).expect("the script");
    let file = path.display().to_string();
    let options = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file.as_str()];
    tool("psql", &database.target(), &options);
}
