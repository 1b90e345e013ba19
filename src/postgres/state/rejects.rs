//! Rejected rows: written with the rows around them, counted, listed.

use std::collections::HashMap;

use bytes::{BufMut, Bytes, BytesMut};
use futures::SinkExt;
use serde_json::Value;
use tokio_postgres::{Client, Row};

use crate::error::{Error, Kind, Result};
use crate::postgres::fault;
use crate::postgres::state::records::{RunId, TableKey, counted, from_json, to_json, unreadable};
use tds_copy::transcode::Reject;

/// A COPY and not an INSERT: the driver logs the parameters of statements at `debug`, and nothing
/// of what a COPY carries.
const COPY: &str = "\
COPY _migrate.rejects (job, run_id, source_schema, source_table, partition, key, source_column, \
reason, faults, \"row\") FROM STDIN (FORMAT binary)";

/// PostgreSQL documentation, COPY, "Binary Format": file header and trailer.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: &[u8] = &[0xff, 0xff];

/// Fields of a row of [`COPY`].
const FIELDS: i16 = 10;

/// First byte of `jsonb` in binary (postgres, jsonb.c jsonb_recv).
const JSONB_VERSION: u8 = 1;

const COUNT: &str = "\
SELECT source_schema, source_table, pg_catalog.count(*) AS rows FROM _migrate.rejects \
WHERE job = $1 GROUP BY 1, 2";

/// In the order in which they were written. The row's values are read only if they are asked for.
const LIST: &str = "\
SELECT reject_id, run_id, source_schema, source_table, partition, key::text, faults::text, \
pg_catalog.to_char(rejected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS at, \
CASE WHEN $3 THEN \"row\"::text END AS \"row\" \
FROM _migrate.rejects WHERE job = $1 \
AND ($2::text[] IS NULL OR pg_catalog.lower(source_schema || '.' || source_table) = ANY ($2)) \
ORDER BY source_schema, source_table, reject_id LIMIT $4";

/// A row that was rejected, as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectRecord {
    pub id: i64,
    pub run: RunId,
    /// The table at the source, as `dbo.Posts`.
    pub table: String,
    pub partition: u32,
    /// By source column; `None` for a table without a key.
    pub key: Option<Value>,
    /// `[{"column": ..., "reason": ...}]`.
    pub faults: Value,
    /// RFC 3339, UTC.
    pub at: String,
    /// Values by target column, if they were asked for.
    pub row: Option<Value>,
}

/// Which rejects are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectQuery {
    /// `schema.table`, compared without regard to case; empty means all tables of the job.
    pub tables: Vec<String>,
    /// Rows at most; `None` for all.
    pub limit: Option<u32>,
    /// Whether the rows' values are read too.
    pub values: bool,
}

/// The partition that rejected rows are of, and the run that read them.
pub(in crate::postgres) struct RejectSource<'a> {
    pub(in crate::postgres) table: &'a TableKey,
    pub(in crate::postgres) run: RunId,
    pub(in crate::postgres) partition: i32,
}

/// Writes rejected rows of a partition, within the transaction that is open on `client`.
pub(in crate::postgres) async fn write(
    client: &Client,
    source: &RejectSource<'_>,
    rejects: &[Reject],
) -> Result<()> {
    let failed = |error| fault::from_driver(error, "record rejected rows");
    let sink = client.copy_in::<_, Bytes>(COPY).await.map_err(failed)?;
    let mut sink = std::pin::pin!(sink);
    sink.feed(Bytes::from_static(HEADER))
        .await
        .map_err(failed)?;
    for reject in rejects {
        let bytes = encode(source, reject)?;
        sink.feed(bytes).await.map_err(failed)?;
    }
    sink.feed(Bytes::from_static(TRAILER))
        .await
        .map_err(failed)?;
    let stored = sink.as_mut().finish().await.map_err(failed)?;
    if stored == rejects.len() as u64 {
        return Ok(());
    }
    Err(Error::new(
        Kind::Internal,
        format!(
            "{} rejected rows were sent and PostgreSQL stored {stored}: nothing of it is committed",
            rejects.len()
        ),
    ))
}

fn encode(source: &RejectSource<'_>, reject: &Reject) -> Result<Bytes> {
    let first = reject
        .faults
        .first()
        .ok_or_else(|| Error::new(Kind::Internal, "a row was rejected for no reason"))?;
    let faults = to_json(&reject.faults)?;
    let mut out = BytesMut::with_capacity(512 + faults.len() + reject.size());
    out.put_i16(FIELDS);
    let table = source.table;
    put(&mut out, table.job.as_bytes())?;
    put(&mut out, &source.run.0.to_be_bytes())?;
    put(&mut out, table.schema.as_bytes())?;
    put(&mut out, table.name.as_bytes())?;
    put(&mut out, &source.partition.to_be_bytes())?;
    match &reject.key {
        Some(key) => put(&mut out, key.as_bytes())?,
        None => out.put_i32(-1),
    }
    put(&mut out, first.column.as_bytes())?;
    put(&mut out, first.reason.word().as_bytes())?;
    put_jsonb(&mut out, &faults)?;
    put_jsonb(&mut out, &reject.row)?;
    Ok(out.freeze())
}

fn put(out: &mut BytesMut, field: &[u8]) -> Result<()> {
    out.put_i32(length(field.len())?);
    out.put_slice(field);
    Ok(())
}

fn put_jsonb(out: &mut BytesMut, json: &str) -> Result<()> {
    out.put_i32(length(1 + json.len())?);
    out.put_u8(JSONB_VERSION);
    out.put_slice(json.as_bytes());
    Ok(())
}

fn length(bytes: usize) -> Result<i32> {
    i32::try_from(bytes)
        .map_err(|error| Error::new(Kind::Internal, "a rejected row exceeds 2 GiB").because(error))
}

/// How many rows of each table are in `_migrate.rejects`, by the table's full name. Rows that were
/// corrected and deleted there do not count.
pub async fn count_rejects(client: &Client, job: &str) -> Result<HashMap<String, u64>> {
    let rows = client
        .query(COUNT, &[&job])
        .await
        .map_err(|error| fault::from_driver(error, "count rejected rows"))?;
    let counts = rows.iter().map(|row| {
        let (schema, table): (&str, &str) = (row.get("source_schema"), row.get("source_table"));
        Ok((format!("{schema}.{table}"), counted(row.get("rows"))?))
    });
    counts.collect()
}

/// Reads rejected rows of a job. There must be some: a state that an older version made has none, and no
/// columns for them.
pub async fn list_rejects(
    client: &Client,
    job: &str,
    wanted: &RejectQuery,
) -> Result<Vec<RejectRecord>> {
    let tables = wanted.tables.iter().map(|table| table.to_lowercase());
    let tables = (!wanted.tables.is_empty()).then(|| tables.collect::<Vec<_>>());
    let limit = wanted.limit.map(i64::from);
    client
        .query(LIST, &[&job, &tables, &wanted.values, &limit])
        .await
        .map_err(|error| fault::from_driver(error, "list rejected rows"))?
        .iter()
        .map(record)
        .collect()
}

fn record(row: &Row) -> Result<RejectRecord> {
    let (schema, table): (&str, &str) = (row.get("source_schema"), row.get("source_table"));
    let json = |text: Option<&str>| {
        text.map(|text| from_json(text, "a rejected row"))
            .transpose()
    };
    Ok(RejectRecord {
        id: row.get("reject_id"),
        run: RunId(row.get("run_id")),
        table: format!("{schema}.{table}"),
        partition: u32::try_from(row.get::<_, i32>("partition"))
            .map_err(|error| unreadable("a partition").because(error))?,
        key: json(row.get("key"))?,
        faults: from_json(row.get("faults"), "a rejected row")?,
        at: row.get("at"),
        row: json(row.get("row"))?,
    })
}
