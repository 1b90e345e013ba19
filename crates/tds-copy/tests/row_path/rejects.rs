//! Rows that PostgreSQL cannot hold: cut out, described without loss, and nothing else is.

use serde_json::{Value, json};
use tds_copy::transcode::{Batch, Reason, Reject, RowLayout};
use tds_copy::transcode::{ValuePolicy, Values};
use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::wire::{self, COLLATION, MAX};

const REJECT: Values = Values::uniform(ValuePolicy::Reject, ValuePolicy::Reject);

/// One way in which text comes: its column, and how its bytes lie on the wire.
struct Way {
    source: SqlType,
    target: PgType,
    page: Option<u16>,
    info: Vec<u8>,
    field: fn(&[u8]) -> Vec<u8>,
    encoding: &'static str,
}

fn way(
    source: SqlType,
    target: PgType,
    page: Option<u16>,
    info: Vec<u8>,
    field: fn(&[u8]) -> Vec<u8>,
) -> Way {
    let encoding = match page {
        None => "utf-16le",
        Some(1253) => "code page 1253",
        Some(_) => "code page 932",
    };
    Way {
        source,
        target,
        page,
        info,
        field,
        encoding,
    }
}

fn chunks(value: &[u8]) -> Vec<u8> {
    wire::plp(value, 7, false)
}

fn one_chunk(value: &[u8]) -> Vec<u8> {
    wire::plp(value, usize::MAX, true)
}

/// nchar, nvarchar, nvarchar(max), ntext, xml.
fn unicode() -> Vec<Way> {
    let n = |token, length| wire::long_type(token, length, Some(COLLATION));
    let ntext = [&[0x63][..], &[0xFF, 0xFF, 0xFF, 0x7F], &COLLATION].concat();
    let (max, text) = (SqlType::NVarChar { length: None }, PgType::Text);
    vec![
        way(
            SqlType::NChar { length: 50 },
            PgType::Char(50),
            None,
            n(0xEF, 100),
            wire::short,
        ),
        way(
            SqlType::NVarChar { length: Some(50) },
            PgType::VarChar(50),
            None,
            n(0xE7, 100),
            wire::short,
        ),
        way(max.clone(), text.clone(), None, n(0xE7, MAX), chunks),
        way(max, text.clone(), None, n(0xE7, MAX), one_chunk),
        way(SqlType::NText, text.clone(), None, ntext, wire::pointer),
        way(SqlType::Xml, PgType::Xml, None, vec![0xF1, 0], chunks),
    ]
}

/// char, varchar, varchar(max), text of a page of single bytes and of several.
fn coded() -> Vec<Way> {
    let c = |token, length| wire::long_type(token, length, Some(COLLATION));
    let text = [&[0x23][..], &[0xFF, 0xFF, 0xFF, 0x7F], &COLLATION].concat();
    let mut ways = Vec::new();
    for page in [Some(1253), Some(932)] {
        let max = SqlType::VarChar { length: None };
        ways.push(way(
            SqlType::Char { length: 50 },
            PgType::Char(50),
            page,
            c(0xAF, 50),
            wire::short,
        ));
        ways.push(way(
            SqlType::VarChar { length: Some(50) },
            PgType::VarChar(50),
            page,
            c(0xA7, 50),
            wire::short,
        ));
        ways.push(way(max.clone(), PgType::Text, page, c(0xA7, MAX), chunks));
        ways.push(way(max, PgType::Text, page, c(0xA7, MAX), one_chunk));
        ways.push(way(
            SqlType::Text,
            PgType::Text,
            page,
            text.clone(),
            wire::pointer,
        ));
    }
    ways
}

/// A key, the text, and a column after it.
fn layout(way: &Way, values: Values) -> (RowLayout, Vec<u8>) {
    let columns = [
        wire::column(0, SqlType::Int, PgType::Integer, None),
        wire::column(1, way.source.clone(), way.target.clone(), way.page),
        wire::column(2, SqlType::BigInt, PgType::BigInt, None),
    ];
    let types = [vec![0x38], way.info.clone(), vec![0x7F]];
    let layout = RowLayout::new(&columns, &[0], values).unwrap();
    (layout, wire::metadata(&types))
}

fn row(way: &Way, id: i32, text: &[u8]) -> Vec<u8> {
    let (id, behind) = (id.to_le_bytes().to_vec(), 9i64.to_le_bytes().to_vec());
    wire::row(&[id, (way.field)(text), behind])
}

/// All batches' sums, rejects and bytes, from packets of 64 bytes in pieces of 5.
fn read(layout: &RowLayout, payload: &[u8], rows: u64) -> (u64, Vec<Reject>, Vec<u8>) {
    let payload = [payload, &wire::done(rows)].concat();
    let bytes = wire::packets(&payload, 64);
    let (batches, outcome) = wire::read(layout, 200, bytes.chunks(5)).unwrap();
    assert_eq!(outcome.unwrap().rows, rows, "every row is accounted for");
    let sum = |of: fn(&Batch) -> u64| batches.iter().map(of).sum();
    let rejects = batches.iter().flat_map(|batch| batch.rejects.clone());
    let bytes = batches.iter().flat_map(|batch| batch.bytes.to_vec());
    (sum(|batch| batch.rows), rejects.collect(), bytes.collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Good rows around the faulty one must be what they are without it.
fn is_cut_out(way: &Way, faulty: &[u8], good: &[u8], reason: Reason) {
    let (layout, metadata) = layout(way, REJECT);
    let whole = [
        &metadata[..],
        &row(way, 1, good),
        &row(way, 2, faulty),
        &row(way, 3, good),
    ];
    let (rows, rejects, bytes) = read(&layout, &whole.concat(), 3);
    assert_eq!((rows, rejects.len()), (2, 1), "{:?} {reason:?}", way.source);
    let without = [&metadata[..], &row(way, 1, good), &row(way, 3, good)].concat();
    assert!(
        bytes == read(&layout, &without, 2).2,
        "{:?} {reason:?}",
        way.source
    );
    let reject = &rejects[0];
    assert_eq!(
        (reject.faults[0].column.as_str(), reject.faults[0].reason),
        ("c1", reason)
    );
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(reject.key.as_deref().map(json), Some(json!({ "c0": "2" })));
    assert_eq!(
        json(&reject.row),
        json!({ "c0": "2", "c1": { "$hex": hex(faulty), "$encoding": way.encoding }, "c2": "9" }),
        "{:?} {reason:?}",
        way.source
    );
}

#[test]
fn a_faulty_row_is_cut_out_and_kept_as_the_server_sent_it() {
    let long = "long text ".repeat(5);
    for way in unicode() {
        let good = wire::utf16("good");
        for (middle, reason) in [
            (&[0, 0][..], Reason::NulCharacters),
            (&[0x00, 0xD8], Reason::UnpairedSurrogates),
            (&[0x3D, 0xDE], Reason::UnpairedSurrogates),
        ] {
            let middle = [&wire::utf16("ж"), middle, &wire::utf16("😀")].concat();
            is_cut_out(&way, &middle, &good, reason);
            is_cut_out(&way, &[wire::utf16("a"), middle].concat(), &good, reason);
        }
        let high_at_the_end = [wire::utf16(&long[..40]), vec![0x3D, 0xD8]].concat();
        is_cut_out(&way, &high_at_the_end, &good, Reason::UnpairedSurrogates);
    }
    for way in coded() {
        let undefined: &[u8] = if way.page == Some(1253) {
            &[0xAA]
        } else {
            &[0xFE]
        };
        for (middle, reason) in [
            (&[0][..], Reason::NulCharacters),
            (undefined, Reason::Undecodable),
        ] {
            let faulty = [&long.as_bytes()[..30], middle, b"end"].concat();
            is_cut_out(&way, &faulty, b"good", reason);
        }
    }
    // The first half of a character at the end of the text.
    for way in coded().iter().filter(|way| way.page == Some(932)) {
        is_cut_out(way, b"cut \x83", b"good", Reason::Undecodable);
    }
}

#[test]
fn strip_and_replace_are_counted_by_column_and_not_in_rejected_rows() {
    for (policy, expected) in [
        (ValuePolicy::Strip, "ab"),
        (ValuePolicy::Replace, "a\u{FFFD}b"),
    ] {
        let values = Values {
            unpaired_surrogates: ValuePolicy::Reject,
            ..Values::uniform(policy, ValuePolicy::Error)
        };
        for way in unicode().iter().filter(|way| way.target == PgType::Text) {
            let (layout, metadata) = layout(way, values);
            let nul = [wire::utf16("a"), vec![0, 0], wire::utf16("b")].concat();
            let both = [&nul[..], &[0x00, 0xD8]].concat();
            let payload = [
                &metadata[..],
                &row(way, 1, &nul),
                &row(way, 2, &both),
                &wire::done(2),
            ]
            .concat();
            let bytes = wire::packets(&payload, 64);
            let (batches, _) = wire::read(&layout, usize::MAX, bytes.chunks(5)).unwrap();
            assert_eq!(batches.len(), 1);
            assert_eq!(batches[0].changed, [0, 1, 0]);
            assert_eq!((batches[0].rows, batches[0].rejects.len()), (1, 1));
            let text = batches[0].bytes.windows(expected.len());
            assert!(text.into_iter().any(|window| window == expected.as_bytes()));
            assert!(
                batches[0].rejects[0].row.contains(&hex(&both)),
                "the value before the policy"
            );
        }
    }
}

#[test]
fn every_faulty_column_is_named_and_null_stays_null() {
    let ty = SqlType::NVarChar { length: Some(50) };
    let columns = (0..4)
        .map(|place| wire::column(place, ty.clone(), PgType::VarChar(50), None))
        .collect::<Vec<_>>();
    let types = vec![wire::long_type(0xE7, 100, Some(COLLATION)); 4];
    let layout = RowLayout::new(&columns, &[], REJECT).unwrap();
    let field = |text: &[u8]| Some(wire::short(text));
    let row = wire::nbc_row(&[
        field(&[0, 0]),
        None,
        field(&wire::utf16("ok")),
        field(&[0, 0xDC]),
    ]);
    let (rows, rejects, bytes) = read(&layout, &[wire::metadata(&types), row].concat(), 1);
    assert_eq!((rows, bytes.len()), (0, 0));
    let faults = rejects[0]
        .faults
        .iter()
        .map(|fault| (fault.column.as_str(), fault.reason));
    assert_eq!(
        faults.collect::<Vec<_>>(),
        [
            ("c0", Reason::NulCharacters),
            ("c3", Reason::UnpairedSurrogates)
        ]
    );
    assert_eq!(rejects[0].key, None);
    let row: Value = serde_json::from_str(&rejects[0].row).unwrap();
    assert_eq!((&row["c1"], &row["c2"]), (&Value::Null, &json!("ok")));
}

/// It is no text, so its bytes were not kept: ten of them stood there as a length.
#[test]
fn a_whole_globe_is_kept_as_the_server_sent_it() {
    let columns = [
        wire::column(0, SqlType::Int, PgType::Integer, None),
        wire::column(1, SqlType::Geography, PgType::Bytea, None),
    ];
    let types = [vec![0x38], wire::long_type(0xA5, MAX, None)];
    // FULLGLOBE of SRID 4326, as it is selected: the SRID and `AsBinaryZM()`.
    let globe = [0, 0, 0x10, 0xE6, 1, 0x7E, 0, 0, 0];
    let row = wire::row(&[7i32.to_le_bytes().to_vec(), chunks(&globe)]);
    let payload = [wire::metadata(&types), row].concat();
    let values = Values {
        out_of_range: ValuePolicy::Reject,
        ..Values::uniform(ValuePolicy::Error, ValuePolicy::Error)
    };
    let layout = RowLayout::new(&columns, &[0], values).unwrap();
    let (rows, rejects, _) = read(&layout, &payload, 1);
    assert_eq!((rows, rejects.len()), (0, 1));
    assert_eq!(rejects[0].faults[0].reason, Reason::OutOfRange);
    let row: Value = serde_json::from_str(&rejects[0].row).unwrap();
    assert_eq!(
        row["c1"],
        json!({ "$hex": hex(&globe), "$encoding": "tds" })
    );
}

/// A table of nothing but faulty rows must neither fill the memory nor stand still.
#[test]
fn batches_of_rejects_alone_are_bounded_and_tell_where_to_go_on() {
    let way = &unicode()[1];
    let (layout, metadata) = layout(way, REJECT);
    let mut payload = metadata;
    (0..2000).for_each(|id| payload.extend(row(way, id, &[0, 0])));
    payload.extend(wire::done(2000));
    let bytes = wire::packets(&payload, 4096);
    let (batches, outcome) = wire::read(&layout, 5000, bytes.chunks(4096)).unwrap();
    assert_eq!(outcome.unwrap().rows, 2000);
    assert!(batches.len() > 20);
    let mut rejected = 0;
    for batch in &batches {
        rejected += batch.rejects.len();
        assert!(batch.rows == 0 && batch.bytes.is_empty() && batch.size() < 6000);
        let last = format!("Some([Int({})])", rejected - 1);
        assert_eq!(format!("{:?}", batch.last_key), last);
    }
    assert_eq!(rejected, 2000);
}

#[test]
fn a_key_that_its_code_page_does_not_define_is_no_place_to_go_on() {
    let columns = [wire::column(
        0,
        SqlType::VarChar { length: Some(50) },
        PgType::VarChar(50),
        Some(1253),
    )];
    let types = [wire::long_type(0xA7, 50, Some(COLLATION))];
    for policy in [
        ValuePolicy::Reject,
        ValuePolicy::Strip,
        ValuePolicy::Replace,
    ] {
        let values = Values::uniform(policy, ValuePolicy::Error);
        let layout = RowLayout::new(&columns, &[0], values).unwrap();
        let key = |text: &[u8]| wire::row(&[wire::short(text)]);
        let payload = [
            wire::metadata(&types),
            key(b"a"),
            key(b"\xAA"),
            key(b"b"),
            wire::done(3),
        ]
        .concat();
        let bytes = wire::packets(&payload, 4096);
        let (batches, _) = wire::read(&layout, 1, [&bytes[..]]).unwrap();
        let keys = batches.iter().map(|batch| batch.last_key.is_some());
        assert_eq!(keys.collect::<Vec<_>>(), [true, false, true], "{policy:?}");
    }
}

#[test]
fn the_error_names_the_setting_and_not_the_value() {
    for (way, text, setting) in [
        (&unicode()[2], &[0x53, 0, 0, 0][..], "values.nul_characters"),
        (
            &unicode()[1],
            &[0x53, 0, 0, 0xD8],
            "values.unpaired_surrogates",
        ),
        (&coded()[1], b"S\xAA", "values.undecodable"),
    ] {
        let (layout, metadata) = layout(way, crate::wide::STRICT);
        let payload = [&metadata[..], &row(way, 5, text)].concat();
        let bytes = wire::packets(&payload, 64);
        let error = wire::read(&layout, 200, bytes.chunks(5)).unwrap_err();
        assert_eq!(error.column(), Some("c1"));
        assert!(error.message().contains(setting), "{error}");
    }
}
