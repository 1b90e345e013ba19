//! The type map as one table, and the questions that planning asks it.

use crate::error::{Error, Kind, Result};
use crate::schema::{Column, SqlType};
use crate::typemap::extensions::TargetTypes;
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
    /// What does not arrive, or arrives otherwise.
    pub note: &'static str,
}

const INTEGERS: &str = "any wider integer, numeric, text, varchar(n)";
const BYTES: &str = "text (0x and hexadecimal digits)";
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
    Rule { source: "real, float(1..24)", target: "real", also: "double precision, text (9 significant digits)", note: "bits unchanged" },
    Rule { source: "float(25..53)", target: "double precision", also: "text (17 significant digits)", note: "bits unchanged" },
    Rule { source: "date", target: "date", also: "timestamp(n), text", note: "" },
    Rule { source: "time(n)", target: "time(min(n,6))", also: "time(m), text", note: "rounded half up to the target's digits, but never into the next day: 23:59:59.9999999 becomes 23:59:59.999999, and the report counts such values" },
    Rule { source: "smalldatetime", target: "timestamp(0)", also: "timestamp(m), text", note: "" },
    Rule { source: "datetime", target: "timestamp(3)", also: "timestamp(m), text", note: "milliseconds as SQL Server prints them: .000, .003, .007" },
    Rule { source: "datetime2(n)", target: "timestamp(min(n,6))", also: "timestamp(m), text", note: "rounded half up to the target's digits, but never into the next day: 9999-12-31 23:59:59.9999999 becomes 9999-12-31 23:59:59.999999, and the report counts such values" },
    Rule { source: "datetimeoffset(n)", target: "timestamptz(min(n,6))", also: "timestamptz(m), text", note: "the instant is kept, the offset is not; rounded as datetime2, by the clock of UTC and by the value's own; text keeps both: 2024-05-06 07:08:09.1234567 +05:30" },
    Rule { source: "char(n)", target: "char(n)", also: TEXT, note: "padded with blanks to n characters" },
    Rule { source: "varchar(n)", target: "varchar(n)", also: TEXT, note: "trailing blanks stay" },
    Rule { source: "varchar(max), text", target: "text", also: "", note: "up to 1 GiB - 1" },
    Rule { source: "nchar(n)", target: "char(n)", also: TEXT, note: "padded with blanks to n characters" },
    Rule { source: "nvarchar(n)", target: "varchar(n)", also: TEXT, note: "n counts UTF-16 units at the source, characters at the target: always fits" },
    Rule { source: "nvarchar(max), ntext", target: "text", also: "", note: "up to 1 GiB - 1" },
    Rule { source: "binary(n), varbinary(n), varbinary(max), image", target: "bytea", also: BYTES, note: "empty is not NULL" },
    Rule { source: "rowversion, timestamp", target: "bytea", also: BYTES, note: "8 bytes" },
    Rule { source: "uniqueidentifier", target: "uuid", also: SHOWN, note: "reads the same on both sides; as text in upper case" },
    Rule { source: "xml", target: "xml", also: "text", note: "a declared encoding goes, because the text is UTF-8 then" },
    Rule { source: "sql_variant", target: "text", also: "jsonb, json: {\"type\", \"value\"}", note: "as CONVERT to nvarchar prints it; binary in hexadecimal digits" },
    Rule { source: "hierarchyid", target: "text", also: "bytea (as SQL Server stores it)", note: "its path: /1/2.5/" },
    Rule { source: "geography", target: "geography with PostGIS, else bytea", also: "bytea", note: "EWKB with its SRID, Z and M" },
    Rule { source: "geometry", target: "geometry with PostGIS, else bytea", also: "bytea", note: "EWKB with its SRID, Z and M" },
    Rule { source: "json", target: "jsonb", also: "json, text", note: "" },
    Rule { source: "vector(n)", target: "vector(n) with pgvector, else real[]", also: "real[], text", note: "" },
    Rule { source: "CLR types", target: "bytea", also: BYTES, note: "as the type serializes itself" },
];

/// What a column becomes unless the job says otherwise, on a target that has these extensions.
///
/// A type that this version cannot carry is an error that names the column and the setting that
/// resolves it.
pub fn default_type(column: &Column, target: TargetTypes) -> Result<PgType> {
    type_of(&column.ty, target).ok_or_else(|| unsupported(column, column.ty.name()))
}

/// What a type becomes; `None` for one that this version cannot carry.
///
/// ```
/// use tsql::schema::SqlType;
/// use tsql::typemap::{PgType, TargetTypes, type_of};
///
/// let plain = TargetTypes::default();
/// assert_eq!(type_of(&SqlType::TinyInt, plain), Some(PgType::SmallInt));
/// assert_eq!(type_of(&SqlType::DateTime2 { scale: 7 }, plain), Some(PgType::Timestamp(6)));
/// // Without PostGIS.
/// assert_eq!(type_of(&SqlType::Geometry, plain), Some(PgType::Bytea));
/// ```
pub fn type_of(ty: &SqlType, target: TargetTypes) -> Option<PgType> {
    Some(match *ty {
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
        | SqlType::RowVersion
        | SqlType::Clr { .. } => PgType::Bytea,
        SqlType::UniqueIdentifier => PgType::Uuid,
        SqlType::Xml => PgType::Xml,
        SqlType::SqlVariant | SqlType::HierarchyId => PgType::Text,
        SqlType::Geography if target.postgis => PgType::Geography,
        SqlType::Geometry if target.postgis => PgType::Geometry,
        SqlType::Geography | SqlType::Geometry => PgType::Bytea,
        SqlType::Json => PgType::Jsonb,
        SqlType::Vector { dimensions } if target.pgvector => PgType::Vector(dimensions),
        SqlType::Vector { .. } => PgType::RealArray,
        SqlType::Other { .. } => return None,
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
