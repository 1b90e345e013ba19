//! Schemas and rows made at random arrive whole, whatever they are.
//!
//! A seed makes one database. `MIGRATE_TEST_SEED` is the first seed (printed with a failure),
//! `MIGRATE_TEST_SEEDS` how many follow; without it, as many as the time allows.

mod beside;
mod compare;
mod draw;
mod kind;
mod moment;
mod name;
mod rows;
mod table;
mod value;
mod wish;

use std::time::{Duration, Instant};

use crate::accounting;
use crate::support::postgres::Postgres;
use crate::support::source::{Source, SourceDatabase};

use beside::Named;
use draw::Draw;
use kind::Kind;
use rows::Row;
use table::Table;
use wish::Wish;

const SEED: &str = "MIGRATE_TEST_SEED";
const SEEDS: &str = "MIGRATE_TEST_SEEDS";
/// What a run of all tests can spare.
const TIME: Duration = Duration::from_secs(40);

/// How much of what was generated the source took, over all seeds.
#[derive(Default)]
struct Tally {
    rows: usize,
    rows_taken: usize,
    objects: usize,
    objects_taken: usize,
    omissions: usize,
}

#[test]
fn generated_schemas_and_rows_arrive_and_verify() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<u64>().expect("a number"))
    };
    let first = number(SEED).unwrap_or(1);
    let count = number(SEEDS).or_else(|| number(SEED).map(|_| 1));
    let started = Instant::now();
    let mut tally = Tally::default();
    let mut seed = first;
    let goes_on = |seed: u64| match count {
        Some(count) => seed < first + count,
        None => started.elapsed() < TIME,
    };
    let mut failed = Vec::new();
    while goes_on(seed) {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            round_trip(seed, &mut tally);
        }));
        if run.is_err() {
            eprintln!("FAILED: {SEED}={seed}");
            failed.push(seed);
        }
        seed += 1;
    }
    eprintln!(
        "{} seeds in {:.0?}: {} of {} rows and {} of {} objects taken by the source, {} omissions",
        seed - first,
        started.elapsed(),
        tally.rows_taken,
        tally.rows,
        tally.objects_taken,
        tally.objects,
        tally.omissions
    );
    assert!(failed.is_empty(), "repeat with {SEED}= one of {failed:?}");
    // A generator whose rows are all refused would prove nothing.
    assert!(tally.rows_taken * 4 >= tally.rows, "most rows are refused");
    assert!(
        tally.objects_taken * 2 >= tally.objects,
        "most objects are refused"
    );
}

fn round_trip(seed: u64, tally: &mut Tally) {
    let mut draw = Draw::new(seed);
    let wish = Wish::draw(&mut draw);
    draw.tame = wish.icu;
    let source = Source::stand_in();
    let database = source
        .database("CREATE SCHEMA [Odd.Schema];\nGO\nCREATE TYPE dbo.Phone FROM nvarchar(20) NULL;");
    let sequences = beside::sequences(&mut draw, &database, tally);
    let tables = fill(&mut draw, &database, &sequences, tally);
    let views = if wish.views {
        beside::views(&mut draw, &database, &tables, tally)
    } else {
        Vec::new()
    };
    let target = Postgres::shared().database();
    let overrides = wish::overrides(&mut draw, &tables);
    let (job, answer) = wish.run(&database, &target, &overrides);
    if answer.code == Some(4) {
        let differences = job.run(&["verify", "--level", "rows", "--show-values"]);
        let tables = job.run(&["schema"]);
        panic!("{seed}:\n{}\n{}", differences.stdout, tables.stdout);
    }
    assert!(
        matches!(answer.code, Some(0 | 6)),
        "{seed}: {}",
        wish::said(&answer)
    );
    let report = answer.json();
    tally.omissions += report["omissions"].as_array().map_or(0, Vec::len);
    job.report(&["verify", "--level", "rows"], 0);
    if wish.generated {
        accounting::balance(&database, &target, &report, &seed.to_string());
    }
    for table in &tables {
        compare::equal(table, &database, &target, &report, seed);
    }
    beside::equal(&sequences, &views, &database, &target, seed);
    if wish.domains {
        let used = tables.iter().flat_map(|table| &table.columns);
        let used = used
            .filter(|column| column.kind == Kind::Alias)
            .count()
            .min(1);
        let domains = "SELECT count(*) FROM pg_type WHERE typtype = 'd' AND typname ILIKE 'phone'";
        assert_eq!(target.value(domains), used.to_string(), "{seed}: domains");
    }
}

/// Runs the statements, and counts those that the source takes.
fn attempted(database: &SourceDatabase, statements: Vec<String>, tally: &mut Tally) -> usize {
    let taken = count_taken(&statements, &database.attempts(&statements));
    tally.objects += statements.len();
    tally.objects_taken += taken;
    taken
}

/// Makes the tables with what belongs to them, and puts rows in.
fn fill(
    draw: &mut Draw,
    database: &SourceDatabase,
    sequences: &[Named],
    tally: &mut Tally,
) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    let mut filled: Vec<Vec<Row>> = Vec::new();
    for _ in 0..draw.size(1, 4) {
        let mut table = table::table(draw, &tables);
        if draw.once_in(2) {
            beside::number(draw, &mut table, sequences);
        }
        let create = table.create(draw);
        if let Some(Err(refused)) = database.attempts(std::slice::from_ref(&create)).pop() {
            panic!("{create}: {refused}");
        }
        let objects = table.objects(draw, &tables);
        attempted(database, objects, tally);
        let rows = rows::rows(draw, &table, &tables, &filled);
        let inserts: Vec<String> = rows.iter().map(|row| rows::insert(&table, row)).collect();
        let outcomes = database.attempts(&inserts);
        tally.rows += rows.len();
        tally.rows_taken += count_taken(&inserts, &outcomes);
        let late = table.late(draw);
        attempted(database, late, tally);
        let kept = rows
            .into_iter()
            .zip(outcomes)
            .filter(|(_, outcome)| outcome.is_ok());
        filled.push(kept.map(|(row, _)| row).collect());
        tables.push(table);
    }
    beside::circles(draw, database, (&mut tables[..], &filled[..]), tally);
    tables
}

/// With `MIGRATE_TEST_REFUSED` it says what was refused and why.
fn count_taken(statements: &[String], outcomes: &[Result<(), String>]) -> usize {
    if std::env::var_os("MIGRATE_TEST_REFUSED").is_some() {
        for (statement, outcome) in statements.iter().zip(outcomes) {
            if let Err(why) = outcome {
                let statement: String = statement.chars().take(300).collect();
                eprintln!("refused: {statement:?}: {why}");
            }
        }
    }
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}
