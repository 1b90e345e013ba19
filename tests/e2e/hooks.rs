//! Hooks around a run, and its lineage events.

use std::fs;

use serde_json::Value;

use crate::documented::documented;
use crate::support::job::scalar;
use crate::support::scenario::Scenario;

const SCRIPT: &str =
    "CREATE TABLE dbo.A (Id int NOT NULL PRIMARY KEY);\nINSERT INTO dbo.A VALUES (1), (2), (3);";

#[test]
fn hooks_are_called_in_their_order_and_told_of_their_run() {
    let scenario = Scenario::loaded(SCRIPT);
    let folder = scenario.job("");
    let (log, sql) = (
        folder.folder().join("log"),
        folder.folder().join("grants.sql"),
    );
    fs::write(
        &sql,
        "CREATE TABLE public.seen AS SELECT count(*) AS rows FROM public.a;",
    )
    .expect("a script");
    let say = |what: &str| scalar(&format!("echo \"{what}\" | tee -a {}", log.display()));
    let job = scenario.job(&format!(
        "hooks:\n  before_load: {}\n  after_tables: {}\n  after_run: {}",
        say("$MIGRATE_HOOK $MIGRATE_JOB $MIGRATE_RUN"),
        scalar(&sql.to_string_lossy()),
        say("$MIGRATE_HOOK $MIGRATE_OUTCOME"),
    ));
    // The result alone is on standard output, whatever a hook prints.
    let report = job.report(&["run"], 0);
    let said = fs::read_to_string(&log).expect("what the hooks said");
    let (name, run) = (
        report["job"].as_str().expect("a job"),
        report["run_id"].as_str().expect("a run"),
    );
    assert_eq!(said, format!("before_load {name} {run}\nafter_run done\n"));
    assert_eq!(
        scenario.value("SELECT rows FROM public.seen"),
        "3",
        "the rows were there"
    );
}

#[test]
fn a_hook_that_fails_fails_the_run() {
    let scenario = Scenario::loaded(SCRIPT);
    let answer = scenario.job("hooks: { before_load: exit 7 }").run(&["run"]);
    documented("hook", &answer);
    answer.says(&["hooks.before_load", "exit status: 7"]);
    assert_eq!(
        scenario.value("SELECT to_regclass('public.a')"),
        "",
        "nothing was made"
    );

    let slow = scenario.job("hooks: { before_load: sleep 60 & sleep 60, timeout: 1s }");
    let began = std::time::Instant::now();
    slow.run(&["run"])
        .says(&["longer than hooks.timeout (1 s)"]);
    assert!(began.elapsed().as_secs() < 30, "it was ended");

    let missing = scenario
        .job("hooks: { after_run: no/such/file.sql }")
        .run(&["run"]);
    missing.says(&["hooks.after_run", "cannot read no/such/file.sql"]);
    assert_eq!(
        scenario.value("SELECT to_regclass('public.a')"),
        "",
        "it is noticed before the load"
    );

    let after = scenario.job("hooks: { after_tables: \"false\" }");
    let report = after.report(&["run"], 1);
    assert_eq!(report["outcome"], "failed");
    assert_eq!(report["ended_by"]["kind"], "Hook", "{report:#}");
    assert_eq!(report["totals"]["rows"], 3, "the rows are there");
}

#[test]
fn lineage_events_name_what_was_read_and_written() {
    let scenario = Scenario::loaded(SCRIPT);
    let folder = scenario.job("");
    let file = folder.folder().join("events.jsonl");
    let job = scenario.job(&format!(
        "lineage: {{ file: {} }}",
        scalar(&file.to_string_lossy())
    ));
    job.ends(&["run"], 0);
    let text = fs::read_to_string(&file).expect("events");
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let kinds: Vec<_> = events
        .iter()
        .map(|event| event["eventType"].as_str())
        .collect();
    assert_eq!(kinds, [Some("START"), Some("COMPLETE")]);
    assert_eq!(events[0]["run"]["runId"], events[1]["run"]["runId"]);
    let (input, output) = (&events[1]["inputs"][0], &events[1]["outputs"][0]);
    let name = |dataset: &Value| dataset["name"].as_str().expect("a name").to_owned();
    let space = |dataset: &Value| {
        dataset["namespace"]
            .as_str()
            .expect("a namespace")
            .to_owned()
    };
    assert!(
        name(input).ends_with(".dbo.A") && space(input).starts_with("mssql://"),
        "{input}"
    );
    assert!(
        name(output).ends_with(".public.a") && space(output).starts_with("postgres://"),
        "{output}"
    );
    assert_eq!(output["outputFacets"]["outputStatistics"]["rowCount"], 3);
}
