//! Ends a run when a server stays away. Each table has its own tries, and the tries of a thousand tables
//! would take days to end.
//!
//! A server counts as away if nothing of it was reached, by any task, from the first of a table's
//! tries to the last. One connection or one batch in that time is enough to leave the run as it is.

use std::sync::Mutex;

use tokio::sync::Notify;

use crate::error::{Error, Kind};
use crate::mutex::lock;
use crate::pipeline::policy::policy;
use crate::report::pool::Side;

/// What had been reached of both servers at a moment. It counts up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// Connections that the pool of the source has given out, each after an answer.
    pub source: u64,
    /// The same of the target's.
    pub target: u64,
    /// Batches that came from the source and were taken by the target.
    pub batches: u64,
}

impl Contact {
    /// Whether the server of one side has answered anything since `before`.
    fn is_since(self, before: Self, side: Side) -> bool {
        let connected = match side {
            Side::Source => self.source != before.source,
            Side::Target => self.target != before.target,
        };
        connected || self.batches != before.batches
    }
}

/// From when on a server counts as away, through the tries of one piece of work. A connection that the
/// first try was given and lost is contact: one cut connection ends no run, even with a single try.
#[derive(Default)]
pub struct Tries {
    begun: Option<Contact>,
    failed: Option<Contact>,
}

impl Tries {
    /// Begins the first try, or a later one. `now` is what has been reached by this moment.
    pub fn begin(&mut self, now: Contact) {
        if self.failed.is_none() {
            self.begun = Some(now);
        }
    }

    /// The try that runs has got further than those before it, so they are forgotten.
    pub fn progressed(&mut self) {
        self.failed = None;
    }

    /// Counts a failed try. Gives what had been reached when the first one failed, or, while it is the
    /// only one, when it began.
    pub fn failed(&mut self, now: Contact) -> Contact {
        match self.failed {
            Some(first) => first,
            None => {
                self.failed = Some(now);
                self.begun.unwrap_or(now)
            }
        }
    }
}

/// The error that ends the run, once a server has stayed away.
#[derive(Default)]
pub struct Outage {
    /// The first one found; taken by the run that ends with it.
    error: Mutex<Option<Error>>,
    found: Notify,
}

impl Outage {
    /// Looks at the error after which work is not tried again. `before` and `now` are from the first of its
    /// tries in a row and from after the last one.
    /// Does nothing for errors that no retry helps against, and for those of no server.
    pub fn check(&self, error: &Error, before: Contact, now: Contact) {
        let Some(side) = side(error.kind()) else {
            return;
        };
        if !policy(error.kind()).retries_once_connected() || now.is_since(before, side) {
            return;
        }
        let server = match side {
            Side::Source => "SQL Server",
            Side::Target => "PostgreSQL",
        };
        let ended = Error::new(
            error.kind(),
            format!(
                "{server} was not reached through all tries of a table (transfer.retry), for this table or any \
                 other, so the run ends and leaves the rest as it is: the same command continues it ({})",
                error.message()
            ),
        );
        let mut first = lock(&self.error);
        first.get_or_insert(ended);
        drop(first);
        self.found.notify_one();
    }

    /// Waits for an outage. Cancel safe.
    pub async fn found(&self) -> Error {
        loop {
            let error = lock(&self.error).take();
            match error {
                Some(error) => return error,
                None => self.found.notified().await,
            }
        }
    }
}

/// The server that an error comes from, if it is one of connections or of what they carry.
fn side(kind: Kind) -> Option<Side> {
    match kind {
        Kind::SourceUnreachable
        | Kind::SourceSecret
        | Kind::SourceTls
        | Kind::SourceCut
        | Kind::SourceTlsCut
        | Kind::SourceNotReady
        | Kind::SourceDatabaseUnavailable
        | Kind::SourceLost
        | Kind::SourceTimeout
        | Kind::SourceBusy => Some(Side::Source),
        Kind::TargetUnreachable
        | Kind::TargetSecret
        | Kind::TargetTls
        | Kind::TargetCut
        | Kind::TargetNotReady
        | Kind::TargetLost
        | Kind::TargetBusy => Some(Side::Target),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const BEFORE: Contact = Contact {
        source: 3,
        target: 5,
        batches: 7,
    };

    /// The kind of the error that ends the run.
    fn ends(kind: Kind, now: Contact) -> Option<Kind> {
        let outage = Outage::default();
        outage.check(&Error::new(kind, "no answer"), BEFORE, now);
        outage.found().now_or_never().map(|error| error.kind())
    }

    #[test]
    fn a_server_that_answered_nothing_through_all_tries_ends_the_run() {
        assert_eq!(
            ends(Kind::SourceUnreachable, BEFORE),
            Some(Kind::SourceUnreachable)
        );
        let target = Contact {
            target: 9,
            ..BEFORE
        };
        assert_eq!(ends(Kind::SourceLost, target), Some(Kind::SourceLost));
        assert_eq!(ends(Kind::TargetLost, target), None);
        assert_eq!(ends(Kind::TargetLost, BEFORE), Some(Kind::TargetLost));
    }

    #[test]
    fn a_single_try_that_was_given_a_connection_and_lost_it_is_no_outage() {
        let connected = Contact {
            source: 4,
            ..BEFORE
        };
        let mut tries = Tries::default();
        tries.begin(BEFORE);
        assert_eq!(tries.failed(connected), BEFORE);
        tries.begin(connected);
        assert_eq!(tries.failed(connected), connected);
    }

    #[test]
    fn a_try_that_got_further_before_it_lost_its_connection_is_no_outage() {
        let connected = Contact {
            source: 4,
            ..BEFORE
        };
        let mut tries = Tries::default();
        tries.begin(BEFORE);
        tries.progressed();
        assert_eq!(tries.failed(connected), BEFORE);
    }

    #[test]
    fn what_was_answered_meanwhile_leaves_the_failure_to_its_table() {
        let connected = Contact {
            source: 4,
            ..BEFORE
        };
        assert_eq!(ends(Kind::SourceLost, connected), None);
        let moved = Contact {
            batches: 8,
            ..BEFORE
        };
        assert_eq!(ends(Kind::SourceLost, moved), None);
    }

    #[test]
    fn errors_that_no_try_heals_concern_their_table() {
        assert_eq!(ends(Kind::SourceQuery, BEFORE), None);
        assert_eq!(ends(Kind::SourceLogin, BEFORE), None);
    }
}
