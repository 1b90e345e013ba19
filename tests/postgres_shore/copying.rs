//! COPY with its checkpoint: both or neither, whatever happens in between.

use std::sync::Arc;
use std::time::Duration;

use migrate::error::{Error, Kind};
use migrate::plan::table::Slice;
use migrate::postgres::copy::{CopyTable, End, PartitionWriter};
use migrate::postgres::state::{self, LeftoverTables, PartitionProgress, PartitionState};
use migrate::postgres::{ddl, finish};
use tds_copy::transcode::{Reason, Reject, RejectedColumn};
use tsql::key::KeyValue;

use crate::plans::{CREATE, JOB, Job, batch, connect, fence, made, planned, posts, start_over};
use crate::support::cluster::Options;
use crate::support::postgres::{Database, Postgres};

async fn writer(job: &Job) -> PartitionWriter {
    claim(job)
        .await
        .unwrap()
        .expect("a partition that is not done")
}

async fn claim(job: &Job) -> Result<Option<PartitionWriter>, Error> {
    let lease = job.pool.acquire().await?;
    let claimed = PartitionWriter::claim(lease, job.copy.clone(), 1, job.run).await?;
    Ok(claimed.writer())
}

/// Rows in the table, rows in the checkpoint, state: from a connection of its own.
fn truth(database: &Database<'_>) -> (String, String, String) {
    (
        database.value("SELECT count(*) FROM app.posts"),
        database.value("SELECT rows FROM _migrate.partitions"),
        database.value("SELECT state FROM _migrate.partitions"),
    )
}

fn is(rows: &str, state: &str) -> (String, String, String) {
    (rows.into(), rows.into(), state.into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_and_checkpoint_commit_together() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut writer = writer(&job).await;
    assert_eq!(writer.progress(), &PartitionProgress::default());
    let first = batch(&[(1, Some("ä 😀")), (2, None)]);
    let bytes = first.bytes.len() as u64;
    writer.write(first).await.unwrap();
    assert_eq!(writer.pending_bytes(), bytes);
    assert_eq!(truth(&database), is("0", "running"));
    let committed = writer.commit(End::More).await.unwrap().clone();
    let key = |id| Some(vec![KeyValue::Int(id)]);
    assert_eq!(
        committed,
        PartitionProgress {
            rows: 2,
            bytes,
            last_key: key(2),
            checksum: u128::MAX - 1,
            changed_values: 1,
            changed_columns: [("Body".to_owned(), 1)].into(),
            hashed_rows: 2,
        }
    );
    assert_eq!(truth(&database), is("2", "running"));
    writer.commit(End::More).await.unwrap();
    writer.write(batch(&[(3, Some(""))])).await.unwrap();
    writer.commit(End::Partition).await.unwrap();
    assert!(writer.timing().commit > Duration::ZERO && writer.timing().send > Duration::ZERO);
    drop(writer);
    assert_eq!(truth(&database), is("3", "done"));
    let rows = database.sql("SELECT id, body FROM app.posts ORDER BY id");
    let text = |t: &str| Some(t.to_owned());
    assert_eq!(
        rows,
        [
            [text("1"), text("ä 😀")],
            [text("2"), None],
            [text("3"), text("")]
        ]
    );
    let lease = job.pool.acquire().await.unwrap();
    let table = state::load(&lease, JOB).await.unwrap().remove(0);
    let partition = &table.partitions[0];
    assert_eq!(
        (partition.state, partition.progress.last_key.clone()),
        (PartitionState::Done, key(3))
    );
    assert_eq!(partition.progress.checksum, (u128::MAX - 1).wrapping_mul(2));
    assert_eq!(partition.progress.hashed_rows, 3);
    assert_eq!((table.rows, table.bytes), (3, partition.progress.bytes));
    assert_eq!(
        job.pool.metrics().reconnects,
        0,
        "clean connections are used again"
    );
    drop(lease);
    assert!(claim(&job).await.unwrap().is_none(), "done is done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_without_rows_is_done_too() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut writer = writer(&job).await;
    writer.write(batch(&[])).await.unwrap();
    writer.commit(End::Partition).await.unwrap();
    assert_eq!(truth(&database), is("0", "done"));
}

/// Rejected rows with these keys, each of so many bytes.
fn rejects(keys: std::ops::Range<u32>, bytes: usize) -> Vec<Reject> {
    keys.map(|key| Reject {
        faults: vec![RejectedColumn {
            column: "Body".into(),
            reason: Reason::OutOfRange,
        }],
        key: Some(format!(r#"{{"Id":"{key}"}}"#)),
        row: format!(r#"{{"body":"{}"}}"#, "x".repeat(bytes)),
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_rows_commit_with_the_rows_around_them() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let written = || {
        database
            .value("SELECT count(*) || ' ' || count(DISTINCT key ->> 'Id') FROM _migrate.rejects")
    };
    let with = |rows: &[(i32, Option<&str>)], rejects| tds_copy::transcode::Batch {
        rejects,
        ..batch(rows)
    };
    let mut dropped = writer(&job).await;
    dropped
        .write(with(&[(1, None)], rejects(0..3, 10)))
        .await
        .unwrap();
    assert!(dropped.pending_bytes() > 60);
    drop(dropped);
    assert_eq!(
        (written().as_str(), truth(&database)),
        ("0 0", is("0", "running"))
    );
    // More than is held back: they are written between two COPYs of one transaction.
    let mut aborted = writer(&job).await;
    aborted
        .write(with(&[(1, None)], rejects(0..30, 100_000)))
        .await
        .unwrap();
    aborted
        .write(with(&[(2, None)], rejects(30..31, 10)))
        .await
        .unwrap();
    aborted.abort().await.unwrap();
    assert_eq!(
        (written().as_str(), truth(&database)),
        ("0 0", is("0", "running"))
    );
    let mut last = writer(&job).await;
    last.write(with(&[(1, None)], rejects(0..30, 100_000)))
        .await
        .unwrap();
    last.write(with(&[(2, None)], Vec::new())).await.unwrap();
    last.commit(End::More).await.unwrap();
    assert_eq!(
        (written().as_str(), truth(&database)),
        ("30 30", is("2", "running"))
    );
    // Rejected rows alone make a commit too.
    last.write(with(&[], rejects(30..32, 10))).await.unwrap();
    last.commit(End::More).await.unwrap();
    assert_eq!(written(), "32 32");
    last.commit(End::Partition).await.unwrap();
    assert_eq!(truth(&database), is("2", "done"));
    let lease = job.pool.acquire().await.unwrap();
    let counts = state::count_rejects(&lease, JOB).await.unwrap();
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [32]);
    drop(lease);
    let mut lease = job.pool.acquire().await.unwrap();
    start_over(&mut lease, LeftoverTables::Keep).await;
    assert_eq!(written(), "0 0", "rejects go with the state of their table");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_batches_are_split_and_arrive_whole() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut writer = writer(&job).await;
    let rows: Vec<_> = (0..100_000)
        .map(|id| (id, Some("twenty characters....")))
        .map(|(id, text)| (id, text.map(|t| &t[..20])))
        .collect();
    writer.write(batch(&rows)).await.unwrap();
    writer.commit(End::Partition).await.unwrap();
    assert_eq!(truth(&database), is("100000", "done"));
    assert_eq!(
        database.value("SELECT sum(id) FROM app.posts"),
        "4999950000"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_or_aborting_takes_back_what_was_not_committed() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut dropped = writer(&job).await;
    dropped.write(batch(&[(1, None)])).await.unwrap();
    dropped.commit(End::More).await.unwrap();
    dropped.write(batch(&[(2, None)])).await.unwrap();
    drop(dropped);
    let mut aborted = writer(&job).await;
    assert_eq!(aborted.progress().rows, 1);
    let connects = job.pool.metrics().connects;
    aborted.write(batch(&[(3, None)])).await.unwrap();
    aborted.abort().await.unwrap();
    assert_eq!(
        job.pool.metrics().connects,
        connects,
        "an aborted writer's connection is clean"
    );
    assert_eq!(truth(&database), is("1", "running"));
    let mut last = writer(&job).await;
    last.write(batch(&[(2, None), (3, None)])).await.unwrap();
    last.commit(End::Partition).await.unwrap();
    assert_eq!(truth(&database), is("3", "done"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_overtaken_writer_cannot_commit() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut old = writer(&job).await;
    old.write(batch(&[(1, None)])).await.unwrap();
    let mut new = writer(&job).await;
    new.write(batch(&[(1, None)])).await.unwrap();
    assert_eq!(
        old.commit(End::Partition).await.unwrap_err().kind(),
        Kind::Checkpoint
    );
    drop(old);
    new.commit(End::Partition).await.unwrap();
    assert_eq!(truth(&database), is("1", "done"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_connection_is_lost_and_the_next_writer_continues() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut writer = writer(&job).await;
    writer.write(batch(&[(1, None)])).await.unwrap();
    writer.commit(End::More).await.unwrap();
    writer.write(batch(&[(2, None)])).await.unwrap();
    database.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE datname = current_database() AND query LIKE 'COPY%'",
    );
    let error = writer.commit(End::Partition).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TargetLost, "{error:?}");
    assert_eq!(
        (error.place().table.as_deref(), error.place().partition),
        (Some("dbo.Posts"), Some(1))
    );
    drop(writer);
    let mut next = self::writer(&job).await;
    assert_eq!(next.progress().last_key, Some(vec![KeyValue::Int(1)]));
    next.write(batch(&[(2, None)])).await.unwrap();
    next.commit(End::Partition).await.unwrap();
    assert_eq!(truth(&database), is("2", "done"));
}

/// A trigger of the target's owner may put the row into its message, under any SQLSTATE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_trigger_says_of_a_row_is_not_repeated() {
    for code in ["P0001", "23514", "XY123"] {
        let database = Postgres::shared().database();
        let job = made(&database, posts(), 1).await;
        database.sql(&format!(
            "CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'no %', NEW.body USING ERRCODE = '{code}'; END $$; \
             CREATE TRIGGER refuse BEFORE INSERT ON app.posts \
             FOR EACH ROW EXECUTE FUNCTION app.refuse()"
        ));
        let mut writer = writer(&job).await;
        let written = writer.write(batch(&[(1, Some("s3cret"))])).await;
        let error = match written {
            Ok(()) => writer.commit(End::Partition).await.unwrap_err(),
            Err(error) => error,
        };
        let mut shown = format!("{error} {error:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(next) = cause {
            shown.push_str(&format!("{next} {next:?}"));
            cause = next.source();
        }
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains(&format!("SQLSTATE {code}")), "{shown}");
        assert!(
            error.message().contains("a function of the database"),
            "{error}"
        );
    }
}

/// Whatever point of a commit is cut off, rows and checkpoint agree afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_cut_off_anywhere_is_whole_or_nothing() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut committed = 0;
    for step in 0..40 {
        let Some(mut writer) = claim(&job).await.unwrap() else {
            break;
        };
        committed = i32::try_from(writer.progress().rows).unwrap();
        writer.write(batch(&[(committed + 1, None)])).await.unwrap();
        let patience = Duration::from_micros(150 * step);
        let _ = tokio::time::timeout(patience, writer.commit(End::More)).await;
        drop(writer);
    }
    let mut last = writer(&job).await;
    assert!(last.progress().rows >= u64::try_from(committed).unwrap());
    last.commit(End::Partition).await.unwrap();
    let (rows, recorded, _) = truth(&database);
    assert_eq!(rows, recorded);
    assert_eq!(
        database.value("SELECT count(DISTINCT id) FROM app.posts"),
        rows
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_of_the_server_in_mid_copy_loses_nothing() {
    let server = Postgres::start(Options { tls: false });
    let database = server.database();
    let job = made(&database, posts(), 1).await;
    let mut writer = writer(&job).await;
    writer.write(batch(&[(1, None)])).await.unwrap();
    writer.commit(End::More).await.unwrap();
    writer.write(batch(&[(2, None)])).await.unwrap();
    server.cluster().restart(true);
    let error = writer.commit(End::More).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TargetLost, "{error:?}");
    drop(writer);
    let mut next = self::writer(&job).await;
    assert_eq!(next.progress().rows, 1);
    next.write(batch(&[(2, None)])).await.unwrap();
    next.commit(End::Partition).await.unwrap();
    assert_eq!(truth(&database), is("2", "done"));
    assert!(job.pool.metrics().reconnects >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_rows_name_the_place_and_no_value() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut writer = writer(&job).await;
    writer.write(batch(&[(1, None), (2, None)])).await.unwrap();
    writer.commit(End::More).await.unwrap();
    let secret = "secret, longer than twenty";
    writer
        .write(batch(&[(3, None), (4, Some(secret))]))
        .await
        .unwrap();
    let error = writer.commit(End::More).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Value);
    assert_eq!(error.place().column.as_deref(), Some("Body"), "{error:?}");
    assert_eq!(error.place().row.as_deref(), Some("4 of the partition"));
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    drop(writer);
    assert_eq!(truth(&database), is("2", "running"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_unique_constraint_names_itself_and_no_value() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    database.sql("ALTER TABLE app.posts ADD CONSTRAINT only_once UNIQUE (body)");
    let mut writer = writer(&job).await;
    writer
        .write(batch(&[(1, Some("secret")), (2, Some("secret"))]))
        .await
        .unwrap();
    let error = writer.commit(End::Partition).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TargetQuery);
    assert!(error.message().contains("only_once"), "{error}");
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_the_server_does_not_store_are_noticed() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    database.sql(
        "CREATE FUNCTION app.skip() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER skip BEFORE INSERT ON app.posts FOR EACH ROW EXECUTE FUNCTION app.skip()",
    );
    let mut writer = writer(&job).await;
    writer.write(batch(&[(1, None)])).await.unwrap();
    let error = writer.commit(End::Partition).await.unwrap_err();
    assert!(
        error
            .message()
            .contains("1 rows were sent and PostgreSQL stored 0"),
        "{error}"
    );
    drop(writer);
    assert_eq!(truth(&database), is("0", "running"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_of_a_table_that_is_not_made_cannot_be_claimed() {
    let database = Postgres::shared().database();
    let job = planned(&database, posts(), 1).await;
    assert_eq!(
        claim(&job).await.err().expect("refused").kind(),
        Kind::Checkpoint
    );
    let lease = job.pool.acquire().await.unwrap();
    let copy = Arc::new(CopyTable::new("another job", &job.plan));
    let unknown = PartitionWriter::claim(lease, copy, 1, job.run).await;
    assert_eq!(unknown.err().expect("refused").kind(), Kind::Checkpoint);
}

/// A run that lost its lock and goes on must not touch what a younger run has begun anew, though
/// jobs, tables and partitions go by the same names and numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_overtaken_writes_nothing_more() {
    let database = Postgres::shared().database();
    let old = made(&database, posts(), 1).await;
    let mut begun = writer(&old).await;
    begun.write(batch(&[(1, None)])).await.unwrap();

    let mut lease = old.pool.acquire().await.unwrap();
    let (young, _) = start_over(&mut lease, LeftoverTables::Keep).await;
    let half = Slice::Rows {
        after: 0,
        upto: Some(1),
    };
    let plan = &old.plan;
    state::save_plan(
        &mut lease,
        fence(young),
        plan,
        "fp",
        std::slice::from_ref(&half),
    )
    .await
    .unwrap();
    database.sql("UPDATE _migrate.tables SET state = 'created', created = true");

    let kind = |refused: Result<(), Error>| refused.expect_err("overtaken").kind();
    assert_eq!(
        kind(begun.commit(End::Partition).await.map(drop)),
        Kind::Checkpoint
    );
    drop(begun);
    assert_eq!(kind(claim(&old).await.map(drop)), Kind::JobHeld);
    let saved = state::save_plan(&mut lease, fence(old.run), plan, "fp", &[Slice::Whole]).await;
    assert_eq!(kind(saved), Kind::JobHeld);
    let saved = state::save_plan(&mut lease, fence(young), plan, "fp", &[Slice::Whole]).await;
    assert_eq!(kind(saved), Kind::Checkpoint, "the load has begun");
    let failed = state::set_failed(&lease, &old.key, old.run, "late").await;
    assert_eq!(kind(failed), Kind::JobHeld);
    database.sql("UPDATE _migrate.tables SET state = 'planned', created = false");
    let saved = state::save_plan(&mut lease, fence(old.run), plan, "fp", &[Slice::Whole]).await;
    assert_eq!(kind(saved), Kind::JobHeld);
    let made = ddl::make(&mut lease, &old.key, old.run, &old.plan, &CREATE).await;
    assert_eq!(kind(made), Kind::JobHeld);
    database.sql("UPDATE _migrate.tables SET state = 'created', created = true");

    let copy = old.copy.clone();
    let claimed = PartitionWriter::claim(old.pool.acquire().await.unwrap(), copy, 1, young);
    let mut writer = claimed.await.unwrap().writer().expect("not done");
    assert_eq!(writer.slice(), &half);
    writer.write(batch(&[(2, None)])).await.unwrap();
    writer.commit(End::Partition).await.unwrap();
    assert_eq!(truth(&database), is("1", "done"));
    let finished = finish::finish(&mut lease, &old.key, old.run, &old.plan).await;
    assert_eq!(kind(finished), Kind::JobHeld);
}

/// Commits that need not wait for the disk are taken back by a crash as a whole, or not at all; the
/// one that ends a partition waits, and with it those before it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_takes_rows_back_with_their_checkpoint() {
    let server = Postgres::start(Options { tls: false });
    server.sql("ALTER SYSTEM SET wal_writer_delay = '10s'");
    server.cluster().restart(false);
    let database = server.database();
    let mut job = made(&database, posts(), 2).await;
    job.copy = Arc::new(CopyTable::new(JOB, &job.plan).flush_late(true));
    for round in 0..5 {
        let mut writer = writer(&job).await;
        let first = i32::try_from(writer.progress().rows).unwrap() + 1;
        for id in first..first + 20 {
            writer.write(batch(&[(id, None)])).await.unwrap();
            writer.commit(End::More).await.unwrap();
        }
        server.cluster().restart(true);
        drop(writer);
        let rows = database.value("SELECT count(*) FROM app.posts");
        let recorded = "SELECT rows FROM _migrate.partitions WHERE partition = 1";
        assert_eq!(rows, database.value(recorded), "round {round}");
        job.pool = connect(&database).await.1;
    }
    let mut last = writer(&job).await;
    last.write(batch(&[(1_000, None)])).await.unwrap();
    last.commit(End::More).await.unwrap();
    last.write(batch(&[(1_001, None)])).await.unwrap();
    last.commit(End::Partition).await.unwrap();
    server.cluster().restart(true);
    drop(last);
    let kept = "SELECT count(*) FROM app.posts WHERE id >= 1000";
    assert_eq!(database.value(kept), "2");
    let state = "SELECT state FROM _migrate.partitions WHERE partition = 1";
    assert_eq!(database.value(state), "done");
}
