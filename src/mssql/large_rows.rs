//! Turns for rows that are too long for each reader to hold some of them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Kind, Result};

/// A row beyond this size is long: a dozen readers, with four of them on their way each, would be
/// most of the 150 MiB that a run may take.
const LONG: usize = 1 << 20;

/// Long rows in memory at a time, over all readers.
const LONG_AT_A_TIME: usize = 8;

/// A row beyond this size is large: a few of them at a time would be the memory of the process.
const LARGE: usize = 4 << 20;

/// Shared by the readers of a run. Eight long rows are in memory at a time and one large one, so that
/// memory is bounded by the largest row instead of by the readers times that.
///
/// Every large row was long before, so turns are taken in one order; and who has one needs nothing
/// but the target to give it back.
#[derive(Debug, Clone)]
pub struct LargeRows {
    long: Arc<Semaphore>,
    large: Arc<Semaphore>,
}

/// Permits for one long row; held while it is read, and until its batch was sent.
#[derive(Debug)]
pub struct Turn {
    _long: OwnedSemaphorePermit,
    large: Option<OwnedSemaphorePermit>,
}

impl Default for LargeRows {
    fn default() -> Self {
        Self {
            long: Arc::new(Semaphore::new(LONG_AT_A_TIME)),
            large: Arc::new(Semaphore::new(1)),
        }
    }
}

impl LargeRows {
    /// Waits until a row of which `held` bytes are in memory may grow on. Cancel safe.
    /// `turn` is the caller's own and stays with it, so a dropped wait loses no permit.
    ///
    /// # Errors
    /// `Internal`: the semaphores are never closed.
    pub(super) async fn wait(&self, turn: &mut Option<Turn>, held: usize) -> Result<()> {
        if held <= LONG {
            return Ok(());
        }
        let turn = match turn {
            Some(turn) => turn,
            None => turn.insert(Turn {
                _long: acquire(&self.long).await?,
                large: None,
            }),
        };
        if held > LARGE && turn.large.is_none() {
            turn.large = Some(acquire(&self.large).await?);
        }
        Ok(())
    }
}

async fn acquire(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let turn = Arc::clone(turns).acquire_owned().await;
    turn.map_err(|cause| {
        Error::new(
            Kind::Internal,
            "internal error: the large-row semaphore is closed",
        )
        .because(cause)
    })
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    /// Whether a row of this many bytes may grow now.
    fn may_grow(rows: &LargeRows, turn: &mut Option<Turn>, held: usize) -> bool {
        let waited = rows.wait(turn, held).now_or_never();
        waited.is_some_and(|turn| turn.is_ok())
    }

    #[test]
    fn short_rows_wait_for_nobody() {
        let rows = LargeRows::default();
        let mut turns = [const { None }; 2 * LONG_AT_A_TIME];
        for turn in &mut turns {
            assert!(may_grow(&rows, turn, LONG));
            assert!(turn.is_none());
        }
    }

    #[test]
    fn so_many_rows_are_long_and_one_of_them_large() {
        let rows = LargeRows::default();
        let mut turns = [const { None }; LONG_AT_A_TIME];
        for turn in &mut turns {
            assert!(may_grow(&rows, turn, LONG + 1));
            assert!(may_grow(&rows, turn, LARGE), "it has its turn");
        }
        let mut late = None;
        assert!(!may_grow(&rows, &mut late, LONG + 1));
        let [first, second, ..] = &mut turns;
        assert!(may_grow(&rows, first, LARGE + 1));
        assert!(!may_grow(&rows, second, LARGE + 1));
        assert!(may_grow(&rows, first, 1 << 30), "it has its turn");
        *first = None;
        assert!(may_grow(&rows, second, LARGE + 1));
        assert!(may_grow(&rows, &mut late, LONG + 1));
    }
}
