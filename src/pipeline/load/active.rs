//! A partition that a worker is moving: how far it is, and what others request of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::mutex::lock;
use crate::pipeline::context::TableLoad;
use crate::plan::cut_sql::Remaining;
use crate::plan::table::Slice;
use tsql::key::KeyValue;

/// What a partition is requested to do at its next batch, after it has committed what it has.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Keep the range up to the first cut point and leave the rest to partitions of their own.
    Split(CutPoints),
    /// Give its connections back; a worker continues it later.
    Park,
}

/// Cut points in key order, of a range that ended at `upto` when they were found. A range that ends
/// elsewhere since must not be split there: what follows its end is another partition's.
#[derive(Debug, Clone, PartialEq)]
pub struct CutPoints {
    /// `None` for a range without an end.
    pub upto: Option<Vec<KeyValue>>,
    /// Each is the last key of its part, with a value for each column of the key.
    pub keys: Vec<Vec<KeyValue>>,
}

/// Shared by the worker that moves the partition and by those that send it requests.
pub struct ActivePartition {
    pub table: Arc<TableLoad>,
    /// The partition's number in its table, from 1.
    pub number: u32,
    /// Rows sent since `State::since`; raised by the worker.
    rows: AtomicU64,
    state: Mutex<State>,
    /// Notified by [`ActivePartition::request`]; the worker listens.
    requested: Notify,
}

struct State {
    /// When reading began, or began again.
    since: Instant,
    /// What is left to read; `None` before the claim and for a partition that cannot be split.
    left: Option<Remaining>,
    /// Not yet taken by the worker.
    request: Option<Request>,
    /// A split was tried, and it is not known whether it was committed.
    in_doubt: bool,
    /// Cut points by distance left everything on one side: the keys are too unevenly spread.
    uneven: bool,
}

impl ActivePartition {
    /// A partition that was just taken from the queue.
    pub fn new(table: Arc<TableLoad>, number: u32) -> Arc<Self> {
        Arc::new(Self {
            table,
            number,
            rows: AtomicU64::new(0),
            state: Mutex::new(State {
                since: Instant::now(),
                left: None,
                request: None,
                in_doubt: false,
                uneven: false,
            }),
            requested: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Reading begins, at what the claim read back: the slice, and the last committed key.
    pub fn begin_reading(&self, slice: &Slice, last_key: Option<&[KeyValue]>) {
        let mut state = self.state();
        state.since = Instant::now();
        let midway = self.table.plan.commits_midway();
        state.left = midway.then(|| Remaining::new(slice, last_key)).flatten();
        self.rows.store(0, Ordering::Relaxed);
    }

    /// Counts rows that were sent.
    pub fn add_rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Notes the last committed key.
    pub fn committed(&self, last_key: Option<&[KeyValue]>) {
        if let (Some(left), Some(key)) = (&mut self.state().left, last_key) {
            left.after = Some(key.to_vec());
        }
    }

    /// What is left, and rows per second, of a partition that has been read for `least` or longer
    /// and has no request.
    pub fn speed(&self, least: Duration) -> Option<(Remaining, f64)> {
        let state = self.state();
        let age = state.since.elapsed();
        let free = state.request.is_none() && age >= least;
        let left = state.left.clone().filter(|_| free)?;
        let rows = self.rows.load(Ordering::Relaxed) as f64;
        Some((left, rows / age.as_secs_f64()))
    }

    /// False if it has a request already, or cannot do this.
    pub fn request(&self, request: Request) -> bool {
        let mut state = self.state();
        let Some(left) = &state.left else {
            return false;
        };
        let stale = matches!(&request, Request::Split(cuts) if cuts.upto != left.upto);
        if state.request.is_some() || stale {
            return false;
        }
        state.request = Some(request);
        drop(state);
        self.requested.notify_one();
        true
    }

    /// Whether it was requested to park and has not yet.
    pub fn is_requested_to_park(&self) -> bool {
        self.state().request == Some(Request::Park)
    }

    /// Waits for a request. Cancel safe.
    pub async fn requested(&self) {
        while self.state().request.is_none() {
            self.requested.notified().await;
        }
    }

    /// The request; there can be no other until reading begins again.
    pub fn take_request(&self) -> Option<Request> {
        let mut state = self.state();
        state.left = None;
        state.request.take()
    }

    /// Sets whether it is unknown if a split was committed.
    pub fn set_in_doubt(&self, in_doubt: bool) {
        self.state().in_doubt = in_doubt;
    }

    /// Whether it is unknown if a split was committed.
    pub fn is_in_doubt(&self) -> bool {
        self.state().in_doubt
    }

    /// Notes that cut points by distance do not divide the partition.
    pub fn set_uneven(&self) {
        self.state().uneven = true;
    }

    /// Whether cut points by distance do not divide the partition.
    pub fn is_uneven(&self) -> bool {
        self.state().uneven
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::fixtures::{int, range, table};
    use crate::postgres::state::PartitionState::Pending;

    fn partition() -> Arc<ActivePartition> {
        ActivePartition::new(table(1, &[Pending]), 1)
    }

    fn split(upto: Option<i64>, keys: &[i64]) -> Request {
        Request::Split(CutPoints {
            upto: upto.map(int),
            keys: keys.iter().copied().map(int).collect(),
        })
    }

    #[test]
    fn a_partition_that_is_being_read_takes_one_request() {
        let partition = partition();
        assert!(!partition.request(Request::Park), "nothing is read yet");
        partition.begin_reading(&range(None, Some(90)), None);
        assert!(partition.request(Request::Park));
        assert!(
            !partition.request(split(Some(90), &[30])),
            "it has another request"
        );
        assert_eq!(partition.take_request(), Some(Request::Park));
        assert_eq!(partition.take_request(), None);
        assert!(
            !partition.request(Request::Park),
            "it is not read until it is claimed again"
        );
        partition.begin_reading(&range(None, Some(90)), Some(&int(5)));
        assert!(partition.request(Request::Park));
    }

    #[test]
    fn a_partition_without_a_range_takes_no_request() {
        let partition = partition();
        partition.begin_reading(&Slice::Whole, None);
        assert!(!partition.request(Request::Park));
        assert_eq!(partition.speed(Duration::ZERO), None);
    }

    /// Its new end is where another partition begins: a cut point after it would be in that one.
    #[test]
    fn cut_points_from_before_a_split_are_refused() {
        let partition = partition();
        partition.begin_reading(&range(None, None), None);
        let (found, _) = partition.speed(Duration::ZERO).expect("what is left");
        partition.begin_reading(&range(None, Some(50)), Some(&int(10)));
        let stale = CutPoints {
            upto: found.upto,
            keys: vec![int(30), int(70)],
        };
        assert!(!partition.request(Request::Split(stale)));
        assert!(partition.request(split(Some(50), &[30])));
    }

    /// Only the source knows the order of its keys, so a cut point that the partition has passed is
    /// handed over; it is dropped when it would be used, see `split::Splitter::perform`.
    #[test]
    fn a_cut_point_that_was_passed_is_dropped_by_the_split() {
        let partition = partition();
        partition.begin_reading(&range(None, Some(90)), None);
        let (found, _) = partition.speed(Duration::ZERO).expect("what is left");
        assert_eq!(found.after, None);
        partition.committed(Some(&int(60)));
        let (left, _) = partition.speed(Duration::ZERO).expect("what is left");
        assert_eq!((left.after, &left.upto), (Some(int(60)), &found.upto));
        assert!(partition.request(split(Some(90), &[30])));
        assert_eq!(partition.take_request(), Some(split(Some(90), &[30])));
    }

    #[test]
    fn the_speed_is_of_what_was_read_since_it_began() {
        let partition = partition();
        partition.begin_reading(&range(Some(1), None), None);
        partition.add_rows(1_000);
        assert_eq!(
            partition.speed(Duration::from_secs(3600)),
            None,
            "too early to say"
        );
        let (left, speed) = partition.speed(Duration::ZERO).expect("a speed");
        assert_eq!(left.after, Some(int(1)));
        assert!(speed > 0.0);
        partition.begin_reading(&range(Some(1), None), Some(&int(7)));
        let (left, speed) = partition.speed(Duration::ZERO).expect("a speed");
        assert_eq!((left.after, speed), (Some(int(7)), 0.0));
        assert!(partition.request(Request::Park));
        assert_eq!(partition.speed(Duration::ZERO), None);
    }

    #[tokio::test]
    async fn the_worker_is_woken_and_misses_nothing() {
        let partition = partition();
        partition.begin_reading(&range(None, None), None);
        let waiting = tokio::spawn({
            let partition = Arc::clone(&partition);
            async move { partition.requested().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert!(partition.request(Request::Park));
        waiting.await.expect("woken");
        // Requested before anything waits.
        partition.requested().await;
    }
}
