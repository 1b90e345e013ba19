//! The command line as it is typed.

use std::ffi::OsString;

use super::*;
use crate::cli::metrics::options::MetricsOptions;
use crate::cli::wrong_line::{of_another_command, output_of, wrong};

fn meant(line: &str) -> Result<Request> {
    let words = std::iter::once("migrate").chain(line.split_whitespace());
    match Typed::try_parse_from(words) {
        Ok(typed) => typed.meant(),
        Err(answer) => Err(of_another_command(&answer).unwrap_or_else(|| wrong(&answer))),
    }
}

/// The help of a command lists its own options only.
#[test]
fn a_command_offers_its_own_options() {
    let mut line = <Typed as clap::CommandFactory>::command();
    line.build();
    for command in line.get_subcommands() {
        let takes = |option: &str| {
            let mut arguments = command.get_arguments();
            arguments.any(|argument| argument.get_long() == Some(option))
        };
        let name = command.get_name();
        assert_eq!(takes("restart"), name == "run", "{name}");
        assert_eq!(takes("join"), name == "run", "{name}");
        let by_table = ["run", "plan", "schema", "verify", "rejects", "tune"];
        if name != "help" {
            assert_eq!(takes("table"), by_table.contains(&name), "{name}");
            assert!(takes("config"), "{name}");
        }
    }
}

#[test]
fn a_check_samples_if_it_is_asked_to() {
    let asked = |line| meant(line).unwrap().action;
    let options = |sample| Action::Check(CheckOptions { sample });
    assert_eq!(asked("check -c job.yaml"), options(false));
    assert_eq!(asked("check -c job.yaml --sample"), options(true));
    assert!(meant("schema -c job.yaml --sample").is_err());
}

#[test]
fn status_is_watched_every_two_seconds_or_as_often_as_is_said() {
    let every = |line| match meant(line).unwrap().action {
        Action::Status(every) => every.map(|every| every.as_secs()),
        other => panic!("{other:?}"),
    };
    assert_eq!(every("status -c job.yaml"), None);
    assert_eq!(every("status -c job.yaml --watch"), Some(2));
    assert_eq!(every("status --watch=30 -c job.yaml"), Some(30));
    assert!(meant("status -c job.yaml --watch=0").is_err());
}

/// A page is of one command each, and no other takes the option for a moment and drops it.
#[test]
fn a_page_is_written_by_the_commands_that_have_one() {
    let plan = meant("plan -c job.yaml --output html").unwrap();
    assert_eq!(plan.output, Output::Html);
    assert_eq!(
        plan.action,
        Action::Plan(RunOptions::default(), CheckOptions::default())
    );
    for line in [
        "check -c job.yaml --output html",
        "run -c job.yaml --output html",
        "status --output=html -c job.yaml",
        "plan -c job.yaml --output html --table dbo.A",
        "check -c job.yaml --html page.html",
    ] {
        assert_eq!(meant(line).unwrap_err().kind(), Kind::Usage, "{line}");
    }
    match meant("tune -c job.yaml --html page.html").unwrap().action {
        Action::Tune(_, _, page) => assert_eq!(page, Some("page.html".into())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    <Typed as clap::CommandFactory>::command().debug_assert();
}

#[test]
fn no_command_means_run_and_options_may_stand_on_either_side() {
    let plain = meant("--config job.yaml").unwrap();
    let run = Action::Run(RunOptions::default(), MetricsOptions::default());
    assert_eq!(plain.action, run);
    assert_eq!(plain, meant("run --config job.yaml").unwrap());
    assert_eq!(plain, meant("--config job.yaml run").unwrap());
    let limited = meant("-c job.yaml --restart --table dbo.A --table dbo.B").unwrap();
    let line = "--table dbo.A run -c job.yaml --table dbo.B --restart";
    assert_eq!(limited, meant(line).unwrap());
    assert_eq!(
        limited.action,
        Action::Run(
            RunOptions {
                restart: true,
                only_tables: vec!["dbo.A".into(), "dbo.B".into()],
                join: None,
            },
            MetricsOptions::default()
        )
    );
}

#[test]
fn a_run_is_shared_under_a_name_or_without_one() {
    let joined = |line: &str| match meant(line).unwrap().action {
        Action::Run(options, _) => options.join,
        other => panic!("{other:?}"),
    };
    let named = |name: Option<&str>| {
        Some(Join {
            run_name: name.map(str::to_owned),
        })
    };
    assert_eq!(joined("-c a.yaml"), None);
    for line in [
        "run --join -c a.yaml",
        "--join run -c a.yaml",
        "--join -c a.yaml",
    ] {
        assert_eq!(joined(line), named(None), "{line}");
    }
    assert_eq!(joined("run --join=42 -c a.yaml"), named(Some("42")));
    let both = meant("run --join --restart -c a.yaml").unwrap_err();
    assert!(
        both.message().contains("--restart does not go with --join"),
        "{both}"
    );
    for line in ["plan --join -c a.yaml", "--join=7 verify -c a.yaml"] {
        let error = meant(line).unwrap_err();
        assert_eq!(error.message(), JOIN_BELONGS, "{line}");
    }
}

#[test]
fn metrics_may_be_asked_for_on_either_side() {
    let asked = |line: &str| match meant(line).unwrap().action {
        Action::Run(_, metrics) => metrics,
        other => panic!("{other:?}"),
    };
    let expected = MetricsOptions {
        listen: Some("127.0.0.1:9187".parse().unwrap()),
        file: Some("a.prom".into()),
        per_table: true,
    };
    let options = "--metrics-listen 9187 --metrics-file a.prom --metrics-per-table";
    assert_eq!(asked(&format!("-c a {options}")), expected);
    assert_eq!(asked(&format!("run -c a {options}")), expected);
}

#[test]
fn rejects_are_limited_and_without_values_unless_asked_for() {
    let wanted = |line: &str| match meant(line).unwrap().action {
        Action::Rejects(wanted) => wanted,
        other => panic!("{other:?}"),
    };
    let plain = RejectQuery {
        limit: Some(100),
        ..RejectQuery::default()
    };
    assert_eq!(wanted("rejects -c a.yaml"), plain);
    assert_eq!(
        wanted("rejects -c a.yaml --table dbo.A --limit 5 --show-values"),
        RejectQuery {
            tables: vec!["dbo.A".into()],
            limit: Some(5),
            values: true,
        }
    );
}

#[test]
fn what_does_not_fit_is_said() {
    for (line, message) in [
        ("", "--config"),
        ("check", "--config"),
        ("check -c a.yaml --restart", "--restart belongs to run"),
        ("status -c a.yaml --table dbo.A", "--table belongs"),
        ("run -c a.yaml --table Posts", "schema.table"),
        ("verify -c a.yaml --show-values", "--show-values belongs"),
        ("verify -c a.yaml --views --table dbo.A", "with --table"),
        ("init --restart", "--restart belongs to run"),
        ("--restart init", "--restart belongs to run"),
        ("check -c a.yaml --metrics-listen 1", "belong to run"),
        ("--metrics-file a status -c a.yaml", "belong to run"),
        (
            "run -c a.yaml --metrics-per-table",
            "needs --metrics-listen",
        ),
        (
            "run -c a.yaml --metrics-listen db:1",
            "an address and a port",
        ),
        ("rejects -c a.yaml --restart", "--restart belongs to run"),
        ("tune -c a.yaml --restart", "--restart belongs to run"),
        (
            "tune -c a.yaml --table dbo.A --table dbo.B",
            "cannot be used multiple times",
        ),
        ("--table dbo.A tune -c a.yaml --table dbo.B", "one --table"),
        ("--restart plan -c a.yaml", "--restart belongs to run"),
        ("--table dbo.A check -c a.yaml", "--table belongs"),
    ] {
        let error = meant(line).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{line}");
        assert!(error.to_string().contains(message), "{line}: {error}");
    }
}

#[test]
fn a_comparison_may_be_as_close_as_wished() {
    let asked = |line: &str| match meant(line).unwrap().action {
        Action::Verify(_, asked) => asked,
        other => panic!("{other:?}"),
    };
    assert_eq!(asked("verify -c a"), VerifyOptions::default());
    let rows = asked("verify -c a --level rows --show-values");
    assert_eq!(rows.level, Some(pipeline::ComparisonLevel::Rows));
    assert!(rows.show_values && !rows.views);
    let views = asked("verify -c a --views --show-values");
    assert!(views.views && views.show_values);
    assert!(Typed::try_parse_from(["migrate", "run", "--level", "rows"]).is_err());
}

#[test]
fn a_sample_takes_three_seconds_unless_asked_otherwise() {
    let asked = |line: &str| match meant(line).unwrap().action {
        Action::Tune(options, tuning, _) => (options.only_tables, tuning.sample.as_secs()),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked("tune -c a"), (Vec::new(), 3));
    let one = vec!["dbo.A".to_owned()];
    assert_eq!(asked("tune -c a --seconds 10 --table dbo.A"), (one, 10));
    assert!(Typed::try_parse_from(["migrate", "tune", "--seconds", "0"]).is_err());
}

#[test]
fn json_is_heard_in_a_line_that_makes_no_sense() {
    for (line, output) in [
        ("--nonsense --output json", Output::Json),
        ("check --output=json --restart", Output::Json),
        ("--output", Output::Text),
        ("--output text --config json", Output::Text),
        ("-c --output=json --output text", Output::Text),
        ("-- --output json", Output::Text),
    ] {
        let words = line.split_whitespace().map(OsString::from);
        assert_eq!(output_of(words), output, "{line}");
    }
}

#[test]
fn log_levels() {
    for (line, level) in [
        ("-c a", LogLevel::Info),
        ("-c a -q", LogLevel::Warn),
        ("-c a -v", LogLevel::Debug),
        ("-c a -vv", LogLevel::Trace),
        ("-c a --log-level error", LogLevel::Error),
    ] {
        assert_eq!(meant(line).unwrap().log_level, level, "{line}");
    }
    assert!(Typed::try_parse_from(["migrate", "-q", "-v"]).is_err());
}
