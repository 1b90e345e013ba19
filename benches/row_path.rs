//! CPU time per row from socket bytes to batches: `cargo bench --bench row_path`.
//!
//! Three shapes of table, as packets of 32,767 bytes that lie in memory. A run is timed read by
//! read, and of each read the best of all runs counts: a read is shorter than a time slice of the
//! scheduler, so that what else the machine does counts least.

#![allow(clippy::print_stdout, reason = "a benchmark's output is its result")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops where something is wrong"
)]

#[path = "../tests/row_path/wire.rs"]
mod wire;

use std::hint::black_box;
use std::time::{Duration, Instant};

use migrate::config::job::{ValuePolicy, Values};
use migrate::plan::table::ColumnPlan;
use migrate::schema::SqlType;
use migrate::transcode::{RowLayout, RowReader, Step};
use migrate::typemap::PgType;
use wire::{COLLATION, byte, column, long_type, plp, row, short, utf16};

const ROWS: u32 = 100_000;
const RUNS: usize = 25;

struct Shape {
    name: &'static str,
    columns: Vec<ColumnPlan>,
    types: Vec<Vec<u8>>,
    row: fn(u32) -> Vec<u8>,
}

fn narrow_columns() -> (Vec<ColumnPlan>, Vec<Vec<u8>>) {
    let columns = vec![
        column(0, SqlType::Int, PgType::Integer, None),
        column(1, SqlType::Int, PgType::Integer, None),
        column(2, SqlType::Int, PgType::Integer, None),
        column(3, SqlType::Int, PgType::Integer, None),
        column(4, SqlType::DateTime, PgType::Timestamp(3), None),
        column(5, SqlType::SmallInt, PgType::SmallInt, None),
        column(6, SqlType::BigInt, PgType::BigInt, None),
    ];
    let types = vec![
        vec![0x38],
        vec![0x38],
        vec![0x26, 4],
        vec![0x26, 4],
        vec![0x3D],
        vec![0x26, 2],
        vec![0x26, 8],
    ];
    (columns, types)
}

fn narrow_row(n: u32) -> Vec<u8> {
    let int = n.to_le_bytes();
    let datetime = [41_000u32.to_le_bytes(), (n * 7).to_le_bytes()].concat();
    row(&[
        int.to_vec(),
        int.to_vec(),
        byte(&int),
        if n.is_multiple_of(4) {
            vec![0]
        } else {
            byte(&int)
        },
        datetime,
        byte(&int[..2]),
        byte(&u64::from(n).to_le_bytes()),
    ])
}

fn narrow() -> Shape {
    let (columns, types) = narrow_columns();
    Shape {
        name: "7 narrow columns",
        columns,
        types,
        row: narrow_row,
    }
}

fn long_text() -> Shape {
    let (mut columns, mut types) = narrow_columns();
    let text = SqlType::NVarChar { length: None };
    columns.push(column(7, text, PgType::Text, None));
    types.push(long_type(0xE7, wire::MAX, Some(COLLATION)));
    Shape {
        name: "7 narrow columns, nvarchar(max) of 120 characters",
        columns,
        types,
        row: |n| {
            let mut bytes = narrow_row(n);
            bytes.extend(plp(
                &utf16(&"a comment about a row. ".repeat(6)[..120]),
                8000,
                true,
            ));
            bytes
        },
    }
}

/// A post: an id, and 770 characters in which scripts alternate.
fn scripts() -> Shape {
    const WORDS: &str =
        "when the функция returns naïve 文字列 and 😀 it “fails” größer エラー, I try to parse ";
    Shape {
        name: "int, nvarchar(max) of 770 characters in many scripts",
        columns: vec![
            column(0, SqlType::Int, PgType::Integer, None),
            column(1, SqlType::NVarChar { length: None }, PgType::Text, None),
        ],
        types: vec![vec![0x38], long_type(0xE7, wire::MAX, Some(COLLATION))],
        row: |n| {
            let text = WORDS.repeat(10);
            let start = n as usize % 7;
            row(&[
                n.to_le_bytes().to_vec(),
                plp(&utf16(&text[start..start + 1000]), 8000, true),
            ])
        },
    }
}

fn mixed() -> Shape {
    Shape {
        name: "decimal, guid, datetime2, varchar, nvarchar with Cyrillic",
        columns: vec![
            column(
                0,
                SqlType::Decimal {
                    precision: 18,
                    scale: 2,
                },
                PgType::Numeric(Some((18, 2))),
                None,
            ),
            column(1, SqlType::UniqueIdentifier, PgType::Uuid, None),
            column(
                2,
                SqlType::DateTime2 { scale: 7 },
                PgType::Timestamp(6),
                None,
            ),
            column(
                3,
                SqlType::VarChar { length: Some(40) },
                PgType::VarChar(40),
                Some(1252),
            ),
            column(
                4,
                SqlType::NVarChar { length: Some(40) },
                PgType::VarChar(40),
                None,
            ),
        ],
        types: vec![
            vec![0x6C, 9, 18, 2],
            vec![0x24, 16],
            vec![0x2A, 7],
            long_type(0xA7, 40, Some(COLLATION)),
            long_type(0xE7, 80, Some(COLLATION)),
        ],
        row: |n| {
            let decimal = [&[1u8][..], &(u64::from(n) * 12_345).to_le_bytes()].concat();
            row(&[
                byte(&decimal),
                byte(&u128::from(n).to_le_bytes()),
                byte(&[1, 2, 3, 4, 5, 0xC3, 0x46, 0x0B]),
                short(b"caf\xE9 au lait, user"),
                short(&utf16("Привет, мир")),
            ])
        },
    }
}

fn measure(shape: &Shape, key: &[usize], checksums: bool) -> (f64, f64) {
    let mut payload = wire::metadata(&shape.types);
    (0..ROWS).for_each(|n| payload.extend((shape.row)(n)));
    payload.extend(wire::done(ROWS.into()));
    let bytes = wire::packets(&payload, 32_767);
    let values = Values {
        nul_characters: ValuePolicy::Error,
        unpaired_surrogates: ValuePolicy::Error,
        undecodable: ValuePolicy::Error,
        out_of_range: ValuePolicy::Error,
    };
    let layout = RowLayout::new(&shape.columns, key, values)
        .unwrap()
        .with_checksums(checksums);
    let mut best = run(&layout, &bytes);
    for _ in 1..RUNS {
        for (best, spent) in best.iter_mut().zip(run(&layout, &bytes)) {
            *best = spent.min(*best);
        }
    }
    let nanoseconds = best.iter().sum::<Duration>().as_nanos() as f64;
    (
        nanoseconds / f64::from(ROWS),
        bytes.len() as f64 / nanoseconds * 1000.0,
    )
}

/// Reads all bytes as a socket would give them: what each read took, without copying the bytes.
fn run(layout: &RowLayout, bytes: &[u8]) -> Vec<Duration> {
    let mut reader = RowReader::new(layout.clone());
    let mut rest = bytes;
    let mut spent = Vec::new();
    loop {
        let space = reader.space();
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        reader.filled(count);
        rest = &rest[count..];
        let begin = Instant::now();
        loop {
            match reader.step().unwrap() {
                Step::NeedInput => break,
                Step::Batch(batch) => drop(black_box(batch)),
                Step::Done(outcome) => {
                    assert_eq!(outcome.rows, u64::from(ROWS));
                    spent.push(begin.elapsed());
                    return spent;
                }
            }
        }
        spent.push(begin.elapsed());
    }
}

fn main() {
    for shape in [narrow(), long_text(), mixed(), scripts()] {
        for (key, checksums, keyed) in [
            (&[][..], false, "no key"),
            (&[0][..], false, "key of one column"),
            (&[0][..], true, "key of one column, checksums"),
        ] {
            let (per_row, rate) = measure(&shape, key, checksums);
            println!(
                "{per_row:8.1} ns/row {rate:8.0} MB/s  {} ({keyed})",
                shape.name
            );
        }
    }
}
