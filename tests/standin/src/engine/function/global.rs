//! The `@@` functions.

use crate::engine::error::{Result, error};
use crate::engine::eval::expr::Bound;
use crate::engine::function::argument::{int, nvarchar};
use crate::engine::model::facts::Facts;
use crate::types::{SqlType, Value};

/// 16.0.1000: major and minor version and build, as `@@MICROSOFTVERSION` packs them.
const MICROSOFT_VERSION: i64 = 0x1000_03E8;

pub(crate) fn global(facts: &Facts, name: &str) -> Result<Bound> {
    let lower = name.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "@@version" => {
            let mut bound = nvarchar(Some(&facts.options.version_text()));
            bound.t.ty = SqlType::NVarChar { length: Some(300) };
            bound
        }
        "@@spid" => Bound::constant(Value::Int(i64::from(facts.spid)), SqlType::SmallInt),
        "@@trancount" => int(i64::from(facts.transactions)),
        "@@rowcount" => int(facts.row_count as i64),
        "@@error" => int(i64::from(facts.last_error)),
        "@@identity" => identity(facts.identity.session),
        "@@servername" | "@@servicename" => nvarchar(Some(if lower == "@@servername" {
            facts.server_name()
        } else {
            "MSSQLSERVER"
        })),
        "@@microsoftversion" => int(MICROSOFT_VERSION),
        "@@max_precision" => Bound::constant(Value::Int(38), SqlType::TinyInt),
        "@@max_connections" => int(32_767),
        "@@language" => nvarchar(Some("us_english")),
        "@@langid" => Bound::constant(Value::Int(0), SqlType::SmallInt),
        "@@datefirst" => Bound::constant(Value::Int(7), SqlType::TinyInt),
        "@@lock_timeout" => int(i64::from(facts.lock_timeout)),
        "@@textsize" => int(i64::from(i32::MAX)),
        "@@options" => int(5496),
        "@@nestlevel" | "@@fetch_status" | "@@procid" | "@@cursor_rows" => int(0),
        "@@dbts" => {
            let version = facts.current()?.row_version.to_be_bytes();
            Bound::constant(
                Value::Bytes(version.as_slice().into()),
                SqlType::VarBinary { length: Some(8) },
            )
        }
        _ => {
            return Err(error(
                137,
                15,
                format!("Must declare the scalar variable \"{name}\"."),
            ));
        }
    })
}

/// `@@IDENTITY` and SCOPE_IDENTITY() are numeric(38,0).
pub(super) fn identity(last: Option<i64>) -> Bound {
    let value = last.map_or(Value::Null, |i| Value::Decimal {
        unscaled: i128::from(i),
        scale: 0,
    });
    Bound::constant(
        value,
        SqlType::Decimal {
            precision: 38,
            scale: 0,
        },
    )
}
