//! Names of every kind, as tables and as columns: none is folded, cut or run as SQL by accident.

use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::scenario::Scenario;
use crate::support::source::Source;

/// Closing marks, separators, line ends, wildcards, letters outside of ASCII, reserved words of
/// both sides, and what would be SQL if it were not quoted.
const NAMES: [&str; 22] = [
    "a]b",
    "a\"b",
    "a'b",
    "a.b",
    "a b",
    " a ",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\\b",
    "a%b",
    "a$b",
    "$1",
    "😀",
    "Заказ",
    "select",
    "user",
    "order",
    "Top",
    "x\"; DROP TABLE t; --",
    "x]; DROP TABLE t; --",
    "CamelCase",
];

fn bracket(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[test]
fn odd_names_arrive_as_tables_and_columns() {
    let mut script = String::new();
    for (place, name) in NAMES.iter().enumerate() {
        let name = bracket(name);
        let id = bracket(&format!("Id of {}", NAMES[place]));
        script.push_str(&format!(
            "CREATE TABLE dbo.{name} ({id} int NOT NULL PRIMARY KEY, {name} int NULL);\n\
             INSERT INTO dbo.{name} VALUES (1, {place}), (2, 0), (3, 0), (4, 0);\n"
        ));
    }
    let scenario = Scenario::on_stand_in(&script);
    // Cut, so that the key's name is in ORDER BY and in predicates too.
    let more = "schema: { names: preserve }\n\
                transfer: { partition_min_rows: 1, max_partitions_per_table: 3 }";
    let report = scenario.job(more).report(&[], 0);
    assert_eq!(
        report["tables"].as_array().expect("tables").len(),
        NAMES.len()
    );
    for (place, name) in NAMES.iter().enumerate() {
        let (table, id) = (quote(name), quote(&format!("Id of {name}")));
        let sql = format!(
            "SELECT {table} || '|' || (SELECT count(*) FROM public.{table}) FROM public.{table} WHERE {id} = 1"
        );
        assert_eq!(scenario.value(&sql), format!("{place}|4"), "{name:?}");
    }
}

/// PostgreSQL keeps 63 bytes; two names that differ behind them stay two, and the plan says so.
#[test]
fn names_of_128_characters_are_shortened_and_stay_apart() {
    let one = format!("{}1", "Ж".repeat(127));
    let two = format!("{}2", "Ж".repeat(127));
    let script = format!(
        "CREATE TABLE dbo.[{one}] (Id int NOT NULL PRIMARY KEY, [{one}] int NULL, [{two}] int NULL);\n\
         INSERT INTO dbo.[{one}] VALUES (1, 11, 12);\n\
         CREATE TABLE dbo.[{two}] (Id int NOT NULL PRIMARY KEY);\n\
         INSERT INTO dbo.[{two}] VALUES (1), (2);"
    );
    let source = Source::stand_in();
    let database = source.database(&script);
    let plan = |target: &migrate::config::job::Target| {
        let answer = Job::new(&database, target, "").ends(&["plan"], 0);
        answer.stdout
    };
    let target = Postgres::shared().database();
    let said = plan(&target.target());
    assert!(said.contains("name shortened to"), "{said}");
    // Stable: a second plan has the same names.
    assert_eq!(said, plan(&target.target()));
    Job::new(&database, &target.target(), "").report(&[], 0);
    let tables = "SELECT count(*) || '|' || bool_and(octet_length(tablename) <= 63) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(target.value(tables), "2|true");
    let columns = "SELECT count(DISTINCT attname) FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid \
                   WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND octet_length(attname) > 60";
    assert_eq!(target.value(columns), "2");
}
