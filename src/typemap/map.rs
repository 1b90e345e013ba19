//! The type map as one table, and the questions that planning asks it.

use crate::error::{Error, Kind, Result};
use crate::schema::{Column, SqlType};
use crate::typemap::pg::PgType;

/// One line of the table in docs/types.md.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The SQL Server type.
    pub source: &'static str,
    /// What it becomes unless the job says otherwise.
    pub target: &'static str,
    /// What else it can become (`tables.overrides.<table>.types`).
    pub also: &'static str,
    pub note: &'static str,
}

const INTEGERS: &str = "any wider integer, numeric, text, varchar(n)";
const SHOWN: &str = "text, varchar(n), char(n)";
const TEXT: &str = "text; varchar(m), char(m) of at least n";

/// The type map.
#[rustfmt::skip]
pub const TYPES: &[Rule] = &[
    Rule { source: "bit", target: "boolean", also: "smallint, integer, bigint, text", note: "1 and 0 as a number or text" },
    Rule { source: "tinyint", target: "smallint", also: INTEGERS, note: "0..255" },
    Rule { source: "smallint", target: "smallint", also: INTEGERS, note: "" },
    Rule { source: "int", target: "integer", also: INTEGERS, note: "" },
    Rule { source: "bigint", target: "bigint", also: INTEGERS, note: "" },
    Rule { source: "decimal(p,s), numeric(p,s)", target: "numeric(p,s)", also: "numeric with as many digits on both sides, integers where s = 0 and p digits fit, text, varchar(n)", note: "all 38 digits; -0 becomes 0" },
    Rule { source: "smallmoney", target: "numeric(10,4)", also: "wider numeric, text, varchar(n)", note: "exact" },
    Rule { source: "money", target: "numeric(19,4)", also: "wider numeric, text, varchar(n)", note: "exact, never through a float" },
    Rule { source: "real, float(1..24)", target: "real", also: "double precision", note: "bits unchanged" },
    Rule { source: "float(25..53)", target: "double precision", also: "", note: "bits unchanged" },
    Rule { source: "date", target: "date", also: "timestamp(n), text", note: "" },
    Rule { source: "time(n)", target: "time(min(n,6))", also: "time(m), text", note: "rounded half up to the target's digits; 23:59:59.9999999 becomes 24:00:00" },
    Rule { source: "smalldatetime", target: "timestamp(0)", also: "timestamp(m), text", note: "" },
    Rule { source: "datetime", target: "timestamp(3)", also: "timestamp(m), text", note: "milliseconds as SQL Server prints them: .000, .003, .007" },
    Rule { source: "datetime2(n)", target: "timestamp(min(n,6))", also: "timestamp(m), text", note: "rounded half up to the target's digits; may carry into year 10000" },
    Rule { source: "datetimeoffset(n)", target: "timestamptz(min(n,6))", also: "timestamptz(m), text", note: "the instant is kept, the offset is not; text keeps both: 2024-05-06 07:08:09.1234567 +05:30" },
    Rule { source: "char(n)", target: "char(n)", also: TEXT, note: "padded with blanks to n characters" },
    Rule { source: "varchar(n)", target: "varchar(n)", also: TEXT, note: "trailing blanks stay" },
    Rule { source: "varchar(max), text", target: "text", also: "", note: "up to 1 GiB - 1" },
    Rule { source: "nchar(n)", target: "char(n)", also: TEXT, note: "padded with blanks to n characters" },
    Rule { source: "nvarchar(n)", target: "varchar(n)", also: TEXT, note: "n counts UTF-16 units at the source, characters at the target: always fits" },
    Rule { source: "nvarchar(max), ntext", target: "text", also: "", note: "up to 1 GiB - 1" },
    Rule { source: "binary(n), varbinary(n), varbinary(max), image", target: "bytea", also: "", note: "empty is not NULL" },
    Rule { source: "rowversion, timestamp", target: "bytea", also: "", note: "8 bytes" },
    Rule { source: "uniqueidentifier", target: "uuid", also: SHOWN, note: "reads the same on both sides; as text in upper case" },
    Rule { source: "xml", target: "xml", also: "text", note: "a declared encoding goes, because the text is UTF-8 then" },
];

/// What a column becomes unless the job says otherwise.
///
/// A type that this version cannot carry is an error that names the column and the setting that
/// resolves it.
pub fn default_type(column: &Column) -> Result<PgType> {
    Ok(match column.ty {
        SqlType::Bit => PgType::Boolean,
        SqlType::TinyInt | SqlType::SmallInt => PgType::SmallInt,
        SqlType::Int => PgType::Integer,
        SqlType::BigInt => PgType::BigInt,
        SqlType::Decimal { precision, scale } => PgType::Numeric(Some((precision, scale))),
        SqlType::SmallMoney => PgType::Numeric(Some((10, 4))),
        SqlType::Money => PgType::Numeric(Some((19, 4))),
        SqlType::Real => PgType::Real,
        SqlType::Float => PgType::DoublePrecision,
        SqlType::Date => PgType::Date,
        SqlType::Time { scale } => PgType::Time(scale.min(6)),
        SqlType::SmallDateTime => PgType::Timestamp(0),
        SqlType::DateTime => PgType::Timestamp(3),
        SqlType::DateTime2 { scale } => PgType::Timestamp(scale.min(6)),
        SqlType::DateTimeOffset { scale } => PgType::TimestampTz(scale.min(6)),
        SqlType::Char { length } | SqlType::NChar { length } => PgType::Char(length.into()),
        SqlType::VarChar {
            length: Some(length),
        }
        | SqlType::NVarChar {
            length: Some(length),
        } => PgType::VarChar(length.into()),
        SqlType::VarChar { length: None }
        | SqlType::NVarChar { length: None }
        | SqlType::Text
        | SqlType::NText => PgType::Text,
        SqlType::Binary { .. }
        | SqlType::VarBinary { .. }
        | SqlType::Image
        | SqlType::RowVersion => PgType::Bytea,
        SqlType::UniqueIdentifier => PgType::Uuid,
        SqlType::Xml => PgType::Xml,
        SqlType::SqlVariant => return Err(unsupported(column, "sql_variant")),
        SqlType::HierarchyId => return Err(unsupported(column, "hierarchyid")),
        SqlType::Geography => return Err(unsupported(column, "geography")),
        SqlType::Geometry => return Err(unsupported(column, "geometry")),
        SqlType::Other { ref name } => return Err(unsupported(column, name)),
    })
}

fn unsupported(column: &Column, name: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!(
            "type {name} cannot be moved by this version; leave the column out with \
             tables.overrides.<table>.columns.exclude: [{}]",
            column.name
        ),
    )
    .at_column(&column.name)
}

/// Whether values of `source` can be written as `target`, every one of them.
pub fn can_encode(source: &SqlType, target: &PgType) -> bool {
    match source {
        SqlType::Char { length } | SqlType::NChar { length } => holds(target, Some(*length)),
        SqlType::VarChar { length } | SqlType::NVarChar { length } => holds(target, *length),
        SqlType::Text | SqlType::NText => holds(target, None),
        SqlType::Xml => matches!(target, PgType::Xml | PgType::Text),
        SqlType::Binary { .. }
        | SqlType::VarBinary { .. }
        | SqlType::Image
        | SqlType::RowVersion => *target == PgType::Bytea,
        SqlType::Real => matches!(target, PgType::Real | PgType::DoublePrecision),
        SqlType::Float => *target == PgType::DoublePrecision,
        SqlType::SqlVariant
        | SqlType::HierarchyId
        | SqlType::Geography
        | SqlType::Geometry
        | SqlType::Other { .. } => false,
        _ => match target {
            PgType::Char(_) | PgType::VarChar(_) | PgType::Text => {
                shown_length(source).is_some_and(|length| holds(target, Some(length)))
            }
            _ => takes(source, target),
        },
    }
}

/// Whether a text of at most `length` characters fits; `None` is without limit.
fn holds(target: &PgType, length: Option<u16>) -> bool {
    match (target, length) {
        (PgType::Text, _) => true,
        (PgType::Char(room) | PgType::VarChar(room), Some(length)) => *room >= u32::from(length),
        _ => false,
    }
}

/// Whether a target that is no text takes every value.
fn takes(source: &SqlType, target: &PgType) -> bool {
    let (whole, fraction) = match *source {
        SqlType::Bit => {
            return matches!(
                target,
                PgType::Boolean | PgType::SmallInt | PgType::Integer | PgType::BigInt
            );
        }
        SqlType::UniqueIdentifier => return *target == PgType::Uuid,
        SqlType::Date => return matches!(target, PgType::Date | PgType::Timestamp(_)),
        SqlType::Time { .. } => return matches!(target, PgType::Time(_)),
        SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. } => {
            return matches!(target, PgType::Timestamp(_));
        }
        SqlType::DateTimeOffset { .. } => return matches!(target, PgType::TimestampTz(_)),
        // Digits before and after the point.
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::Int => (10, 0),
        SqlType::BigInt => (19, 0),
        SqlType::Decimal { precision, scale } => (precision - scale.min(precision), scale),
        SqlType::SmallMoney => (6, 4),
        SqlType::Money => (15, 4),
        _ => return false,
    };
    let is_decimal = matches!(source, SqlType::Decimal { .. });
    // An integer type fills its own digits only in part, a decimal(p,0) all of them.
    let (small, medium, large) = if is_decimal { (4, 9, 18) } else { (5, 10, 19) };
    match target {
        PgType::Numeric(None) => true,
        PgType::Numeric(Some((precision, scale))) => {
            *scale >= fraction && precision.saturating_sub(*scale) >= whole
        }
        PgType::SmallInt => fraction == 0 && whole <= small,
        PgType::Integer => fraction == 0 && whole <= medium,
        PgType::BigInt => fraction == 0 && whole <= large,
        _ => false,
    }
}

/// Characters of the longest value as text.
fn shown_length(source: &SqlType) -> Option<u16> {
    let fraction = |scale: u8| match scale {
        0 => 0,
        scale => u16::from(scale) + 1,
    };
    Some(match *source {
        SqlType::Bit => 1,
        SqlType::TinyInt => 3,
        SqlType::SmallInt => 6,
        SqlType::Int => 11,
        SqlType::BigInt => 20,
        // A sign, a digit before the point, the point.
        SqlType::Decimal { precision, .. } => u16::from(precision) + 3,
        SqlType::SmallMoney => 12,
        SqlType::Money => 21,
        SqlType::Date => 10,
        SqlType::Time { scale } => 8 + fraction(scale),
        SqlType::SmallDateTime => 19,
        SqlType::DateTime => 23,
        SqlType::DateTime2 { scale } => 19 + fraction(scale),
        SqlType::DateTimeOffset { scale } => 26 + fraction(scale),
        SqlType::UniqueIdentifier => 36,
        _ => return None,
    })
}

/// What of a value does not arrive, for the plan.
pub fn precision_note(column: &Column, target: &PgType) -> Option<String> {
    let digits = match column.ty {
        SqlType::Time { scale }
        | SqlType::DateTime2 { scale }
        | SqlType::DateTimeOffset { scale } => scale,
        SqlType::DateTime => 3,
        _ => return None,
    };
    let kept = match *target {
        PgType::Time(kept) | PgType::Timestamp(kept) | PgType::TimestampTz(kept) => kept,
        _ => return None,
    };
    let mut notes = Vec::new();
    if kept < digits {
        notes.push(format!(
            "rounded half up from {digits} to {kept} fractional digits"
        ));
    }
    if matches!(column.ty, SqlType::DateTimeOffset { .. }) {
        notes.push("the instant is kept, the offset is not (type `text` keeps it)".to_owned());
    }
    (!notes.is_empty()).then(|| format!("column {}: {}", column.name, notes.join("; ")))
}
