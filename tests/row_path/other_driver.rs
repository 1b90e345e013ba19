//! tiberius decodes the same bytes: a scripted server in memory answers it.

use tiberius::ColumnData;

use crate::cases::Raw;
use crate::scripted;

/// The rows of a result as tiberius sees them.
pub async fn decode(payload: Vec<u8>) -> Vec<Vec<ColumnData<'static>>> {
    let (mut client, server) = scripted::connect(payload, 4096).await;
    let stream = client.simple_query("SELECT").await.unwrap();
    let rows = stream.into_first_result().await.unwrap();
    server.await.unwrap();
    rows.into_iter()
        .map(|row| row.into_iter().collect())
        .collect()
}

/// Whether tiberius's value is the value that the bytes were made from.
pub fn same(raw: &Raw, decoded: &ColumnData<'_>) -> bool {
    match (raw, decoded) {
        (Raw::Bool(raw), ColumnData::Bit(Some(value))) => raw == value,
        (Raw::Int(raw), ColumnData::U8(Some(value))) => *raw == i64::from(*value),
        (Raw::Int(raw), ColumnData::I16(Some(value))) => *raw == i64::from(*value),
        (Raw::Int(raw), ColumnData::I32(Some(value))) => *raw == i64::from(*value),
        (Raw::Int(raw), ColumnData::I64(Some(value))) => raw == value,
        (Raw::F32(raw), ColumnData::F32(Some(value))) => *raw == value.to_bits(),
        (Raw::F64(raw), ColumnData::F64(Some(value))) => *raw == value.to_bits(),
        (Raw::Decimal(negative, magnitude, scale), ColumnData::Numeric(Some(value))) => {
            let raw = *magnitude as i128;
            value.value() == if *negative { -raw } else { raw } && value.scale() == *scale
        }
        (Raw::Guid(raw), ColumnData::Guid(Some(value))) => raw == value.as_bytes(),
        (Raw::Bytes(raw), ColumnData::Binary(Some(value))) => **raw == **value,
        (Raw::Text(raw), ColumnData::String(Some(value))) => **raw == **value,
        (Raw::Text(raw), ColumnData::Xml(Some(value))) => *raw == value.as_ref().to_string(),
        (raw, decoded) => same_moment(raw, decoded),
    }
}

fn same_moment(raw: &Raw, decoded: &ColumnData<'_>) -> bool {
    match (raw, decoded) {
        (Raw::Date(raw), ColumnData::Date(Some(value))) => *raw == value.days(),
        (Raw::Time(raw, scale), ColumnData::Time(Some(value))) => {
            (*raw, *scale) == (value.increments(), value.scale())
        }
        (Raw::SmallDateTime(day, minute), ColumnData::SmallDateTime(Some(value))) => {
            (*day, *minute) == (value.days(), value.seconds_fragments())
        }
        (Raw::DateTime(day, tick), ColumnData::DateTime(Some(value))) => {
            (*day, *tick) == (value.days(), value.seconds_fragments())
        }
        (Raw::DateTime2(day, fraction, scale), ColumnData::DateTime2(Some(value))) => {
            let time = value.time();
            (*day, *fraction, *scale) == (value.date().days(), time.increments(), time.scale())
        }
        (Raw::Offset(day, fraction, offset, scale), ColumnData::DateTimeOffset(Some(value))) => {
            let (moment, time) = (value.datetime2(), value.datetime2().time());
            (*day, *fraction, *scale, *offset)
                == (
                    moment.date().days(),
                    time.increments(),
                    time.scale(),
                    value.offset(),
                )
        }
        _ => *raw == Raw::Null && is_null(decoded),
    }
}

fn is_null(decoded: &ColumnData<'_>) -> bool {
    // The debug form of every variant without a value ends in `(None)`.
    format!("{decoded:?}").ends_with("(None)")
}

#[test]
fn the_comparison_can_fail() {
    assert!(same(&Raw::Int(5), &ColumnData::I32(Some(5))));
    assert!(!same(&Raw::Int(5), &ColumnData::I32(Some(6))));
    assert!(!same(&Raw::Null, &ColumnData::I32(Some(6))));
    assert!(same(&Raw::Null, &ColumnData::I32(None)));
}
