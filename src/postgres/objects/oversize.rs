//! The row whose entry is too large for an index: which, and how large its values are.
//!
//! A row is named by its `ctid`, which is no value, and holds until the row is updated. Its key is
//! not shown; the statement that finds it is.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::error::Result;
use crate::plan::object::IndexPlan;
use crate::postgres::fault;
use crate::postgres::objects::table::TableContext;
use tsql::names::{qualified, quote_ident};

/// The row's place, as `(0,2)`, from `Index row references tuple (0,2) in relation "t".` (postgres,
/// `nbtutils.c`, `_bt_check_third_page`); `None` for any other error, or in another language.
pub(super) fn row_of(error: &tokio_postgres::Error) -> Option<String> {
    let answer = error.as_db_error()?;
    if *answer.code() != SqlState::PROGRAM_LIMIT_EXCEEDED {
        return None;
    }
    tuple(answer.detail()?)
}

/// Block and line, checked to be numbers: they go into SQL.
fn tuple(detail: &str) -> Option<String> {
    let rest = detail.split_once("tuple (")?.1;
    let inside = rest.split_once(')')?.0;
    let (block, line) = inside.split_once(',')?;
    let (block, line): (u32, u16) = (block.parse().ok()?, line.parse().ok()?);
    Some(format!("({block},{line})"))
}

/// How many bytes each of the index's values has in that row, and the statement that finds it: its
/// key is a value, and in no error.
pub(super) async fn describe(
    client: &Client,
    context: &TableContext<'_>,
    index: &IndexPlan,
    at: &str,
) -> Result<String> {
    let plan = context.plan;
    let table = qualified(&plan.target);
    let columns = index.key.iter().map(|key| key.column.as_str());
    let columns: Vec<_> = columns
        .chain(index.included.iter().map(String::as_str))
        .collect();
    let sizes = columns.iter().map(|column| {
        // As text when it is longest: bytes of an entry, before PostgreSQL compresses it.
        format!("pg_catalog.octet_length({}::text)", quote_ident(column))
    });
    let sizes = sizes.collect::<Vec<_>>().join(", ");
    let find = format!("FROM {table} WHERE ctid = '{at}'");
    let asked = client
        .query_opt(&format!("SELECT {sizes} {find}"), &[])
        .await;
    let row = asked
        .map_err(|error| fault::from_driver(error, "look at the row that an index refuses"))?;
    let mut text = String::new();
    if let Some(row) = row {
        let values = columns.iter().enumerate().filter_map(|(at, column)| {
            let bytes: Option<i32> = row.get(at);
            Some(format!("{} of {} bytes", quote_ident(column), bytes?))
        });
        text = format!("; its row has {}", values.collect::<Vec<_>>().join(", "));
    }
    let key = plan.primary_key.iter().flat_map(|key| &key.columns);
    let key = key.map(|column| quote_ident(column)).collect::<Vec<_>>();
    let key = if key.is_empty() {
        "*".to_owned()
    } else {
        key.join(", ")
    };
    Ok(format!("{text} and is found with SELECT {key} {find}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuple_is_two_numbers() {
        let detail = "Index row references tuple (0,2) in relation \"a (b) c\".";
        assert_eq!(tuple(detail).as_deref(), Some("(0,2)"));
        assert_eq!(tuple("Index row references tuple (x,2) in relation"), None);
        assert_eq!(tuple("somebody's own words"), None);
    }
}
