//! Records a run's course while it goes: a lock for each partition and each second, none for rows.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use crate::mutex::lock;
use crate::report::progress::Sent;
use crate::report::time::TimeSpent;
use crate::report::timeline::merge::{MOST_BARS, halve, merge_bars};
use crate::report::timeline::{Bar, PoolSample, Sample, StepSpan, TableSpan, Timeline};

/// As many as a chart has pixels.
pub const MOST_SAMPLES: usize = 600;

/// Shared by the workers, which add bars, and by the edge, which adds samples.
#[derive(Debug)]
pub struct Recorder {
    started: Instant,
    course: Mutex<Course>,
}

/// What was recorded.
#[derive(Debug, Default)]
struct Course {
    /// By lane, from 1: whether a connection has it.
    taken: Vec<bool>,
    bars: Vec<Bar>,
    steps: Vec<StepSpan>,
    samples: Vec<Sample>,
    /// Looks of a second that each sample stands for, a power of two.
    looks: usize,
    /// Looks that do not make a sample yet.
    pending: Vec<Sample>,
    /// Time and sent rows and bytes at the last look.
    last: (f64, Sent),
}

/// A source connection's place in the time line, until it is given back.
#[derive(Debug)]
pub struct Lane {
    number: u32,
    recorder: Arc<Recorder>,
    /// Set when the lane is left.
    end: Arc<OnceLock<f64>>,
}

/// What the writer of a partition keeps of its lane.
#[derive(Debug)]
pub struct Turn {
    number: u32,
    start: f64,
    end: Arc<OnceLock<f64>>,
}

/// What was moved in a turn.
#[derive(Debug)]
pub struct Transfer<'a> {
    pub table: &'a str,
    pub partition: u32,
    pub committed: Sent,
    pub failed: bool,
    pub waits: TimeSpent,
}

/// What a look at a run sees.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// By this run so far.
    pub sent: Sent,
    pub active_partitions: u64,
    pub source: PoolSample,
    pub target: PoolSample,
}

impl Recorder {
    /// For a run that began at this moment.
    pub fn new(started: Instant) -> Arc<Self> {
        let course = Course {
            looks: 1,
            ..Course::default()
        };
        Arc::new(Self {
            started,
            course: Mutex::new(course),
        })
    }

    fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// A source connection was taken to move a partition: the lane goes with the connection, the turn
    /// stays with the writer.
    pub fn take_lane(self: &Arc<Self>) -> (Lane, Turn) {
        let mut course = lock(&self.course);
        let free = course.taken.iter().position(|taken| !taken);
        let at = free.unwrap_or(course.taken.len());
        if free.is_none() {
            course.taken.push(true);
        }
        course.taken[at] = true;
        drop(course);
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let end = Arc::new(OnceLock::new());
        let lane = Lane {
            number,
            recorder: Arc::clone(self),
            end: Arc::clone(&end),
        };
        let start = self.now();
        (lane, Turn { number, start, end })
    }

    /// The turn is over: what it moved is committed, or lost.
    pub fn add(&self, turn: Turn, transfer: Transfer<'_>) {
        let committed = self.now();
        let bar = Bar {
            lane: turn.number,
            table: Some(transfer.table.to_owned()),
            partition: Some(transfer.partition),
            partitions: 1,
            start: turn.start,
            end: turn.end.get().copied().unwrap_or(committed),
            committed,
            rows: transfer.committed.rows,
            bytes: transfer.committed.bytes,
            failed: transfer.failed,
            waits: transfer.waits,
        };
        let mut course = lock(&self.course);
        if course.bars.len() >= MOST_BARS {
            merge_bars(&mut course.bars);
        }
        course.bars.push(bar);
    }

    /// A numbered step begins, and with it the one before ends.
    pub(in crate::report) fn begin_step(&self, number: u32, name: &str) {
        let now = self.now();
        let mut course = lock(&self.course);
        if let Some(last) = course.steps.last_mut() {
            last.end = now;
        }
        course.steps.push(StepSpan {
            number,
            name: name.to_owned(),
            start: now,
            end: now,
        });
    }

    /// Takes a sample, or a part of one.
    pub(in crate::report) fn look(&self, look: Look) {
        let at = self.now();
        let mut course = lock(&self.course);
        let (before, sent) = std::mem::replace(&mut course.last, (at, look.sent));
        let seconds = at - before;
        if seconds <= 0.0 {
            return;
        }
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        course.pending.push(Sample {
            at,
            rows_per_second: rate(look.sent.rows, sent.rows),
            bytes_per_second: rate(look.sent.bytes, sent.bytes),
            active_partitions: look.active_partitions as f64,
            source: look.source,
            target: look.target,
        });
        course.keep_samples();
    }

    /// The last sample; `None` before the first.
    pub fn last_sample(&self) -> Option<Sample> {
        let course = lock(&self.course);
        course.pending.last().or(course.samples.last()).copied()
    }

    /// What was recorded, with the tables' own times.
    pub(in crate::report) fn read(&self, tables: Vec<TableSpan>) -> Timeline {
        let now = self.now();
        let course = lock(&self.course);
        let mut steps = course.steps.clone();
        if let Some(last) = steps.last_mut() {
            last.end = now;
        }
        Timeline {
            steps,
            lanes: course.taken.len(),
            bars: course.bars.clone(),
            tables,
            sample_seconds: course.looks as f64,
            samples: course.all_samples(),
        }
    }
}

impl Course {
    /// All samples, with one of what does not make a whole one yet.
    fn all_samples(&self) -> Vec<Sample> {
        let mut pending = self.pending.clone();
        while pending.len() > 1 {
            halve(&mut pending);
        }
        let mut samples = self.samples.clone();
        samples.append(&mut pending);
        samples
    }

    /// Makes samples of pending looks, and half as many of them when there are too many.
    fn keep_samples(&mut self) {
        if self.pending.len() < self.looks {
            return;
        }
        while self.pending.len() > 1 {
            halve(&mut self.pending);
        }
        self.samples.append(&mut self.pending);
        if self.samples.len() >= MOST_SAMPLES {
            halve(&mut self.samples);
            self.looks *= 2;
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let _first = self.end.set(self.recorder.now());
        let mut course = lock(&self.recorder.course);
        if let Some(taken) = course.taken.get_mut(self.number as usize - 1) {
            *taken = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(table: &str) -> Transfer<'_> {
        Transfer {
            table,
            partition: 3,
            committed: Sent { rows: 5, bytes: 50 },
            failed: false,
            waits: TimeSpent::default(),
        }
    }

    #[test]
    fn a_connection_has_the_lowest_free_lane() {
        let recorder = Recorder::new(Instant::now());
        let (first, turn) = recorder.take_lane();
        let (_second, _) = recorder.take_lane();
        drop(first);
        recorder.add(turn, transfer("dbo.A"));
        let (_third, turn) = recorder.take_lane();
        recorder.add(turn, transfer("dbo.B"));
        let timeline = recorder.read(Vec::new());
        let lanes: Vec<_> = timeline.bars.iter().map(|bar| bar.lane).collect();
        assert_eq!((lanes, timeline.lanes), (vec![1, 1], 2));
        let bar = &timeline.bars[0];
        assert!(bar.start <= bar.end && bar.end <= bar.committed);
        assert_eq!((bar.rows, bar.partition), (5, Some(3)));
    }

    #[test]
    fn any_number_of_partitions_makes_few_bars() {
        let recorder = Recorder::new(Instant::now());
        for number in 0..3 * MOST_BARS {
            let (lane, turn) = recorder.take_lane();
            drop(lane);
            recorder.add(turn, transfer(&number.to_string()));
        }
        let bars = recorder.read(Vec::new()).bars;
        assert!(bars.len() <= MOST_BARS, "{}", bars.len());
        let partitions: u32 = bars.iter().map(|bar| bar.partitions).sum();
        assert_eq!(partitions as usize, 3 * MOST_BARS);
    }

    #[test]
    fn a_day_has_no_more_samples_than_ten_minutes() {
        let mut course = Course {
            looks: 1,
            ..Course::default()
        };
        for second in 1..=86_400 {
            course.pending.push(Sample {
                at: f64::from(second),
                rows_per_second: 100.0,
                ..Sample::default()
            });
            course.keep_samples();
        }
        let samples = &course.samples;
        assert!((MOST_SAMPLES / 2..MOST_SAMPLES).contains(&samples.len()));
        let apart = |pair: &[Sample]| pair[1].at - pair[0].at;
        assert!(
            samples
                .windows(2)
                .all(|pair| apart(pair) == course.looks as f64)
        );
        assert!(samples.iter().all(|sample| sample.rows_per_second == 100.0));
    }
}
