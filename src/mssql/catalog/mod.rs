//! Reads the source's schema from the catalog views, in some thirty statements whatever its size.
//!
//! Called once for each command that plans, on one connection. What comes out is plain data
//! (`tsql::schema::Database`), from which everything is planned without asking again, but for cut
//! points and the last value of an identity. The views are those of SQL Server 2012; columns that
//! came later are asked for only if the server has them. What the login may not see is missing or
//! empty in the result and never an error, unless no table could be planned without it.

mod access;
mod ask;
mod assemble;
mod graph;
mod inventory;
mod modules;
mod objects;
mod queries;
mod row;
mod types;

use crate::error::{Error, Kind, Result};
use tsql::schema::Database;

use super::connection::Connection;
use access::Access;
use ask::{all, none_if_refused, rows, warn_if_refused};
use assemble::Answers;
use queries::{DatabaseRow, EstimateRow};
use types::Types;

/// `sys.databases.snapshot_isolation_state`: ON (Microsoft, "sys.databases").
const SNAPSHOT_ON: i64 = 1;

/// The guid of a database that has none.
const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// Loads the database's facts and all user tables that the login may see.
///
/// # Errors
/// `SourcePermission` if the login does not see its own database or a view that tables depend on,
/// `SourceConsistency` if the schema changed meanwhile, `SourceLost`.
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
        types: all(connection).await?,
        collations: all(connection).await?,
        tables: rows(connection, &queries::tables(&newer)).await?,
        columns: rows(connection, &queries::columns(&newer)).await?,
        identities: all(connection).await?,
        // Definitions are for the plan to show; a column is known as computed without them.
        computed: warn_if_refused(all(connection).await)?,
        indexes: all(connection).await?,
        index_columns: all(connection).await?,
        constraints: all(connection).await?,
        estimates: estimates(connection, &newer).await?,
        access,
        filters_unknown,
        objects: objects::ask(connection).await?,
    };
    let modules = modules::ask(connection).await?;
    let last_rowversion = connection.query(queries::LAST_ROWVERSION).await;
    database.last_rowversion = match none_if_refused(last_rowversion)?.first() {
        Some(row) => row.int(0)?,
        None => None,
    };
    database.tables = assemble::tables(&answers)?;
    database.sequences = objects::sequences(&answers.objects, &Types::new(&answers.types))?;
    database.hidden_sequences = objects::hidden_sequences(&answers.objects, &database);
    modules::fill(&answers, &modules, &mut database);
    Ok(database)
}

/// The database's own facts, without its tables.
pub async fn identity(connection: &mut Connection) -> Result<Database> {
    facts(connection).await.map(|(database, _)| database)
}

/// The database without its tables, and whether the server hides which indexes are filtered.
async fn facts(connection: &mut Connection) -> Result<(Database, bool)> {
    let row = all::<DatabaseRow>(connection).await?.pop().ok_or_else(|| {
        Error::new(
            Kind::SourcePermission,
            "the login does not see its own database in sys.databases",
        )
    })?;
    let database = Database {
        name: row.name,
        server: row.server.unwrap_or_default(),
        guid: row.service_broker_guid.filter(|guid| guid != NO_GUID),
        version: row.version.unwrap_or_default(),
        collation: row.collation_name.unwrap_or_default(),
        snapshot_isolation: row.snapshot_isolation_state == Some(SNAPSHOT_ON),
        frozen: row.source_database_id.is_some() || (row.is_read_only && !row.is_in_standby),
        select_on_all: None,
        last_rowversion: None,
        tables: Vec::new(),
        sequences: Vec::new(),
        views: Vec::new(),
        synonyms: Vec::new(),
        functions: Vec::new(),
        modules: Vec::new(),
        code_pages: Default::default(),
        hidden_sequences: Vec::new(),
        filters_hidden: false,
        inventory: Vec::new(),
    };
    let product = row.product.unwrap_or_default();
    Ok((database, product.starts_with("Babelfish")))
}

/// The last value of a table's identity; `None` if it was never used, or the server does not tell.
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

/// Those of the columns that came with later versions which this server has.
async fn newer_columns(connection: &mut Connection) -> Result<Vec<String>> {
    let rows = connection.query(&queries::newer_columns()).await?;
    rows.iter()
        .map(|row| row.need_text(0).map(str::to_owned))
        .collect()
}

/// Estimates from the best view that is there and open to the login.
async fn estimates(connection: &mut Connection, newer: &[String]) -> Result<Vec<EstimateRow>> {
    let mut found = none_if_refused(all(connection).await)?;
    if found.is_empty() {
        found = rows(connection, queries::ESTIMATED_ROWS).await?;
        let pages = rows(connection, queries::ESTIMATED_PAGES).await;
        found.extend(warn_if_refused(pages)?);
    }
    if newer.iter().any(|name| name == "is_memory_optimized") {
        let in_memory = rows(connection, queries::ESTIMATED_IN_MEMORY).await;
        found.extend(none_if_refused(in_memory)?);
    }
    Ok(found)
}
