//! Any bytes as a server's response: `cargo +nightly fuzz run --fuzz-dir tests/fuzz row_reader`.
//!
//! The first byte chooses how the rest is cut into reads; the reader must end in rows or an error.

#![no_main]

#[path = "../../row_path/wire.rs"]
mod wire;

use libfuzzer_sys::fuzz_target;
use migrate::config::job::{ValuePolicy, Values};
use migrate::schema::SqlType;
use migrate::transcode::RowLayout;
use migrate::typemap::PgType;
use wire::{COLLATION, MAX, column, long_type};

fn layout() -> (RowLayout, Vec<u8>) {
    let types = [
        (SqlType::Int, PgType::Integer, vec![0x38]),
        (
            SqlType::Decimal {
                precision: 38,
                scale: 10,
            },
            PgType::Numeric(None),
            vec![0x6C, 17, 38, 10],
        ),
        (
            SqlType::DateTimeOffset { scale: 7 },
            PgType::Text,
            vec![0x2B, 7],
        ),
        (
            SqlType::NVarChar { length: None },
            PgType::Text,
            long_type(0xE7, MAX, Some(COLLATION)),
        ),
        (
            SqlType::VarChar { length: None },
            PgType::Text,
            long_type(0xA7, MAX, Some(COLLATION)),
        ),
        (
            SqlType::NChar { length: 9 },
            PgType::Char(9),
            long_type(0xEF, 18, Some(COLLATION)),
        ),
        (SqlType::Xml, PgType::Xml, vec![0xF1, 0]),
        (
            SqlType::SqlVariant,
            PgType::Jsonb,
            vec![0x62, 0x49, 0x1F, 0, 0],
        ),
        (
            SqlType::HierarchyId,
            PgType::Text,
            long_type(0xA5, 892, None),
        ),
        (
            SqlType::Geometry,
            PgType::Bytea,
            long_type(0xA5, MAX, None),
        ),
        (
            SqlType::Json,
            PgType::Jsonb,
            long_type(0xE7, MAX, Some(COLLATION)),
        ),
        (
            SqlType::Vector { dimensions: 3 },
            PgType::RealArray,
            long_type(0xE7, MAX, Some(COLLATION)),
        ),
        (
            SqlType::Image,
            PgType::Bytea,
            vec![0x22, 0xFF, 0xFF, 0xFF, 0x7F],
        ),
    ];
    let columns: Vec<_> = types
        .iter()
        .enumerate()
        .map(|(place, (source, target, _))| {
            column(place, source.clone(), target.clone(), Some(932))
        })
        .collect();
    let values = Values {
        nul_characters: ValuePolicy::Strip,
        unpaired_surrogates: ValuePolicy::Replace,
        out_of_range: ValuePolicy::Error,
    };
    let infos: Vec<_> = types.into_iter().map(|(_, _, info)| info).collect();
    let layout = RowLayout::new(&columns, &[0], values).expect("the pairs are supported");
    (layout, wire::metadata(&infos))
}

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (layout, metadata) = layout();
    // Half of the streams begin with a valid announcement, so that rows are reached.
    let payload = if first & 1 == 0 {
        [&metadata, rest].concat()
    } else {
        rest.to_vec()
    };
    let bytes = wire::packets(&payload, 512);
    let piece = usize::from(first >> 1) * 7 + 1;
    let _ = wire::read(&layout, 4096, bytes.chunks(piece));
    let _ = wire::read(&layout, 4096, [rest]);
});
