//! `check` on one screen: what a run would do with tables and values, room, and an estimate by samples.

use super::load;
use super::support::job::Job;
use super::support::postgres::Postgres;
use super::support::scenario::Scenario;
use super::tune::everything;

/// A heap and a table whose key is not clustered, types that change, values that may be lost.
const MIXED: &str = "\
CREATE TABLE dbo.Orders (Id int NOT NULL PRIMARY KEY, Total money NULL, At datetime2(7) NULL, \
Note nvarchar(50) NULL, Code varchar(10) NULL, A int NULL, \
CONSTRAINT CK_1 CHECK (CHECKSUM(A) <> 1), CONSTRAINT CK_2 CHECK (CHECKSUM(A) <> 2), \
CONSTRAINT CK_3 CHECK (CHECKSUM(A) <> 3), CONSTRAINT CK_4 CHECK (CHECKSUM(A) <> 4));
CREATE TABLE dbo.Log (Line nvarchar(max) NULL, Price money NULL);
CREATE TABLE dbo.Odd (Id int NOT NULL, CONSTRAINT PK_Odd PRIMARY KEY NONCLUSTERED (Id));
INSERT INTO dbo.Orders (Id, Total) VALUES (1, 2.5);
INSERT INTO dbo.Log VALUES (N'a', 1);
INSERT INTO dbo.Odd VALUES (1);";

fn narrow(text: &str) {
    let wide = text.lines().filter(|line| line.chars().count() > 80);
    assert_eq!(wide.collect::<Vec<_>>(), Vec::<&str>::new(), "{text}");
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn one_screen_says_what_a_run_would_do_with_tables_and_values() {
    let scenario = Scenario::on_stand_in(MIXED);
    let job = scenario.job("values: { unpaired_surrogates: replace }");
    let text = job.ends(&["check"], 0).stdout;
    narrow(&text);
    let said = flat(&text);
    for words in [
        "read by one connection, and why",
        "no unique key on NOT NULL columns",
        "the key's index is not clustered",
        "columns whose type changes: 3 in 2 tables",
        "money -> numeric(19,4): 2 columns",
        "datetime2(7) -> timestamp(6): 1 column",
        "values at risk",
        "rounded half up from 7 to 6 fractional digits",
        "U+0000 in text: such a row fails its table (values.nul_characters: error): 3 columns",
        "half of a UTF-16 pair: it becomes U+FFFD (values.unpaired_surrogates: replace): 2 columns",
        "bytes that the code page does not define: such a row fails its table (values.undecodable: error): 1 column",
        "4 objects are left out",
        "and 1 more",
        "ready to run.",
    ] {
        assert!(said.contains(words), "{words} is not in\n{text}");
    }
    assert!(!said.contains("dbo.Orders.Note"), "{text}");
    assert!(!said.contains("column At: rounded"), "said twice:\n{text}");
    let all = job.ends(&["check", "-v"], 0).stdout;
    narrow(&all);
    let all = flat(&all);
    for words in [
        "dbo.Orders.Total: money -> numeric(19,4)",
        "dbo.Log.Price: money -> numeric(19,4)",
        ": 2 columns: dbo.Log.Line, dbo.Orders.Note",
        "check CK_4",
    ] {
        assert!(all.contains(words), "{words} is not in\n{all}");
    }
    let outlook = &job.report(&["check"], 0)["outlook"];
    assert_eq!(outlook["omissions"].as_array().map(Vec::len), Some(4));
    assert_eq!(outlook["changed_columns"][1]["table"], "dbo.Orders");
}

/// The tests' own server runs on this machine; one that is named by the environment may not.
#[test]
fn room_at_the_target_is_told_where_it_can_be_known() {
    let scenario = Scenario::on_stand_in(MIXED);
    let job = scenario.job("");
    let report = job.report(&["check"], 0);
    let (source, target) = (&report["source_facts"], &report["target_facts"]);
    assert_eq!(source["database_bytes"], 8 << 20, "{source}");
    let own = std::env::var_os("MIGRATE_TEST_PG").is_none();
    if own && cfg!(target_os = "linux") {
        assert!(target["free_bytes"].as_u64() > Some(1 << 20), "{target}");
        assert!(target["free_unknown"].is_null(), "{target}");
        let text = job.ends(&["check"], 0).stdout;
        assert!(text.contains("free space"), "{text}");
    }
    let server = Postgres::shared();
    let role = format!("blind_{}", scenario.target.name);
    server.sql(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'blind'; GRANT CREATE ON DATABASE {} TO {role}",
        scenario.target.name
    ));
    scenario.sql(&format!("GRANT ALL ON SCHEMA public TO {role}"));
    let mut target = scenario.target.target();
    target.user = role.clone();
    target.password = migrate::config::job::Secret::new("blind");
    let job = Job::new(&scenario.source, &target, "");
    let report = job.report(&["check"], 0);
    let text = job.ends(&["check"], 0).stdout;
    scenario.sql(&format!("DROP OWNED BY {role}"));
    server.sql(&format!("DROP ROLE {role}"));
    let facts = &report["target_facts"];
    assert!(facts["free_bytes"].is_null(), "{facts}");
    let why = facts["free_unknown"].as_str().expect("a reason");
    assert!(!own || why.contains("pg_read_all_settings"), "{why}");
    assert!(
        flat(&text).contains("target: its free space is not known"),
        "{text}"
    );
    assert!(text.contains("not known"), "{text}");
}

#[test]
fn a_sample_gives_a_range_and_leaves_nothing() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = scenario.job(load::TRANSFER);
    let before = everything(&scenario.target);
    let report = job.report(&["check", "--sample"], 0);
    assert_eq!(everything(&scenario.target), before);
    let estimate = &report["estimate"];
    let number = |name: &str| estimate[name].as_f64().unwrap_or_default();
    let (least, most) = (number("shortest_seconds"), number("longest_seconds"));
    assert!(0.0 < least && least <= most, "{estimate}");
    let samples = estimate["samples"].as_array().expect("samples");
    assert_eq!(samples.len(), 3, "of four tables, the largest");
    for sample in samples {
        let rates = sample["bytes_per_second"].as_array().expect("rates");
        assert_eq!(rates.len(), 2, "{sample}");
        let heap = sample["table"] == "dbo.Heap";
        assert_eq!(heap, sample["connections"] == 1, "{sample}");
    }
    let share = number("sampled_share");
    assert!(0.0 < share && share < 1.0, "{estimate}");
    let text = job.ends(&["check", "--sample"], 0).stdout;
    narrow(&text);
    let said = flat(&text);
    for words in [
        "rows take: ",
        "from two samples of half a second each: dbo.Wide at ",
        "left out: cut points, keys, indexes",
    ] {
        assert!(said.contains(words), "{words} is not in\n{text}");
    }
}

/// A job without rows may be fine, so that is no problem of the job.
#[test]
fn a_sample_that_cannot_be_taken_is_a_warning() {
    let scenario = Scenario::on_stand_in("CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY)");
    let text = scenario.job("").ends(&["check", "--sample"], 0).stdout;
    let said = flat(&text);
    assert!(
        said.contains("WARNING no sample was taken: no table has rows"),
        "{text}"
    );
    assert!(said.contains("ready to run."), "{text}");
}
