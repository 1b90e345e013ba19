//! SQL Server's types as expressions have them: families, precedence, and the type that holds them.
//!
//! The families decide which rules hold for a pair of types; `rank` decides which type the result
//! has. Types without a family of their own (`Other`) can be passed on and nothing else.

use sqlparser::ast::{CharacterLength, DataType, ExactNumberInfo};

use super::{Outcome, Untranslated};
use crate::schema::SqlType;
use crate::typemap::{self, PgType, TargetTypes};

/// Types that convert to each other in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Bit,
    Int,
    Decimal,
    Money,
    Float,
    Date,
    Time,
    /// Date and time without an offset.
    Moment,
    Offset,
    Text,
    Binary,
    Uuid,
    Other,
}

pub(super) fn family(ty: &SqlType) -> Family {
    match ty {
        SqlType::Bit => Family::Bit,
        SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt => Family::Int,
        SqlType::Decimal { .. } => Family::Decimal,
        SqlType::SmallMoney | SqlType::Money => Family::Money,
        SqlType::Real | SqlType::Float => Family::Float,
        SqlType::Date => Family::Date,
        SqlType::Time { .. } => Family::Time,
        SqlType::SmallDateTime | SqlType::DateTime | SqlType::DateTime2 { .. } => Family::Moment,
        SqlType::DateTimeOffset { .. } => Family::Offset,
        SqlType::Char { .. }
        | SqlType::VarChar { .. }
        | SqlType::Text
        | SqlType::NChar { .. }
        | SqlType::NVarChar { .. }
        | SqlType::NText => Family::Text,
        SqlType::Binary { .. } | SqlType::VarBinary { .. } | SqlType::Image => Family::Binary,
        SqlType::UniqueIdentifier => Family::Uuid,
        _ => Family::Other,
    }
}

impl Family {
    /// Numbers, `bit` among them.
    pub(super) fn is_number(self) -> bool {
        matches!(
            self,
            Self::Bit | Self::Int | Self::Decimal | Self::Money | Self::Float
        )
    }

    pub(super) fn is_exact(self) -> bool {
        matches!(self, Self::Int | Self::Decimal | Self::Money)
    }

    pub(super) fn is_temporal(self) -> bool {
        matches!(self, Self::Date | Self::Time | Self::Moment | Self::Offset)
    }
}

/// "Data type precedence (Transact-SQL)": of two types the one with the higher rank wins.
pub(super) fn rank(ty: &SqlType) -> u8 {
    match ty {
        SqlType::DateTimeOffset { .. } => 27,
        SqlType::DateTime2 { .. } => 26,
        SqlType::DateTime => 25,
        SqlType::SmallDateTime => 24,
        SqlType::Date => 23,
        SqlType::Time { .. } => 22,
        SqlType::Float => 21,
        SqlType::Real => 20,
        SqlType::Decimal { .. } => 19,
        SqlType::Money => 18,
        SqlType::SmallMoney => 17,
        SqlType::BigInt => 16,
        SqlType::Int => 15,
        SqlType::SmallInt => 14,
        SqlType::TinyInt => 13,
        SqlType::Bit => 12,
        SqlType::NText => 11,
        SqlType::Text => 10,
        SqlType::Image => 9,
        SqlType::UniqueIdentifier => 8,
        SqlType::NVarChar { .. } => 7,
        SqlType::NChar { .. } => 6,
        SqlType::VarChar { .. } => 5,
        SqlType::Char { .. } => 4,
        SqlType::VarBinary { .. } => 3,
        SqlType::Binary { .. } => 2,
        _ => 30,
    }
}

pub(super) fn is_national(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::NChar { .. } | SqlType::NVarChar { .. } | SqlType::NText
    )
}

/// Length of a text or binary type; `None` is without limit.
pub(super) fn length(ty: &SqlType) -> Option<u16> {
    match *ty {
        SqlType::Char { length } | SqlType::NChar { length } | SqlType::Binary { length } => {
            Some(length)
        }
        SqlType::VarChar { length }
        | SqlType::NVarChar { length }
        | SqlType::VarBinary { length } => length,
        _ => None,
    }
}

/// A varying text of a length; longer than the type can be is `max`.
pub(super) fn text_type(national: bool, length: Option<u32>) -> SqlType {
    let most = if national { 4_000 } else { 8_000 };
    let length = length
        .filter(|length| *length <= most)
        .and_then(|length| u16::try_from(length.max(1)).ok());
    if national {
        SqlType::NVarChar { length }
    } else {
        SqlType::VarChar { length }
    }
}

/// Precision and scale of an exact type when it meets a decimal.
pub(super) fn digits(ty: &SqlType) -> Option<(u8, u8)> {
    Some(match *ty {
        SqlType::TinyInt => (3, 0),
        SqlType::SmallInt => (5, 0),
        SqlType::Int => (10, 0),
        SqlType::BigInt => (19, 0),
        SqlType::SmallMoney => (10, 4),
        SqlType::Money => (19, 4),
        SqlType::Decimal { precision, scale } => (precision, scale),
        _ => return None,
    })
}

/// The type that a value of an expression has in PostgreSQL.
pub(super) fn natural(ty: &SqlType) -> Option<PgType> {
    match family(ty) {
        Family::Text => Some(PgType::Text),
        Family::Binary => Some(PgType::Bytea),
        Family::Other => None,
        _ => typemap::type_of(ty, TargetTypes::default()),
    }
}

/// The type of a CAST or CONVERT. A text without a length has 30 ("char and varchar").
///
/// # Errors
/// A type that is not built in, or a length, precision or scale out of its range.
pub(super) fn parse(data_type: &DataType) -> Outcome<SqlType> {
    let (name, numbers) = name_and_numbers(data_type)
        .ok_or_else(|| Untranslated::new(format!("the type {data_type}")))?;
    named(&name, &numbers).ok_or_else(|| Untranslated::new(format!("the type {data_type}")))
}

/// The name in small letters, and what is in brackets after it.
fn name_and_numbers(data_type: &DataType) -> Option<(String, Vec<String>)> {
    let sized = |name: &str, length: &Option<CharacterLength>| {
        let numbers = match length {
            None => Vec::new(),
            Some(CharacterLength::Max) => vec!["max".to_owned()],
            Some(CharacterLength::IntegerLength { length, unit: None }) => vec![length.to_string()],
            Some(CharacterLength::IntegerLength { .. }) => return None,
        };
        Some((name.to_owned(), numbers))
    };
    match data_type {
        DataType::Custom(name, numbers) => match name.0.as_slice() {
            [part] => {
                let part = part.as_ident()?;
                Some((part.value.to_ascii_lowercase(), numbers.clone()))
            }
            _ => None,
        },
        DataType::Char(length) | DataType::Character(length) => sized("char", length),
        DataType::Varchar(length) => sized("varchar", length),
        DataType::Nvarchar(length) => sized("nvarchar", length),
        DataType::Decimal(info) => Some(("decimal".to_owned(), exact(info)?)),
        DataType::Numeric(info) => Some(("decimal".to_owned(), exact(info)?)),
        // The rest prints as it was written: `INT`, `FLOAT(24)`, `VARBINARY(8)`.
        other => {
            let text = other.to_string().to_ascii_lowercase();
            match text.split_once('(') {
                None => Some((text, Vec::new())),
                Some((name, rest)) => {
                    let inside = rest.strip_suffix(')')?;
                    let numbers = inside.split(',').map(|number| number.trim().to_owned());
                    Some((name.trim().to_owned(), numbers.collect()))
                }
            }
        }
    }
}

fn exact(info: &ExactNumberInfo) -> Option<Vec<String>> {
    Some(match info {
        ExactNumberInfo::None => Vec::new(),
        ExactNumberInfo::Precision(precision) => vec![precision.to_string()],
        ExactNumberInfo::PrecisionAndScale(precision, scale) => {
            vec![precision.to_string(), scale.to_string()]
        }
    })
}

/// Defaults and bounds of SQL Server's documentation: a length is 30 in CAST, a scale 7, a `float`
/// 53 bits.
fn named(name: &str, numbers: &[String]) -> Option<SqlType> {
    let one = |otherwise: u16, most: u16| match numbers {
        [] => Some(otherwise),
        [number] => number.parse().ok().filter(|n| (1..=most).contains(n)),
        _ => None,
    };
    let varying = |most: u16| match numbers {
        [max] if max.eq_ignore_ascii_case("max") => Some(None),
        _ => one(30, most).map(Some),
    };
    let scale = || match numbers {
        [] => Some(7),
        [number] => number.parse().ok().filter(|n| *n <= 7_u8),
        _ => None,
    };
    Some(match name {
        "char" => SqlType::Char {
            length: one(30, 8_000)?,
        },
        "varchar" => SqlType::VarChar {
            length: varying(8_000)?,
        },
        "nchar" => SqlType::NChar {
            length: one(30, 4_000)?,
        },
        "nvarchar" => SqlType::NVarChar {
            length: varying(4_000)?,
        },
        "binary" => SqlType::Binary {
            length: one(30, 8_000)?,
        },
        "varbinary" => SqlType::VarBinary {
            length: varying(8_000)?,
        },
        "time" => SqlType::Time { scale: scale()? },
        "datetime2" => SqlType::DateTime2 { scale: scale()? },
        "datetimeoffset" => SqlType::DateTimeOffset { scale: scale()? },
        "decimal" | "numeric" | "dec" => decimal(numbers)?,
        "float" => match one(53, 53)? {
            ..=24 => SqlType::Real,
            _ => SqlType::Float,
        },
        _ if !numbers.is_empty() => return None,
        "bit" => SqlType::Bit,
        "tinyint" => SqlType::TinyInt,
        "smallint" => SqlType::SmallInt,
        "int" | "integer" => SqlType::Int,
        "bigint" => SqlType::BigInt,
        "smallmoney" => SqlType::SmallMoney,
        "money" => SqlType::Money,
        "real" => SqlType::Real,
        "double precision" => SqlType::Float,
        "date" => SqlType::Date,
        "smalldatetime" => SqlType::SmallDateTime,
        "datetime" => SqlType::DateTime,
        "uniqueidentifier" => SqlType::UniqueIdentifier,
        "sysname" => SqlType::NVarChar { length: Some(128) },
        _ => return None,
    })
}

/// `decimal` alone is `decimal(18, 0)` ("decimal and numeric").
fn decimal(numbers: &[String]) -> Option<SqlType> {
    let number = |text: &String| text.trim().parse::<u8>().ok();
    let (precision, scale) = match numbers {
        [] => (18, 0),
        [precision] => (number(precision)?, 0),
        [precision, scale] => (number(precision)?, number(scale)?),
        _ => return None,
    };
    ((1..=38).contains(&precision) && scale <= precision)
        .then_some(SqlType::Decimal { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::parse::expression;
    use sqlparser::ast::Expr;

    fn of(text: &str) -> Option<String> {
        let expr = expression(&format!("CAST(x AS {text})")).ok()?;
        let Expr::Cast { data_type, .. } = expr else {
            return None;
        };
        parse(&data_type).ok().map(|ty| ty.to_string())
    }

    #[test]
    fn types_are_read_with_and_without_brackets() {
        for (text, expected) in [
            ("[decimal](10,2)", "decimal(10,2)"),
            ("decimal", "decimal(18,0)"),
            ("numeric(9)", "decimal(9,0)"),
            ("[varchar](20)", "varchar(20)"),
            ("varchar", "varchar(30)"),
            ("[nvarchar](max)", "nvarchar(max)"),
            ("NVARCHAR(max)", "nvarchar(max)"),
            ("nchar(3)", "nchar(3)"),
            ("varbinary(8)", "varbinary(8)"),
            ("float", "float"),
            ("float(24)", "real"),
            ("double precision", "float"),
            ("datetime2", "datetime2(7)"),
            ("[datetime]", "datetime"),
            ("time(3)", "time(3)"),
            ("bit", "bit"),
            ("INTEGER", "int"),
            ("smallmoney", "smallmoney"),
        ] {
            assert_eq!(of(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "dbo.MyType",
            "xml",
            "sql_variant",
            "varchar(0)",
            "decimal(39)",
            "int(3)",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
