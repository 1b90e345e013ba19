//! Every object of Microsoft's sample databases is made, or listed with the reason why not.
//!
//! `MIGRATE_TEST_SAMPLES` names the folder with `instnwnd.sql` and `instpubs.sql`.

use serde_json::Value;

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::source::{Source, SourceDatabase};

/// Kind, how many the source has, how many the target has, and how omissions of it begin.
const KINDS: [(&str, &str, &str, &[&str]); 6] = [
    (
        "primary keys",
        "SELECT COUNT(*) FROM sys.objects WHERE type = 'PK'",
        "SELECT count(*) FROM pg_constraint k JOIN pg_namespace n ON n.oid = connamespace WHERE contype = 'p' AND nspname = 'public'",
        &["primary key "],
    ),
    (
        "indexes",
        "SELECT COUNT(*) FROM sys.indexes AS i JOIN sys.tables AS t ON t.object_id = i.object_id WHERE i.index_id > 0 AND i.is_primary_key = 0",
        "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indrelid WHERE NOT indisprimary AND relnamespace = 'public'::regnamespace",
        &["index ", "unique "],
    ),
    (
        "foreign keys",
        "SELECT COUNT(*) FROM sys.objects WHERE type = 'F'",
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace",
        &["foreign key "],
    ),
    (
        "checks",
        "SELECT COUNT(*) FROM sys.objects WHERE type = 'C'",
        "SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace",
        &["check "],
    ),
    (
        "defaults",
        "SELECT COUNT(*) FROM sys.default_constraints",
        "SELECT count(*) FROM pg_attrdef d JOIN pg_class c ON c.oid = adrelid JOIN pg_attribute a ON a.attrelid = c.oid AND attnum = adnum WHERE attgenerated = '' AND relnamespace = 'public'::regnamespace",
        &["default "],
    ),
    (
        "views",
        "SELECT COUNT(*) FROM sys.views",
        "SELECT count(*) FROM pg_views WHERE schemaname = 'public'",
        &["view"],
    ),
];

#[test]
fn northwind_is_accounted_for() {
    account("instnwnd.sql", "Northwind");
}

#[test]
fn pubs_is_accounted_for() {
    account("instpubs.sql", "pubs");
}

fn account(file: &str, name: &str) {
    let Ok(folder) = std::env::var("MIGRATE_TEST_SAMPLES") else {
        eprintln!("SKIPPED: MIGRATE_TEST_SAMPLES is not set, {file} was not moved");
        return;
    };
    let script = std::fs::read_to_string(format!("{folder}/{file}")).expect("the script");
    let source = Source::stand_in();
    let named = |name: &str| SourceDatabase {
        server: &source,
        name: name.into(),
    };
    // Both scripts need a database of that name; the one of pubs drops it and makes its own.
    named("master").script(&format!("CREATE DATABASE [{name}]"));
    named(name).script(&script);
    let database = named(name);
    let target = Postgres::shared().database();
    let job = Job::new(&database, &target.target(), "schema: { views: try }");
    let answer = job.run(&["--output", "json"]);
    assert!(
        matches!(answer.code, Some(0 | 6)),
        "{}{}",
        answer.stdout,
        answer.stderr
    );
    let report = answer.json();
    let omissions = report["omissions"].as_array().expect("omissions");
    for (kind, at_source, at_target, words) in KINDS {
        let has = database.number(at_source);
        let made: i64 = target.value(at_target).parse().expect("a number");
        let named = |omission: &&Value| {
            let object = omission["object"].as_str().unwrap_or_default();
            words.iter().any(|word| object.starts_with(word))
        };
        let left_out: Vec<_> = omissions.iter().filter(named).collect();
        let listed = i64::try_from(left_out.len()).expect("few");
        eprintln!("{name}: {kind}: {has} at the source, {made} made, {listed} left out");
        assert_eq!(made + listed, has, "{kind}: {left_out:#?}");
        let reasoned =
            |omission: &&Value| omission["reason"].as_str().is_some_and(|r| !r.is_empty());
        assert!(left_out.iter().all(reasoned));
    }
    for omission in omissions {
        eprintln!("{name}: left out: {omission}");
    }
}
