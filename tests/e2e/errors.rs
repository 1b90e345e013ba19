//! Every error an operator can cause, as text, with its exit code and what to do.

use migrate::config::job::{Secret, Target};

use crate::documented::documented;
use crate::support::job::{Answer, Job};
use crate::support::postgres::Postgres;
use crate::support::scenario::Scenario;
use crate::support::source::{PASSWORD, Source};

const SCRIPT: &str = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V sql_variant NULL);\n\
                      INSERT INTO dbo.T VALUES (1, 'confidential');";
const PLAIN: &str = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY);";

/// The exit code, words that must be said, and a secret that must not.
fn expect(answer: &Answer, code: i32, words: &[&str]) {
    let said = answer.said();
    assert_eq!(answer.code, Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not in:\n{said}");
    }
    assert!(!said.contains(PASSWORD), "a password in:\n{said}");
}

pub(crate) fn job_text(source: &Source, database: &str, target: &Target) -> String {
    let job = Job::with(source, database, target, "{ max_connections: 2 }", "");
    std::fs::read_to_string(&job.path).expect("the job file")
}

pub(crate) fn changed(text: &str, from: &str, to: &str) -> Job {
    assert!(text.contains(from), "{from} in {text}");
    Job::from_text(&text.replacen(from, to, 1))
}

#[test]
fn the_source_says_what_is_wrong_with_the_login() {
    let scenario = Scenario::on_stand_in(PLAIN);
    let text = job_text(
        scenario.server(),
        &scenario.source.name,
        &scenario.target.target(),
    );
    let wrong = changed(
        &text,
        &format!("password: \"{PASSWORD}\""),
        "password: not it",
    );
    documented("source-password", &wrong.run(&[]));
    let unknown = changed(
        &text,
        &format!("database: \"{}\"", scenario.source.name),
        "database: Nowhere",
    );
    expect(&unknown.run(&[]), 3, &["Nowhere"]);
    documented("source-database", &unknown.run(&[]));
    let untrusted = changed(&text, "encrypt: off", "encrypt: required");
    documented("source-certificate", &untrusted.run(&[]));
    let port = format!("port: {}", scenario.server().port);
    let closed = changed(&text, &port, "port: 1");
    documented("source-refused", &closed.run(&[]));
    let name = changed(&text, "host: \"127.0.0.1\"", "host: no-such-host.invalid");
    expect(&name.run(&[]), 3, &["no-such-host.invalid"]);
    documented("source-name", &name.run(&[]));
}

#[test]
fn a_certificate_is_trusted_by_its_authority_or_when_told_to() {
    let scenario = Scenario::on_stand_in(PLAIN);
    let text = job_text(
        scenario.server(),
        &scenario.source.name,
        &scenario.target.target(),
    );
    for encrypt in ["required", "strict"] {
        let told = changed(
            &text,
            "encrypt: off",
            &format!("encrypt: {encrypt}\n  trust_server_certificate: true"),
        );
        let fresh = changed(
            &std::fs::read_to_string(&told.path).expect("the job"),
            "source:",
            &format!("job: told-{encrypt}\ntransfer: {{ mode: replace }}\nsource:"),
        );
        expect(&fresh.run(&[]), 0, &[]);
        let folder = fresh.folder().join("ca.pem");
        scenario
            .stand_in()
            .handle
            .write_ca_pem(&folder)
            .expect("the authority's certificate");
        let by_authority = format!("encrypt: {encrypt}\n  ca_file: '{}'", folder.display());
        let verified = changed(&text, "encrypt: off", &by_authority);
        let fresh = changed(
            &std::fs::read_to_string(&verified.path).expect("the job"),
            "source:",
            &format!("job: verified-{encrypt}\ntransfer: {{ mode: replace }}\nsource:"),
        );
        expect(&fresh.run(&[]), 0, &[]);
        let misnamed = changed(
            &std::fs::read_to_string(&verified.path).expect("the job"),
            "encrypt:",
            "host_name_in_certificate: other.example.com\n  encrypt:",
        );
        documented("source-certificate-name", &misnamed.run(&[]));
    }
}

#[test]
fn the_target_says_what_is_wrong_with_the_login() {
    let scenario = Scenario::loaded(PLAIN);
    let with = |change: &dyn Fn(&mut Target)| {
        let mut settings = scenario.target.target();
        change(&mut settings);
        Job::new(&scenario.source, &settings, "")
    };
    let wrong = with(&|settings| settings.password = Secret::new("not it"));
    documented("target-password", &wrong.run(&[]));
    let unknown = with(&|settings| settings.database = "nowhere".into());
    expect(&unknown.run(&[]), 3, &["nowhere"]);
    documented("target-database", &unknown.run(&[]));
    let latin = format!("{}_latin", scenario.target.name);
    scenario.sql(&format!(
        "CREATE DATABASE {latin} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    ));
    let latin = with(&|settings| settings.database = latin.clone());
    documented("target-encoding", &latin.run(&[]));
    let closed = with(&|settings| settings.port = 1);
    documented("target-refused", &closed.run(&[]));
    let name = with(&|settings| settings.host = "no-such-host.invalid".into());
    documented("target-name", &name.run(&[]));
}

#[test]
fn a_type_that_cannot_be_carried_is_named_before_anything_is_written() {
    let scenario = Scenario::on_stand_in(SCRIPT);
    for (more, words) in [
        (
            "types: { sql_variant: integer }",
            [
                "types.sql_variant",
                "sql_variant cannot be copied into integer",
            ],
        ),
        (
            "tables: { overrides: { dbo.T: { types: { V: domain } } } }",
            ["types.V", "is for columns of an alias type"],
        ),
        (
            "types: { sql_variant: 'geometry' }",
            ["types.sql_variant", "cannot be copied into geometry"],
        ),
        (
            "types: { sqlvariant: text }",
            ["types.sqlvariant", "no type of this name"],
        ),
    ] {
        let answer = scenario.job(more).run(&[]);
        let code = if more.contains("sqlvariant:") { 2 } else { 1 };
        expect(&answer, code, &words);
        if code == 1 {
            expect(&answer, code, &["dbo.T", "column V"]);
            let line = if more.contains("domain") {
                "type-no-alias"
            } else {
                "type-not-carried"
            };
            documented(line, &answer);
        }
        assert!(!answer.stderr.contains("confidential"));
        assert_eq!(
            scenario.value("SELECT to_regclass('public.t') IS NULL"),
            "t"
        );
    }
    let without = "tables: { overrides: { dbo.T: { columns: { exclude: [V] } } } }";
    expect(&scenario.job(without).run(&[]), 0, &[]);
}

/// What a login would read less of than there is, and a table that is not there.
#[test]
fn a_login_that_sees_less_than_there_is_is_refused() {
    let script = format!(
        "CREATE TABLE dbo.Masked (Id int NOT NULL PRIMARY KEY, V int MASKED WITH (FUNCTION = 'default()') NULL)\nGO\n\
         CREATE TABLE dbo.Filtered (Id int NOT NULL PRIMARY KEY)\nGO\n\
         CREATE TABLE dbo.Columns (Id int NOT NULL PRIMARY KEY, V int NULL)\nGO\n\
         CREATE FUNCTION dbo.Keep (@id int) RETURNS TABLE WITH SCHEMABINDING AS RETURN SELECT 1 AS ok WHERE @id > 1\nGO\n\
         CREATE SECURITY POLICY dbo.Policy ADD FILTER PREDICATE dbo.Keep(Id) ON dbo.Filtered WITH (STATE = ON)\nGO\n\
         CREATE LOGIN reader WITH PASSWORD = '{PASSWORD}'\nGO\nCREATE USER reader FOR LOGIN reader\nGO\n\
         GRANT SELECT ON dbo.Masked TO reader\nGO\nGRANT SELECT ON dbo.Filtered TO reader\nGO\n\
         GRANT VIEW DEFINITION ON dbo.Policy TO reader\nGO\nGRANT SELECT ON dbo.Columns (Id) TO reader"
    );
    let scenario = Scenario::on_stand_in(&script);
    let text = job_text(
        scenario.server(),
        &scenario.source.name,
        &scenario.target.target(),
    );
    let text = text.replacen("user: \"sa\"", "user: reader", 1);
    let only = |table: &str| Job::from_text(&format!("{text}\ntables: {{ include: [{table}] }}"));
    documented("source-masked", &only("dbo.Masked").run(&[]));
    documented("source-filtered", &only("dbo.Filtered").run(&[]));
    documented("source-columns", &only("dbo.Columns").run(&[]));
    documented("table-unknown", &only("dbo.Nothing").run(&[]));
}

#[test]
fn all_problems_of_a_job_file_come_at_once_with_line_and_column() {
    let job = Job::from_text(
        "source:\n  hosst: x\n  port: many\ntarget: {}\ntransfer:\n  mode: sideways\n",
    );
    let answer = job.run(&[]);
    expect(
        &answer,
        2,
        &[
            "hosst",
            "2:3",
            "3:9",
            "sideways",
            "6:9",
            "source.database",
            "target.host",
        ],
    );
    documented("job-file", &answer);
}

#[test]
fn what_the_command_line_gets_wrong_is_usage() {
    let scenario = Scenario::loaded(PLAIN);
    let job = scenario.job("");
    expect(&job.run(&["--table", "dbo.Missing"]), 2, &["dbo.Missing"]);
    expect(&job.run(&["--no-such-flag"]), 2, &["--no-such-flag"]);
    documented("usage", &job.run(&["status", "--restart"]));
    let snapshot = scenario.job("transfer: { consistency: database_snapshot }");
    expect(&snapshot.run(&[]), 2, &["database_snapshot"]);
}

#[test]
fn snapshot_consistency_asks_the_database_for_leave() {
    let scenario = Scenario::on_stand_in(PLAIN);
    let job = scenario.job("transfer: { consistency: snapshot }");
    documented("source-no-snapshot", &job.run(&[]));
    scenario.script(&format!(
        "ALTER DATABASE [{}] SET ALLOW_SNAPSHOT_ISOLATION ON",
        scenario.source.name
    ));
    expect(&job.run(&[]), 0, &[]);
}

#[test]
fn waiting_for_a_full_pool_is_reported_and_fails_nothing() {
    let scenario = Scenario::on_stand_in(&crate::load::script());
    let pool = "{ max_connections: 1, acquire_timeout: 1s }";
    // Without the number there would be no more readers than connections.
    let pinned =
        crate::load::TRANSFER.replace("transfer: {", "transfer: { partitions_in_flight: 4,");
    let job = Job::with(
        scenario.server(),
        &scenario.source.name,
        &scenario.target.target(),
        pool,
        &pinned,
    );
    let stall = "stall:rows=100,for=4s,times=1,match=FROM [dbo].[";
    scenario.fault(stall);
    let report = job.report(&[], 0);
    crate::load::check(&scenario.target);
    let pools = report["pools"].as_array().expect("pools");
    let timeouts = pools
        .iter()
        .filter_map(|pool| pool["timeouts"].as_u64())
        .sum::<u64>();
    assert!(timeouts > 0, "{pools:?}");
}

#[test]
fn names_that_become_one_are_refused_with_the_override_that_helps() {
    let source = Source::stand_in();
    let database = source
        .database("CREATE TABLE dbo.[A B] (Id int NOT NULL PRIMARY KEY, [x] int, [y\"z] int);");
    database
        .script("CREATE SCHEMA other\nGO\nCREATE TABLE other.[A B] (Id int NOT NULL PRIMARY KEY);");
    let target = Postgres::shared().database();
    let folded = Job::new(&database, &target.target(), "");
    let text = std::fs::read_to_string(&folded.path).expect("the job");
    let one_schema = changed(
        &text,
        "schemas: { dbo: public }",
        "schemas: { dbo: public, other: public }",
    );
    expect(&one_schema.run(&[]), 1, &["dbo.A B", "other.A B"]);
    documented("names-collide", &one_schema.run(&[]));
    let state = changed(
        &text,
        "schemas: { dbo: public }",
        "schemas: { dbo: _migrate }",
    );
    documented("names-schema", &state.run(&[]));
    expect(&folded.run(&[]), 0, &[]);
    assert_eq!(target.value("SELECT count(*) FROM public.\"a b\""), "0");
}

/// One table that cannot be planned once hid all the others.
#[test]
fn a_plan_shows_what_can_be_moved_beside_what_cannot() {
    let scenario = Scenario::on_stand_in(&format!(
        "{SCRIPT}\nCREATE TABLE dbo.Fine (Id int NOT NULL PRIMARY KEY);\n\
         CREATE TABLE dbo.Also (Id int NOT NULL PRIMARY KEY, V sql_variant NULL, W sql_variant NULL);"
    ));
    let job = scenario.job("types: { sql_variant: integer }");
    expect(
        &job.run(&["plan"]),
        1,
        &[
            "public.fine",
            "CANNOT be planned",
            "dbo.T",
            "dbo.Also",
            "column W",
            "1 table to move",
        ],
    );
    let plan = job.report(&["plan"], 1);
    assert_eq!(
        (&plan["outcome"], &plan["command"]),
        (&"failed".into(), &"plan".into())
    );
    assert_eq!(plan["tables"].as_array().map(Vec::len), Some(1));
    let failed = plan["failed"].as_array().expect("a list");
    assert_eq!(failed.len(), 3, "each problem of each table: {failed:?}");
    assert!(
        failed
            .iter()
            .all(|table| table["cause"]["kind"] == "Unsupported")
    );
    let fine = job.report(&["plan", "--table", "dbo.Fine"], 0);
    assert_eq!(fine["outcome"], "done");
    assert_eq!(fine["failed"].as_array().map(Vec::len), Some(0));
    assert_eq!(
        job.report(&["plan", "--table", "dbo.T"], 1)["failed"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

/// A scheduler reads the same two words from every command.
#[test]
fn every_command_ends_its_json_with_an_outcome() {
    let scenario = Scenario::on_stand_in(PLAIN);
    let job = scenario.job("");
    for command in ["check", "plan", "run", "status", "verify"] {
        let result = job.report(&[command], 0);
        assert_eq!(result["outcome"], "done", "{command}: {result}");
        assert_eq!(result["exit_code"], 0, "{command}");
        assert_eq!(result["command"], command);
    }
    scenario.sql("INSERT INTO public.t VALUES (7)");
    let different = job.report(&["verify"], 4);
    assert_eq!(different["outcome"], "different");
    let closed = job.changed(&format!("port: {}", scenario.server().port), "port: 1");
    assert_eq!(closed.report(&["check"], 3)["outcome"], "unreachable");
    let failed = closed.report(&[], 3);
    assert_eq!(failed["outcome"], "unreachable");
    assert_eq!(failed["errors"][0]["kind"], "SourceUnreachable");
}

#[test]
fn a_check_tries_the_report_files_and_leaves_nothing_behind() {
    let scenario = Scenario::on_stand_in(PLAIN);
    let job = scenario.job("report: { json: /dev/null/report.json }");
    let answer = job.run(&["check"]);
    expect(
        &answer,
        1,
        &["PROBLEM", "/dev/null/report.json", "1 problem."],
    );
    documented("report-file", &job.run(&[]));
}

/// A file of an earlier run was taken for the report of one that never got there.
#[test]
fn an_older_report_does_not_outlive_a_run_that_fails() {
    let scenario = Scenario::on_stand_in(PLAIN);
    let folder = std::env::temp_dir().join(format!("migrate-report-{}", std::process::id()));
    let path = folder.join("report.json");
    let more = format!("report: {{ json: '{}' }}", path.display());
    let job = scenario.job(&more);
    job.report(&[], 0);
    let outcome = || -> serde_json::Value {
        let text = std::fs::read_to_string(&path).expect("a report");
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["outcome"].clone()
    };
    assert_eq!(outcome(), "done");
    job.changed(&format!("password: \"{PASSWORD}\""), "password: not it")
        .run(&[]);
    assert_eq!(outcome(), "unreachable");
    std::fs::remove_dir_all(folder).ok();
}
