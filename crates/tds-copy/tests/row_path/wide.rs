//! A response of many types in one row, for tests and fuzz targets.

#![allow(dead_code, unreachable_pub)]

use tds_copy::transcode::{ResultColumn, RowLayout};
use tds_copy::transcode::{ValuePolicy, Values};
use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::cases::{self, Case};
use crate::wire;

pub const STRICT: Values = Values {
    nul_characters: ValuePolicy::Error,
    unpaired_surrogates: ValuePolicy::Error,
    undecodable: ValuePolicy::Error,
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
        columns.push(ResultColumn {
            name: case.name.clone(),
            ..wire::column(place + 1, source, target, case.code_page)
        });
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
