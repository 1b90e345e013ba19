//! HASHBYTES.

use super::Call;
use crate::schema::SqlType;
use crate::translate::collation::Collation;
use crate::translate::context::Context;
use crate::translate::helper::Helper;
use crate::translate::types::Family;
use crate::translate::value::Value;
use crate::translate::{Outcome, Volatility};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &["HASHBYTES"];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    (call.name == "HASHBYTES").then(|| hash(context, call))
}

/// The algorithms that PostgreSQL has; its `md5` gives hexadecimal digits.
fn hash(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let [algorithm, value] = call.values(context)?;
    let algorithm = algorithm.as_text().map(str::to_ascii_uppercase);
    let value = value.kept()?;
    let bytes = bytes(context, call, &value)?;
    let (sql, length) = match algorithm.as_deref() {
        Some("SHA2_256") => (format!("sha256({bytes})"), 32),
        Some("SHA2_512") => (format!("sha512({bytes})"), 64),
        Some("MD5") => (format!("decode(md5({bytes}), 'hex')"), 16),
        _ => return Err(call.refused("an algorithm that PostgreSQL has no function for")),
    };
    let length = Some(length);
    Ok(Value::atom(sql, SqlType::VarBinary { length }))
}

/// What the source keeps of a value: UTF-16 of `nvarchar`, a code page's bytes of `varchar`.
fn bytes(context: &mut Context<'_>, call: &Call<'_>, value: &Value) -> Outcome<String> {
    match value.family() {
        Family::Binary => Ok(value.sql.clone()),
        Family::Text if value.is_national() => {
            let helper = context.help(Helper::Utf16)?;
            Ok(format!("{helper}({})", value.sql))
        }
        Family::Text => {
            let collation = context.collation_of(value);
            let page = match &collation {
                Some(collation) if collation.utf8 => "UTF8",
                Some(collation) if Collation::is_latin(collation) => "WIN1252",
                _ => return Err(call.refused("a text of a code page that is not 1252")),
            };
            context.at_least(Volatility::Stable);
            Ok(format!("convert_to({}, '{page}')", value.sql))
        }
        _ => Err(call.unlike(value)),
    }
}
