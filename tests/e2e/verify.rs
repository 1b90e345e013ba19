//! Checksums: equal sides are equal in every type, and every planted difference is found and named.

use serde_json::Value;

use crate::load;
use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::{Source, SourceDatabase};

const TYPES: &str = include_str!("../fixtures/types.sql");
const KEYS: &str = include_str!("../fixtures/keys.sql");
const SMALL: &str =
    "transfer: { partition_min_rows: 100, max_partitions_per_table: 7, commit_every: 4KiB }";

/// One compared table of a report of `verify`, or of the verification of a run.
fn table<'a>(report: &'a Value, name: &str) -> &'a Value {
    let tables = report["verification"]
        .get("tables")
        .unwrap_or(&report["tables"]);
    let tables = tables.as_array().expect("tables");
    let named = |table: &&Value| {
        let full = table["table"].as_str().expect("a name");
        // Babelfish reports its names in lower case.
        full.eq_ignore_ascii_case(name)
    };
    tables.iter().find(named).expect("the table")
}

/// `difference key: columns` of each listed row.
fn listed(report: &Value, name: &str) -> Vec<String> {
    let rows = table(report, name)["checksums"]["differences"].as_array();
    let rows = rows.expect("differences").iter().map(|row| {
        let parts = row["key"].as_array().expect("a key").iter();
        let key = parts.map(|part| part["value"].as_str().unwrap_or("NULL").to_owned());
        let columns = row["columns"].as_array().expect("columns").iter();
        let columns =
            columns.map(|column| column["column"].as_str().expect("a name").to_lowercase());
        format!(
            "{} {}: {}",
            row["difference"].as_str().expect("a word"),
            key.collect::<Vec<_>>().join(","),
            columns.collect::<Vec<_>>().join(",")
        )
    });
    let mut rows = rows.collect::<Vec<_>>();
    rows.sort();
    rows
}

fn taken<'a>(report: &'a Value, name: &str) -> &'a str {
    let taken = &table(report, name)["checksums"]["source_taken"];
    taken.as_str().expect("when the source's sum was taken")
}

fn loaded(script: &str, target: &Database<'_>, more: &str) -> (SourceDatabase, Job) {
    let database = Source::shared().database(script);
    let job = Job::new(&database, &target.target(), more);
    (database, job)
}

#[test]
fn every_type_comes_back_as_it_was_sent_and_a_change_names_its_column() {
    let target = Postgres::shared().database();
    let (_source, job) = loaded(TYPES, &target, "verify: checksums");
    let report = job.report(&[], 0);
    for name in ["dbo.Numbers", "dbo.Moments", "dbo.Texts", "dbo.Bytes"] {
        assert_eq!(taken(&report, name), "loading");
        let sums = &table(&report, name)["checksums"];
        assert_eq!(sums["source"], sums["target"], "{name}");
        assert_ne!(sums["source"], "0".repeat(32), "{name}");
    }
    let report = job.report(&["verify", "--level", "checksums"], 0);
    assert_eq!(taken(&report, "dbo.Texts"), "comparing");
    for name in ["numbers", "moments", "texts", "bytes"] {
        let columns = target.value(&format!(
            "SELECT string_agg(format('%I = NULL', attname), ', ' ORDER BY attnum) FROM pg_attribute \
             WHERE attrelid = 'public.{name}'::regclass AND attnum > 1"
        ));
        target.sql(&format!("UPDATE public.{name} SET {columns} WHERE id = 1"));
        let names = columns.replace(" = NULL", "").replace(", ", ",");
        for level in ["checksums", "rows"] {
            let report = job.report(
                &[
                    "verify",
                    "--level",
                    level,
                    "--table",
                    &format!("dbo.{name}"),
                ],
                4,
            );
            let line = format!("changed 1: {names}");
            assert_eq!(listed(&report, &format!("dbo.{name}")), [line], "{level}");
        }
    }
}

#[test]
fn every_kind_of_key_names_its_rows() {
    let target = Postgres::shared().database();
    let (_source, job) = loaded(KEYS, &target, SMALL);
    let report = job.report(&[], 0);
    let tables = report["tables"].as_array().expect("tables");
    assert!(tables.len() > 15);
    job.report(&["verify", "--level", "rows"], 0);
    let mut changed = 0;
    for row in tables {
        let name = row["target"].as_str().expect("a target");
        let has_v = target.value(&format!(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = '{name}'::regclass AND attname = 'v' AND atttypid = 'int'::regtype"
        ));
        let keyed = row["strategy"]
            .as_str()
            .expect("a strategy")
            .starts_with("keyset");
        if keyed && has_v == "1" {
            let sql = format!(
                "WITH u AS (UPDATE {name} SET v = -1 WHERE v = 500 RETURNING 1) SELECT count(*) FROM u"
            );
            changed += target.value(&sql).parse::<usize>().unwrap();
        }
    }
    assert!(changed > 10, "{changed}");
    let report = job.report(&["verify", "--level", "rows"], 4);
    let mut found = 0;
    for row in tables {
        let name = row["table"].as_str().expect("a name");
        let compared = table(&report, name);
        if compared["checksums"]["source"] != compared["checksums"]["target"] {
            let lines = listed(&report, name);
            assert!(
                lines
                    .iter()
                    .all(|line| line.starts_with("changed ") && line.ends_with(": v")),
                "{name}: {lines:?}"
            );
            found += lines.len();
        }
    }
    assert_eq!(found, changed);
}

/// Rows of the table with planted differences; `MIGRATE_TEST_PLANTED_ROWS` raises it (`make proof`: 1 million).
fn proof_rows() -> u64 {
    let rows = std::env::var("MIGRATE_TEST_PLANTED_ROWS").ok();
    rows.map_or(200_000, |rows| rows.parse().expect("a number"))
}

/// A key, a name that is empty in every tenth row, bytes that are a LOB in every thousandth.
fn many(rows: u64) -> String {
    let mut script = String::from(
        "CREATE TABLE dbo.Many (Id int NOT NULL PRIMARY KEY CLUSTERED, Name nvarchar(40) NULL, Body varbinary(max) NULL);\n\
         CREATE TABLE dbo.Step (Id int NOT NULL PRIMARY KEY CLUSTERED);\nINSERT INTO dbo.Step VALUES (0);\n",
    );
    let mut there = 1;
    while there < rows {
        let more = there.min(rows - there);
        script.push_str(&format!(
            "INSERT INTO dbo.Step SELECT Id + {there} FROM dbo.Step WHERE Id < {more};\n"
        ));
        there += more;
    }
    script.push_str(
        "INSERT INTO dbo.Many SELECT Id, CASE WHEN Id % 10 = 0 THEN N'' ELSE N'name ' + CAST(Id AS nvarchar(20)) END, \
         CASE WHEN Id % 1000 = 0 THEN CAST(REPLICATE(CAST('0123456789abcdef' AS varchar(max)), 4096) AS varbinary(max)) \
         ELSE CAST(Id AS varbinary(8)) END FROM dbo.Step;\nDROP TABLE dbo.Step;\n",
    );
    script
}

#[test]
fn planted_differences_are_all_found_by_key_and_column() {
    let rows = proof_rows();
    let target = Postgres::shared().database();
    let more =
        "verify: checksums\ntransfer: { partition_min_rows: 20000, max_partitions_per_table: 4 }";
    let (_source, job) = loaded(&many(rows), &target, more);
    let report = job.report(&[], 0);
    assert_eq!(table(&report, "dbo.Many")["source_rows"], rows);
    let equal = job.report(&["verify", "--level", "checksums"], 0);
    assert_eq!(
        table(&equal, "dbo.Many")["checksums"]["source"],
        table(&report, "dbo.Many")["checksums"]["source"],
        "what is read is what was loaded"
    );
    target.sql(
        "ALTER TABLE public.many DROP CONSTRAINT many_pkey; \
         UPDATE public.many SET body = set_bit(body, 300001, 1 - get_bit(body, 300001)) WHERE id = 7000; \
         DELETE FROM public.many WHERE id = 7771; \
         INSERT INTO public.many SELECT * FROM public.many WHERE id = 8881; \
         UPDATE public.many SET name = CASE id WHEN 4441 THEN 'name 5551' ELSE 'name 4441' END WHERE id IN (4441, 5551); \
         UPDATE public.many SET name = NULL WHERE id = 9990; \
         INSERT INTO public.many VALUES (-5, 'extra', NULL)",
    );
    for level in ["checksums", "rows"] {
        let report = job.report(&["verify", "--level", level], 4);
        assert_eq!(
            listed(&report, "dbo.Many"),
            [
                "changed 4441: name",
                "changed 5551: name",
                "changed 7000: body",
                "changed 9990: name",
                "doubled 8881: ",
                "extra -5: ",
                "missing 7771: ",
            ],
            "{level}"
        );
        assert_eq!(table(&report, "dbo.Many")["checksums"]["unlisted"], 0);
    }
}

#[test]
fn values_are_shown_only_where_they_are_asked_for() {
    let target = Postgres::shared().database();
    let script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V nvarchar(20) NULL);\n\
                  INSERT INTO dbo.T VALUES (1, N'secret one'), (2, N'');";
    let (_source, job) = loaded(script, &target, "");
    job.report(&[], 0);
    target.sql("UPDATE public.t SET v = 'secret two' WHERE id = 1; UPDATE public.t SET v = NULL WHERE id = 2");
    let answer = job.ends(&["verify", "--level", "rows"], 4);
    assert!(
        answer.stdout.contains("\"1\": changed in"),
        "{}",
        answer.stdout
    );
    let said = answer.said();
    assert!(!said.contains("secret"), "{said}");
    let answer = job.run(&["verify", "--level", "rows", "--show-values"]);
    for part in ["(\"secret one\" -> \"secret two\")", "(\"\" -> NULL)"] {
        assert!(answer.stdout.contains(part), "{}", answer.stdout);
    }
}

#[test]
fn rows_without_a_key_are_compared_as_a_multiset() {
    let target = Postgres::shared().database();
    let script = "CREATE TABLE dbo.Heap (A int NULL, B nvarchar(20) NULL, C int NULL);\n\
                  INSERT INTO dbo.Heap VALUES (1, N'one', 1), (1, N'one', 1), (1, N'one', 1), (2, N'two', 2), \
                  (3, N'three', 3), (4, N'four', 4), (NULL, NULL, NULL);";
    let (_source, job) = loaded(script, &target, "verify: checksums");
    let report = job.report(&[], 0);
    assert_eq!(taken(&report, "dbo.Heap"), "loading");
    job.report(&["verify", "--level", "rows"], 0);
    // As many rows as before: a count sees none of this.
    target.sql(
        "DELETE FROM public.heap WHERE ctid = (SELECT min(ctid) FROM public.heap WHERE a = 1); \
         INSERT INTO public.heap SELECT * FROM public.heap WHERE a = 4; \
         UPDATE public.heap SET b = 'TWO' WHERE a = 2",
    );
    job.report(&["verify", "--level", "counts"], 0);
    let report = job.report(&["verify", "--level", "checksums"], 4);
    assert_eq!(
        listed(&report, "dbo.Heap"),
        ["changed : b", "doubled : ", "missing : "]
    );
    let answer = job.run(&["verify", "--level", "rows", "--show-values"]);
    assert!(
        answer.stdout.contains("\"two\" -> \"TWO\""),
        "{}",
        answer.stdout
    );
    assert!(
        answer
            .stdout
            .contains("3 times at the source, 2 at the target"),
        "{}",
        answer.stdout
    );
}

/// What the source computed against what PostgreSQL computed.
#[test]
fn a_generated_column_that_computes_something_else_is_named() {
    let target = Postgres::shared().database();
    let script = "CREATE TABLE dbo.Sum (Id int NOT NULL PRIMARY KEY, A int NOT NULL, Twice AS (A * 2));\n\
                  INSERT INTO dbo.Sum (Id, A) VALUES (1, 0), (2, 5), (3, 7);";
    let database = Source::shared().database(script);
    let job = Job::new(&database, &target.target(), "schema: { computed: plain }");
    job.report(&[], 0);
    job.report(&["verify", "--level", "rows"], 0);
    target.sql(
        "ALTER TABLE public.sum DROP COLUMN twice; \
         ALTER TABLE public.sum ADD COLUMN twice int GENERATED ALWAYS AS (a * 2 + CASE WHEN a > 6 THEN 1 ELSE 0 END) STORED",
    );
    let report = job.report(&["verify", "--level", "rows"], 4);
    assert_eq!(listed(&report, "dbo.Sum"), ["changed 3: twice"]);
}

/// A trigger stands for anything between the wire and the table.
#[test]
fn a_run_sees_that_what_is_there_is_not_what_it_sent() {
    let target = Postgres::shared().database();
    let script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V varchar(10) NULL);\n\
                  INSERT INTO dbo.T VALUES (1, 'one'), (2, 'two');";
    target.sql(
        "CREATE TABLE public.t (id int NOT NULL, v varchar(10)); \
         CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN IF NEW.id = 2 THEN NEW.v := 'TWO'; END IF; RETURN NEW; END $$; \
         CREATE TRIGGER meddle BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.meddle()",
    );
    let more = "verify: checksums\ntransfer: { mode: truncate }";
    let (_source, job) = loaded(script, &target, more);
    let report = job.report(&[], 4);
    assert_eq!(report["outcome"], "different");
    assert_eq!(taken(&report, "dbo.T"), "loading");
    assert_eq!(
        table(&report, "dbo.T")["checksums"]["differences"],
        serde_json::json!([]),
        "a run's report holds no keys"
    );
    let report = job.report(&["verify", "--level", "rows"], 4);
    assert_eq!(listed(&report, "dbo.T"), ["changed 2: v"]);
}

#[test]
fn a_run_that_was_broken_and_continued_has_the_sum_of_what_is_committed() {
    let scenario = Scenario::on_stand_in(&load::script());
    let more = format!("verify: checksums\n{}", load::TRANSFER);
    let job = scenario.job(&more);
    for fault in [
        "drop:bytes=2000..400000,times=12,seed=3,match=dbo].[Wide",
        "error:rows=3000,number=208,times=1,match=FROM [dbo].[Narrow]",
        "error:rows=9000,number=208,times=1,match=FROM [dbo].[Heap]",
    ] {
        scenario.fault(fault);
    }
    job.report(&[], 1);
    scenario.clear_faults();
    let report = job.report(&[], 0);
    load::check(&scenario.target);
    for name in ["dbo.Narrow", "dbo.Wide", "dbo.Pair", "dbo.Heap"] {
        assert_eq!(taken(&report, name), "loading", "{name}");
        let sums = &table(&report, name)["checksums"];
        assert_eq!(sums["source"], sums["target"], "{name}");
    }
    let again = job.report(&["verify", "--level", "rows"], 0);
    for name in ["dbo.Wide", "dbo.Heap"] {
        assert_eq!(
            table(&again, name)["checksums"]["source"],
            table(&report, name)["checksums"]["source"],
            "{name}"
        );
    }
}

#[test]
fn rows_of_a_run_that_asked_for_no_checksums_are_read_again() {
    let scenario = Scenario::on_stand_in(&load::script());
    let text = |level: &str| format!("job: j\nverify: {level}\n{}", load::TRANSFER);
    let before = scenario.job(&text("none"));
    let fault = "error:rows=3000,number=208,times=1,match=FROM [dbo].[Narrow]";
    scenario.fault(fault);
    before.report(&[], 1);
    scenario.clear_faults();
    let report = scenario.job(&text("checksums")).report(&[], 0);
    assert_eq!(taken(&report, "dbo.Narrow"), "comparing");
}

#[test]
fn text_that_a_policy_changed_is_compared_as_it_was_changed() {
    let target = Postgres::shared().database();
    let script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V nvarchar(20) NULL);\n\
                  INSERT INTO dbo.T VALUES (1, N'a' + NCHAR(0) + N'b'), (2, N'c');";
    let more = "verify: checksums\nvalues: { nul_characters: strip }";
    let (_source, job) = loaded(script, &target, more);
    let report = job.report(&[], 0);
    assert_eq!(report["totals"]["changed_values"], 1);
    assert_eq!(target.value("SELECT v FROM public.t WHERE id = 1"), "ab");
    job.report(&["verify", "--level", "rows"], 0);
}

#[test]
fn an_append_compares_checksums_only_where_all_rows_are_its_own() {
    let target = Postgres::shared().database();
    let script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V int NULL);\n\
                  INSERT INTO dbo.T VALUES (1, 1), (2, 2);";
    target.sql("CREATE TABLE public.t (id int PRIMARY KEY, v int)");
    let more = "verify: checksums\ntransfer: { mode: append }";
    let (_source, job) = loaded(script, &target, more);
    job.report(&[], 0);
    job.report(&["verify", "--level", "rows"], 0);
    target.sql("INSERT INTO public.t VALUES (9, 9)");
    let answer = job.ends(&["verify", "--level", "rows"], 1);
    assert!(
        answer.stdout.contains("the job added 2"),
        "{}",
        answer.stdout
    );
}

/// Counts of an append were what the job had committed, whatever was there.
#[test]
fn an_append_that_lost_rows_is_different() {
    let target = Postgres::shared().database();
    let script = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V int NULL);\n\
                  INSERT INTO dbo.T VALUES (1, 1), (2, 2);";
    target.sql(
        "CREATE TABLE public.t (id int PRIMARY KEY, v int); INSERT INTO public.t VALUES (8, 8)",
    );
    let (_source, job) = loaded(script, &target, "transfer: { mode: append }");
    job.report(&[], 0);
    let verified = job.report(&["verify", "--level", "counts"], 0);
    assert_eq!(table(&verified, "dbo.T")["target_rows"], 2);
    target.sql("DELETE FROM public.t WHERE id <> 8");
    let verified = job.report(&["verify", "--level", "counts"], 4);
    assert_eq!(table(&verified, "dbo.T")["target_rows"], 1);
}
