//! Partitions among the processes of a run: opened by the leader, taken and given back by members.

use tokio_postgres::{Client, Row};

use crate::error::Result;
use crate::postgres::fault;
use crate::postgres::state::checkpoint::number;
use crate::postgres::state::members::lives;
use crate::postgres::state::records::{Claimant, RunId, TableKey, counted, unreadable};

const OPEN: &str = "\
UPDATE _migrate.tables t SET open_to = $2, weight = s.weight FROM ROWS FROM (\
pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::bigint[])) \
AS s(source_schema, source_table, weight) WHERE t.job = $1 \
AND t.source_schema = s.source_schema AND t.source_table = s.source_table";

/// The largest partition that no living process has. The lock lasts for this statement only: a load would
/// hold it for hours, and lose it with every reconnect. The inner query is evaluated once, and what
/// another takes meanwhile is passed over.
const TAKE: &str = concat!(
    "WITH next AS MATERIALIZED (\
     SELECT p.source_schema, p.source_table, p.partition FROM _migrate.partitions p \
     JOIN _migrate.tables t USING (job, source_schema, source_table) \
     WHERE p.job = $1 AND t.open_to = $2 AND t.state = 'created' \
     AND CASE WHEN p.state <> 'running' THEN p.state = 'pending' \
     WHEN p.member IS NULL THEN p.claimed_by < $2 WHEN p.member = $3 THEN false ELSE NOT ",
    lives!("p.member"),
    " END AND NOT EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest($4::text[]), \
     pg_catalog.unnest($5::text[])) AS left_out(schema, name) \
     WHERE left_out.schema = p.source_schema AND left_out.name = p.source_table) \
     ORDER BY t.weight DESC, p.partition DESC LIMIT 1 FOR NO KEY UPDATE OF p SKIP LOCKED) \
     UPDATE _migrate.partitions p SET state = 'running', claimed_by = $2, member = $3, \
     attempt = attempt + 1, updated_at = pg_catalog.now() FROM next \
     WHERE p.job = $1 AND p.source_schema = next.source_schema \
     AND p.source_table = next.source_table AND p.partition = next.partition \
     AND NOT EXISTS (SELECT FROM _migrate.runs r WHERE r.job = $1 AND r.run_id > $2) \
     RETURNING p.source_schema, p.source_table, p.partition"
);

const GIVE_BACK: &str = "\
UPDATE _migrate.partitions SET state = CASE WHEN $7 THEN 'running' ELSE 'pending' END, member = NULL, \
updated_at = pg_catalog.now() WHERE job = $1 AND source_schema = $2 AND source_table = $3 \
AND partition = $4 AND state = 'running' AND claimed_by = $5 AND member = $6";

const GIVE_ALL_BACK: &str = "\
UPDATE _migrate.partitions SET state = 'pending', member = NULL, updated_at = pg_catalog.now() \
WHERE job = $1 AND state = 'running' AND member = $2";

const SHARED: &str = concat!(
    "SELECT source_schema, source_table, partition, state = 'done' AS done, rows, bytes, \
     CASE WHEN state <> 'running' OR member IS NULL THEN false ELSE ",
    lives!("p.member"),
    " END AS held FROM _migrate.partitions p WHERE job = $1 AND (source_schema, source_table) IN \
     (SELECT * FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS s) \
     ORDER BY 1, 2, 3"
);

const UNFINISHED: &str = "\
SELECT source_schema, source_table, count(*) FILTER (WHERE state <> 'done') AS left_over \
FROM _migrate.partitions WHERE job = $1 AND (source_schema, source_table) IN \
(SELECT * FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) AS s) GROUP BY 1, 2";

/// A table that members may load.
#[derive(Debug, Clone, Copy)]
pub struct OpenTable<'a> {
    pub table: &'a TableKey,
    /// Bytes of one of its partitions, as estimated: the largest are loaded first.
    pub weight: u64,
}

/// Who may take a partition that a member gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveBack {
    /// Any process.
    ToAll,
    /// The leader only: the member could not load it, and what is wrong is the leader's to report.
    ToLeader,
}

/// A partition of a table that several processes load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPartition {
    pub schema: String,
    pub name: String,
    pub number: u32,
    pub done: bool,
    /// A living member has it.
    pub held: bool,
    /// Rows and bytes that are committed.
    pub rows: u64,
    pub bytes: u64,
}

/// Opens tables to the members of a run.
pub async fn open_tables(
    client: &Client,
    job: &str,
    run: RunId,
    tables: &[OpenTable<'_>],
) -> Result<()> {
    let (schemas, names) = names_of(tables.iter().map(|open| open.table));
    let weights = tables.iter().map(|open| i64::try_from(open.weight));
    let weights: Vec<_> = weights.map(|weight| weight.unwrap_or(i64::MAX)).collect();
    client
        .execute(OPEN, &[&job, &run.0, &schemas, &names, &weights])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "open tables to the members of the run"))
}

/// Takes the largest partition that no living process has, of tables that are not left out. `None` if
/// there is none, or a younger run has the job.
pub async fn take_next(
    client: &Client,
    job: &str,
    claimant: Claimant,
    left_out: &[TableKey],
) -> Result<Option<(TableKey, u32)>> {
    let (schemas, names) = names_of(left_out.iter());
    let member = claimant.member_number();
    let taken = client
        .query_opt(TAKE, &[&job, &claimant.run.0, &member, &schemas, &names])
        .await
        .map_err(|error| fault::from_driver(error, "take a partition of the run"))?;
    taken
        .map(|row| Ok((key(job, &row), read_number(&row)?)))
        .transpose()
}

/// Gives a partition back that the member holds; what is committed of it stays.
pub async fn give_back(
    client: &Client,
    (table, partition): (&TableKey, u32),
    claimant: Claimant,
    to: GiveBack,
) -> Result<()> {
    client
        .execute(
            GIVE_BACK,
            &[
                &table.job,
                &table.schema,
                &table.name,
                &number(partition)?,
                &claimant.run.0,
                &claimant.member_number(),
                &(to == GiveBack::ToLeader),
            ],
        )
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "give a partition back"))
}

/// Gives back all that the member holds.
pub async fn give_all_back(client: &Client, job: &str, claimant: Claimant) -> Result<()> {
    client
        .execute(GIVE_ALL_BACK, &[&job, &claimant.member_number()])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "give all partitions back"))
}

/// All partitions of tables, at one moment.
pub async fn shared_partitions(
    client: &Client,
    job: &str,
    tables: &[&TableKey],
) -> Result<Vec<SharedPartition>> {
    let (schemas, names) = names_of(tables.iter().copied());
    let rows = client
        .query(SHARED, &[&job, &schemas, &names])
        .await
        .map_err(|error| fault::from_driver(error, "read what members have loaded"))?;
    rows.iter()
        .map(|row| {
            Ok(SharedPartition {
                schema: row.get("source_schema"),
                name: row.get("source_table"),
                number: read_number(row)?,
                done: row.get("done"),
                held: row.get("held"),
                rows: counted(row.get("rows"))?,
                bytes: counted(row.get("bytes"))?,
            })
        })
        .collect()
}

/// How many partitions of each table are not done.
pub async fn unfinished_partitions(
    client: &Client,
    job: &str,
    tables: &[&TableKey],
) -> Result<Vec<(TableKey, u32)>> {
    let (schemas, names) = names_of(tables.iter().copied());
    let rows = client
        .query(UNFINISHED, &[&job, &schemas, &names])
        .await
        .map_err(|error| fault::from_driver(error, "count the partitions that are left"))?;
    let counts = rows.iter().map(|row| {
        let left: i64 = row.get("left_over");
        (key(job, row), u32::try_from(left).unwrap_or(u32::MAX))
    });
    Ok(counts.collect())
}

fn names_of<'a>(tables: impl Iterator<Item = &'a TableKey>) -> (Vec<&'a str>, Vec<&'a str>) {
    tables
        .map(|table| (table.schema.as_str(), table.name.as_str()))
        .unzip()
}

fn key(job: &str, row: &Row) -> TableKey {
    TableKey {
        job: job.to_owned(),
        schema: row.get("source_schema"),
        name: row.get("source_table"),
    }
}

fn read_number(row: &Row) -> Result<u32> {
    let number: i32 = row.get("partition");
    u32::try_from(number).map_err(|error| unreadable("a partition").because(error))
}
