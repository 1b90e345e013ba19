//! Which types the target's extensions offer.
//!
//! Planning depends on the answer: without PostGIS a `geography` becomes bytes, without pgvector a
//! `vector` an array of `real` (docs/types.md).

use tokio_postgres::GenericClient;

use crate::error::Result;
use crate::postgres::fault;
use tsql::typemap::TargetTypes;

/// A type counts if its own extension made it and the search path finds it.
const FIND: &str = "\
SELECT e.extname::text AS extension, t.typname::text AS type FROM pg_catalog.pg_extension e \
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass \
AND d.refobjid = e.oid AND d.classid = 'pg_catalog.pg_type'::regclass AND d.deptype = 'e' \
JOIN pg_catalog.pg_type t ON t.oid = d.objid \
WHERE e.extname IN ('postgis', 'vector') AND t.typname IN ('geometry', 'geography', 'vector') \
AND pg_catalog.pg_type_is_visible(t.oid)";

/// Asks the target.
///
/// # Errors
/// The catalog cannot be read.
pub async fn target_types(client: &impl GenericClient) -> Result<TargetTypes> {
    let rows = client
        .query(FIND, &[])
        .await
        .map_err(|error| fault::from_driver(error, "look for PostGIS and pgvector"))?;
    let has = |extension: &str, name: &str| {
        rows.iter().any(|row| {
            row.get::<_, &str>("extension") == extension && row.get::<_, &str>("type") == name
        })
    };
    Ok(TargetTypes {
        postgis: has("postgis", "geometry") && has("postgis", "geography"),
        pgvector: has("vector", "vector"),
    })
}
