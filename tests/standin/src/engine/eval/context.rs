//! What the operators of one running plan share.

use crate::engine::error::Result;
use crate::engine::eval::expr::{Bound, Env, Run};
use crate::engine::eval::plan::SortKey;
use crate::engine::value::compare::append_ordered_key;
use crate::types::Value;

#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) outer: Option<&'a Env<'a>>,
    pub(crate) run: &'a Run<'a>,
}

impl<'a> Context<'a> {
    pub(crate) fn env<'b>(&'b self, row: &'b [Value]) -> Env<'b> {
        Env {
            row,
            outer: self.outer,
            run: self.run,
        }
    }

    pub(crate) fn evaluate(&self, exprs: &[Bound], row: &[Value]) -> Result<Vec<Value>> {
        let env = self.env(row);
        exprs.iter().map(|e| e.eval(&env)).collect()
    }

    pub(crate) fn sort_key(&self, keys: &[SortKey], row: &[Value]) -> Result<Vec<u8>> {
        let env = self.env(row);
        let mut bytes = Vec::with_capacity(keys.len() * 10);
        for key in keys {
            let value = key.expr.eval(&env)?;
            append_ordered_key(
                &value,
                key.expr.t.collation.as_deref(),
                key.descending,
                &mut bytes,
            );
        }
        Ok(bytes)
    }

    /// Notes that an operator has sorted rows of a table.
    pub(crate) fn sorted(&self, rows: usize) {
        self.run.meter.note(|work| {
            work.sorts += 1;
            work.sorted_rows += rows as u64;
        });
    }
}
