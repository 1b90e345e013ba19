//! Objects across runs: what one run could not make, or took off, a later one makes.

use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
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
    let source = Source::stand_in();
    let database = source.database(PAIR);
    let target = Postgres::shared().database();
    let run = |more: &str, code: i32| {
        Job::new(&database, &target.target(), &format!("job: create\n{more}")).report(&[], code)
    };
    run(
        "schema: { indexes: false, checks: false, foreign_keys: false }",
        1,
    );
    assert_eq!(of_child(&target), "none");
    run(STRIP, 0);
    assert_eq!(of_child(&target), WHOLE);
    // A finished job leaves alone what its owner changed since,
    target.sql("DROP INDEX public.ix_child_amount");
    run(STRIP, 0);
    assert_eq!(
        of_child(&target),
        "ck_child_amount not valid, fk_child_parent"
    );
    // until it is another job.
    target.sql("ALTER TABLE public.child DROP CONSTRAINT fk_child_parent");
    run(&format!("{STRIP}\nschema: {{ foreign_keys: false }}"), 0);
    assert_eq!(
        of_child(&target),
        "ck_child_amount not valid, ix_child_amount"
    );
    run(STRIP, 0);
    assert_eq!(of_child(&target), WHOLE);
}

/// Runs with `--table` end with nothing left of their own, and leave views to others.
#[test]
fn a_whole_run_behind_runs_of_single_tables_makes_the_views() {
    let source = Source::stand_in();
    let database = source.database(
        "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY);\n\
         CREATE TABLE dbo.B (Id int NOT NULL PRIMARY KEY);\n\
         INSERT INTO dbo.A VALUES (7);\n\
         GO\n\
         CREATE VIEW dbo.Seen AS SELECT Id FROM dbo.A;",
    );
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), "schema: { views: try }");
    job.report(&["--table", "dbo.A"], 0);
    job.report(&["--table", "dbo.B"], 0);
    assert_eq!(
        target.value("SELECT to_regclass('public.seen') IS NULL"),
        "t"
    );
    job.report(&[], 0);
    assert_eq!(target.value("SELECT id FROM public.seen"), "7");
    target.sql("DROP VIEW public.seen");
    job.report(&[], 0);
    assert_eq!(
        target.value("SELECT to_regclass('public.seen') IS NULL"),
        "t"
    );
}

/// Its foreign key is dropped before a table is, so a table that stays after all lacks it.
#[test]
fn a_table_that_could_not_be_replaced_says_what_it_lacks() {
    let source = Source::stand_in();
    let database = source.database(PAIR);
    let target = Postgres::shared().database();
    let create = format!("job: create\n{STRIP}");
    Job::new(&database, &target.target(), &create).report(&[], 0);
    target.sql("CREATE VIEW public.others AS SELECT amount FROM public.child");
    let replace = format!("job: replace\ntransfer: {{ mode: replace }}\n{STRIP}");
    let job = Job::new(&database, &target.target(), &replace);
    let report = job.report(&[], 1);
    let omissions = report["omissions"].to_string();
    assert!(
        omissions.contains("constraint fk_child_parent")
            && omissions.contains("FOREIGN KEY (parentid) REFERENCES parent(id)"),
        "{report:#}"
    );
    target.sql("DROP VIEW public.others");
    let report = job.report(&[], 0);
    assert_eq!(report["omissions"], serde_json::json!([]));
    assert_eq!(of_child(&target), WHOLE);
}
