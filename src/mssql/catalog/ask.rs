//! Sends a catalog query, and decides what a refusal means.
//!
//! Three answers to a refusal: an error for what the plan cannot do without (`all`), a warning
//! (`warn_if_refused`), or a line of the debug log (`none_if_refused`). A lost connection is an
//! error in each case, so that a catalog is never half read.

use crate::error::{Error, Kind, Result};
use crate::mssql::connection::Connection;

use super::row::{CatalogRow, read_all, select};

/// All rows of a catalog query.
pub(super) async fn all<R: CatalogRow>(connection: &mut Connection) -> Result<Vec<R>> {
    rows(connection, &select::<R>()).await
}

/// The rows of a variant of a catalog query: `sql` names its columns as `R` does.
pub(super) async fn rows<R: CatalogRow>(connection: &mut Connection, sql: &str) -> Result<Vec<R>> {
    read_all(&connection.query(sql).await?)
}

/// Takes a refusal as no rows, with a warning, for what the plan can do without.
///
/// # Errors
/// Any other error, as a lost connection.
pub(super) fn warn_if_refused<R>(answer: Result<Vec<R>>) -> Result<Vec<R>> {
    answer.or_else(|error| {
        let error = refusal(error)?;
        tracing::warn!(%error, "the catalog is read without one of its views");
        Ok(Vec::new())
    })
}

/// Takes a refusal as no rows, if it is common: for views that older versions lack or few logins may
/// see, and for what can be asked in another way.
///
/// # Errors
/// Any other error, as a lost connection.
pub(super) fn none_if_refused<R>(answer: Result<Vec<R>>) -> Result<Vec<R>> {
    answer.or_else(|error| {
        let error = refusal(error)?;
        tracing::debug!(%error, "the catalog is asked in another way, or not at all");
        Ok(Vec::new())
    })
}

/// The error back, if the server answered that it has no such view, or not for this login.
fn refusal(error: Error) -> Result<Error> {
    if matches!(error.kind(), Kind::SourceQuery | Kind::SourcePermission) {
        Ok(error)
    } else {
        Err(error)
    }
}
