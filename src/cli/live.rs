//! What a run does now, in words: both pools, what its workers wait for, warnings.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::report::bottleneck;
use crate::report::health::warnings_now;
use crate::report::pool::PoolState;
use crate::report::progress::Progress;
use crate::report::time::TimeSpent;

/// Long enough for some commits, short enough to be called now.
const WINDOW: Duration = Duration::from_secs(10);

/// Follows a run's counters over the last seconds.
pub(crate) struct Live {
    progress: Arc<Progress>,
    /// Where the workers' time had gone, newest last.
    times: VecDeque<(Duration, TimeSpent)>,
}

impl Live {
    pub(crate) fn new(progress: Arc<Progress>) -> Self {
        Self {
            progress,
            times: VecDeque::new(),
        }
    }

    /// Notes where the workers' time has gone by now.
    pub(crate) fn look(&mut self) {
        let now = self.progress.elapsed();
        self.times.push_back((now, self.progress.clock().read()));
        let outside = |at: Duration| now.saturating_sub(at) > WINDOW;
        while self.times.len() > 2 && self.times.get(1).is_some_and(|(at, _)| outside(*at)) {
            self.times.pop_front();
        }
    }

    /// `waiting for the source 80 %`; `None` if nothing stands out or no row is moved.
    pub(crate) fn bottleneck(&self) -> Option<String> {
        let (first, last) = (self.times.front()?, self.times.back()?);
        let spent = last.1.since(&first.1);
        if spent.total() <= 0.0 {
            return None;
        }
        Some(bottleneck::fragment(&spent, None).unwrap_or_else(|| "both sides alike".to_owned()))
    }

    /// Connections in use, as `source 12/12 (3 waiting), target 8/8`; empty before the pools are open.
    pub(crate) fn pools(&self) -> String {
        let pools = self.progress.pools();
        pools.iter().map(in_use).collect::<Vec<_>>().join(", ")
    }

    /// The first thing that is wrong with the pools, and how many more there are.
    pub(crate) fn warning(&self) -> Option<String> {
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
    let PoolState {
        in_use,
        max_connections,
        ..
    } = pool;
    let waiting = match pool.waiting {
        0 => String::new(),
        waiting => format!(" ({waiting} waiting)"),
    };
    format!("{} {in_use}/{max_connections}{waiting}", pool.side.word())
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
