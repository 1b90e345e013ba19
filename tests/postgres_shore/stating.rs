//! The state of a job: recorded, read back, refused, wiped.

use migrate::error::Kind;
use migrate::plan::table::Slice;
use migrate::postgres::start_over::{self, Discarded};
use migrate::postgres::state::{self, LeftoverTables, PartitionState, RunEnd, RunId, TableStage};
use migrate::report::run::RunOutcome;
use migrate::report::status::RunState;
use serde_json::json;
use tsql::key::KeyValue;

use crate::plans::{JOB, connect, fence, made, new_run, planned, posts, start_over, with_identity};
use crate::support::postgres::Postgres;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_is_made_once_even_by_many_at_once() {
    let database = Postgres::shared().database();
    let (_, pool) = connect(&database).await;
    assert!(
        !state::is_installed(&pool.acquire().await.unwrap())
            .await
            .unwrap()
    );
    let installs = (0..4).map(|_| async {
        let mut lease = pool.acquire().await?;
        state::install(&mut lease).await
    });
    for outcome in futures::future::join_all(installs).await {
        outcome.unwrap();
    }
    assert!(
        state::is_installed(&pool.acquire().await.unwrap())
            .await
            .unwrap()
    );
    // Version 1 had no count of hashed rows, because it hashed every row.
    for statement in BACK_TO_VERSION_1.split(';') {
        database.sql(statement);
    }
    database.sql(
        "INSERT INTO _migrate.tables (job, source_schema, source_table, target_schema, target_table, \
         fingerprint, plan, state, run_id) VALUES ('j', 's', 't', 's', 't', 'f', '{}', 'created', 1); \
         INSERT INTO _migrate.partitions (job, source_schema, source_table, partition, slice, rows) \
         VALUES ('j', 's', 't', 1, '{}', 7)",
    );
    state::install(&mut pool.acquire().await.unwrap())
        .await
        .unwrap();
    let hashed = "SELECT hashed_rows || ' ' || version FROM _migrate.partitions, _migrate.version";
    assert_eq!(database.value(hashed), "7 4");
    database.sql("UPDATE _migrate.version SET version = 99");
    let error = state::install(&mut pool.acquire().await.unwrap())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Checkpoint);
    assert!(error.message().contains("version 99"), "{error}");
}

/// What version 1 of the schema did not have.
const BACK_TO_VERSION_1: &str = "\
    ALTER TABLE _migrate.rejects DROP COLUMN faults, DROP COLUMN \"row\";\
    ALTER TABLE _migrate.partitions DROP COLUMN changed_columns, DROP COLUMN hashed_rows;\
    ALTER TABLE _migrate.runs DROP COLUMN objects, DROP COLUMN selection, DROP COLUMN run_name;\
    ALTER TABLE _migrate.tables DROP COLUMN open_to, DROP COLUMN weight;\
    ALTER TABLE _migrate.partitions DROP COLUMN member;\
    DROP TABLE _migrate.set_aside; DROP TABLE _migrate.members; DROP TABLE _migrate.live;\
    UPDATE _migrate.version SET version = 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_of_an_older_version_is_read_and_brought_up_to_date() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 2).await;
    for statement in BACK_TO_VERSION_1.split(';') {
        database.sql(statement);
    }
    database.sql("UPDATE _migrate.partitions SET rows = 5, changed_values = 3 WHERE partition = 1");
    let mut lease = job.pool.acquire().await.unwrap();
    let read = |records: Vec<state::TableRecord>| {
        let progress = records[0].partitions[0].progress.clone();
        (
            progress.rows,
            progress.changed_values,
            progress.changed_columns.len(),
        )
    };
    // Commands that only look do not upgrade.
    assert_eq!(read(state::load(&lease, JOB).await.unwrap()), (5, 3, 0));
    assert!(state::count_rejects(&lease, JOB).await.unwrap().is_empty());
    assert!(state::recent_live(&lease, JOB).await.unwrap().is_empty());
    let last = state::last_run(&lease, JOB).await.unwrap().unwrap();
    assert_eq!((last.id, last.objects), (job.run, None));
    assert_eq!(database.value("SELECT version FROM _migrate.version"), "1");
    state::install(&mut lease).await.unwrap();
    assert_eq!(database.value("SELECT version FROM _migrate.version"), "4");
    assert_eq!(read(state::load(&lease, JOB).await.unwrap()), (5, 3, 0));
    state::install(&mut lease).await.unwrap();
}

/// Only what was noted a moment ago is what a process does now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_notes_is_read_while_it_is_recent() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let lease = job.pool.acquire().await.unwrap();
    for step in [3, 4] {
        let noted = serde_json::json!({ "step": step });
        state::note_live(&lease, JOB, &noted).await.unwrap();
    }
    let read = state::recent_live(&lease, JOB).await.unwrap();
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!(read[0].state["step"], 4);
    assert_eq!(read[0].pid, std::process::id().cast_signed());
    assert!(
        state::recent_live(&lease, "other")
            .await
            .unwrap()
            .is_empty()
    );
    database.sql("UPDATE _migrate.live SET at = now() - interval '1 minute'");
    assert!(state::recent_live(&lease, JOB).await.unwrap().is_empty());
    database.sql("UPDATE _migrate.live SET at = now() - interval '2 hours', host = 'dead'");
    state::note_live(&lease, JOB, &serde_json::json!({}))
        .await
        .unwrap();
    let left = "SELECT count(*) FROM _migrate.live";
    assert_eq!(database.value(left), "1", "what died long ago is swept");
    state::retract_live(&lease, JOB).await.unwrap();
    assert_eq!(database.value(left), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_and_ranges_come_back_as_they_went_in() {
    let database = Postgres::shared().database();
    let plan = with_identity(
        posts(),
        i128::from(i64::MIN),
        -1,
        Some(170_141_183_460_469_231_731),
    );
    let job = planned(&database, plan, 1).await;
    let mut lease = job.pool.acquire().await.unwrap();
    // A character key may hold U+0000, which jsonb would refuse.
    let cut = vec![
        KeyValue::Text("a\0\"\\😀".into()),
        KeyValue::National(vec![0xd800, 0]),
        KeyValue::Float { bits: u64::MAX },
        KeyValue::Int(i64::MIN),
        KeyValue::Decimal {
            unscaled: "-99999999999999999999999999999999999999".into(),
            precision: 38,
            scale: 10,
        },
    ];
    let slices = [
        Slice::Range {
            after: None,
            upto: Some(cut.clone()),
        },
        Slice::Range {
            after: Some(cut),
            upto: None,
        },
        Slice::Rows {
            after: u64::MAX,
            upto: None,
        },
    ];
    state::save_plan(&mut lease, fence(job.run), &job.plan, "fp2", &slices)
        .await
        .unwrap();
    let tables = state::load(&lease, JOB).await.unwrap();
    assert_eq!(tables.len(), 1);
    let table = &tables[0];
    assert_eq!(
        (table.state, table.created, table.fingerprint.as_str()),
        (TableStage::Planned, false, "fp2")
    );
    assert_eq!(table.plan, job.plan);
    let read: Vec<_> = table
        .partitions
        .iter()
        .map(|p| (p.number, p.slice.clone(), p.state))
        .collect();
    let written: Vec<_> = (1..)
        .zip(slices.clone())
        .map(|(n, slice)| (n, slice, PartitionState::Pending))
        .collect();
    assert_eq!(read, written);
    assert!(state::load(&lease, "another job").await.unwrap().is_empty());

    let mut other = job.plan.clone();
    other.name.push_str(" of another name");
    state::save_plan(&mut lease, fence(job.run), &other, "fp3", &slices[..1])
        .await
        .unwrap();
    let key = state::TableKey::for_plan(JOB, &other);
    let found = state::load_one(&lease, &key).await.unwrap().unwrap();
    assert_eq!((found.plan, found.partitions.len()), (other, 1));
    let foreign = state::TableKey {
        job: "another job".to_owned(),
        ..key
    };
    assert!(state::load_one(&lease, &foreign).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_are_recorded_and_dead_ones_closed() {
    let database = Postgres::shared().database();
    let job = planned(&database, posts(), 1).await;
    let lease = job.pool.acquire().await.unwrap();
    let second = state::start_run(&lease, &new_run()).await.unwrap();
    let died = database.value(&format!(
        "SELECT outcome FROM _migrate.runs WHERE run_id = {}",
        job.run.0
    ));
    assert_eq!(died, "died");
    let report = json!({"rows": 5});
    let ended = RunEnd {
        outcome: RunOutcome::Done,
        report: &report,
        objects: Some("o"),
    };
    state::end_run(&lease, second, ended).await.unwrap();
    let last = state::last_run(&lease, JOB).await.unwrap().unwrap();
    let done = RunState::Ended(RunOutcome::Done);
    assert_eq!((last.id, last.outcome), (second, Some(done)));
    assert_eq!(last.source, new_run().source);
    assert_eq!(
        (last.pid, last.fingerprint.as_str()),
        (std::process::id().cast_signed(), "f")
    );
    assert_eq!(last.report, Some(report));
    assert_eq!(last.objects.as_deref(), Some("o"));
    assert!(last.ended_at.is_some() && !last.host.is_empty());
    assert!(
        state::last_run(&lease, "another job")
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_table_goes_back_to_what_its_record_proves() {
    let database = Postgres::shared().database();
    let job = planned(&database, posts(), 1).await;
    let lease = job.pool.acquire().await.unwrap();
    let (key, fail) = (&job.key, "value out of range");
    state::set_failed(&lease, key, job.run, fail).await.unwrap();
    assert_eq!(
        state::load(&lease, JOB).await.unwrap()[0].error.as_deref(),
        Some(fail)
    );
    assert_eq!(
        state::reopen(&lease, key).await.unwrap(),
        TableStage::Planned
    );
    database.sql("UPDATE _migrate.tables SET created = true, state = 'failed'");
    assert_eq!(
        state::set_loaded(&lease, key).await.unwrap_err().kind(),
        Kind::Checkpoint
    );
    assert_eq!(
        state::reopen(&lease, key).await.unwrap(),
        TableStage::Created
    );
    assert_eq!(
        state::set_loaded(&lease, key).await.unwrap_err().kind(),
        Kind::Checkpoint
    );
    database.sql("UPDATE _migrate.partitions SET state = 'done'");
    state::set_failed(&lease, key, job.run, fail).await.unwrap();
    assert_eq!(
        state::reopen(&lease, key).await.unwrap(),
        TableStage::Loaded
    );
    state::set_loaded(&lease, key).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_begun_table_keeps_its_plan() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 2).await;
    let mut lease = job.pool.acquire().await.unwrap();
    let again = state::save_plan(
        &mut lease,
        fence(RunId(9)),
        &job.plan,
        "new",
        &[Slice::Whole],
    )
    .await;
    assert_eq!(again.unwrap_err().kind(), Kind::Checkpoint);
    assert_eq!(
        state::load(&lease, JOB).await.unwrap()[0].partitions.len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_drops_only_what_the_job_made() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut lease = job.pool.acquire().await.unwrap();
    let (_, kept) = start_over(&mut lease, LeftoverTables::Keep).await;
    assert!(kept.is_empty());
    assert_eq!(database.value("SELECT count(*) FROM app.posts"), "0");
    drop(lease);

    database.sql("DROP TABLE app.posts");
    let job = made(&database, posts(), 1).await;
    let mut lease = job.pool.acquire().await.unwrap();
    let (_, dropped) = start_over(&mut lease, LeftoverTables::Drop).await;
    assert_eq!(dropped, [posts().target]);
    assert_eq!(database.value("SELECT to_regclass('app.posts')"), "");
    assert!(state::load(&lease, JOB).await.unwrap().is_empty());
    drop(lease);

    let job = made(&database, posts(), 1).await;
    database.sql("DROP TABLE app.posts; CREATE TABLE app.posts (somebody_elses int)");
    let mut lease = job.pool.acquire().await.unwrap();
    let (_, dropped) = start_over(&mut lease, LeftoverTables::Drop).await;
    assert!(dropped.is_empty());
    assert_eq!(
        database.value("SELECT count(somebody_elses) FROM app.posts"),
        "0"
    );
}

/// Both or neither: a run beside records that are not its own would vouch for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_may_not_start_over_registers_nothing() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let runs = "SELECT count(*) FROM _migrate.runs";
    let before = database.value(runs);
    database.sql("UPDATE _migrate.partitions SET rows = 5");
    let mut lease = job.pool.acquire().await.unwrap();
    let what = Discarded {
        views: &[],
        tables: LeftoverTables::KeepRows,
    };
    let refused = start_over::start_over(&mut lease, &new_run(), what).await;
    let error = refused.err().unwrap();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.to_string().contains("5 rows"), "{error}");
    assert_eq!(database.value(runs), before);
    assert_eq!(state::load(&lease, JOB).await.unwrap().len(), 1);

    database.sql("UPDATE _migrate.partitions SET rows = 0");
    let (_, dropped) = start_over::start_over(&mut lease, &new_run(), what)
        .await
        .unwrap();
    assert!(dropped.is_empty());
    assert!(state::load(&lease, JOB).await.unwrap().is_empty());
    assert!(state::origins(&lease, JOB).await.unwrap().is_empty());
}
