//! `tune` measures on real rows, recommends within the caps, and leaves both servers as they were.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::documented::documented;
use crate::load;
use crate::objects::tool;
use crate::stopping::send;
use crate::support::job::{Answer, Job};
use crate::support::postgres::Database;
use crate::support::scenario::Scenario;
use crate::support::source::SourceDatabase;

/// Short samples: what they say is not the matter of these tests.
const SHORT: [&str; 3] = ["tune", "--seconds", "1"];

/// Everything of the target: schemas, tables, comments and rows.
pub(crate) fn everything(target: &Database<'_>) -> String {
    let dump = tool("pg_dump", &target.target(), &[]);
    // A random word of each dump.
    let kept = dump
        .lines()
        .filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict"));
    kept.map(|line| format!("{line}\n")).collect()
}

fn capped(source: &SourceDatabase, target: &Database<'_>, cap: usize) -> Job {
    let pool = format!("{{ max_connections: {cap} }}");
    let (server, name) = (&source.server, &source.name);
    Job::with(server, name, &target.target(), &pool, load::TRANSFER)
}

fn numbers(samples: &Value, name: &str) -> Vec<f64> {
    let samples = samples.as_array().expect("samples");
    let number = |sample: &Value| sample[name].as_f64().expect("a number");
    samples.iter().map(number).collect()
}

#[test]
fn every_number_of_connections_is_measured_and_nothing_stays() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = capped(&scenario.source, &scenario.target, 3);
    let counters = scenario.stand_in().handle.counters();
    counters.reset_peak();
    let before = everything(&scenario.target);
    let report = job.report(&SHORT, 0);
    assert_eq!(everything(&scenario.target), before);
    let seen = counters.snapshot();
    assert!(seen.peak_connections <= 3, "{}", seen.peak_connections);
    assert_eq!(seen.connections, 0, "every connection is closed at the end");

    assert_eq!(report["command"], "tune");
    assert_eq!(report["outcome"], "done");
    assert_eq!(report["table"]["table"], "dbo.Wide", "the largest");
    let samples = &report["samples"];
    assert_eq!(numbers(samples, "connections"), [1.0, 2.0, 3.0]);
    for name in ["rows_per_second", "bytes_per_second", "commits", "batches"] {
        let all = numbers(samples, name);
        assert!(all.iter().all(|rate| *rate > 0.0), "{name}: {all:?}");
    }
    for sample in samples.as_array().expect("samples") {
        let shares = ["waiting_for_source", "waiting_for_target"].map(|name| sample[name].as_f64());
        let sum = shares.iter().flatten().sum::<f64>();
        assert!((sum - 1.0).abs() < 1e-9, "{sample}");
        assert!(sample["seconds"].as_f64().expect("seconds") >= 1.0);
    }
    let advice = &report["recommendation"];
    let connections = advice["connections"].as_u64().expect("a count");
    assert!((1..=3).contains(&connections), "{advice}");
    assert!(report["estimate"]["seconds"].as_f64().expect("an estimate") > 0.0);
    let laws = report["littles_law"].as_array().expect("both sides");
    assert_eq!(
        (&laws[0]["side"], &laws[1]["side"]),
        (&"source".into(), &"target".into())
    );
    for law in laws {
        let rate = law["batches_per_second"].as_f64().expect("a rate");
        let alone = law["alone_ms"].as_f64().expect("milliseconds");
        let needed = law["needed"].as_f64().expect("connections");
        assert!((needed - rate * alone / 1e3).abs() < 1e-6, "{law}");
        let at_work = law["at_work"].as_f64().expect("connections");
        assert!(
            at_work > 0.0 && at_work <= connections as f64 + 0.01,
            "{law}"
        );
    }
    paste(&job, advice, &scenario.target, connections);
}

/// What is recommended is taken by a job file as it stands.
fn paste(job: &Job, advice: &Value, target: &Database<'_>, connections: u64) {
    let yaml = advice["yaml"].as_str().expect("lines");
    let (source, rest) = yaml.split_once("target:\n").expect("a target");
    let (sink, transfer) = rest.split_once("transfer:\n").expect("transfer");
    let source = source.trim_start_matches("source:\n");
    let text = fs::read_to_string(&job.path).expect("the job");
    let text = text.replace("  pool: { max_connections: 3 }\n", source);
    let text = text.replace("  pool: { max_connections: 4 }\n", sink);
    let text = text.replace(load::TRANSFER, &format!("transfer:\n{transfer}"));
    let checked = Job::from_text(&text).report(&["check"], 0);
    let settings = checked["settings"].as_array().expect("settings");
    let setting = |key: &str| {
        let found = settings.iter().find(|setting| setting["key"] == key);
        found.unwrap_or_else(|| panic!("{key}: {checked}"))["value"].clone()
    };
    for key in [
        "source.pool.max_connections",
        "target.pool.max_connections",
        "transfer.max_partitions_per_table",
    ] {
        assert_eq!(setting(key), connections.to_string(), "{key}");
    }
    assert!(target.value("SELECT count(*) FROM pg_namespace WHERE nspname = '_migrate'") == "0");
}

#[test]
fn a_page_has_the_curves_and_is_tried_before_the_samples() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = capped(&scenario.source, &scenario.target, 2);
    let page = job.folder().join("new/tune.html");
    let path = page.to_str().expect("a path");
    job.ends(&[&SHORT[..], &["--html", path]].concat(), 0);
    let text = fs::read_to_string(&page).expect("the page");
    for part in [
        "MiB per second by connections",
        "class=\"ring\"",
        "Recommended settings",
        "default-src &#39;none&#39;",
    ] {
        let part = part.replace("&#39;", "'");
        assert!(text.contains(&part), "{part} is not in\n{text}");
    }
    let answer = job.run(&[&SHORT[..], &["--html", "/dev/null/tune.html"]].concat());
    assert_eq!(answer.code, Some(1), "{}", answer.stderr);
    assert!(answer.stderr.contains("/dev/null"), "{}", answer.stderr);
    assert!(!answer.stderr.contains("sampling"), "{}", answer.stderr);
}

#[test]
fn text_is_a_table_a_picture_and_lines_to_paste() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = capped(&scenario.source, &scenario.target, 2);
    let answer = job.run(&[&SHORT[..], &["--table", "dbo.Narrow"]].concat());
    let (said, log) = (&answer.stdout, &answer.stderr);
    assert_eq!(answer.code, Some(0), "{said}\n{log}");
    for words in [
        "dbo.Narrow (keyset), about 16,384 rows",
        "by connections of each side",
        "MiB/s against connections",
        "  <- recommended",
        "Little's law",
        "    max_connections: ",
        "  max_partitions_per_table: ",
        "-bound",
        "estimate for the whole job",
        "were begun again",
        "the batch size is transfer.commit_every",
        "again",
    ] {
        // Both sides may be even on a busy machine.
        let even = words == "-bound" && said.contains("both sides are even");
        assert!(said.contains(words) || even, "{words}: {said}");
    }
    for line in said.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let bars = said.lines().filter(|line| line.contains(" |#")).count();
    assert!(bars >= 2, "{said}");
    assert!(log.contains("a sample was taken"), "{log}");
}

/// Every statement pauses, so connections wait for the source and not for the target.
#[test]
fn a_source_that_pauses_is_what_the_job_is_bound_by() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = capped(&scenario.source, &scenario.target, 1);
    let stall = "stall:rows=1000,for=600ms,times=forever,match=SELECT [Id], [V], [Body]";
    scenario.fault(stall);
    let report = job.report(&SHORT, 0);
    assert!(scenario.faults().fired() > 0);
    let advice = &report["recommendation"];
    assert_eq!(advice["bound"], "source", "{advice}");
    assert_eq!(advice["saturates"], "source", "{advice}");
    let waited = numbers(&report["samples"], "waiting_for_source");
    assert!(waited[0] > 0.6, "{waited:?}");
    let because = advice["because"].to_string();
    assert!(because.contains("source-bound"), "{because}");
}

#[test]
fn a_table_without_a_key_is_sampled_by_one_connection() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = capped(&scenario.source, &scenario.target, 2);
    let report = job.report(&[&SHORT[..], &["--table", "dbo.heap"]].concat(), 0);
    assert_eq!(report["table"]["table"], "dbo.Heap");
    assert_eq!(numbers(&report["samples"], "connections"), [1.0]);
    assert_eq!(report["commit_samples"].as_array().map(Vec::len), Some(0));
    let notes = report["notes"].to_string();
    assert!(notes.contains("read by one statement"), "{notes}");
    assert!(notes.contains("commit as a whole"), "{notes}");
}

#[test]
fn a_table_without_rows_tells_nothing() {
    let scenario = Scenario::on_stand_in("CREATE TABLE dbo.Empty (Id int NOT NULL PRIMARY KEY);");
    let before = everything(&scenario.target);
    documented(
        "tune-empty",
        &capped(&scenario.source, &scenario.target, 2).run(&SHORT),
    );
    assert_eq!(everything(&scenario.target), before);
}

#[test]
fn what_was_stopped_or_killed_leaves_the_target_as_it_was() {
    for loaded in [false, true] {
        let scenario = Scenario::on_stand_in(&load::script());
        let job = capped(&scenario.source, &scenario.target, 2);
        if loaded {
            job.report(&[], 0);
        }
        let before = everything(&scenario.target);
        for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
            let child = job.spawn(&["tune", "--seconds", "20"]);
            wait_for_copy(&scenario.target);
            let asked = Instant::now();
            send(&child, signal);
            let answer = answer(child);
            assert_eq!(answer.code, Some(code), "{}", answer.stderr);
            answer.says(&["no table of the job was changed"]);
            assert!(asked.elapsed() < Duration::from_secs(10));
            assert_eq!(
                everything(&scenario.target),
                before,
                "{signal}, loaded: {loaded}"
            );
        }
        let mut child = job.spawn(&["tune", "--seconds", "20"]);
        wait_for_copy(&scenario.target);
        child.kill().expect("kill -9");
        child.wait().expect("the killed process is gone");
        assert_ne!(
            everything(&scenario.target),
            before,
            "a killed process cannot clean up"
        );
        job.report(&SHORT, 0);
        assert_eq!(
            everything(&scenario.target),
            before,
            "the next one did, loaded: {loaded}"
        );
        // And what it leaves is in nobody's way.
        job.report(&[], 0);
        load::check(&scenario.target);
    }
}

#[test]
fn a_run_drops_what_a_killed_sample_left() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = capped(&scenario.source, &scenario.target, 2);
    let mut child = job.spawn(&["tune", "--seconds", "20"]);
    wait_for_copy(&scenario.target);
    child.kill().expect("kill -9");
    child.wait().expect("the killed process is gone");
    assert_eq!(scenario.value(LEFT), "1");
    job.report(&[], 0);
    load::check(&scenario.target);
    assert_eq!(scenario.value(LEFT), "0");
    // The name alone makes no table ours.
    job.report(&SHORT, 0);
    let mut child = job.spawn(&["tune", "--seconds", "20"]);
    wait_for_copy(&scenario.target);
    child.kill().expect("kill -9");
    child.wait().expect("the killed process is gone");
    let name = scenario.value("SELECT relname FROM pg_class WHERE relname LIKE 'tune\\_%'");
    scenario.sql(&format!("COMMENT ON TABLE _migrate.{name} IS 'mine'"));
    job.report(&[], 0);
    assert_eq!(scenario.value(LEFT), "1");
    scenario.sql(&format!("DROP TABLE _migrate.{name}"));
    assert_eq!(
        scenario.value("SELECT count(*) FROM _migrate.runs"),
        "2",
        "the state of the runs is there"
    );
}

/// What was measured is told, with what is left and how to be rid of it.
#[test]
fn a_scratch_table_that_cannot_be_dropped_costs_no_result() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = capped(&scenario.source, &scenario.target, 1);
    let child = job.spawn(&["tune", "--seconds", "3", "--output", "json"]);
    wait_for_copy(&scenario.target);
    let name = scenario.value("SELECT relname FROM pg_class WHERE relname LIKE 'tune\\_%'");
    let view = format!("CREATE VIEW public.mine AS SELECT 1 AS one FROM _migrate.{name}");
    scenario.sql(&view);
    let answer = answer(child);
    assert_eq!(answer.code, Some(0), "{}", answer.stderr);
    let report: Value = serde_json::from_str(&answer.stdout).expect("a report");
    assert!(numbers(&report["samples"], "rows_per_second")[0] > 0.0);
    let notes = report["notes"].to_string();
    let by_hand = format!("DROP TABLE \\\"_migrate\\\".\\\"{name}\\\"");
    for words in ["was not dropped", by_hand.as_str()] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
    // Nor does it cost a run, which says so and goes on.
    let run = job.ends(&[], 0);
    run.says(&["was not dropped"]);
    load::check(&scenario.target);
    scenario.sql("DROP VIEW public.mine");
    job.report(&SHORT, 0);
    assert_eq!(scenario.value(LEFT), "0");
}

const LEFT: &str = "SELECT count(*) FROM pg_class WHERE relname LIKE 'tune\\_%'";

#[test]
fn one_process_at_a_time_and_no_table_of_others() {
    let scenario = Scenario::on_stand_in(&load::script());
    let job = capped(&scenario.source, &scenario.target, 2);
    let mut first = job.spawn(&["tune", "--seconds", "20"]);
    wait_for_copy(&scenario.target);
    let second = job.run(&SHORT);
    assert_eq!(second.code, Some(1), "{}", second.stderr);
    second.says(&["is run by another process"]);
    job.ends(&[], 1);
    first.kill().expect("kill -9");
    first.wait().expect("the killed process is gone");

    // The name alone makes no table ours.
    let name = scenario.value("SELECT relname FROM pg_class WHERE relname LIKE 'tune\\_%'");
    scenario.sql(&format!("COMMENT ON TABLE _migrate.{name} IS 'mine'"));
    let before = everything(&scenario.target);
    documented("tune-foreign", &job.run(&SHORT));
    assert_eq!(everything(&scenario.target), before);
}

/// Rows are on their way into the scratch table.
fn wait_for_copy(target: &Database<'_>) {
    let copying = "SELECT count(*) > 0 FROM pg_stat_activity \
        WHERE datname = current_database() AND query LIKE 'COPY \"_migrate\".\"tune%'";
    let began = Instant::now();
    while target.value(copying) != "t" {
        assert!(began.elapsed() < Duration::from_secs(60), "no sample began");
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn answer(child: Child) -> Answer {
    let output = child.wait_with_output().expect("the tool ends");
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
