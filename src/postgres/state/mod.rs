//! What the target records of a job: the schema `_migrate`.
//!
//! Invariant: no secret and no cell is kept here, except the key values where a partition continues
//! and the rows in `_migrate.rejects`.

mod checkpoint;
mod drift;
mod group;
mod live;
mod members;
mod records;
mod rejects;
mod runs;
mod schema;
mod sharing;
mod split;
mod suspended;
mod tables;

pub(super) use crate::postgres::state::checkpoint::{Checkpoint, Claim, ClaimToken, claim, record};
pub use crate::postgres::state::drift::{TargetDrift, drop_crashed, forget, target_drift};
pub(super) use crate::postgres::state::group::Keys;
pub use crate::postgres::state::group::{NewTable, reopen_all, save_plans};
pub use crate::postgres::state::live::{LiveRecord, note_live, recent_live, retract_live};
pub use crate::postgres::state::members::{
    MemberRecord, NewMember, enter, leave, listed_members, living_members, note,
};
pub use crate::postgres::state::records::{
    Claimant, MemberId, PartitionProgress, PartitionRecord, PartitionState, RunId, TableKey,
    TableRecord, TableStage,
};
pub(super) use crate::postgres::state::records::{REPLACED, not_as_recorded};
pub(super) use crate::postgres::state::rejects::write as write_rejects;
pub use crate::postgres::state::rejects::{RejectQuery, RejectRecord, count_rejects, list_rejects};
pub use crate::postgres::state::runs::{
    CurrentRun, NewRun, Origin, RunEnd, RunFence, RunRecord, SourceId, current_run, end_run,
    last_run, origins, set_lock_pid, start_run,
};
pub(super) use crate::postgres::state::runs::{must_be_latest, register};
pub(super) use crate::postgres::state::schema::SCHEMA_LOCK;
pub use crate::postgres::state::schema::{install, is_installed};
pub use crate::postgres::state::sharing::{
    GiveBack, OpenTable, SharedPartition, give_all_back, give_back, open_tables, shared_partitions,
    take_next, unfinished_partitions,
};
pub use crate::postgres::state::split::pending;
pub(super) use crate::postgres::state::split::split;
pub use crate::postgres::state::suspended::{SuspendedConstraint, suspended_constraints};
pub(super) use crate::postgres::state::suspended::{
    forget_all_suspended, forget_suspended, record_suspended,
};
pub(super) use crate::postgres::state::tables::wipe;
pub use crate::postgres::state::tables::{
    LeftoverTables, load, load_one, reopen, rows_would_come_twice, save_plan, set_cause,
    set_failed, set_loaded,
};
