//! What is to be done, what is on its way, and who may begin: queues for the partitions of all
//! tables, for tables to finish, those with most to finish first, and for tables to count.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::pipeline::context::TableLoad;
use crate::pipeline::load::active::{ActivePartition, Request};
use crate::pipeline::load::pending::PendingPartitions;
use crate::postgres::state::PartitionState;

/// The work of a run's loading step. Workers take, and put back what they find.
pub struct WorkQueue {
    state: Mutex<State>,
    /// Rung whenever something can be taken, or nothing ever again.
    changed: Notify,
    /// Tables that are finished at a time.
    finishers: usize,
}

struct State {
    loads: PendingPartitions,
    /// All rows are there; the one that takes longest to finish last.
    finishes: Vec<(u64, Arc<TableLoad>)>,
    /// Both sides can be counted; the largest last.
    counts: Vec<(u64, Arc<TableLoad>)>,
    /// Partitions that a worker holds.
    lanes: Vec<Arc<ActivePartition>>,
    finishing: usize,
    counting: usize,
    /// Workers that wait for something to take.
    idle: usize,
    /// How many lanes there may be.
    level: usize,
    /// Tables are still to come.
    more: bool,
}

impl State {
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
    Load(Arc<ActivePartition>),
    Finish(Arc<TableLoad>),
    Count(Arc<TableLoad>),
    /// Nothing now, but what is on its way may leave something to do.
    Wait,
    /// Nothing any more.
    Over,
}

impl WorkQueue {
    /// `finishers` tables are finished at a time, `level` partitions loaded.
    pub fn new(tables: &[Arc<TableLoad>], finishers: usize, level: usize) -> Self {
        let mut state = State {
            loads: PendingPartitions::new(level),
            finishes: Vec::new(),
            counts: Vec::new(),
            lanes: Vec::new(),
            finishing: 0,
            counting: 0,
            idle: 0,
            level,
            more: false,
        };
        state.add(tables);
        Self {
            state: Mutex::new(state),
            changed: Notify::new(),
            finishers,
        }
    }

    /// Every step leaves the state whole, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rung at the next change; to be had before [`WorkQueue::take`] is asked.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// What is taken must be given back with [`WorkQueue::loaded`], [`WorkQueue::finished`] or
    /// [`WorkQueue::counted`]. Tables are counted where no partition waits to be loaded or is still to
    /// come: a count is in nobody's way then.
    pub fn take(&self) -> Next {
        let mut state = self.state();
        if state.finishing < self.finishers
            && let Some((_, table)) = state.finishes.pop()
        {
            state.finishing += 1;
            return Next::Finish(table);
        }
        if state.lanes.len() < state.level
            && let Some((table, number)) = state.loads.take()
        {
            table.take_partition();
            let lane = ActivePartition::new(table, number);
            state.lanes.push(Arc::clone(&lane));
            return Next::Load(lane);
        }
        if state.loads.is_empty()
            && !state.more
            && let Some((_, table)) = state.counts.pop()
        {
            state.counting += 1;
            return Next::Count(table);
        }
        let on_its_way = state.finishing + state.counting + state.lanes.len();
        let waits =
            !state.loads.is_empty() || !state.finishes.is_empty() || !state.counts.is_empty();
        match on_its_way > 0 || waits || state.more {
            true => Next::Wait,
            false => Next::Over,
        }
    }

    /// It is not over before [`WorkQueue::expect_no_more`].
    pub fn expect_more(&self) {
        self.state().more = true;
    }

    /// Tables that were expected.
    pub fn add_tables(&self, tables: &[Arc<TableLoad>]) {
        self.state().add(tables);
        self.changed.notify_waiters();
    }

    /// The last of them has come.
    pub fn expect_no_more(&self) {
        self.state().more = false;
        self.changed.notify_waiters();
    }

    /// A worker let go of a partition: it is done, failed, or waits for its turn.
    pub fn loaded(&self, lane: &Arc<ActivePartition>) {
        self.state().lanes.retain(|other| !Arc::ptr_eq(other, lane));
        lane.table.release_partition();
        self.changed.notify_waiters();
    }

    /// A worker let go of a table.
    pub fn finished(&self) {
        self.state().finishing -= 1;
        self.changed.notify_waiters();
    }

    /// A worker has counted a table, or could not.
    pub fn counted(&self) {
        self.state().counting -= 1;
        self.changed.notify_waiters();
    }

    /// The last partition of a table is done.
    pub fn add_finish(&self, table: &Arc<TableLoad>) {
        insert_by_weight(&mut self.state().finishes, table, table.finish_weight());
        self.changed.notify_waiters();
    }

    /// All rows of a table are there to stay, and nothing that is still made of it waits for readers
    /// or keeps them out.
    pub fn add_count(&self, table: &Arc<TableLoad>) {
        insert_by_weight(&mut self.state().counts, table, table.weight());
        self.changed.notify_waiters();
    }

    /// A partition that was parked goes on before others begin. This does not ring: the worker that
    /// parked it gives its lane back with [`WorkQueue::loaded`] right after, which does.
    pub fn put_back(&self, lane: &ActivePartition) {
        self.state().loads.put_back(&lane.table, lane.number);
    }

    /// New partitions of a table, of those that are not known yet.
    pub fn add_partitions(&self, table: &Arc<TableLoad>, numbers: &[u32]) {
        let new = table.add_partitions(numbers);
        self.state().loads.add_cut_off(table, new);
        self.changed.notify_waiters();
    }

    /// Partitions on their way, and how many more could be if there were any to take.
    pub fn lanes(&self) -> (Vec<Arc<ActivePartition>>, usize) {
        let state = self.state();
        let room = state.level.saturating_sub(state.lanes.len());
        let room = if state.loads.is_empty() { room } else { 0 };
        (state.lanes.clone(), room.min(state.idle))
    }

    /// How many partitions are on their way, and whether more could be if the level were higher.
    pub fn in_flight(&self) -> (usize, bool) {
        let state = self.state();
        (state.lanes.len(), !state.loads.is_empty())
    }

    /// How many partitions may be on their way. Those beyond a lower level are asked to park.
    pub fn set_limit(&self, level: usize) {
        let mut state = self.state();
        state.level = level;
        state.loads.set_connections(level);
        let asked = state
            .lanes
            .iter()
            .filter(|lane| lane.is_asked_to_park())
            .count();
        let surplus = state.lanes.len().saturating_sub(level + asked);
        let newest = state.lanes.iter().rev();
        let parked = newest.filter(|lane| lane.ask(Request::Park)).take(surplus);
        let parked = parked.count();
        drop(state);
        if parked < surplus {
            tracing::debug!(surplus, parked, "partitions that cannot pause continue");
        }
        self.changed.notify_waiters();
    }

    /// Counts a worker as waiting for as long as what comes back lives.
    pub fn idle(&self) -> Idle<'_> {
        self.state().idle += 1;
        Idle(self)
    }
}

/// The largest stands last.
fn insert_by_weight(tables: &mut Vec<(u64, Arc<TableLoad>)>, table: &Arc<TableLoad>, weight: u64) {
    let place = tables.partition_point(|(other, _)| *other < weight);
    tables.insert(place, (weight, Arc::clone(table)));
}

/// A worker that waits.
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

    fn lane(queue: &WorkQueue) -> Arc<ActivePartition> {
        match queue.take() {
            Next::Load(lane) => lane,
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
    fn load(queue: &WorkQueue, lane: &Arc<ActivePartition>) -> bool {
        let last = lane.table.partition_done();
        if last {
            queue.add_finish(&lane.table);
        }
        queue.loaded(lane);
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
        let (one, other) = (lane(&queue), lane(&queue));
        assert_eq!(queue.in_flight(), (2, true));
        assert!(waits(&queue));
        let numbers = [&one, &other].map(|lane| (lane.table.weight(), lane.number));
        assert_eq!(numbers, [(10, 1), (30, 1)]);
        assert!(load(&queue, &one));
        assert!(
            Arc::ptr_eq(&finish(&queue), &one.table),
            "before what is left to load"
        );
        let last = lane(&queue);
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
        assert_eq!(lane(&queue).table.weight(), 30);
        assert_eq!(lane(&queue).table.weight(), 10);
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
        let one = lane(&queue);
        let other = lane(&queue);
        let Next::Count(counted) = queue.take() else {
            panic!("every partition is on its way, so a table is counted");
        };
        assert!(Arc::ptr_eq(&counted, &ready));
        load(&queue, &one);
        load(&queue, &other);
        finish(&queue);
        queue.finished();
        assert!(waits(&queue), "a count is still on its way");
        queue.counted();
        assert!(over(&queue));
    }

    #[test]
    fn a_count_waits_for_partitions_that_nobody_has_taken() {
        let open = table(2, &[Pending, Pending]);
        let queue = WorkQueue::new(&[Arc::clone(&open)], 1, 1);
        let one = lane(&queue);
        queue.add_count(&open);
        assert!(waits(&queue));
        load(&queue, &one);
        lane(&queue);
        assert!(matches!(queue.take(), Next::Count(_)));
    }

    #[test]
    fn what_was_cut_off_is_loaded_once_and_keeps_its_table_open() {
        let table = table(8, &[Pending]);
        let queue = WorkQueue::new(&[Arc::clone(&table)], 1, 9);
        let first = lane(&queue);
        queue.add_partitions(&table, &[1, 2, 3]);
        // The answer of a cut was lost, so its record is read once more.
        queue.add_partitions(&table, &[2, 3]);
        assert!(!load(&queue, &first), "two are left");
        let (second, third) = (lane(&queue), lane(&queue));
        assert_eq!((second.number, third.number), (2, 3));
        assert!(!load(&queue, &second));
        assert!(load(&queue, &third));
        finish(&queue);
    }

    #[test]
    fn a_lower_level_parks_the_newest_and_they_go_on_before_others_begin() {
        let queue = WorkQueue::new(&[table(90, &[Pending; 4])], 1, 3);
        let lanes = [lane(&queue), lane(&queue), lane(&queue)];
        for lane in &lanes[..2] {
            lane.begin(&range(None, None), None);
        }
        queue.set_limit(1);
        // The third is not read yet and cannot pause, so both others are asked.
        let asked = lanes.each_ref().map(|lane| lane.take_request());
        assert_eq!(asked, [Some(Request::Park), Some(Request::Park), None]);
        assert!(waits(&queue));
        queue.put_back(&lanes[1]);
        queue.loaded(&lanes[1]);
        queue.set_limit(3);
        let again = lane(&queue);
        assert_eq!((again.table.weight(), again.number), (90, 2));
    }

    #[test]
    fn a_higher_level_brings_a_large_partition_to_the_front() {
        let many = [(); 2].map(|()| table(100, &[Pending; 10]));
        let [one, other] = &many;
        let single = table(40, &[Pending]);
        let queue = WorkQueue::new(&[single, Arc::clone(one), Arc::clone(other)], 1, 2);
        assert!(Arc::ptr_eq(&lane(&queue).table, one), "50 against 40");
        queue.set_limit(8);
        assert_eq!(lane(&queue).table.weight(), 40, "against 12");
    }

    #[test]
    fn what_was_asked_to_park_counts_as_parked_when_the_level_falls_again() {
        let queue = WorkQueue::new(&[table(90, &[Pending; 4])], 1, 4);
        let lanes = [(); 4].map(|()| lane(&queue));
        for lane in &lanes {
            lane.begin(&range(None, None), None);
        }
        queue.set_limit(3);
        queue.set_limit(2);
        let asked = lanes.each_ref().map(|lane| lane.take_request());
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
        lane(&queue);
        assert_eq!(queue.lanes().1, 0, "a partition waits to be taken");
        lane(&queue);
        assert_eq!(queue.lanes().1, 2, "of four, two are on their way");
        drop(idle);
        assert_eq!(queue.lanes().1, 0, "nobody is idle");
    }

    #[test]
    fn it_is_not_over_before_the_tables_that_are_still_to_come() {
        let queue = WorkQueue::new(&[table(5, &[Pending, Pending])], 1, 9);
        queue.expect_more();
        lane(&queue);
        queue.add_tables(&[
            table(9, &[Pending]),
            table(1, &[Pending]),
            table(2, &[Done]),
        ]);
        queue.expect_no_more();
        finish(&queue);
        queue.finished();
        let weights = [(); 3].map(|()| lane(&queue).table.weight());
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
    async fn no_ring_is_missed_between_a_look_and_a_wait() {
        let open = table(2, &[Pending]);
        let queue = WorkQueue::new(&[Arc::clone(&open)], 1, 4);
        let changed = queue.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        lane(&queue);
        queue.add_finish(&open);
        changed.await;
    }
}
