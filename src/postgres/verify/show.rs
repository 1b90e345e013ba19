//! Lets PostgreSQL itself print values that came as binary fields.
//!
//! The fields are those of rows that differ, and are shown only if the operator asked for it.
//! PostgreSQL's own text is used, so that the operator can paste a value into a query.

use std::error::Error as StdError;
use std::fmt;

use bytes::BytesMut;
use tokio_postgres::Client;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::error::Result;
use crate::postgres::fault;
use crate::postgres::verify::columns::{is_long, read_type};
use tsql::typemap::PgType;

/// Characters of a value that are shown.
const SHOWN: usize = 120;

/// One field as it was read: its bytes, or the first of them, and how many there were.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// At most what the caller kept of it, in binary form.
    pub bytes: Box<[u8]>,
    /// Bytes of the whole value.
    pub length: usize,
}

/// Never the value: it could end up in a log.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

/// Prints fields as PostgreSQL does, long ones up to 120 characters; `None` is NULL.
///
/// # Errors
/// PostgreSQL refuses one of the values; then none is printed.
pub async fn show(
    client: &Client,
    fields: &[(&PgType, Option<&Field>)],
) -> Result<Vec<Option<String>>> {
    let list = fields
        .iter()
        .enumerate()
        .map(|(place, (ty, _))| format!("${}::{}::pg_catalog.text", place + 1, read_type(ty)))
        .collect::<Vec<_>>();
    let raw = fields
        .iter()
        .map(|(ty, field)| Raw(field.map(|field| whole_characters(ty, field))))
        .collect::<Vec<_>>();
    let parameters = raw
        .iter()
        .map(|raw| raw as &(dyn ToSql + Sync))
        .collect::<Vec<_>>();
    let sql = format!("SELECT {}", list.join(", "));
    let row = client
        .query_one(&sql, &parameters)
        .await
        .map_err(|error| fault::from_driver(error, "print the values of a row that differs"))?;
    let printed = fields.iter().enumerate().map(|(place, (_, field))| {
        let text: Option<String> = row.get(place);
        text.map(|text| shortened(&text, field.is_some_and(|f| f.bytes.len() < f.length)))
    });
    Ok(printed.collect())
}

/// A text that was cut off may end within a character.
fn whole_characters<'a>(ty: &PgType, field: &'a Field) -> &'a [u8] {
    let cut = field.bytes.len() < field.length;
    match std::str::from_utf8(&field.bytes) {
        Err(error) if cut && is_long(ty) && *ty != PgType::Bytea => {
            &field.bytes[..error.valid_up_to()]
        }
        _ => &field.bytes,
    }
}

/// `cut`: the value was not whole to begin with.
fn shortened(text: &str, cut: bool) -> String {
    if !cut && text.chars().nth(SHOWN).is_none() {
        return text.to_owned();
    }
    let shown = text.chars().take(SHOWN).collect::<String>();
    format!("{shown}...")
}

/// A parameter that is in binary form already.
struct Raw<'a>(Option<&'a [u8]>);

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw")
    }
}

impl ToSql for Raw<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self.0 {
            None => Ok(IsNull::Yes),
            Some(bytes) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_ends_within_a_character() {
        let field = Field {
            bytes: "Ж".as_bytes()[..1].into(),
            length: 2,
        };
        assert_eq!(whole_characters(&PgType::Text, &field), b"");
        assert_eq!(whole_characters(&PgType::Bytea, &field).len(), 1);
        assert_eq!(shortened("ab", false), "ab");
        assert_eq!(shortened("ab", true), "ab...");
        assert_eq!(
            shortened(&"Ж".repeat(200), false).chars().count(),
            SHOWN + 3
        );
    }
}
