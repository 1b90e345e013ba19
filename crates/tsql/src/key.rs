//! Key values as facts: kept in checkpoints, written back to the server exactly.
//!
//! `tds_copy::tds::key` reads them from the wire, the checkpoint keeps them as JSON, and the
//! literals below go into the WHERE of the statement that continues. So a value must be the same
//! after that round trip to the last bit: a literal that is one tick off would lose a row or read
//! one twice.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::calendar;
use crate::hex::hex;
use crate::schema::SqlType;

/// One value of a key column, without loss. Never shown in logs or errors.
///
/// Serialised into `_migrate.partitions`; integers that JSON readers round are strings there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyValue {
    /// `bit`.
    Bit(bool),
    /// `tinyint` to `bigint`.
    Int(i64),
    /// Value times 10^scale, as decimal digits with sign.
    Decimal {
        /// The digits without point, with a sign if negative.
        unscaled: String,
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `money` and `smallmoney`, times 10,000.
    Money(i64),
    /// The bits, because JSON has no form for every float.
    Real {
        /// IEEE 754 binary32.
        bits: u32,
    },
    /// `float`, as [`Self::Real`].
    Float {
        /// IEEE 754 binary64.
        bits: u64,
    },
    /// Days since 0001-01-01.
    Date {
        /// Since 0001-01-01.
        days: u32,
    },
    /// 100 ns ticks since midnight.
    Time {
        /// 100 ns since midnight.
        ticks: u64,
        /// Fractional digits of the column.
        scale: u8,
    },
    /// Days since 1900-01-01, minutes since midnight.
    SmallDateTime {
        /// Since 1900-01-01.
        days: u16,
        /// Since midnight.
        minutes: u16,
    },
    /// Days since 1900-01-01, 1/300 s ticks since midnight.
    DateTime {
        /// Since 1900-01-01.
        days: i32,
        /// 1/300 s since midnight.
        ticks: u32,
    },
    /// Days since 0001-01-01, 100 ns ticks since midnight.
    DateTime2 {
        /// Since 0001-01-01.
        days: u32,
        /// 100 ns since midnight.
        ticks: u64,
        /// Fractional digits of the column.
        scale: u8,
    },
    /// UTC day and tick, offset in minutes.
    DateTimeOffset {
        /// Since 0001-01-01, in UTC.
        days: u32,
        /// 100 ns since midnight, in UTC.
        ticks: u64,
        /// Minutes east of UTC.
        offset: i16,
        /// Fractional digits of the column.
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

impl KeyValue {
    /// How the server orders two values of one column, where that is a matter of numbers. `None`
    /// where a collation or a byte order of the server's own decides, and for floats, whose values
    /// are not those of their literals for certain.
    ///
    /// ```
    /// use std::cmp::Ordering;
    ///
    /// use tsql::key::KeyValue;
    ///
    /// let (one, two) = (KeyValue::Int(1), KeyValue::Int(2));
    /// assert_eq!(one.order(&two), Some(Ordering::Less));
    /// // A collation of the server decides.
    /// let text = |text: &str| KeyValue::Text(text.to_owned());
    /// assert_eq!(text("a").order(&text("b")), None);
    /// ```
    /// `None` for values of two different kinds as well.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        use KeyValue::{
            Bit, Date, DateTime, DateTime2, DateTimeOffset, Decimal, Int, Money, SmallDateTime,
            Time,
        };
        Some(match (self, other) {
            (Bit(one), Bit(other)) => one.cmp(other),
            (Int(one), Int(other)) | (Money(one), Money(other)) => one.cmp(other),
            (
                Decimal { unscaled, scale, .. },
                Decimal { unscaled: digits, scale: same, .. },
            ) if scale == same => {
                let number = |digits: &str| digits.parse::<i128>().ok();
                number(unscaled)?.cmp(&number(digits)?)
            }
            (Date { days: one }, Date { days: other }) => one.cmp(other),
            (Time { ticks: one, .. }, Time { ticks: other, .. }) => one.cmp(other),
            (
                SmallDateTime { days, minutes },
                SmallDateTime { days: day, minutes: minute },
            ) => (days, minutes).cmp(&(day, minute)),
            (DateTime { days, ticks }, DateTime { days: day, ticks: tick }) => {
                (days, ticks).cmp(&(day, tick))
            }
            (
                DateTime2 { days, ticks, .. },
                DateTime2 { days: day, ticks: tick, .. },
            )
            // Days and ticks are UTC.
            | (
                DateTimeOffset { days, ticks, .. },
                DateTimeOffset { days: day, ticks: tick, .. },
            ) => (days, ticks).cmp(&(day, tick)),
            _ => return None,
        })
    }

    /// The value as a T-SQL expression of exactly the column's type, so that the server neither
    /// rounds it nor converts the column (which would turn a seek into a scan).
    ///
    /// `collation` is the column's; it is needed for `char` and `varchar` outside ASCII, whose
    /// literals would otherwise pass through the database's default code page.
    ///
    /// ```
    /// use tsql::key::KeyValue;
    /// use tsql::schema::SqlType;
    ///
    /// assert_eq!(KeyValue::Int(7).literal(&SqlType::BigInt, None), "CAST(7 AS bigint)");
    /// let date = KeyValue::Date { days: 730_178 };
    /// assert_eq!(date.literal(&SqlType::Date, None), "CAST('2000-02-29' AS date)");
    /// // One tick of 1/300 s after noon.
    /// let tick = KeyValue::DateTime { days: 36_583, ticks: 43_200 * 300 + 1 };
    /// assert!(tick.literal(&SqlType::DateTime, None).contains("2000-02-29T12:00:00.003"));
    /// ```
    pub fn literal(&self, ty: &SqlType, collation: Option<&str>) -> String {
        let name = type_name(ty);
        match self {
            Self::Bit(value) => format!("CAST({} AS bit)", u8::from(*value)),
            Self::Int(value) => format!("CAST({value} AS {name})"),
            Self::Decimal {
                unscaled, scale, ..
            } => {
                format!("CAST('{}' AS {name})", point(unscaled, *scale))
            }
            Self::Money(value) => format!("CAST('{}' AS {name})", point(&value.to_string(), 4)),
            Self::Real { bits } => format!("CAST({:e} AS real)", f64::from(f32::from_bits(*bits))),
            Self::Float { bits } => format!("CAST({:e} AS float)", f64::from_bits(*bits)),
            Self::Date { days } => format!("CAST('{}' AS date)", date(*days)),
            Self::Time { ticks, scale } => {
                format!("CAST('{}' AS time({scale}))", clock(*ticks, *scale))
            }
            Self::SmallDateTime { days, minutes } => {
                let day = date(u32::from(*days) + DAYS_TO_1900);
                format!(
                    "CAST('{day}T{:02}:{:02}:00' AS smalldatetime)",
                    minutes / 60,
                    minutes % 60
                )
            }
            Self::DateTime { days, ticks } => datetime_literal(*days, *ticks),
            Self::DateTime2 { days, ticks, scale } => {
                format!(
                    "CAST('{}T{}' AS datetime2({scale}))",
                    date(*days),
                    clock(*ticks, *scale)
                )
            }
            // The instant alone decides order and equality, so the offset is not needed.
            Self::DateTimeOffset {
                days, ticks, scale, ..
            } => format!(
                "CAST('{}T{}+00:00' AS datetimeoffset({scale}))",
                date(*days),
                clock(*ticks, *scale)
            ),
            Self::National(units) => match (ty, String::from_utf16(units)) {
                // A UTF-8 column is selected as nvarchar; compared as such it could not be sought.
                (SqlType::Char { .. } | SqlType::VarChar { .. }, Ok(text)) => {
                    varchar(&text, &name, collation)
                }
                _ => national(units),
            },
            Self::Text(text) => varchar(text, &name, collation),
            // Only a cast makes a hierarchyid of bytes, and it changes none of them.
            Self::Bytes(bytes) if *ty == SqlType::HierarchyId => {
                format!("CAST({} AS hierarchyid)", binary(bytes))
            }
            Self::Bytes(bytes) => binary(bytes),
            Self::Guid(bytes) => format!("CAST('{}' AS uniqueidentifier)", guid(bytes)),
        }
    }
}

/// Days from 0001-01-01 to 1900-01-01.
const DAYS_TO_1900: u32 = 693_595;
/// Ticks of 100 ns, the unit of `time`, `datetime2` and `datetimeoffset`.
const TICKS_PER_SECOND: u64 = 10_000_000;

/// The T-SQL name of a type that a key can have.
fn type_name(ty: &SqlType) -> Cow<'static, str> {
    match ty {
        SqlType::TinyInt => "tinyint".into(),
        SqlType::SmallInt => "smallint".into(),
        SqlType::Int => "int".into(),
        SqlType::BigInt => "bigint".into(),
        SqlType::Decimal { precision, scale } => format!("decimal({precision},{scale})").into(),
        SqlType::SmallMoney => "smallmoney".into(),
        SqlType::Money => "money".into(),
        SqlType::Char { length } => format!("char({length})").into(),
        SqlType::VarChar {
            length: Some(length),
        } => format!("varchar({length})").into(),
        SqlType::VarChar { length: None } => "varchar(max)".into(),
        _ => "sql_variant".into(),
    }
}

/// Puts a decimal point `scale` digits from the right.
fn point(unscaled: &str, scale: u8) -> String {
    let (sign, digits) = unscaled
        .strip_prefix('-')
        .map_or(("", unscaled), |digits| ("-", digits));
    let scale = usize::from(scale);
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// `yyyy-mm-dd` of a day counted from 0001-01-01.
fn date(days: u32) -> String {
    calendar::iso_date(calendar::TO_0001 + i64::from(days))
}

/// `hh:mm:ss[.fff]` with `scale` fractional digits.
fn clock(ticks: u64, scale: u8) -> String {
    let seconds = ticks / TICKS_PER_SECOND;
    let clock = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    );
    if scale == 0 {
        return clock;
    }
    let fraction = format!("{:07}", ticks % TICKS_PER_SECOND);
    format!("{clock}.{}", &fraction[..usize::from(scale.min(7))])
}

/// Milliseconds as SQL Server prints them (.000, .003, .007) are read back as the same tick.
fn datetime_literal(days: i32, ticks: u32) -> String {
    let day = date(u32::try_from(i64::from(days) + i64::from(DAYS_TO_1900)).unwrap_or(0));
    let milliseconds = (u64::from(ticks) * 10 + 1) / 3;
    format!(
        "CAST('{day}T{}' AS datetime)",
        clock(milliseconds * 10_000, 3)
    )
}

/// `N'...'` for plain text; the bytes themselves where a literal could not carry the units.
fn national(units: &[u16]) -> String {
    match String::from_utf16(units) {
        Ok(text) if !text.chars().any(char::is_control) => {
            format!("N'{}'", text.replace('\'', "''"))
        }
        _ => {
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            format!(
                "CAST({} AS nvarchar({}))",
                binary(&bytes),
                units.len().clamp(1, 4_000)
            )
        }
    }
}

/// Control characters go as bytes: T-SQL takes a backslash before a line end for the literal's own
/// line continuation, and would drop both.
fn varchar(text: &str, type_name: &str, collation: Option<&str>) -> String {
    let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if plain {
        return format!("CAST('{}' AS {type_name})", text.replace('\'', "''"));
    }
    let literal = national(&text.encode_utf16().collect::<Vec<_>>());
    let named = |name: &&str| {
        name.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    match collation.filter(named) {
        Some(collation) => format!("CAST({literal} COLLATE {collation} AS {type_name})"),
        None => format!("CAST({literal} AS {type_name})"),
    }
}

/// A binary literal of T-SQL.
fn binary(bytes: &[u8]) -> String {
    format!("0x{}", hex(bytes).to_ascii_uppercase())
}

/// Text form of a uniqueidentifier: the first three groups are little-endian on the wire
/// (MS-DTYP 2.3.4.2).
fn guid(wire: &[u8; 16]) -> String {
    const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let mut text = String::with_capacity(36);
    for (position, index) in ORDER.into_iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{:02X}", wire[index]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: KeyValue, ty: SqlType, expected: &str) {
        assert_eq!(value.literal(&ty, Some("Cyrillic_General_CI_AS")), expected);
    }

    #[test]
    fn integers_keep_their_column_type_so_that_the_server_can_seek() {
        check(
            KeyValue::Int(-2_147_483_649),
            SqlType::BigInt,
            "CAST(-2147483649 AS bigint)",
        );
        check(KeyValue::Int(7), SqlType::TinyInt, "CAST(7 AS tinyint)");
    }

    #[test]
    fn decimals_and_money_are_exact() {
        let decimal = |digits: &str| KeyValue::Decimal {
            unscaled: digits.into(),
            precision: 38,
            scale: 10,
        };
        let ty = SqlType::Decimal {
            precision: 38,
            scale: 10,
        };
        check(
            decimal("-1"),
            ty.clone(),
            "CAST('-0.0000000001' AS decimal(38,10))",
        );
        check(
            decimal("99999999999999999999999999999999999999"),
            ty,
            "CAST('9999999999999999999999999999.9999999999' AS decimal(38,10))",
        );
        check(
            KeyValue::Money(i64::MIN),
            SqlType::Money,
            "CAST('-922337203685477.5808' AS money)",
        );
    }

    #[test]
    fn dates_are_written_in_forms_that_no_language_setting_changes() {
        check(
            KeyValue::Date { days: 0 },
            SqlType::Date,
            "CAST('0001-01-01' AS date)",
        );
        check(
            KeyValue::Date { days: 3_652_058 },
            SqlType::Date,
            "CAST('9999-12-31' AS date)",
        );
        check(
            KeyValue::Date { days: 730_178 },
            SqlType::Date,
            "CAST('2000-02-29' AS date)",
        );
        // .997 is the last tick that datetime holds.
        let last = KeyValue::DateTime {
            days: 2_958_463,
            ticks: 25_919_999,
        };
        check(
            last,
            SqlType::DateTime,
            "CAST('9999-12-31T23:59:59.997' AS datetime)",
        );
        let first = KeyValue::DateTime {
            days: -53_690,
            ticks: 1,
        };
        check(
            first,
            SqlType::DateTime,
            "CAST('1753-01-01T00:00:00.003' AS datetime)",
        );
        let precise = KeyValue::DateTime2 {
            days: 693_595,
            ticks: 863_999_999_999,
            scale: 7,
        };
        let ty = SqlType::DateTime2 { scale: 7 };
        check(
            precise,
            ty,
            "CAST('1900-01-01T23:59:59.9999999' AS datetime2(7))",
        );
    }

    #[test]
    fn text_cannot_break_out_of_its_literal() {
        let units = |text: &str| KeyValue::National(text.encode_utf16().collect());
        let ty = SqlType::NVarChar { length: Some(40) };
        check(units("O'Neil; DROP"), ty.clone(), "N'O''Neil; DROP'");
        check(
            KeyValue::National(vec![0xD800, 0]),
            ty,
            "CAST(0x00D80000 AS nvarchar(2))",
        );
        let narrow = SqlType::VarChar { length: Some(9) };
        check(
            KeyValue::Text("a'b".into()),
            narrow.clone(),
            "CAST('a''b' AS varchar(9))",
        );
        let expected = "CAST(N'Ж''' COLLATE Cyrillic_General_CI_AS AS varchar(9))";
        check(KeyValue::Text("Ж'".into()), narrow.clone(), expected);
        let expected =
            "CAST(CAST(0x5C000A00 AS nvarchar(2)) COLLATE Cyrillic_General_CI_AS AS varchar(9))";
        check(KeyValue::Text("\\\n".into()), narrow, expected);
    }

    #[test]
    fn uniqueidentifier_reads_as_the_server_prints_it() {
        let wire = [
            0xFF, 0x19, 0x96, 0x6F, 0x86, 0x8B, 0x11, 0xD0, 0xB4, 0x2D, 0x00, 0xC0, 0x4F, 0xC9,
            0x64, 0xFF,
        ];
        let expected = "CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)";
        check(KeyValue::Guid(wire), SqlType::UniqueIdentifier, expected);
    }

    #[test]
    fn floats_come_back_bit_for_bit() {
        for value in [0.1_f64, f64::MAX, f64::MIN_POSITIVE, 5e-324, -1.5] {
            let text = KeyValue::Float {
                bits: value.to_bits(),
            }
            .literal(&SqlType::Float, None);
            let number = text
                .trim_start_matches("CAST(")
                .trim_end_matches(" AS float)");
            assert_eq!(number.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()));
        }
    }
}
