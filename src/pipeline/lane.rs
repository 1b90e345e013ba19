//! A partition on its way: how far it is, and what others ask of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::pipeline::context::TableLoad;
use crate::plan::key::KeyValue;
use crate::plan::remaining::Remaining;
use crate::plan::table::Slice;

/// What a partition is asked to do at its next batch, after a commit of what it has.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    /// Keep the range up to the first cut and leave the others to partitions of their own.
    Split(Vec<Vec<KeyValue>>),
    /// Give its connections back; it goes on from there when its turn comes again.
    Park,
}

/// Shared by the worker that moves the partition and by those that look for work.
pub struct Lane {
    pub table: Arc<TableLoad>,
    pub number: u32,
    /// Rows sent since `since`; raised by the worker.
    rows: AtomicU64,
    course: Mutex<Course>,
    /// Rung by [`Lane::ask`]; the worker listens.
    asked: Notify,
}

struct Course {
    /// When reading began, or was begun again.
    since: Instant,
    /// `None` before the claim and for a partition that cannot be cut.
    left: Option<Remaining>,
    turn: Option<Turn>,
    /// A cut was tried, and it is not known whether it was made.
    in_doubt: bool,
    /// Cuts by distance left everything on one side: the keys lie too unevenly.
    uneven: bool,
}

impl Lane {
    pub fn new(table: Arc<TableLoad>, number: u32) -> Arc<Self> {
        Arc::new(Self {
            table,
            number,
            rows: AtomicU64::new(0),
            course: Mutex::new(Course {
                since: Instant::now(),
                left: None,
                turn: None,
                in_doubt: false,
                uneven: false,
            }),
            asked: Notify::new(),
        })
    }

    /// Every step leaves the course whole, so a panic elsewhere does not spoil it.
    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A claim read back what the partition covers and what is committed of it: reading begins.
    pub fn begin(&self, slice: &Slice, last_key: Option<&[KeyValue]>) {
        let mut course = self.course();
        course.since = Instant::now();
        let midway = self.table.plan.commits_midway();
        course.left = midway.then(|| Remaining::of(slice, last_key)).flatten();
        self.rows.store(0, Ordering::Relaxed);
    }

    pub fn moved(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    pub fn committed(&self, last_key: Option<&[KeyValue]>) {
        if let (Some(left), Some(key)) = (&mut self.course().left, last_key) {
            left.after = Some(key.to_vec());
        }
    }

    /// What is left, and rows per second, of a partition that has been read for `least` or longer
    /// and was asked for nothing yet.
    pub fn pace(&self, least: Duration) -> Option<(Remaining, f64)> {
        let course = self.course();
        let age = course.since.elapsed();
        let free = course.turn.is_none() && age >= least;
        let left = course.left.clone().filter(|_| free)?;
        let rows = self.rows.load(Ordering::Relaxed) as f64;
        Some((left, rows / age.as_secs_f64()))
    }

    /// False where it was asked for something before, or cannot do it.
    pub fn ask(&self, turn: Turn) -> bool {
        let mut course = self.course();
        if course.turn.is_some() || course.left.is_none() {
            return false;
        }
        course.turn = Some(turn);
        drop(course);
        self.asked.notify_one();
        true
    }

    /// Waits until something is asked. Cancel safe.
    pub async fn asked(&self) {
        while self.course().turn.is_none() {
            self.asked.notified().await;
        }
    }

    pub fn take_turn(&self) -> Option<Turn> {
        self.course().turn.take()
    }

    pub fn set_in_doubt(&self, in_doubt: bool) {
        self.course().in_doubt = in_doubt;
    }

    pub fn is_in_doubt(&self) -> bool {
        self.course().in_doubt
    }

    pub fn set_uneven(&self) {
        self.course().uneven = true;
    }

    pub fn is_uneven(&self) -> bool {
        self.course().uneven
    }
}
