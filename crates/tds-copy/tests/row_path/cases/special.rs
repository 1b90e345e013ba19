//! Types that PostgreSQL has no like of: variants, paths, places, documents, vectors.

use tsql::schema::SqlType;
use tsql::typemap::PgType;

use super::{Case, Random, Raw, case};
use crate::wire::{COLLATION, MAX, long_type, plp, short, utf16};

pub fn cases() -> Vec<Case> {
    let mut cases = vec![hierarchies()];
    cases.extend([PgType::Text, PgType::Json].map(variants));
    cases.push(variants(PgType::Jsonb));
    cases.extend([SqlType::Geography, SqlType::Geometry].map(places));
    cases.extend([PgType::Jsonb, PgType::Json, PgType::Text].map(documents));
    cases.extend([PgType::RealArray, PgType::Text].map(vectors));
    cases.extend(digits());
    cases.extend(floats());
    for case in &mut cases {
        // tiberius knows none of them, or gives them another form.
        case.other_driver = false;
    }
    cases
}

fn shown(text: impl Into<String>) -> Raw {
    Raw::Shown(text.into())
}

/// A value of `sql_variant`: base type, properties, data (MS-TDS 2.2.5.5.4).
fn variant(token: u8, properties: &[u8], data: &[u8]) -> Vec<u8> {
    let body = [&[token, properties.len() as u8][..], properties, data].concat();
    [&(body.len() as u32).to_le_bytes()[..], &body].concat()
}

fn variants(target: PgType) -> Case {
    let as_text = target == PgType::Text;
    let name = format!("sql_variant to {target}");
    let info = vec![0x62, 0x49, 0x1F, 0, 0];
    case(
        name,
        SqlType::SqlVariant,
        target,
        info,
        move |place, random| {
            let (name, text, json, bytes) = base(place, random);
            if as_text {
                (shown(text), bytes)
            } else {
                let json = format!("{{\"type\": \"{name}\", \"value\": {json}}}");
                (shown(json), bytes)
            }
        },
    )
}

/// Base type, text, JSON, bytes.
fn base(place: usize, random: &mut Random) -> (&'static str, String, String, Vec<u8>) {
    let collation = [&COLLATION[..], &8000u16.to_le_bytes()].concat();
    match place % 8 {
        0 => {
            let value = random.wide() as i64;
            let bytes = variant(0x7F, &[], &value.to_le_bytes());
            ("bigint", value.to_string(), value.to_string(), bytes)
        }
        1 => {
            let value = random.next() as u8;
            let bytes = variant(0x30, &[], &[value]);
            ("tinyint", value.to_string(), value.to_string(), bytes)
        }
        2 => {
            // Whole hundredths, which CONVERT prints in full.
            let value = random.below(1 << 40) as i64;
            let wire = ((value * 100) as u64).rotate_left(32).to_le_bytes();
            let text = format!("{}.{:02}", value / 100, value % 100);
            let json = format!("{text}00");
            ("money", text, json, variant(0x3C, &[], &wire))
        }
        3 => {
            let value = random.below(1 << 30);
            let text = format!("{}.{:03}", value / 1000, value % 1000);
            let data = [&[1][..], &value.to_le_bytes()].concat();
            let bytes = variant(0x6C, &[18, 3], &data);
            ("numeric", text.clone(), text, bytes)
        }
        4 => {
            let number = random.below(1000) as f64 / 8.0;
            let text = format!("{number}");
            let bytes = variant(0x3E, &[], &number.to_le_bytes());
            ("float", text.clone(), text, bytes)
        }
        5 => {
            let bit = random.below(2) as u8;
            let json = if bit == 1 { "true" } else { "false" };
            let bytes = variant(0x32, &[], &[bit]);
            ("bit", bit.to_string(), json.to_owned(), bytes)
        }
        6 => {
            let text = format!("Ж \"{}\" \\ 日本\t", random.next());
            let json = text
                .replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\t', "\\t");
            let bytes = variant(0xE7, &collation, &utf16(&text));
            ("nvarchar", text, format!("\"{json}\""), bytes)
        }
        _ => {
            let value = random.next().to_be_bytes();
            let hex: String = value.iter().map(|byte| format!("{byte:02X}")).collect();
            let bytes = variant(0xA5, &8000u16.to_le_bytes(), &value);
            (
                "varbinary",
                format!("0x{hex}"),
                format!("\"0x{hex}\""),
                bytes,
            )
        }
    }
}

/// Numbers of a path with the least number of their pattern, and the pattern, from MS-SSCLRT.
const PATTERNS: [(i64, i64, &str); 6] = [
    (-8, -1, "00111xxxT"),
    (0, 3, "01xxT"),
    (4, 7, "100xxT"),
    (8, 15, "101xxxT"),
    (16, 79, "110xx0x1xxxT"),
    (80, 1103, "1110xxx0xxx0x1xxxT"),
];

fn bits(number: i64) -> String {
    let (least, _, pattern) = PATTERNS
        .into_iter()
        .find(|(least, most, _)| (*least..=*most).contains(&number))
        .unwrap();
    let count = pattern.matches('x').count();
    let above = format!("{:0count$b}", number - least);
    let mut above = above.chars();
    let fill = |sign| match sign {
        'x' => above.next().unwrap(),
        'T' => '1',
        fixed => fixed,
    };
    pattern.chars().map(fill).collect()
}

fn hierarchies() -> Case {
    let info = long_type(0xA5, 892, None);
    case(
        "hierarchyid",
        SqlType::HierarchyId,
        PgType::Text,
        info,
        |_, random| {
            let mut path = "/".to_owned();
            let mut all = String::new();
            for _ in 0..random.below(12) {
                let number = random.below(1112) as i64 - 8;
                path.push_str(&format!("{number}/"));
                all.push_str(&bits(number));
            }
            while !all.len().is_multiple_of(8) {
                all.push('0');
            }
            let bytes: Vec<u8> = (0..all.len() / 8)
                .map(|at| u8::from_str_radix(&all[8 * at..8 * at + 8], 2).unwrap())
                .collect();
            (shown(path), short(&bytes))
        },
    )
}

/// Points and line strings with and without Z, as WKB of ISO 13249-3 and as EWKB.
fn places(source: SqlType) -> Case {
    let name = source.to_string();
    let info = long_type(0xA5, MAX, None);
    case(name, source, PgType::Bytea, info, |place, random| {
        let srid = [0u32, 4326, 4120][place % 3];
        let z = random.below(2) as u32;
        let points = if place % 2 == 0 {
            1
        } else {
            random.below(5) as usize
        };
        let code = if place % 2 == 0 { 1u32 } else { 2 };
        let mut body = Vec::new();
        if code == 2 {
            body.extend_from_slice(&(points as u32).to_le_bytes());
        }
        for _ in 0..points * (2 + z as usize) {
            body.extend_from_slice(&(random.below(36_000) as f64 / 100.0).to_le_bytes());
        }
        let wkb = [&[1][..], &(code + 1000 * z).to_le_bytes(), &body].concat();
        let flags = z << 31 | u32::from(srid != 0) << 29;
        let mut ewkb = [&[1][..], &(code | flags).to_le_bytes()].concat();
        if srid != 0 {
            ewkb.extend_from_slice(&srid.to_le_bytes());
        }
        ewkb.extend_from_slice(&body);
        let sent = [&srid.to_be_bytes()[..], &wkb].concat();
        let chunk = random.below(40) as usize + 1;
        (Raw::Bytes(ewkb), plp(&sent, chunk, place % 4 != 0))
    })
}

fn documents(target: PgType) -> Case {
    let name = format!("json to {target}");
    let info = long_type(0xE7, MAX, Some(COLLATION));
    case(name, SqlType::Json, target, info, |_, random| {
        let number = random.next();
        let text = format!(
            "{{\"b\":[{number},1.50,null,true],\"a\":\"Ж \\ud83d\\ude00 \\\\u0000 \\\"{number}\\\"\"}}"
        );
        let chunk = random.below(60) as usize + 1;
        (shown(text.clone()), plp(&utf16(&text), chunk, true))
    })
}

fn vectors(target: PgType) -> Case {
    let name = format!("vector(3) to {target}");
    let as_array = target == PgType::RealArray;
    let info = long_type(0xE7, MAX, Some(COLLATION));
    let source = SqlType::Vector { dimensions: 3 };
    case(name, source, target, info, move |_, random| {
        let mut element = || format!("{:.7e}", (random.next() as i64 as f32) / 1e10);
        let list = [element(), element(), element()].join(",");
        let text = format!("[{list}]");
        let bytes = plp(&utf16(&text), 1000, true);
        if as_array {
            (shown(format!("{{{list}}}")), bytes)
        } else {
            (shown(text), bytes)
        }
    })
}

/// Bytes as hexadecimal digits.
fn digits() -> Vec<Case> {
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect::<String>()
    };
    let short_info = long_type(0xA5, 300, None);
    let source = SqlType::VarBinary { length: Some(300) };
    let limited = case(
        "varbinary(300) to text",
        source,
        PgType::Text,
        short_info,
        move |_, random| {
            let value: Vec<u8> = (0..random.below(301))
                .map(|_| random.next() as u8)
                .collect();
            (shown(format!("0x{}", hex(&value))), short(&value))
        },
    );
    let info = long_type(0xA5, MAX, None);
    let source = SqlType::VarBinary { length: None };
    let max = case(
        "varbinary(max) to text",
        source,
        PgType::Text,
        info,
        move |_, random| {
            let value: Vec<u8> = (0..random.below(301))
                .map(|_| random.next() as u8)
                .collect();
            let chunk = random.below(200) as usize + 1;
            (
                shown(format!("0x{}", hex(&value))),
                plp(&value, chunk, true),
            )
        },
    );
    vec![limited, max]
}

/// Floats as text that comes back to the same bits.
fn floats() -> Vec<Case> {
    let printed = |text: String| {
        let (mantissa, exponent) = text.split_once('e').unwrap();
        let exponent: i32 = exponent.parse().unwrap();
        shown(format!(
            "{mantissa}e{}{:03}",
            if exponent < 0 { '-' } else { '+' },
            exponent.abs()
        ))
    };
    let double = case(
        "float to text",
        SqlType::Float,
        PgType::Text,
        vec![0x6D, 8],
        move |_, random| {
            let value = random.next() as i64 as f64 / 1e6;
            let bytes = [&[8][..], &value.to_le_bytes()].concat();
            (printed(format!("{value:.16e}")), bytes)
        },
    );
    let single = case(
        "real to text",
        SqlType::Real,
        PgType::Text,
        vec![0x6D, 4],
        move |_, random| {
            let value = random.next() as i64 as f32 / 1e12;
            let bytes = [&[4][..], &value.to_le_bytes()].concat();
            (printed(format!("{:.8e}", f64::from(value))), bytes)
        },
    );
    vec![double, single]
}
