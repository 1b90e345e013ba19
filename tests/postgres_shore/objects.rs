//! Indexes and constraints: made once, taken over where they are there, refused where they differ.

use migrate::error::{Error, Kind};
use migrate::plan::object::{
    CheckPlan, CollationPlan, ForeignKeyPlan, IndexKey, IndexKind, IndexPlan, SequencePlan,
};
use migrate::postgres::objects::{
    TableContext, add_foreign_key, continue_sequence, make_check, make_collation, make_index,
    make_sequence, suspend, validate_foreign_key,
};
use migrate::postgres::state::{self, RunFence};
use tsql::names::TargetName;
use tsql::schema::objects::Action;

use crate::plans::{JOB, Job, made, new_run, posts};
use crate::support::postgres::Postgres;

fn index(name: &str, kind: IndexKind, column: &str) -> IndexPlan {
    IndexPlan {
        name: name.into(),
        source: name.into(),
        kind,
        key: vec![IndexKey {
            column: column.into(),
            descending: false,
        }],
        included: Vec::new(),
        predicate: None,
    }
}

pub(crate) fn check(expression: &str, valid: bool) -> CheckPlan {
    CheckPlan {
        name: "ck".into(),
        source: "CK".into(),
        expression: expression.into(),
        valid,
    }
}

/// A key of `app.posts` to itself.
pub(crate) fn foreign_key(on_delete: Action) -> ForeignKeyPlan {
    ForeignKeyPlan {
        name: "fk".into(),
        source: "FK".into(),
        columns: vec!["id".into()],
        referenced: TargetName {
            schema: "app".into(),
            table: "posts".into(),
        },
        referenced_source: "dbo.Posts".into(),
        referenced_columns: vec!["id".into()],
        on_delete,
        on_update: Action::NoAction,
        valid: true,
        loose: true,
    }
}

impl Job {
    pub(crate) fn fence(&self) -> RunFence<'_> {
        RunFence {
            job: JOB,
            run: self.run,
        }
    }

    pub(crate) fn context(&self) -> TableContext<'_> {
        TableContext {
            table: &self.key,
            run: self.run,
            plan: &self.plan,
        }
    }

    async fn index(&self, plan: &IndexPlan) -> Result<(), Error> {
        make_index(&mut *self.pool.acquire().await?, &self.context(), plan).await
    }

    async fn check(&self, plan: &CheckPlan) -> Result<(), Error> {
        make_check(&mut *self.pool.acquire().await?, &self.context(), plan).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_made_once_whatever_made_it() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let plain = index("ix", IndexKind::Plain, "body");
    for _ in 0..2 {
        job.index(&plain).await.unwrap();
    }
    let count = "SELECT count(*) FROM pg_index WHERE indrelid = 'app.posts'::regclass";
    assert_eq!(database.value(count), "1");
    // Another direction, another index.
    let mut other = plain.clone();
    other.key[0].descending = true;
    let error = job.index(&other).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TargetExists, "{error}");
    // One of somebody's own name is the same thing; one that only looks alike is not.
    database.sql("CREATE UNIQUE INDEX mine ON app.posts (body) NULLS NOT DISTINCT WHERE (id > 0)");
    let mut unique = index("ux", IndexKind::Unique { one_null: true }, "body");
    unique.predicate = Some("\"id\" > 0".into());
    job.index(&unique).await.unwrap();
    assert_eq!(database.value(count), "2");
    unique.predicate = Some("\"id\" > 1".into());
    job.index(&unique).await.unwrap();
    assert_eq!(database.value(count), "3");
    let constraint = index("uq", IndexKind::Constraint { one_null: false }, "id");
    for _ in 0..2 {
        job.index(&constraint).await.unwrap();
    }
    assert_eq!(
        database.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'uq'"),
        "UNIQUE (id)"
    );
    let twins = "SELECT count(*) FROM pg_class WHERE relname LIKE 'migrate twin%'";
    assert_eq!(database.value(twins), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_is_validated_once_its_rows_are_vouched_for() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    database.sql("INSERT INTO app.posts (id, body) VALUES (-1, 'secret')");
    let state = "SELECT convalidated FROM pg_constraint WHERE conname = 'ck'";
    job.check(&check("\"id\" > 0", false)).await.unwrap();
    assert_eq!(database.value(state), "f");
    let violated = job.check(&check("\"id\" > 0", true)).await.unwrap_err();
    assert_eq!(violated.kind(), Kind::TargetQuery);
    assert!(!violated.to_string().contains("secret"), "{violated}");
    database.sql("DELETE FROM app.posts");
    for _ in 0..2 {
        job.check(&check("(\"id\" > 0)", true)).await.unwrap();
    }
    assert_eq!(database.value(state), "t");
    let other = job.check(&check("\"id\" > 1", true)).await.unwrap_err();
    assert_eq!(other.kind(), Kind::TargetExists);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_key_is_suspended_and_made_again() {
    let database = Postgres::shared().database();
    let mut plan = posts();
    plan.objects.foreign_keys.push(foreign_key(Action::Cascade));
    let job = made(&database, plan, 1).await;
    database.sql("ALTER TABLE app.posts ADD PRIMARY KEY (id)");
    let mut lease = job.pool.acquire().await.unwrap();
    let key = foreign_key(Action::Cascade);
    let state = "SELECT count(*), bool_and(convalidated) FROM pg_constraint WHERE conname = 'fk'";
    for _ in 0..2 {
        add_foreign_key(&mut lease, &job.context(), &key)
            .await
            .unwrap();
    }
    assert_eq!(
        database.sql(state)[0],
        ["1", "f"].map(|text| Some(text.to_owned()))
    );
    for _ in 0..2 {
        validate_foreign_key(&mut lease, &job.context(), &key)
            .await
            .unwrap();
    }
    assert_eq!(
        database.sql(state)[0],
        ["1", "t"].map(|text| Some(text.to_owned()))
    );
    let other = foreign_key(Action::SetNull);
    let error = add_foreign_key(&mut lease, &job.context(), &other)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::TargetExists);
    let mut strange = job.plan.clone();
    strange.objects.foreign_keys = vec![other];
    suspend(&mut lease, job.fence(), &[&strange]).await.unwrap();
    assert_eq!(
        database.value("SELECT count(*) FROM pg_constraint WHERE conname = 'fk'"),
        "1"
    );
    suspend(&mut lease, job.fence(), &[&job.plan])
        .await
        .unwrap();
    assert_eq!(
        database.value("SELECT count(*) FROM pg_constraint WHERE conname = 'fk'"),
        "0"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_overtaken_makes_nothing() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let lease = job.pool.acquire().await.unwrap();
    state::start_run(&lease, &new_run()).await.unwrap();
    let plain = index("ix", IndexKind::Plain, "body");
    let error = job.index(&plain).await.unwrap_err();
    assert_eq!((error.kind(), JOB), (Kind::JobHeld, JOB));
    assert_eq!(database.value("SELECT to_regclass('app.ix') IS NULL"), "t");
    drop(lease);
    database.sql("DROP TABLE app.posts; CREATE TABLE app.posts (id int, body varchar(20))");
    database
        .sql("DELETE FROM _migrate.runs WHERE run_id > (SELECT min(run_id) FROM _migrate.runs)");
    let error = job.index(&plain).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Checkpoint, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sequence_goes_on_and_never_back() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut lease = job.pool.acquire().await.unwrap();
    let plan = |last_value, increment| SequencePlan {
        source: "dbo.S".into(),
        target: TargetName {
            schema: "new".into(),
            table: "s".into(),
        },
        ty: "integer".into(),
        start: 0,
        increment,
        minimum: -100,
        maximum: 100,
        cycle: false,
        cache: None,
        last_value,
        used: true,
    };
    for _ in 0..2 {
        make_sequence(&mut lease, job.fence(), &plan(10, -2))
            .await
            .unwrap();
        continue_sequence(&mut lease, job.fence(), &plan(-10, -2))
            .await
            .unwrap();
    }
    assert_eq!(database.value("SELECT nextval('new.s')"), "-12");
    continue_sequence(&mut lease, job.fence(), &plan(-10, -2))
        .await
        .unwrap();
    assert_eq!(database.value("SELECT nextval('new.s')"), "-14");
    let error = make_sequence(&mut lease, job.fence(), &plan(10, 1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::TargetExists);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collation_is_made_once_and_ignores_case() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let mut lease = job.pool.acquire().await.unwrap();
    let plan = |locale: &str| CollationPlan {
        schema: "app".into(),
        name: "latin1_ci_as".into(),
        source: "Latin1_CI_AS".into(),
        locale: locale.into(),
    };
    for _ in 0..2 {
        make_collation(&mut lease, job.fence(), &plan("und-u-ks-level2"))
            .await
            .unwrap();
    }
    for (one, other, equal) in [("a", "A", "t"), ("a", "á", "f"), ("a", "b", "f")] {
        let sql = format!("SELECT '{one}' = '{other}' COLLATE app.latin1_ci_as");
        assert_eq!(database.value(&sql), equal, "{one} {other}");
    }
    let error = make_collation(&mut lease, job.fence(), &plan("und-u-ks-level1"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::TargetExists);
}
