//! Ends a command that does not end by itself soon enough after a signal.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::{Error, Kind, Result};

/// How long a command may run after a signal. The process must end within 10 s, and every command is
/// done long before, or waits for a server that does not answer.
const STOPS_WITHIN: Duration = Duration::from_millis(9500);

/// Waits for `work`, after `cancel` for at most [`STOPS_WITHIN`].
///
/// # Errors
/// What `work` returns; `Stopped` if it did not end in time.
pub(crate) async fn finish_in_time<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let late = async {
        cancel.cancelled().await;
        tokio::time::sleep(STOPS_WITHIN).await;
    };
    tokio::select! {
        biased;
        outcome = work => outcome,
        () = late => Err(Error::new(
            Kind::Stopped,
            "stopped by a signal before the command finished; no report was written",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_end_after_a_signal_is_cut_off() {
        let cancel = CancellationToken::new();
        let long = async {
            tokio::time::sleep(STOPS_WITHIN * 2).await;
            Ok(1)
        };
        assert_eq!(finish_in_time(&cancel, long).await.ok(), Some(1));
        cancel.cancel();
        let began = tokio::time::Instant::now();
        let outcome = finish_in_time(&cancel, std::future::pending::<Result<()>>()).await;
        assert_eq!(outcome.err().map(|error| error.kind()), Some(Kind::Stopped));
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
