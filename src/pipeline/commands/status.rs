//! What the target's state tables say of a job.
//!
//! A run without a recorded end is running if a process holds the job's lock, and died otherwise.
//! That is asked before the run's record is read, so a run that ends in between shows as ended.

use crate::config::job::Job;
use crate::error::Result;
use crate::pipeline::connections::open_target;
use crate::pipeline::retry::retry_before_load;
use crate::postgres::lock;
use crate::postgres::pool::TargetPool;
use crate::postgres::state::{self, LiveRecord, MemberRecord, PartitionState, TableRecord};
use crate::report::status::{
    LiveProcess, MemberStatus, RunState, RunStatus, StatusReport, TableStatus,
};

/// Reads what the target's state tables say of the job.
///
/// # Errors
/// The target cannot be asked, or its state cannot be read.
pub async fn status(job: &Job) -> Result<StatusReport> {
    let watch = StatusWatch::open(job).await?;
    let read = watch.look(job).await;
    watch.close().await;
    read
}

/// Looks at a job again and again, over connections that stay open.
pub struct StatusWatch {
    target: TargetPool,
}

impl StatusWatch {
    /// Connects to the target.
    ///
    /// # Errors
    /// The target cannot be reached.
    pub async fn open(job: &Job) -> Result<Self> {
        let target = open_target(job).await?;
        Ok(Self { target })
    }

    /// What is recorded now.
    ///
    /// # Errors
    /// As [`status`].
    pub async fn look(&self, job: &Job) -> Result<StatusReport> {
        read_status(job, &self.target).await
    }

    /// As [`Self::look`], with the retries of a first contact: a target that restarts does not end a watch.
    ///
    /// # Errors
    /// As [`status`], once `transfer.retry.at_start` has passed.
    pub async fn look_patiently(&self, job: &Job) -> Result<StatusReport> {
        retry_before_load(&job.transfer.retry, || self.look(job)).await
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.target.close().await;
    }
}

async fn read_status(job: &Job, target: &TargetPool) -> Result<StatusReport> {
    let lease = target.acquire().await?;
    let mut report = StatusReport {
        job: job.name.clone(),
        run: None,
        held_by: None,
        members: Vec::new(),
        live: Vec::new(),
    };
    if !state::is_installed(&lease).await? {
        return Ok(report);
    }
    report.held_by = lock::holder(&lease, &job.name).await?;
    let members = state::listed_members(&lease, &job.name).await?;
    report.members = members.into_iter().map(member_status).collect();
    let Some(last) = state::last_run(&lease, &job.name).await? else {
        return Ok(report);
    };
    let records = state::load(&lease, &job.name).await?;
    let mut rejects = state::count_rejects(&lease, &job.name).await?;
    let state = match (last.outcome, &report.held_by) {
        (Some(outcome), _) => outcome,
        (None, Some(_)) => RunState::Running,
        (None, None) => RunState::Died,
    };
    if state == RunState::Running {
        let live = state::recent_live(&lease, &job.name).await?;
        report.live = live.into_iter().map(live_process).collect();
    }
    let mut run = RunStatus {
        run_id: last.id.0.to_string(),
        state,
        started: last.started_at,
        ended: last.ended_at,
        rows: 0,
        expected_rows: 0,
        rows_per_second: None,
        seconds_left: None,
        tables: records
            .into_iter()
            .map(|record| {
                let rejected = rejects.remove(&record.plan.full_name());
                table_status(record, rejected.unwrap_or(0))
            })
            .collect(),
    };
    run.sum_up(&report.live);
    report.run = Some(run);
    Ok(report)
}

/// What a process of another version notes may lack fields, or have them in another form: it is shown
/// without them.
fn live_process(record: LiveRecord) -> LiveProcess {
    LiveProcess {
        host: record.host,
        pid: record.pid,
        state: serde_json::from_value(record.state).unwrap_or_default(),
    }
}

fn member_status(member: MemberRecord) -> MemberStatus {
    MemberStatus {
        host: member.host,
        pid: member.pid,
        since: member.since,
        leads: member.leads,
        doing: member.doing,
    }
}

/// Rows and bytes are those of the partitions' checkpoints, so they grow while the table is loaded.
fn table_status(record: TableRecord, rejected_rows: u64) -> TableStatus {
    let count = |parts: usize| u32::try_from(parts).unwrap_or(u32::MAX);
    let done = record
        .partitions
        .iter()
        .filter(|part| part.state == PartitionState::Done)
        .count();
    TableStatus {
        table: record.plan.full_name(),
        state: record.state.word(),
        rows: record
            .partitions
            .iter()
            .map(|part| part.progress.rows)
            .sum(),
        bytes: record
            .partitions
            .iter()
            .map(|part| part.progress.bytes)
            .sum(),
        expected_rows: record.plan.estimated_rows,
        rows_per_second: None,
        seconds_left: None,
        finishing: false,
        rejected_rows,
        partitions_done: count(done),
        partitions: count(record.partitions.len()),
        cause: record.error,
    }
}
