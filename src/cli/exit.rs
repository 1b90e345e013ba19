//! The exit code: computed here and nowhere else.
//!
//! Commands return a [`Conclusion`] or an error; `code` makes a number of it. Scripts rely on these
//! numbers: they are in the README, and none may change its meaning.

use crate::error::Kind;
use crate::report::run::RunOutcome;

/// A signal that asks the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
    /// The terminal is gone; treated as [`Signal::Terminate`].
    Hangup,
}

impl Signal {
    /// 128 + the signal's number, as shells report it.
    pub fn code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Hangup => 129,
        }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conclusion {
    Done,
    Failed,
    /// A server could not be reached, or lets the job do nothing.
    Unreachable,
    /// The two sides do not have the same rows.
    Different,
    /// Rows are in `_migrate.rejects` and not in their tables.
    Rejected,
    /// Objects of the source were left out.
    Incomplete,
    /// By a signal, whose number is in the code.
    Stopped,
    /// Command line or job file.
    Usage,
}

impl Conclusion {
    /// The `outcome` of every last line of JSON; a run's report says the same word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Different => "different",
            Self::Rejected => "rejected",
            Self::Incomplete => "incomplete",
            Self::Stopped => "stopped",
            Self::Usage => "usage",
        }
    }
}

/// What a command returns once it has printed its result.
pub(crate) struct Finished {
    pub(crate) conclusion: Conclusion,
    /// The report for the last line of stdout, under `--output json`.
    pub(crate) json: Option<serde_json::Value>,
}

impl From<RunOutcome> for Conclusion {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Done => Self::Done,
            RunOutcome::Failed => Self::Failed,
            RunOutcome::Different => Self::Different,
            RunOutcome::Rejected => Self::Rejected,
            RunOutcome::Incomplete => Self::Incomplete,
            RunOutcome::Stopped => Self::Stopped,
        }
    }
}

/// The table of the README, from a conclusion or an error's kind.
pub(crate) fn code(outcome: Result<Conclusion, Kind>, signal: Option<Signal>) -> u8 {
    let conclusion = outcome.unwrap_or_else(of_kind);
    match conclusion {
        Conclusion::Done => 0,
        Conclusion::Failed => 1,
        Conclusion::Usage => 2,
        Conclusion::Unreachable => 3,
        Conclusion::Different => 4,
        Conclusion::Rejected => 5,
        Conclusion::Incomplete => 6,
        Conclusion::Stopped => signal.unwrap_or(Signal::Interrupt).code(),
    }
}

/// What an error that ended a whole command means for its exit code; no wildcard, so that a new
/// kind must choose.
pub(crate) fn of_kind(kind: Kind) -> Conclusion {
    match kind {
        Kind::Usage | Kind::JobFile => Conclusion::Usage,
        Kind::SourceUnreachable
        | Kind::SourceLogin
        | Kind::SourceSecret
        | Kind::SourceTls
        | Kind::SourceCut
        | Kind::SourceTlsCut
        | Kind::SourceNotReady
        | Kind::SourceVersion
        | Kind::SourceDatabase
        | Kind::SourceDatabaseUnavailable
        | Kind::TargetUnreachable
        | Kind::TargetLogin
        | Kind::TargetSecret
        | Kind::TargetTls
        | Kind::TargetCut
        | Kind::TargetNotReady
        | Kind::TargetDatabase
        | Kind::TargetRefused
        | Kind::TargetReadOnly
        | Kind::TargetPooler => Conclusion::Unreachable,
        Kind::Difference => Conclusion::Different,
        Kind::Stopped => Conclusion::Stopped,
        Kind::SourcePermission
        | Kind::SourceHidden
        | Kind::SourceLost
        | Kind::SourceTimeout
        | Kind::SourceBusy
        | Kind::SourceQuery
        | Kind::SourceChanged
        | Kind::SourceProtocol
        | Kind::SourcePoolTimeout
        | Kind::SourceConsistency
        | Kind::TargetPermission
        | Kind::TargetLost
        | Kind::TargetBusy
        | Kind::TargetFull
        | Kind::TargetEmptied
        | Kind::TargetQuery
        | Kind::TargetPoolTimeout
        | Kind::TargetExists
        | Kind::Unsupported
        | Kind::Naming
        | Kind::Value
        | Kind::Checkpoint
        | Kind::JobHeld
        | Kind::Hook
        | Kind::Io
        | Kind::Internal => Conclusion::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the README.
    #[test]
    fn each_ending_has_its_code() {
        for (outcome, expected) in [
            (Ok(Conclusion::Done), 0),
            (Ok(Conclusion::Failed), 1),
            (Err(Kind::Internal), 1),
            (Err(Kind::JobHeld), 1),
            (Err(Kind::Usage), 2),
            (Err(Kind::JobFile), 2),
            (Err(Kind::SourceLogin), 3),
            (Err(Kind::TargetUnreachable), 3),
            (Ok(Conclusion::Unreachable), 3),
            (Ok(Conclusion::Different), 4),
            (Ok(Conclusion::Rejected), 5),
            (Ok(Conclusion::Incomplete), 6),
        ] {
            assert_eq!(code(outcome, None), expected, "{outcome:?}");
        }
    }

    #[test]
    fn a_stop_is_told_by_its_signal() {
        for outcome in [Ok(Conclusion::Stopped), Err(Kind::Stopped)] {
            assert_eq!(code(outcome, Some(Signal::Interrupt)), 130);
            assert_eq!(code(outcome, Some(Signal::Terminate)), 143);
            assert_eq!(code(outcome, Some(Signal::Hangup)), 129);
        }
    }

    /// A program may read either place of the JSON.
    #[test]
    fn a_run_and_its_command_end_with_one_word() {
        for outcome in [
            RunOutcome::Done,
            RunOutcome::Failed,
            RunOutcome::Different,
            RunOutcome::Rejected,
            RunOutcome::Incomplete,
            RunOutcome::Stopped,
        ] {
            let reported = serde_json::to_value(outcome).expect("a word");
            assert_eq!(reported, Conclusion::from(outcome).word());
        }
    }

    #[test]
    fn a_run_that_was_done_before_the_signal_is_done() {
        assert_eq!(code(Ok(Conclusion::Done), Some(Signal::Terminate)), 0);
    }
}
