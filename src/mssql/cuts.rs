//! Cut points between partitions, and counts.
//!
//! Statements come from `plan::cut_sql` and its neighbours; what they gave goes to
//! `pipeline::load::cut_points`. Keys are read by the row reader, not by the driver, so that a cut
//! has exactly the value that the server compares by.

use crate::config::job::{ValuePolicy, Values};
use crate::error::{Error, Kind, Result};
use crate::plan::query::Unchanged;
use tds_copy::transcode::{ResultColumn, RowLayout, RowReader};
use tsql::key::KeyValue;
use tsql::schema::Column;
use tsql::typemap::{TargetTypes, default_type};

use super::connection::{Connection, Patience};
use super::read::open_reader;

/// Runs a query whose columns are `key`, in order, and gives every row's values exactly as the
/// server sent them.
///
/// # Errors
/// What the row stream says; a NULL in a key that should have none is an error too.
pub async fn cut_points(
    connection: &mut Connection,
    sql: &str,
    key: &[Column],
) -> Result<Vec<Vec<KeyValue>>> {
    let layout = key_layout(key)?;
    // Any row may be as far from the last as the first is from the beginning.
    let patience = connection.patience().first_row;
    let patience = Patience::new(patience, patience);
    // One row per batch: a batch tells the key of its last row.
    let reader = RowReader::new(layout).with_batch_bytes(1);
    let mut rows = open_reader(connection, sql, reader, patience).await?;
    let mut cuts = Vec::new();
    while let Some(batch) = rows.next_batch().await? {
        match batch.last_key {
            Some(key) if batch.rows == 1 => cuts.push(key),
            // A key without an exact literal is not used as a cut: cuts only balance the load.
            None if batch.rows == 1 => {}
            _ => {
                return Err(Error::new(
                    Kind::Internal,
                    format!("a cut point was read as {} rows", batch.rows),
                ));
            }
        }
    }
    Ok(cuts)
}

/// Runs a query that gives one count.
///
/// # Errors
/// What the server answered; `SourceTimeout` after `first_row_timeout`, since a count may read a
/// table.
pub async fn count(connection: &mut Connection, sql: &str) -> Result<u64> {
    let patience = connection.patience().first_row;
    let rows = connection.query_within(sql, patience).await?;
    let row = rows
        .first()
        .ok_or_else(|| Error::new(Kind::SourceProtocol, "a count came back without a row"))?;
    u64::try_from(row.need_int(0)?)
        .map_err(|cause| Error::new(Kind::SourceProtocol, "a count is negative").because(cause))
}

/// Asks whether what a slice was read by is still what it was.
///
/// # Errors
/// `Checkpoint` if it is not: rows may have been read twice or not at all.
pub async fn must_be_unchanged(connection: &mut Connection, unchanged: &Unchanged) -> Result<()> {
    let rows = connection.query(&unchanged.sql).await?;
    let found = rows.first().map(|row| row.text(0)).transpose()?.flatten();
    if found == Some(unchanged.expected.as_str()) {
        return Ok(());
    }
    let of = &unchanged.of;
    Err(Error::new(
        Kind::Checkpoint,
        format!("{of} was altered since the table was planned, so its partitions are others now"),
    )
    .advise("start over with --restart, which plans the table as it is now."))
}

/// The same of what the server may not know or not tell: no row, NULL, or a no for an answer are
/// `None`. A lost connection stays an error.
///
/// # Errors
/// A lost connection, or a time-out.
pub async fn count_if_known(connection: &mut Connection, sql: &str) -> Result<Option<u64>> {
    let rows = if_understood(connection.query(sql).await)?;
    let number = match rows.as_deref() {
        Some([row, ..]) => row.int(0)?,
        _ => None,
    };
    Ok(number.and_then(|number| u64::try_from(number).ok()))
}

/// `None` if the server lacks the feature or the login may not use it.
///
/// # Errors
/// Everything but `SourceQuery` and `SourcePermission`.
pub fn if_understood<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if matches!(error.kind(), Kind::SourceQuery | Kind::SourcePermission) => {
            tracing::debug!(%error, "the source is asked in another way");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// # Errors
/// `Unsupported` for a type that no key has.
fn key_layout(key: &[Column]) -> Result<RowLayout> {
    let column = |column: &Column| {
        Ok(ResultColumn {
            name: column.name.clone(),
            source: column.ty.clone(),
            code_page: column.code_page,
            target_name: column.name.clone(),
            target: default_type(column, TargetTypes::default())?,
        })
    };
    let columns = key.iter().map(column).collect::<Result<Vec<_>>>()?;
    let key: Vec<usize> = (0..columns.len()).collect();
    Ok(RowLayout::new(&columns, &key, KEY_VALUES)?)
}

/// A key is kept as the source's own value; what PostgreSQL could not hold of it is the row
/// stream's business.
const KEY_VALUES: Values = Values::uniform(ValuePolicy::Replace, ValuePolicy::Error);
