//! Small tables whose rows are all there, until there are enough of them to be finished together.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pipeline::context::TableLoad;
use crate::pipeline::small::TOGETHER;

/// How long a small table waits for others while rows of other tables are loaded.
const PATIENCE: Duration = Duration::from_secs(1);

/// The small tables that wait.
#[derive(Default)]
pub struct SmallTables {
    tables: Vec<Arc<TableLoad>>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl SmallTables {
    /// Whether no table waits.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Adds a table.
    pub fn add(&mut self, table: &Arc<TableLoad>) {
        self.since.get_or_insert_with(Instant::now);
        self.tables.push(Arc::clone(table));
    }

    /// Takes those that are to be finished together; none while `more` may come to them soon.
    pub fn take(&mut self, more: bool) -> Option<Vec<Arc<TableLoad>>> {
        let waited = self.since?.elapsed();
        if more && self.tables.len() < TOGETHER && waited < PATIENCE {
            return None;
        }
        let taken: Vec<_> = self
            .tables
            .drain(..self.tables.len().min(TOGETHER))
            .collect();
        self.since = (!self.tables.is_empty()).then(Instant::now);
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixtures::table;
    use crate::postgres::state::PartitionState::Done;

    fn waiting(count: usize) -> SmallTables {
        let mut small = SmallTables::default();
        (0..count).for_each(|_| small.add(&table(1, &[Done])));
        small
    }

    fn taken(small: &mut SmallTables, more: bool) -> Option<usize> {
        small.take(more).map(|tables| tables.len())
    }

    #[test]
    fn small_tables_wait_for_a_group_while_others_may_come() {
        let mut few = waiting(3);
        assert_eq!(taken(&mut few, true), None);
        assert_eq!(taken(&mut few, false), Some(3));
        assert_eq!(taken(&mut few, false), None);
        let mut many = waiting(TOGETHER + 1);
        assert_eq!(taken(&mut many, true), Some(TOGETHER));
        assert_eq!(taken(&mut many, true), None);
        assert_eq!(taken(&mut many, false), Some(1));
    }
}
