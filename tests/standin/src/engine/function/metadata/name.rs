//! Objects by the names that functions are given.

use std::sync::Arc;

use crate::engine::eval::expr::Bound;
use crate::engine::function::argument::{integer_of, units_of};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::table::Table;
use crate::engine::parse::tokens::Tokens;
use crate::types::Value;

pub(crate) fn named(arg: Option<&Bound>) -> Option<String> {
    arg.and_then(Bound::as_constant)
        .filter(|v| !matches!(v, Value::Null))
        .map(units_of)
}

/// A name as OBJECT_ID takes it.
pub(crate) fn parse_name(name: &str) -> Option<Name> {
    let mut tokens = Tokens::new(name).ok()?;
    let parsed = tokens.name().ok()?;
    tokens.done().then_some(parsed)
}

pub(crate) fn table_of(facts: &Facts, id: &Value) -> Option<Arc<Table>> {
    facts
        .current()
        .ok()?
        .tables
        .get(&(integer_of(id) as i32))
        .cloned()
}
