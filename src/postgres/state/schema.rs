//! Makes the schema `_migrate`, once.

use tokio_postgres::{Client, GenericClient, Transaction};

use crate::error::{Error, Kind, Result};
use crate::postgres::fault;

/// The version that this tool makes, reads and writes.
const VERSION: i32 = 4;

/// What leads from version 1 to each later one, in order. A new schema goes the same way, so that
/// an old one cannot end up different.
const UPGRADES: &[(i32, &str)] = &[(2, VERSION_2), (3, VERSION_3), (4, VERSION_4)];

/// Version 1 could reject no row, so its table of rejects is empty, and it hashed every row.
/// What a table lacks until its rows are there, `set_aside` keeps: some of it is in no plan of the
/// job. `objects` says what was planned beside rows when a whole run ended with nothing left to do.
const VERSION_2: &str = "
ALTER TABLE _migrate.rejects
    ADD COLUMN faults jsonb NOT NULL,
    ADD COLUMN \"row\" jsonb NOT NULL;
COMMENT ON TABLE _migrate.rejects IS
    'Source rows that PostgreSQL cannot hold; docs/operations.md of the migrate tool says how to repair them.';
ALTER TABLE _migrate.partitions
    ADD COLUMN changed_columns jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN hashed_rows bigint NOT NULL DEFAULT 0;
UPDATE _migrate.partitions SET hashed_rows = rows;
ALTER TABLE _migrate.runs ADD COLUMN objects text;
CREATE TABLE _migrate.set_aside (
    job text NOT NULL,
    source_schema text NOT NULL,
    source_table text NOT NULL,
    refers_to text,
    target_schema text NOT NULL,
    target_table text NOT NULL,
    name text NOT NULL,
    definition text NOT NULL,
    validated boolean NOT NULL,
    comes_back boolean NOT NULL,
    run_id bigint NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (job, target_schema, target_table, name)
);
COMMENT ON TABLE _migrate.set_aside IS
    'Constraints of target tables that are off until the rows of a job are there; those with comes_back are made again.';
";

/// Several processes may work on one run. `member` is whose claim a partition is: NULL for the leader's.
/// `open_to` is the run whose members may load partitions of a table, and `weight` the bytes of one.
const VERSION_3: &str = "
ALTER TABLE _migrate.runs
    ADD COLUMN selection text[] NOT NULL DEFAULT '{}',
    ADD COLUMN run_name text;
ALTER TABLE _migrate.tables
    ADD COLUMN open_to bigint,
    ADD COLUMN weight bigint NOT NULL DEFAULT 0;
ALTER TABLE _migrate.partitions ADD COLUMN member int;
CREATE TABLE _migrate.members (
    member_id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL,
    leads boolean NOT NULL,
    host text NOT NULL,
    pid int NOT NULL,
    since timestamptz NOT NULL DEFAULT pg_catalog.now(),
    doing text NOT NULL DEFAULT '',
    idle int NOT NULL DEFAULT 0
);
COMMENT ON TABLE _migrate.members IS
    'Processes that share a run of a job. One lives as long as its session holds the advisory lock of its number.';
";

/// What each process of a run does now, for those who watch; nothing is decided by it.
const VERSION_4: &str = "
CREATE TABLE _migrate.live (
    job text NOT NULL,
    host text NOT NULL,
    pid int NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    state jsonb NOT NULL,
    PRIMARY KEY (job, host, pid)
) WITH (fillfactor = 50);
COMMENT ON TABLE _migrate.live IS
    'What the processes of a run do now, as they note it every two seconds; only migrate status reads it.';
";

/// Key of the advisory lock under which schemas are made: two processes at once would otherwise
/// trip over each other's `CREATE SCHEMA IF NOT EXISTS`. The bytes of `_migrate`.
pub(in crate::postgres) const SCHEMA_LOCK: i64 = i64::from_be_bytes(*b"_migrate");

/// `slice` and `last_key` are `json`, not `jsonb`: a character key may hold U+0000, which `jsonb`
/// refuses. `attempt` and `commits` fence off a writer that was overtaken.
///
/// Version 1; what was changed since is in [`UPGRADES`].
const TABLES: &str = "
CREATE SCHEMA IF NOT EXISTS _migrate;
COMMENT ON SCHEMA _migrate IS 'State of the migrate tool. May be dropped when no job is to be continued.';
CREATE TABLE _migrate.version (version int NOT NULL);
CREATE TABLE _migrate.runs (
    run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    ended_at timestamptz,
    outcome text,
    host text NOT NULL,
    pid int NOT NULL,
    lock_pid int NOT NULL,
    tool_version text NOT NULL,
    source jsonb NOT NULL,
    fingerprint text NOT NULL,
    report jsonb
);
CREATE INDEX runs_job ON _migrate.runs (job, run_id);
CREATE TABLE _migrate.tables (
    job text NOT NULL,
    source_schema text NOT NULL,
    source_table text NOT NULL,
    target_schema text NOT NULL,
    target_table text NOT NULL,
    fingerprint text NOT NULL,
    plan jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('planned', 'created', 'loaded', 'done', 'failed')),
    created boolean NOT NULL DEFAULT false,
    made_oid oid,
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    error text,
    run_id bigint NOT NULL,
    planned_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (job, source_schema, source_table)
);
CREATE TABLE _migrate.partitions (
    job text NOT NULL,
    source_schema text NOT NULL,
    source_table text NOT NULL,
    partition int NOT NULL,
    slice json NOT NULL,
    last_key json,
    rows bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    checksum numeric(39) NOT NULL DEFAULT 0,
    changed_values bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'done')),
    claimed_by bigint,
    attempt bigint NOT NULL DEFAULT 0,
    commits bigint NOT NULL DEFAULT 0,
    seconds double precision NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (job, source_schema, source_table, partition),
    FOREIGN KEY (job, source_schema, source_table) REFERENCES _migrate.tables ON DELETE CASCADE
) WITH (fillfactor = 50);
CREATE TABLE _migrate.rejects (
    reject_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL,
    run_id bigint NOT NULL,
    source_schema text NOT NULL,
    source_table text NOT NULL,
    partition int NOT NULL,
    key json,
    source_column text NOT NULL,
    reason text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    FOREIGN KEY (job, source_schema, source_table) REFERENCES _migrate.tables ON DELETE CASCADE
);
CREATE INDEX rejects_table ON _migrate.rejects (job, source_schema, source_table);
";

/// Asked of the tables of the catalog: `to_regclass` answers from a cache, which knew nothing of a
/// schema that another process had made while this one waited for the lock.
const IS_INSTALLED: &str = "\
SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c \
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE n.nspname = '_migrate' AND c.relname = 'version')";

/// Whether there is any state at all; for commands that only read.
pub async fn is_installed(client: &Client) -> Result<bool> {
    is_there(client).await
}

async fn is_there(client: &impl GenericClient) -> Result<bool> {
    client
        .query_one(IS_INSTALLED, &[])
        .await
        .map(|row| row.get(0))
        .map_err(|error| fault::from_driver(error, "look for schema _migrate"))
}

/// The version of a schema that is there.
pub(super) async fn version(client: &impl GenericClient) -> Result<i32> {
    client
        .query_one("SELECT version FROM _migrate.version", &[])
        .await
        .map(|row| row.get(0))
        .map_err(|error| fault::from_driver(error, "read the version of schema _migrate"))
}

/// Makes the schema if it is missing. If an older version made it, brings it up to date.
/// [`Kind::Checkpoint`] if a newer version made it.
pub async fn install(client: &mut Client) -> Result<()> {
    let failed = |error| fault::from_driver(error, "make schema _migrate");
    let transaction = client.transaction().await.map_err(failed)?;
    transaction
        .execute(
            "SELECT pg_catalog.pg_advisory_xact_lock($1)",
            &[&SCHEMA_LOCK],
        )
        .await
        .map_err(failed)?;
    if !is_there(&transaction).await? {
        transaction.batch_execute(TABLES).await.map_err(failed)?;
        transaction
            .execute("INSERT INTO _migrate.version VALUES (1)", &[])
            .await
            .map_err(failed)?;
    }
    match version(&transaction).await? {
        found @ 1..=VERSION => {
            upgrade(&transaction, found).await?;
            transaction.commit().await.map_err(failed)
        }
        other => Err(Error::new(
            Kind::Checkpoint,
            format!(
                "schema _migrate has version {other}, this tool knows version {VERSION}"
            ),
        )
        .advise(
            "use the version of migrate that began the job, or DROP SCHEMA _migrate CASCADE if no job is to be \
             continued.",
        )),
    }
}

async fn upgrade(transaction: &Transaction<'_>, found: i32) -> Result<()> {
    let failed = |error| fault::from_driver(error, "bring schema _migrate up to date");
    for (version, statements) in UPGRADES.iter().filter(|(version, _)| *version > found) {
        transaction
            .batch_execute(statements)
            .await
            .map_err(failed)?;
        transaction
            .execute("UPDATE _migrate.version SET version = $1", &[version])
            .await
            .map_err(failed)?;
    }
    Ok(())
}
