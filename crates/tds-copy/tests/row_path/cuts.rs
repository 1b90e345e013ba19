//! The same bytes give the same batches wherever they are cut.

use proptest::prelude::*;
use tds_copy::transcode::Batch;

use crate::cases;
use crate::wide::{Wide, wide};
use crate::wire;

/// All rows' bytes, their number, the sum of the checksums and the last key.
fn whole(batches: &[Batch]) -> (Vec<u8>, u64, u128, String) {
    let bytes = batches
        .iter()
        .flat_map(|batch| batch.bytes.to_vec())
        .collect();
    let rows = batches.iter().map(|batch| batch.rows).sum();
    let checksum = batches.iter().fold(0u128, |sum, batch| {
        sum.wrapping_add(batch.checksum.unwrap())
    });
    let key = batches.last().map(|batch| format!("{:?}", batch.last_key));
    (bytes, rows, checksum, key.unwrap_or_default())
}

#[test]
fn one_byte_at_a_time_and_packets_of_every_size_give_the_same_rows() {
    let wide = wide(&cases::all(), 60);
    let bytes = wire::packets(&wide.payload, 32_767);
    let (batches, outcome) =
        wire::read(&wide.layout, usize::MAX, [&bytes[..]]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(outcome.unwrap().rows, wide.rows);
    assert_eq!(batches.len(), 1);
    let expected = whole(&batches);
    assert_eq!(expected.1, wide.rows);
    assert_eq!(expected.3, "Some([Int(59)])");
    for packet_size in [512, 513, 577, 4096, 32_768] {
        let bytes = wire::packets(&wide.payload, packet_size);
        for piece in [1, 3, 511, 40_000] {
            let (batches, outcome) = wire::read(&wide.layout, 20_000, bytes.chunks(piece)).unwrap();
            assert!(outcome.is_some() && batches.len() > 1);
            assert!(
                whole(&batches) == expected,
                "packets of {packet_size}, pieces of {piece}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_cuts_give_the_same_rows(
        packet_size in 9usize..700,
        batch_bytes in 1usize..100_000,
        mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let wide = cached();
        let bytes = wire::packets(&wide.payload, packet_size);
        let (batches, _) = wire::read(&wide.layout, usize::MAX, [&bytes[..]]).unwrap();
        let expected = whole(&batches);
        let mut places: Vec<_> = cuts.drain(..).map(|cut| cut.index(bytes.len())).collect();
        places.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for place in places {
            pieces.push(&bytes[from..place]);
            from = place;
        }
        pieces.push(&bytes[from..]);
        let (batches, outcome) = wire::read(&wide.layout, batch_bytes, pieces).unwrap();
        prop_assert_eq!(outcome.unwrap().rows, wide.rows);
        prop_assert!(whole(&batches) == expected);
    }
}

fn cached() -> &'static Wide {
    static WIDE: std::sync::OnceLock<Wide> = std::sync::OnceLock::new();
    WIDE.get_or_init(|| wide(&cases::all(), 8))
}
