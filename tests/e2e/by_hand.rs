//! What somebody does by hand to tables that a job has loaded, and what the next run makes of it.

use std::process::Command;

use crate::documented::documented;
use crate::load;
use crate::support::job::table;
use crate::support::postgres::Database;
use crate::support::scenario::Scenario;

#[test]
fn a_table_that_was_dropped_is_loaded_again() {
    let scenario = Scenario::loaded(&load::script());
    let job = scenario.job(load::TRANSFER);
    job.report(&[], 0);
    scenario.sql("DROP TABLE public.narrow, public.heap");
    let answer = job.run(&[]);
    documented("table-dropped", &answer);
    load::check(&scenario.target);
    // The others were not touched.
    let report = job.report(&[], 0);
    for table in report["tables"].as_array().expect("tables") {
        assert_eq!(table["rows"], table["resumed_rows"], "{table}");
    }
}

#[test]
fn a_table_that_was_changed_by_hand_fails_alone_and_stays_as_it_is() {
    let scenario = Scenario::loaded(&load::script());
    let job = scenario.job(load::TRANSFER);
    job.report(&[], 0);
    scenario.sql(
        "TRUNCATE public.narrow; ALTER TABLE public.wide RENAME TO kept; DROP TABLE public.heap; \
         CREATE TABLE public.heap (other text); INSERT INTO public.heap VALUES ('mine')",
    );
    let answer = job.run(&[]);
    for line in ["table-emptied", "table-renamed", "table-replaced"] {
        documented(line, &answer);
    }
    let report = job.report(&[], 1);
    let tables = report["tables"].as_array();
    for table in tables.unwrap_or_else(|| panic!("{report}")) {
        // A server may tell names in lower case.
        let name = table["table"].as_str().map(str::to_ascii_lowercase);
        let expected = match name.as_deref() {
            Some("dbo.pair") => "done",
            _ => "failed",
        };
        assert_eq!(table["outcome"], expected, "{table}");
    }
    assert_eq!(scenario.value("SELECT other FROM public.heap"), "mine");
    // As advised.
    scenario.sql("DROP TABLE public.narrow, public.heap; ALTER TABLE public.kept RENAME TO wide");
    job.report(&[], 0);
    load::check(&scenario.target);
}

/// Where the job makes no tables, a table that is gone cannot be loaded again.
#[test]
fn a_dropped_table_of_another_mode_fails_with_the_way_out() {
    let scenario = Scenario::loaded(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY);\nINSERT INTO dbo.T VALUES (1);",
    );
    scenario.sql("CREATE TABLE public.t (id integer NOT NULL PRIMARY KEY)");
    let job = scenario.job("transfer: { mode: append }");
    job.report(&[], 0);
    scenario.sql("DROP TABLE public.t");
    documented("table-gone", &job.run(&[]));
}

/// COPY BINARY carries no types: an int of 4 bytes would be stored as a date, and be called equal.
#[test]
fn a_column_that_got_another_type_is_neither_filled_nor_called_equal() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V int NULL, S nvarchar(5) NULL);\n\
         INSERT INTO dbo.T VALUES (1, 100, N'a' + NCHAR(0));",
    );
    scenario.job("job: altered").report(&[], 1);
    scenario.sql("ALTER TABLE public.t ALTER v TYPE date USING NULL");
    let strip = "job: altered\nvalues: { nul_characters: strip }\nverify: checksums";
    let job = scenario.job(strip);
    documented("table-altered", &job.run(&[]));
    assert_eq!(scenario.value("SELECT count(*) FROM public.t"), "0");
    scenario.sql("ALTER TABLE public.t ALTER v TYPE integer USING NULL");
    job.report(&[], 0);
    scenario.sql("ALTER TABLE public.t ALTER v TYPE date USING date '2000-01-01' + v");
    for level in ["checksums", "rows"] {
        let answer = job.ends(&["verify", "--level", level], 1);
        let said = answer.stdout.split_whitespace().collect::<Vec<_>>();
        assert!(
            said.join(" ")
                .contains("column v is date there and integer in the plan"),
            "{}",
            answer.stdout
        );
    }
    // Texts have one form.
    scenario.sql(
        "ALTER TABLE public.t ALTER v TYPE integer USING v - date '2000-01-01'; \
         ALTER TABLE public.t ALTER s TYPE text",
    );
    assert_eq!(job.run(&["verify", "--level", "rows"]).code, Some(0));
}

/// Tables that refer to each other, with what is made behind all rows.
const FAMILY: &str = "\
CREATE TABLE dbo.Parent (Id int NOT NULL PRIMARY KEY, Note nvarchar(20) NULL);
CREATE TABLE dbo.Child (Id int NOT NULL PRIMARY KEY, Amount int NULL CONSTRAINT CK_Amount CHECK (Amount > 0),
    ParentId int NULL CONSTRAINT FK_Child_Parent REFERENCES dbo.Parent (Id));
CREATE TABLE dbo.Toy (Id int NOT NULL PRIMARY KEY, ParentId int NULL CONSTRAINT FK_Toy_Parent REFERENCES dbo.Parent (Id));
CREATE INDEX IX_Child_Amount ON dbo.Child (Amount);
INSERT INTO dbo.Parent VALUES (1, N'a'), (2, N'b');
INSERT INTO dbo.Child VALUES (1, 1, 1), (2, 5, 2);
INSERT INTO dbo.Toy VALUES (1, 2);
GO
CREATE VIEW dbo.Notes AS SELECT Id, Note FROM dbo.Parent;";

/// The definitions of all that is in the target, as PostgreSQL's own tool writes them.
fn definitions(target: &Database<'_>) -> String {
    let settings = target.target();
    let dump = Command::new("pg_dump")
        .args(["--schema-only", "--schema", "public"])
        .args([
            "--host",
            &settings.host,
            "--port",
            &settings.port.to_string(),
        ])
        .args(["--username", &settings.user, "--dbname", &settings.database])
        .env("PGPASSWORD", settings.password.expose())
        .output()
        .expect("pg_dump");
    let said = String::from_utf8_lossy(&dump.stderr);
    assert!(dump.status.success(), "{said}");
    let text = String::from_utf8_lossy(&dump.stdout).into_owned();
    // Newer versions begin with a word that differs each time.
    let lines = text.lines().filter(|line| !line.starts_with('\\'));
    lines.collect::<Vec<_>>().join("\n")
}

/// A finished job once made the table and its rows again, and nothing that stands between tables.
#[test]
fn what_went_with_a_dropped_table_is_back_with_it() {
    let scenario = Scenario::on_stand_in(FAMILY);
    let job = scenario.job("schema: { views: try }");
    job.report(&[], 0);
    let whole = definitions(&scenario.target);
    for key in [
        "fk_child_parent",
        "fk_toy_parent",
        "ck_amount",
        "VIEW public.notes",
    ] {
        assert!(whole.contains(key), "{key} in {whole}");
    }
    for drop in [
        "DROP TABLE public.child",
        // Takes the keys of two tables that stay, and the view.
        "DROP TABLE public.parent CASCADE",
        "DROP TABLE public.parent, public.child, public.toy CASCADE",
    ] {
        scenario.sql(drop);
        job.report(&[], 0);
        assert_eq!(definitions(&scenario.target), whole, "after {drop}");
        let rows = "SELECT (SELECT count(*) FROM public.child) || ' ' || (SELECT count(*) FROM public.notes)";
        assert_eq!(scenario.value(rows), "2 2", "after {drop}");
    }
}

/// A table is done, failed or skipped, and never missing from the report.
#[test]
fn a_table_whose_record_goes_fails() {
    let scenario = Scenario::on_stand_in(FAMILY);
    let only = "tables: { include: [dbo.Parent] }";
    // Makes the state tables.
    scenario.job(&format!("job: other\n{only}")).report(&[], 0);
    scenario.sql(
        "CREATE FUNCTION public.forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         DELETE FROM _migrate.tables WHERE job = NEW.job AND source_table = NEW.source_table; \
         RETURN NULL; END $$; \
         CREATE TRIGGER forget AFTER UPDATE ON _migrate.tables FOR EACH ROW \
         WHEN (NEW.created AND NEW.source_table = 'Toy') EXECUTE FUNCTION public.forget()",
    );
    let more = "job: this\ntables: { exclude: [dbo.Parent] }";
    let report = scenario.job(more).report(&[], 1);
    let toy = table(&report, "dbo.Toy");
    assert_eq!(toy["outcome"], "failed", "{report:#}");
    assert!(toy["cause"].to_string().contains("record"), "{toy:#}");
}
