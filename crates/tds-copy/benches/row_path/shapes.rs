//! Tables to measure with, as the server sends them: three of the StackOverflow database, and
//! three that mix types and scripts.

use tds_copy::transcode::ResultColumn;
use tds_copy::transcode::RowLayout;
use tds_copy::transcode::{ValuePolicy, Values};
use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::wire::{
    COLLATION, MAX, byte, column, done, long_type, metadata, nbc_row, packets, plp, row, short,
    utf16,
};

/// What a server sends when it may: the largest packet of TDS 7.x.
const PACKET: usize = 32_767;

/// A table: its columns as planned and as announced, and its rows by number.
pub struct Shape {
    pub name: &'static str,
    pub columns: Vec<ResultColumn>,
    pub types: Vec<Vec<u8>>,
    pub row: fn(u32) -> Vec<u8>,
}

impl Shape {
    /// The response's bytes without packets around them.
    pub fn payload(&self, rows: u32) -> Vec<u8> {
        let mut payload = metadata(&self.types);
        (0..rows).for_each(|n| payload.extend((self.row)(n)));
        payload.extend(done(rows.into()));
        payload
    }

    /// The response as it comes from the socket.
    pub fn response(&self, rows: u32) -> Vec<u8> {
        packets(&self.payload(rows), PACKET)
    }

    pub fn layout(&self, key: &[usize], checksums: bool) -> RowLayout {
        let values = Values {
            nul_characters: ValuePolicy::Error,
            unpaired_surrogates: ValuePolicy::Error,
            undecodable: ValuePolicy::Error,
            out_of_range: ValuePolicy::Error,
        };
        RowLayout::new(&self.columns, key, values)
            .unwrap()
            .with_checksums(checksums)
    }
}

/// Columns of a table, in their order.
#[derive(Default)]
struct Table {
    columns: Vec<ResultColumn>,
    types: Vec<Vec<u8>>,
}

impl Table {
    fn with(mut self, ty: SqlType, target: PgType, info: Vec<u8>) -> Self {
        let place = self.columns.len();
        self.columns.push(column(place, ty, target, None));
        self.types.push(info);
        self
    }

    fn int(self) -> Self {
        self.with(SqlType::Int, PgType::Integer, vec![0x38])
    }

    fn int_or_null(self) -> Self {
        self.with(SqlType::Int, PgType::Integer, vec![0x26, 4])
    }

    fn datetime(self) -> Self {
        self.with(SqlType::DateTime, PgType::Timestamp(3), vec![0x3D])
    }

    fn datetime_or_null(self) -> Self {
        self.with(SqlType::DateTime, PgType::Timestamp(3), vec![0x6F, 8])
    }

    fn nvarchar(self, length: u16) -> Self {
        let ty = SqlType::NVarChar {
            length: Some(length),
        };
        let info = long_type(0xE7, length * 2, Some(COLLATION));
        self.with(ty, PgType::VarChar(length.into()), info)
    }

    fn nvarchar_max(self) -> Self {
        let info = long_type(0xE7, MAX, Some(COLLATION));
        self.with(SqlType::NVarChar { length: None }, PgType::Text, info)
    }

    fn named(self, name: &'static str, row: fn(u32) -> Vec<u8>) -> Shape {
        Shape {
            name,
            columns: self.columns,
            types: self.types,
            row,
        }
    }
}

fn int(n: u32) -> Option<Vec<u8>> {
    Some(n.to_le_bytes().to_vec())
}

fn intn(n: u32) -> Option<Vec<u8>> {
    Some(byte(&n.to_le_bytes()))
}

/// Days since 1900 and 300ths of a second.
fn moment(n: u32) -> Vec<u8> {
    let tick = n.wrapping_mul(7_919) % 25_920_000;
    [41_000u32.to_le_bytes(), tick.to_le_bytes()].concat()
}

/// Votes: six narrow columns, two of them mostly NULL.
pub fn votes() -> Shape {
    let table = Table::default().int().int().int_or_null().int_or_null();
    table.int().datetime().named("Votes", |n| {
        nbc_row(&[
            int(n),
            int(n / 3),
            n.is_multiple_of(10).then(|| byte(&n.to_le_bytes())),
            n.is_multiple_of(100).then(|| byte(&50u32.to_le_bytes())),
            int(n % 15),
            Some(moment(n)),
        ])
    })
}

/// Comments: five narrow columns and 180 characters of ASCII.
pub fn comments() -> Shape {
    let table = Table::default().int().datetime().int().int_or_null();
    let table = table.nvarchar(700).int_or_null();
    table.named("Comments", |n| {
        nbc_row(&[
            int(n),
            Some(moment(n)),
            int(n / 2),
            intn(n % 9),
            Some(short(&utf16(&"lorem ipsum dolor ".repeat(10)))),
            intn(n % 5_000),
        ])
    })
}

/// Posts: nineteen narrow columns, most of them NULL, and a body of 816 characters; three bodies
/// of four have some of Latin-1 and Greek.
pub fn posts() -> Shape {
    let table = Table::default().int().int_or_null().int_or_null();
    let table = table.nvarchar_max().datetime_or_null().int_or_null();
    let table = table.datetime_or_null().datetime().int_or_null();
    let table = table.datetime().datetime_or_null().nvarchar(40);
    let table = table.int_or_null().int_or_null().int_or_null().int().int();
    let table = table.nvarchar(150).nvarchar(250).int();
    table.named("Posts", post)
}

fn post(n: u32) -> Vec<u8> {
    let body = match n % 4 {
        0 => "plain text body ",
        _ => "naïve Ωμέγα txt ",
    };
    nbc_row(&[
        int(n),
        None,
        intn(n % 5),
        Some(plp(&utf16(&body.repeat(51)), 8000, true)),
        None,
        intn(n % 3),
        None,
        Some(moment(n)),
        None,
        Some(moment(n)),
        None,
        None,
        None,
        intn(n % 5_000),
        None,
        int(1 + n % 2),
        int(n % 100),
        Some(short(&utf16("<c#><sql>"))),
        Some(short(&utf16("title of post 3947"))),
        int(n % 1_000),
    ])
}

/// The seven columns of the first figures: six of them NULL now and then.
fn narrow_table() -> Table {
    let table = Table::default().int().int().int_or_null().int_or_null();
    table
        .datetime()
        .with(SqlType::SmallInt, PgType::SmallInt, vec![0x26, 2])
        .with(SqlType::BigInt, PgType::BigInt, vec![0x26, 8])
}

fn narrow_row(n: u32) -> Vec<u8> {
    let int = n.to_le_bytes();
    row(&[
        int.to_vec(),
        int.to_vec(),
        byte(&int),
        if n.is_multiple_of(4) {
            vec![0]
        } else {
            byte(&int)
        },
        moment(n),
        byte(&int[..2]),
        byte(&u64::from(n).to_le_bytes()),
    ])
}

/// Twelve columns that may be NULL: int and datetime in turns.
fn half_null() -> Table {
    (0..6).fold(Table::default(), |table, _| {
        table.int_or_null().datetime_or_null()
    })
}

/// Every other pair of columns NULL; never the first column, which is the key.
fn half(n: u32) -> impl Iterator<Item = Option<Vec<u8>>> {
    (0_u32..12).map(move |place| {
        let there = (place / 2).is_multiple_of(2);
        let value = if place.is_multiple_of(2) {
            byte(&n.to_le_bytes())
        } else {
            byte(&moment(n))
        };
        there.then_some(value)
    })
}

/// Half of the columns NULL, in a bit each.
pub fn null_bitmap() -> Shape {
    half_null().named("12 columns, half NULL, NBCROW", |n| {
        nbc_row(&half(n).collect::<Vec<_>>())
    })
}

/// The same rows, NULL as a length of 0.
pub fn null_lengths() -> Shape {
    half_null().named("12 columns, half NULL, ROW", |n| {
        let fields = half(n).map(|field| field.unwrap_or_else(|| vec![0]));
        row(&fields.collect::<Vec<_>>())
    })
}

pub fn narrow() -> Shape {
    narrow_table().named("7 narrow columns", narrow_row)
}

pub fn long_text() -> Shape {
    let name = "7 narrow columns, nvarchar(max) of 120 characters";
    narrow_table().nvarchar_max().named(name, |n| {
        let mut bytes = narrow_row(n);
        let text = "a comment about a row. ".repeat(6);
        bytes.extend(plp(&utf16(&text[..120]), 8000, true));
        bytes
    })
}

/// A post in which scripts alternate.
pub fn scripts() -> Shape {
    const WORDS: &str =
        "when the функция returns naïve 文字列 and 😀 it “fails” größer エラー, I try to parse ";
    let name = "int, nvarchar(max) of 770 characters in many scripts";
    Table::default().int().nvarchar_max().named(name, |n| {
        let text = WORDS.repeat(10);
        let start = n as usize % 7;
        row(&[
            n.to_le_bytes().to_vec(),
            plp(&utf16(&text[start..start + 1000]), 8000, true),
        ])
    })
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
