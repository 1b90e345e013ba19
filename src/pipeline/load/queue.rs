//! The work of the loading step: queues of partitions to load, of tables to finish and of tables to
//! count, and how many of each may be in progress.

mod members;

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::mutex::lock;
use crate::pipeline::context::TableLoad;
use crate::pipeline::load::active::{ActivePartition, Request};
use crate::pipeline::load::pending::PendingPartitions;
use crate::pipeline::load::shared_work::SharedWork;
use crate::pipeline::load::small_tables::SmallTables;
use crate::postgres::state::PartitionState;
use crate::report::progress::TablePhase;

/// The work of a run's loading step. Workers take work from it and report what became of it.
pub struct WorkQueue {
    state: Mutex<State>,
    /// Notified whenever something can be taken, or nothing ever again.
    changed: Notify,
    /// Notified when the record of what other processes load is to be asked.
    asked: Notify,
    /// Partitions of the process come from the record, where other processes take them too.
    of_member: bool,
    /// Tables that are finished at a time.
    finishers: usize,
}

struct State {
    /// Partitions that no worker has taken.
    loads: PendingPartitions,
    /// Tables whose rows are all there, by weight; the one that takes longest to finish is last.
    finishes: Vec<(u64, Arc<TableLoad>)>,
    /// Small tables whose rows are all there: they are finished together.
    small: SmallTables,
    /// Tables of which both sides can be counted, by weight; the largest is last.
    counts: Vec<(u64, Arc<TableLoad>)>,
    /// Partitions that workers are moving.
    active: Vec<Arc<ActivePartition>>,
    /// Tables that workers are finishing.
    finishing: usize,
    /// Tables that workers are counting.
    counting: usize,
    /// Workers that wait for something to take.
    idle: usize,
    /// How many partitions may be active.
    limit: usize,
    /// More tables are still to come.
    more: bool,
    /// What other processes of the run load.
    shared: SharedWork,
}

impl State {
    /// Sorts the tables into those with partitions to load and those that only need to be finished.
    fn add(&mut self, tables: &[Arc<TableLoad>]) {
        let (loaded, open): (Vec<_>, Vec<_>) = tables.iter().partition(|table| table.loaded());
        for table in loaded {
            self.add_finish(table);
        }
        let unopened = open.iter().map(|table| Arc::clone(table));
        self.shared.unopened.extend(unopened);
        let open = open.into_iter().map(|table| {
            let parts = table.partitions.iter();
            let parts = parts.filter(|part| part.state != PartitionState::Done);
            (Arc::clone(table), parts.map(|part| part.number).collect())
        });
        self.loads.add(open);
    }

    fn add_finish(&mut self, table: &Arc<TableLoad>) {
        table.progress.set_state(TablePhase::Loaded);
        if table.finishes_with_others() {
            self.small.add(table);
        } else {
            insert_by_weight(&mut self.finishes, table, table.finish_weight());
        }
    }

    /// Takes what is to be finished next: large tables before small ones.
    fn take_finish(&mut self) -> Option<Next> {
        if let Some((_, table)) = self.finishes.pop() {
            return Some(Next::Finish(table));
        }
        self.small
            .take(!self.loads.is_empty())
            .map(Next::FinishTogether)
    }
}

/// What a worker does next.
pub enum Next {
    /// Move the rows of a partition.
    Load(Arc<ActivePartition>),
    /// Make the keys, indexes and other objects of a table.
    Finish(Arc<TableLoad>),
    /// The same of several small tables.
    FinishTogether(Vec<Arc<TableLoad>>),
    /// Count the rows of a table on both sides.
    Count(Arc<TableLoad>),
    /// Nothing now, but other workers may leave something to do.
    Wait,
    /// Nothing any more.
    Over,
}

impl WorkQueue {
    /// `finishers` tables are finished at a time, `limit` partitions loaded.
    pub fn new(tables: &[Arc<TableLoad>], finishers: usize, limit: usize) -> Self {
        let queue = Self::empty(finishers, limit, false);
        queue.state().add(tables);
        queue
    }

    /// The queue of a member of a run, which loads up to `limit` partitions and finishes no table.
    pub fn for_member(limit: usize) -> Self {
        Self::empty(0, limit, true)
    }

    fn empty(finishers: usize, limit: usize, of_member: bool) -> Self {
        let state = State {
            loads: PendingPartitions::new(limit),
            finishes: Vec::new(),
            small: SmallTables::default(),
            counts: Vec::new(),
            active: Vec::new(),
            finishing: 0,
            counting: 0,
            idle: 0,
            limit,
            more: false,
            shared: SharedWork::default(),
        };
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            asked: Notify::new(),
            of_member,
            finishers,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Resolves at the next change. Get and enable it before calling [`WorkQueue::take`], so that no
    /// change in between is lost.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Takes the next work. What is taken must be given back with [`WorkQueue::loaded`],
    /// [`WorkQueue::finished`], once for tables that are finished together, or [`WorkQueue::counted`]. Tables are counted only when no partition waits
    /// to be loaded or is still to come: a count hinders nothing then.
    pub fn take(&self) -> Next {
        let mut state = self.state();
        if state.finishing < self.finishers
            && let Some(next) = state.take_finish()
        {
            state.finishing += 1;
            return next;
        }
        if state.active.len() < state.limit
            && let Some((table, number)) = state.loads.take()
        {
            table.take_partition();
            let partition = ActivePartition::new(table, number);
            state.active.push(Arc::clone(&partition));
            return Next::Load(partition);
        }
        if state.loads.is_empty()
            && !state.more
            && let Some((_, table)) = state.counts.pop()
        {
            state.counting += 1;
            return Next::Count(table);
        }
        let in_progress = state.finishing + state.counting + state.active.len();
        let waits = !state.loads.is_empty()
            || !state.finishes.is_empty()
            || !state.small.is_empty()
            || !state.counts.is_empty()
            || !state.shared.is_empty();
        if in_progress > 0 || waits || state.more {
            Next::Wait
        } else {
            Next::Over
        }
    }

    /// Keeps workers waiting for more tables until [`WorkQueue::expect_no_more`].
    pub fn expect_more(&self) {
        self.state().more = true;
    }

    /// Adds tables that were expected.
    pub fn add_tables(&self, tables: &[Arc<TableLoad>]) {
        self.state().add(tables);
        self.changed.notify_waiters();
    }

    /// The last of the expected tables has come.
    pub fn expect_no_more(&self) {
        self.state().more = false;
        self.changed.notify_waiters();
    }

    /// A worker gives a partition back: it is done, has failed, or was parked.
    pub fn loaded(&self, partition: &Arc<ActivePartition>) {
        self.state()
            .active
            .retain(|other| !Arc::ptr_eq(other, partition));
        partition.table.release_partition();
        self.changed.notify_waiters();
    }

    /// A worker has finished a table, or could not.
    pub fn finished(&self) {
        self.state().finishing -= 1;
        self.changed.notify_waiters();
    }

    /// A worker has counted a table, or could not.
    pub fn counted(&self) {
        self.state().counting -= 1;
        self.changed.notify_waiters();
    }

    /// Adds a table whose last known partition is done. If members may have split off others, the record
    /// is asked first.
    pub fn add_finish(&self, table: &Arc<TableLoad>) {
        let mut state = self.state();
        if state.shared.hold_back(table) {
            self.asked.notify_one();
        } else {
            state.add_finish(table);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Partitions that the process could load beside those that it loads, if there were any to take.
    pub fn room(&self) -> usize {
        let state = self.state();
        if !state.loads.is_empty() || state.shared.more {
            return 0;
        }
        state
            .limit
            .saturating_sub(state.active.len())
            .min(state.idle)
    }

    /// Adds a table that can be counted: its rows are durable, and nothing that is still made for it
    /// waits for readers or keeps them out.
    pub fn add_count(&self, table: &Arc<TableLoad>) {
        insert_by_weight(&mut self.state().counts, table, table.weight());
        self.changed.notify_waiters();
    }

    /// Puts a parked partition back; it continues before others begin. This notifies no worker: the one
    /// that parked it calls [`WorkQueue::loaded`] right after, which does.
    pub fn put_back(&self, partition: &ActivePartition) {
        self.state()
            .loads
            .put_back(&partition.table, partition.number);
    }

    /// Adds those of a table's partitions that are not known yet.
    pub fn add_partitions(&self, table: &Arc<TableLoad>, numbers: &[u32]) {
        let new = table.add_partitions(numbers);
        if !self.of_member {
            self.state().loads.add_split_off(table, new);
        }
        self.changed.notify_waiters();
    }

    /// The active partitions.
    pub fn active(&self) -> Vec<Arc<ActivePartition>> {
        self.state().active.clone()
    }

    /// How many partitions are active, and whether more would be if the limit were higher.
    pub fn in_flight(&self) -> (usize, bool) {
        let state = self.state();
        let waiting = !state.loads.is_empty() || state.shared.more;
        (state.active.len(), waiting)
    }

    /// Sets how many partitions may be active. Those beyond a lower limit are asked to park.
    pub fn set_limit(&self, limit: usize) {
        let mut state = self.state();
        state.limit = limit;
        state.loads.set_connections(limit);
        let asked = state
            .active
            .iter()
            .filter(|partition| partition.is_requested_to_park())
            .count();
        let surplus = state.active.len().saturating_sub(limit + asked);
        let newest = state.active.iter().rev();
        let parked = newest
            .filter(|partition| partition.request(Request::Park))
            .take(surplus);
        let parked = parked.count();
        drop(state);
        if parked < surplus {
            tracing::debug!(surplus, parked, "partitions that cannot be parked continue");
        }
        self.changed.notify_waiters();
    }

    /// Counts a worker as idle until the guard is dropped.
    pub fn idle(&self) -> Idle<'_> {
        self.state().idle += 1;
        Idle(self)
    }
}

/// Keeps the largest last.
fn insert_by_weight(tables: &mut Vec<(u64, Arc<TableLoad>)>, table: &Arc<TableLoad>, weight: u64) {
    let place = tables.partition_point(|(other, _)| *other < weight);
    tables.insert(place, (weight, Arc::clone(table)));
}

/// Counts a worker as idle.
pub struct Idle<'a>(&'a WorkQueue);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.state().idle -= 1;
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
