//! The same bytes give the same batches wherever they are cut.

use migrate::config::job::{ValuePolicy, Values};
use migrate::schema::SqlType;
use migrate::transcode::{Batch, RowLayout};
use migrate::typemap::PgType;
use proptest::prelude::*;

use crate::cases::{self, Case};
use crate::wire;

pub const STRICT: Values = Values {
    nul_characters: ValuePolicy::Error,
    unpaired_surrogates: ValuePolicy::Error,
    out_of_range: ValuePolicy::Error,
};

/// An ordinal and one column per case, the first `rows` values of each.
pub struct Wide {
    pub layout: RowLayout,
    pub payload: Vec<u8>,
    pub rows: u64,
}

/// Every type in one row, ROW and NBCROW in turn.
pub fn wide(cases: &[Case], rows: usize) -> Wide {
    let mut columns = vec![wire::column(0, SqlType::Int, PgType::Integer, None)];
    let mut types = vec![vec![0x38]];
    for (place, case) in cases.iter().enumerate() {
        let (source, target) = (case.source.clone(), case.target.clone());
        columns.push(wire::column(place + 1, source, target, case.code_page));
        types.push(case.info.clone());
    }
    let mut payload = wire::metadata(&types);
    for row in 0..rows {
        let ordinal = (row as u32).to_le_bytes().to_vec();
        let fields = cases
            .iter()
            .map(|case| &case.values[row % case.values.len()]);
        if row % 2 == 0 {
            let fields: Vec<_> = std::iter::once(ordinal)
                .chain(fields.map(|(_, field)| field.clone()))
                .collect();
            payload.extend(wire::row(&fields));
        } else {
            let fields: Vec<_> = std::iter::once(Some(ordinal))
                .chain(fields.map(|(raw, field)| (*raw != cases::Raw::Null).then(|| field.clone())))
                .collect();
            payload.extend(wire::nbc_row(&fields));
        }
    }
    payload.extend(wire::done(rows as u64));
    Wide {
        layout: RowLayout::new(&columns, &[0], STRICT)
            .unwrap()
            .with_checksums(true),
        payload,
        rows: rows as u64,
    }
}

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
