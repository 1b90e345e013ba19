//! Tables of one column, for what a type or a script costs.

use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::shapes::Shape;
use crate::wire::{COLLATION, MAX, byte, column, long_type, plp, row, short, utf16};

fn one(
    name: &'static str,
    (ty, target): (SqlType, PgType),
    info: Vec<u8>,
    row: fn(u32) -> Vec<u8>,
) -> Shape {
    let page = matches!(ty, SqlType::VarChar { .. }).then_some(1252);
    Shape {
        name,
        columns: vec![column(0, ty, target, page)],
        types: vec![info],
        row,
    }
}

fn decimal(n: u32) -> Vec<u8> {
    let value = [&[1u8][..], &(u64::from(n) * 12_345).to_le_bytes()].concat();
    row(&[byte(&value)])
}

fn large_decimal(n: u32) -> Vec<u8> {
    let value = u128::from(n) * 123_456_789_012_345_678_901_234_567;
    row(&[byte(&[&[0u8][..], &value.to_le_bytes()].concat())])
}

/// One column of each type that has a way of its own.
pub fn types() -> Vec<Shape> {
    let dec = |precision, scale| {
        let ty = SqlType::Decimal { precision, scale };
        (ty, PgType::Numeric(Some((precision, scale))))
    };
    let varchar = (SqlType::VarChar { length: Some(40) }, PgType::VarChar(40));
    vec![
        one("bit", (SqlType::Bit, PgType::Boolean), vec![0x68, 1], |n| {
            row(&[byte(&[u8::from(n.is_multiple_of(2))])])
        }),
        one("int", (SqlType::Int, PgType::Integer), vec![0x26, 4], |n| {
            row(&[byte(&n.to_le_bytes())])
        }),
        one(
            "bigint",
            (SqlType::BigInt, PgType::BigInt),
            vec![0x26, 8],
            |n| row(&[byte(&u64::from(n).to_le_bytes())]),
        ),
        one("decimal(18,2)", dec(18, 2), vec![0x6C, 9, 18, 2], decimal),
        one(
            "decimal(38,10)",
            dec(38, 10),
            vec![0x6C, 17, 38, 10],
            large_decimal,
        ),
        one(
            "float",
            (SqlType::Float, PgType::DoublePrecision),
            vec![0x6D, 8],
            |n| row(&[byte(&(f64::from(n) / 3.0).to_le_bytes())]),
        ),
        one(
            "datetime",
            (SqlType::DateTime, PgType::Timestamp(3)),
            vec![0x6F, 8],
            |n| row(&[byte(&[41_000u32.to_le_bytes(), n.to_le_bytes()].concat())]),
        ),
        one(
            "datetime2(7)",
            (SqlType::DateTime2 { scale: 7 }, PgType::Timestamp(6)),
            vec![0x2A, 7],
            |_| row(&[byte(&[1, 2, 3, 4, 5, 0xC3, 0x46, 0x0B])]),
        ),
        one(
            "uniqueidentifier",
            (SqlType::UniqueIdentifier, PgType::Uuid),
            vec![0x24, 16],
            |n| row(&[byte(&u128::from(n).to_le_bytes())]),
        ),
        one(
            "varchar(40) of code page 1252",
            varchar,
            long_type(0xA7, 40, Some(COLLATION)),
            |_| row(&[short(b"caf\xE9 au lait, user")]),
        ),
        one(
            "varbinary(max) of 1,000 bytes",
            (SqlType::VarBinary { length: None }, PgType::Bytea),
            long_type(0xA5, MAX, None),
            |n| row(&[plp(&[n as u8; 1000], 8000, true)]),
        ),
    ]
}

fn text(name: &'static str, row: fn(u32) -> Vec<u8>) -> Shape {
    one(
        name,
        (SqlType::NVarChar { length: None }, PgType::Text),
        long_type(0xE7, MAX, Some(COLLATION)),
        row,
    )
}

/// `count` units of `words`, again and again, begun at another place in each row.
fn of(words: &str, n: u32, count: usize) -> Vec<u8> {
    let units = words.chars().cycle().skip(n as usize % 7);
    let text: String = units.take(count).collect();
    row(&[plp(&utf16(&text), 8000, true)])
}

/// 800 characters of each script.
pub fn scripts() -> Vec<Shape> {
    vec![
        text("ASCII, 8 characters", |n| of("a short ", n, 8)),
        text("ASCII", |n| of("it returns nothing at all; ", n, 800)),
        text("English with quotes", |n| {
            of(
                "it “returns” nothing at all, says the documentation of that call — ",
                n,
                800,
            )
        }),
        text("German", |n| {
            of("größer als für die Prüfung nötig, ", n, 800)
        }),
        text("Latin-1 and Greek", |n| of("naïve Ωμέγα txt ", n, 800)),
        text("Cyrillic", |n| {
            of("функция не возвращает значение, ", n, 800)
        }),
        text("Japanese", |n| {
            of("関数は値を返しません。エラーです、", n, 800)
        }),
        text("emoji", |n| of("😀😃😄 ok 🚀", n, 800)),
        text("alternating scripts", |n| {
            of(
                "when функция is naïve 文字列 and 😀 it “fails” größer エラー, ",
                n,
                800,
            )
        }),
    ]
}
