//! Key values as facts: kept in checkpoints, written back to the server exactly.

use serde::{Deserialize, Serialize};

/// One value of a key column, without loss. Never shown in logs or errors.
///
/// Serialised into `_migrate.partitions`; integers that JSON readers round are strings there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyValue {
    Bit(bool),
    /// `tinyint` to `bigint`.
    Int(i64),
    /// Value times 10^scale, as decimal digits with sign.
    Decimal {
        unscaled: String,
        precision: u8,
        scale: u8,
    },
    /// `money` and `smallmoney`, times 10,000.
    Money(i64),
    /// The bits, because JSON has no form for every float.
    Real {
        bits: u32,
    },
    Float {
        bits: u64,
    },
    /// Days since 0001-01-01.
    Date {
        days: u32,
    },
    /// 100 ns ticks since midnight.
    Time {
        ticks: u64,
        scale: u8,
    },
    /// Days since 1900-01-01, minutes since midnight.
    SmallDateTime {
        days: u16,
        minutes: u16,
    },
    /// Days since 1900-01-01, 1/300 s ticks since midnight.
    DateTime {
        days: i32,
        ticks: u32,
    },
    /// Days since 0001-01-01, 100 ns ticks since midnight.
    DateTime2 {
        days: u32,
        ticks: u64,
        scale: u8,
    },
    /// UTC day and tick, offset in minutes.
    DateTimeOffset {
        days: u32,
        ticks: u64,
        offset: i16,
        scale: u8,
    },
    /// UTF-16 units of `nchar`, `nvarchar`.
    National(Vec<u16>),
    /// `char`, `varchar`: the text decoded from the column's code page.
    Text(String),
    /// `binary`, `varbinary`, `rowversion`.
    Bytes(Vec<u8>),
    /// `uniqueidentifier` in wire order.
    Guid([u8; 16]),
}
