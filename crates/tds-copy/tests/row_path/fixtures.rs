//! Bytes that are not ours: byte facts that other drivers' tests hold, and what must be refused.

use tds_copy::error::Kind;
use tds_copy::transcode::{Batch, Outcome, RowLayout};
use tsql::key::KeyValue;
use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::wide::STRICT;
use crate::wire::{self, COLLATION, column, done, long_type, metadata, packets, row};

fn read_all(
    columns: &[(SqlType, PgType)],
    bytes: &[u8],
) -> tds_copy::error::Result<(Vec<Batch>, Outcome)> {
    let columns: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(place, (source, target))| column(place, source.clone(), target.clone(), Some(1252)))
        .collect();
    let layout = RowLayout::new(&columns, &[], STRICT).unwrap();
    let (batches, outcome) = wire::read(&layout, 1 << 20, [bytes])?;
    Ok((batches, outcome.expect("the response is whole")))
}

/// The fields of a response's only row; `None` is NULL.
fn fields(columns: &[(SqlType, PgType)], bytes: &[u8]) -> Vec<Option<Vec<u8>>> {
    let (batches, outcome) = read_all(columns, bytes).unwrap();
    assert_eq!((outcome.rows, batches.len()), (1, 1));
    let mut rest = &batches[0].bytes[2..];
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let length = i32::from_be_bytes(rest[..4].try_into().unwrap());
        rest = &rest[4..];
        fields.push((length >= 0).then(|| {
            let (field, after) = rest.split_at(length as usize);
            rest = after;
            field.to_vec()
        }));
    }
    fields
}

/// The row of one value of a type.
fn one(source: SqlType, target: PgType, info: Vec<u8>, field: &[u8]) -> Option<Vec<u8>> {
    let mut payload = metadata(&[info]);
    payload.extend(row(&[field.to_vec()]));
    payload.extend(done(1));
    fields(&[(source, target)], &packets(&payload, 4096)).remove(0)
}

/// A server's answer to `select count(*)`, recorded by the tests of mclap/tdslite; its SPID is
/// 0x37.
#[test]
fn a_recorded_count() {
    let bytes = [
        0x04, 0x01, 0x00, 0x27, 0x00, 0x37, 0x01, 0x00, 0x81, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x01, 0x00, 0x26, 0x04, 0x00, 0xD1, 0x04, 0x00, 0x00, 0x00, 0x00, 0xFD, 0x10, 0x00, 0xC1,
        0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ];
    let int = (SqlType::Int, PgType::Integer);
    assert_eq!(fields(&[int], &bytes), [Some(vec![0, 0, 0, 0])]);
}

/// Values and bytes from tedious, test/unit/token/row-token-parser-test.ts.
#[test]
fn values_that_tedious_knows() {
    let money = |field: &[u8]| one(SqlType::Money, PgType::Text, vec![0x6E, 8], field);
    let text = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(
        money(&[8, 0, 0, 0, 0, 0x80, 0xD6, 0x12, 0x00]),
        text("123.4560")
    );
    assert_eq!(
        money(&[8, 0xF4, 0x10, 0x22, 0x11, 0xDC, 0x6A, 0xE9, 0x7D]),
        text("123456789012345.1100")
    );
    let small = [4, 0x80, 0xD6, 0x12, 0x00];
    assert_eq!(
        one(SqlType::SmallMoney, PgType::Text, vec![0x6E, 4], &small),
        text("123.4560")
    );
    let guid = [
        16, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB,
        0xCD, 0xEF,
    ];
    assert_eq!(
        one(
            SqlType::UniqueIdentifier,
            PgType::Text,
            vec![0x24, 16],
            &guid
        ),
        text("67452301-AB89-EFCD-0123-456789ABCDEF")
    );
    // Days 2 and 45 seconds: 1900-01-03 00:00:45.
    let datetime = [2, 0, 0, 0, 0xBC, 0x34, 0, 0];
    assert_eq!(
        one(SqlType::DateTime, PgType::Text, vec![0x3D], &datetime),
        text("1900-01-03 00:00:45.000")
    );
    assert_eq!(
        one(
            SqlType::Float,
            PgType::DoublePrecision,
            vec![0x3E],
            &[0, 0, 0, 0, 0, 0, 0x23, 0x40]
        ),
        Some(9.5f64.to_be_bytes().to_vec())
    );
    let numeric = |precision, size: u8, words: &[u32]| {
        let mut field = vec![size, 1];
        words
            .iter()
            .for_each(|word| field.extend(word.to_le_bytes()));
        let info = vec![0x6C, size, precision, 1];
        one(
            SqlType::Decimal {
                precision,
                scale: 1,
            },
            PgType::Text,
            info,
            &field,
        )
    };
    assert_eq!(numeric(3, 5, &[93]), text("9.3"));
    assert_eq!(numeric(13, 9, &[93, 1]), text("429496738.9"));
    assert_eq!(numeric(23, 13, &[93, 2, 1]), text("1844674408229948630.1"));
    assert_eq!(
        numeric(33, 17, &[93, 3, 2, 1]),
        text("7922816255115782575384795554.9")
    );
}

/// Lengths that are told must be kept: tedious refuses such a value too.
#[test]
fn chunks_that_do_not_add_up_are_refused() {
    let info = long_type(0xA7, wire::MAX, Some(COLLATION));
    let source = SqlType::VarChar { length: None };
    let value = |told: u64| {
        let mut field = told.to_le_bytes().to_vec();
        for piece in [b"abc", b"def"] {
            field.extend_from_slice(&3u32.to_le_bytes());
            field.extend_from_slice(piece);
        }
        field.extend_from_slice(&[0; 4]);
        field
    };
    for told in [6, u64::MAX - 1] {
        let read = one(source.clone(), PgType::Text, info.clone(), &value(told));
        assert_eq!(read, Some(b"abcdef".to_vec()));
    }
    let mut payload = metadata(std::slice::from_ref(&info));
    payload.extend(row(&[value(7)]));
    payload.extend(done(1));
    let error = read_all(&[(source, PgType::Text)], &packets(&payload, 4096)).unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert_eq!(error.column(), Some("c0"));
}

/// A value that PostgreSQL cannot hold is named by column and row, and never shown.
#[test]
fn an_error_names_the_place_and_not_the_value() {
    let info = long_type(0xE7, 20, Some(COLLATION));
    let mut payload = metadata(&[vec![0x38], info]);
    for text in ["fine", "sec\0ret"] {
        let number = 1u32.to_le_bytes().to_vec();
        payload.extend(row(&[number, wire::short(&wire::utf16(text))]));
    }
    payload.extend(done(2));
    let columns = [
        (SqlType::Int, PgType::Integer),
        (SqlType::NVarChar { length: Some(10) }, PgType::VarChar(10)),
    ];
    let error = read_all(&columns, &packets(&payload, 4096)).unwrap_err();
    assert_eq!(error.kind(), Kind::Value);
    assert_eq!(error.column(), Some("c1"));
    assert_eq!(error.row(), Some(2));
    assert!(!error.to_string().contains("ret"), "{error}");
}

/// ERROR 1205 in the middle of rows: the rows before it, then the message.
#[test]
fn a_server_error_is_an_outcome() {
    let mut body = 1205i32.to_le_bytes().to_vec();
    body.extend_from_slice(&[45, 13]);
    wire::long_string(&mut body, "deadlock victim");
    wire::short_string(&mut body, "SQL01");
    wire::short_string(&mut body, "");
    body.extend_from_slice(&1u32.to_le_bytes());
    let mut payload = metadata(&[vec![0x38]]);
    payload.extend(row(&[vec![7, 0, 0, 0]]));
    payload.push(0xAA);
    payload.extend_from_slice(&(body.len() as u16).to_le_bytes());
    payload.extend(body);
    payload.extend_from_slice(&[0xFD, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let int = (SqlType::Int, PgType::Integer);
    let (batches, outcome) = read_all(&[int], &packets(&payload, 4096)).unwrap();
    assert_eq!(batches[0].rows, 1);
    let error = outcome.error.unwrap();
    assert_eq!((error.number, error.class), (1205, 13));
    assert_eq!(error.text, "deadlock victim");
}

/// Without this, a result that was cut off would pass for a whole table.
#[test]
fn a_result_that_the_server_does_not_call_whole_is_refused() {
    let int = || [(SqlType::Int, PgType::Integer)];
    let ended = |tokens: &[(u16, u64)]| {
        let mut payload = metadata(&[vec![0x38]]);
        payload.extend(row(&[vec![7, 0, 0, 0]]));
        for (status, rows) in tokens {
            let mut token = done(*rows);
            token[1..3].copy_from_slice(&status.to_le_bytes());
            payload.extend(token);
        }
        read_all(&int(), &packets(&payload, 4096)).map(|(_, outcome)| outcome.rows)
    };
    // DONE_COUNT 0x10, DONE_MORE 0x01; a count without the flag is no count.
    for whole in [&[(0x10, 1)][..], &[(0, 0)], &[(0x11, 1), (0x10, 9)]] {
        assert_eq!(ended(whole).unwrap(), 1, "{whole:?}");
    }
    let kind = |tokens: &[(u16, u64)]| ended(tokens).unwrap_err().kind();
    assert_eq!(kind(&[(0x10, 2)]), Kind::Protocol);
    assert_eq!(kind(&[(0x10, 0)]), Kind::Protocol);
    assert_eq!(kind(&[(0x30, 1)]), Kind::Protocol, "no ATTENTION");
    for failed in [0x02, 0x12, 0x100, 0x110] {
        assert_eq!(kind(&[(failed, 1)]), Kind::Statement, "{failed:#x}");
        assert_eq!(kind(&[(0x11, 1), (failed, 1)]), Kind::Statement);
    }
}

/// A column of a UTF-8 collation comes as nvarchar where the statement casts it, as a key too.
#[test]
fn a_utf_8_column_may_come_as_nvarchar() {
    let text = "ж😀";
    for (declared, length) in [(10, 20), (4000, 8000), (8000, 8000)] {
        for source in [
            SqlType::VarChar {
                length: Some(declared),
            },
            SqlType::Char { length: declared },
        ] {
            let planned = column(0, source, PgType::Text, Some(65001));
            let layout = RowLayout::new(&[planned], &[0], STRICT).unwrap();
            let mut payload = metadata(&[long_type(0xE7, length, Some(COLLATION))]);
            payload.extend(row(&[wire::short(&wire::utf16(text))]));
            payload.extend(done(1));
            let (batches, _) =
                wire::read(&layout, 1 << 20, [&packets(&payload, 4096)[..]]).unwrap();
            assert_eq!(&batches[0].bytes[6..], text.as_bytes());
            let units = KeyValue::National(text.encode_utf16().collect());
            assert_eq!(batches[0].last_key, Some(vec![units]));
        }
    }
}

/// Another type, scale, length or number of columns than planned is refused before any row.
#[test]
fn a_result_that_was_not_planned_is_refused() {
    let planned = |source: SqlType, target: PgType, info: Vec<u8>| {
        let mut payload = metadata(&[info]);
        payload.extend(done(0));
        read_all(&[(source, target)], &packets(&payload, 4096))
    };
    let varchar = |length| SqlType::VarChar {
        length: Some(length),
    };
    let decimal = SqlType::Decimal {
        precision: 9,
        scale: 2,
    };
    let numeric = PgType::Numeric(Some((9, 2)));
    let utf8 = Some(wire::UTF8_COLLATION);
    for (source, target, info) in [
        (SqlType::Int, PgType::Integer, vec![0x26, 8]),
        (decimal, numeric, vec![0x6C, 5, 9, 3]),
        (
            varchar(10),
            PgType::VarChar(10),
            long_type(0xA7, 11, Some(COLLATION)),
        ),
        (varchar(10), PgType::VarChar(10), long_type(0xA7, 10, utf8)),
        (SqlType::Time { scale: 3 }, PgType::Time(3), vec![0x29, 2]),
        (SqlType::Date, PgType::Date, vec![0x62, 0, 0, 0, 0]),
    ] {
        // Another type is a table that was changed; another code page than the catalog's is not.
        let kind = if info == long_type(0xA7, 10, utf8) {
            Kind::Protocol
        } else {
            Kind::Changed
        };
        let error = planned(source, target, info).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.column(), Some("c0"), "{error}");
    }
    assert!(
        planned(
            varchar(10),
            PgType::VarChar(10),
            long_type(0xE7, 20, Some(COLLATION))
        )
        .is_ok()
    );
    let mut payload = metadata(&[vec![0x38], vec![0x38]]);
    payload.extend(done(0));
    let int = (SqlType::Int, PgType::Integer);
    assert!(read_all(&[int], &packets(&payload, 4096)).is_err());
}

/// After an ATTENTION everything is dropped up to its acknowledgement, which comes at the end of
/// the statement's message or in one of its own.
#[test]
fn an_attention_ends_with_its_acknowledgement() {
    use tds_copy::transcode::{RowReader, Step};
    let int = column(0, SqlType::Int, PgType::Integer, None);
    let layout = RowLayout::new(&[int], &[0], STRICT).unwrap();
    let mut payload = metadata(&[vec![0x38]]);
    payload.extend(row(&[vec![7, 0, 0, 0]]));
    let mut acknowledgement = done(0);
    acknowledgement[1] = 0x20;
    let together = packets(&[payload.clone(), acknowledgement.clone()].concat(), 4096);
    let apart = [
        packets(&[payload, done(1)].concat(), 4096),
        packets(&acknowledgement, 4096),
    ];
    for bytes in [together, apart.concat()] {
        let mut reader = RowReader::new(layout.clone());
        reader.expect_attention();
        let mut outcome = None;
        for byte in bytes {
            assert!(outcome.is_none());
            reader.space()[0] = byte;
            reader.filled(1);
            outcome = match reader.step().unwrap() {
                Step::NeedInput => None,
                Step::Done(outcome) => Some(outcome),
                Step::Batch(_) => panic!("rows after an attention"),
            };
        }
        assert!(outcome.unwrap().attention);
    }
}

/// A stop in the middle of a row hands over the rows before it, with the last whole row's key.
#[test]
fn whole_rows_can_be_taken_at_any_time() {
    use tds_copy::transcode::{RowReader, Step};
    let columns = [
        column(0, SqlType::Int, PgType::Integer, None),
        column(1, SqlType::NVarChar { length: None }, PgType::Text, None),
    ];
    let layout = RowLayout::new(&columns, &[0], STRICT).unwrap();
    let mut payload = metadata(&[vec![0x38], long_type(0xE7, wire::MAX, Some(COLLATION))]);
    for n in 0..20u32 {
        let text = wire::plp(&wire::utf16(&"longer than a packet ".repeat(40)), 100, true);
        payload.extend(row(&[n.to_le_bytes().to_vec(), text]));
    }
    payload.extend(done(20));
    let bytes = packets(&payload, 512);
    let run = |every: usize| {
        let mut reader = RowReader::new(layout.clone());
        let mut batches = Vec::new();
        for (place, byte) in bytes.iter().enumerate() {
            reader.space()[0] = *byte;
            reader.filled(1);
            loop {
                match reader.step().unwrap() {
                    Step::NeedInput => break,
                    Step::Batch(batch) => batches.push(batch),
                    Step::Done(_) => return batches,
                }
            }
            if place % every == 0 {
                batches.extend(reader.take_batch().unwrap());
            }
        }
        panic!("the response does not end")
    };
    let whole = run(usize::MAX);
    let often = run(97);
    assert!(whole.len() == 1 && often.len() == 20);
    let joined: Vec<u8> = often
        .iter()
        .flat_map(|batch| batch.bytes.to_vec())
        .collect();
    assert!(*joined == *whole[0].bytes);
    for (n, batch) in often.iter().enumerate() {
        assert_eq!(batch.last_key, Some(vec![KeyValue::Int(n as i64)]));
    }
}
