//! CPU time per row from socket bytes to batches: `cargo bench -p tds-copy --bench row_path`.
//!
//! Tables as packets of 32,767 bytes that lie in memory. A sample reads some 512 KiB of them, which
//! is shorter than a time slice of the scheduler, so that on a busy machine the fastest of thousands
//! is one that nothing interrupted. A row takes a thousand over the Mitem/s of that in nanoseconds;
//! copying it to where a socket's bytes would be is in it.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops where something is wrong"
)]

mod by_text;
mod other_driver;
mod scripted;
mod shapes;
mod types;
#[path = "../../tests/row_path/wire.rs"]
mod wire;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use shapes::Shape;
use tds_copy::transcode::{RowReader, Step};

/// Wire bytes of a sample.
const SAMPLE: usize = 512 << 10;
/// Seconds of samples of a table: a busy machine is slower for some tenths of a second at a time.
const TABLE: f64 = 2.0;
/// Seconds of samples of a table with one column.
const COLUMN: f64 = 0.5;

fn main() {
    divan::main();
}

fn tables() -> [Shape; 3] {
    [shapes::votes(), shapes::comments(), shapes::posts()]
}

fn all_tables() -> impl Iterator<Item = Shape> {
    let others = [shapes::narrow(), shapes::long_text(), shapes::scripts()];
    let nulls = [shapes::null_bitmap(), shapes::null_lengths()];
    tables().into_iter().chain(others).chain(nulls)
}

/// Whole rows.
#[divan::bench(args = all_tables(), min_time = TABLE, sample_size = 1)]
fn rows(bencher: Bencher<'_, '_>, shape: &Shape) {
    transcode(bencher, shape, &[0], false);
}

/// Whole rows that are hashed, as for `verify: checksums`.
#[divan::bench(args = all_tables(), min_time = TABLE, sample_size = 1)]
fn rows_with_checksums(bencher: Bencher<'_, '_>, shape: &Shape) {
    transcode(bencher, shape, &[0], true);
}

/// Rows of one column.
#[divan::bench(args = types::types(), min_time = COLUMN, sample_size = 1)]
fn types_alone(bencher: Bencher<'_, '_>, shape: &Shape) {
    transcode(bencher, shape, &[], false);
}

/// The values of decimal(38,10) above by way of text, without a row around them.
#[divan::bench(min_time = COLUMN, sample_size = 1)]
fn decimal_by_text(bencher: Bencher<'_, '_>) {
    let values = by_text::values(10_000);
    let mut out = Vec::new();
    let mut text = String::new();
    bencher
        .counter(ItemsCount::new(values.len()))
        .bench_local(|| {
            out.clear();
            for value in &values {
                by_text::append(value, 10, &mut text, &mut out);
            }
            divan::black_box(out.len())
        });
}

/// Rows of one nvarchar(max) of 800 characters.
#[divan::bench(args = types::scripts(), min_time = COLUMN, sample_size = 1)]
fn scripts_alone(bencher: Bencher<'_, '_>, shape: &Shape) {
    transcode(bencher, shape, &[], false);
}

/// The same bytes, decoded by tiberius.
#[divan::bench(args = tables(), min_time = TABLE, sample_size = 1)]
fn tiberius(bencher: Bencher<'_, '_>, shape: &Shape) {
    let rows = rows_of(shape);
    let bytes = shape.payload(rows);
    counted(bencher, rows, bytes.len())
        .with_inputs(|| other_driver::Ready::new(&bytes))
        .bench_local_values(|ready| assert_eq!(ready.read(), rows));
}

/// Rows in a sample.
fn rows_of(shape: &Shape) -> u32 {
    (SAMPLE / (shape.row)(1).len()) as u32
}

fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, rows: u32, bytes: usize) -> Bencher<'a, 'b> {
    bencher
        .counter(ItemsCount::new(rows))
        .counter(BytesCount::new(bytes))
}

fn transcode(bencher: Bencher<'_, '_>, shape: &Shape, key: &[usize], checksums: bool) {
    let rows = rows_of(shape);
    let bytes = shape.response(rows);
    let layout = shape.layout(key, checksums);
    counted(bencher, rows, bytes.len())
        .with_inputs(|| RowReader::new(layout.clone()))
        .bench_local_values(|reader| assert_eq!(read(reader, &bytes), u64::from(rows)));
}

/// Reads all bytes as a socket would give them; their rows.
fn read(mut reader: RowReader, mut rest: &[u8]) -> u64 {
    loop {
        match reader.step().unwrap() {
            Step::NeedInput => {
                let space = reader.space();
                let count = rest.len().min(space.len());
                space[..count].copy_from_slice(&rest[..count]);
                reader.filled(count);
                rest = &rest[count..];
            }
            Step::Batch(batch) => drop(divan::black_box(batch)),
            Step::Done(outcome) => return outcome.rows,
        }
    }
}
