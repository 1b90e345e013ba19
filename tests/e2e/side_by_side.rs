//! Foreign keys are validated side by side, not one after the other.

use crate::support::scenario::Scenario;
use std::time::{Duration, Instant};

/// A validation ends only once the gate is open; nothing else waits. Waiting is done before the
/// statement takes its locks, so neither waits for the other.
const GATE: &str = "\
CREATE SCHEMA proof;
CREATE TABLE proof.closed (gate boolean);
INSERT INTO proof.closed VALUES (true);
CREATE FUNCTION proof.wait() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_query() LIKE '%VALIDATE CONSTRAINT%' THEN
        WHILE EXISTS (SELECT FROM proof.closed) LOOP
            PERFORM pg_sleep(0.05);
        END LOOP;
    END IF;
END $$;
CREATE EVENT TRIGGER wait ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION proof.wait()";

/// Validations that are running now.
const RUNNING: &str = "\
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
AND query LIKE '%VALIDATE CONSTRAINT%' AND pid <> pg_backend_pid()";

/// With one at a time there would never be two. Tables of a few rows are held to their keys when those are
/// added.
#[test]
fn two_foreign_keys_are_validated_at_once() {
    let scenario = Scenario::on_stand_in(
        "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY);\n\
         CREATE TABLE dbo.B (Id int NOT NULL PRIMARY KEY);\n\
         CREATE TABLE dbo.C (Id int NOT NULL PRIMARY KEY CONSTRAINT FK_C REFERENCES dbo.A (Id));\n\
         CREATE TABLE dbo.D (Id int NOT NULL PRIMARY KEY CONSTRAINT FK_D REFERENCES dbo.B (Id));\n\
         INSERT INTO dbo.A SELECT value FROM GENERATE_SERIES(1, 10001);\n\
         INSERT INTO dbo.B SELECT value FROM GENERATE_SERIES(1, 10001);\n\
         INSERT INTO dbo.C VALUES (1);\nINSERT INTO dbo.D VALUES (1);",
    );
    scenario.sql(GATE);
    let job = scenario.job("");
    let run = job.spawn(&[]);
    let started = Instant::now();
    let mut most = 0;
    // Passes as soon as both are seen; a slow machine only takes longer.
    while most < 2 && started.elapsed() < Duration::from_secs(120) {
        most = most.max(scenario.value(RUNNING).parse::<u32>().expect("a number"));
        std::thread::sleep(Duration::from_millis(50));
    }
    scenario.sql("DELETE FROM proof.closed");
    let output = run.wait_with_output().expect("the tool ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(most, 2, "{said}");
    let validated = "SELECT string_agg(conname, ',' ORDER BY conname) FROM pg_constraint WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace";
    assert_eq!(scenario.value(validated), "fk_c,fk_d");
}
