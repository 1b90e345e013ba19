//! Any bytes as a server's response; the reader must end in rows or an error.
//!
//! The last two bytes choose what is read and how it is cut; the rest are the server's bytes.

#![no_main]

#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/row_path/cases/mod.rs"]
mod cases;
#[path = "../../tests/row_path/wide.rs"]
mod wide;
#[path = "../../tests/row_path/wire.rs"]
mod wire;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wide::Wide;

/// Columns of one result: every type is in one of them.
const COLUMNS: usize = 9;

static RESULTS: LazyLock<Vec<Wide>> = LazyLock::new(|| {
    cases::all()
        .chunks(COLUMNS)
        .map(|some| wide::wide(some, 4))
        .collect()
});

/// Bytes of COLMETADATA at the start of a result.
fn announcement(result: &Wide) -> usize {
    let mut cursor = tds_copy::tds::cursor::Cursor::new(&result.payload);
    tds_copy::tds::token::parse(&mut cursor).expect("the result is well formed");
    cursor.position()
}

// Made before the first input: it takes longer than an input may.
fuzz_target!(init: { LazyLock::force(&RESULTS); }, |data: &[u8]| {
    let [rest @ .., choice, cut] = data else {
        return;
    };
    let result = &RESULTS[usize::from(choice / 3) % RESULTS.len()];
    let payload = match choice % 3 {
        // As they are: packet headers too.
        0 => {
            let _ = wire::read(&result.layout, 4096, rest.chunks(usize::from(*cut) * 7 + 1));
            return;
        }
        // Rows of a result that was announced.
        1 => [&result.payload[..announcement(result)], rest].concat(),
        // A good result with some bytes changed.
        _ => {
            let mut payload = result.payload.clone();
            for edit in rest.chunks_exact(3) {
                let place = usize::from(u16::from_le_bytes([edit[0], edit[1]]));
                let length = payload.len();
                payload[place % length] = edit[2];
            }
            payload
        }
    };
    let bytes = wire::packets(&payload, 64 + usize::from(*cut) * 16);
    let pieces = wire::read(&result.layout, 4096, bytes.chunks(usize::from(*cut) + 1));
    let whole = wire::read(&result.layout, 4096, [&bytes[..]]);
    let rows = |read: &tds_copy::error::Result<_>| match read {
        Ok((batches, outcome)) => Ok((rows_of(batches), format!("{outcome:?}"))),
        Err(error) => Err(format!("{error:?}")),
    };
    assert_eq!(rows(&pieces), rows(&whole), "cut {cut}");
});

/// Bytes of all rows, and the sum of their hashes.
fn rows_of(batches: &Vec<tds_copy::transcode::Batch>) -> (Vec<u8>, u128) {
    let bytes = batches.iter().flat_map(|batch| batch.bytes.to_vec());
    let sum = |sum: u128, batch: &tds_copy::transcode::Batch| {
        sum.wrapping_add(batch.checksum.unwrap_or_default())
    };
    (bytes.collect(), batches.iter().fold(0, sum))
}
