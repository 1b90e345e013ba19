//! Tables: made, replaced, emptied, taken over, refused.

use migrate::config::job::Mode;
use migrate::error::{Error, Kind};
use migrate::plan::table::TablePlan;
use migrate::postgres::ddl::{self, TableOptions};
use migrate::postgres::state::{self, TableStage};
use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::plans::{CREATE, JOB, Job, column, planned, posts, with_identity};
use crate::support::postgres::{Database, Postgres};

async fn make(job: &Job, mode: Mode) -> Result<(), Error> {
    let mut lease = job.pool.acquire().await.unwrap();
    let checked = ddl::check(&lease, &job.plan, mode).await;
    let making = TableOptions {
        mode,
        unlogged: false,
    };
    let made = ddl::make(&mut lease, &job.key, job.run, &job.plan, &making).await;
    assert_eq!(checked.is_ok(), made.is_ok(), "check and make agree");
    made
}

fn columns(database: &Database<'_>) -> Vec<String> {
    let sql = "SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END \
               FROM pg_attribute WHERE attrelid = 'app.posts'::regclass AND attnum > 0 ORDER BY attnum";
    database
        .sql(sql)
        .into_iter()
        .map(|mut row| row.remove(0).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_makes_schema_and_table_in_source_order_with_its_state() {
    let database = Postgres::shared().database();
    let job = planned(&database, posts(), 1).await;
    make(&job, Mode::Create).await.unwrap();
    assert_eq!(
        columns(&database),
        ["body character varying(20)", "id integer NOT NULL"]
    );
    let lease = job.pool.acquire().await.unwrap();
    let record = state::load(&lease, JOB).await.unwrap().remove(0);
    assert_eq!((record.state, record.created), (TableStage::Created, true));
    drop(lease);
    // What a resumed run does: the table is ours, so it is left alone, rows and all.
    database.sql("INSERT INTO app.posts VALUES ('x', 1)");
    let mut lease = job.pool.acquire().await.unwrap();
    ddl::make(&mut lease, &job.key, job.run, &job.plan, &CREATE)
        .await
        .unwrap();
    assert_eq!(database.value("SELECT count(*) FROM app.posts"), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn create_refuses_what_is_there_and_says_what_to_do() {
    let database = Postgres::shared().database();
    let job = planned(&database, posts(), 1).await;
    database.sql("CREATE SCHEMA app; CREATE TABLE app.posts (id int)");
    let empty = make(&job, Mode::Create).await.unwrap_err();
    assert_eq!(empty.kind(), Kind::TargetExists);
    assert!(
        empty.message().contains("an empty table") && empty.message().contains("replace"),
        "{empty}"
    );
    assert_eq!(empty.place().table.as_deref(), Some("dbo.Posts"));
    database.sql("INSERT INTO app.posts VALUES (1)");
    let full = make(&job, Mode::Create).await.unwrap_err();
    assert!(full.message().contains("holds rows"), "{full}");
    database.sql("DROP TABLE app.posts; CREATE VIEW app.posts AS SELECT 1 AS id");
    for mode in [Mode::Create, Mode::Replace, Mode::Truncate, Mode::Append] {
        assert_eq!(
            make(&job, mode).await.unwrap_err().kind(),
            Kind::TargetExists,
            "{mode:?}"
        );
    }
    let state = database.value("SELECT state FROM _migrate.tables");
    assert_eq!(state, "planned");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replace_drops_and_names_dependants_when_it_may_not() {
    let database = Postgres::shared().database();
    let job = planned(&database, posts(), 1).await;
    database.sql("CREATE SCHEMA app; CREATE TABLE app.posts (x int); CREATE VIEW app.seen AS SELECT x FROM app.posts");
    let mut lease = job.pool.acquire().await.unwrap();
    let making = TableOptions {
        mode: Mode::Replace,
        unlogged: true,
    };
    let error = ddl::make(&mut lease, &job.key, job.run, &job.plan, &making)
        .await
        .unwrap_err();
    assert!(error.message().contains("app.seen"), "{error}");
    database.sql("DROP VIEW app.seen");
    ddl::make(&mut lease, &job.key, job.run, &job.plan, &making)
        .await
        .unwrap();
    assert_eq!(columns(&database).len(), 2);
    assert_eq!(
        database.value("SELECT relpersistence FROM pg_class WHERE oid = 'app.posts'::regclass"),
        "u"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncate_and_append_want_a_table_that_fits() {
    let database = Postgres::shared().database();
    let job = planned(&database, posts(), 1).await;
    for mode in [Mode::Truncate, Mode::Append] {
        let error = make(&job, mode).await.unwrap_err();
        assert!(error.message().contains("is not there"), "{error}");
    }
    database.sql("CREATE SCHEMA app");
    for (table, word) in [
        ("id int", "column body (character varying(20)) is missing"),
        (
            "id bigint, body varchar(20)",
            "column id is bigint there and integer in the plan",
        ),
        (
            "id int, body varchar(20), more int NOT NULL",
            "its column more is NOT NULL",
        ),
        (
            "id int, body varchar(20) GENERATED ALWAYS AS ('x') STORED",
            "generated",
        ),
    ] {
        database.sql(&format!(
            "DROP TABLE IF EXISTS app.posts; CREATE TABLE app.posts ({table})"
        ));
        for mode in [Mode::Truncate, Mode::Append] {
            let error = make(&job, mode).await.unwrap_err();
            assert_eq!(error.kind(), Kind::TargetQuery);
            assert!(error.message().contains(word), "{word:?} in {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncate_empties_and_append_keeps() {
    for (mode, left) in [(Mode::Truncate, "0"), (Mode::Append, "1")] {
        let database = Postgres::shared().database();
        let job = planned(&database, posts(), 1).await;
        database.sql(
            "CREATE SCHEMA app; CREATE TABLE app.posts (more int DEFAULT 7, id int, body varchar); \
             INSERT INTO app.posts (id) VALUES (1)",
        );
        make(&job, mode).await.unwrap();
        assert_eq!(
            database.value("SELECT count(*) FROM app.posts"),
            left,
            "{mode:?}"
        );
    }
}

/// Every type of the plan is made as the catalog then prints it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_types_are_made_and_then_fit() {
    let types = [
        PgType::Boolean,
        PgType::SmallInt,
        PgType::Integer,
        PgType::BigInt,
        PgType::Numeric(None),
        PgType::Numeric(Some((38, 10))),
        PgType::Numeric(Some((5, 0))),
        PgType::Real,
        PgType::DoublePrecision,
        PgType::Date,
        PgType::Time(0),
        PgType::Time(6),
        PgType::Timestamp(3),
        PgType::Timestamp(6),
        PgType::TimestampTz(0),
        PgType::TimestampTz(6),
        PgType::Char(1),
        PgType::Char(4000),
        PgType::VarChar(1),
        PgType::VarChar(8000),
        PgType::Text,
        PgType::Bytea,
        PgType::Uuid,
        PgType::Xml,
    ];
    let mut plan = posts();
    plan.primary_key = None;
    plan.columns = (0..)
        .zip(types)
        .map(|(index, ty)| column(index, &format!("c{index}"), SqlType::Int, ty))
        .collect();
    let database = Postgres::shared().database();
    let job = planned(&database, plan, 1).await;
    make(&job, Mode::Create).await.unwrap();
    let lease = job.pool.acquire().await.unwrap();
    ddl::check(&lease, &job.plan, Mode::Append).await.unwrap();
}

fn with_names(names: [&str; 4]) -> TablePlan {
    let mut plan = posts();
    plan.target.schema = names[0].into();
    plan.target.table = names[1].into();
    plan.columns[0].target_name = names[2].into();
    let key = plan.primary_key.as_mut().unwrap();
    key.name = names[3].into();
    key.columns = vec![names[2].into()];
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_what_they_are() {
    for names in [
        ["a\"b", "sel'ect; DROP TABLE x --", "or\"der", "p\"k"],
        ["Схема", "😀.😀", "select", "user"],
        ["a.b", "line\nend %s $1 \\", "[x]", "tab\tle"],
    ] {
        let database = Postgres::shared().database();
        let mut job = planned(&database, with_names(names), 1).await;
        job.plan = with_identity(job.plan, 1, 1, Some(5));
        make(&job, Mode::Create).await.unwrap();
        let mut lease = job.pool.acquire().await.unwrap();
        database.sql("UPDATE _migrate.partitions SET state = 'done'");
        migrate::postgres::finish::finish(&mut lease, &job.key, job.run, &job.plan)
            .await
            .unwrap();
        let row = lease
            .query_one(
                "SELECT n.nspname::text, c.relname::text, a.attname::text, k.conname::text FROM pg_constraint k \
                 JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1] \
                 WHERE k.contype = 'p' AND n.nspname NOT IN ('_migrate', 'pg_catalog')",
                &[],
            )
            .await
            .unwrap();
        let found: Vec<String> = (0..4).map(|index| row.get(index)).collect();
        assert_eq!(found, names);
        assert_eq!(
            migrate::postgres::verify::count_rows(&lease, &job.plan.target)
                .await
                .unwrap(),
            0
        );
    }
}

/// PostgreSQL cuts an array type's name to 63 bytes, so two such tables made at once collide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_names_of_63_bytes_at_once_are_tried_again() {
    let database = Postgres::shared().database();
    database.sql("CREATE SCHEMA app");
    let mut plan = posts();
    plan.target.table = format!("{}2", "n".repeat(62));
    let job = planned(&database, plan, 1).await;
    let other = job.pool.acquire().await.unwrap();
    let first = format!("BEGIN; CREATE TABLE app.{} (id int)", "n".repeat(63));
    other.batch_execute(&first).await.unwrap();
    let mut lease = job.pool.acquire().await.unwrap();
    let making = ddl::make(&mut lease, &job.key, job.run, &job.plan, &CREATE);
    let (made, ()) = tokio::join!(making, async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        other.batch_execute("COMMIT").await.unwrap();
    });
    assert_eq!(made.unwrap_err().kind(), Kind::TargetBusy);
    ddl::make(&mut lease, &job.key, job.run, &job.plan, &CREATE)
        .await
        .unwrap();
}
