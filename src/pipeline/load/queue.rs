//! The work of the loading step: queues of partitions to load, of tables to finish and of tables to
//! count, and how many of each may be in progress.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::pipeline::context::TableLoad;
use crate::pipeline::load::active::{ActivePartition, Request};
use crate::pipeline::load::pending::PendingPartitions;
use crate::postgres::state::PartitionState;

/// The work of a run's loading step. Workers take work from it and report what became of it.
pub struct WorkQueue {
    state: Mutex<State>,
    /// Notified whenever something can be taken, or nothing ever again.
    changed: Notify,
    /// Tables that are finished at a time.
    finishers: usize,
}

struct State {
    /// Partitions that no worker has taken.
    loads: PendingPartitions,
    /// Tables whose rows are all there, by weight; the one that takes longest to finish is last.
    finishes: Vec<(u64, Arc<TableLoad>)>,
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
}

impl State {
    /// Sorts the tables into those with partitions to load and those that only need to be finished.
    fn add(&mut self, tables: &[Arc<TableLoad>]) {
        let (loaded, open): (Vec<_>, Vec<_>) = tables.iter().partition(|table| table.loaded());
        for table in loaded {
            insert_by_weight(&mut self.finishes, table, table.finish_weight());
        }
        let open = open.into_iter().map(|table| {
            let parts = table.partitions.iter();
            let parts = parts.filter(|part| part.state != PartitionState::Done);
            (Arc::clone(table), parts.map(|part| part.number).collect())
        });
        self.loads.add(open);
    }
}

/// What a worker does next.
pub enum Next {
    /// Move the rows of a partition.
    Load(Arc<ActivePartition>),
    /// Make the keys, indexes and other objects of a table.
    Finish(Arc<TableLoad>),
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
        let mut state = State {
            loads: PendingPartitions::new(limit),
            finishes: Vec::new(),
            counts: Vec::new(),
            active: Vec::new(),
            finishing: 0,
            counting: 0,
            idle: 0,
            limit,
            more: false,
        };
        state.add(tables);
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            finishers,
        }
    }

    /// A poisoned lock is safe to use, because each step leaves the state consistent.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves at the next change. Get and enable it before calling [`WorkQueue::take`], so that no
    /// change in between is lost.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Takes the next work. What is taken must be given back with [`WorkQueue::loaded`],
    /// [`WorkQueue::finished`] or [`WorkQueue::counted`]. Tables are counted only when no partition waits
    /// to be loaded or is still to come: a count hinders nothing then.
    pub fn take(&self) -> Next {
        let mut state = self.state();
        if state.finishing < self.finishers
            && let Some((_, table)) = state.finishes.pop()
        {
            state.finishing += 1;
            return Next::Finish(table);
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
        let waits =
            !state.loads.is_empty() || !state.finishes.is_empty() || !state.counts.is_empty();
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

    /// Adds a table whose last partition is done.
    pub fn add_finish(&self, table: &Arc<TableLoad>) {
        insert_by_weight(&mut self.state().finishes, table, table.finish_weight());
        self.changed.notify_waiters();
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
        self.state().loads.add_split_off(table, new);
        self.changed.notify_waiters();
    }

    /// The active partitions, and how many more could be active if there were any to take.
    pub fn active(&self) -> (Vec<Arc<ActivePartition>>, usize) {
        let state = self.state();
        let room = state.limit.saturating_sub(state.active.len());
        let room = if state.loads.is_empty() { room } else { 0 };
        (state.active.clone(), room.min(state.idle))
    }

    /// How many partitions are active, and whether more would be if the limit were higher.
    pub fn in_flight(&self) -> (usize, bool) {
        let state = self.state();
        (state.active.len(), !state.loads.is_empty())
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
mod tests {
    use super::*;
    use crate::pipeline::fixtures::{range, table, table_with_rows};
    use crate::postgres::state::PartitionState::{Done, Pending};

    fn partition(queue: &WorkQueue) -> Arc<ActivePartition> {
        match queue.take() {
            Next::Load(partition) => partition,
            _ => panic!("nothing to load"),
        }
    }

    fn waits(queue: &WorkQueue) -> bool {
        matches!(queue.take(), Next::Wait)
    }

    fn over(queue: &WorkQueue) -> bool {
        matches!(queue.take(), Next::Over)
    }

    /// Loads it as a worker does; true for the table's last partition.
    fn load(queue: &WorkQueue, partition: &Arc<ActivePartition>) -> bool {
        let last = partition.table.partition_done();
        if last {
            queue.add_finish(&partition.table);
        }
        queue.loaded(partition);
        last
    }

    fn finish(queue: &WorkQueue) -> Arc<TableLoad> {
        match queue.take() {
            Next::Finish(table) => table,
            _ => panic!("nothing to finish"),
        }
    }

    #[test]
    fn tables_share_the_level_and_are_finished_before_what_is_left_to_load() {
        let (small, large) = (table(10, &[Pending]), table(30, &[Pending, Done, Pending]));
        let queue = WorkQueue::new(&[small, large], 1, 2);
        // Both would take as long as a partition of 10, so they go in the order of the plan.
        let (one, other) = (partition(&queue), partition(&queue));
        assert_eq!(queue.in_flight(), (2, true));
        assert!(waits(&queue));
        let numbers = [&one, &other].map(|partition| (partition.table.weight(), partition.number));
        assert_eq!(numbers, [(10, 1), (30, 1)]);
        assert!(load(&queue, &one));
        assert!(
            Arc::ptr_eq(&finish(&queue), &one.table),
            "before what is left to load"
        );
        let last = partition(&queue);
        assert_eq!((last.table.weight(), last.number), (30, 3));
        assert!(!load(&queue, &other));
        assert!(load(&queue, &last));
        assert!(waits(&queue), "one table is finished at a time");
        queue.finished();
        finish(&queue);
        assert!(waits(&queue), "it may leave something to do");
        queue.finished();
        assert!(over(&queue));
    }

    #[test]
    fn heavier_partitions_go_before_lighter_ones() {
        let (small, large) = (table(10, &[Pending]), table(30, &[Pending]));
        let queue = WorkQueue::new(&[small, large], 1, 9);
        assert_eq!(partition(&queue).table.weight(), 30);
        assert_eq!(partition(&queue).table.weight(), 10);
    }

    #[test]
    fn a_table_whose_rows_are_all_there_is_only_finished() {
        let (short, long) = (
            table_with_rows(8, 1, &[Done]),
            table_with_rows(7, 2, &[Done]),
        );
        let queue = WorkQueue::new(&[short, long], 2, 9);
        assert_eq!(finish(&queue).weight(), 7, "the one with more to finish");
        assert_eq!(finish(&queue).weight(), 8);
        queue.finished();
        queue.finished();
        assert!(over(&queue));
    }

    #[test]
    fn tables_are_counted_when_nothing_waits_to_be_loaded_and_before_it_is_over() {
        let (ready, open) = (table(1, &[Done]), table(2, &[Pending, Pending]));
        let queue = WorkQueue::new(&[Arc::clone(&ready), open], 1, 2);
        let table = finish(&queue);
        queue.add_count(&table);
        queue.finished();
        let one = partition(&queue);
        let other = partition(&queue);
        let Next::Count(counted) = queue.take() else {
            panic!("every partition is active, so a table is counted");
        };
        assert!(Arc::ptr_eq(&counted, &ready));
        load(&queue, &one);
        load(&queue, &other);
        finish(&queue);
        queue.finished();
        assert!(waits(&queue), "a count is still in progress");
        queue.counted();
        assert!(over(&queue));
    }

    #[test]
    fn a_count_waits_for_partitions_that_are_not_taken() {
        let open = table(2, &[Pending, Pending]);
        let queue = WorkQueue::new(&[Arc::clone(&open)], 1, 1);
        let one = partition(&queue);
        queue.add_count(&open);
        assert!(waits(&queue));
        load(&queue, &one);
        partition(&queue);
        assert!(matches!(queue.take(), Next::Count(_)));
    }

    #[test]
    fn what_a_split_made_is_loaded_once_and_keeps_its_table_open() {
        let table = table(8, &[Pending]);
        let queue = WorkQueue::new(&[Arc::clone(&table)], 1, 9);
        let first = partition(&queue);
        queue.add_partitions(&table, &[1, 2, 3]);
        // The answer of a cut was lost, so its record is read once more.
        queue.add_partitions(&table, &[2, 3]);
        assert!(!load(&queue, &first), "two are left");
        let (second, third) = (partition(&queue), partition(&queue));
        assert_eq!((second.number, third.number), (2, 3));
        assert!(!load(&queue, &second));
        assert!(load(&queue, &third));
        finish(&queue);
    }

    #[test]
    fn a_lower_level_parks_the_newest_and_they_go_on_before_others_begin() {
        let queue = WorkQueue::new(&[table(90, &[Pending; 4])], 1, 3);
        let active = [partition(&queue), partition(&queue), partition(&queue)];
        for partition in &active[..2] {
            partition.begin_reading(&range(None, None), None);
        }
        queue.set_limit(1);
        // The third is not read yet and cannot pause, so both others are asked.
        let asked = active.each_ref().map(|partition| partition.take_request());
        assert_eq!(asked, [Some(Request::Park), Some(Request::Park), None]);
        assert!(waits(&queue));
        queue.put_back(&active[1]);
        queue.loaded(&active[1]);
        queue.set_limit(3);
        let again = partition(&queue);
        assert_eq!((again.table.weight(), again.number), (90, 2));
    }

    #[test]
    fn a_higher_level_brings_a_large_partition_to_the_front() {
        let many = [(); 2].map(|()| table(100, &[Pending; 10]));
        let [one, other] = &many;
        let single = table(40, &[Pending]);
        let queue = WorkQueue::new(&[single, Arc::clone(one), Arc::clone(other)], 1, 2);
        assert!(Arc::ptr_eq(&partition(&queue).table, one), "50 against 40");
        queue.set_limit(8);
        assert_eq!(partition(&queue).table.weight(), 40, "against 12");
    }

    #[test]
    fn what_was_asked_to_park_counts_as_parked_when_the_level_falls_again() {
        let queue = WorkQueue::new(&[table(90, &[Pending; 4])], 1, 4);
        let active = [(); 4].map(|()| partition(&queue));
        for partition in &active {
            partition.begin_reading(&range(None, None), None);
        }
        queue.set_limit(3);
        queue.set_limit(2);
        let asked = active.each_ref().map(|partition| partition.take_request());
        assert_eq!(
            asked,
            [None, None, Some(Request::Park), Some(Request::Park)]
        );
    }

    #[test]
    fn there_is_room_for_what_idle_workers_could_load_if_there_were_any() {
        let open = table(2, &[Pending, Pending]);
        let queue = WorkQueue::new(&[open], 1, 4);
        let idle = [queue.idle(), queue.idle(), queue.idle()];
        partition(&queue);
        assert_eq!(queue.active().1, 0, "a partition waits to be taken");
        partition(&queue);
        assert_eq!(queue.active().1, 2, "of four, two are active");
        drop(idle);
        assert_eq!(queue.active().1, 0, "no worker is idle");
    }

    #[test]
    fn it_is_not_over_before_the_tables_that_are_still_to_come() {
        let queue = WorkQueue::new(&[table(5, &[Pending, Pending])], 1, 9);
        queue.expect_more();
        partition(&queue);
        queue.add_tables(&[
            table(9, &[Pending]),
            table(1, &[Pending]),
            table(2, &[Done]),
        ]);
        queue.expect_no_more();
        finish(&queue);
        queue.finished();
        let weights = [(); 3].map(|()| partition(&queue).table.weight());
        assert_eq!(weights, [9, 1, 5], "in one order with what was there");

        let empty = WorkQueue::new(&[], 1, 9);
        empty.expect_more();
        assert!(waits(&empty));
        empty.add_tables(&[]);
        assert!(waits(&empty));
        empty.expect_no_more();
        assert!(over(&empty));
    }

    #[tokio::test]
    async fn no_change_is_missed_between_a_look_and_a_wait() {
        let open = table(2, &[Pending]);
        let queue = WorkQueue::new(&[Arc::clone(&open)], 1, 4);
        let changed = queue.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        partition(&queue);
        queue.add_finish(&open);
        changed.await;
    }
}
