//! The arguments of a system procedure.

use crate::engine::value::text;
use crate::types::Value;

/// The arguments of a procedure by name or position.
pub(crate) struct Arguments(pub(crate) Vec<(Option<String>, Value, crate::types::SqlType)>);

impl Arguments {
    pub(crate) fn get(&self, name: &str, position: usize) -> Option<&Value> {
        let named = self
            .0
            .iter()
            .find(|(n, ..)| n.as_deref().is_some_and(|n| n.eq_ignore_ascii_case(name)));
        let placed = || self.0.get(position).filter(|(n, ..)| n.is_none());
        named
            .or_else(placed)
            .map(|(_, v, _)| v)
            .filter(|v| !matches!(v, Value::Null))
    }

    pub(crate) fn text(&self, name: &str, position: usize) -> Option<String> {
        self.get(name, position)
            .and_then(text::units)
            .map(|u| text::to_string(u))
    }
}
