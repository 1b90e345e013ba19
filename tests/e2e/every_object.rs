//! One of every schema object that `objects.sql` has not, as reviewed line by line.

use crate::accounting;
use crate::objects::{apply, dump, must_be_as_reviewed};
use crate::support::job::Job;
use crate::support::postgres::{Database, Postgres};
use crate::support::source::{Source, SourceDatabase};

const FIXTURE: &str = include_str!("../fixtures/objects_rest.sql");

/// What `pg_dump` must print of the fixture's target.
const SNAPSHOT: &str = "tests/fixtures/objects_rest.pg_dump.sql";

/// Views, collations that compare loosely, and domains are made on request only.
const JOB: &str = "\
schema: { views: try, collations: icu }
tables: { overrides: { dbo.People: { types: { Phone: domain, Rate: domain } } } }";

/// What has no counterpart, or no certain translation, in the report's order.
const LEFT_OUT: [&str; 6] = [
    "dbo.People: full-text index People",
    "dbo.People: index IX_Off",
    "dbo.People: index PX_People",
    "dbo.People: index SP_People",
    "dbo.Pets: included column Letter of index IX_Name",
    "dbo.Pets: index CS_Pets",
];

fn source() -> SourceDatabase {
    static SOURCE: std::sync::OnceLock<std::sync::Arc<Source>> = std::sync::OnceLock::new();
    SOURCE.get_or_init(Source::stand_in).database(FIXTURE)
}

#[test]
fn the_rest_of_the_objects_is_made_as_the_snapshot_shows() {
    let database = source();
    let target = Postgres::shared().database();
    let report = Job::new(&database, &target.target(), JOB).report(&[], 6);
    let omissions = report["omissions"].as_array().expect("omissions");
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let mut left_out: Vec<String> = omissions
        .iter()
        .map(|omission| {
            format!(
                "{}: {}",
                word(&omission["table"]),
                word(&omission["object"])
            )
        })
        .collect();
    left_out.sort();
    assert_eq!(left_out, LEFT_OUT, "{omissions:#?}");
    accounting::balance(&database, &target, &report, "objects_rest.sql");
    must_be_as_reviewed(&target, SNAPSHOT);
    what_was_made_works(&target);
}

/// What the dump cannot show.
fn what_was_made_works(target: &Database<'_>) {
    for (sql, expected) in [
        // Without regard to case, as at the source; the row says 'de' and the key 'DE'.
        ("SELECT code FROM crm.regions WHERE code = 'nL'", "NL"),
        (
            "SELECT count(*)::text FROM public.people JOIN crm.regions ON region = code COLLATE crm.sql_latin1_general_cp1_ci_as",
            "3",
        ),
        // And without accents where the collation has none.
        (
            "SELECT code FROM crm.regions WHERE name = 'Déutschland'",
            "DE",
        ),
        (
            "SELECT phonenumber || regionname FROM public.callers",
            "123Nederland",
        ),
        (
            "SELECT until::text FROM public.prices",
            "9999-12-31 23:59:59.999",
        ),
        // Counters go on where the source's are.
        (
            "INSERT INTO public.people (phone, stamp) VALUES ('1', '') RETURNING id || '|' || receipt || '|' || region || '|' || doubled",
            "130|530|nl|3.000",
        ),
        (
            "INSERT INTO public.pets (owner) VALUES (100) RETURNING number::text",
            "253",
        ),
    ] {
        assert_eq!(target.value(sql), expected, "{sql}");
    }
}

/// The printed DDL, run by psql, and an append into it end where a plain run ends.
#[test]
fn the_printed_schema_of_the_rest_and_an_append_end_in_the_same_database() {
    let database = source();
    let plain = Postgres::shared().database();
    Job::new(&database, &plain.target(), JOB).report(&[], 6);
    let target = Postgres::shared().database();
    let append = format!("{JOB}\ntransfer: {{ mode: append }}");
    let job = Job::new(&database, &target.target(), &append);
    let answer = job.ends(&["schema"], 0);
    apply(&target, &job, &answer.stdout);
    job.report(&[], 6);
    assert_eq!(dump(&target), dump(&plain));
    what_was_made_works(&target);
}
