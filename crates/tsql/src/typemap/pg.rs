//! The PostgreSQL types that the tool makes and can encode.
//!
//! A closed list: what the tool cannot encode is not in it. Its variants are part of recorded
//! plans.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A PostgreSQL type with its modifiers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PgType {
    /// `boolean`.
    Boolean,
    /// `smallint`.
    SmallInt,
    /// `integer`.
    Integer,
    /// `bigint`.
    BigInt,
    /// `None`: unconstrained `numeric`.
    /// Otherwise precision and scale.
    Numeric(Option<(u8, u8)>),
    /// `real`.
    Real,
    /// `double precision`.
    DoublePrecision,
    /// `date`.
    Date,
    /// Fractional digits, 0..=6.
    Time(u8),
    /// Without time zone; fractional digits, 0..=6.
    Timestamp(u8),
    /// With time zone; fractional digits, 0..=6.
    TimestampTz(u8),
    /// Characters of `char(n)`.
    Char(u32),
    /// Characters of `varchar(n)`.
    VarChar(u32),
    /// `text`.
    Text,
    /// `bytea`.
    Bytea,
    /// `uuid`.
    Uuid,
    /// `xml`.
    Xml,
    /// `json`.
    Json,
    /// `jsonb`.
    Jsonb,
    /// `real[]`.
    /// One dimension, no NULL among its elements.
    RealArray,
    /// pgvector's `vector(n)`.
    Vector(u16),
    /// PostGIS's types.
    /// `geography` has longitudes and latitudes.
    Geography,
    /// PostGIS's `geometry`.
    Geometry,
}

impl fmt::Display for PgType {
    /// As CREATE TABLE takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::SmallInt => f.write_str("smallint"),
            Self::Integer => f.write_str("integer"),
            Self::BigInt => f.write_str("bigint"),
            Self::Numeric(None) => f.write_str("numeric"),
            Self::Numeric(Some((precision, scale))) => write!(f, "numeric({precision},{scale})"),
            Self::Real => f.write_str("real"),
            Self::DoublePrecision => f.write_str("double precision"),
            Self::Date => f.write_str("date"),
            Self::Time(precision) => write!(f, "time({precision})"),
            Self::Timestamp(precision) => write!(f, "timestamp({precision})"),
            Self::TimestampTz(precision) => write!(f, "timestamptz({precision})"),
            Self::Char(length) => write!(f, "char({length})"),
            Self::VarChar(length) => write!(f, "varchar({length})"),
            Self::Text => f.write_str("text"),
            Self::Bytea => f.write_str("bytea"),
            Self::Uuid => f.write_str("uuid"),
            Self::Xml => f.write_str("xml"),
            Self::Json => f.write_str("json"),
            Self::Jsonb => f.write_str("jsonb"),
            Self::RealArray => f.write_str("real[]"),
            Self::Vector(dimensions) => write!(f, "vector({dimensions})"),
            Self::Geography => f.write_str("geography"),
            Self::Geometry => f.write_str("geometry"),
        }
    }
}
