//! What a query may not be where it stands.

use sqlparser::ast::{Query, SetExpr};

use crate::engine::error::{Result, error};

/// # Errors
/// 1033: only an outermost query has an order, if no TOP or OFFSET takes rows by it.
pub(crate) fn refuse_order(query: &Query) -> Result<()> {
    let top = match query.body.as_ref() {
        SetExpr::Select(select) => select.top.is_some(),
        _ => false,
    };
    let takes = top || query.limit_clause.is_some() || query.fetch.is_some();
    if query.order_by.is_none() || takes || query.for_clause.is_some() {
        return Ok(());
    }
    Err(error(
        1033,
        15,
        "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table expressions, unless TOP, OFFSET or FOR XML is also specified.",
    ))
}
