//! Partitions that other processes of the run load, as far as the leader's queue knows of them.
//!
//! The leader asks the record about them now and then. What members have split off becomes known by the
//! same answer: a partition is recorded before the one that it was split off from is done. So no table is
//! finished before an answer has shown all of its partitions.

use std::sync::Arc;

use crate::pipeline::context::TableLoad;
use crate::postgres::state::SharedPartition;

/// What the leader waits for.
#[derive(Default)]
pub struct SharedWork {
    /// The run has had members: they may have split off partitions that are not known here.
    has_members: bool,
    /// Partitions that members hold.
    elsewhere: Vec<Elsewhere>,
    /// Tables whose known partitions are all done.
    unconfirmed: Vec<Arc<TableLoad>>,
    /// Tables that members may not load yet.
    pub unopened: Vec<Arc<TableLoad>>,
    /// The record has partitions that no process has taken, as far as a member knows.
    pub more: bool,
    /// Partitions that other processes could load beside those that they load.
    pub idle: usize,
}

struct Elsewhere {
    table: Arc<TableLoad>,
    number: u32,
    /// Rows and bytes of it that the table's progress counts.
    counted: (u64, u64),
}

/// What follows from an answer.
#[derive(Default)]
pub struct Changes {
    /// Partitions that no process has: they wait to be loaded.
    pub free: Vec<(Arc<TableLoad>, u32)>,
    /// Tables whose rows are all there.
    pub complete: Vec<Arc<TableLoad>>,
}

impl SharedWork {
    /// Members may load from here on.
    pub fn set_members(&mut self) {
        self.has_members = true;
    }

    /// Sets a partition aside that another process has, or had.
    pub fn add(&mut self, table: &Arc<TableLoad>, number: u32) {
        let mut recorded = table.partitions.iter();
        let recorded = recorded.find(|part| part.number == number);
        let counted = recorded.map_or((0, 0), |part| (part.progress.rows, part.progress.bytes));
        self.elsewhere.push(Elsewhere {
            table: Arc::clone(table),
            number,
            counted,
        });
    }

    /// Whether a table whose known partitions are done must wait for an answer; kept here then.
    pub fn hold_back(&mut self, table: &Arc<TableLoad>) -> bool {
        if self.has_members {
            self.unconfirmed.push(Arc::clone(table));
        }
        self.has_members
    }

    /// Whether the leader waits for nothing here.
    pub fn is_empty(&self) -> bool {
        self.elsewhere.is_empty() && self.unconfirmed.is_empty()
    }

    /// The tables to ask about. Those that failed are dropped.
    pub fn tables(&mut self) -> Vec<Arc<TableLoad>> {
        self.elsewhere
            .retain(|part| !part.table.cancel.is_cancelled());
        self.unconfirmed
            .retain(|table| !table.cancel.is_cancelled());
        let mut tables: Vec<Arc<TableLoad>> = Vec::new();
        let elsewhere = self.elsewhere.iter().map(|part| &part.table);
        for table in elsewhere.chain(&self.unconfirmed) {
            if !tables.iter().any(|known| Arc::ptr_eq(known, table)) {
                tables.push(Arc::clone(table));
            }
        }
        tables
    }

    /// Takes the answer about these tables: all of their partitions, at one moment.
    pub fn answer(&mut self, tables: &[Arc<TableLoad>], parts: &[SharedPartition]) -> Changes {
        let mut changes = Changes::default();
        for table in tables {
            let own = parts
                .iter()
                .filter(|part| part.schema == table.key.schema && part.name == table.key.name);
            let own = own.collect::<Vec<_>>();
            if !own.is_empty() {
                self.answer_for(table, &own, &mut changes);
            }
        }
        changes
    }

    fn answer_for(
        &mut self,
        table: &Arc<TableLoad>,
        parts: &[&SharedPartition],
        changes: &mut Changes,
    ) {
        let numbers = parts.iter().map(|part| part.number).collect::<Vec<_>>();
        for number in table.add_partitions(&numbers) {
            self.add(table, number);
        }
        let is_own = |part: &Elsewhere| Arc::ptr_eq(&part.table, table);
        let (own, others) = std::mem::take(&mut self.elsewhere)
            .into_iter()
            .partition::<Vec<_>, _>(is_own);
        self.elsewhere = others;
        let mut complete = false;
        for mut part in own {
            let found = parts.iter().find(|found| found.number == part.number);
            let Some(found) = found else {
                self.elsewhere.push(part);
                continue;
            };
            part.count(found);
            if found.done {
                complete |= table.partition_done();
            } else if found.held {
                self.elsewhere.push(part);
            } else {
                changes.free.push((Arc::clone(table), part.number));
            }
        }
        let waiting = self.unconfirmed.len();
        self.unconfirmed.retain(|other| !Arc::ptr_eq(other, table));
        let confirmed = self.unconfirmed.len() < waiting && table.loaded();
        if complete || confirmed {
            changes.complete.push(Arc::clone(table));
        }
    }
}

impl Elsewhere {
    /// Counts what was committed since the last answer. A crash of the target may take rows back.
    fn count(&mut self, found: &SharedPartition) {
        let progress = &self.table.progress;
        let (rows, bytes) = self.counted;
        progress.add(
            found.rows.saturating_sub(rows),
            found.bytes.saturating_sub(bytes),
        );
        progress.take_back(
            rows.saturating_sub(found.rows),
            bytes.saturating_sub(found.bytes),
        );
        self.counted = (found.rows, found.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixtures::table;
    use crate::postgres::state::PartitionState::{Done, Pending};

    /// Partitions by number, done or not, held by a living member or not.
    fn parts(table: &TableLoad, states: &[(u32, bool, bool)]) -> Vec<SharedPartition> {
        let states = states.iter();
        let parts = states.map(|(number, done, held)| SharedPartition {
            schema: table.key.schema.clone(),
            name: table.key.name.clone(),
            number: *number,
            done: *done,
            held: *held,
            rows: 10,
            bytes: 100,
        });
        parts.collect()
    }

    #[test]
    fn a_partition_elsewhere_is_waited_for_until_it_is_done_or_free() {
        let load = table(100, &[Pending, Pending]);
        let mut shared = SharedWork::default();
        shared.add(&load, 1);
        shared.add(&load, 2);
        let tables = shared.tables();
        assert_eq!(tables.len(), 1);
        let held = parts(&load, &[(1, false, true), (2, false, true)]);
        let changes = shared.answer(&tables, &held);
        assert!(changes.free.is_empty() && changes.complete.is_empty());
        let changes = shared.answer(
            &tables,
            &parts(&load, &[(1, false, false), (2, false, true)]),
        );
        assert_eq!(changes.free.len(), 1);
        assert_eq!(changes.free[0].1, 1);
        // The leader loads it.
        assert!(!load.partition_done());
        let changes = shared.answer(
            &tables,
            &parts(&load, &[(1, true, false), (2, true, false)]),
        );
        assert_eq!(changes.complete.len(), 1);
        assert!(shared.is_empty());
        assert_eq!((load.progress.rows(), load.progress.bytes()), (20, 200));
    }

    /// A member had split its partition and died before the leader looked.
    #[test]
    fn a_table_is_complete_only_when_what_members_split_off_is_done() {
        let load = table(100, &[Pending]);
        let mut shared = SharedWork::default();
        assert!(!shared.hold_back(&load), "there were no members");
        shared.set_members();
        assert!(load.partition_done());
        assert!(shared.hold_back(&load));
        let tables = shared.tables();
        let changes = shared.answer(
            &tables,
            &parts(&load, &[(1, true, false), (2, false, false)]),
        );
        assert!(changes.complete.is_empty());
        assert_eq!(changes.free[0].1, 2);
        assert!(load.partition_done());
        assert!(shared.hold_back(&load));
        let tables = shared.tables();
        let changes = shared.answer(
            &tables,
            &parts(&load, &[(1, true, false), (2, true, false)]),
        );
        assert_eq!(changes.complete.len(), 1);
        assert!(shared.is_empty());
    }

    #[test]
    fn what_members_split_off_and_have_done_counts() {
        let load = table(100, &[Done, Pending]);
        let mut shared = SharedWork::default();
        shared.add(&load, 2);
        let tables = shared.tables();
        let all = [(1, true, false), (2, true, false), (3, true, false)];
        let changes = shared.answer(&tables, &parts(&load, &all));
        assert_eq!(changes.complete.len(), 1);
        assert_eq!(load.progress.partitions(), (3, 3));
    }

    #[test]
    fn a_table_that_failed_is_waited_for_no_longer() {
        let load = table(100, &[Pending]);
        let mut shared = SharedWork::default();
        shared.add(&load, 1);
        load.cancel.cancel();
        assert!(shared.tables().is_empty());
        assert!(shared.is_empty());
    }
}
