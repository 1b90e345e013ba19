//! The checkpoint of a partition: claimed by one writer, advanced with the rows.

use tokio_postgres::Client;

use crate::error::{Error, Kind, Result};
use crate::plan::table::Slice;
use crate::postgres::fault;
use crate::postgres::state::members::lives;
use crate::postgres::state::records::{
    ANOTHER_WRITER, Claimant, PartitionProgress, PartitionState, TableKey, from_json,
    not_as_recorded, stored, to_json,
};
use crate::postgres::state::rejects::RejectSource;
use crate::postgres::state::runs::must_be_latest;
use crate::postgres::state::tables::progress;

/// Waits for a writer that is about to commit, then makes the guard of every older one fail. Runs begin
/// under the job lock, so a younger one means that this one has lost it. What another process of the run
/// holds is left to it while that process lives.
const CLAIM: &str = concat!(
    "UPDATE _migrate.partitions p SET state = 'running', claimed_by = $5, attempt = attempt + 1, \
     member = $6, updated_at = pg_catalog.now() \
     WHERE job = $1 AND source_schema = $2 AND source_table = $3 AND partition = $4 \
     AND (state = 'pending' OR state = 'running' AND CASE WHEN member IS NOT DISTINCT FROM $6 THEN true \
     WHEN member IS NULL THEN claimed_by < $5 ELSE NOT ",
    lives!("p.member"),
    " END) AND EXISTS (SELECT 1 FROM _migrate.tables t WHERE t.job = p.job \
     AND t.source_schema = p.source_schema AND t.source_table = p.source_table AND t.state = 'created') \
     AND NOT EXISTS (SELECT 1 FROM _migrate.runs r WHERE r.job = p.job AND r.run_id > $5) \
     RETURNING attempt, commits, slice::text, rows, bytes, last_key::text, checksum::text, \
     changed_values, changed_columns::text, hashed_rows"
);

/// Why a claim was not granted.
const HELD: &str = "\
SELECT p.state, t.state = 'created' AS loads FROM _migrate.partitions p \
JOIN _migrate.tables t USING (job, source_schema, source_table) \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 AND partition = $4";

const RECORD: &str = "\
UPDATE _migrate.partitions SET rows = $8, bytes = $9, last_key = $10::text::json, \
checksum = $11::text::numeric, changed_values = $12, state = $13, seconds = seconds + $14, \
commits = commits + 1, changed_columns = $15::text::jsonb, hashed_rows = $16, updated_at = pg_catalog.now() \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 AND partition = $4 \
AND claimed_by = $5 AND attempt = $6 AND commits = $7 AND state = 'running' \
AND member IS NOT DISTINCT FROM $17";

/// What a claim found.
pub(in crate::postgres) enum Claim {
    /// The partition is this writer's: what it covers, and what is committed of it.
    Granted(ClaimToken, Slice, PartitionProgress),
    AlreadyDone,
    /// Another process of the run holds it.
    Elsewhere,
}

/// Proves that its holder is the partition's latest writer and knows its latest commit.
#[derive(Debug, Clone)]
pub(in crate::postgres) struct ClaimToken {
    pub(super) partition: u32,
    pub(super) claimant: Claimant,
    pub(super) attempt: i64,
    pub(super) commits: i64,
}

impl ClaimToken {
    /// Whose rejected rows its holder writes.
    pub(in crate::postgres) fn reject_source<'a>(
        &self,
        table: &'a TableKey,
    ) -> Result<RejectSource<'a>> {
        Ok(RejectSource {
            table,
            run: self.claimant.run,
            partition: number(self.partition)?,
        })
    }
}

/// Takes a partition, whichever writer had it before, unless that is another living process of the run.
pub(in crate::postgres) async fn claim(
    client: &Client,
    table: &TableKey,
    partition: u32,
    claimant: Claimant,
) -> Result<Claim> {
    let failed = |error| fault::from_driver(error, "claim the partition");
    let number = number(partition)?;
    let row = client
        .query_opt(
            CLAIM,
            &[
                &table.job,
                &table.schema,
                &table.name,
                &number,
                &claimant.run.0,
                &claimant.member_number(),
            ],
        )
        .await
        .map_err(failed)?;
    if let Some(row) = row {
        let token = ClaimToken {
            partition,
            claimant,
            attempt: row.get("attempt"),
            commits: row.get("commits"),
        };
        let slice = from_json(row.get("slice"), "a partition's range")?;
        return Ok(Claim::Granted(token, slice, progress(&row)?));
    }
    not_granted(client, table, number, claimant).await
}

/// What keeps the claimant from a partition.
async fn not_granted(
    client: &Client,
    table: &TableKey,
    partition: i32,
    claimant: Claimant,
) -> Result<Claim> {
    let asked = client
        .query_opt(HELD, &[&table.job, &table.schema, &table.name, &partition])
        .await
        .map_err(|error| fault::from_driver(error, "read the state of the partition"))?;
    if let Some(row) = &asked
        && PartitionState::parse(row.get("state"))? == PartitionState::Done
    {
        return Ok(Claim::AlreadyDone);
    }
    must_be_latest(client, &table.job, claimant.run).await?;
    match asked {
        Some(row) if row.get("loads") => Ok(Claim::Elsewhere),
        Some(_) => Err(not_as_recorded(
            "the table is not in the state `created`, so none of its partitions can be loaded",
        )),
        None => Err(not_as_recorded("the partition is not recorded")),
    }
}

/// What a commit records of a partition.
pub(in crate::postgres) struct Checkpoint<'a> {
    pub(in crate::postgres) progress: &'a PartitionProgress,
    pub(in crate::postgres) state: PartitionState,
    /// Time since the claim or the last commit.
    pub(in crate::postgres) seconds: f64,
}

/// Advances a checkpoint, within the transaction that carries the rows. [`Kind::Checkpoint`] if another
/// writer has taken the partition meanwhile: nothing may be committed then.
pub(in crate::postgres) async fn record(
    client: &Client,
    table: &TableKey,
    token: &mut ClaimToken,
    checkpoint: Checkpoint<'_>,
) -> Result<()> {
    let Checkpoint {
        progress,
        state,
        seconds,
    } = checkpoint;
    let key = progress.last_key.as_ref().map(to_json).transpose()?;
    let changed = client
        .execute(
            RECORD,
            &[
                &table.job,
                &table.schema,
                &table.name,
                &number(token.partition)?,
                &token.claimant.run.0,
                &token.attempt,
                &token.commits,
                &stored(progress.rows)?,
                &stored(progress.bytes)?,
                &key,
                &progress.checksum.to_string(),
                &stored(progress.changed_values)?,
                &state.word(),
                &seconds,
                &to_json(&progress.changed_columns)?,
                &stored(progress.hashed_rows)?,
                &token.claimant.member_number(),
            ],
        )
        .await
        .map_err(|error| fault::from_driver(error, "record the checkpoint"))?;
    if changed != 1 {
        return Err(Error::new(
            Kind::Checkpoint,
            "another writer has taken over the partition: what this one sent is not committed",
        )
        .advise(ANOTHER_WRITER));
    }
    token.commits += 1;
    Ok(())
}

pub(super) fn number(partition: u32) -> Result<i32> {
    i32::try_from(partition).map_err(|error| {
        Error::new(Kind::Internal, "a partition's number exceeds 2^31").because(error)
    })
}
