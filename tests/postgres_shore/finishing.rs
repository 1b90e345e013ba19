//! Finishing: keys, identity, logging, statistics, once.

use std::sync::Arc;

use migrate::config::job::Mode;
use migrate::error::Kind;
use migrate::plan::object::CounterForm;
use migrate::plan::table::{Slice, TablePlan};
use migrate::postgres::connect::Connector;
use migrate::postgres::copy::{CopyTable, End, PartitionWriter};
use migrate::postgres::ddl::{self, TableOptions};
use migrate::postgres::finish::{finish, set_maintenance, vacuum};
use migrate::postgres::lock::JobLock;
use migrate::postgres::pool::TargetPool;
use migrate::postgres::state::{self, LeftoverTables, TableKey, TableStage};
use migrate::postgres::verify::count_rows;
use tsql::typemap::PgType;

use crate::plans::{
    CREATE, JOB, Job, batch, connect, fence, made, planned, posts, start_over, with_identity,
};
use crate::support::cluster::Options;
use crate::support::postgres::{Database, Postgres};

async fn load(job: &Job, ids: &[i32]) {
    let lease = job.pool.acquire().await.unwrap();
    let writer = PartitionWriter::claim(lease, job.copy.clone(), 1, job.run)
        .await
        .unwrap();
    let mut writer = writer.writer().expect("not done");
    let rows: Vec<_> = ids.iter().map(|id| (*id, None)).collect();
    writer.write(batch(&rows)).await.unwrap();
    writer.commit(End::Partition).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_table_is_whole_and_stays_so() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut lease = job.pool.acquire().await.unwrap();
    let early = finish(&mut lease, &job.key, job.run, &job.plan)
        .await
        .unwrap_err();
    assert_eq!(early.kind(), Kind::Checkpoint);
    load(&job, &[1, 2, 3]).await;
    state::set_loaded(&lease, &job.key).await.unwrap();
    for _ in 0..2 {
        finish(&mut lease, &job.key, job.run, &job.plan)
            .await
            .unwrap();
        // As a second try does whose first COMMIT was not answered.
        state::set_loaded(&lease, &job.key).await.unwrap();
    }
    let record = state::load(&lease, JOB).await.unwrap().remove(0);
    assert_eq!((record.state, record.rows), (TableStage::Done, 3));
    assert_eq!(database.value("SELECT rows FROM _migrate.tables"), "3");
    assert_eq!(
        database.value("SELECT conname FROM pg_constraint WHERE conrelid = 'app.posts'::regclass"),
        "posts_pkey"
    );
    assert_eq!(
        database.value("SELECT reltuples FROM pg_class WHERE oid = 'app.posts'::regclass"),
        "3"
    );
    assert_eq!(count_rows(&lease, &job.plan.target).await.unwrap(), 3);
    let failed = state::set_failed(&lease, &job.key, job.run, "late").await;
    assert_eq!(
        failed.unwrap_err().kind(),
        Kind::Checkpoint,
        "done stays done"
    );
}

/// Workers are spawned, so every future of the shore must be able to change threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_moved_by_spawned_tasks() {
    let database = Postgres::shared().database();
    let target = database.target();
    let worker = tokio::spawn(async move {
        let connector = Connector::new(&target).unwrap();
        let lock = JobLock::take(&connector, JOB).await.unwrap();
        let pool = TargetPool::open(connector, &target.pool, 4).await.unwrap();
        let mut lease = pool.acquire().await.unwrap();
        state::install(&mut lease).await.unwrap();
        let (run, _) = start_over(&mut lease, LeftoverTables::Keep).await;
        let (plan, key) = (posts(), TableKey::for_plan(JOB, &posts()));
        let slices = [Slice::Whole];
        state::save_plan(&mut lease, fence(run), &plan, "f", &slices)
            .await
            .unwrap();
        ddl::make(&mut lease, &key, run, &plan, &CREATE)
            .await
            .unwrap();
        drop(lease);
        let copy = Arc::new(CopyTable::new(JOB, &plan));
        for end in [End::More, End::Partition] {
            let lease = pool.acquire().await.unwrap();
            let claimed = PartitionWriter::claim(lease, copy.clone(), 1, run)
                .await
                .unwrap();
            let mut writer = claimed.writer().expect("not done");
            let next = i32::try_from(writer.progress().rows).unwrap() + 1;
            writer.write(batch(&[(next, None)])).await.unwrap();
            writer.commit(end).await.unwrap();
            writer.abort().await.unwrap();
        }
        let mut lease = pool.acquire().await.unwrap();
        tokio::select! {
            lost = lock.lost() => panic!("{lost}"),
            finished = finish(&mut lease, &key, run, &plan) => finished.unwrap(),
        }
        drop(lease);
        pool.close().await;
        lock.release().await.unwrap();
    });
    worker.await.unwrap();
    assert_eq!(
        database.value("SELECT string_agg(id::text, ',') FROM app.posts"),
        "1,2"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_rows_break_leaves_the_table_loaded() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    load(&job, &[1, 1]).await;
    let mut lease = job.pool.acquire().await.unwrap();
    let error = finish(&mut lease, &job.key, job.run, &job.plan)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::TargetQuery);
    assert!(error.message().contains("posts_pkey"), "{error}");
    assert_eq!(
        database.value("SELECT state FROM _migrate.tables"),
        "created"
    );
}

/// The next value that the target gives out, after loading `ids` of an identity column.
async fn next_value(database: &Database<'_>, plan: TablePlan, ids: &[i32]) -> String {
    let job = made(database, plan, 1).await;
    load(&job, ids).await;
    let mut lease = job.pool.acquire().await.unwrap();
    finish(&mut lease, &job.key, job.run, &job.plan)
        .await
        .unwrap();
    database.value("INSERT INTO app.posts (body) VALUES ('new') RETURNING id")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identities_go_on_where_the_source_stood() {
    for (seed, increment, last, ids, next) in [
        (1, 1, Some(9), &[1, 2, 9][..], "10"),
        (1, 1, None, &[], "1"),
        (100, 10, Some(250), &[100], "260"),
        (-1, -1, Some(-7), &[-1, -7], "-8"),
        (5, -5, Some(-20), &[5, 0], "-25"),
        (10, 1, Some(-50), &[], "-49"),
        // Rows beyond the counter do not move it, unless the source does not tell where it stands.
        (1, 1, Some(3), &[1, 2, 3, 8], "4"),
        (-1, -1, Some(-3), &[-1, -9], "-4"),
        (1, 1, None, &[1, 2, 8], "9"),
    ] {
        let database = Postgres::shared().database();
        let plan = with_identity(posts(), seed, increment, last);
        assert_eq!(
            next_value(&database, plan, ids).await,
            next,
            "{seed} {increment} {last:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exhausted_identity_stays_exhausted() {
    let database = Postgres::shared().database();
    let plan = with_identity(posts(), 1, 1, Some(i128::from(i32::MAX)));
    let job = made(&database, plan, 1).await;
    load(&job, &[1]).await;
    let mut lease = job.pool.acquire().await.unwrap();
    finish(&mut lease, &job.key, job.run, &job.plan)
        .await
        .unwrap();
    let insert = lease
        .execute("INSERT INTO app.posts (body) VALUES ('new')", &[])
        .await;
    assert_eq!(insert.unwrap_err().code().unwrap().code(), "2200H");
}

/// PostgreSQL has identities of integers only: a decimal one counts by its default.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decimal_identity_goes_on_where_the_source_stood() {
    for (last, next) in [(Some(9), "10"), (None, "1")] {
        let database = Postgres::shared().database();
        let mut plan = with_identity(posts(), 1, 1, last);
        plan.columns[0].target_type = PgType::Numeric(Some((18, 0)));
        let counter = plan.columns[0].clauses.counter.as_mut().unwrap();
        counter.form = CounterForm::Default;
        assert_eq!(next_value(&database, plan, &[]).await, next);
        assert_eq!(
            database.value("SELECT pg_get_serial_sequence('app.posts', 'id')"),
            "app.posts_id_seq"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unlogged_tables_end_logged_and_a_crash_in_between_is_noticed() {
    let server = Postgres::start(Options { tls: false });
    let making = TableOptions {
        mode: Mode::Create,
        unlogged: true,
    };
    for crash in [false, true] {
        let database = server.database();
        let job = planned(&database, posts(), 1).await;
        let mut lease = job.pool.acquire().await.unwrap();
        ddl::make(&mut lease, &job.key, job.run, &job.plan, &making)
            .await
            .unwrap();
        drop(lease);
        load(&job, &[1, 2]).await;
        if crash {
            server.cluster().restart(true);
        }
        let mut lease = job.pool.acquire().await.unwrap();
        let finished = finish(&mut lease, &job.key, job.run, &job.plan).await;
        let logged =
            database.value("SELECT relpersistence FROM pg_class WHERE oid = 'app.posts'::regclass");
        if crash {
            assert_eq!(finished.unwrap_err().kind(), Kind::TargetEmptied);
        } else {
            finished.unwrap();
            assert_eq!(logged, "p");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_moves_the_users_own_counter_forward_only() {
    let database = Postgres::shared().database();
    database.sql(
        "CREATE SCHEMA app; CREATE TABLE app.posts (id int GENERATED ALWAYS AS IDENTITY, body varchar(20)); \
         SELECT setval('app.posts_id_seq', 500)",
    );
    let job = planned(&database, with_identity(posts(), 1, 1, Some(9)), 1).await;
    let mut lease = job.pool.acquire().await.unwrap();
    let making = TableOptions {
        mode: Mode::Append,
        unlogged: false,
    };
    ddl::make(&mut lease, &job.key, job.run, &job.plan, &making)
        .await
        .unwrap();
    load(&job, &[8, 9]).await;
    finish(&mut lease, &job.key, job.run, &job.plan)
        .await
        .unwrap();
    assert_eq!(
        database.value("INSERT INTO app.posts (body) VALUES ('new') RETURNING id"),
        "501"
    );
    assert_eq!(
        database.value("SELECT count(*) FROM pg_constraint WHERE conrelid = 'app.posts'::regclass"),
        "0"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_get_the_memory_that_is_stated_and_never_less_than_the_server_gives() {
    let database = Postgres::shared().database();
    let shown = async |memory: u64| {
        let job = connect(&database).await.1;
        let lease = job.acquire().await.unwrap();
        set_maintenance(&lease, memory, 3).await.unwrap();
        let sql = "SELECT current_setting('maintenance_work_mem'), \
             current_setting('max_parallel_maintenance_workers')";
        let row = lease.query_one(sql, &[]).await.unwrap();
        (row.get::<_, String>(0), row.get::<_, String>(1))
    };
    assert_eq!(shown(256 << 20).await, ("256MB".into(), "3".into()));
    let name = &database.name;
    database.sql(&format!(
        "ALTER DATABASE {name} SET maintenance_work_mem = '1GB'"
    ));
    assert_eq!(shown(256 << 20).await, ("1GB".into(), "3".into()));
    assert_eq!(shown(2 << 30).await, ("2GB".into(), "3".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vacuumed_table_has_its_visibility_map() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    load(&job, &[1, 2, 3]).await;
    let lease = job.pool.acquire().await.unwrap();
    let visible = "SELECT relallvisible FROM pg_class WHERE oid = 'app.posts'::regclass";
    assert_eq!(database.value(visible), "0");
    vacuum(&lease, &job.plan.target).await.unwrap();
    assert_eq!(database.value(visible), "1");
}
