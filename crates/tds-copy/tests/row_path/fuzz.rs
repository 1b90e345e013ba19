//! Wrong bytes: an error or rows, but no panic and no memory out of proportion.
//!
//! Seeded, so that a failure repeats. `make fuzz` runs the same reader under `cargo fuzz`.

use std::time::{Duration, Instant};

use tds_copy::transcode::RowLayout;
use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::cases::{self, Random};
use crate::wide::{STRICT, Wide, wide};
use crate::wire;

/// Long enough for some 10,000 streams.
const DURATION: Duration = Duration::from_secs(4);

fn stream(wide: &Wide, random: &mut Random) -> Vec<u8> {
    let mut payload = wide.payload.clone();
    match random.below(8) {
        0 => {
            // Anything at all, after a valid announcement.
            let keep = random.below(payload.len() as u64) as usize;
            payload.truncate(keep);
            let noise = random.below(2000);
            payload.extend((0..noise).map(|_| random.next() as u8));
        }
        1 => payload.truncate(random.below(payload.len() as u64) as usize),
        2 => {
            let from = random.below(payload.len() as u64) as usize;
            let upto = (from + random.below(300) as usize).min(payload.len());
            payload.drain(from..upto);
        }
        _ => {
            for _ in 0..=random.below(8) {
                let place = random.below(payload.len() as u64) as usize;
                payload[place] = match random.below(4) {
                    0 => 0xFF,
                    1 => 0,
                    2 => payload[place] ^ (1 << random.below(8)),
                    _ => random.next() as u8,
                };
            }
        }
    }
    let packet_size = 9 + random.below(4096) as usize;
    let mut bytes = wire::packets(&payload, packet_size);
    if random.below(8) == 0 {
        let place = random.below(bytes.len() as u64) as usize;
        bytes[place] = random.next() as u8;
    }
    bytes
}

#[test]
fn wrong_bytes_neither_panic_nor_fill_memory() {
    let cases = cases::all();
    let wides: Vec<_> = cases.chunks(9).map(|some| wide(some, 6)).collect();
    let mut random = Random(20_240_506);
    let (mut failed, mut passed) = (0u64, 0u64);
    let begin = Instant::now();
    while begin.elapsed() < DURATION {
        let wide = &wides[random.below(wides.len() as u64) as usize];
        let bytes = stream(wide, &mut random);
        let piece = 1 + random.below(3000) as usize;
        match wire::read(&wide.layout, 4096, bytes.chunks(piece)) {
            Err(_) => failed += 1,
            Ok((batches, _)) => {
                passed += 1;
                let made: usize = batches.iter().map(|batch| batch.bytes.capacity()).sum();
                // Each batch has its own buffer; padding a char(n) and rendering a time are the
                // only forms that are much longer than their wire bytes.
                assert!(made <= (bytes.len() * 40) + batches.len() * (4096 + 64 * 1024));
            }
        }
    }
    // Both must be met, or the streams test nothing.
    assert!(
        failed > 100 && passed > 100,
        "{failed} failed, {passed} passed"
    );
}

/// A megabyte of COLMETADATA, one byte in each packet. Reading it again for every packet would take
/// hours; the limit is far above what it takes, and far below that.
#[test]
fn a_long_announcement_in_tiny_packets_is_not_read_again_for_each() {
    const COLUMNS: u16 = 4096;
    let mut payload = vec![0x81];
    payload.extend_from_slice(&COLUMNS.to_le_bytes());
    for _ in 0..COLUMNS {
        payload.extend_from_slice(&[0, 0, 0, 0, 0x09, 0x00, 0x38]);
        wire::short_string(&mut payload, &"n".repeat(127));
    }
    payload.extend(wire::done(0));
    let int = wire::column(0, SqlType::Int, PgType::Integer, None);
    let layout = RowLayout::new(&[int], &[], STRICT).unwrap();
    let bytes = wire::packets(&payload, 9);
    let begin = Instant::now();
    let error = wire::read(&layout, 4096, bytes.chunks(1000)).unwrap_err();
    assert!(error.to_string().contains("4096 columns"), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}
