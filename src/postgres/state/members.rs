//! The processes that share a run: each has a row, and lives as long as its session holds a lock.
//!
//! No clock and no lease decides: the server releases a session's advisory lock when the session ends,
//! however it ends. A row whose lock no session holds is what a process left that died.

use tokio_postgres::Client;

use crate::error::{Error, Kind, Result};
use crate::postgres::fault;
use crate::postgres::state::records::MemberId;
use crate::postgres::state::runs::host_name;
use crate::postgres::state::schema::version;

/// SQL: whether the member lives whose number is in this column. The lock's first half, 1835624306, is
/// `migr` as bytes; the second is the number.
macro_rules! lives {
    ($member:literal) => {
        concat!(
            "EXISTS (SELECT FROM pg_catalog.pg_locks held WHERE held.locktype = 'advisory' \
             AND held.granted AND held.objsubid = 2 AND held.classid = 1835624306 \
             AND held.objid::bigint = ",
            $member,
            " AND held.database = (SELECT oid FROM pg_catalog.pg_database \
             WHERE datname = pg_catalog.current_database()))"
        )
    };
}

pub(super) use lives;

/// The row is seen by others only with its lock, as both are one statement.
const ENTER: &str = "\
WITH entered AS (INSERT INTO _migrate.members (job, leads, host, pid) \
VALUES ($1, $2, $3, $4) RETURNING member_id) \
SELECT member_id, pg_catalog.pg_try_advisory_lock(1835624306, member_id) AS held FROM entered";

const SWEEP: &str = concat!(
    "DELETE FROM _migrate.members m WHERE job = $1 AND NOT ",
    lives!("m.member_id")
);

const LEAVE: &str = "\
WITH gone AS (DELETE FROM _migrate.members WHERE member_id = $1) \
SELECT pg_catalog.pg_advisory_unlock(1835624306, $1)";

const NOTE: &str = "\
UPDATE _migrate.members SET doing = $2, idle = $3 WHERE member_id = $1 \
AND (doing, idle) IS DISTINCT FROM ($2, $3)";

/// The oldest first.
const LIVING: &str = concat!(
    "SELECT member_id, leads, host, pid, doing, idle, \
     pg_catalog.to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS since \
     FROM _migrate.members m WHERE job = $1 AND ",
    lives!("m.member_id"),
    " ORDER BY member_id"
);

/// A process that enters a job.
#[derive(Debug, Clone, Copy)]
pub struct NewMember<'a> {
    pub job: &'a str,
    /// It holds the job lock.
    pub leads: bool,
}

/// A process that shares a run and lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRecord {
    pub id: MemberId,
    pub leads: bool,
    pub host: String,
    pub pid: i32,
    /// RFC 3339, UTC, by the target's clock.
    pub since: String,
    pub doing: String,
    /// Partitions that it could load beside those that it loads.
    pub idle: usize,
}

/// Enters a process into its job, on the session that holds its lock from here on.
pub async fn enter(session: &Client, member: NewMember<'_>) -> Result<MemberId> {
    let failed = |error| fault::from_driver(error, "enter the members of the run");
    session
        .execute(SWEEP, &[&member.job])
        .await
        .map_err(failed)?;
    let row = session
        .query_one(
            ENTER,
            &[
                &member.job,
                &member.leads,
                &host_name(),
                &std::process::id().cast_signed(),
            ],
        )
        .await
        .map_err(failed)?;
    if row.get("held") {
        return Ok(MemberId(row.get("member_id")));
    }
    Err(Error::new(
        Kind::TargetBusy,
        "the lock of a new member of the run is held by another session",
    ))
}

/// Takes the process out of its job, on the same session.
pub async fn leave(session: &Client, member: MemberId) -> Result<()> {
    session
        .execute(LEAVE, &[&member.0])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "leave the members of the run"))
}

/// Notes what the process does, for `status`, and how many partitions more it could load, for those that
/// split theirs.
pub async fn note(client: &Client, member: MemberId, doing: &str, idle: usize) -> Result<()> {
    let idle = i32::try_from(idle).unwrap_or(i32::MAX);
    client
        .execute(NOTE, &[&member.0, &doing, &idle])
        .await
        .map(drop)
        .map_err(|error| fault::from_driver(error, "note what a member does"))
}

/// The processes of a job that live; none in a state of an older version, which `status` does not upgrade.
pub async fn listed_members(client: &Client, job: &str) -> Result<Vec<MemberRecord>> {
    if version(client).await? < 3 {
        return Ok(Vec::new());
    }
    living_members(client, job).await
}

/// The processes of a job that live.
pub async fn living_members(client: &Client, job: &str) -> Result<Vec<MemberRecord>> {
    let rows = client
        .query(LIVING, &[&job])
        .await
        .map_err(|error| fault::from_driver(error, "read the members of the run"))?;
    let members = rows.iter().map(|row| MemberRecord {
        id: MemberId(row.get("member_id")),
        leads: row.get("leads"),
        host: row.get("host"),
        pid: row.get("pid"),
        since: row.get("since"),
        doing: row.get("doing"),
        idle: usize::try_from(row.get::<_, i32>("idle")).unwrap_or(0),
    });
    Ok(members.collect())
}
