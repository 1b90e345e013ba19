//! Values at the limits of their types, as T-SQL writes them.

use super::draw::Draw;
use super::kind::{COLLATIONS, Kind};
use super::moment;

/// What breaks readers, writers and comparisons of text.
const PIECES: [&str; 24] = [
    "", "a", "B", "zzz", " ", "  ", "'", "\"", "\\", "\\N", "\\.", "\t", "\n", "\r\n", "%", "_",
    "[", "]", "NULL", "{}", ",", "$1", "0x", "\u{7f}",
];
const WIDE: [&str; 10] = [
    "é",
    "e\u{301}",
    "Ж",
    "ß",
    "İ",
    "日本",
    "😀",
    "\u{10FFFF}",
    "\u{FEFF}",
    "\u{FFFE}",
];

/// `exact`: of a unique key, where values must still differ in microseconds.
pub(super) fn literal(kind: Kind, exact: bool, draw: &mut Draw) -> String {
    let quoted = |text: String| format!("'{text}'");
    if let (true, true, Some(most)) = (exact, draw.tame, kind.letters()) {
        return text(draw, most, &["a", "B", "zzz", "0", "k", "Q9"]);
    }
    match kind {
        Kind::Bit => draw.between(0, 1).to_string(),
        Kind::TinyInt => integer(draw, 0, 255),
        Kind::SmallInt => integer(draw, i16::MIN.into(), i16::MAX.into()),
        Kind::Int => integer(draw, i32::MIN.into(), i32::MAX.into()),
        Kind::BigInt => integer(draw, i64::MIN, i64::MAX),
        Kind::Decimal(precision, scale) => decimal(draw, precision, scale),
        Kind::SmallMoney => money(draw, i32::MIN.into(), i32::MAX.into(), "smallmoney"),
        Kind::Money => money(draw, i64::MIN, i64::MAX, "money"),
        Kind::Real => format!("CAST({} AS real)", real(draw)),
        Kind::Float => float(draw),
        Kind::Date => quoted(moment::day(draw, moment::FIRST_DAY, moment::LAST_DAY)),
        Kind::Time(digits) => quoted(moment::time(draw, digits, exact)),
        Kind::SmallDateTime => {
            let day = moment::day(draw, moment::SMALL_DAYS.0, moment::SMALL_DAYS.1 - 1);
            quoted(format!("{day}T{}", moment::time(draw, 0, exact)))
        }
        Kind::DateTime => {
            let day = moment::day(draw, moment::DATETIME_DAY, moment::LAST_DAY - 1);
            quoted(format!("{day}T{}", moment::time(draw, 3, exact)))
        }
        Kind::DateTime2(digits) => {
            let day = moment::day(draw, moment::FIRST_DAY, moment::LAST_DAY);
            quoted(format!("{day}T{}", moment::time(draw, digits, exact)))
        }
        Kind::DateTimeOffset(digits) => offset(draw, digits, exact),
        Kind::Char(most, page) | Kind::VarChar(most, page) => narrow(draw, most, page),
        Kind::VarCharMax(page) | Kind::Text(page) => {
            let most = draw.size(0, 9000);
            narrow(draw, most, page)
        }
        Kind::NChar(most) | Kind::NVarChar(most) => wide(draw, most),
        Kind::Alias => wide(draw, 20),
        Kind::NVarCharMax | Kind::NText => {
            let most = draw.size(0, 9000);
            wide(draw, most)
        }
        Kind::Binary(most) | Kind::VarBinary(most) => bytes(draw, most),
        Kind::VarBinaryMax | Kind::Image => {
            let most = draw.size(0, 9000);
            bytes(draw, most)
        }
        Kind::Guid => guid(draw),
        Kind::RowVersion => "DEFAULT".into(),
        Kind::Xml => (*draw.one(&XMLS)).into(),
        Kind::Variant => variant(draw),
        Kind::Hierarchy => (*draw.one(&HIERARCHIES)).into(),
        Kind::Geography => {
            "geography::STGeomFromWKB(0x0101000000000000000000F03F0000000000000040, 4326)".into()
        }
        Kind::Geometry => {
            "geometry::STGeomFromWKB(0x0101000000000000000000F03F0000000000000040, 0)".into()
        }
        Kind::Json => (*draw.one(&[
            "'{\"b\": 1, \"a\": [true, null, 1.50]}'",
            "'null'",
            "'\"\"'",
            "N'[\"é😀\"]'",
        ]))
        .into(),
        Kind::Vector => (*draw.one(&["'[0.1, 2, 30]'", "'[-1e38, 0, 1e-38]'"])).into(),
    }
}

const XMLS: [&str; 6] = [
    "''",
    "N'plain'",
    "N'<a b=\"1\">text &amp; é😀</a>'",
    "'<a/><b/>'",
    "N'<r>  <c><![CDATA[x<y]]></c></r>'",
    "'<?pi x?><a xmlns=\"urn:x\"/>'",
];

/// `/`, `/1/`, `/2/`, `/3/`, `/1/1/` and `/1/2/` (MS-SSCLRT 2.2.2).
const HIERARCHIES: [&str; 6] = [
    "CAST(0x AS hierarchyid)",
    "CAST(0x58 AS hierarchyid)",
    "CAST(0x68 AS hierarchyid)",
    "CAST(0x78 AS hierarchyid)",
    "CAST(0x5AC0 AS hierarchyid)",
    "CAST(0x5B40 AS hierarchyid)",
];

/// An end, a small one, or any.
fn number(draw: &mut Draw, low: i64, high: i64) -> i64 {
    match draw.between(0, 9) {
        0 => low,
        1 => high,
        2..=5 => draw.between(-5, 50).clamp(low, high),
        _ => draw.between(low, high),
    }
}

fn integer(draw: &mut Draw, low: i64, high: i64) -> String {
    number(draw, low, high).to_string()
}

fn decimal(draw: &mut Draw, precision: u32, scale: u32) -> String {
    let count = if draw.once_in(4) {
        precision
    } else {
        1 + u32::try_from(draw.between(0, i64::from(precision) - 1)).expect("small")
    };
    let full = draw.once_in(4);
    let digit = |_| {
        if full {
            '9'
        } else {
            char::from(b'0' + u8::try_from(draw.between(0, 9)).expect("a digit"))
        }
    };
    let digits: String = (0..count).map(digit).collect();
    let padded = format!("{digits:0>width$}", width = scale as usize + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
    let sign = if draw.once_in(2) { "-" } else { "" };
    format!("CAST('{sign}{whole}.{fraction}' AS decimal({precision},{scale}))")
}

fn money(draw: &mut Draw, low: i64, high: i64, ty: &str) -> String {
    let units = number(draw, low, high);
    let sign = if units < 0 { "-" } else { "" };
    let size = units.unsigned_abs();
    format!(
        "CAST('{sign}{}.{:04}' AS {ty})",
        size / 10_000,
        size % 10_000
    )
}

fn real(draw: &mut Draw) -> String {
    let value = match draw.between(0, 7) {
        0 => f32::MAX,
        1 => -f32::MIN_POSITIVE,
        2 => 0.1,
        3 => 0.0,
        _ => f32::from_bits(u32::try_from(draw.bits() >> 32).expect("32 bits")),
    };
    let usable = value.is_finite() && (value == 0.0 || value.abs() >= f32::MIN_POSITIVE);
    format!("{:e}", if usable { value } else { -1.5 })
}

/// SQL Server takes no denormal from a literal.
fn float(draw: &mut Draw) -> String {
    let value = match draw.between(0, 7) {
        0 => f64::MAX,
        1 => -f64::MIN_POSITIVE,
        2 => 0.1,
        3 => -0.0,
        4 => 0.0,
        _ => f64::from_bits(draw.bits()),
    };
    let usable = value.is_finite() && (value == 0.0 || value.abs() >= f64::MIN_POSITIVE);
    format!("{:e}", if usable { value } else { -1.5 })
}

fn offset(draw: &mut Draw, digits: u32, exact: bool) -> String {
    // A day from either end, so that the moment in UTC is one that SQL Server has.
    let day = moment::day(draw, moment::FIRST_DAY + 1, moment::LAST_DAY - 1);
    let minutes = draw.between(-840, 840);
    let sign = if minutes < 0 { '-' } else { '+' };
    let size = minutes.abs();
    let time = moment::time(draw, digits, exact);
    format!("'{day}T{time}{sign}{:02}:{:02}'", size / 60, size % 60)
}

/// Text of at most so many bytes in the column's code page.
fn narrow(draw: &mut Draw, most: usize, page: usize) -> String {
    let (_, letters, long) = COLLATIONS[page];
    let most = if long { most / 4 } else { most };
    let letters: Vec<String> = letters.chars().map(String::from).collect();
    let pieces: Vec<&str> = PIECES
        .into_iter()
        .chain(letters.iter().map(String::as_str))
        .collect();
    text(draw, most, &pieces)
}

fn wide(draw: &mut Draw, most: usize) -> String {
    let pieces: Vec<&str> = PIECES.into_iter().chain(WIDE).collect();
    text(draw, most, &pieces)
}

fn text(draw: &mut Draw, most: usize, pieces: &[&str]) -> String {
    let most = match draw.between(0, 7) {
        0 => most,
        1 => most.min(1),
        _ => most.min(draw.size(0, 30)),
    };
    let mut made = String::new();
    let mut units = 0;
    for _ in 0..most {
        let piece = draw.one(pieces);
        units += piece.encode_utf16().count();
        if units > most {
            break;
        }
        made.push_str(piece);
    }
    format!("N'{}'", made.replace('\'', "''"))
}

fn bytes(draw: &mut Draw, most: usize) -> String {
    let most = if draw.once_in(6) {
        most
    } else {
        most.min(draw.size(0, 20))
    };
    let byte = |draw: &mut Draw| *draw.one(&[0, 0xFF, 0x5C, 0x0A, 0x80, 0x41]);
    let hex: String = (0..most).map(|_| format!("{:02X}", byte(draw))).collect();
    format!("0x{hex}")
}

fn guid(draw: &mut Draw) -> String {
    let (high, low) = match draw.between(0, 5) {
        0 => (0, 0),
        1 => (u64::MAX, u64::MAX),
        _ => (draw.bits(), draw.bits()),
    };
    let hex = format!("{high:016X}{low:016X}");
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    format!("'{}'", parts.join("-"))
}

/// A base type whose text both servers print alike.
fn variant(draw: &mut Draw) -> String {
    let kind = *draw.one(&[
        Kind::Bit,
        Kind::TinyInt,
        Kind::SmallInt,
        Kind::Int,
        Kind::BigInt,
        Kind::Decimal(20, 5),
        Kind::Guid,
        Kind::NVarChar(40),
        Kind::VarChar(20, 0),
        Kind::Date,
        Kind::DateTime2(7),
        Kind::DateTimeOffset(3),
        Kind::Time(7),
        Kind::Money,
        Kind::Float,
        Kind::DateTime,
    ]);
    let mut literal = literal(kind, false, draw);
    if literal == "-0e0" {
        // How CONVERT prints it is written nowhere.
        literal = "0e0".into();
    }
    let ty = kind.sql();
    format!(
        "CAST({literal} AS {})",
        ty.split(" COLLATE").next().unwrap_or_default()
    )
}
