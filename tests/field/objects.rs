//! Objects that PostgreSQL cannot make cost the table nothing else.

use crate::documented::documented;
use crate::support::job::{Job, table};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::Source;

const LONG_KEYS: &str = include_str!("../fixtures/field/D25_long_index_keys.sql");
const LOOSE_KEYS: &str = include_str!("../fixtures/field/D13_loose_foreign_keys.sql");

fn without(table: &str, names: &str) -> String {
    format!("tables: {{ overrides: {{ {table}: {{ without: [{names}] }} }} }}")
}

fn indexes(target: &Database<'_>, table: &str) -> String {
    target.value(&format!(
        "SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE tablename = '{table}'"
    ))
}

/// D25: one row's entry is too large for one index.
#[test]
fn an_index_that_a_row_does_not_fit_costs_the_table_that_index_only() {
    let Some(scenario) = Scenario::if_supported(LONG_KEYS) else {
        return;
    };
    let job = scenario.job("");
    let plan = job.run(&["plan"]);
    let noted = "index IX_D25_Path: an entry may exceed the 2704 bytes";
    assert!(plan.stdout.contains(noted), "{}", plan.stdout);
    let report = job.report(&[], 1);
    assert_eq!(scenario.value("SELECT count(*) FROM d25_paths"), "2");
    assert_eq!(
        indexes(&scenario.target, "d25_paths"),
        "d25_paths_pkey,ix_d25_small"
    );
    let cause = table(&report, "dbo.D25_Paths")["cause"]["message"].as_str();
    let cause = cause.expect("a message");
    let bytes = scenario.value("SELECT octet_length(path) FROM d25_paths WHERE id = 2");
    for part in [
        "ix_d25_path",
        "maximum 2704",
        &format!("\"path\" of {bytes} bytes"),
        "Values larger than 1/3 of a buffer page cannot be indexed",
        "tables.overrides.dbo.D25_Paths.without: [IX_D25_Path]",
    ] {
        assert!(cause.contains(part), "{part}: {cause}");
    }
    let find = cause.split("is found with ").nth(1).expect("a statement");
    let find = find.split(';').next().unwrap_or_default();
    assert_eq!(scenario.value(find), "2", "{find}");
    // A run more tries the index again, and says the same.
    documented("run-index", &job.run(&[]));
    let line = without("dbo.D25_Paths", "IX_D25_Path");
    let text = std::fs::read_to_string(&job.path).expect("the job");
    std::fs::write(&job.path, format!("{text}{line}\n")).expect("the job");
    let done = job.report(&[], 0);
    let notes = table(&done, "dbo.D25_Paths").to_string();
    assert!(!notes.contains("2704"), "{notes}");
    assert_eq!(
        indexes(&scenario.target, "d25_paths"),
        "d25_paths_pkey,ix_d25_small"
    );
}

/// D13: two keys that the rows do not meet, one of them on a table with a key that they do meet.
#[test]
fn a_foreign_key_that_rows_do_not_meet_costs_no_other_key() {
    let Some(scenario) = Scenario::if_supported(LOOSE_KEYS) else {
        return;
    };
    scenario.script(
        "CREATE TABLE dbo.D13_Ferry (Id int NOT NULL CONSTRAINT PK_D13_Ferry PRIMARY KEY, \
         Town int NULL, River int NULL, Country varchar(10) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, \
         CONSTRAINT FK_A_Loose FOREIGN KEY (Country) REFERENCES dbo.D13_Country (Code), \
         CONSTRAINT FK_B_Town FOREIGN KEY (Town) REFERENCES dbo.D13_Town (Id), \
         CONSTRAINT FK_C_River FOREIGN KEY (River) REFERENCES dbo.D13_River (Id));\n\
         GO\n\
         INSERT INTO dbo.D13_Ferry VALUES (1, 1, 1, 'de');\n",
    );
    let report = scenario.job("").report(&[], 1);
    let valid = "SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint \
                 WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace";
    assert_eq!(scenario.value(valid), "fk_b_town,fk_c_river");
    for (name, key, rows) in [
        ("dbo.D13_Town", "FK_D13_Case", "3"),
        ("dbo.D13_River", "FK_D13_Blank", "2"),
        ("dbo.D13_Ferry", "FK_A_Loose", "1"),
    ] {
        let spelled = |text: &str| Source::shared().spelled(text);
        let cause = table(&report, &spelled(name))["cause"].to_string();
        let line = spelled(&format!("tables.overrides.{name}.without: [{key}]"));
        assert!(cause.contains(&line), "{cause}");
        // D12: what PostgreSQL says of it, without what the key holds.
        let detail = "(country)=(...) is not present in table \\\"d13_country\\\"";
        assert!(cause.contains(detail), "{cause}");
        for value in ["(nl)", "(DE  )", "(de)"] {
            assert!(!cause.contains(value), "{cause}");
        }
        let count = format!("SELECT count(*) FROM {}", name.replace("dbo.", ""));
        assert_eq!(scenario.value(&count), rows);
    }
    let lines = "tables: { overrides: { dbo.D13_Town: { without: [fk_d13_case] }, \
                 dbo.D13_River: { without: [FK_D13_BLANK] }, dbo.D13_Ferry: { without: [FK_A_Loose] } } }";
    let other = Postgres::shared().database();
    Job::new(&scenario.source, &other.target(), lines).report(&[], 0);
    let keys = "SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint \
                WHERE contype = 'f' AND connamespace = 'public'::regnamespace";
    assert_eq!(other.value(keys), "fk_b_town,fk_c_river");
}

/// D13: under a collation that ignores case the target takes a key that differs in case only.
#[test]
fn a_foreign_key_that_differs_in_case_is_made_with_icu_collations() {
    let Some(scenario) = Scenario::if_supported(LOOSE_KEYS) else {
        return;
    };
    let report = scenario.job("schema: { collations: icu }").report(&[], 1);
    let valid = "SELECT string_agg(conname, ',') FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace";
    assert_eq!(scenario.value(valid), "fk_d13_case");
    let spelled = |text: &str| Source::shared().spelled(text);
    let cause = table(&report, &spelled("dbo.D13_River"))["cause"].to_string();
    let line = spelled("tables.overrides.dbo.D13_River.without: [FK_D13_Blank]");
    assert!(cause.contains(&line), "{cause}");
    let town = table(&report, &spelled("dbo.D13_Town"));
    assert_eq!(town["outcome"], "done", "{town}");
    let rows = "SELECT (SELECT count(*) FROM d13_town) || ' ' || (SELECT count(*) FROM d13_river)";
    assert_eq!(scenario.value(rows), "3 2");
}

/// Two objects of one table fail, and both are told.
#[test]
fn all_that_a_table_lacks_is_told_at_once() {
    let Some(scenario) = Scenario::if_supported(LONG_KEYS) else {
        return;
    };
    // SQL Server refuses keys of more than 1,700 bytes, so it is of the same column.
    scenario.script("CREATE INDEX IX_D25_Too ON dbo.D25_Paths (Path DESC);");
    let report = scenario.job("").report(&[], 1);
    let cause = table(&report, "dbo.D25_Paths")["cause"].to_string();
    for name in ["IX_D25_Path]", "IX_D25_Too]", "2 objects"] {
        assert!(cause.contains(name), "{cause}");
    }
    assert_eq!(
        indexes(&scenario.target, "d25_paths"),
        "d25_paths_pkey,ix_d25_small"
    );
}

#[test]
fn a_name_that_the_table_does_not_have_is_an_error_with_its_line() {
    let Some(scenario) = Scenario::if_supported(LONG_KEYS) else {
        return;
    };
    for (name, says) in [
        ("IX_D25_Paht", "it has IX_D25_Path, IX_D25_Small"),
        ("PK_D25_Paths", "the primary key, which is always made"),
    ] {
        let job = scenario.job(&without("dbo.D25_Paths", name));
        let text = std::fs::read_to_string(&job.path).expect("the job");
        let line = text.lines().position(|line| line.contains("without"));
        let line = format!("line {} of the job file", line.expect("the line") + 1);
        let answer = job.run(&[]);
        documented("names-without", &answer);
        answer.says(&[says, &line, name]);
    }
}

/// A unique index that the job leaves out takes a foreign key with it, visibly.
#[test]
fn a_foreign_key_to_a_unique_index_that_is_left_out_is_listed() {
    let database = Source::shared().database(
        "CREATE TABLE dbo.One (Id int NOT NULL CONSTRAINT PK_One PRIMARY KEY, Code int NOT NULL CONSTRAINT UQ_One UNIQUE);\n\
         CREATE TABLE dbo.Two (Id int NOT NULL CONSTRAINT PK_Two PRIMARY KEY, Code int NOT NULL CONSTRAINT FK_Two REFERENCES dbo.One (Code));\n\
         INSERT INTO dbo.One VALUES (1, 10);\n\
         INSERT INTO dbo.Two VALUES (1, 10);\n",
    );
    let target = Postgres::shared().database();
    let report =
        Job::new(&database, &target.target(), &without("dbo.One", "uq_one")).report(&[], 6);
    let left_out = Source::shared().spelled("foreign key FK_Two");
    assert_eq!(report["omissions"][0]["object"], left_out);
    assert_eq!(indexes(&target, "one"), "one_pkey");
    let both =
        "tables: { overrides: { dbo.One: { without: [UQ_One] }, dbo.Two: { without: [FK_Two] } } }";
    let target = Postgres::shared().database();
    Job::new(&database, &target.target(), both).report(&[], 0);
}

/// D12: a trigger's own words and a cell's value stay in the server's log.
#[test]
fn detail_and_hint_reach_the_user_without_a_value() {
    let scenario = Scenario::loaded(
        "CREATE TABLE dbo.Kept (Id int NOT NULL PRIMARY KEY, Name nvarchar(20) NULL);\n\
         INSERT INTO dbo.Kept VALUES (7654321, N'confidential');\n",
    );
    for (made, says) in [
        (
            "CREATE TABLE kept (id int PRIMARY KEY, name varchar(20)); INSERT INTO kept VALUES (7654321)",
            "detail: Key (id)=(...) already exists",
        ),
        (
            "CREATE TABLE kept (id int, name varchar(20) CHECK (name <> 'confidential'))",
            "violates check constraint",
        ),
        (
            "CREATE TABLE kept (id int, name varchar(20)) PARTITION BY LIST (id)",
            "no partition of relation",
        ),
    ] {
        scenario.sql(&format!(
            "DROP TABLE IF EXISTS kept; DROP SCHEMA IF EXISTS _migrate CASCADE; {made}"
        ));
        let answer = scenario.job("transfer: { mode: append }").ends(&[], 1);
        let said = answer.said();
        assert!(said.contains(says), "{said}");
        assert!(
            !said.contains("7654321") && !said.contains("confidential"),
            "{said}"
        );
    }
}
