//! The names of types in DDL.
//!
//! A type that is added to `PgType` does not compile here until it has its text.

use tsql::typemap::PgType;

/// A type as the catalog's `format_type` prints it, so that DDL and comparison use one text.
pub(in crate::postgres) fn type_text(ty: &PgType) -> String {
    match ty {
        PgType::Boolean => "boolean".into(),
        PgType::SmallInt => "smallint".into(),
        PgType::Integer => "integer".into(),
        PgType::BigInt => "bigint".into(),
        PgType::Numeric(None) => "numeric".into(),
        PgType::Numeric(Some((precision, scale))) => format!("numeric({precision},{scale})"),
        PgType::Real => "real".into(),
        PgType::DoublePrecision => "double precision".into(),
        PgType::Date => "date".into(),
        PgType::Time(digits) => format!("time({digits}) without time zone"),
        PgType::Timestamp(digits) => format!("timestamp({digits}) without time zone"),
        PgType::TimestampTz(digits) => format!("timestamp({digits}) with time zone"),
        PgType::Char(length) => format!("character({length})"),
        PgType::VarChar(length) => format!("character varying({length})"),
        PgType::Text => "text".into(),
        PgType::Bytea => "bytea".into(),
        PgType::Uuid => "uuid".into(),
        PgType::Xml
        | PgType::Json
        | PgType::Jsonb
        | PgType::RealArray
        | PgType::Vector(_)
        | PgType::Geography
        | PgType::Geometry => ty.to_string(),
    }
}

/// The same type without its modifier: holds every value of it, in the same binary form.
pub(super) fn widest_text(ty: &PgType) -> String {
    match ty {
        PgType::Numeric(Some(_)) => "numeric".into(),
        PgType::Time(_) => "time without time zone".into(),
        PgType::Timestamp(_) => "timestamp without time zone".into(),
        PgType::TimestampTz(_) => "timestamp with time zone".into(),
        PgType::VarChar(_) => "character varying".into(),
        PgType::Vector(_) => "vector".into(),
        other => type_text(other),
    }
}
