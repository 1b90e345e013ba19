//! tiberius decodes the same bytes: a scripted server in memory answers it.

use std::time::Duration;

use migrate::tds::packet::{RESPONSE, frame_message};
use tiberius::{AuthMethod, Client, ColumnData, Config, EncryptionLevel};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_util::compat::TokioAsyncWriteCompatExt;

use crate::cases::Raw;
use crate::wire::short_string;

/// PRELOGIN's answer: version 16.0.1000.0, encryption not supported (MS-TDS 2.2.6.5).
const PRELOGIN: [u8; 18] = [
    0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 16, 0, 0x03, 0xE8, 0, 0, 2,
];

fn login_ack() -> Vec<u8> {
    let mut body = vec![1, 0x74, 0, 0, 4];
    short_string(&mut body, "Microsoft SQL Server");
    body.extend_from_slice(&[16, 0, 0x03, 0xE8]);
    let mut bytes = vec![0xAD];
    bytes.extend_from_slice(&(body.len() as u16).to_le_bytes());
    bytes.extend(body);
    bytes.extend_from_slice(&[0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

async fn swallow_message(stream: &mut DuplexStream) {
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).await.unwrap();
        let length = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        if header[1] & 1 != 0 {
            return;
        }
    }
}

async fn serve(mut stream: DuplexStream, payload: Vec<u8>) {
    for answer in [PRELOGIN.to_vec(), login_ack(), payload] {
        swallow_message(&mut stream).await;
        let mut bytes = Vec::new();
        frame_message(RESPONSE, &answer, 4096, &mut bytes);
        stream.write_all(&bytes).await.unwrap();
    }
}

/// The rows of a result as tiberius sees them.
pub async fn decode(payload: Vec<u8>) -> Vec<Vec<ColumnData<'static>>> {
    let (ours, theirs) = duplex(1 << 20);
    let server = tokio::spawn(serve(theirs, payload));
    let mut config = Config::new();
    config.authentication(AuthMethod::sql_server("user", "password"));
    config.encryption(EncryptionLevel::NotSupported);
    config.command_timeout(Some(Duration::from_secs(300)));
    let mut client = Client::connect(config, ours.compat_write()).await.unwrap();
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
