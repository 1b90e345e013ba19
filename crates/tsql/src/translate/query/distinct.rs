//! DISTINCT, and the set operations that leave out equal rows.

use super::super::Outcome;
use super::super::context::Context;
use super::{SelectBody, group};

/// `SELECT DISTINCT`; with texts that are equal at the source, one row of those that are.
pub(super) fn distinct(context: &mut Context<'_>, mut body: SelectBody) -> Outcome<SelectBody> {
    let keys = keys(context, &body)?;
    body.head = match keys {
        None => "SELECT DISTINCT".to_owned(),
        Some(keys) => format!("SELECT DISTINCT ON ({})", keys.join(", ")),
    };
    Ok(body)
}

/// The keys of a select list; `None` if its values are their own.
fn keys(context: &mut Context<'_>, body: &SelectBody) -> Outcome<Option<Vec<String>>> {
    let mut keys = Vec::with_capacity(body.items.len());
    let mut own = true;
    for item in &body.items {
        if item.value.constant.is_some() {
            continue;
        }
        let key = group::key(context, &item.value)?;
        own &= key == item.value.sql;
        keys.push(key);
    }
    Ok((!own).then_some(keys))
}
