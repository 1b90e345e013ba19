//! The PostgreSQL types that the tool makes and can encode.

use serde::{Deserialize, Serialize};

/// A PostgreSQL type with its modifiers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PgType {
    Boolean,
    SmallInt,
    Integer,
    BigInt,
    /// `None`: unconstrained `numeric`.
    Numeric(Option<(u8, u8)>),
    Real,
    DoublePrecision,
    Date,
    /// Fractional digits, 0..=6.
    Time(u8),
    Timestamp(u8),
    TimestampTz(u8),
    Char(u32),
    VarChar(u32),
    Text,
    Bytea,
    Uuid,
    Xml,
}
