//! Plans and rows for the tests, written by hand.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use migrate::config::job::Mode;
use migrate::plan::object::{CounterForm, CounterPlan};
use migrate::plan::table::{ColumnPlan, PrimaryKey, Slice, Strategy, TablePlan, TargetName};
use migrate::postgres::connect::Connector;
use migrate::postgres::copy::CopyTable;
use migrate::postgres::ddl::{self, TableOptions};
use migrate::postgres::pool::TargetPool;
use migrate::postgres::start_over::{self, Discarded};
use migrate::postgres::state::{self, LeftoverTables, NewRun, RunFence, RunId, SourceId, TableKey};
use tds_copy::transcode::Batch;
use tokio_postgres::Client;
use tsql::key::KeyValue;
use tsql::schema::{Column, Identity, SqlType};
use tsql::typemap::PgType;

use crate::support::postgres::Database;

pub(crate) const JOB: &str = "shore";

pub(crate) const CREATE: TableOptions = TableOptions {
    mode: Mode::Create,
    unlogged: false,
};

pub(crate) fn column(position: usize, name: &str, ty: SqlType, target_type: PgType) -> ColumnPlan {
    ColumnPlan {
        source: Column {
            name: name.to_owned(),
            ty,
            nullable: true,
            identity: None,
            computed: None,
            collation: None,
            code_page: None,
            masked: false,
            extras: Default::default(),
        },
        position,
        target_name: name.to_lowercase(),
        target_type,
        identity: None,
        clauses: Default::default(),
    }
}

/// `dbo.Posts (Body nvarchar(20), Id int NOT NULL PRIMARY KEY)`, copied as id, body.
pub(crate) fn posts() -> TablePlan {
    let mut id = column(1, "Id", SqlType::Int, PgType::Integer);
    id.source.nullable = false;
    let body = column(
        0,
        "Body",
        SqlType::NVarChar { length: Some(20) },
        PgType::VarChar(20),
    );
    TablePlan {
        schema: "dbo".into(),
        name: "Posts".into(),
        target: TargetName {
            schema: "app".into(),
            table: "posts".into(),
        },
        columns: vec![id, body],
        generated: Vec::new(),
        objects: Default::default(),
        primary_key: Some(PrimaryKey {
            name: "posts_pkey".into(),
            columns: vec!["id".into()],
        }),
        strategy: Strategy::Single,
        wanted_partitions: 1,
        dense_partitions: 1,
        estimated_rows: 3,
        estimated_bytes: 30,
        filter: None,
        memory_optimized: false,
        filtered_by_policy: false,
        notes: vec![],
        omissions: vec![],
    }
}

pub(crate) fn with_identity(
    mut plan: TablePlan,
    seed: i128,
    increment: i128,
    last: Option<i128>,
) -> TablePlan {
    plan.columns[0].identity = Some(Identity {
        seed,
        increment,
        last_value: last,
    });
    plan.columns[0].clauses.counter = Some(CounterPlan {
        sequence: "posts_id_seq".to_owned(),
        form: CounterForm::Identity,
        least: i32::MIN.into(),
        most: i32::MAX.into(),
    });
    plan
}

/// Rows of [`posts`] as COPY BINARY, with the last id as key.
pub(crate) fn batch(rows: &[(i32, Option<&str>)]) -> Batch {
    let mut bytes = BytesMut::new();
    for (id, body) in rows {
        bytes.put_i16(2);
        bytes.put_i32(4);
        bytes.put_i32(*id);
        match body {
            Some(text) => {
                bytes.put_i32(i32::try_from(text.len()).unwrap());
                bytes.put_slice(text.as_bytes());
            }
            None => bytes.put_i32(-1),
        }
    }
    Batch {
        bytes: bytes.to_vec().into(),
        rows: rows.len() as u64,
        last_key: rows
            .last()
            .map(|(id, _)| vec![KeyValue::Int(i64::from(*id))]),
        checksum: Some(u128::MAX - 1),
        changed: vec![0, 1],
        rejects: Vec::new(),
    }
}

/// A job that is ready to load `plan`, in a database of its own.
pub(crate) struct Job {
    pub(crate) pool: TargetPool,
    pub(crate) run: RunId,
    pub(crate) key: TableKey,
    pub(crate) plan: TablePlan,
    pub(crate) copy: Arc<CopyTable>,
}

pub(crate) async fn connect(database: &Database<'_>) -> (Connector, TargetPool) {
    let target = database.target();
    let connector = Connector::new(&target).unwrap();
    let pool = TargetPool::open(connector.clone(), &target.pool, 1)
        .await
        .unwrap();
    (connector, pool)
}

pub(crate) fn new_run() -> NewRun {
    NewRun {
        job: JOB.into(),
        source: SourceId {
            server: "SQL01".into(),
            database: "Stack".into(),
            guid: Some("E2C1A7B0-0000-4000-8000-0123456789AB".into()),
        },
        fingerprint: "f".into(),
        lock_pid: 1,
        selection: Vec::new(),
        run_name: None,
    }
}

pub(crate) fn fence(run: RunId) -> RunFence<'static> {
    RunFence { job: JOB, run }
}

/// Starts the job over; the tables that were dropped.
pub(crate) async fn start_over(
    client: &mut Client,
    tables: LeftoverTables,
) -> (RunId, Vec<TargetName>) {
    let what = Discarded { views: &[], tables };
    let begun = start_over::start_over(client, &new_run(), what).await;
    begun.unwrap()
}

/// State installed, run started, plan saved with `partitions` slices; no table yet.
pub(crate) async fn planned(database: &Database<'_>, plan: TablePlan, partitions: usize) -> Job {
    let (_, pool) = connect(database).await;
    let mut lease = pool.acquire().await.unwrap();
    state::install(&mut lease).await.unwrap();
    let run = state::start_run(&lease, &new_run()).await.unwrap();
    let slices = vec![Slice::Whole; partitions];
    state::save_plan(&mut lease, fence(run), &plan, "fp", &slices)
        .await
        .unwrap();
    drop(lease);
    Job {
        pool,
        run,
        key: TableKey::for_plan(JOB, &plan),
        copy: Arc::new(CopyTable::new(JOB, &plan)),
        plan,
    }
}

/// As [`planned`], and the table made.
pub(crate) async fn made(database: &Database<'_>, plan: TablePlan, partitions: usize) -> Job {
    let job = planned(database, plan, partitions).await;
    let mut lease = job.pool.acquire().await.unwrap();
    ddl::make(&mut lease, &job.key, job.run, &job.plan, &CREATE)
        .await
        .unwrap();
    drop(lease);
    job
}
