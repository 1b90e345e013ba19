//! Constraints in the way of rows: off, remembered, and back as they were.

use migrate::config::job::Mode;
use migrate::error::Kind;
use migrate::plan::object::{CollationPlan, ForeignKeyPlan, SequencePlan};
use migrate::plan::table::TablePlan;
use migrate::plan::view::{ViewForm, ViewPlan};
use migrate::postgres::ddl::{self, TableOptions};
use migrate::postgres::objects::{
    add_foreign_key, continue_sequence, drop_keys_between, drop_view, is_suspended, make_collation,
    make_sequence, make_view, restore, restore_statement, suspend, validate_foreign_key,
};
use migrate::postgres::state::{self, SuspendedConstraint};
use tsql::names::TargetName;
use tsql::schema::objects::Action;

use crate::objects::{check, foreign_key};
use crate::plans::{JOB, Job, made, new_run, planned, posts};
use crate::support::postgres::{Database, Postgres};

const STATE: &str = "SELECT coalesce(string_agg(conname || ' ' || convalidated, ', ' \
    ORDER BY conname), 'none') FROM pg_constraint WHERE contype IN ('c', 'f') AND conparentid = 0 \
    AND conrelid = 'app.posts'::regclass";

async fn suspended_constraints(job: &Job) -> Vec<SuspendedConstraint> {
    let lease = job.pool.acquire().await.unwrap();
    state::suspended_constraints(&lease, JOB).await.unwrap()
}

async fn put_all_back(job: &Job) -> Result<(), migrate::error::Error> {
    for aside in suspended_constraints(job).await {
        restore(&mut *job.pool.acquire().await?, &job.context(), &aside).await?;
    }
    Ok(())
}

/// A key to `app.others`, which is partitioned as `app.posts` is.
fn to_others() -> ForeignKeyPlan {
    ForeignKeyPlan {
        referenced: TargetName {
            schema: "app".into(),
            table: "others".into(),
        },
        referenced_source: "dbo.Others".into(),
        ..foreign_key(Action::NoAction)
    }
}

/// `app.posts` is there as `sql` makes it, and the job appends to it.
async fn appending(database: &Database<'_>, sql: &str, plan: TablePlan) -> Job {
    database.sql(sql);
    let job = planned(database, plan, 1).await;
    let making = TableOptions {
        mode: Mode::Append,
        unlogged: false,
    };
    let mut lease = job.pool.acquire().await.unwrap();
    ddl::make(&mut lease, &job.key, job.run, &job.plan, &making)
        .await
        .unwrap();
    drop(lease);
    job
}

/// A foreign key of a partitioned table cannot be NOT VALID before version 18: once dropped, it
/// never came back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_a_partitioned_table_comes_back() {
    let database = Postgres::shared().database();
    let mut plan = posts();
    plan.objects.foreign_keys.push(to_others());
    let tables = "CREATE SCHEMA app; \
        CREATE TABLE app.others (id int PRIMARY KEY) PARTITION BY RANGE (id); \
        CREATE TABLE app.others_all PARTITION OF app.others DEFAULT; \
        CREATE TABLE app.posts (id int NOT NULL PRIMARY KEY, body varchar(20)) PARTITION BY RANGE (id); \
        CREATE TABLE app.posts_all PARTITION OF app.posts DEFAULT; \
        INSERT INTO app.others VALUES (1); INSERT INTO app.posts VALUES (1, 'x'); \
        ALTER TABLE app.posts ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES app.others (id)";
    let job = appending(&database, tables, plan).await;
    let key = to_others();
    let mut lease = job.pool.acquire().await.unwrap();
    suspend(&mut lease, job.fence(), &[&job.plan])
        .await
        .unwrap();
    assert_eq!(database.value(STATE), "none");
    for _ in 0..2 {
        add_foreign_key(&mut lease, &job.context(), &key)
            .await
            .unwrap();
    }
    validate_foreign_key(&mut lease, &job.context(), &key)
        .await
        .unwrap();
    put_all_back(&job).await.unwrap();
    assert_eq!(database.value(STATE), "fk true");
    assert_eq!(suspended_constraints(&job).await, []);
    // From what was kept of it alone.
    suspend(&mut lease, job.fence(), &[&job.plan])
        .await
        .unwrap();
    assert_eq!(database.value(STATE), "none");
    put_all_back(&job).await.unwrap();
    assert_eq!(database.value(STATE), "fk true");
    suspend(&mut lease, job.fence(), &[&job.plan])
        .await
        .unwrap();
    database.sql("INSERT INTO app.posts VALUES (2, 'y')");
    let error = add_foreign_key(&mut lease, &job.context(), &key)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::TargetQuery);
    assert!(
        error.to_string().contains("foreign key FK of the source"),
        "{error}"
    );
    assert!(put_all_back(&job).await.is_err());
    let off = suspended_constraints(&job).await;
    assert_eq!(
        restore_statement(&off[0]),
        "ALTER TABLE \"app\".\"posts\" ADD CONSTRAINT \"fk\" FOREIGN KEY (id) REFERENCES app.others(id)"
    );
}

/// The source vouches neither for the key nor for the check; the target did for its own rows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_validated_is_so_again() {
    let database = Postgres::shared().database();
    let mut plan = posts();
    plan.objects.foreign_keys.push(ForeignKeyPlan {
        valid: false,
        ..foreign_key(Action::NoAction)
    });
    plan.objects.checks.push(check("\"id\" > 0", false));
    let table = "CREATE SCHEMA app; \
        CREATE TABLE app.posts (id int NOT NULL PRIMARY KEY, body varchar(20)); \
        INSERT INTO app.posts VALUES (1, 'x'); \
        ALTER TABLE app.posts ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES app.posts (id), \
        ADD CONSTRAINT ck CHECK (id > 0)";
    let job = appending(&database, table, plan).await;
    let mut lease = job.pool.acquire().await.unwrap();
    suspend(&mut lease, job.fence(), &[&job.plan])
        .await
        .unwrap();
    assert_eq!(database.value(STATE), "ck true");
    let key = &job.plan.objects.foreign_keys[0];
    add_foreign_key(&mut lease, &job.context(), key)
        .await
        .unwrap();
    assert_eq!(database.value(STATE), "ck true, fk false");
    put_all_back(&job).await.unwrap();
    assert_eq!(database.value(STATE), "ck true, fk true");
    assert_eq!(suspended_constraints(&job).await, []);
    // A check that is NOT VALID goes, and comes back as it was under no plan at all.
    database.sql(
        "ALTER TABLE app.posts DROP CONSTRAINT ck, ADD CONSTRAINT ck CHECK (id > 0) NOT VALID",
    );
    suspend(&mut lease, job.fence(), &[&job.plan])
        .await
        .unwrap();
    assert_eq!(database.value(STATE), "none");
    put_all_back(&job).await.unwrap();
    assert_eq!(database.value(STATE), "ck false, fk true");
    // Somebody's other constraint of that name is not touched.
    suspend(&mut lease, job.fence(), &[&job.plan])
        .await
        .unwrap();
    database.sql("ALTER TABLE app.posts ADD CONSTRAINT ck CHECK (id > -5)");
    let error = put_all_back(&job).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TargetExists, "{error}");
    assert_eq!(suspended_constraints(&job).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_released_is_remembered_until_its_table_is_replaced() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    database.sql(
        "CREATE TABLE app.others (id int PRIMARY KEY); \
         ALTER TABLE app.posts ADD CONSTRAINT mine FOREIGN KEY (id) REFERENCES app.others (id)",
    );
    let mut other = posts();
    other.name = "Others".into();
    other.target.table = "others".into();
    let mut lease = job.pool.acquire().await.unwrap();
    let both = [other, job.plan.clone()];
    drop_keys_between(&mut lease, job.fence(), &both)
        .await
        .unwrap();
    assert_eq!(database.value(STATE), "none");
    let off = suspended_constraints(&job).await;
    assert_eq!(
        (
            off[0].full_name().as_str(),
            off[0].restore_after_load,
            off.len()
        ),
        ("dbo.Posts", false, 1)
    );
    assert!(
        is_suspended(&mut lease, job.fence(), &off[0])
            .await
            .unwrap()
    );
    put_all_back(&job).await.unwrap();
    assert_eq!(database.value(STATE), "none");
    assert_eq!(suspended_constraints(&job).await, []);
    // Made again by hand as the report says, it is off no more.
    database.sql(
        "ALTER TABLE app.posts ADD CONSTRAINT mine FOREIGN KEY (id) REFERENCES app.others (id)",
    );
    drop_keys_between(&mut lease, job.fence(), &both)
        .await
        .unwrap();
    database.sql(&restore_statement(&off[0]));
    assert!(
        !is_suspended(&mut lease, job.fence(), &off[0])
            .await
            .unwrap()
    );
    assert_eq!(suspended_constraints(&job).await, []);
}

/// A run that lost its job lock and does not know it yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_overtaken_touches_nothing_beside_its_tables() {
    let database = Postgres::shared().database();
    let mut plan = posts();
    plan.objects
        .foreign_keys
        .push(foreign_key(Action::NoAction));
    let job = made(&database, plan, 1).await;
    database.sql("ALTER TABLE app.posts ADD PRIMARY KEY (id), ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES app.posts (id)");
    let name = |table: &str| TargetName {
        schema: "app".into(),
        table: table.into(),
    };
    let view = ViewPlan {
        source: "dbo.V".into(),
        target: name("v"),
        query: "SELECT 1 AS one".into(),
        form: ViewForm::Plain,
        indexes: Vec::new(),
        read: Default::default(),
    };
    let sequence = SequencePlan {
        source: "dbo.S".into(),
        target: name("s"),
        ty: "integer".into(),
        start: 1,
        increment: 1,
        minimum: 1,
        maximum: 100,
        cycle: false,
        cache: None,
        last_value: 7,
        used: true,
    };
    let collation = CollationPlan {
        schema: "app".into(),
        name: "c".into(),
        source: "C".into(),
        locale: "und-u-ks-level2".into(),
    };
    let (by, mut lease) = (job.fence(), job.pool.acquire().await.unwrap());
    make_view(&mut lease, by, &view).await.unwrap();
    make_sequence(&mut lease, by, &sequence).await.unwrap();
    state::start_run(&lease, &new_run()).await.unwrap();
    let outcomes = [
        make_view(&mut lease, by, &view).await,
        drop_view(&mut lease, by, &view).await,
        make_sequence(&mut lease, by, &sequence).await,
        continue_sequence(&mut lease, by, &sequence).await,
        make_collation(&mut lease, by, &collation).await,
        suspend(&mut lease, by, &[&job.plan]).await,
        drop_keys_between(&mut lease, by, std::slice::from_ref(&job.plan)).await,
    ];
    for (at, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!(outcome.unwrap_err().kind(), Kind::JobHeld, "{at}");
    }
    assert_eq!(
        database.value("SELECT one || ' ' || last_value FROM app.v, app.s"),
        "1 1"
    );
    assert_eq!(database.value(STATE), "fk true");
}
