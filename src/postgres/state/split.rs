//! Cuts a partition that is claimed: its range shrinks and the rest becomes new partitions, in one
//! transaction.

use tokio_postgres::{Client, Transaction};

use crate::error::{Error, Kind, Result};
use crate::plan::table::Slice;
use crate::postgres::fault;
use crate::postgres::state::checkpoint::ClaimToken;
use crate::postgres::state::checkpoint::number;
use crate::postgres::state::records::{
    ANOTHER_WRITER, PartitionState, TableKey, to_json, unreadable,
};
use crate::postgres::state::runs::RunFence;

/// One split of a table at a time, for the numbers that it gives out. No stronger: COPYs that
/// reject rows hold a foreign key's lock on the record until they commit.
const LOCK: &str = "\
SELECT state FROM _migrate.tables \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 FOR NO KEY UPDATE";

/// Only by the newest claim, that knows the newest commit: what it read back then is what it cuts.
const SHRINK: &str = "\
UPDATE _migrate.partitions SET slice = $8::text::json, commits = commits + 1, \
updated_at = pg_catalog.now() \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 AND partition = $4 \
AND claimed_by = $5 AND attempt = $6 AND commits = $7 AND state = 'running' \
AND member IS NOT DISTINCT FROM $9";

const ADD: &str = "\
INSERT INTO _migrate.partitions (job, source_schema, source_table, partition, slice) \
SELECT $1, $2, $3, m.most + s.number, s.slice::json \
FROM pg_catalog.unnest($4::text[]) WITH ORDINALITY AS s(slice, number), \
(SELECT max(partition) AS most FROM _migrate.partitions \
WHERE job = $1 AND source_schema = $2 AND source_table = $3) AS m RETURNING partition";

const PENDING: &str = "\
SELECT partition FROM _migrate.partitions \
WHERE job = $1 AND source_schema = $2 AND source_table = $3 AND state = $4 ORDER BY 1";

/// Leaves `head` to the partition and records `others` as partitions of their own, whose numbers
/// come back in their order. The caller vouches that the parts tile the partition's range and that
/// its last committed key is in `head`.
///
/// # Errors
/// [`Kind::Checkpoint`] if another writer has the partition, [`Kind::JobHeld`] if a younger
/// run has the job. After any other error it is not known whether the cut was made: claim again,
/// and ask for [`pending`].
pub(in crate::postgres) async fn split(
    client: &mut Client,
    table: &TableKey,
    token: &mut ClaimToken,
    head: &Slice,
    others: &[Slice],
) -> Result<Vec<u32>> {
    let failed = |error| fault::from_driver(error, "cut the partition");
    let transaction = client.transaction().await.map_err(failed)?;
    // A run that takes over waits until the cut is made, and reads it then.
    let fence = RunFence {
        job: &table.job,
        run: token.claimant.run,
    };
    fence.check(&transaction).await?;
    transaction
        .query_one(LOCK, &[&table.job, &table.schema, &table.name])
        .await
        .map_err(failed)?;
    shrink(&transaction, table, token, head).await?;
    let others = others.iter().map(to_json).collect::<Result<Vec<_>>>()?;
    let added = transaction
        .query(ADD, &[&table.job, &table.schema, &table.name, &others])
        .await
        .map_err(failed)?;
    let mut numbers = added
        .iter()
        .map(|row| read(row.get(0)))
        .collect::<Result<Vec<_>>>()?;
    numbers.sort_unstable();
    transaction.commit().await.map_err(failed)?;
    token.commits += 1;
    Ok(numbers)
}

async fn shrink(
    transaction: &Transaction<'_>,
    table: &TableKey,
    token: &ClaimToken,
    head: &Slice,
) -> Result<()> {
    let changed = transaction
        .execute(
            SHRINK,
            &[
                &table.job,
                &table.schema,
                &table.name,
                &number(token.partition)?,
                &token.claimant.run.0,
                &token.attempt,
                &token.commits,
                &to_json(head)?,
                &token.claimant.member_number(),
            ],
        )
        .await
        .map_err(|error| fault::from_driver(error, "cut the partition"))?;
    match changed {
        1 => Ok(()),
        _ => Err(Error::new(
            Kind::Checkpoint,
            "another writer has taken over the partition, so this one does not cut it",
        )
        .advise(ANOTHER_WRITER)),
    }
}

/// The partitions of a table that no writer has claimed.
pub async fn pending(client: &Client, table: &TableKey) -> Result<Vec<u32>> {
    let state = PartitionState::Pending.word();
    client
        .query(PENDING, &[&table.job, &table.schema, &table.name, &state])
        .await
        .map_err(|error| fault::from_driver(error, "read the partitions of the table"))?
        .iter()
        .map(|row| read(row.get(0)))
        .collect()
}

fn read(stored: i32) -> Result<u32> {
    u32::try_from(stored).map_err(|error| unreadable("a partition").because(error))
}
