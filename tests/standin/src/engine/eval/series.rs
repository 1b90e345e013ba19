//! Runs GENERATE_SERIES.

use crate::engine::eval::expr::Run;
use crate::engine::eval::flow::{Consumer, Flow};
use crate::engine::eval::plan::Series;
use crate::types::Value;

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
