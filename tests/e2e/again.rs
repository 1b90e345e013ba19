//! Objects across runs: what one run could not make, or took off, a later one makes.

use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// The child can be loaded; the parent has a value that needs a policy. The source does not vouch
/// for the check, and one row violates it.
const PAIR: &str = "\
CREATE TABLE dbo.Parent (Id int NOT NULL PRIMARY KEY, Note nvarchar(20) NULL);
CREATE TABLE dbo.Child (Id int NOT NULL PRIMARY KEY, Amount int NULL, ParentId int NULL
    CONSTRAINT FK_Child_Parent REFERENCES dbo.Parent (Id));
INSERT INTO dbo.Parent VALUES (1, N'a' + NCHAR(0));
INSERT INTO dbo.Child VALUES (1, -1, 1);
GO
ALTER TABLE dbo.Child WITH NOCHECK ADD CONSTRAINT CK_Child_Amount CHECK (Amount > 0);
GO
CREATE INDEX IX_Child_Amount ON dbo.Child (Amount);";

const STRIP: &str = "values: { nul_characters: strip }";

/// Checks, foreign keys and indexes of the child but for its primary key.
fn of_child(target: &Database<'_>) -> String {
    target.value(
        "SELECT coalesce(string_agg(name, ', ' ORDER BY name), 'none') FROM (\
         SELECT conname || CASE WHEN convalidated THEN '' ELSE ' not valid' END FROM pg_constraint \
         WHERE conrelid = 'public.child'::regclass AND contype IN ('c', 'f') UNION ALL \
         SELECT indexrelid::regclass::text FROM pg_index \
         WHERE indrelid = 'public.child'::regclass AND NOT indisprimary) AS of_child(name)",
    )
}

const WHOLE: &str = "ck_child_amount not valid, fk_child_parent, ix_child_amount";

/// The check of a done table was dropped by the next run, and made by nobody.
#[test]
fn what_an_append_sets_aside_is_back_when_its_parent_is_there() {
    let source = Source::stand_in();
    let database = source.database(PAIR);
    // The same job, or one that wants no foreign keys any more: the target's own come back.
    for later in ["", "schema: { foreign_keys: false }"] {
        let target = Postgres::shared().database();
        target.sql(
            "CREATE TABLE public.parent (id int PRIMARY KEY, note varchar(20)); \
             CREATE TABLE public.child (id int PRIMARY KEY, amount int, parentid int \
             CONSTRAINT fk_child_parent REFERENCES public.parent (id)); \
             ALTER TABLE public.child ADD CONSTRAINT ck_child_amount CHECK (amount > 0) NOT VALID; \
             CREATE INDEX ix_child_amount ON public.child (amount)",
        );
        let run = |more: &str, code: i32| {
            let settings = format!("job: append\ntransfer: {{ mode: append }}\n{more}");
            Job::new(&database, &target.target(), &settings).report(&[], code)
        };
        let first = run("", 1);
        assert_eq!(first["tables"][0]["outcome"], "done", "{first:#}");
        assert_eq!(first["tables"][1]["outcome"], "failed");
        assert_eq!(
            of_child(&target),
            "ck_child_amount not valid, ix_child_amount"
        );
        let again = run(later, 1);
        assert_eq!(
            of_child(&target),
            "ck_child_amount not valid, ix_child_amount"
        );
        assert!(
            again["omissions"].to_string().contains("dbo.Parent")
                || again["omissions"]
                    .to_string()
                    .contains("ADD CONSTRAINT \\\"fk_child_parent"),
            "{again:#}"
        );
        run(&format!("{later}\n{STRIP}"), 0);
        assert_eq!(of_child(&target), WHOLE, "{later}");
        assert_eq!(target.value("SELECT count(*) FROM public.child"), "1");
    }
}

#[test]
fn what_the_job_wants_later_is_made_for_tables_that_are_done() {
    let scenario = Scenario::on_stand_in(PAIR);
    let run = |more: &str, code: i32| {
        scenario
            .job(&format!("job: create\n{more}"))
            .report(&[], code)
    };
    run(
        "schema: { indexes: false, checks: false, foreign_keys: false }",
        1,
    );
    assert_eq!(of_child(&scenario.target), "none");
    run(STRIP, 0);
    assert_eq!(of_child(&scenario.target), WHOLE);
    // A finished job leaves alone what its owner changed since,
    scenario.sql("DROP INDEX public.ix_child_amount");
    run(STRIP, 0);
    assert_eq!(
        of_child(&scenario.target),
        "ck_child_amount not valid, fk_child_parent"
    );
    // until it is another job.
    scenario.sql("ALTER TABLE public.child DROP CONSTRAINT fk_child_parent");
    run(&format!("{STRIP}\nschema: {{ foreign_keys: false }}"), 0);
    assert_eq!(
        of_child(&scenario.target),
        "ck_child_amount not valid, ix_child_amount"
    );
    run(STRIP, 0);
    assert_eq!(of_child(&scenario.target), WHOLE);
}

/// Runs with `--table` end with nothing left of their own, and leave views to others.
#[test]
fn a_whole_run_behind_runs_of_single_tables_makes_the_views() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY);\n\
         CREATE TABLE dbo.B (Id int NOT NULL PRIMARY KEY);\n\
         INSERT INTO dbo.A VALUES (7);\n\
         GO\n\
         CREATE VIEW dbo.Seen AS SELECT Id FROM dbo.A;",
    );
    let job = scenario.job("schema: { views: try }");
    job.report(&["--table", "dbo.A"], 0);
    job.report(&["--table", "dbo.B"], 0);
    assert_eq!(
        scenario.value("SELECT to_regclass('public.seen') IS NULL"),
        "t"
    );
    job.report(&[], 0);
    assert_eq!(scenario.value("SELECT id FROM public.seen"), "7");
    scenario.sql("DROP VIEW public.seen");
    job.report(&[], 0);
    assert_eq!(
        scenario.value("SELECT to_regclass('public.seen') IS NULL"),
        "t"
    );
}

/// Its foreign key is dropped before a table is, so a table that stays after all lacks it.
#[test]
fn a_table_that_could_not_be_replaced_says_what_it_lacks() {
    let scenario = Scenario::on_stand_in(PAIR);
    let create = format!("job: create\n{STRIP}");
    scenario.job(&create).report(&[], 0);
    scenario.sql("CREATE VIEW public.others AS SELECT amount FROM public.child");
    let replace = format!("job: replace\ntransfer: {{ mode: replace }}\n{STRIP}");
    let job = scenario.job(&replace);
    let report = job.report(&[], 1);
    let omissions = report["omissions"].to_string();
    assert!(
        omissions.contains("constraint fk_child_parent")
            && omissions.contains("FOREIGN KEY (parentid) REFERENCES parent(id)"),
        "{report:#}"
    );
    scenario.sql("DROP VIEW public.others");
    let report = job.report(&[], 0);
    assert_eq!(report["omissions"], serde_json::json!([]));
    assert_eq!(of_child(&scenario.target), WHOLE);
}

/// Names of indexes are unique per schema in PostgreSQL. One that came to the source since the first
/// run must not take, nor shift, the name that a loaded table's index has.
#[test]
fn what_is_made_keeps_its_name_when_the_source_gets_more() {
    let table = |name: &str| {
        format!(
            "CREATE TABLE dbo.{name} (Id int IDENTITY NOT NULL PRIMARY KEY, V int NULL);\n\
             CREATE INDEX IX_V ON dbo.{name} (V);\nINSERT INTO dbo.{name} (V) VALUES (1);\n"
        )
    };
    let scenario = Scenario::on_stand_in(&(table("B") + &table("D")));
    let job = scenario.job("job: growing");
    let indexes = || {
        scenario.value(
            "SELECT string_agg(indrelid::regclass || ' ' || indexrelid::regclass, ', ' \
             ORDER BY indrelid::regclass::text) FROM pg_index WHERE NOT indisprimary AND \
             indrelid::regclass::text IN ('aa', 'b', 'd')",
        )
    };
    job.report(&[], 0);
    assert_eq!(indexes(), "b ix_v, d ix_v_2");
    scenario.script(&table("AA"));
    job.report(&[], 0);
    assert_eq!(indexes(), "aa ix_v_3, b ix_v, d ix_v_2");
    job.report(&[], 0);
}

/// The checkpoint of a finished table is for the columns that it had; nobody may take what is there
/// for what the source has now.
#[test]
fn a_finished_table_that_changed_at_the_source_is_listed() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY); INSERT INTO dbo.A VALUES (1);",
    );
    let job = scenario.job("job: reshaped");
    job.report(&[], 0);
    scenario.script("ALTER TABLE dbo.A ADD W int NULL;");
    for _ in 0..2 {
        let report = job.report(&[], 6);
        let omission = &report["omissions"][0];
        assert_eq!(omission["table"], "dbo.A", "{report:#}");
        assert!(omission["reason"].to_string().contains("--restart"));
    }
    job.report(&["--restart"], 0);
    assert_eq!(scenario.value("SELECT count(w) FROM public.a"), "0");
}

/// `numeric(18, 0) IDENTITY` is common in older schemas, and PostgreSQL has no such identity.
#[test]
fn a_decimal_identity_goes_on_counting() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.Old (Id numeric(18, 0) IDENTITY(5, 5) NOT NULL PRIMARY KEY, V int NULL);\n\
         INSERT INTO dbo.Old (V) VALUES (1), (2);",
    );
    scenario.job("job: old").report(&[], 0);
    let next = "INSERT INTO public.old (v) VALUES (3) RETURNING id";
    assert_eq!(scenario.value(next), "15");
    scenario.sql("DROP TABLE public.old");
    assert_eq!(
        scenario.value("SELECT to_regclass('public.old_id_seq') IS NULL"),
        "t"
    );
}

/// Rounding to 6 digits makes two moments one: a check that holds at the source must not fail the
/// table for that.
#[test]
fn a_check_of_seven_digits_does_not_judge_rounded_rows() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.Spans (Id int NOT NULL PRIMARY KEY, A datetime2(7) NOT NULL, \
         B datetime2(7) NOT NULL, CONSTRAINT CK_Order CHECK (A < B));\n\
         INSERT INTO dbo.Spans VALUES (1, '2024-01-01 00:00:00.0000001', '2024-01-01 00:00:00.0000002');",
    );
    let report = scenario.job("job: spans").report(&[], 0);
    assert_eq!(report["tables"][0]["outcome"], "done", "{report:#}");
    assert_eq!(
        scenario.value("SELECT conname || convalidated FROM pg_constraint WHERE contype = 'c' AND conrelid = 'public.spans'::regclass"),
        "ck_orderfalse"
    );
}
