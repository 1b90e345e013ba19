//! What is to be done, what is on its way, and who may begin: one queue for the partitions of all
//! tables, and one for tables to finish, largest first.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::pipeline::context::TableLoad;
use crate::pipeline::lane::{Lane, Turn};
use crate::postgres::state::PartitionState;

/// The work of a run's loading step. Workers take, and put back what they find.
pub struct Board {
    state: Mutex<State>,
    /// Rung whenever something can be taken, or nothing ever again.
    changed: Notify,
    /// Tables that are finished at a time.
    finishers: usize,
}

struct State {
    loads: VecDeque<Load>,
    /// All rows are there; sorted by weight, the largest last.
    finishes: Vec<(u64, Arc<TableLoad>)>,
    /// Partitions that a worker holds.
    lanes: Vec<Arc<Lane>>,
    finishing: usize,
    /// Workers that wait for something to take.
    idle: usize,
    /// How many lanes there may be.
    level: usize,
}

struct Load {
    weight: u64,
    table: Arc<TableLoad>,
    number: u32,
}

/// What a worker does next.
pub enum Next {
    Load(Arc<Lane>),
    Finish(Arc<TableLoad>),
    /// Nothing now, but what is on its way may leave something to do.
    Wait,
    /// Nothing any more.
    Over,
}

impl Board {
    /// `finishers` tables are finished at a time, `level` partitions loaded.
    pub fn new(tables: &[Arc<TableLoad>], finishers: usize, level: usize) -> Self {
        let mut loads = Vec::new();
        let mut finishes = Vec::new();
        for table in tables {
            if table.loaded() {
                finishes.push((table.weight(), Arc::clone(table)));
                continue;
            }
            let open = table.partitions.iter();
            for part in open.filter(|part| part.state != PartitionState::Done) {
                loads.push(Load {
                    weight: table.weight_of_partition(),
                    table: Arc::clone(table),
                    number: part.number,
                });
            }
        }
        // So that no large partition begins when all others are done.
        loads.sort_by_key(|load| Reverse(load.weight));
        finishes.sort_by_key(|(weight, _)| *weight);
        Self {
            state: Mutex::new(State {
                loads: loads.into(),
                finishes,
                lanes: Vec::new(),
                finishing: 0,
                idle: 0,
                level,
            }),
            changed: Notify::new(),
            finishers,
        }
    }

    /// Every step leaves the state whole, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rung at the next change; to be had before [`Board::take`] is asked.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// What is taken must be given back with [`Board::loaded`] or [`Board::finished`].
    pub fn take(&self) -> Next {
        let mut state = self.state();
        if state.finishing < self.finishers
            && let Some((_, table)) = state.finishes.pop()
        {
            state.finishing += 1;
            return Next::Finish(table);
        }
        if state.lanes.len() < state.level
            && let Some(load) = state.loads.pop_front()
        {
            let lane = Lane::new(load.table, load.number);
            state.lanes.push(Arc::clone(&lane));
            return Next::Load(lane);
        }
        let on_its_way = state.finishing + state.lanes.len();
        match on_its_way + state.loads.len() + state.finishes.len() {
            0 => Next::Over,
            _ => Next::Wait,
        }
    }

    /// A worker let go of a partition: it is done, failed, or waits for its turn.
    pub fn loaded(&self, lane: &Arc<Lane>) {
        self.state().lanes.retain(|other| !Arc::ptr_eq(other, lane));
        self.changed.notify_waiters();
    }

    /// A worker let go of a table.
    pub fn finished(&self) {
        self.state().finishing -= 1;
        self.changed.notify_waiters();
    }

    /// The last partition of a table is done.
    pub fn add_finish(&self, table: &Arc<TableLoad>) {
        let mut state = self.state();
        let weight = table.weight();
        let place = state.finishes.partition_point(|(other, _)| *other < weight);
        state.finishes.insert(place, (weight, Arc::clone(table)));
        drop(state);
        self.changed.notify_waiters();
    }

    /// A partition that was parked goes on before others begin.
    pub fn put_back(&self, lane: &Lane) {
        self.state().loads.push_front(Load {
            weight: u64::MAX,
            table: Arc::clone(&lane.table),
            number: lane.number,
        });
    }

    /// New partitions of a table, of those that are not known yet.
    pub fn add_partitions(&self, table: &Arc<TableLoad>, numbers: &[u32]) {
        let new = table.adopt(numbers);
        let mut state = self.state();
        for number in new {
            let weight = table.weight_of_partition();
            let place = state.loads.partition_point(|load| load.weight >= weight);
            let load = Load {
                weight,
                table: Arc::clone(table),
                number,
            };
            state.loads.insert(place, load);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Partitions on their way, and how many more could be if there were any to take.
    pub fn lanes(&self) -> (Vec<Arc<Lane>>, usize) {
        let state = self.state();
        let room = state.level.saturating_sub(state.lanes.len());
        let room = if state.loads.is_empty() { room } else { 0 };
        (state.lanes.clone(), room.min(state.idle))
    }

    /// Whether more partitions could be on their way if the level were higher, and how many are.
    pub fn in_flight(&self) -> (usize, bool) {
        let state = self.state();
        (state.lanes.len(), !state.loads.is_empty())
    }

    /// How many partitions may be on their way. Those beyond a lower level are asked to park.
    pub fn set_level(&self, level: usize) {
        let mut state = self.state();
        state.level = level;
        let surplus = state.lanes.len().saturating_sub(level);
        let newest = state.lanes.iter().rev();
        let parked = newest.filter(|lane| lane.ask(Turn::Park)).take(surplus);
        let parked = parked.count();
        drop(state);
        if parked < surplus {
            tracing::debug!(surplus, parked, "partitions that cannot pause go on");
        }
        self.changed.notify_waiters();
    }

    /// Counts a worker as waiting for as long as what comes back lives.
    pub fn idle(&self) -> Idle<'_> {
        self.state().idle += 1;
        Idle(self)
    }
}

/// A worker that waits.
pub struct Idle<'a>(&'a Board);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.state().idle -= 1;
    }
}
