//! What stands beside or between tables: collations, domains and sequences before the load; foreign
//! keys, what was set aside, the sequences' next values and views behind it.

use std::collections::{HashMap, HashSet};

use futures::stream::{self, StreamExt};

use crate::config::job::Mode;
use crate::error::{Error, Kind, Result};
use crate::pipeline::context::Run;
use crate::pipeline::load::finish as finishing;
use crate::pipeline::retry::retry_to_completion;
use crate::pipeline::run::resume::{JobState, by_table_name, drop_views};
use crate::pipeline::run::views::{make_view, unmade_view};
use crate::pipeline::shutdown::{Ended, STOP_GRACE, finish_within_grace};
use crate::plan::build::Planned;
use crate::plan::fingerprint::fingerprint;
use crate::plan::object::ForeignKeyPlan;
use crate::plan::table::TablePlan;
use crate::postgres::finish;
use crate::postgres::objects::{self as shore, TableContext};
use crate::postgres::state::{self, SuspendedConstraint, TableKey, TableRecord, TableStage};
use crate::report::Omission;
use crate::report::table::chain;

/// Makes what tables need before they are made, and sets aside what would refuse their rows.
///
/// # Errors
/// The first: without them no table can be made.
pub async fn prepare(run: &Run, planned: &Planned, recorded: &JobState) -> Result<()> {
    let retry = &run.job.transfer.retry;
    for collation in &planned.collations {
        retry_to_completion(retry, &run.cancel, || async {
            shore::make_collation(&mut *run.target.acquire().await?, run.fence(), collation).await
        })
        .await?;
    }
    let makes_tables = matches!(run.job.transfer.mode, Mode::Create | Mode::Replace);
    for domain in planned.domains.iter().filter(|_| makes_tables) {
        retry_to_completion(retry, &run.cancel, || async {
            shore::make_domain(&mut *run.target.acquire().await?, run.fence(), domain).await
        })
        .await?;
    }
    for sequence in &planned.sequences {
        retry_to_completion(retry, &run.cancel, || async {
            shore::make_sequence(&mut *run.target.acquire().await?, run.fence(), sequence).await
        })
        .await?;
    }
    match run.job.transfer.mode {
        Mode::Create => Ok(()),
        Mode::Replace => release(run, planned, recorded).await,
        Mode::Truncate | Mode::Append => set_aside(run, planned, recorded).await,
    }
}

/// Foreign keys among the tables that are to be replaced, and views on them, would keep each from
/// being dropped alone.
async fn release(run: &Run, planned: &Planned, recorded: &JobState) -> Result<()> {
    let made = |plan: &&TablePlan| {
        let record = recorded.records.get(&plan.full_name());
        record.is_none_or(|record| !record.created)
    };
    let replaced: Vec<_> = planned.tables.iter().filter(made).cloned().collect();
    if replaced.is_empty() {
        return Ok(());
    }
    retry_to_completion(&run.job.transfer.retry, &run.cancel, || async {
        let mut target = run.target.acquire().await?;
        drop_views(&mut target, run.fence(), &planned.views).await?;
        shore::drop_keys_between(&mut target, run.fence(), &replaced).await
    })
    .await
}

async fn set_aside(run: &Run, planned: &Planned, recorded: &JobState) -> Result<()> {
    let retry = &run.job.transfer.retry;
    let done = |name: &str| {
        let record = recorded.records.get(name);
        record.is_some_and(|record| record.state == TableStage::Done)
    };
    for plan in &planned.tables {
        let plan = in_the_way(plan, done);
        if plan.objects.foreign_keys.is_empty() && plan.objects.checks.is_empty() {
            continue;
        }
        retry_to_completion(retry, &run.cancel, || async {
            shore::suspend(&mut *run.target.acquire().await?, run.fence(), &plan).await
        })
        .await?;
    }
    Ok(())
}

/// The plan with no more constraints than rows that are still to come can meet: a table that is
/// done gets none, but the tables that it refers to may.
fn in_the_way(plan: &TablePlan, done: impl Fn(&str) -> bool) -> TablePlan {
    let mut plan = plan.clone();
    if done(&plan.full_name()) {
        let keys = &mut plan.objects.foreign_keys;
        keys.retain(|key| !done(&key.referenced_source));
        plan.objects.checks.clear();
    }
    plan
}

/// What could not be made, by the full name of its table.
pub type Failures = HashMap<String, Vec<Error>>;

/// What came of the objects behind the load.
#[derive(Default)]
pub struct Completed {
    /// By the full name of the table whose indexes or constraints could not be made.
    pub failures: Failures,
    /// What waits for something that is not there.
    pub omissions: Vec<Omission>,
    /// What a reader of the report must know, by the full name of the table.
    pub notes: Vec<(String, String)>,
    /// A signal came first; the same command makes the rest.
    pub stopped: bool,
}

/// Makes what is missing of all tables that are done, foreign keys last, puts back what was set
/// aside, continues sequences, and makes views. `failures` are those of tables that were finished just
/// now.
///
/// # Errors
/// What concerns no table: the state cannot be read, a sequence cannot be set.
pub async fn complete(
    run: &Run,
    planned: &Planned,
    before: &JobState,
    failures: Failures,
) -> Result<Completed> {
    let work = complete_all(run, planned, before, failures);
    let outcome = match finish_within_grace(&run.target, &run.cancel, STOP_GRACE, work).await {
        Ended::Whole(outcome) => outcome,
        // What its statements say then is no failure of theirs.
        Ended::Cancelled(_) => Err(Error::new(
            Kind::Stopped,
            "stopped while foreign keys and views were made",
        )),
    };
    match outcome {
        Err(error) if error.kind() == Kind::Stopped || run.cancel.is_cancelled() => {
            tracing::debug!(%error, "not finished; the next run continues");
            Ok(Completed {
                stopped: true,
                ..Completed::default()
            })
        }
        other => other,
    }
}

async fn complete_all(
    run: &Run,
    planned: &Planned,
    before: &JobState,
    failures: Failures,
) -> Result<Completed> {
    let retry = &run.job.transfer.retry;
    let records = retry_to_completion(retry, &run.cancel, || async {
        state::load(&*run.target.acquire().await?, &run.job.name).await
    })
    .await?;
    let mut completed = Completed {
        failures,
        ..Completed::default()
    };
    let tables = tables(
        planned,
        by_table_name(records),
        before,
        &mut completed.omissions,
    );
    make_all(run, &tables, &mut completed).await?;
    add_all(run, &tables, &mut completed).await?;
    validate_all(run, &tables, &mut completed).await?;
    put_back_all(run, &tables, &mut completed).await?;
    record(run, &tables, &completed).await?;
    collisions(run, &tables, &mut completed).await?;
    for sequence in &planned.sequences {
        retry_to_completion(retry, &run.cancel, || async {
            let mut target = run.target.acquire().await?;
            shore::continue_sequence(&mut target, run.fence(), sequence).await
        })
        .await?;
    }
    for view in &planned.views {
        if let Err(error) = make_view(run, view).await? {
            completed.omissions.push(unmade_view(view, &error));
        }
    }
    Ok(completed)
}

/// Identities go on where the source's stand; rows beyond them, put there with IDENTITY_INSERT, are
/// said.
async fn collisions(run: &Run, tables: &[Ready], completed: &mut Completed) -> Result<()> {
    for table in tables {
        let found = retry_to_completion(&run.job.transfer.retry, &run.cancel, || async {
            finish::collisions(&*run.target.acquire().await?, &table.plan).await
        })
        .await?;
        for one in found {
            let note = format!(
                "identity {}: the next value is {}, as at the source, and the table holds values as far as {}: an INSERT that is given one of those fails; renumber those rows, or go on beyond them with SELECT setval('{}', {})",
                one.column,
                one.next,
                one.furthest,
                one.sequence.replace('\'', "''"),
                one.furthest
            );
            completed.notes.push((table.key_name.clone(), note));
        }
    }
    Ok(())
}

/// A table that is done, with the foreign keys whose other end is done too.
struct Ready {
    key_name: String,
    plan: TablePlan,
    keys: Vec<ForeignKeyPlan>,
    /// It was done before this run, which may plan more indexes and checks than the one that
    /// finished it.
    again: bool,
    /// The state holds a cause of an earlier run.
    had_error: bool,
}

/// Tables as planned now, and tables that only an earlier run had in hand as planned then: a
/// foreign key may wait for a table that `--table` named later.
fn tables(
    planned: &Planned,
    records: HashMap<String, TableRecord>,
    before: &JobState,
    omissions: &mut Vec<Omission>,
) -> Vec<Ready> {
    let done: HashSet<String> = records
        .iter()
        .filter(|(_, record)| record.state == TableStage::Done)
        .map(|(name, _)| name.clone())
        .collect();
    let mut tables = Vec::new();
    let by_name = TablePlan::by_name(&planned.tables);
    for (name, record) in records {
        if !done.contains(&name) {
            continue;
        }
        let now = by_name.get(&name).copied();
        let former = before.records.get(&name);
        let mut again = now.is_some() && former.is_some_and(|it| it.state == TableStage::Done);
        if let Some(plan) = now.filter(|plan| again && fingerprint(plan) != record.fingerprint) {
            again = false;
            omissions.push(reshaped(plan));
        }
        let plan = now.cloned().unwrap_or(record.plan);
        let all = plan.objects.foreign_keys.iter();
        let (keys, waiting): (Vec<_>, Vec<_>) = all
            .cloned()
            .partition(|key| done.contains(&key.referenced_source));
        omissions.extend(waiting.iter().map(|key| Omission {
            table: name.clone(),
            object: format!("foreign key {}", key.source),
            reason: format!(
                "{} is not done: the run that completes it makes the key",
                key.referenced_source
            ),
            text: None,
        }));
        tables.push(Ready {
            key_name: name,
            plan,
            keys,
            again,
            had_error: record.error.is_some(),
        });
    }
    tables.sort_by(|one, other| one.key_name.cmp(&other.key_name));
    tables
}

/// A table that is done stays as it was loaded, and new columns are not there for new indexes.
fn reshaped(now: &TablePlan) -> Omission {
    Omission {
        table: now.full_name(),
        object: "the table as it is at the source now".to_owned(),
        reason: "its columns were changed since it was loaded, and it stays as it was then: \
                 --restart loads it again"
            .to_owned(),
        text: None,
    }
}

/// Tables side by side, as when they are finished; what is there is taken over.
async fn make_all(run: &Run, tables: &[Ready], completed: &mut Completed) -> Result<()> {
    let outcomes = stream::iter(tables.iter().filter(|table| table.again))
        .map(|table| async move { (table, make_missing(run, table).await) })
        .buffer_unordered(run.job.target.pool.max_connections)
        .collect::<Vec<_>>()
        .await;
    for (table, outcome) in outcomes {
        keep_all(outcome, table, completed)?;
    }
    Ok(())
}

async fn make_missing(run: &Run, table: &Ready) -> Result<Vec<Error>> {
    let of_table = TableKey::for_plan(&run.job.name, &table.plan);
    let of = of(run, &of_table, &table.plan);
    retry_to_completion(&run.job.transfer.retry, &run.cancel, || {
        finishing::make_missing(run, &of)
    })
    .await
}

/// One after the other: each locks two tables, and two keys that cross would wait for each other.
async fn add_all(run: &Run, tables: &[Ready], completed: &mut Completed) -> Result<()> {
    for table in tables {
        for key in &table.keys {
            let added = retry_to_completion(&run.job.transfer.retry, &run.cancel, || async {
                let of_table = TableKey::for_plan(&run.job.name, &table.plan);
                let of = of(run, &of_table, &table.plan);
                shore::add_foreign_key(&mut *run.target.acquire().await?, &of, key).await
            })
            .await;
            let added = finishing::or_unmade(run, added, &table.plan, &key.source);
            let added = added.map(|unmade| unmade.into_iter().collect());
            keep_all(added, table, completed)?;
        }
    }
    Ok(())
}

/// Tables side by side; the keys of one in turn, because a validation locks out another one of the
/// same table.
async fn validate_all(run: &Run, tables: &[Ready], completed: &mut Completed) -> Result<()> {
    let outcomes = stream::iter(tables)
        .map(|table| async move { (table, validate_keys(run, table).await) })
        .buffer_unordered(run.job.target.pool.max_connections)
        .collect::<Vec<_>>()
        .await;
    for (table, outcome) in outcomes {
        keep_all(outcome, table, completed)?;
    }
    Ok(())
}

/// Those that were added; gives those that the rows do not meet.
async fn validate_keys(run: &Run, table: &Ready) -> Result<Vec<Error>> {
    let mut unmade = Vec::new();
    for key in table.keys.iter().filter(|key| key.valid) {
        let validated = retry_to_completion(&run.job.transfer.retry, &run.cancel, || async {
            let of_table = TableKey::for_plan(&run.job.name, &table.plan);
            let of = of(run, &of_table, &table.plan);
            shore::validate_foreign_key(&mut *run.target.acquire().await?, &of, key).await
        })
        .await;
        unmade.extend(finishing::or_unmade(
            run,
            validated,
            &table.plan,
            &key.source,
        )?);
    }
    Ok(unmade)
}

fn of<'a>(run: &Run, table: &'a TableKey, plan: &'a TablePlan) -> TableContext<'a> {
    TableContext {
        table,
        run: run.id,
        plan,
    }
}

/// Puts back what was set aside, from what was kept of it: the plan may not have it any more. What
/// must stay off is listed.
async fn put_back_all(run: &Run, tables: &[Ready], completed: &mut Completed) -> Result<()> {
    let retry = &run.job.transfer.retry;
    let suspended_constraints = retry_to_completion(retry, &run.cancel, || async {
        state::suspended_constraints(&*run.target.acquire().await?, &run.job.name).await
    })
    .await?;
    let done = |name: &str| tables.iter().find(|table| table.key_name == name);
    for aside in &suspended_constraints {
        let own = done(&aside.full_name());
        let other = aside.refers_to.as_deref();
        match own.filter(|_| other.is_none_or(|other| done(other).is_some())) {
            Some(table) => {
                let put = retry_to_completion(retry, &run.cancel, || async {
                    let of_table = TableKey::for_plan(&run.job.name, &table.plan);
                    let of = of(run, &of_table, &table.plan);
                    shore::restore(&mut *run.target.acquire().await?, &of, aside).await
                })
                .await;
                keep_all(put.map(|()| Vec::new()), table, completed)?;
            }
            // Listed as a key that waits for its other end.
            None if own.is_some_and(|table| waits(table, aside)) => {}
            _ => {
                let off = retry_to_completion(retry, &run.cancel, || async {
                    shore::is_suspended(&mut *run.target.acquire().await?, run.fence(), aside).await
                });
                if off.await? {
                    completed.omissions.push(unmade(aside));
                }
            }
        }
    }
    Ok(())
}

fn waits(table: &Ready, aside: &SuspendedConstraint) -> bool {
    let mut planned = table.plan.objects.foreign_keys.iter();
    planned.any(|key| key.name == aside.name)
}

fn unmade(aside: &SuspendedConstraint) -> Omission {
    let until = match aside.restore_after_load {
        true => "it was set aside for the load, and the run that completes the tables puts it back",
        false => "it was dropped for the table to be replaced, which has not happened",
    };
    Omission {
        table: aside.full_name(),
        object: format!("constraint {}", aside.name),
        reason: format!("{until}; by hand: {}", shore::restore_statement(aside)),
        text: None,
    }
}

/// A stop ends the step; any other error is its table's.
fn keep_all(outcome: Result<Vec<Error>>, table: &Ready, completed: &mut Completed) -> Result<()> {
    let errors = match outcome {
        Ok(errors) => errors,
        Err(error) if matches!(error.kind(), Kind::Stopped | Kind::JobHeld) => return Err(error),
        Err(error) => {
            tracing::error!(kind = ?error.kind(), %error, "an index or constraint could not be made");
            vec![error]
        }
    };
    if !errors.is_empty() {
        let failures = completed.failures.entry(table.key_name.clone());
        failures.or_default().extend(errors);
    }
    Ok(())
}

/// All that a table lacks, as one error.
pub fn lacks(mut errors: Vec<Error>) -> Error {
    if errors.len() == 1 {
        return errors.remove(0);
    }
    let kind = errors.first().map_or(Kind::Internal, Error::kind);
    let mut text = format!("{} objects could not be made:", errors.len());
    for error in &errors {
        let causes = chain(error).into_iter();
        let causes: String = causes.map(|cause| format!(": {cause}")).collect();
        text.push_str(&format!("\n  - {}{causes}", error.message()));
    }
    Error::new(kind, text)
}

/// Keeps the cause with the state of a table that lacks something, or forgets it.
async fn record(run: &Run, tables: &[Ready], completed: &Completed) -> Result<()> {
    for table in tables {
        let cause = completed.failures.get(&table.key_name);
        if cause.is_none() && !table.had_error {
            continue;
        }
        let text = cause.map(|errors| {
            let texts = errors.iter().map(ToString::to_string);
            texts.collect::<Vec<_>>().join("\n")
        });
        retry_to_completion(&run.job.transfer.retry, &run.cancel, || async {
            let key = TableKey::for_plan(&run.job.name, &table.plan);
            let lease = run.target.acquire().await?;
            state::set_cause(&lease, &key, text.as_deref()).await
        })
        .await?;
    }
    Ok(())
}
