//! PostgreSQL types as a job file writes them.
//!
//! It takes the spellings of PostgreSQL's own documentation, in any case and with any blanks, and
//! only types that the tool can write.

use crate::error::{Error, Kind, Result};
use crate::typemap::pg::PgType;

/// PostgreSQL's own limit of `char(n)` and `varchar(n)`.
const LONGEST_CHARACTERS: u32 = 10_485_760;
/// Digits of `numeric` that the tool writes; SQL Server's `decimal` ends there too.
const MOST_DIGITS: u32 = 38;
/// Fractional digits of a time in PostgreSQL, and what a type without a number means.
const MICROSECONDS: u32 = 6;

/// Reads a type: `numeric(19, 4)`, `Varchar(20)`, `timestamp(3) with time zone`...
///
/// ```
/// use tsql::typemap::{PgType, parse_override};
///
/// assert_eq!(parse_override("Numeric(19, 4)")?, PgType::Numeric(Some((19, 4))));
/// assert!(parse_override("money").is_err());
/// # Ok::<(), tsql::error::Error>(())
/// ```
pub fn parse_override(text: &str) -> Result<PgType> {
    let written = text.trim().to_ascii_lowercase();
    parse(&written).ok_or_else(|| {
        Error::new(
            Kind::Setting,
            format!(
                "`{text}` is not a target type this version makes: boolean, smallint, integer, \
                 bigint, numeric(p,s), real, double precision, date, time(n), timestamp(n), \
                 timestamptz(n), char(n), varchar(n), text, bytea, uuid, xml, json, jsonb, real[], \
                 vector(n), geography, geometry, or domain for an alias type"
            ),
        )
    })
}

/// `None` for a type that is not known, or with numbers that it cannot have.
fn parse(written: &str) -> Option<PgType> {
    let (name, numbers) = split(written)?;
    let length = || match numbers[..] {
        [length @ 1..=LONGEST_CHARACTERS] => Some(length),
        _ => None,
    };
    let fraction = || match numbers[..] {
        [] => Some(MICROSECONDS as u8),
        [digits @ 0..=MICROSECONDS] => Some(digits as u8),
        _ => None,
    };
    match name.as_str() {
        "numeric" | "decimal" => return numeric(&numbers),
        "char" | "character" => return length().map(PgType::Char),
        "varchar" | "character varying" => return length().map(PgType::VarChar),
        "time" | "time without time zone" => return fraction().map(PgType::Time),
        "timestamp" | "timestamp without time zone" => return fraction().map(PgType::Timestamp),
        "timestamptz" | "timestamp with time zone" => return fraction().map(PgType::TimestampTz),
        "vector" => return dimensions(&numbers),
        _ if !numbers.is_empty() => return None,
        _ => {}
    }
    Some(match name.as_str() {
        "boolean" | "bool" => PgType::Boolean,
        "smallint" | "int2" => PgType::SmallInt,
        "integer" | "int" | "int4" => PgType::Integer,
        "bigint" | "int8" => PgType::BigInt,
        "real" | "float4" => PgType::Real,
        "double precision" | "float8" => PgType::DoublePrecision,
        "date" => PgType::Date,
        "text" => PgType::Text,
        "bytea" => PgType::Bytea,
        "uuid" => PgType::Uuid,
        "xml" => PgType::Xml,
        "json" => PgType::Json,
        "jsonb" => PgType::Jsonb,
        "real[]" | "float4[]" => PgType::RealArray,
        "geography" => PgType::Geography,
        "geometry" => PgType::Geometry,
        _ => return None,
    })
}

/// pgvector's own limit is 16,000, SQL Server's is less.
fn dimensions(numbers: &[u32]) -> Option<PgType> {
    match *numbers {
        [dimensions @ 1..=16_000] => Some(PgType::Vector(dimensions as u16)),
        _ => None,
    }
}

fn numeric(numbers: &[u32]) -> Option<PgType> {
    match *numbers {
        [] => Some(PgType::Numeric(None)),
        [digits @ 1..=MOST_DIGITS] => Some(PgType::Numeric(Some((digits as u8, 0)))),
        [digits @ 1..=MOST_DIGITS, scale] if scale <= digits => {
            Some(PgType::Numeric(Some((digits as u8, scale as u8))))
        }
        _ => None,
    }
}

/// The name with single blanks, and the numbers in its brackets.
fn split(written: &str) -> Option<(String, Vec<u32>)> {
    let (head, numbers, tail) = match written.split_once('(') {
        None => (written, Vec::new(), ""),
        Some((head, rest)) => {
            let (inside, tail) = rest.split_once(')')?;
            let numbers = inside.split(',').map(|number| number.trim().parse().ok());
            (head, numbers.collect::<Option<_>>()?, tail)
        }
    };
    let words: Vec<_> = head
        .split_whitespace()
        .chain(tail.split_whitespace())
        .collect();
    Some((words.join(" "), numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_as_postgresql_writes_them() {
        for (text, ty) in [
            ("numeric(19, 4)", PgType::Numeric(Some((19, 4)))),
            (" NUMERIC ", PgType::Numeric(None)),
            ("decimal(5)", PgType::Numeric(Some((5, 0)))),
            ("character  varying(20)", PgType::VarChar(20)),
            ("timestamp(3) with time zone", PgType::TimestampTz(3)),
            ("timestamp", PgType::Timestamp(6)),
            ("double  precision", PgType::DoublePrecision),
            ("int8", PgType::BigInt),
        ] {
            assert_eq!(parse_override(text).unwrap(), ty, "{text}");
        }
    }

    #[test]
    fn what_display_writes_is_read_back() {
        for ty in [
            PgType::Boolean,
            PgType::Numeric(Some((38, 38))),
            PgType::Time(0),
            PgType::Timestamp(6),
            PgType::TimestampTz(2),
            PgType::Char(3),
            PgType::DoublePrecision,
            PgType::Xml,
            PgType::Jsonb,
            PgType::RealArray,
            PgType::Vector(3),
            PgType::Geography,
        ] {
            assert_eq!(parse_override(&ty.to_string()).unwrap(), ty);
        }
    }

    #[test]
    fn other_types_are_refused_by_name() {
        for text in [
            "varchar",
            "varchar(0)",
            "time(7)",
            "numeric(39)",
            "numeric(3,4)",
            "text(3)",
            "money",
            "numeric(1",
            "",
            "timestamp(1,2)",
        ] {
            assert_eq!(
                parse_override(text).unwrap_err().kind(),
                Kind::Setting,
                "{text}"
            );
        }
    }
}
