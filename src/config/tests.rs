//! The job file as a user meets it: defaults, overrides, and every error with its place.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::config::job::{
    Consistency, Encrypt, Mode, NameStyle, SslMode, ValuePolicy, VerifyLevel,
};
use crate::config::setting::{Origin, Setting};
use crate::error::{Error, Kind};

const MINIMAL: &str = "\
source: {host: sql01, database: Shop, user: reader, password: '${SECRET}'}
target: {host: pg01, database: shop, user: migrator, password: pw}
";

fn env(name: &str) -> Option<OsString> {
    (name == "SECRET").then(|| "hunter2: \"x\"".into())
}

fn job(text: &str) -> Job {
    match parse(text, "stem", &env) {
        Ok(job) => job,
        Err(problems) => panic!("{problems:#?}"),
    }
}

/// The problems of `text` as printed, in the file's order.
fn problems(text: &str) -> Vec<String> {
    let list = parse(text, "stem", &env).expect_err("a problem");
    let problems = Problems::new(Path::new("job.yaml"), list);
    problems.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn a_minimal_job_has_every_default() {
    let job = job(MINIMAL);
    assert_eq!(job.name, "stem");
    assert_eq!(job.source.port, None);
    assert_eq!(job.source.encrypt, Encrypt::Required);
    assert_eq!(job.source.password.expose(), "hunter2: \"x\"");
    assert_eq!(job.source.pool.max_connections, 12);
    assert_eq!(job.source.pool.min_connections, 3);
    assert_eq!(job.source.pool.acquire_timeout, Duration::from_secs(120));
    assert!(job.source.pool.test_on_checkout);
    assert_eq!(job.target.port, 5432);
    assert_eq!(job.target.sslmode, SslMode::VerifyFull);
    assert_eq!(job.target.pool.max_connections, 8);
    assert_eq!(job.target.pool.acquire_timeout, Duration::from_secs(30));
    assert_eq!(job.target.schemas["dbo"], "public");
    assert!(job.tables.include.is_empty() && job.tables.overrides.is_empty());
    assert_eq!(job.transfer.mode, Mode::Create);
    assert_eq!(job.transfer.consistency, Consistency::Strict);
    assert_eq!(job.transfer.commit_every, 64 << 20);
    assert_eq!(job.transfer.retry.attempts, 10);
    assert_eq!(job.schema.names, NameStyle::Lowercase);
    assert_eq!(job.verify, VerifyLevel::Counts);
    assert_eq!(job.report.json, None);
}

#[test]
fn what_is_written_is_taken() {
    let job = job(&format!(
        "job: night\n{MINIMAL}\
tables:
  include: ['dbo.*', 'crm.*']
  overrides:
    dbo.Posts: {{where: 'Id > 0', columns: {{exclude: [Tags]}}, rename: posts, partitions: 8, types: {{Body: text}}}}
transfer: {{mode: append, commit_every: 1MiB, retry: {{initial_backoff: 250ms}}}}
report: {{json: out/report.json}}
lineage: {{file: events.jsonl}}
hooks: {{after_tables: grants.sql, after_run: 'notify \"$MIGRATE_JOB\"', timeout: 10s}}
"
    ));
    assert_eq!(job.name, "night");
    assert_eq!(job.lineage.file.as_deref(), Some("events.jsonl".as_ref()));
    assert_eq!(job.hooks.after_tables.as_deref(), Some("grants.sql"));
    assert_eq!(
        job.hooks.after_run.as_deref(),
        Some("notify \"$MIGRATE_JOB\"")
    );
    assert_eq!(
        (job.hooks.before_load, job.hooks.timeout.as_secs()),
        (None, 10)
    );
    assert_eq!(job.tables.include, ["dbo.*", "crm.*"]);
    let posts = &job.tables.overrides["dbo.Posts"];
    assert_eq!(posts.filter.as_deref(), Some("Id > 0"));
    assert_eq!(posts.exclude_columns, ["Tags"]);
    assert_eq!(posts.rename.as_deref(), Some("posts"));
    assert_eq!(posts.partitions, Some(8));
    assert_eq!(posts.types["Body"], "text");
    assert_eq!(job.transfer.mode, Mode::Append);
    assert_eq!(job.transfer.commit_every, 1 << 20);
    assert_eq!(
        job.transfer.retry.initial_backoff,
        Duration::from_millis(250)
    );
    assert_eq!(
        job.report.json.as_deref(),
        Some(Path::new("out/report.json"))
    );
}

#[test]
fn values_are_said_for_the_job_and_for_a_column() {
    let job = job(&format!(
        "{MINIMAL}\
values: {{nul_characters: reject, undecodable: replace}}
tables:
  overrides:
    dbo.Posts: {{values: {{Body: {{nul_characters: strip}}, Tags: {{}}}}}}
"
    ));
    let values = job.values;
    assert_eq!(values.nul_characters, ValuePolicy::Reject);
    assert_eq!(values.unpaired_surrogates, ValuePolicy::Error);
    assert_eq!(values.undecodable, ValuePolicy::Replace);
    assert_eq!(values.out_of_range, ValuePolicy::Error);
    let columns = &job.tables.overrides["dbo.Posts"].values;
    let body = columns["Body"].over(values);
    assert_eq!(body.nul_characters, ValuePolicy::Strip);
    assert_eq!(body.undecodable, ValuePolicy::Replace);
    assert_eq!(columns["Tags"].over(values), values);
    let unknown = "tables: {overrides: {dbo.A: {values: {B: {nul_character: strip}}}}}";
    let problems = problems(&format!("{MINIMAL}{unknown}\n"));
    assert!(
        problems[0].contains("tables.overrides.dbo.A.values.B.nul_character"),
        "{problems:?}"
    );
}

#[test]
fn other_schemas_do_not_move_dbo() {
    let text = MINIMAL.replace("user: migrator", "schemas: {Sales: crm}, user: migrator");
    let schemas = job(&text).target.schemas;
    assert_eq!(schemas["Sales"], "crm");
    assert_eq!(schemas["dbo"], "public");
}

#[test]
fn all_problems_are_reported_at_once_with_their_places() {
    let text = "\
source:
  host: sql01
  prot: 1433
  database: Shop
  user: reader
  password: [a]
  pool: {max_connections: many, acquire_timeout: 2 weeks}
target:
  host: pg01
  port: 70000
  user: migrator
  password: ${NOT_SET}
  sslmode: always
tables:
  include: dbo.Posts
  exclude: [Posts]
transfer: {commit_every: 64MB, unlogged_load: yes}
transfers: {}
";
    assert_eq!(
        problems(text),
        [
            "job.yaml:3:3: source.prot: unknown key; did you mean `port`?",
            "job.yaml:6:13: source.password: expected a single value, found a list",
            "job.yaml:7:27: source.pool.max_connections: expected a whole number from 1 to 1000, \
             found `many`",
            "job.yaml:7:50: source.pool.acquire_timeout: unknown unit; expected `500ms`, `120s`, \
             `2m`, `1h` or plain seconds, found `2 weeks`",
            "job.yaml:9:3: target.database: is missing",
            "job.yaml:10:9: target.port: expected a whole number from 1 to 65535, found `70000`",
            "job.yaml:12:13: target.password: environment variable `NOT_SET` is not set",
            "job.yaml:13:12: target.sslmode: expected one of disable, prefer, require, verify-ca, \
             verify-full, found `always`",
            "job.yaml:15:12: tables.include: expected a list, found a single value",
            "job.yaml:16:13: tables.exclude: a pattern is `schema.table`, as `dbo.*` or `*.Posts`",
            "job.yaml:17:26: transfer.commit_every: unknown unit; expected `64MiB`, `512KiB`, \
             `1GiB` or plain bytes, found `64MB`",
            "job.yaml:17:47: transfer.unlogged_load: expected true or false, found `yes`",
            "job.yaml:18:1: transfers: unknown key; did you mean `transfer`?",
        ]
    );
}

#[test]
fn a_missing_section_is_said_by_its_keys() {
    let problems = problems("job: x\n");
    // PostgreSQL may ask for no password.
    assert_eq!(problems.len(), 7, "{problems:#?}");
    let host = problems
        .iter()
        .any(|problem| problem.contains("source.host: is missing"));
    assert!(host, "{problems:#?}");
}

#[test]
fn a_key_given_twice_is_an_error() {
    let text = format!("{MINIMAL}verify: none\nverify: counts\n");
    assert_eq!(
        problems(&text),
        ["job.yaml:4:1: verify: given twice, first in line 3"]
    );
}

#[test]
fn what_is_not_built_yet_is_an_error_and_not_ignored() {
    let problems = problems(&format!(
        "{MINIMAL}transfer: {{consistency: database_snapshot}}\n"
    ));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("transfer.consistency"), "{problems:?}");
    assert!(problems[0].contains("not available yet"), "{problems:?}");
}

#[test]
fn settings_that_contradict_each_other_are_errors() {
    for (text, message) in [
        ("values: {out_of_range: strip}", "for text only"),
        (
            "tables: {overrides: {dbo.A: {values: {B: {out_of_range: replace}}}}}",
            "for text only",
        ),
        (
            "transfer: {retry: {max_backoff: 10ms}}",
            "less than initial_backoff",
        ),
        (
            "tables: {overrides: {dbo.A: {where: ' '}}}",
            "has no condition",
        ),
        ("tables: {overrides: {A: {}}}", "`schema.table`"),
    ] {
        let problems = problems(&format!("{MINIMAL}{text}\n"));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(message), "{problems:?}");
    }
    let text = MINIMAL.replace(
        "user: reader",
        "user: r, pool: {max_connections: 2, min_connections: 3}",
    );
    assert!(problems(&text)[0].contains("more than max_connections"));
}

#[test]
fn the_environment_wins_over_the_file() {
    let overridden = |name: &str| -> Option<OsString> {
        match name {
            "MAX_MSSQL_CONNECTIONS" => Some("2".into()),
            "MAX_MSSQL_ACQUIRE_TIMEOUT" => Some("7".into()),
            "MAX_PG_CONNECTIONS" => Some("5".into()),
            _ => env(name),
        }
    };
    let text = MINIMAL.replace(
        "user: reader",
        "user: r, pool: {max_connections: 9, min_connections: 6}",
    );
    let job = parse(&text, "stem", &overridden).expect("a job");
    assert_eq!(job.source.pool.max_connections, 2);
    assert_eq!(job.source.pool.min_connections, 2);
    assert_eq!(job.source.pool.acquire_timeout, Duration::from_secs(7));
    assert_eq!(job.target.pool.max_connections, 5);
    let origin = |key: &str| setting(&job.settings, key).origin;
    assert_eq!(
        origin("source.pool.max_connections"),
        Origin::Environment("MAX_MSSQL_CONNECTIONS")
    );
    assert_eq!(origin("source.pool.min_connections"), Origin::File);
    assert_eq!(origin("source.pool.test_on_checkout"), Origin::Default);
}

#[test]
fn an_override_that_is_no_number_is_an_error() {
    let overridden = |name: &str| -> Option<OsString> {
        match name {
            "MAX_PG_CONNECTIONS" => Some("lots".into()),
            _ => env(name),
        }
    };
    let problems = parse(MINIMAL, "stem", &overridden).expect_err("a problem");
    assert!(
        problems[0].message.contains("MAX_PG_CONNECTIONS"),
        "{problems:?}"
    );
}

fn setting<'s>(settings: &'s [Setting], key: &str) -> &'s Setting {
    settings
        .iter()
        .find(|setting| setting.key == key)
        .unwrap_or_else(|| panic!("no setting {key}"))
}

#[test]
fn no_secret_is_shown_anywhere() {
    let job = job(MINIMAL);
    assert_eq!(setting(&job.settings, "source.password").value, "***");
    assert!(!format!("{job:?}").contains("hunter2"));

    let wrong = MINIMAL.replace("host: sql01", "port: '${SECRET}', encrypt: '${SECRET}'");
    let text = problems(&wrong).join("\n");
    assert!(
        text.contains("source.port") && text.contains("source.encrypt"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn the_problems_of_a_file_become_one_error() {
    let list = parse("job: x\n", "x", &env).expect_err("problems");
    let shown: Vec<String> = list.iter().map(|problem| problem.key.clone()).collect();
    let error = Error::from(Problems::new(Path::new("job.yaml"), list));
    assert_eq!(error.kind(), Kind::JobFile, "{shown:?}");
    assert_eq!(error.to_string(), "the job file has 7 problems");
}

#[test]
fn a_file_that_cannot_be_read_or_is_too_long_says_so() {
    let missing = load(Path::new("/nonexistent/job.yaml"), &env).expect_err("no file");
    assert!(
        missing
            .to_string()
            .starts_with("/nonexistent/job.yaml: cannot be read"),
        "{missing}"
    );
    let path = std::env::temp_dir().join(format!("migrate-long-{}.yaml", std::process::id()));
    std::fs::write(&path, vec![b'#'; 1024 * 1024 + 1]).unwrap();
    let long = load(&path, &env).expect_err("too long");
    std::fs::remove_file(&path).unwrap();
    assert!(
        long.to_string().contains("longer than 1048576 bytes"),
        "{long}"
    );
}

/// Sample job files name variables that only their users have.
fn any(name: &str) -> Option<OsString> {
    let overrides = [
        "MAX_MSSQL_CONNECTIONS",
        "MAX_MSSQL_ACQUIRE_TIMEOUT",
        "MAX_PG_CONNECTIONS",
    ];
    // Of those that libpq knows, sample files name these.
    let named = ["PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"];
    let of_libpq = name.starts_with("PG") && !named.contains(&name);
    (!overrides.contains(&name) && !of_libpq).then(|| "1".into())
}

fn samples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations-config")
}

#[test]
fn every_sample_job_file_is_right() {
    let mut seen = 0;
    for entry in std::fs::read_dir(samples()).expect("migrations-config") {
        let path = entry.expect("an entry").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            // Secrets from files exist only on the user's machine.
            let text = std::fs::read_to_string(&path).expect("text");
            let editors = "# yaml-language-server: $schema=job.schema.json\n";
            assert!(
                text.starts_with(editors),
                "{} names no schema",
                path.display()
            );
            let text = text.replace("${file:", "${MISSING_FILE:-");
            if let Err(problems) = parse(&text, "sample", &any) {
                panic!("{}: {problems:#?}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen >= 5, "only {seen} sample job files");
}

#[test]
fn full_yaml_shows_every_key_with_its_default() {
    let text = std::fs::read_to_string(samples().join("full.yaml")).expect("full.yaml");
    let full = parse(&text, "full", &any).expect("a job");
    let tree = yaml::parse(&text).expect("yaml");
    let required = ["job", "source.host", "source.database", "source.user"];
    let required_too = ["target.host", "target.database", "target.user"];
    let defaults = job(MINIMAL);
    for default in &defaults.settings {
        assert!(
            written(&tree, &default.key),
            "{} is not in full.yaml",
            default.key
        );
        let key = default.key.as_str();
        if !required.contains(&key) && !required_too.contains(&key) {
            assert_eq!(setting(&full.settings, key).value, default.value, "{key}");
        }
    }
}

fn below<'n>(node: &'n yaml::Node, key: &str) -> Option<&'n yaml::Node> {
    match &node.value {
        yaml::Value::Mapping(entries) => entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node),
        _ => None,
    }
}

fn written(node: &yaml::Node, path: &str) -> bool {
    path.split('.').try_fold(node, below).is_some()
}

#[test]
fn a_host_may_name_its_port_and_instance() {
    let text = MINIMAL.replacen("host: sql01", "host: 'tcp:SQL01\\SHOP,50123'", 1);
    let job = job(&text);
    assert_eq!(job.source.host, "SQL01");
    assert_eq!(job.source.port, Some(50123));
    assert_eq!(job.source.instance.as_deref(), Some("SHOP"));
    let port = Setting {
        key: "source.port".into(),
        value: "50123".into(),
        origin: Origin::File,
    };
    assert!(job.settings.contains(&port));
    let twice = MINIMAL.replacen("host: sql01", "host: 'sql01,1444', port: 1433", 1);
    assert_eq!(problems(&twice).len(), 1);
    assert!(problems(&twice)[0].contains("source.port: is not the port that source.host names"));
    let pipe = MINIMAL.replacen("host: sql01", "host: 'np:sql01'", 1);
    assert!(problems(&pipe)[0].contains("source.host: only TCP is spoken"));
}

#[cfg(not(feature = "legacy-tls"))]
#[test]
fn legacy_tls_is_refused_where_it_is_not_built_in() {
    let text = MINIMAL.replacen("host: sql01", "host: sql01, tls: legacy", 1);
    assert!(problems(&text)[0].contains("--features legacy-tls"));
}

#[cfg(feature = "legacy-tls")]
#[test]
fn legacy_tls_is_for_old_servers_with_tls() {
    let with = |keys: &str| {
        MINIMAL.replacen(
            "host: sql01",
            &format!("host: sql01, tls: legacy, encrypt: {keys}"),
            1,
        )
    };
    assert_eq!(job(&with("login_only")).source.tls, job::Tls::Legacy);
    assert!(problems(&with("strict"))[0].contains("source.tls: `legacy` is for old servers"));
    assert!(problems(&with("off"))[0].contains("source.tls: `legacy` says nothing"));
}
