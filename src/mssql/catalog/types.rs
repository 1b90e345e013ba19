//! From `sys.types` and a column's numbers to its type.

use std::collections::HashMap;

use crate::error::{Error, Kind, Result};
use tsql::schema::SqlType;
use tsql::schema::objects::AliasType;

use super::queries::TypeRow;

/// The rows of `sys.types`, by `user_type_id`.
pub(super) struct Types(HashMap<i64, TypeRow>);

/// A value of an identity or a sequence. They may be `decimal(38)`, so the catalog sends them as text.
///
/// # Errors
/// `SourceProtocol`: the text is not an integer of up to 128 bits.
pub(super) fn integer(text: &str) -> Result<i128> {
    text.trim().parse().map_err(|cause| {
        Error::new(
            Kind::SourceProtocol,
            "a number of an identity or a sequence is not an integer",
        )
        .because(cause)
    })
}

/// What `sys.columns` says of a column's type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Declared {
    pub(super) system_type_id: i64,
    pub(super) user_type_id: i64,
    /// Bytes; -1 is `max`.
    pub(super) max_length: i64,
    pub(super) precision: i64,
    pub(super) scale: i64,
    /// Elements of a vector, if the server tells; -1 otherwise.
    pub(super) dimensions: i64,
}

impl Types {
    pub(super) fn new(rows: &[TypeRow]) -> Self {
        let by_id = |row: &TypeRow| (row.user_type_id, row.clone());
        Self(rows.iter().map(by_id).collect())
    }

    /// Built-in types are known by their own name: `hierarchyid` and `geography` share a system
    /// type, and `vector` is stored as `varbinary`. Alias types become what they are made of.
    /// A type that this tool does not know is `SqlType::Other` with its name, which planning
    /// refuses unless the column is left out.
    pub(super) fn resolve(&self, declared: Declared) -> SqlType {
        let own = self.0.get(&declared.user_type_id);
        if let Some(own) = own {
            if !own.is_user_defined
                && let Some(known) = by_name(&own.name, declared)
            {
                return known;
            }
            if own.is_assembly_type {
                return SqlType::Clr {
                    name: own.name.clone(),
                };
            }
            if !own.is_user_defined && !is_sysname(own, declared) {
                return SqlType::Other {
                    name: own.name.clone(),
                };
            }
        }
        let base = self.base_name(declared.system_type_id);
        base.and_then(|name| by_name(name, declared))
            .unwrap_or_else(|| SqlType::Other {
                name: own.map_or_else(
                    || format!("system type {}", declared.system_type_id),
                    |own| own.name.clone(),
                ),
            })
    }

    /// The alias type of this number, if it is one that users made of a built-in type.
    pub(super) fn alias(&self, user_type_id: i64) -> Option<AliasType> {
        let own = self.0.get(&user_type_id)?;
        (own.is_user_defined && !own.is_assembly_type).then(|| AliasType {
            schema: own.schema.clone().unwrap_or_default(),
            name: own.name.clone(),
        })
    }

    /// The name of the built-in type whose values an alias type has.
    fn base_name(&self, system_type_id: i64) -> Option<&str> {
        let base = self.0.get(&system_type_id)?;
        (base.system_type_id == system_type_id).then_some(base.name.as_str())
    }
}

/// The user type of `sysname` (Microsoft, "sys.types").
const SYSNAME: i64 = 256;

/// The built-in alias of nvarchar(128), known by its numbers: some servers and collations write its
/// name in another case, or give it another number.
fn is_sysname(own: &TypeRow, declared: Declared) -> bool {
    declared.system_type_id == NVARCHAR
        && (declared.user_type_id == SYSNAME || own.name.eq_ignore_ascii_case("sysname"))
}

/// `sys.types.system_type_id` of nvarchar.
const NVARCHAR: i64 = 231;

/// `nchar` and `nvarchar` count characters here and bytes in the catalog; a negative length is
/// `max`.
fn by_name(name: &str, declared: Declared) -> Option<SqlType> {
    let scale = byte(declared.scale);
    let bytes = u16::try_from(declared.max_length);
    let length = bytes.unwrap_or(0);
    Some(match name {
        "bit" => SqlType::Bit,
        "tinyint" => SqlType::TinyInt,
        "smallint" => SqlType::SmallInt,
        "int" => SqlType::Int,
        "bigint" => SqlType::BigInt,
        "decimal" | "numeric" => SqlType::Decimal {
            precision: byte(declared.precision),
            scale,
        },
        "smallmoney" => SqlType::SmallMoney,
        "money" => SqlType::Money,
        "real" => SqlType::Real,
        "float" => SqlType::Float,
        "date" => SqlType::Date,
        "time" => SqlType::Time { scale },
        "smalldatetime" => SqlType::SmallDateTime,
        "datetime" => SqlType::DateTime,
        "datetime2" => SqlType::DateTime2 { scale },
        "datetimeoffset" => SqlType::DateTimeOffset { scale },
        "char" => SqlType::Char { length },
        "varchar" => SqlType::VarChar { length: bytes.ok() },
        "text" => SqlType::Text,
        "nchar" => SqlType::NChar { length: length / 2 },
        "nvarchar" => SqlType::NVarChar {
            length: bytes.ok().map(|bytes| bytes / 2),
        },
        "ntext" => SqlType::NText,
        "binary" => SqlType::Binary { length },
        "varbinary" => SqlType::VarBinary { length: bytes.ok() },
        "image" => SqlType::Image,
        "timestamp" | "rowversion" => SqlType::RowVersion,
        "uniqueidentifier" => SqlType::UniqueIdentifier,
        "xml" => SqlType::Xml,
        "sql_variant" => SqlType::SqlVariant,
        "hierarchyid" => SqlType::HierarchyId,
        "geography" => SqlType::Geography,
        "geometry" => SqlType::Geometry,
        "json" => SqlType::Json,
        "vector" => SqlType::Vector {
            dimensions: dimensions(declared),
        },
        _ => return None,
    })
}

/// A header of eight bytes and four bytes an element, if the server does not tell the number.
fn dimensions(declared: Declared) -> u16 {
    let known = match declared.dimensions {
        1.. => declared.dimensions,
        _ => (declared.max_length - 8) / 4,
    };
    u16::try_from(known).unwrap_or(0)
}

/// 0 for a number that no precision or scale has.
fn byte(number: i64) -> u8 {
    u8::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mssql::catalog::row::samples;

    /// Rows of `sys.types` as SQL Server documents and shows them.
    fn types() -> Types {
        let rows = [
            "167|167|varchar|0|0|sys",
            "165|165|varbinary|0|0|sys",
            "231|231|nvarchar|0|0|sys",
            "256|231|sysname|0|0|sys",
            "106|106|decimal|0|0|sys",
            "128|240|hierarchyid|0|1|sys",
            "130|240|geography|0|1|sys",
            "255|165|vector|0|0|sys",
            "244|244|json|0|0|sys",
            "257|167|PhoneNumber|1|0|app",
            "258|240|Point3D|1|1|app",
        ];
        Types::new(&samples(&rows))
    }

    fn declared(user: i64, system: i64, max_length: i64) -> Declared {
        Declared {
            system_type_id: system,
            user_type_id: user,
            max_length,
            precision: 38,
            scale: 10,
            dimensions: -1,
        }
    }

    #[test]
    fn columns_get_their_own_or_their_base_type() {
        let types = types();
        let other = |name: &str| SqlType::Other { name: name.into() };
        let clr = |name: &str| SqlType::Clr { name: name.into() };
        for (user, system, length, expected) in [
            (167, 167, 50, SqlType::VarChar { length: Some(50) }),
            (167, 167, -1, SqlType::VarChar { length: None }),
            (231, 231, 8000, SqlType::NVarChar { length: Some(4000) }),
            (256, 231, 256, SqlType::NVarChar { length: Some(128) }),
            (257, 167, 20, SqlType::VarChar { length: Some(20) }),
            (128, 240, 892, SqlType::HierarchyId),
            (130, 240, -1, SqlType::Geography),
            (255, 165, 20, SqlType::Vector { dimensions: 3 }),
            (244, 244, -1, SqlType::Json),
            (258, 240, 100, clr("Point3D")),
            (999, 998, 4, other("system type 998")),
        ] {
            assert_eq!(types.resolve(declared(user, system, length)), expected);
        }
        let decimal = SqlType::Decimal {
            precision: 38,
            scale: 10,
        };
        assert_eq!(types.resolve(declared(106, 106, 17)), decimal);
    }

    #[test]
    fn an_alias_type_is_neither_built_in_nor_of_an_assembly() {
        let types = types();
        let alias = types.alias(257).map(|alias| alias.full_name());
        assert_eq!(alias.as_deref(), Some("app.PhoneNumber"));
        for other in [167, 256, 258, 999] {
            assert_eq!(types.alias(other), None, "{other}");
        }
    }
}
