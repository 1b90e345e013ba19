//! Targets as they are in the field: standbys, poolers, roles with settings of their own.

use std::sync::Arc;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use migrate::config::job::{Secret, Target};
use standin::fault::FaultSpec;

use crate::documented::documented;
use crate::support::cluster::Options;
use crate::support::job::{Answer, Job};
use crate::support::pooler::Pooler;
use crate::support::postgres::{Database, Postgres};
use crate::support::programs::tool;
use crate::support::source::{Source, SourceDatabase};

const SETTINGS: &str = include_str!("../fixtures/field/O09_target_settings.sql");
const OBJECTS: &str = include_str!("../fixtures/objects.sql");

const PASSWORD: &str = "r0le s3cret";

/// A login of a test's own, gone with it.
struct Role<'a> {
    server: &'a Postgres,
    name: String,
    target: Target,
}

impl<'a> Role<'a> {
    /// May do in the database what docs/operations.md asks for, and nothing more.
    fn new(server: &'a Postgres, database: &Database<'_>, attributes: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("field_role_{}_{number}", std::process::id());
        server.sql(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' {attributes}"
        ));
        database.sql(&format!(
            "GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {name}; \
             GRANT USAGE, CREATE ON SCHEMA public TO {name}",
            database.name
        ));
        let target = Target {
            user: name.clone(),
            password: Secret::new(PASSWORD),
            password_command: None,
            ..database.target()
        };
        Self {
            server,
            name,
            target,
        }
    }

    /// Whether PostgreSQL takes the setting for a role.
    fn set(&self, setting: &str, value: &str) -> bool {
        let value = value.replace('\'', "''");
        let sql = format!("ALTER ROLE {} SET {setting} TO '{value}'", self.name);
        // A list is a list of quoted words.
        let list = format!("ALTER ROLE {} SET {setting} TO {value}", self.name);
        let is_list = matches!(setting, "search_path" | "DateStyle" | "temp_tablespaces");
        self.server.try_sql(if is_list { &list } else { &sql })
    }
}

/// All that a role's settings could change: schema and rows.
fn content(database: &Database<'_>) -> Vec<String> {
    let dump = tool(
        "pg_dump",
        &database.target(),
        &["--no-owner", "--no-privileges", "--exclude-schema=_migrate"],
    );
    let kept = dump.lines().filter(|line| {
        !line.starts_with("--")
            && !line.starts_with("SET ")
            && !line.starts_with('\\')
            && !line.starts_with("SELECT pg_catalog.set_config")
            && !line.is_empty()
    });
    let mut lines: Vec<String> = kept.map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The moment and the number that the source's defaults made are the same in every copy.
const SAME: &str = "UPDATE dbo.Customers SET Created = '2024-05-06T07:08:09.123', \
                    Token = '6F9619FF-8B86-D011-B42D-00C04FC964FF'";

fn source() -> SourceDatabase {
    static SOURCE: std::sync::OnceLock<Arc<Source>> = std::sync::OnceLock::new();
    filled(SOURCE.get_or_init(Source::stand_in))
}

fn filled(source: &Arc<Source>) -> SourceDatabase {
    let database = source.database(OBJECTS);
    database.script(SETTINGS);
    database.script(SAME);
    database
}

const JOB: &str = "verify: checksums\nschema: { collations: icu, views: try }\n\
    tables: { overrides: { dbo.O09_Mixed: { types: { X: xml } } } }";

/// What a role without settings of its own gets.
fn expected() -> &'static [String] {
    static EXPECTED: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    EXPECTED.get_or_init(|| {
        let server = Postgres::shared();
        let target = server.database();
        let role = Role::new(server, &target, "");
        Job::new(&source(), &role.target, JOB).report(&[], 0);
        let content = content(&target);
        assert!(content.iter().any(|line| line.contains("<a/><b/>text")));
        content
    })
}

/// A value that differs from the default in force, for every setting whose kind tells one.
fn hostile(name: &str, kind: &str, boot: &str, words: &str, least: &str) -> Option<String> {
    let known = match name {
        "search_path" => "elsewhere, pg_catalog",
        "DateStyle" => "SQL, DMY",
        "TimeZone" => "Australia/Lord_Howe",
        "timezone_abbreviations" => "India",
        "client_encoding" => "LATIN1",
        "default_text_search_config" => "pg_catalog.german",
        "default_tablespace" | "temp_tablespaces" => "pg_default",
        // Another one is the operator's choice; this test has none.
        "default_table_access_method" => "heap",
        "lc_messages" | "lc_monetary" | "lc_numeric" | "lc_time" => "C.UTF-8",
        "application_name" => "somebody else",
        "restrict_nonsystem_relation_kind" => "view",
        // Enough for the first statement of a session, and for no index.
        "statement_timeout" | "transaction_timeout" => "100ms",
        "lock_timeout" | "deadlock_timeout" | "idle_in_transaction_session_timeout" => "1ms",
        // The first statement of a session, which lifts it, comes some milliseconds after the login.
        "idle_session_timeout" => "50ms",
        // Not while anything else runs on two cores.
        "client_connection_check_interval" => "1s",
        "tcp_user_timeout" => "10s",
        // The least; what it boots with is less than what initdb sets.
        "max_stack_depth" => "100kB",
        "post_auth_delay" | "debug_discard_caches" | "clobber_cache" => "0",
        // A plain limit, said by PostgreSQL's own message.
        "temp_file_limit" => "100MB",
        "plpgsql.extra_errors" | "plpgsql.extra_warnings" => "all",
        _ => "",
    };
    if !known.is_empty() {
        return Some(known.to_owned());
    }
    match kind {
        "bool" => Some(if boot == "on" { "off" } else { "on" }.to_owned()),
        "enum" => words
            .split(',')
            .rfind(|word| *word != boot)
            .map(str::to_owned),
        "integer" | "real" if least != boot => Some(least.to_owned()),
        "integer" | "real" => Some("1".to_owned()),
        _ => None,
    }
}

/// Names that PostgreSQL says cannot be set for a role, or that name files and libraries: a wrong
/// one of these lets nobody log in, whoever it is.
const NOT_SET: [&str; 14] = [
    "backtrace_functions",
    "createrole_self_grant",
    "dynamic_library_path",
    "extension_destdir",
    "in_hot_standby",
    "jit_provider",
    "local_preload_libraries",
    "oauth_validator_libraries",
    "session_preload_libraries",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
    "wal_consistency_checking",
    "extension_control_path",
];

/// Every setting that a role can have: name and hostile value.
fn settings(server: &Postgres) -> Vec<(String, String)> {
    let rows = server.sql(
        "SELECT name, vartype, boot_val, array_to_string(enumvals, ','), min_val \
         FROM pg_settings WHERE context IN ('user', 'superuser') ORDER BY name",
    );
    let mut found = Vec::new();
    for row in rows {
        let text = |index: usize| row[index].clone().unwrap_or_default();
        let name = text(0);
        match hostile(&name, &text(1), &text(2), &text(3), &text(4)) {
            Some(value) if !NOT_SET.contains(&name.as_str()) => found.push((name, value)),
            _ => assert!(
                NOT_SET.contains(&name.as_str()),
                "setting {name} needs a value in this test"
            ),
        }
    }
    found
}

/// Loads in two runs, the first of which ends in the middle, and compares.
fn loads_as_ever(role: &Role<'_>, target: &Database<'_>, what: &str) {
    let server = Source::stand_in();
    let database = filled(&server);
    let impatient = format!("{JOB}\ntransfer: {{ retry: {{ attempts: 1 }} }}");
    let job = Job::new(&database, &role.target, &impatient);
    let faults = server.expect_stand_in().handle.faults();
    let fault = "drop:bytes=1..2,times=1,seed=1,match=O09_Mixed";
    faults.add(fault.parse::<FaultSpec>().expect("a fault"));
    job.ends(&[], 1);
    job.report(&[], 0);
    job.ends(&["verify", "--level", "checksums"], 0);
    assert_eq!(content(target), expected(), "{what}");
}

/// O09: one role with every setting that it can have, each other than the default.
#[test]
fn a_role_with_every_setting_changed_gets_the_same_tables_and_rows() {
    let server = Postgres::shared();
    let settings = settings(server);
    assert!(settings.len() > 150, "{}", settings.len());
    for attributes in ["", "SUPERUSER"] {
        let target = server.database();
        let role = Role::new(server, &target, attributes);
        let mut refused = Vec::new();
        for (name, value) in &settings {
            if !role.set(name, value) {
                refused.push(format!("{name} = {value}"));
            }
        }
        assert_eq!(refused, Vec::<String>::new());
        loads_as_ever(&role, &target, attributes);
    }
}

/// O09: those on which the meaning of a statement, a literal or a value depends, one at a time.
#[test]
fn each_setting_that_changes_what_a_statement_means_is_overridden() {
    let server = Postgres::shared();
    for (name, value) in [
        ("xmloption", "document"),
        ("quote_all_identifiers", "on"),
        ("default_transaction_read_only", "on"),
        ("default_transaction_isolation", "serializable"),
        ("statement_timeout", "100ms"),
        ("idle_in_transaction_session_timeout", "1ms"),
        ("DateStyle", "Postgres, DMY"),
        ("IntervalStyle", "iso_8601"),
        ("TimeZone", "Asia/Kathmandu"),
        ("bytea_output", "escape"),
        ("extra_float_digits", "-15"),
        ("standard_conforming_strings", "off"),
        ("backslash_quote", "off"),
        ("transform_null_equals", "on"),
        ("array_nulls", "off"),
        ("exit_on_error", "on"),
        ("search_path", "elsewhere, pg_catalog"),
        ("client_min_messages", "debug5"),
        ("row_security", "off"),
    ] {
        let target = server.database();
        let role = Role::new(server, &target, "");
        assert!(role.set(name, value), "{name}");
        Job::new(&source(), &role.target, JOB).report(&[], 0);
        assert_eq!(content(&target), expected(), "{name} = {value}");
    }
}

/// `ALTER ROLE migrator SET role = owner` is how tables come to belong to the application.
#[test]
fn a_role_that_acts_as_another_makes_tables_of_that_other() {
    let server = Postgres::shared();
    let target = server.database();
    let owner = Role::new(server, &target, "");
    let role = Role::new(server, &target, "");
    server.sql(&format!("GRANT {} TO {}", owner.name, role.name));
    assert!(role.set("role", &owner.name));
    Job::new(&source(), &role.target, JOB).report(&[], 0);
    let others = format!(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace \
         AND pg_get_userbyid(relowner) <> '{}'",
        owner.name
    );
    assert_eq!(target.value(&others), "0");
    assert_eq!(content(&target), expected());
}

/// Refused before anything is made, by a run and by `check`, with what to do.
fn refused(job: &Job, id: &str, says: &str) {
    documented(id, &job.run(&[]));
    let check = job.run(&["check"]);
    let said = check
        .stdout
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(check.code, Some(3), "{said}");
    assert!(said.contains(says), "{said}");
}

fn nothing_made(database: &Database<'_>) {
    let tables = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                  WHERE n.nspname IN ('_migrate', 'public', 'sales')";
    assert_eq!(database.value(tables), "0");
}

/// What a pooler in transaction mode leaves on its server connections, of any session.
fn locks_left(database: &Database<'_>) -> String {
    let locks = format!(
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
         WHERE l.locktype = 'advisory' AND d.datname = '{}'",
        database.name
    );
    database.value(&locks)
}

#[test]
fn a_standby_is_refused_before_anything_happens() {
    let server = Postgres::start(Options { tls: false });
    let target = server.database();
    server.cluster().become_standby();
    let job = Job::new(&source(), &target.target(), "");
    refused(&job, "target-standby", "is a standby");
    nothing_made(&target);
}

/// What an operator says of a whole server is meant for all; of a role, for others than this job.
#[test]
fn a_server_that_is_read_only_as_a_whole_is_refused() {
    let server = Postgres::start(Options { tls: false });
    let target = server.database();
    server.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    server.sql("SELECT pg_reload_conf()");
    let job = Job::new(&source(), &target.target(), "");
    refused(
        &job,
        "target-read-only",
        "read-only transactions as a whole",
    );
    nothing_made(&target);
    let allowed = format!(
        "BEGIN READ WRITE; ALTER DATABASE {} SET default_transaction_read_only = off; COMMIT",
        target.name
    );
    server.sql(&allowed);
    job.report(&[], 0);
}

/// Whether one server connection or many, whichever is lent out first, in both modes.
#[test]
fn a_pooler_that_keeps_no_sessions_is_refused_whatever_its_pool() {
    let target = Postgres::shared().database();
    for settings in [
        "pool_mode = transaction\ndefault_pool_size = 1",
        "pool_mode = transaction\ndefault_pool_size = 2",
        "pool_mode = transaction\ndefault_pool_size = 20",
        "pool_mode = transaction\ndefault_pool_size = 20\nmin_pool_size = 10\nserver_round_robin = 1",
        "pool_mode = statement\ndefault_pool_size = 4",
        // A pooler that clears up between transactions gives the lock away at once.
        "pool_mode = transaction\nserver_reset_query_always = 1\nserver_reset_query = DISCARD ALL",
    ] {
        let Some(pooler) = Pooler::start(&target.target(), settings) else {
            return;
        };
        let job = Job::new(&source(), &pooler.target(&target.target()), "");
        refused(&job, "target-pooler", "transaction or statement mode");
        nothing_made(&target);
        assert_eq!(locks_left(&target), "0", "{settings}");
    }
}

/// Other clients take and give back server connections all the time, so that no two statements
/// of one need not meet the same.
#[test]
fn a_busy_pooler_does_not_hide_what_it_is() {
    let target = Postgres::shared().database();
    let settings = "pool_mode = transaction\ndefault_pool_size = 6\nserver_round_robin = 1";
    let Some(pooler) = Pooler::start(&target.target(), settings) else {
        return;
    };
    let through = pooler.target(&target.target());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    tool(
                        "psql",
                        &through,
                        &["-X", "-q", "-c", "SELECT pg_sleep(0.002)"],
                    );
                }
            });
        }
        let job = Job::new(&source(), &through, "");
        for _ in 0..5 {
            let answer = job.run(&[]);
            let said = answer.stderr;
            if answer.code != Some(3) || !said.contains("transaction or statement mode") {
                over.store(true, Ordering::Relaxed);
                panic!("{:?}: {said}", answer.code);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    nothing_made(&target);
}

/// Session pooling keeps what a run relies on, and a second run is refused there as well.
#[test]
fn a_pooler_in_session_mode_is_as_good_as_a_direct_connection() {
    let server = Postgres::shared();
    let target = server.database();
    let settings = "pool_mode = session\ndefault_pool_size = 10";
    let Some(pooler) = Pooler::start(&target.target(), settings) else {
        return;
    };
    let job = Job::new(&source(), &pooler.target(&target.target()), JOB);
    job.report(&[], 0);
    assert_eq!(content(&target), expected());
    job.ends(&["verify", "--level", "checksums"], 0);
    assert_eq!(locks_left(&target), "0");
}

/// A crash of PostgreSQL empties UNLOGGED tables, and only those.
#[test]
fn a_crash_in_an_unlogged_load_costs_the_tables_that_were_loading_and_no_others() {
    let server = Postgres::start(Options { tls: false });
    let target = server.database();
    let source = Source::stand_in();
    let database = source.database(
        "CREATE TABLE dbo.Whole (Id int NOT NULL PRIMARY KEY, V int NULL);\n\
         INSERT INTO dbo.Whole VALUES (1, 1), (2, 2);\n\
         CREATE TABLE dbo.Half (Id int NOT NULL PRIMARY KEY, V nvarchar(200) NULL);\n\
         INSERT INTO dbo.Half VALUES (0, REPLICATE(N'x', 200));\n",
    );
    for power in 0..12 {
        let step = 1 << power;
        database.script(&format!(
            "INSERT INTO dbo.Half SELECT Id + {step}, V FROM dbo.Half"
        ));
    }
    let job = Job::new(
        &database,
        &target.target(),
        "transfer: { unlogged_load: true, synchronous_commit: true, commit_every: 32KiB, \
         retry: { attempts: 1 } }",
    );
    let faults = source.expect_stand_in().handle.faults();
    faults.add(
        "drop:rows=3000,match=FROM [dbo].[Half]"
            .parse()
            .expect("a fault"),
    );
    let first = job.report(&[], 1);
    assert!(faults.fired() > 0);
    let rows = |report: &serde_json::Value, table: &str, of: &str| {
        let tables = report["tables"].as_array().expect("tables").iter();
        let mut found = tables.filter(|one| one["table"] == table);
        found.next().expect("the table")[of].clone()
    };
    assert!(
        rows(&first, "dbo.Half", "rows").as_u64() > Some(0),
        "{first:#}"
    );
    assert_eq!(rows(&first, "dbo.Whole", "outcome"), "done", "{first:#}");
    server.cluster().restart(true);
    assert_eq!(target.value("SELECT count(*) FROM public.half"), "0");
    let second = job.report(&[], 0);
    for (table, expected) in [("whole", "2"), ("half", "4096")] {
        let count = format!("SELECT count(DISTINCT id) || '' FROM public.{table}");
        assert_eq!(target.value(&count), expected);
    }
    assert_eq!(
        target.value("SELECT count(*) FROM pg_class WHERE relpersistence = 'u'"),
        "0"
    );
    let notes = rows(&second, "dbo.Half", "notes").to_string();
    assert!(notes.contains("PostgreSQL crashed"), "{notes}");
    let notes = rows(&second, "dbo.Whole", "notes").to_string();
    assert!(!notes.contains("PostgreSQL crashed"), "{notes}");
    assert_eq!(rows(&second, "dbo.Whole", "resumed_rows"), 2);
    job.ends(&["verify", "--level", "checksums"], 0);
}

/// The process outlives the crash and goes on with what is left: what it made of it is wrong, and
/// noticed before it counts as done.
#[test]
fn a_crash_that_the_process_outlives_is_noticed_and_the_same_command_ends_right() {
    let server = Postgres::start(Options { tls: false });
    let target = server.database();
    let source = Source::stand_in();
    let database = source.database(
        "CREATE TABLE dbo.Half (Id int NOT NULL PRIMARY KEY, V nvarchar(200) NULL);\n\
         INSERT INTO dbo.Half VALUES (0, REPLICATE(N'x', 200));\n",
    );
    for power in 0..12 {
        let step = 1 << power;
        database.script(&format!(
            "INSERT INTO dbo.Half SELECT Id + {step}, V FROM dbo.Half"
        ));
    }
    let job = Job::new(
        &database,
        &target.target(),
        "transfer: { unlogged_load: true, synchronous_commit: true, commit_every: 32KiB, \
         retry: { attempts: 20, initial_backoff: 50ms, max_backoff: 500ms } }",
    );
    let faults = source.expect_stand_in().handle.faults();
    let stall = "stall:rows=2500,for=3s,match=FROM [dbo].[Half]";
    faults.add(stall.parse().expect("a fault"));
    let child = job.spawn(&[]);
    let deadline = Instant::now() + Duration::from_secs(60);
    let committed = "SELECT coalesce(sum(rows), 0) FROM _migrate.partitions";
    while !server_has(&target, committed) {
        assert!(Instant::now() < deadline, "rows are committed");
        std::thread::sleep(Duration::from_millis(50));
    }
    server.cluster().restart(true);
    let output = child.wait_with_output().expect("the tool ends");
    let answer = Answer {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    documented("run-crashed", &answer);
    job.report(&[], 0);
    assert_eq!(
        target.value("SELECT count(DISTINCT id) FROM public.half WHERE v = repeat('x', 200)"),
        "4096"
    );
}

/// Whether a number of the tool's own state is more than none; its tables may not be there yet.
fn server_has(target: &Database<'_>, number: &str) -> bool {
    let there = "SELECT to_regclass('_migrate.partitions') IS NOT NULL";
    target.value(there) == "t" && target.value(number) != "0"
}

/// 53300 has four causes, and none of them is a firewall.
#[test]
fn a_limit_of_connections_is_named_with_what_raises_it() {
    let server = Postgres::shared();
    for (limit, says) in [
        ("ROLE", "ALTER ROLE \"field_role_"),
        ("DATABASE", "ALTER DATABASE \"migrate_test_"),
    ] {
        let target = server.database();
        let role = Role::new(server, &target, "");
        let name = match limit {
            "ROLE" => &role.name,
            _ => &target.name,
        };
        server.sql(&format!("ALTER {limit} {name} CONNECTION LIMIT 1"));
        let answer = Job::new(&source(), &role.target, "").run(&[]);
        documented("target-role-connections", &answer);
        answer.says(&[says]);
        assert!(!answer.stderr.contains("firewall"), "{}", answer.stderr);
    }
}

/// Each refusal of a login is told apart from the others.
#[test]
fn what_a_server_refuses_at_the_door_is_told_with_advice_that_fits() {
    let server = Postgres::shared();
    let target = server.database();
    let role = Role::new(server, &target, "");
    let says = |advice: &str| {
        let answer = Job::new(&source(), &role.target, "").ends(&[], 3);
        answer.says(&[advice]);
        assert!(!answer.stderr.contains("firewall"), "{}", answer.stderr);
    };
    server.sql(&format!("ALTER ROLE {} NOLOGIN", role.name));
    says("LOGIN, or another target.user");
    server.sql(&format!("ALTER ROLE {} LOGIN", role.name));
    server.sql(&format!(
        "ALTER DATABASE {} ALLOW_CONNECTIONS false",
        target.name
    ));
    says("ALLOW_CONNECTIONS true");
    server.sql(&format!(
        "ALTER DATABASE {} ALLOW_CONNECTIONS true",
        target.name
    ));
    let silent = Postgres::start(Options { tls: false });
    let standby = silent.database();
    silent.sql("ALTER SYSTEM SET hot_standby = off");
    silent.cluster().stop(false);
    let answer = Job::new(&source(), &standby.target(), "").run(&[]);
    // Nothing listens: here a firewall may be the cause.
    assert_eq!(answer.code, Some(3), "{}", answer.stderr);
    answer.says(&["target.port"]);
}
