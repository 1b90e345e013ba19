//! What a process does next that shares a run, from what it sees of the job.

use crate::postgres::member::View;
use crate::postgres::state::RunId;
use crate::report::run::RunOutcome;
use crate::report::status::RunState;

/// What a process does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Load partitions of the run that is led now.
    Work,
    /// Another process holds the job, and its run is not known yet or has ended.
    Wait,
    /// Try to lead: no process does.
    Lead,
    /// The run has ended.
    Ended(RunOutcome),
}

/// `joined` is the run that the process has worked for, `run_name` what its run is called.
///
/// A run that a signal stopped at its leader has not ended for the others: one of them continues it. A
/// process that comes late takes the result of the run of its name, but tries again what failed.
pub fn decide(view: &View, joined: Option<RunId>, run_name: Option<&str>) -> Step {
    let Some(run) = &view.run else {
        return match view.leader {
            Some(_) => Step::Wait,
            None => Step::Lead,
        };
    };
    if let Some(RunState::Ended(outcome)) = run.record.outcome {
        let of_same_name = run_name.is_some() && run.run_name.as_deref() == run_name;
        let ended = match outcome {
            RunOutcome::Stopped => false,
            RunOutcome::Failed => joined == Some(run.record.id),
            _ => joined == Some(run.record.id) || of_same_name,
        };
        if ended {
            return Step::Ended(outcome);
        }
    }
    match view.leader {
        None => Step::Lead,
        Some(leader) if run.record.ended_at.is_none() && run.lock_pid == leader => Step::Work,
        Some(_) => Step::Wait,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::state::{CurrentRun, RunRecord, SourceId};

    fn view(leader: Option<i32>, outcome: Option<RunState>) -> View {
        let record = RunRecord {
            id: RunId(7),
            outcome,
            source: SourceId {
                server: "S".into(),
                database: "D".into(),
                guid: None,
            },
            fingerprint: "f".into(),
            host: "h".into(),
            pid: 1,
            started_at: "2026-03-04T05:06:07Z".into(),
            ended_at: outcome.map(|_| "2026-03-04T06:06:07Z".into()),
            report: None,
            objects: None,
        };
        View {
            run: Some(CurrentRun {
                record,
                lock_pid: 40,
                selection: Vec::new(),
                run_name: Some("monday".into()),
            }),
            leader,
        }
    }

    const DONE: Option<RunState> = Some(RunState::Ended(RunOutcome::Done));
    const FAILED: Option<RunState> = Some(RunState::Ended(RunOutcome::Failed));
    const STOPPED: Option<RunState> = Some(RunState::Ended(RunOutcome::Stopped));
    const JOINED: Option<RunId> = Some(RunId(7));

    #[test]
    fn the_first_process_leads_and_others_wait_for_its_run() {
        let nothing = |leader| View { run: None, leader };
        assert_eq!(decide(&nothing(None), None, None), Step::Lead);
        assert_eq!(decide(&nothing(Some(40)), None, None), Step::Wait);
        assert_eq!(decide(&view(Some(40), None), None, None), Step::Work);
        // The recorded run is of an earlier leader.
        assert_eq!(decide(&view(Some(41), None), None, None), Step::Wait);
        assert_eq!(decide(&view(Some(41), DONE), None, None), Step::Wait);
    }

    #[test]
    fn who_worked_for_a_run_ends_with_it_unless_a_signal_stopped_it() {
        for leader in [None, Some(40)] {
            assert_eq!(
                decide(&view(leader, DONE), JOINED, None),
                Step::Ended(RunOutcome::Done)
            );
            assert_eq!(
                decide(&view(leader, FAILED), JOINED, None),
                Step::Ended(RunOutcome::Failed)
            );
        }
        assert_eq!(decide(&view(None, STOPPED), JOINED, None), Step::Lead);
        assert_eq!(
            decide(&view(None, Some(RunState::Died)), JOINED, None),
            Step::Lead
        );
        assert_eq!(decide(&view(None, None), JOINED, None), Step::Lead);
    }

    #[test]
    fn who_comes_late_takes_the_result_of_its_name_but_not_a_failure() {
        let late = |outcome, run_name| decide(&view(None, outcome), None, run_name);
        assert_eq!(late(DONE, Some("monday")), Step::Ended(RunOutcome::Done));
        assert_eq!(late(FAILED, Some("monday")), Step::Lead);
        assert_eq!(late(DONE, Some("tuesday")), Step::Lead);
        assert_eq!(late(DONE, None), Step::Lead);
    }
}
