//! Instructions per row from socket bytes to batches, held against what they were:
//! `cargo bench -p tds-copy --bench row_counts`.
//! `make counts` counts the build that the tests use, which is there already; that one takes two to
//! five times as many, as nothing is inlined across crates.
//!
//! Callgrind knows AVX2 and not AVX-512, so text is encoded by the former here. It counts
//! instructions, so that a busy machine counts as many as an idle one. Each shape is run
//! with two numbers of rows: what a process and a statement cost in any case falls out of the
//! difference. More than the tolerance above the stated count is a failure; who made the path
//! faster states the new count.

#![allow(clippy::print_stdout, reason = "a benchmark's output is its result")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops where something is wrong"
)]

#[path = "row_path/shapes.rs"]
#[allow(dead_code, reason = "some shapes are only timed")]
mod shapes;
#[path = "../tests/row_path/wire.rs"]
mod wire;

use std::hint::black_box;
use std::process::{Command, ExitCode};

use shapes::Shape;
use tds_copy::transcode::{RowReader, Step};

/// How much more than stated is allowed, as a share of it: other versions of the compiler and of
/// the C library's copying count a little differently, and the test build depends on how the
/// compiler cuts the crate into units.
const TOLERANCE: f64 = if cfg!(debug_assertions) { 0.10 } else { 0.05 };

/// Rows of the two runs.
const FEW: u32 = 1_000;
const MANY: u32 = 5_000;

/// Names the shape and the rows to a process that is counted.
const SHAPE: &str = "ROW_COUNTS_SHAPE";
const ROWS: &str = "ROW_COUNTS_ROWS";

/// A shape and its instructions per row.
struct Stated {
    shape: fn() -> Shape,
    released: f64,
    tested: f64,
}

impl Stated {
    /// The expected count for the profile of this build.
    fn per_row(&self) -> f64 {
        if cfg!(debug_assertions) {
            self.tested
        } else {
            self.released
        }
    }
}

const STATED: [Stated; 4] = [
    Stated {
        shape: shapes::votes,
        released: 670.0,
        tested: 1_288.0,
    },
    Stated {
        shape: shapes::comments,
        released: 1_720.0,
        tested: 2_692.0,
    },
    Stated {
        shape: shapes::posts,
        released: 10_417.0,
        tested: 17_454.0,
    },
    Stated {
        shape: shapes::scripts,
        released: 20_310.0,
        tested: 35_122.0,
    },
];

fn main() -> ExitCode {
    let variable = |name| std::env::var(name).ok();
    if let (Some(shape), Some(rows)) = (variable(SHAPE), variable(ROWS)) {
        let stated = &STATED[shape.parse::<usize>().unwrap()];
        read(&(stated.shape)(), rows.parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let mut failed = false;
    for (place, stated) in STATED.iter().enumerate() {
        let counted = per_row(place);
        let (verdict, within) = judge(counted, stated.per_row());
        failed |= !within;
        println!(
            "{counted:9.1} instructions per row, {verdict}  {}",
            (stated.shape)().name
        );
    }
    if failed {
        println!("the row path has become slower: see benches/row_counts.rs");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What is said of a count, and whether it may pass.
fn judge(counted: f64, stated: f64) -> (String, bool) {
    let over = counted / stated - 1.0;
    let verdict = match over {
        _ if over > TOLERANCE => "TOO MANY",
        _ if over < -TOLERANCE => "fewer than stated: state the new count",
        _ => "as stated",
    };
    let told = format!("{stated:9.1} stated, {:+5.1} %: {verdict}", over * 100.0);
    (told, over <= TOLERANCE)
}

/// What one row more costs.
fn per_row(shape: usize) -> f64 {
    let (few, many) = (instructions(shape, FEW), instructions(shape, MANY));
    (many - few) / f64::from(MANY - FEW)
}

/// Instructions of a process that reads this number of rows, those of making them left out.
fn instructions(shape: usize, rows: u32) -> f64 {
    let out = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--toggle-collect=row_counts::read_response*")
        .arg(std::env::current_exe().unwrap())
        .env(SHAPE, shape.to_string())
        .env(ROWS, rows.to_string())
        .output()
        .expect("valgrind counts the instructions and is not there: tests/scripts/install.sh");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "the counted process failed: {said}");
    // "==1234== Collected : 56789".
    let mut lines = said.lines();
    let line = lines.find_map(|line| line.split_once("Collected :"));
    let count = line.and_then(|(_, count)| count.trim().parse::<f64>().ok());
    let count = count.filter(|count| *count > 0.0);
    count.unwrap_or_else(|| panic!("callgrind counted nothing: {said}"))
}

fn read(shape: &Shape, rows: u32) {
    let bytes = shape.response(rows);
    let reader = RowReader::new(shape.layout(&[0], false));
    assert_eq!(read_response(reader, &bytes), u64::from(rows));
}

/// What is counted, found by its name.
#[inline(never)]
fn read_response(mut reader: RowReader, mut rest: &[u8]) -> u64 {
    loop {
        let space = reader.space();
        let count = rest.len().min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        reader.filled(count);
        rest = &rest[count..];
        loop {
            match reader.step().unwrap() {
                Step::NeedInput => break,
                Step::Batch(batch) => drop(black_box(batch)),
                Step::Done(outcome) => return outcome.rows,
            }
        }
    }
}
