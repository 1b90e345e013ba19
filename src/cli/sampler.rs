//! Looks at a run each second, for the report's charts and the display.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::report::progress::Progress;

/// Charts of minutes look smooth, and a look costs some microseconds for each thousand tables.
const EVERY: Duration = Duration::from_secs(1);

/// Looks until what is given back is dropped.
pub(crate) fn start(progress: &Arc<Progress>) -> JoinSet<()> {
    let progress = Arc::clone(progress);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(EVERY).await;
            progress.look();
        }
    });
    tasks
}
