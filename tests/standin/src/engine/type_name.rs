//! Types by their names in T-SQL.

use crate::engine::datatype::name;
use crate::types::SqlType;

/// The type as DDL writes it, such as `decimal(10,2)` or `nvarchar(max)`.
pub(crate) fn declaration(ty: &SqlType) -> String {
    let base = name(ty);
    match ty {
        SqlType::Decimal { precision, scale } => format!("{base}({precision},{scale})"),
        SqlType::Time { scale }
        | SqlType::DateTime2 { scale }
        | SqlType::DateTimeOffset { scale } => {
            format!("{base}({scale})")
        }
        SqlType::Char { length } | SqlType::NChar { length } | SqlType::Binary { length } => {
            format!("{base}({length})")
        }
        SqlType::VarChar { length }
        | SqlType::NVarChar { length }
        | SqlType::VarBinary { length } => {
            length.map_or_else(|| format!("{base}(max)"), |n| format!("{base}({n})"))
        }
        SqlType::Vector { dimensions } => format!("{base}({dimensions})"),
        _ => base.to_owned(),
    }
}

/// Makes a type of its T-SQL name (any synonym) and its arguments; `None` stands for `max`.
///
/// `cast` picks the default length 30 of CAST and CONVERT instead of the 1 of a declaration.
pub(crate) fn from_name(name: &str, args: &[Option<u32>], cast: bool) -> Option<SqlType> {
    let first = args.first().copied();
    let size = |most: u16| match first {
        None => Some(Some(if cast { 30 } else { 1 })),
        Some(None) => Some(None),
        Some(Some(n)) => u16::try_from(n)
            .ok()
            .filter(|n| (1..=most).contains(n))
            .map(Some),
    };
    let scale = || match first {
        None => Some(7),
        Some(Some(n)) if n <= 7 => Some(n as u8),
        _ => None,
    };
    Some(match name.to_ascii_lowercase().as_str() {
        "bit" => SqlType::Bit,
        "tinyint" => SqlType::TinyInt,
        "smallint" => SqlType::SmallInt,
        "int" | "integer" => SqlType::Int,
        "bigint" => SqlType::BigInt,
        "decimal" | "dec" | "numeric" => return decimal(args),
        "smallmoney" => SqlType::SmallMoney,
        "money" => SqlType::Money,
        "real" => SqlType::Real,
        "float" | "double precision" => match first.flatten().unwrap_or(53) {
            1..=24 => SqlType::Real,
            25..=53 => SqlType::Float,
            _ => return None,
        },
        "date" => SqlType::Date,
        "time" => SqlType::Time { scale: scale()? },
        "smalldatetime" => SqlType::SmallDateTime,
        "datetime" => SqlType::DateTime,
        "datetime2" => SqlType::DateTime2 { scale: scale()? },
        "datetimeoffset" => SqlType::DateTimeOffset { scale: scale()? },
        "char" | "character" => SqlType::Char {
            length: size(8000)??,
        },
        "varchar" | "char varying" | "character varying" => SqlType::VarChar {
            length: size(8000)?,
        },
        "text" => SqlType::Text,
        "nchar" | "national char" | "national character" => SqlType::NChar {
            length: size(4000)??,
        },
        "nvarchar" | "national char varying" | "national character varying" => SqlType::NVarChar {
            length: size(4000)?,
        },
        "sysname" => SqlType::NVarChar { length: Some(128) },
        "ntext" | "national text" => SqlType::NText,
        "binary" => SqlType::Binary {
            length: size(8000)??,
        },
        "varbinary" | "binary varying" => SqlType::VarBinary {
            length: size(8000)?,
        },
        "image" => SqlType::Image,
        "rowversion" | "timestamp" => SqlType::RowVersion,
        "uniqueidentifier" => SqlType::UniqueIdentifier,
        "xml" => SqlType::Xml,
        "sql_variant" => SqlType::SqlVariant,
        "hierarchyid" => SqlType::HierarchyId,
        "geography" => SqlType::Geography,
        "geometry" => SqlType::Geometry,
        "json" => SqlType::Json,
        "vector" => SqlType::Vector {
            dimensions: first
                .flatten()
                .and_then(|n| u16::try_from(n).ok())
                .filter(|n| (1..=1998).contains(n))?,
        },
        _ => return None,
    })
}

pub(crate) fn decimal(args: &[Option<u32>]) -> Option<SqlType> {
    let number = |i: usize, default: u32| args.get(i).copied().flatten().unwrap_or(default);
    let (precision, scale) = (number(0, 18), number(1, 0));
    ((1..=38).contains(&precision) && scale <= precision).then_some(SqlType::Decimal {
        precision: precision as u8,
        scale: scale as u8,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::datatype::*;

    #[test]
    fn synonyms_and_sizes() {
        let of = |n: &str, a: &[Option<u32>]| from_name(n, a, false);
        assert_eq!(
            of("dec", &[]),
            Some(SqlType::Decimal {
                precision: 18,
                scale: 0
            })
        );
        assert_eq!(of("float", &[Some(24)]), Some(SqlType::Real));
        assert_eq!(of("float", &[Some(25)]), Some(SqlType::Float));
        assert_eq!(
            of("varchar", &[]),
            Some(SqlType::VarChar { length: Some(1) })
        );
        assert_eq!(
            of("nvarchar", &[None]),
            Some(SqlType::NVarChar { length: None })
        );
        assert_eq!(of("nvarchar", &[Some(4001)]), None);
        assert_eq!(of("timestamp", &[]), Some(SqlType::RowVersion));
        assert_eq!(max_length(&SqlType::NVarChar { length: Some(10) }), 20);
        assert_eq!(max_length(&SqlType::DateTimeOffset { scale: 7 }), 10);
        assert_eq!(precision(&SqlType::DateTime2 { scale: 7 }), 27);
        assert_eq!(precision(&SqlType::DateTimeOffset { scale: 7 }), 34);
    }
}
