//! Where the workers' time went.
//!
//! The sums answer one question, on which side the time went; they are not a profile. A worker
//! times what it awaits, so its own computing is in none of them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What a worker can be waiting for. A worker is in one of these or computing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// For a connection of the source pool.
    SourcePool,
    /// For rows: the loading side is idle because no batch is there yet.
    SourceRows,
    /// For a connection of the target pool.
    TargetPool,
    /// In COPY: PostgreSQL takes the bytes slower than they come.
    Copy,
    /// In COMMIT, the checkpoint row included.
    Commit,
}

impl Activity {
    /// In the order in which a report shows them.
    pub const ALL: [Self; 5] = [
        Self::SourcePool,
        Self::SourceRows,
        Self::TargetPool,
        Self::Copy,
        Self::Commit,
    ];

    /// As text reports write it.
    pub fn words(self) -> &'static str {
        match self {
            Self::SourcePool => "waiting for the source pool",
            Self::SourceRows => "waiting for source rows",
            Self::TargetPool => "waiting for the target pool",
            Self::Copy => "in COPY",
            Self::Commit => "in commit",
        }
    }

    /// The word in JSON and in labels of metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SourcePool => "source_pool",
            Self::SourceRows => "source_rows",
            Self::TargetPool => "target_pool",
            Self::Copy => "copy",
            Self::Commit => "commit",
        }
    }

    /// Its place in `Clock::spent`.
    fn slot(self) -> usize {
        match self {
            Self::SourcePool => 0,
            Self::SourceRows => 1,
            Self::TargetPool => 2,
            Self::Copy => 3,
            Self::Commit => 4,
        }
    }
}

/// Adds up, over all workers, the time spent per [`Activity`]. Shared by reference; workers add,
/// the report reads.
#[derive(Debug, Default)]
pub struct Clock {
    /// Nanoseconds, by `Activity::slot`.
    spent: [AtomicU64; 5],
}

impl Clock {
    /// Adds time that a worker spent.
    pub fn add(&self, activity: Activity, spent: Duration) {
        let nanos = u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX);
        self.spent[activity.slot()].fetch_add(nanos, Ordering::Relaxed);
    }

    /// Times a future: `clock.time(Activity::Commit, transaction.commit()).await`.
    pub async fn time<F: Future>(&self, activity: Activity, work: F) -> F::Output {
        let started = Instant::now();
        let output = work.await;
        self.add(activity, started.elapsed());
        output
    }

    /// The sums so far.
    /// Each sum is read by itself, so together they may be of slightly different moments.
    pub fn read(&self) -> TimeSpent {
        let seconds = |activity: Activity| {
            Duration::from_nanos(self.spent[activity.slot()].load(Ordering::Relaxed)).as_secs_f64()
        };
        TimeSpent {
            source_pool: seconds(Activity::SourcePool),
            source_rows: seconds(Activity::SourceRows),
            target_pool: seconds(Activity::TargetPool),
            copy: seconds(Activity::Copy),
            commit: seconds(Activity::Commit),
        }
    }
}

/// Seconds per activity, summed over workers: 8 workers can spend 80 s in 10 s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeSpent {
    /// [`Activity::SourcePool`]; the others likewise.
    pub source_pool: f64,
    pub source_rows: f64,
    pub target_pool: f64,
    pub copy: f64,
    pub commit: f64,
}

impl TimeSpent {
    /// Seconds spent on one activity.
    pub fn seconds(&self, activity: Activity) -> f64 {
        match activity {
            Activity::SourcePool => self.source_pool,
            Activity::SourceRows => self.source_rows,
            Activity::TargetPool => self.target_pool,
            Activity::Copy => self.copy,
            Activity::Commit => self.commit,
        }
    }

    /// What was spent since an earlier reading of the same clock.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            source_pool: self.source_pool - earlier.source_pool,
            source_rows: self.source_rows - earlier.source_rows,
            target_pool: self.target_pool - earlier.target_pool,
            copy: self.copy - earlier.copy,
            commit: self.commit - earlier.commit,
        }
    }

    /// Adds time that was spent elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.source_pool += other.source_pool;
        self.source_rows += other.source_rows;
        self.target_pool += other.target_pool;
        self.copy += other.copy;
        self.commit += other.commit;
    }

    /// Seconds over all activities.
    pub fn total(&self) -> f64 {
        Activity::ALL
            .iter()
            .map(|&activity| self.seconds(activity))
            .sum()
    }

    /// 0.0..=1.0 of the total; 0 if nothing was spent at all.
    pub fn share(&self, activity: Activity) -> f64 {
        let total = self.total();
        if total > 0.0 {
            self.seconds(activity) / total
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_of_all_workers_adds_up() {
        let clock = Clock::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| clock.add(Activity::Copy, Duration::from_millis(1500)));
            }
            scope.spawn(|| clock.add(Activity::Commit, Duration::from_secs(2)));
        });
        let spent = clock.read();
        assert_eq!(spent.copy, 6.0);
        assert_eq!(spent.commit, 2.0);
        assert_eq!(spent.total(), 8.0);
        assert_eq!(spent.share(Activity::Copy), 0.75);
    }

    #[test]
    fn nothing_spent_has_no_share() {
        assert_eq!(TimeSpent::default().share(Activity::Copy), 0.0);
    }
}
