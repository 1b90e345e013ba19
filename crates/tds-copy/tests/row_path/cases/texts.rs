//! National text, XML, binary values and uniqueidentifiers.

use tsql::schema::SqlType;
use tsql::typemap::PgType;

use super::{Case, Random, Raw, case};
use crate::wire::{COLLATION, MAX, byte, long_type, plp, pointer, short, utf16};

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

pub fn cases() -> Vec<Case> {
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

pub fn bytes() -> Vec<Case> {
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
