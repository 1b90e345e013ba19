//! Result sets against the byte examples and layouts of MS-TDS.

use std::sync::Arc;

use crate::types::SqlType;

use super::*;

fn column(name: &str, ty: SqlType, nullable: bool) -> Column {
    Column {
        name: name.to_owned(),
        ty,
        nullable,
        identity: false,
        computed: false,
        collation: None,
    }
}

fn layout(ty: SqlType, nullable: bool) -> Layout {
    Layout::new(&[column("c", ty, nullable)])
}

fn text(text: &str) -> Value {
    Value::Text(text.encode_utf16().collect())
}

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

/// The bytes of one cell, the ROW token removed; the walker must agree about its length.
fn cell(ty: SqlType, nullable: bool, value: Value) -> Vec<u8> {
    let layout = layout(ty, nullable);
    let mut row = Vec::new();
    layout.encode_row(&[value], &mut row).unwrap();
    assert_eq!(layout.row_length(&row), Some(row.len()));
    for end in 0..row.len() {
        assert_eq!(layout.row_length(&row[..end]), None, "cut at {end}");
    }
    assert_eq!(row.remove(0), ROW);
    row
}

#[test]
fn select_of_the_specification() {
    // MS-TDS 4.7: select 'foo' as 'bar'
    let mut column = column("bar", SqlType::VarChar { length: Some(3) }, false);
    column.computed = true;
    let layout = Layout::new(&[column]);
    let mut out = layout.metadata().to_vec();
    layout.encode_row(&[text("foo")], &mut out).unwrap();
    let expected = hex(
        "81 01 00 00 00 00 00 20 00 A7 03 00 09 04 D0 00 34 03 62 00 61 00 72 00 D1 03 00 66 6F 6F",
    );
    assert_eq!(out, expected);
}

#[test]
fn sparse_column_example_of_the_specification() {
    // MS-TDS 4.15: intn and xml, one row with a document and one where it is NULL. The example's
    // column set flag (0x0400) does not exist here.
    let layout = Layout::new(&[
        column("id", SqlType::Int, true),
        column("x", SqlType::Xml, true),
    ]);
    let expected =
        hex("81 02 00 00 00 00 00 09 00 26 04 02 69 00 64 00 00 00 00 00 0B 00 F1 00 01 78 00");
    assert_eq!(layout.metadata(), expected);
    let mut out = Vec::new();
    layout
        .encode_row(&[Value::Int(2), text("<a>")], &mut out)
        .unwrap();
    layout
        .encode_row(&[Value::Int(4), Value::Null], &mut out)
        .unwrap();
    let expected = hex(
        "D1 04 02 00 00 00 FE FF FF FF FF FF FF FF 06 00 00 00 3C 00 61 00 3E 00 00 00 00 00 \
         D2 02 04 04 00 00 00",
    );
    assert_eq!(out, expected);
}

#[test]
fn fixed_types_without_null_have_no_length() {
    let cases = [
        (SqlType::Bit, Value::Bit(true), "32", "68 01", "01"),
        (SqlType::TinyInt, Value::Int(255), "30", "26 01", "FF"),
        (SqlType::SmallInt, Value::Int(-2), "34", "26 02", "FE FF"),
        (SqlType::Int, Value::Int(1), "38", "26 04", "01 00 00 00"),
        (
            SqlType::BigInt,
            Value::Int(-1),
            "7F",
            "26 08",
            "FF FF FF FF FF FF FF FF",
        ),
        (
            SqlType::SmallMoney,
            Value::Money(10_000),
            "7A",
            "6E 04",
            "10 27 00 00",
        ),
        (
            SqlType::Money,
            Value::Money(-1),
            "3C",
            "6E 08",
            "FF FF FF FF FF FF FF FF",
        ),
        (
            SqlType::Money,
            Value::Money(0x1_0000_0002),
            "3C",
            "6E 08",
            "01 00 00 00 02 00 00 00",
        ),
        (
            SqlType::Real,
            Value::Real(1.0),
            "3B",
            "6D 04",
            "00 00 80 3F",
        ),
        (
            SqlType::Float,
            Value::Float(1.0),
            "3E",
            "6D 08",
            "00 00 00 00 00 00 F0 3F",
        ),
        (
            SqlType::SmallDateTime,
            Value::SmallDateTime {
                days: 1,
                minutes: 2,
            },
            "3A",
            "6F 04",
            "01 00 02 00",
        ),
        (
            SqlType::DateTime,
            Value::DateTime {
                days: -1,
                ticks: 300,
            },
            "3D",
            "6F 08",
            "FF FF FF FF 2C 01 00 00",
        ),
    ];
    for (ty, value, fixed, nullable, bytes) in cases {
        let expected = hex(bytes);
        assert_eq!(cell(ty.clone(), false, value.clone()), expected, "{ty:?}");
        let prefixed = [&[expected.len() as u8], expected.as_slice()].concat();
        assert_eq!(cell(ty.clone(), true, value), prefixed, "{ty:?} NULL");
        // TYPE_INFO stands between the flags and the one-letter name.
        let of = |nullable| layout(ty.clone(), nullable).metadata()[9..].to_vec();
        assert_eq!(of(false), [hex(fixed), hex("01 63 00")].concat(), "{ty:?}");
        assert_eq!(
            of(true),
            [hex(nullable), hex("01 63 00")].concat(),
            "{ty:?} NULL"
        );
    }
}

#[test]
fn decimals_by_precision() {
    let decimal = |precision, scale, unscaled, of: u8| {
        cell(
            SqlType::Decimal { precision, scale },
            false,
            Value::Decimal {
                unscaled,
                scale: of,
            },
        )
    };
    assert_eq!(decimal(9, 2, 12345, 2), hex("05 01 39 30 00 00"));
    assert_eq!(
        decimal(10, 2, -12345, 2),
        hex("09 00 39 30 00 00 00 00 00 00")
    );
    assert_eq!(
        decimal(20, 0, 1, 0),
        hex("0D 01 01 00 00 00 00 00 00 00 00 00 00 00")
    );
    assert_eq!(
        decimal(5, 3, 12, 1),
        hex("05 01 B0 04 00 00"),
        "1.2 as decimal(5,3)"
    );
    let most = cell(
        SqlType::Decimal {
            precision: 38,
            scale: 0,
        },
        true,
        Value::Decimal {
            unscaled: 10_i128.pow(38) - 1,
            scale: 0,
        },
    );
    assert_eq!(
        most,
        hex("11 01 FF FF FF FF 3F 22 8A 09 7A C4 86 5A A8 4C 3B 4B")
    );
}

#[test]
fn dates_and_times_by_scale() {
    // 12:34:56.1234567 is 452961234567 ticks; 2024-05-06 is day 739011.
    let ticks = 452_961_234_567;
    assert_eq!(
        cell(SqlType::Date, true, Value::Date(739_011)),
        hex("03 C3 46 0B")
    );
    assert_eq!(
        cell(
            SqlType::Time { scale: 0 },
            true,
            Value::Time(452_960_000_000)
        ),
        hex("03 F0 B0 00")
    );
    assert_eq!(
        cell(SqlType::Time { scale: 7 }, true, Value::Time(ticks)),
        hex("05 87 EE 97 76 69")
    );
    let value = Value::DateTime2 {
        days: 739_011,
        ticks,
    };
    assert_eq!(
        cell(SqlType::DateTime2 { scale: 7 }, true, value),
        hex("08 87 EE 97 76 69 C3 46 0B")
    );
    let value = Value::DateTimeOffset {
        days: 739_011,
        ticks,
        offset: -330,
    };
    assert_eq!(
        cell(SqlType::DateTimeOffset { scale: 7 }, true, value),
        hex("0A 87 EE 97 76 69 C3 46 0B B6 FE")
    );
}

#[test]
fn strings_are_padded_or_not() {
    assert_eq!(
        cell(SqlType::Char { length: 4 }, true, text("é")),
        hex("04 00 E9 20 20 20")
    );
    assert_eq!(
        cell(SqlType::NChar { length: 2 }, true, text("é")),
        hex("04 00 E9 00 20 00")
    );
    assert_eq!(
        cell(SqlType::NVarChar { length: Some(5) }, true, text("")),
        hex("00 00")
    );
    let bytes = |bytes: &[u8]| Value::Bytes(Arc::from(bytes));
    assert_eq!(
        cell(SqlType::Binary { length: 3 }, true, bytes(&[1])),
        hex("03 00 01 00 00")
    );
    assert_eq!(
        cell(SqlType::VarBinary { length: Some(3) }, true, bytes(&[])),
        hex("00 00")
    );
    assert_eq!(
        cell(
            SqlType::RowVersion,
            false,
            bytes(&[0, 0, 0, 0, 0, 0, 7, 0xD1])
        ),
        hex("08 00 00 00 00 00 00 00 07 D1")
    );
    assert_eq!(
        cell(SqlType::UniqueIdentifier, true, Value::Guid([7; 16]))[0],
        16
    );
}

#[test]
fn long_values_come_in_chunks() {
    let bytes = vec![9_u8; 8041];
    let plp = cell(
        SqlType::VarBinary { length: None },
        true,
        Value::Bytes(Arc::from(bytes)),
    );
    assert_eq!(plp[..8], 8041_u64.to_le_bytes());
    assert_eq!(plp[8..12], 8040_u32.to_le_bytes());
    assert_eq!(plp[12 + 8040..], hex("01 00 00 00 09 00 00 00 00"));
    assert_eq!(
        cell(SqlType::NVarChar { length: None }, true, text("")),
        [0; 12]
    );
    assert_eq!(
        cell(SqlType::VarChar { length: None }, true, text("a")),
        hex("01 00 00 00 00 00 00 00 01 00 00 00 61 00 00 00 00")
    );
    let image = cell(
        SqlType::Image,
        true,
        Value::Bytes(Arc::from([5_u8].as_slice())),
    );
    assert_eq!((image[0], image.len()), (16, 1 + 16 + 8 + 4 + 1));
    assert_eq!(image[25..], hex("01 00 00 00 05"));
    cell(SqlType::Text, true, text("abc"));
    cell(SqlType::NText, true, text("abc"));
}

#[test]
fn variants_carry_their_type() {
    let variant = |value| cell(SqlType::SqlVariant, true, value);
    assert_eq!(variant(Value::Int(5)), hex("06 00 00 00 38 00 05 00 00 00"));
    assert_eq!(variant(Value::Bit(true)), hex("03 00 00 00 32 00 01"));
    assert_eq!(
        variant(text("a")),
        hex("0B 00 00 00 E7 07 09 04 D0 00 34 40 1F 61 00")
    );
    assert_eq!(
        variant(Value::Time(1)),
        hex("08 00 00 00 29 01 07 01 00 00 00 00")
    );
}

#[test]
fn null_bitmap_covers_more_than_eight_columns() {
    let columns: Vec<Column> = (0..10)
        .map(|_| column("c", SqlType::TinyInt, true))
        .collect();
    let layout = Layout::new(&columns);
    let mut values = vec![Value::Null; 10];
    values[1] = Value::Int(7);
    let mut row = Vec::new();
    layout.encode_row(&values, &mut row).unwrap();
    assert_eq!(row, hex("D2 FD 03 01 07"));
    assert_eq!(layout.row_length(&row), Some(5));
}

#[test]
fn what_does_not_fit_leaves_nothing_behind() {
    let cases = [
        (SqlType::Int, true, text("1")),
        (SqlType::TinyInt, true, Value::Int(256)),
        (SqlType::Int, false, Value::Null),
        (SqlType::VarChar { length: Some(2) }, true, text("abc")),
        (
            SqlType::Decimal {
                precision: 9,
                scale: 0,
            },
            true,
            Value::Decimal {
                unscaled: 1 << 40,
                scale: 0,
            },
        ),
        (
            SqlType::Decimal {
                precision: 9,
                scale: 1,
            },
            true,
            Value::Decimal {
                unscaled: 123,
                scale: 2,
            },
        ),
    ];
    for (ty, nullable, value) in cases {
        let mut out = vec![1, 2, 3];
        let result = layout(ty.clone(), nullable).encode_row(&[value], &mut out);
        assert!(result.is_err(), "{ty:?}");
        assert_eq!(out, [1, 2, 3], "{ty:?}");
    }
    assert!(
        layout(SqlType::Int, true)
            .encode_row(&[], &mut Vec::new())
            .is_err()
    );
}
