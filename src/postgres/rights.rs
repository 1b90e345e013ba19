//! What the role of a session may do, and whether the server has room for connections.
//!
//! `migrate check` asks, so that a missing right is found before hours of loading. Rights that come
//! through membership in roles count, as PostgreSQL counts them.

use tokio_postgres::Client;

use crate::error::Result;
use crate::postgres::fault;

/// The rights of a session's role in its database, and the server's connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// Another than `target.user` if the role is set to act as one.
    pub role: String,
    /// CREATE on the database: the right to make schemas.
    pub may_create: bool,
    /// The server's `max_connections`.
    pub connection_limit: i32,
    /// Server processes, including background workers.
    pub connections_used: i32,
}

const RIGHTS: &str = "\
SELECT current_user::text AS role, \
pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create, \
pg_catalog.current_setting('max_connections')::int AS connection_limit, \
(SELECT pg_catalog.count(*)::int FROM pg_catalog.pg_stat_activity) AS connections_used";

/// Schemas that are there and in which the role lacks CREATE.
const CLOSED_SCHEMAS: &str = "\
SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname = ANY ($1) \
AND NOT pg_catalog.has_schema_privilege(oid, 'CREATE') ORDER BY nspname";

/// DROP, TRUNCATE and ALTER need the owner's rights.
const TABLES_OF_OTHERS: &str = "\
SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname || '.' || c.relname = ANY ($1) \
AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') ORDER BY 1";

/// Asks for the rights of the session's role.
pub async fn of_session(client: &Client) -> Result<Rights> {
    let row = client
        .query_one(RIGHTS, &[])
        .await
        .map_err(|error| fault::from_driver(error, "read the role's rights"))?;
    Ok(Rights {
        role: row.get("role"),
        may_create: row.get("may_create"),
        connection_limit: row.get("connection_limit"),
        connections_used: row.get("connections_used"),
    })
}

/// Those of the schemas in which the role may not make tables; schemas that are not there are not
/// among them.
pub async fn closed_schemas(client: &Client, schemas: &[&str]) -> Result<Vec<String>> {
    let rows = client
        .query(CLOSED_SCHEMAS, &[&schemas])
        .await
        .map_err(|error| fault::from_driver(error, "read the role's rights"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The tables (`schema.table`) whose owner is a role that the current role does not belong to.
pub async fn tables_of_others(client: &Client, names: &[String]) -> Result<Vec<String>> {
    let rows = client
        .query(TABLES_OF_OTHERS, &[&names])
        .await
        .map_err(|error| fault::from_driver(error, "read the tables' owners"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// The version that the server states, such as `16.4`.
pub async fn server_version(client: &Client) -> Result<String> {
    let row = client
        .query_one("SELECT pg_catalog.current_setting('server_version')", &[])
        .await
        .map_err(|error| fault::from_driver(error, "read the server's version"))?;
    Ok(row.get(0))
}
