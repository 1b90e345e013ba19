//! Generated values of every supported type: what they are, and their bytes as MS-TDS lays them.

mod coded;
mod moments;
mod numbers;
mod special;
mod texts;

use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::wire;

/// A value as a fact, from which the wire bytes and the literal are made independently.
#[derive(Debug, Clone, PartialEq)]
pub enum Raw {
    Null,
    Bool(bool),
    Int(i64),
    Decimal(bool, u128, u8),
    Money(i64),
    F32(u32),
    F64(u64),
    /// Days since 0001-01-01.
    Date(u32),
    /// Units of 10^-scale s.
    Time(u64, u8),
    SmallDateTime(u16, u16),
    DateTime(i32, u32),
    DateTime2(u32, u64, u8),
    Offset(u32, u64, i16, u8),
    /// In the order in which it is written.
    Guid([u8; 16]),
    Bytes(Vec<u8>),
    Text(String),
    /// What PostgreSQL reads, as it is.
    Shown(String),
    /// Text in a code page that PostgreSQL can decode too.
    Coded(Vec<u8>),
}

/// One column type with its values.
pub struct Case {
    pub name: String,
    pub source: SqlType,
    pub target: PgType,
    pub code_page: Option<u16>,
    pub info: Vec<u8>,
    /// Each with its field on the wire.
    pub values: Vec<(Raw, Vec<u8>)>,
    /// tiberius decodes the type without loss.
    pub other_driver: bool,
    /// PostgreSQL's name of the code page.
    pub encoding: Option<&'static str>,
}

/// A small generator of numbers: the same values in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// A number of any magnitude.
    pub fn wide(&mut self) -> u64 {
        let shift = self.below(64);
        self.next() >> shift
    }
}

const COUNT: usize = 2000;

fn case(
    name: impl Into<String>,
    source: SqlType,
    target: PgType,
    info: Vec<u8>,
    mut make: impl FnMut(usize, &mut Random) -> (Raw, Vec<u8>),
) -> Case {
    let name = name.into();
    let mut random = Random(
        name.bytes()
            .fold(1, |seed, byte| seed.wrapping_mul(31) + u64::from(byte)),
    );
    let length = match info.len() {
        0..=2 => 0,
        _ => u16::from_le_bytes([info[1], info[2]]),
    };
    let fixed = info.len() == 1 && info[0] != 0x28 && info[0] != 0xF1;
    let values = (0..COUNT)
        .map(|place| match place % 50 {
            49 if !fixed => (Raw::Null, wire::null(info[0], length)),
            _ => make(place, &mut random),
        })
        .collect();
    Case {
        name,
        source,
        target,
        code_page: None,
        info,
        values,
        other_driver: true,
        encoding: None,
    }
}

/// Every supported type with its default target, and the pairs that a job can ask for.
pub fn all() -> Vec<Case> {
    let mut cases = numbers::cases();
    cases.extend(moments::cases());
    cases.extend(texts::cases());
    cases.extend(coded::cases());
    cases.extend(texts::bytes());
    cases.extend(special::cases());
    cases
}
