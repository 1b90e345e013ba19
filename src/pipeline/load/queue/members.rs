//! The queue of a process that shares its run: what others load, and what a member takes from the record.

use std::sync::Arc;

use crate::pipeline::context::TableLoad;
use crate::pipeline::load::active::ActivePartition;
use crate::pipeline::load::queue::WorkQueue;
use crate::postgres::state::SharedPartition;

impl WorkQueue {
    /// Sets a partition aside that another process has. This notifies no worker, as for
    /// [`WorkQueue::put_back`].
    pub fn set_elsewhere(&self, partition: &ActivePartition) {
        let mut state = self.state();
        state.shared.add(&partition.table, partition.number);
        self.asked.notify_one();
    }

    /// Other processes may load partitions from here on.
    pub fn set_members(&self) {
        self.state().shared.set_members();
    }

    /// Resolves when the record is to be asked at once. Cancel safe.
    pub async fn asked(&self) {
        self.asked.notified().await;
    }

    /// The tables of which the record is to be asked what others have loaded.
    pub fn tables_elsewhere(&self) -> Vec<Arc<TableLoad>> {
        let tables = self.state().shared.tables();
        // A table that failed is waited for no longer.
        self.changed.notify_waiters();
        tables
    }

    /// Takes all partitions of these tables, as recorded at one moment.
    pub fn answer(&self, tables: &[Arc<TableLoad>], partitions: &[SharedPartition]) {
        let mut state = self.state();
        let changes = state.shared.answer(tables, partitions);
        for (table, number) in &changes.free {
            state.loads.put_back(table, *number);
        }
        for table in &changes.complete {
            state.add_finish(table);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Sets how many partitions other processes could load beside theirs.
    pub fn set_idle_elsewhere(&self, idle: usize) {
        self.state().shared.idle = idle;
    }

    /// The tables that members may not load yet.
    pub fn unopened(&self) -> Vec<Arc<TableLoad>> {
        self.state().shared.unopened.clone()
    }

    /// The first of them are open now.
    pub fn set_opened(&self, count: usize) {
        self.state().shared.unopened.drain(..count);
    }

    /// Sets whether the record has partitions that no process has taken.
    pub fn set_more(&self, more: bool) {
        self.state().shared.more = more;
    }

    /// Begins a partition that a member has taken.
    pub fn begin(&self, table: Arc<TableLoad>, number: u32) -> Arc<ActivePartition> {
        table.take_partition();
        let partition = ActivePartition::new(table, number);
        self.state().active.push(Arc::clone(&partition));
        partition
    }

    /// Whether one more partition may be active.
    pub fn has_room(&self) -> bool {
        let state = self.state();
        state.active.len() < state.limit
    }

    /// As [`WorkQueue::room`], of all other processes together; 0 while partitions wait here.
    pub fn room_elsewhere(&self) -> usize {
        let state = self.state();
        if state.loads.is_empty() {
            state.shared.idle
        } else {
            0
        }
    }
}
