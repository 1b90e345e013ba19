//! Runs GENERATE_SERIES.

use crate::engine::eval::expr::Run;
use crate::engine::eval::flow::{Consumer, Flow};
use crate::types::Value;

/// `first`, `first + step` and so on, up to and with `last`; never a step of 0.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Series {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) step: i64,
}

impl Series {
    pub(crate) fn run(self, shared: &Run<'_>, out: &mut Consumer<'_>) -> Flow {
        let mut next = Some(self.first);
        while let Some(value) = next.filter(|v| self.holds(*v)) {
            shared.tick()?;
            out(&[Value::Int(value)])?;
            next = value.checked_add(self.step);
        }
        Ok(())
    }

    fn holds(self, value: i64) -> bool {
        if self.step > 0 {
            value <= self.last
        } else {
            value >= self.last
        }
    }
}
