//! Builds responses byte by byte from MS-TDS, without the tool's own parser.

#![allow(dead_code, unreachable_pub)]

use tds_copy::tds::packet::{RESPONSE, frame_message};
use tds_copy::transcode::ResultColumn;
use tds_copy::transcode::{Batch, Outcome, RowLayout, RowReader, Step};
use tsql::schema::SqlType;
use tsql::typemap::PgType;

/// Latin1_General_CI_AS: LCID 0x0409, ignore case, kana and width; sort id 52.
pub const COLLATION: [u8; 5] = [0x09, 0x04, 0xD0, 0x00, 0x34];
/// The same with the flag fUTF8.
pub const UTF8_COLLATION: [u8; 5] = [0x09, 0x04, 0xD0, 0x04, 0x00];

pub const MAX: u16 = 0xFFFF;

/// TYPE_INFO of a type that has a length of two bytes; characters have a collation.
pub fn long_type(token: u8, length: u16, collation: Option<[u8; 5]>) -> Vec<u8> {
    let mut info = vec![token];
    info.extend_from_slice(&length.to_le_bytes());
    info.extend(collation.into_iter().flatten());
    info
}

/// COLMETADATA of nullable columns c0, c1...
pub fn metadata(types: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0x81];
    bytes.extend_from_slice(&(types.len() as u16).to_le_bytes());
    for (place, ty) in types.iter().enumerate() {
        bytes.extend_from_slice(&[0, 0, 0, 0, 0x09, 0x00]);
        bytes.extend_from_slice(ty);
        if matches!(ty[0], 0x22 | 0x23 | 0x63) {
            bytes.push(2);
            long_string(&mut bytes, "dbo");
            long_string(&mut bytes, "Table");
        }
        short_string(&mut bytes, &format!("c{place}"));
    }
    bytes
}

pub fn short_string(bytes: &mut Vec<u8>, text: &str) {
    let units: Vec<u16> = text.encode_utf16().collect();
    bytes.push(units.len() as u8);
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
}

pub fn long_string(bytes: &mut Vec<u8>, text: &str) {
    let units: Vec<u16> = text.encode_utf16().collect();
    bytes.extend_from_slice(&(units.len() as u16).to_le_bytes());
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
}

/// DONE with a count.
pub fn done(rows: u64) -> Vec<u8> {
    let mut bytes = vec![0xFD, 0x10, 0x00, 0xC1, 0x00];
    bytes.extend_from_slice(&rows.to_le_bytes());
    bytes
}

/// A ROW of fields that are there in wire form.
pub fn row(fields: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0xD1];
    fields
        .iter()
        .for_each(|field| bytes.extend_from_slice(field));
    bytes
}

/// An NBCROW; `None` is NULL.
pub fn nbc_row(fields: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut bitmap = vec![0u8; fields.len().div_ceil(8)];
    for (place, field) in fields.iter().enumerate() {
        if field.is_none() {
            bitmap[place / 8] |= 1 << (place % 8);
        }
    }
    let mut bytes = vec![0xD2];
    bytes.extend_from_slice(&bitmap);
    fields
        .iter()
        .flatten()
        .for_each(|field| bytes.extend_from_slice(field));
    bytes
}

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A value after a length of one byte.
pub fn byte(value: &[u8]) -> Vec<u8> {
    [&[value.len() as u8], value].concat()
}

/// A value after a length of two bytes.
pub fn short(value: &[u8]) -> Vec<u8> {
    [&(value.len() as u16).to_le_bytes()[..], value].concat()
}

/// A PLP value in chunks of `chunk` bytes, its length told or not.
pub fn plp(value: &[u8], chunk: usize, told: bool) -> Vec<u8> {
    let length = if told {
        value.len() as u64
    } else {
        u64::MAX - 1
    };
    let mut bytes = length.to_le_bytes().to_vec();
    for piece in value.chunks(chunk.max(1)) {
        bytes.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        bytes.extend_from_slice(piece);
    }
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

/// A text, ntext or image value.
pub fn pointer(value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![16];
    bytes.extend_from_slice(b"dummy textptr\0\0\0dummyTS\0");
    bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    bytes.extend_from_slice(value);
    bytes
}

/// NULL of each wire form.
pub fn null(type_token: u8, length: u16) -> Vec<u8> {
    match (type_token, length) {
        (0x62, _) => vec![0; 4],
        (0xF1, _) | (0xA5 | 0xA7 | 0xE7, MAX) => vec![0xFF; 8],
        (0xA5 | 0xA7 | 0xAD | 0xAF | 0xE7 | 0xEF, _) => vec![0xFF; 2],
        _ => vec![0],
    }
}

pub fn column(place: usize, ty: SqlType, target: PgType, code_page: Option<u16>) -> ResultColumn {
    ResultColumn {
        name: format!("c{place}"),
        source: ty,
        code_page,
        target_name: format!("c{place}"),
        target,
    }
}

/// A message in packets.
pub fn packets(payload: &[u8], packet_size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame_message(RESPONSE, payload, packet_size, &mut bytes);
    bytes
}

/// What a reader made of bytes that came in these pieces.
pub fn read<'a>(
    layout: &RowLayout,
    batch_bytes: usize,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> tds_copy::error::Result<(Vec<Batch>, Option<Outcome>)> {
    let mut reader = RowReader::new(layout.clone()).with_batch_bytes(batch_bytes);
    let mut batches = Vec::new();
    for piece in pieces {
        let mut rest = piece;
        while !rest.is_empty() {
            let space = reader.space();
            let count = rest.len().min(space.len());
            space[..count].copy_from_slice(&rest[..count]);
            reader.filled(count);
            rest = &rest[count..];
            loop {
                match reader.step()? {
                    Step::NeedInput => break,
                    Step::Batch(batch) => batches.push(batch),
                    Step::Done(outcome) => return Ok((batches, Some(outcome))),
                }
            }
        }
    }
    Ok((batches, None))
}
