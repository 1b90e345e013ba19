//! A partition on its way: how far it is, and what others ask of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::pipeline::context::TableLoad;
use crate::plan::cut_sql::Remaining;
use crate::plan::key::KeyValue;
use crate::plan::table::Slice;

/// What a partition is asked to do at its next batch, after a commit of what it has.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Keep the range up to the first cut and leave the others to partitions of their own.
    Split(CutPoints),
    /// Give its connections back; it goes on from there when its request comes again.
    Park,
}

/// CutPoints in key order, of a range that ended at `upto` when they were found. A range that ends
/// elsewhere since must not be cut there: what is behind its end is another partition's.
#[derive(Debug, Clone, PartialEq)]
pub struct CutPoints {
    pub upto: Option<Vec<KeyValue>>,
    pub keys: Vec<Vec<KeyValue>>,
}

/// Shared by the worker that moves the partition and by those that look for work.
pub struct ActivePartition {
    pub table: Arc<TableLoad>,
    pub number: u32,
    /// Rows sent since `since`; raised by the worker.
    rows: AtomicU64,
    state: Mutex<State>,
    /// Rung by [`ActivePartition::ask`]; the worker listens.
    asked: Notify,
}

struct State {
    /// When reading began, or was begun again.
    since: Instant,
    /// `None` before the claim and for a partition that cannot be cut.
    left: Option<Remaining>,
    request: Option<Request>,
    /// A cut was tried, and it is not known whether it was made.
    in_doubt: bool,
    /// CutPoints by distance left everything on one side: the keys lie too unevenly.
    uneven: bool,
}

impl ActivePartition {
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
            asked: Notify::new(),
        })
    }

    /// Every step leaves the state whole, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A claim read back what the partition covers and what is committed of it: reading begins.
    pub fn begin(&self, slice: &Slice, last_key: Option<&[KeyValue]>) {
        let mut state = self.state();
        state.since = Instant::now();
        let midway = self.table.plan.commits_midway();
        state.left = midway.then(|| Remaining::new(slice, last_key)).flatten();
        self.rows.store(0, Ordering::Relaxed);
    }

    pub fn moved(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub fn committed(&self, last_key: Option<&[KeyValue]>) {
        if let (Some(left), Some(key)) = (&mut self.state().left, last_key) {
            left.after = Some(key.to_vec());
        }
    }

    /// What is left, and rows per second, of a partition that has been read for `least` or longer
    /// and was asked for nothing yet.
    pub fn pace(&self, least: Duration) -> Option<(Remaining, f64)> {
        let state = self.state();
        let age = state.since.elapsed();
        let free = state.request.is_none() && age >= least;
        let left = state.left.clone().filter(|_| free)?;
        let rows = self.rows.load(Ordering::Relaxed) as f64;
        Some((left, rows / age.as_secs_f64()))
    }

    /// False where it was asked for something before, or cannot do it.
    pub fn ask(&self, request: Request) -> bool {
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
        self.asked.notify_one();
        true
    }

    /// Whether it was asked to park and has not yet.
    pub fn is_asked_to_park(&self) -> bool {
        self.state().request == Some(Request::Park)
    }

    /// Waits until something is asked. Cancel safe.
    pub async fn asked(&self) {
        while self.state().request.is_none() {
            self.asked.notified().await;
        }
    }

    /// What was asked; nothing more can be until reading begins again.
    pub fn take_request(&self) -> Option<Request> {
        let mut state = self.state();
        state.left = None;
        state.request.take()
    }

    pub fn set_in_doubt(&self, in_doubt: bool) {
        self.state().in_doubt = in_doubt;
    }

    pub fn is_in_doubt(&self) -> bool {
        self.state().in_doubt
    }

    pub fn set_uneven(&self) {
        self.state().uneven = true;
    }

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
    fn one_thing_is_asked_of_a_partition_that_is_being_read() {
        let partition = partition();
        assert!(!partition.ask(Request::Park), "nothing is read yet");
        partition.begin(&range(None, Some(90)), None);
        assert!(partition.ask(Request::Park));
        assert!(
            !partition.ask(split(Some(90), &[30])),
            "it was asked for something else"
        );
        assert_eq!(partition.take_request(), Some(Request::Park));
        assert_eq!(partition.take_request(), None);
        assert!(
            !partition.ask(Request::Park),
            "it is not read until it is claimed again"
        );
        partition.begin(&range(None, Some(90)), Some(&int(5)));
        assert!(partition.ask(Request::Park));
    }

    #[test]
    fn a_partition_that_is_no_range_cannot_be_asked() {
        let partition = partition();
        partition.begin(&Slice::Whole, None);
        assert!(!partition.ask(Request::Park));
        assert_eq!(partition.pace(Duration::ZERO), None);
    }

    /// Its new end is where another partition begins: a cut behind it would be in that one.
    #[test]
    fn cuts_of_before_the_range_was_cut_itself_are_refused() {
        let partition = partition();
        partition.begin(&range(None, None), None);
        let (found, _) = partition.pace(Duration::ZERO).expect("what is left");
        partition.begin(&range(None, Some(50)), Some(&int(10)));
        let stale = CutPoints {
            upto: found.upto,
            keys: vec![int(30), int(70)],
        };
        assert!(!partition.ask(Request::Split(stale)));
        assert!(partition.ask(split(Some(50), &[30])));
    }

    /// Only the source knows the order of its keys, so a cut that the partition has gone past is
    /// handed over; it is dropped where it would be made, see `split::carry_out`.
    #[test]
    fn a_cut_that_was_passed_is_left_to_whoever_makes_it() {
        let partition = partition();
        partition.begin(&range(None, Some(90)), None);
        let (found, _) = partition.pace(Duration::ZERO).expect("what is left");
        assert_eq!(found.after, None);
        partition.committed(Some(&int(60)));
        let (left, _) = partition.pace(Duration::ZERO).expect("what is left");
        assert_eq!((left.after, &left.upto), (Some(int(60)), &found.upto));
        assert!(partition.ask(split(Some(90), &[30])));
        assert_eq!(partition.take_request(), Some(split(Some(90), &[30])));
    }

    #[test]
    fn the_pace_is_of_what_was_read_since_it_began_and_not_asked_yet() {
        let partition = partition();
        partition.begin(&range(Some(1), None), None);
        partition.moved(1_000);
        assert_eq!(
            partition.pace(Duration::from_secs(3600)),
            None,
            "too early to say"
        );
        let (left, pace) = partition.pace(Duration::ZERO).expect("a pace");
        assert_eq!(left.after, Some(int(1)));
        assert!(pace > 0.0);
        partition.begin(&range(Some(1), None), Some(&int(7)));
        let (left, pace) = partition.pace(Duration::ZERO).expect("a pace");
        assert_eq!((left.after, pace), (Some(int(7)), 0.0));
        assert!(partition.ask(Request::Park));
        assert_eq!(partition.pace(Duration::ZERO), None);
    }

    #[tokio::test]
    async fn whoever_moves_it_is_woken_and_misses_nothing() {
        let partition = partition();
        partition.begin(&range(None, None), None);
        let waiting = tokio::spawn({
            let partition = Arc::clone(&partition);
            async move { partition.asked().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        assert!(partition.ask(Request::Park));
        waiting.await.expect("woken");
        // Asked before anybody waits.
        partition.asked().await;
    }
}
