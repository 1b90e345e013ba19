//! Tables of the job that were changed by hand in the target, and what follows from that.

use std::collections::HashMap;

use crate::config::job::Mode;
use crate::error::{Error, Kind, Result};
use crate::pipeline::context::{Run, UnreadyTable};
use crate::pipeline::run::resume::JobState;
use crate::plan::table::TablePlan;
use crate::postgres::pool::Lease;
use crate::postgres::state::{self, TableKey, TargetDrift};

/// Looks at the tables that earlier runs made or filled. One that was dropped is loaded again if the
/// job makes its tables, because then nothing of it is left that could be doubled or lost; any other
/// that is not what it was fails, because only its owner knows what was meant.
///
/// Returns the plans of the tables to load, and the tables that fail.
///
/// # Errors
/// The target could not be asked.
pub async fn check(
    run: &Run,
    plans: &[TablePlan],
    state: &mut JobState,
) -> Result<(Vec<TablePlan>, Vec<UnreadyTable>)> {
    if state.records.is_empty() {
        return Ok((plans.to_vec(), Vec::new()));
    }
    let found = run.on_target(|target| async move { find_drift(run, &target).await });
    let found = found.await?;
    let (mut wanted, mut drifted) = (Vec::new(), Vec::new());
    for plan in plans {
        let name = plan.full_name();
        let drift = found.get(&name).unwrap_or(&TargetDrift::None);
        if let Some(error) = refusal(drift, run.job.transfer.mode) {
            let error = error.at_table(&name);
            tracing::error!(%error, "a table was changed by hand");
            drifted.push(UnreadyTable {
                plan: plan.clone(),
                error,
            });
            continue;
        }
        if *drift == TargetDrift::Crashed {
            tracing::warn!(
                table = name,
                "PostgreSQL crashed and emptied the UNLOGGED table: it is loaded again"
            );
            drop_crashed(run, state, plan).await?;
            state.records.remove(&name);
            state.emptied.insert(name);
        } else if *drift == TargetDrift::Missing {
            tracing::warn!(
                table = name,
                "the table was dropped since it was loaded: it is loaded again"
            );
            forget(run, plan).await?;
            state.records.remove(&name);
            // With it went its foreign keys, and by CASCADE others' keys and views.
            state.objects_complete = false;
        }
        wanted.push(plan.clone());
    }
    Ok((wanted, drifted))
}

/// By the table's full name.
async fn find_drift(run: &Run, target: &Lease) -> Result<HashMap<String, TargetDrift>> {
    let found = state::target_drift(target, &run.job.name).await?;
    let by_name = found.into_iter();
    Ok(by_name
        .map(|(key, drift)| (key.full_name(), drift))
        .collect())
}

async fn forget(run: &Run, plan: &TablePlan) -> Result<()> {
    let key = &TableKey::for_plan(&run.job.name, plan);
    run.on_target(|mut target| async move { state::forget(&mut target, key, run.id).await })
        .await
}

/// Drops the table as it was made: the plan of this run may give it another name.
async fn drop_crashed(run: &Run, state: &JobState, plan: &TablePlan) -> Result<()> {
    let key = TableKey::for_plan(&run.job.name, plan);
    let made = state.records.get(&plan.full_name());
    let made = made.map_or(&plan.target, |record| &record.plan.target);
    let mut target = run.target.acquire().await?;
    state::drop_crashed(&mut target, &key, made, run.id).await
}

/// Why the run must not touch the table; `None` if it may continue with it, or load it again.
fn refusal(drift: &TargetDrift, mode: Mode) -> Option<Error> {
    let (what, advice) = match drift {
        // Another mode than that which made the table is refused as a change of the job.
        TargetDrift::None | TargetDrift::Crashed => return None,
        TargetDrift::Missing if matches!(mode, Mode::Create | Mode::Replace) => return None,
        TargetDrift::Missing => (
            "the table that was loaded is gone, and this mode makes no tables".to_owned(),
            "make it again, then start over with --restart.",
        ),
        TargetDrift::Renamed(name) => (
            format!("the table that was loaded is now called {name}"),
            "rename it back, or drop it to have it loaded again.",
        ),
        TargetDrift::Replaced => (
            "another table is in place of the one that was loaded".to_owned(),
            "put the loaded one back, or drop this one to have it loaded again.",
        ),
        TargetDrift::Emptied => (
            "the table held rows and is empty now".to_owned(),
            if matches!(mode, Mode::Create | Mode::Replace) {
                "drop it to have it loaded again."
            } else {
                "only starting over with --restart loads it again."
            },
        ),
    };
    Some(Error::new(Kind::Checkpoint, what).advise(advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_gone_as_a_whole_is_loaded_again() {
        for mode in [Mode::Create, Mode::Replace, Mode::Truncate, Mode::Append] {
            assert!(refusal(&TargetDrift::None, mode).is_none());
            assert!(refusal(&TargetDrift::Crashed, mode).is_none());
            let makes = matches!(mode, Mode::Create | Mode::Replace);
            assert_eq!(
                refusal(&TargetDrift::Missing, mode).is_none(),
                makes,
                "{mode:?}"
            );
            for drift in [
                TargetDrift::Renamed("public.old".into()),
                TargetDrift::Replaced,
                TargetDrift::Emptied,
            ] {
                let error = refusal(&drift, mode).expect("a refusal");
                assert_eq!(error.kind(), Kind::Checkpoint);
            }
        }
    }
}
