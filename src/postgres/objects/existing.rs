//! What indexes and constraints are there, in a form in which two of one definition are equal.
//!
//! PostgreSQL prints both sides of a comparison itself: what is there, and the planned object on a
//! twin (`twin`). Texts of this tool and of PostgreSQL are never compared.

use tokio_postgres::GenericClient;
use tokio_postgres::types::Oid;

use crate::error::Result;
use crate::postgres::fault;

/// All that makes an index what it is, but for its name and table. Columns that not every version
/// has are read through JSON.
const INDEXES: &str = "\
SELECT i.indrelid AS owner, i.indexrelid AS oid, c.relname::text AS name, pg_catalog.jsonb_build_array(i.indisunique, \
coalesce(pg_catalog.to_jsonb(i) -> 'indnullsnotdistinct', 'false'), i.indisvalid, i.indnkeyatts, \
i.indoption::text, i.indclass::text, i.indcollation::text, a.amname, \
(SELECT pg_catalog.jsonb_agg(pg_catalog.pg_get_indexdef(i.indexrelid, n, false) ORDER BY n) \
FROM pg_catalog.generate_series(1, i.indnatts::int) AS n), \
pg_catalog.pg_get_expr(i.indpred, i.indrelid), \
EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid \
AND k.contype IN ('p', 'u')))::text AS definition \
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
JOIN pg_catalog.pg_am a ON a.oid = c.relam WHERE i.indrelid = ANY ($1)";

/// A foreign key to a partitioned table has, beside its own row, one of the same table for each
/// partition; those are not constraints of their own.
const CONSTRAINTS: &str = "\
SELECT k.conrelid AS owner, k.conname::text AS name, k.convalidated AS valid, \
pg_catalog.pg_get_constraintdef(k.oid) AS definition \
FROM pg_catalog.pg_constraint k WHERE k.conrelid = ANY ($1) AND k.contype IN ('c', 'f') \
AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint whole \
WHERE whole.oid = k.conparentid AND whole.conrelid = k.conrelid)";

/// Before version 18 no foreign key of a partitioned table can be NOT VALID (PostgreSQL
/// documentation, ALTER TABLE).
const MAY_BE_NOT_VALID: &str = "\
SELECT c.relkind <> 'p' OR pg_catalog.current_setting('server_version_num')::int >= 180000 \
FROM pg_catalog.pg_class c WHERE c.oid = $1";

pub(super) struct Index {
    /// The index's own, not its table's.
    pub(super) oid: Oid,
    pub(super) name: String,
    pub(super) definition: String,
}

/// A check or foreign key.
pub(super) struct Constraint {
    pub(super) name: String,
    pub(super) valid: bool,
    /// Without NOT VALID.
    pub(super) definition: String,
}

/// `server_version_num`.
pub(super) async fn version(client: &impl GenericClient) -> Result<i32> {
    client
        .query_one(
            "SELECT pg_catalog.current_setting('server_version_num')::int",
            &[],
        )
        .await
        .map(|row| row.get(0))
        .map_err(|error| fault::from_driver(error, "read the server's version"))
}

/// Anything that shares its namespace with tables and indexes.
pub(super) async fn relation(
    client: &impl GenericClient,
    schema: &str,
    name: &str,
) -> Result<Option<Oid>> {
    let sql = "SELECT c.oid FROM pg_catalog.pg_class c \
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = $1 AND c.relname = $2";
    client
        .query_opt(sql, &[&schema, &name])
        .await
        .map(|row| row.map(|row| row.get(0)))
        .map_err(|error| fault::from_driver(error, "look for an object"))
}

/// Every index of the table, those of constraints included.
pub(super) async fn indexes(client: &impl GenericClient, table: Oid) -> Result<Vec<Index>> {
    let all = indexes_of(client, &[table]).await?;
    Ok(all.into_iter().map(|(_, index)| index).collect())
}

/// The indexes of several tables, each with its table.
pub(super) async fn indexes_of(
    client: &impl GenericClient,
    tables: &[Oid],
) -> Result<Vec<(Oid, Index)>> {
    let rows = client
        .query(INDEXES, &[&tables])
        .await
        .map_err(|error| fault::from_driver(error, "read the indexes of the table"))?;
    let index = |row: &tokio_postgres::Row| {
        let index = Index {
            oid: row.get("oid"),
            name: row.get("name"),
            definition: row.get("definition"),
        };
        (row.get("owner"), index)
    };
    Ok(rows.iter().map(index).collect())
}

/// Checks and foreign keys of the table; unique constraints are indexes here.
pub(super) async fn constraints(
    client: &impl GenericClient,
    table: Oid,
) -> Result<Vec<Constraint>> {
    let all = constraints_of(client, &[table]).await?;
    Ok(all.into_iter().map(|(_, constraint)| constraint).collect())
}

/// The checks and foreign keys of several tables, each with its table.
pub(super) async fn constraints_of(
    client: &impl GenericClient,
    tables: &[Oid],
) -> Result<Vec<(Oid, Constraint)>> {
    let rows = client
        .query(CONSTRAINTS, &[&tables])
        .await
        .map_err(|error| fault::from_driver(error, "read the constraints of the table"))?;
    let constraint = |row: &tokio_postgres::Row| {
        let text: &str = row.get("definition");
        let constraint = Constraint {
            name: row.get("name"),
            valid: row.get("valid"),
            definition: without_not_valid(text),
        };
        (row.get("owner"), constraint)
    };
    Ok(rows.iter().map(constraint).collect())
}

/// Whether a foreign key of the table can be added without a look at its rows.
pub(super) async fn may_be_not_valid(client: &impl GenericClient, table: Oid) -> Result<bool> {
    client
        .query_one(MAY_BE_NOT_VALID, &[&table])
        .await
        .map(|row| row.get(0))
        .map_err(|error| fault::from_driver(error, "look whether the table is partitioned"))
}

/// A definition as `pg_get_constraintdef` prints it, without what is not part of it.
pub(super) fn without_not_valid(text: &str) -> String {
    text.strip_suffix(" NOT VALID").unwrap_or(text).to_owned()
}
