//! What a run does now, in words: both pools, what its workers wait for, warnings. The terminal shows it, and
//! each process notes it in the state for `status`.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::report::bottleneck;
use crate::report::health::warnings_now;
use crate::report::pool::{PoolState, Side};
use crate::report::progress::{Progress, TablePhase};
use crate::report::rate::Rate;
use crate::report::time::TimeSpent;

/// What one process does at a moment, as it notes it. A field that another version does not write has its
/// default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LiveState {
    /// The numbered step that it is in, of `steps`.
    pub step: u32,
    pub steps: u32,
    /// A lower-case fragment, as `loading`.
    pub doing: String,
    /// Tables that the step is through with, of all, if it goes table by table.
    pub step_tables: (u32, u32),
    pub pools: Vec<LivePool>,
    /// `waiting for the source 80 %`.
    pub bottleneck: Option<String>,
    pub warning: Option<String>,
    /// Over the last 15 seconds, by this process.
    pub rows_per_second: f64,
    pub bytes_per_second: f64,
    /// Partitions that it moves.
    pub active_partitions: u64,
    /// The tables that it moves rows of, or makes keys and indexes of.
    pub tables: Vec<LiveTable>,
}

/// A pool at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LivePool {
    pub side: Side,
    pub max_connections: u64,
    pub in_use: u64,
    /// Tasks that wait for a connection.
    pub waiting: u64,
}

/// A table that a process works on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveTable {
    /// `dbo.Posts`.
    pub table: String,
    /// By this process, over the last 15 seconds.
    pub rows_per_second: f64,
    /// All of its rows are there; keys and indexes are being made.
    pub finishing: bool,
}

/// Long enough for some commits, short enough to be called now.
const WINDOW: Duration = Duration::from_secs(10);

/// Follows a run's counters over the last seconds.
pub struct Live {
    progress: Arc<Progress>,
    /// Where the workers' time had gone, newest last.
    times: VecDeque<(Duration, TimeSpent)>,
    rows: Rate,
    bytes: Rate,
    /// By name, of each table that was seen to run.
    tables: HashMap<String, Rate>,
}

impl Live {
    /// Begins to follow them.
    pub fn new(progress: Arc<Progress>) -> Self {
        Self {
            progress,
            times: VecDeque::new(),
            rows: Rate::default(),
            bytes: Rate::default(),
            tables: HashMap::new(),
        }
    }

    /// Looks, and tells what the process does. Called every few seconds: rates are those between calls.
    pub fn state(&mut self) -> LiveState {
        self.look();
        let (now, totals) = (self.progress.elapsed(), self.progress.totals());
        self.rows.sample(now, totals.moved());
        self.bytes.sample(now, totals.sent.bytes);
        let step = self.progress.step();
        let pool = |pool: &PoolState| LivePool {
            side: pool.side,
            max_connections: pool.max_connections,
            in_use: pool.in_use,
            waiting: pool.waiting,
        };
        LiveState {
            step: step.number,
            steps: step.of,
            doing: step.name.to_owned(),
            step_tables: step.tables,
            pools: self.progress.pools().iter().map(pool).collect(),
            bottleneck: self.bottleneck(),
            warning: self.warning(),
            rows_per_second: self.rows.per_second(),
            bytes_per_second: self.bytes.per_second(),
            active_partitions: totals.partitions.active,
            tables: self.running(now),
        }
    }

    /// The tables that are being loaded or finished.
    fn running(&mut self, now: Duration) -> Vec<LiveTable> {
        let tables = self.progress.tables();
        let mut running = Vec::new();
        for table in &tables {
            let phase = table.state();
            if !matches!(phase, TablePhase::Running | TablePhase::Loaded) {
                continue;
            }
            let name = table.name().to_owned();
            let rate = self.tables.entry(name.clone());
            let rate = rate.or_default();
            rate.sample(now, table.rows().saturating_sub(table.resumed_rows()));
            running.push(LiveTable {
                table: name,
                rows_per_second: rate.per_second(),
                finishing: phase == TablePhase::Loaded,
            });
        }
        running
    }

    /// Notes where the workers' time has gone by now.
    pub fn look(&mut self) {
        let now = self.progress.elapsed();
        self.times.push_back((now, self.progress.clock().read()));
        let outside = |at: Duration| now.saturating_sub(at) > WINDOW;
        while self.times.len() > 2 && self.times.get(1).is_some_and(|(at, _)| outside(*at)) {
            self.times.pop_front();
        }
    }

    /// `waiting for the source 80 %`; `None` if nothing stands out or no row is moved.
    pub fn bottleneck(&self) -> Option<String> {
        let (first, last) = (self.times.front()?, self.times.back()?);
        let spent = last.1.since(&first.1);
        if spent.total() <= 0.0 {
            return None;
        }
        Some(bottleneck::fragment(&spent, None).unwrap_or_else(|| "both sides alike".to_owned()))
    }

    /// Connections in use, as `source 12/12 (3 waiting), target 8/8`; empty before the pools are open.
    pub fn pools(&self) -> String {
        let pools = self.progress.pools();
        pools.iter().map(in_use).collect::<Vec<_>>().join(", ")
    }

    /// The first thing that is wrong with the pools, and how many more there are.
    pub fn warning(&self) -> Option<String> {
        let time = self.progress.clock().read();
        let findings = warnings_now(&self.progress.pools(), &time);
        let first = findings.first()?;
        Some(match findings.len() - 1 {
            0 => format!("warning: {}", first.evidence),
            more => format!("warning: {} (and {more} more)", first.evidence),
        })
    }
}

fn in_use(pool: &PoolState) -> String {
    connections(pool.side, pool.in_use, pool.max_connections, pool.waiting)
}

impl LivePool {
    /// `source 12/12 (3 waiting)`.
    pub fn words(&self) -> String {
        connections(self.side, self.in_use, self.max_connections, self.waiting)
    }
}

fn connections(side: Side, in_use: u64, cap: u64, waiting: u64) -> String {
    let waiting = match waiting {
        0 => String::new(),
        waiting => format!(" ({waiting} waiting)"),
    };
    format!("{} {in_use}/{cap}{waiting}", side.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::histogram::Durations;
    use crate::report::pool::{PoolWatch, Side};
    use crate::report::time::Activity;

    fn pool(side: Side, timeouts: u64) -> PoolState {
        PoolState {
            side,
            max_connections: 12,
            open: 12,
            in_use: 12,
            waiting: 3,
            acquisitions: 100,
            timeouts,
            connects: 12,
            reconnects: 0,
            connect_errors: 0,
            waits: Durations::default(),
            uses: Durations::default(),
        }
    }

    /// What a process notes is what another reads, also if one of them knows fewer fields.
    #[test]
    fn what_a_process_does_is_noted_and_read_back() {
        let progress = Progress::new();
        progress.begin(4, 8, "loading");
        progress.watch_pools(PoolWatch::new(|| vec![pool(Side::Source, 0)]));
        let (posts, users) = (
            progress.add_table("dbo.Posts", 100),
            progress.add_table("dbo.Users", 5),
        );
        posts.set_state(TablePhase::Running);
        users.set_state(TablePhase::Loaded);
        let mut live = Live::new(Arc::clone(&progress));
        live.state();
        posts.send(50, 5000);
        std::thread::sleep(Duration::from_millis(2));
        let state = live.state();
        assert_eq!(
            (state.step, state.steps, state.doing.as_str()),
            (4, 8, "loading")
        );
        assert_eq!(state.pools[0].words(), "source 12/12 (3 waiting)");
        assert!(
            state.rows_per_second > 0.0 && state.bytes_per_second > 0.0,
            "{state:?}"
        );
        let table = |name: &str| state.tables.iter().find(|table| table.table == name);
        assert!(table("dbo.Posts").is_some_and(|it| it.rows_per_second > 0.0 && !it.finishing));
        assert!(table("dbo.Users").is_some_and(|it| it.finishing));
        let noted = serde_json::to_value(&state).expect("JSON");
        assert_eq!(
            serde_json::from_value::<LiveState>(noted).expect("a state"),
            state
        );
        let older: LiveState = serde_json::from_str(r#"{"step": 5, "later": 1}"#).expect("a state");
        assert_eq!((older.step, older.tables.len()), (5, 0));
    }

    #[test]
    fn the_last_seconds_are_in_words() {
        let progress = Progress::new();
        let mut live = Live::new(Arc::clone(&progress));
        live.look();
        assert_eq!(
            (live.bottleneck(), live.pools(), live.warning()),
            (None, String::new(), None)
        );
        progress.watch_pools(PoolWatch::new(|| {
            vec![pool(Side::Source, 2), pool(Side::Target, 1)]
        }));
        progress
            .clock()
            .add(Activity::SourceRows, Duration::from_secs(8));
        progress.clock().add(Activity::Copy, Duration::from_secs(2));
        live.look();
        assert_eq!(
            live.bottleneck().as_deref(),
            Some("waiting for the source 80 %")
        );
        assert_eq!(
            live.pools(),
            "source 12/12 (3 waiting), target 12/12 (3 waiting)"
        );
        let warning = "warning: 2 waits for a source connection ended without one (and 1 more)";
        assert_eq!(live.warning().as_deref(), Some(warning));
        progress
            .clock()
            .add(Activity::Commit, Duration::from_secs(6));
        live.look();
        assert_eq!(live.bottleneck().as_deref(), Some("both sides alike"));
    }
}
