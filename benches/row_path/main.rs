//! CPU time per row from socket bytes to batches: `cargo bench --bench row_path`.
//!
//! Tables as packets of 32,767 bytes that lie in memory. A run is timed read by read, and of each
//! read the best of all runs counts: a read is shorter than a time slice of the scheduler, so that
//! what else the machine does counts least.

#![allow(clippy::print_stdout, reason = "a benchmark's output is its result")]
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops where something is wrong"
)]

mod other_driver;
#[path = "../../tests/row_path/scripted.rs"]
mod scripted;
mod shapes;
mod types;
#[path = "../../tests/row_path/wire.rs"]
mod wire;

use std::hint::black_box;
use std::time::{Duration, Instant};

use migrate::transcode::{RowLayout, RowReader, Step};
use shapes::Shape;

/// Rows of a whole table, and of a table of one column of long text.
const ROWS: u32 = 100_000;
const LONG_ROWS: u32 = 20_000;
/// Of a table; those of one column settle sooner.
const RUNS: usize = 25;
const FEW_RUNS: usize = 12;

fn main() {
    println!("whole rows");
    let tables = [shapes::votes(), shapes::comments(), shapes::posts()];
    let others = [shapes::narrow(), shapes::long_text(), shapes::scripts()];
    for shape in tables.iter().chain(&others) {
        for (checksums, keyed) in [(false, ""), (true, ", with checksums")] {
            let spent = measure(shape, &[0], checksums, (rows_of(shape), RUNS));
            println!("{spent}  {}{keyed}", shape.name);
        }
    }
    println!("the same bytes, decoded by tiberius");
    for shape in &tables {
        println!(
            "{}  {}",
            other_driver::measure(shape, rows_of(shape)),
            shape.name
        );
    }
    println!("rows of one column");
    for shape in types::types() {
        let spent = measure(&shape, &[], false, (ROWS, FEW_RUNS));
        println!("{spent}  {}", shape.name);
    }
    println!("rows of one nvarchar(max) of 800 characters");
    for shape in types::scripts() {
        let spent = measure(&shape, &[], false, (LONG_ROWS, FEW_RUNS));
        println!("{spent}  {}", shape.name);
    }
}

/// A row of Posts is forty times one of Votes.
fn rows_of(shape: &Shape) -> u32 {
    match (shape.row)(1).len() {
        0..1000 => ROWS,
        _ => LONG_ROWS,
    }
}

/// What rows cost.
struct Spent {
    rows: u32,
    bytes: usize,
    time: Duration,
}

impl std::fmt::Display for Spent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let nanoseconds = self.time.as_nanos() as f64;
        write!(
            f,
            "{:8.1} ns/row {:8.0} MB/s",
            nanoseconds / f64::from(self.rows),
            self.bytes as f64 / nanoseconds * 1000.0
        )
    }
}

fn measure(shape: &Shape, key: &[usize], checksums: bool, (rows, runs): (u32, usize)) -> Spent {
    let bytes = shape.response(rows);
    let layout = shape.layout(key, checksums);
    let mut best = run(&layout, &bytes, rows);
    for _ in 1..runs {
        for (best, spent) in best.iter_mut().zip(run(&layout, &bytes, rows)) {
            *best = spent.min(*best);
        }
    }
    Spent {
        rows,
        bytes: bytes.len(),
        time: best.iter().sum(),
    }
}

/// Reads all bytes as a socket would give them: what each read took, without copying the bytes.
fn run(layout: &RowLayout, bytes: &[u8], rows: u32) -> Vec<Duration> {
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
                    assert_eq!(outcome.rows, u64::from(rows));
                    spent.push(begin.elapsed());
                    return spent;
                }
            }
        }
        spent.push(begin.elapsed());
    }
}
