//! Reads the source's schema from the catalog views, in two dozen statements whatever its size.

mod access;
mod assemble;
mod graph;
mod inventory;
mod objects;
mod queries;
mod types;

use crate::error::{Error, Kind, Result};
use crate::schema::Database;

use super::connection::Connection;
use super::control::ControlRow;

use access::Access;
use assemble::Answers;
use types::Types;

/// `sys.databases.snapshot_isolation_state`: ON (Microsoft, "sys.databases").
const SNAPSHOT_ON: i64 = 1;

/// What stands for a guid that is not there.
const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// Loads the database's facts and all user tables that the login may see.
pub async fn load(connection: &mut Connection) -> Result<Database> {
    let (mut database, filters_unknown) = facts(connection).await?;
    let newer = newer_columns(connection).await?;
    // The column that came with masks and policies tells whether the server knows them.
    let since_2016 = newer.iter().any(|name| name == "is_masked") && !filters_unknown;
    let access = Access::ask(connection, since_2016).await?;
    database.select_on_all = access.select_on_all;
    database.filters_hidden = access.filters_hidden;
    database.inventory = inventory::ask(connection, &newer).await?;
    let answers = Answers {
        types: connection.query(queries::TYPES).await?,
        collations: connection.query(queries::COLLATIONS).await?,
        tables: connection.query(&queries::tables(&newer)).await?,
        columns: connection.query(&queries::columns(&newer)).await?,
        identities: connection.query(queries::IDENTITIES).await?,
        // Definitions are for the plan to show; a column is known as computed without them.
        computed: optional(connection, queries::COMPUTED).await?,
        indexes: connection.query(queries::INDEXES).await?,
        index_columns: connection.query(queries::INDEX_COLUMNS).await?,
        others: connection.query(queries::OTHERS).await?,
        estimates: estimates(connection, &newer).await?,
        access,
        filters_unknown,
        objects: objects::ask(connection).await?,
    };
    database.last_rowversion = match newest(connection, queries::LAST_ROWVERSION).await?.first() {
        Some(row) => row.int(0)?,
        None => None,
    };
    database.tables = assemble::tables(&answers)?;
    database.sequences = objects::sequences(&answers.objects, &Types::of(&answers.types)?)?;
    database.hidden_sequences = objects::hidden_sequences(&answers.objects, &database)?;
    database.views = objects::views(&answers.objects)?;
    Ok(database)
}

/// The database without its tables, and whether the server keeps quiet about filtered indexes.
async fn facts(connection: &mut Connection) -> Result<(Database, bool)> {
    let rows = connection.query(queries::DATABASE).await?;
    let row = rows.first().ok_or_else(|| {
        Error::new(
            Kind::SourcePermission,
            "the login does not see its own database in sys.databases",
        )
    })?;
    let snapshot_of = row.int(7)?;
    let database = Database {
        name: row.need_text(0)?.to_owned(),
        server: row.text(1)?.unwrap_or_default().to_owned(),
        guid: row
            .text(9)?
            .filter(|guid| *guid != NO_GUID)
            .map(str::to_owned),
        version: row.text(2)?.unwrap_or_default().to_owned(),
        collation: row.text(3)?.unwrap_or_default().to_owned(),
        snapshot_isolation: row.int(4)? == Some(SNAPSHOT_ON),
        frozen: snapshot_of.is_some() || (row.flag(5)? && !row.flag(6)?),
        select_on_all: None,
        last_rowversion: None,
        tables: Vec::new(),
        sequences: Vec::new(),
        views: Vec::new(),
        hidden_sequences: Vec::new(),
        filters_hidden: false,
        inventory: Vec::new(),
    };
    let product = row.text(8)?.unwrap_or_default();
    Ok((database, product.starts_with("Babelfish")))
}

/// Where an identity stands by now; `None` where it was never used, or the server does not tell.
pub async fn last_value(
    connection: &mut Connection,
    (schema, table): (&str, &str),
) -> Result<Option<i128>> {
    let rows = connection
        .query(&queries::last_value(schema, table))
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    row.text(0)?.map(types::integer).transpose()
}

async fn newer_columns(connection: &mut Connection) -> Result<Vec<String>> {
    let rows = connection.query(queries::NEWER_COLUMNS).await?;
    rows.iter()
        .map(|row| row.need_text(0).map(str::to_owned))
        .collect()
}

/// Estimates from the best view that is there and open to the login.
async fn estimates(connection: &mut Connection, newer: &[String]) -> Result<Vec<ControlRow>> {
    let mut rows = newest(connection, queries::ESTIMATES).await?;
    if rows.is_empty() {
        rows = connection.query(queries::ESTIMATED_ROWS).await?;
        rows.extend(optional(connection, queries::ESTIMATED_PAGES).await?);
    }
    if newer.iter().any(|name| name == "is_memory_optimized") {
        rows.extend(newest(connection, queries::ESTIMATED_IN_MEMORY).await?);
    }
    Ok(rows)
}

/// Asks what the plan can do without: an answer of the server that there is no such view, or no
/// permission, is no rows. A lost connection stays an error.
async fn optional(connection: &mut Connection, sql: &str) -> Result<Vec<ControlRow>> {
    match connection.query(sql).await {
        Err(error) if matches!(error.kind(), Kind::SourceQuery | Kind::SourcePermission) => {
            tracing::warn!(%error, "the catalog is read without one of its views");
            Ok(Vec::new())
        }
        other => other,
    }
}

/// As [`optional`], where no for an answer is common: of what older versions do not have or few
/// logins may see, and of what can be asked in another way.
async fn newest(connection: &mut Connection, sql: &str) -> Result<Vec<ControlRow>> {
    match connection.query(sql).await {
        Err(error) if matches!(error.kind(), Kind::SourceQuery | Kind::SourcePermission) => {
            tracing::debug!(%error, "the catalog is asked in another way, or not at all");
            Ok(Vec::new())
        }
        other => other,
    }
}
