//! Generated values of every supported type: what they are, and their bytes as MS-TDS lays them.

use migrate::schema::SqlType;
use migrate::typemap::PgType;

use crate::wire::{
    self, COLLATION, MAX, UTF8_COLLATION, byte, long_type, plp, pointer, short, utf16,
};

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
    let mut cases = numbers();
    cases.extend(moments());
    cases.extend(texts());
    cases.extend(coded());
    cases.extend(bytes());
    cases
}

fn numbers() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, source, target, width, nullable) in [
        ("tinyint", SqlType::TinyInt, PgType::SmallInt, 1, true),
        ("smallint", SqlType::SmallInt, PgType::SmallInt, 2, true),
        ("int", SqlType::Int, PgType::Integer, 4, true),
        ("int not null", SqlType::Int, PgType::Integer, 4, false),
        ("bigint", SqlType::BigInt, PgType::BigInt, 8, true),
        (
            "tinyint to bigint",
            SqlType::TinyInt,
            PgType::BigInt,
            1,
            true,
        ),
        ("int to bigint", SqlType::Int, PgType::BigInt, 4, true),
        (
            "bigint to numeric",
            SqlType::BigInt,
            PgType::Numeric(None),
            8,
            true,
        ),
        (
            "int to numeric",
            SqlType::Int,
            PgType::Numeric(Some((14, 3))),
            4,
            true,
        ),
        ("bigint to text", SqlType::BigInt, PgType::Text, 8, true),
        (
            "smallint to char",
            SqlType::SmallInt,
            PgType::Char(9),
            2,
            true,
        ),
    ] {
        let info = if nullable {
            vec![0x26, width]
        } else {
            vec![0x38]
        };
        cases.push(case(name, source, target, info, move |place, random| {
            let bits = match place {
                0 => 1u64 << (u64::from(width) * 8 - 1),
                1 => (1u64 << (u64::from(width) * 8 - 1)) - 1,
                2 => u64::MAX,
                _ => random.wide() ^ if random.below(2) == 0 { 0 } else { u64::MAX },
            };
            let bytes = bits.to_le_bytes()[..usize::from(width)].to_vec();
            let value = match width {
                1 => i64::from(bits as u8),
                2 => i64::from(bits as i16),
                4 => i64::from(bits as i32),
                _ => bits as i64,
            };
            (Raw::Int(value), if nullable { byte(&bytes) } else { bytes })
        }));
    }
    for target in [PgType::Boolean, PgType::SmallInt, PgType::Text] {
        let name = format!("bit to {target}");
        cases.push(case(
            name,
            SqlType::Bit,
            target,
            vec![0x68, 1],
            |_, random| {
                let value = random.below(2) == 1;
                (Raw::Bool(value), vec![1, u8::from(value)])
            },
        ));
    }
    for (precision, scale, target) in [
        (1, 0, PgType::Numeric(Some((1, 0)))),
        (5, 5, PgType::Numeric(Some((5, 5)))),
        (9, 4, PgType::Numeric(Some((9, 4)))),
        (18, 2, PgType::Numeric(Some((18, 2)))),
        (19, 0, PgType::Numeric(Some((19, 0)))),
        (28, 10, PgType::Numeric(Some((28, 10)))),
        (38, 0, PgType::Numeric(Some((38, 0)))),
        (38, 10, PgType::Numeric(Some((38, 10)))),
        (38, 37, PgType::Numeric(None)),
        (38, 38, PgType::Numeric(Some((38, 38)))),
        (10, 3, PgType::Numeric(Some((20, 7)))),
        (38, 9, PgType::Text),
        (18, 0, PgType::BigInt),
        (9, 0, PgType::Integer),
        (4, 0, PgType::SmallInt),
    ] {
        cases.push(decimal(precision, scale, target));
    }
    cases.extend(money());
    for (name, source, target, width) in [
        ("real", SqlType::Real, PgType::Real, 4),
        ("float", SqlType::Float, PgType::DoublePrecision, 8),
        ("real to double", SqlType::Real, PgType::DoublePrecision, 4),
    ] {
        cases.push(case(
            name,
            source,
            target,
            vec![0x6D, width],
            move |place, random| {
                if width == 4 {
                    let edges = [0, 0x8000_0000, 1, 0x007F_FFFF, 0x7F7F_FFFF, 0xFF7F_FFFF];
                    let mut bits = edges.get(place).copied().unwrap_or(random.next() as u32);
                    if !f32::from_bits(bits).is_finite() {
                        bits &= 0xBFFF_FFFF;
                    }
                    return (Raw::F32(bits), byte(&bits.to_le_bytes()));
                }
                let edges = [
                    0,
                    1 << 63,
                    1,
                    (1 << 52) - 1,
                    f64::MAX.to_bits(),
                    f64::MIN.to_bits(),
                ];
                let mut bits = edges.get(place).copied().unwrap_or(random.next());
                if !f64::from_bits(bits).is_finite() {
                    bits &= 0xBFFF_FFFF_FFFF_FFFF;
                }
                (Raw::F64(bits), byte(&bits.to_le_bytes()))
            },
        ));
    }
    cases
}

fn decimal(precision: u8, scale: u8, target: PgType) -> Case {
    let size = match precision {
        1..=9 => 4,
        10..=19 => 8,
        20..=28 => 12,
        _ => 16,
    };
    let name = format!("decimal({precision},{scale}) to {target}");
    let info = vec![0x6C, size as u8 + 1, precision, scale];
    case(
        name,
        SqlType::Decimal { precision, scale },
        target,
        info,
        move |place, random| {
            let digits = random.below(u64::from(precision)) as u32 + 1;
            let wide = u128::from(random.next()) << 64 | u128::from(random.next());
            let magnitude = match place {
                0 => 0,
                1 | 2 => 10u128.pow(u32::from(precision)) - 1,
                3 => 1,
                _ if random.below(4) == 0 => 10u128.pow(digits - 1),
                _ => wide % 10u128.pow(digits),
            };
            let negative = place == 0 || place == 1 || random.below(2) == 0;
            let mut bytes = vec![u8::from(!negative)];
            bytes.extend_from_slice(&magnitude.to_le_bytes()[..size]);
            (Raw::Decimal(negative, magnitude, scale), byte(&bytes))
        },
    )
}

fn money() -> Vec<Case> {
    let mut cases = Vec::new();
    for (target, small) in [
        (PgType::Numeric(Some((19, 4))), false),
        (PgType::Numeric(None), false),
        (PgType::Text, false),
        (PgType::Numeric(Some((10, 4))), true),
        (PgType::Numeric(Some((12, 6))), true),
    ] {
        let name = format!("{} to {target}", if small { "smallmoney" } else { "money" });
        let (source, width) = if small {
            (SqlType::SmallMoney, 4)
        } else {
            (SqlType::Money, 8)
        };
        let mut case = case(
            name,
            source,
            target,
            vec![0x6E, width],
            move |place, random| {
                let mut value = random.wide() as i64;
                if random.below(2) == 0 {
                    value = value.wrapping_neg();
                }
                value = [i64::MAX, i64::MIN, 0, 1, -1]
                    .get(place)
                    .copied()
                    .unwrap_or(value);
                if small {
                    let value = match place {
                        0 => i32::MAX,
                        1 => i32::MIN,
                        _ => value as i32,
                    };
                    return (Raw::Money(value.into()), byte(&value.to_le_bytes()));
                }
                let high = ((value >> 32) as i32).to_le_bytes();
                let low = (value as u32).to_le_bytes();
                (Raw::Money(value), byte(&[high, low].concat()))
            },
        );
        // It turns money into a float.
        case.other_driver = false;
        cases.push(case);
    }
    cases
}

const LAST_DAY: u64 = 3_652_058;

fn day(place: usize, random: &mut Random) -> u32 {
    match place {
        0 => 0,
        1 => LAST_DAY as u32,
        2 => 730_119,
        3 => 730_118,
        _ => random.below(LAST_DAY + 1) as u32,
    }
}

fn fraction(place: usize, scale: u8, random: &mut Random) -> u64 {
    let second = 10u64.pow(scale.into());
    match place {
        0 => 0,
        1 => 86_400 * second - 1,
        2 => 86_400 * second - 5.min(second),
        _ => random.below(86_400 * second),
    }
}

fn time_bytes(fraction: u64, scale: u8) -> Vec<u8> {
    let size = match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    fraction.to_le_bytes()[..size].to_vec()
}

fn moments() -> Vec<Case> {
    let mut cases = Vec::new();
    for target in [PgType::Date, PgType::Timestamp(3), PgType::Text] {
        let name = format!("date to {target}");
        cases.push(case(
            name,
            SqlType::Date,
            target,
            vec![0x28],
            |place, random| {
                let day = day(place, random);
                (Raw::Date(day), byte(&day.to_le_bytes()[..3]))
            },
        ));
    }
    for scale in 0..=7u8 {
        let kept = scale.min(6);
        for target in [PgType::Time(kept), PgType::Time(2), PgType::Text] {
            let name = format!("time({scale}) to {target}");
            let source = SqlType::Time { scale };
            cases.push(case(
                name,
                source,
                target,
                vec![0x29, scale],
                move |place, random| {
                    let fraction = fraction(place, scale, random);
                    (
                        Raw::Time(fraction, scale),
                        byte(&time_bytes(fraction, scale)),
                    )
                },
            ));
        }
        for target in [PgType::Timestamp(kept), PgType::Timestamp(1), PgType::Text] {
            let name = format!("datetime2({scale}) to {target}");
            let source = SqlType::DateTime2 { scale };
            cases.push(case(
                name,
                source,
                target,
                vec![0x2A, scale],
                move |place, random| {
                    let (day, fraction) = (day(place, random), fraction(place, scale, random));
                    let mut bytes = time_bytes(fraction, scale);
                    bytes.extend_from_slice(&day.to_le_bytes()[..3]);
                    (Raw::DateTime2(day, fraction, scale), byte(&bytes))
                },
            ));
        }
        for target in [PgType::TimestampTz(kept), PgType::Text] {
            let name = format!("datetimeoffset({scale}) to {target}");
            let source = SqlType::DateTimeOffset { scale };
            cases.push(case(
                name,
                source,
                target,
                vec![0x2B, scale],
                move |place, random| {
                    // A day from both ends, so that the local time stays in the calendar.
                    let day = day(place, random).clamp(1, LAST_DAY as u32 - 1);
                    let fraction = fraction(place, scale, random);
                    let offset = random.below(1681) as i16 - 840;
                    let mut bytes = time_bytes(fraction, scale);
                    bytes.extend_from_slice(&day.to_le_bytes()[..3]);
                    bytes.extend_from_slice(&offset.to_le_bytes());
                    (Raw::Offset(day, fraction, offset, scale), byte(&bytes))
                },
            ));
        }
    }
    for target in [PgType::Timestamp(0), PgType::Text] {
        let name = format!("smalldatetime to {target}");
        cases.push(case(
            name,
            SqlType::SmallDateTime,
            target,
            vec![0x6F, 4],
            |_, random| {
                let (day, minute) = (random.next() as u16, random.below(1440) as u16);
                let bytes = [day.to_le_bytes(), minute.to_le_bytes()].concat();
                (Raw::SmallDateTime(day, minute), byte(&bytes))
            },
        ));
    }
    for target in [
        PgType::Timestamp(3),
        PgType::Timestamp(6),
        PgType::Timestamp(0),
        PgType::Text,
    ] {
        let name = format!("datetime to {target}");
        cases.push(case(
            name,
            SqlType::DateTime,
            target,
            vec![0x6F, 8],
            |place, random| {
                let (day, tick) = match place {
                    0 => (-53_690, 0),
                    1 => (2_958_463, 25_919_999),
                    2..400 => (0, place as u32),
                    _ => (
                        random.below(3_012_154) as i32 - 53_690,
                        random.below(25_920_000) as u32,
                    ),
                };
                let bytes = [day.to_le_bytes(), tick.to_le_bytes()].concat();
                (Raw::DateTime(day, tick), byte(&bytes))
            },
        ));
    }
    cases
}

/// Text of `units` UTF-16 units at most: ASCII, accents, Cyrillic, CJK, emoji, odd characters.
fn text(random: &mut Random, units: usize) -> String {
    let mut text = String::new();
    let wanted = random.below(units as u64 + 1) as usize;
    let style = random.below(4);
    let mut used = 0;
    while used < wanted {
        let character = match (style, random.below(12)) {
            (0, _) | (_, 0..=3) => (b' ' + random.below(95) as u8) as char,
            (1, _) => char::from_u32(0x400 + random.below(0x100) as u32).unwrap(),
            (_, 4) => *b"\t\n\r\\'\"%;".get(random.below(8) as usize).unwrap() as char,
            (_, 5) => '\u{FEFF}',
            (_, 6) => char::from_u32(0x300 + random.below(0x70) as u32).unwrap(),
            (_, 7) => char::from_u32(0x1F600 + random.below(0x40) as u32).unwrap(),
            (_, 8) => '\u{FFFE}',
            (_, 9) => char::from_u32(1 + random.below(0x1F) as u32).unwrap(),
            _ => char::from_u32(0x4E00 + random.below(0x5000) as u32).unwrap(),
        };
        used += character.len_utf16();
        if used <= units {
            text.push(character);
        }
    }
    text
}

fn texts() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, source, target, token, units) in [
        (
            "nvarchar(20)",
            SqlType::NVarChar { length: Some(20) },
            PgType::VarChar(20),
            0xE7,
            20,
        ),
        (
            "nvarchar(4000)",
            SqlType::NVarChar { length: Some(4000) },
            PgType::VarChar(4000),
            0xE7,
            4000,
        ),
        (
            "nvarchar(20) to text",
            SqlType::NVarChar { length: Some(20) },
            PgType::Text,
            0xE7,
            20,
        ),
        (
            "nchar(30)",
            SqlType::NChar { length: 30 },
            PgType::Char(30),
            0xEF,
            30,
        ),
    ] {
        let info = long_type(token, units * 2, Some(COLLATION));
        cases.push(case(name, source, target, info, move |place, random| {
            let longest = if place % 97 == 0 {
                usize::from(units)
            } else {
                usize::from(units).min(60)
            };
            let mut value = text(random, longest);
            if token == 0xEF {
                let used = value.encode_utf16().count();
                value.push_str(&" ".repeat(usize::from(units) - used));
            }
            let bytes = utf16(&value);
            (Raw::Text(value), short(&bytes))
        }));
    }
    for told in [true, false] {
        let name = format!("nvarchar(max), length told: {told}");
        let info = long_type(0xE7, MAX, Some(COLLATION));
        let source = SqlType::NVarChar { length: None };
        cases.push(case(
            name,
            source,
            PgType::Text,
            info,
            move |place, random| {
                let longest = if place % 97 == 0 { 20_000 } else { 200 };
                let value = text(random, longest);
                let chunk = random.below(5000) as usize + 1;
                let bytes = plp(&utf16(&value), chunk, told);
                (Raw::Text(value), bytes)
            },
        ));
    }
    cases.push(case(
        "ntext",
        SqlType::NText,
        PgType::Text,
        pointer_type(0x63),
        |_, random| {
            let value = text(random, 300);
            let bytes = pointer(&utf16(&value));
            (Raw::Text(value), bytes)
        },
    ));
    for target in [PgType::Xml, PgType::Text] {
        let name = format!("xml to {target}");
        cases.push(case(
            name,
            SqlType::Xml,
            target,
            vec![0xF1, 0],
            |place, random| {
                let inner: String = text(random, 60)
                    .chars()
                    .filter(|c| !c.is_control() && !"<>&\u{FFFE}\u{FEFF}".contains(*c))
                    .collect();
                let value = match place % 3 {
                    0 => format!("<a b=\"c\">{inner}</a>"),
                    1 => format!("<a/><b>{inner}</b>"),
                    _ => inner,
                };
                let bytes = plp(&utf16(&value), 1000, true);
                (Raw::Text(value), bytes)
            },
        ));
    }
    cases
}

fn pointer_type(token: u8) -> Vec<u8> {
    let mut info = vec![token, 0xFF, 0xFF, 0xFF, 0x7F];
    if token != 0x22 {
        info.extend_from_slice(&COLLATION);
    }
    info
}

/// Text in code pages: PostgreSQL decodes the same bytes.
fn coded() -> Vec<Case> {
    let pages: [(u16, &'static str, &'static encoding_rs::Encoding); 15] = [
        (1250, "WIN1250", encoding_rs::WINDOWS_1250),
        (1251, "WIN1251", encoding_rs::WINDOWS_1251),
        (1252, "WIN1252", encoding_rs::WINDOWS_1252),
        (1253, "WIN1253", encoding_rs::WINDOWS_1253),
        (1254, "WIN1254", encoding_rs::WINDOWS_1254),
        (1255, "WIN1255", encoding_rs::WINDOWS_1255),
        (1256, "WIN1256", encoding_rs::WINDOWS_1256),
        (1257, "WIN1257", encoding_rs::WINDOWS_1257),
        (1258, "WIN1258", encoding_rs::WINDOWS_1258),
        (874, "WIN874", encoding_rs::WINDOWS_874),
        (932, "SJIS", encoding_rs::SHIFT_JIS),
        (936, "GBK", encoding_rs::GBK),
        (949, "UHC", encoding_rs::EUC_KR),
        (950, "BIG5", encoding_rs::BIG5),
        (65001, "UTF8", encoding_rs::UTF_8),
    ];
    let mut cases = Vec::new();
    for (number, encoding, codec) in pages {
        let collation = if number == 65001 {
            UTF8_COLLATION
        } else {
            COLLATION
        };
        let alphabet = alphabet(codec);
        let pick = alphabet.clone();
        let info = long_type(0xA7, 200, Some(collation));
        let source = SqlType::VarChar { length: Some(200) };
        let mut short_case = case(
            format!("varchar(200) in {number}"),
            source,
            PgType::VarChar(200),
            info,
            move |_, random| {
                let bytes = coded_text(&pick, random, 200);
                (Raw::Coded(bytes.clone()), short(&bytes))
            },
        );
        short_case.code_page = Some(number);
        short_case.encoding = Some(encoding);
        short_case.other_driver = false;
        cases.push(short_case);
        let info = long_type(0xA7, MAX, Some(collation));
        let source = SqlType::VarChar { length: None };
        let mut long_case = case(
            format!("varchar(max) in {number}"),
            source,
            PgType::Text,
            info,
            move |_, random| {
                let bytes = coded_text(&alphabet, random, 300);
                let chunk = random.below(100) as usize + 1;
                (Raw::Coded(bytes.clone()), plp(&bytes, chunk, true))
            },
        );
        long_case.code_page = Some(number);
        long_case.encoding = Some(encoding);
        long_case.other_driver = false;
        cases.push(long_case);
    }
    cases
}

/// Characters of a page that every table of it agrees on.
fn alphabet(codec: &'static encoding_rs::Encoding) -> Vec<Vec<u8>> {
    let blocks = (0x20..0x7Fu32)
        .chain(0xC0..0x180)
        .chain(0x386..0x460)
        .chain(0x5D0..0x5EB)
        .chain(0x621..0x64B)
        .chain(0xE01..0xE3B)
        .chain(0x3041..0x3094)
        .chain(0x30A1..0x30F7)
        .chain((0x4E00..0x9FA5).step_by(7))
        .chain((0xAC00..0xD7A3).step_by(5));
    let characters = blocks.filter_map(char::from_u32);
    let encoded = characters.filter_map(|character| {
        let text = character.to_string();
        let (bytes, _, unmapped) = codec.encode(&text);
        (!unmapped).then(|| bytes.into_owned())
    });
    // Outside of these two planes encoding_rs knows Hong Kong's additions, PostgreSQL nothing.
    let is_big5 = codec == encoding_rs::BIG5;
    let common = |bytes: &Vec<u8>| {
        !is_big5 || bytes.len() == 1 || matches!(bytes[0], 0xA4..=0xC5 | 0xC9..=0xF8)
    };
    encoded.filter(common).collect()
}

fn coded_text(alphabet: &[Vec<u8>], random: &mut Random, longest: usize) -> Vec<u8> {
    let wanted = random.below(longest as u64 + 1) as usize;
    let plain = random.below(3) == 0;
    let mut bytes = Vec::new();
    loop {
        let range = if plain { 95 } else { alphabet.len() };
        let next = &alphabet[random.below(range as u64) as usize];
        if bytes.len() + next.len() > wanted {
            return bytes;
        }
        bytes.extend_from_slice(next);
    }
}

fn bytes() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, source, token, length) in [
        ("binary(16)", SqlType::Binary { length: 16 }, 0xAD, 16),
        (
            "varbinary(300)",
            SqlType::VarBinary { length: Some(300) },
            0xA5,
            300,
        ),
        (
            "varbinary(max)",
            SqlType::VarBinary { length: None },
            0xA5,
            MAX,
        ),
        ("rowversion", SqlType::RowVersion, 0xAD, 8),
        ("image", SqlType::Image, 0x22, 0),
    ] {
        let info = match token {
            0x22 => pointer_type(token),
            _ => long_type(token, length, None),
        };
        cases.push(case(name, source, PgType::Bytea, info, move |_, random| {
            let size = match length {
                8 | 16 => usize::from(length),
                _ => random.below(301) as usize,
            };
            let value: Vec<u8> = (0..size).map(|_| random.next() as u8).collect();
            let field = match (token, length) {
                (0x22, _) => pointer(&value),
                (_, MAX) => plp(&value, random.below(200) as usize + 1, true),
                _ => short(&value),
            };
            (Raw::Bytes(value), field)
        }));
    }
    for target in [PgType::Uuid, PgType::Text] {
        let name = format!("uniqueidentifier to {target}");
        let info = vec![0x24, 16];
        cases.push(case(
            name,
            SqlType::UniqueIdentifier,
            target,
            info,
            |_, random| {
                let wide = u128::from(random.next()) << 64 | u128::from(random.next());
                let shown = wide.to_be_bytes();
                let mut wire = shown;
                wire[..4].reverse();
                wire[4..6].reverse();
                wire[6..8].reverse();
                (Raw::Guid(shown), byte(&wire))
            },
        ));
    }
    cases
}
