//! Views in each form, and functions: made once, kept if they are the same, refused if they are not.

use migrate::error::Kind;
use migrate::plan::function::{FunctionPlan, FunctionVolatility, HelperPlan};
use migrate::plan::object::{IndexKey, IndexKind, IndexPlan};
use migrate::plan::view::{ViewForm, ViewPlan};
use migrate::postgres::objects::{drop_view, make_function, make_helper, make_view};
use tsql::names::TargetName;

use crate::plans::{made, posts};
use crate::support::postgres::Postgres;

fn name(table: &str) -> TargetName {
    TargetName {
        schema: "app".into(),
        table: table.into(),
    }
}

fn view(form: ViewForm) -> ViewPlan {
    ViewPlan {
        source: "dbo.V".into(),
        target: name("v"),
        query: "SELECT t.id FROM app.source AS t WHERE t.id > 1".into(),
        form,
        indexes: Vec::new(),
        read: Default::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_materialized_view_has_its_index_and_is_refreshed_by_the_next_run() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    database.sql("CREATE TABLE app.source (id integer); INSERT INTO app.source VALUES (1), (2)");
    let mut plan = view(ViewForm::Materialized);
    plan.indexes.push(IndexPlan {
        name: "v_id".into(),
        source: "UC".into(),
        kind: IndexKind::Unique { one_null: false },
        key: vec![IndexKey {
            column: "id".into(),
            descending: false,
        }],
        included: Vec::new(),
        predicate: None,
    });
    let (by, mut lease) = (job.fence(), job.pool.acquire().await.unwrap());
    make_view(&mut lease, by, &plan).await.unwrap();
    assert_eq!(database.value("SELECT count(*) FROM app.v"), "1");
    database.sql("INSERT INTO app.source VALUES (3)");
    assert_eq!(database.value("SELECT count(*) FROM app.v"), "1");
    make_view(&mut lease, by, &plan).await.unwrap();
    assert_eq!(database.value("SELECT count(*) FROM app.v"), "2");
    let unique = "SELECT indisunique FROM pg_index WHERE indexrelid = 'app.v_id'::regclass";
    assert_eq!(database.value(unique), "t");
    // The same query as a plain view is another one.
    let plain = view(ViewForm::Plain);
    let refused = make_view(&mut lease, by, &plain).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::TargetExists);
    drop_view(&mut lease, by, &plain).await.unwrap();
    assert_eq!(
        database.value("SELECT count(*) FROM app.v"),
        "2",
        "not its own"
    );
    drop_view(&mut lease, by, &plan).await.unwrap();
    assert_eq!(database.value("SELECT to_regclass('app.v') IS NULL"), "t");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_option_is_a_part_of_its_view() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    database.sql("CREATE TABLE app.source (id integer)");
    let (by, mut lease) = (job.fence(), job.pool.acquire().await.unwrap());
    let plan = view(ViewForm::Checked);
    for _ in 0..2 {
        make_view(&mut lease, by, &plan).await.unwrap();
    }
    let option = "SELECT check_option FROM information_schema.views WHERE table_name = 'v'";
    assert_eq!(database.value(option), "CASCADED");
    let other = make_view(&mut lease, by, &view(ViewForm::Plain)).await;
    assert_eq!(other.unwrap_err().kind(), Kind::TargetExists);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_is_made_once_and_a_helper_is_replaced() {
    let database = Postgres::shared().database();
    let job = made(&database, posts(), 1).await;
    let (by, mut lease) = (job.fence(), job.pool.acquire().await.unwrap());
    let mut plan = FunctionPlan {
        source: "dbo.F".into(),
        target: name("f"),
        parameters: vec!["\"n\" integer".into()],
        returns: "integer".into(),
        language: Default::default(),
        body: "SELECT $1 * 2".into(),
        volatility: FunctionVolatility::Immutable,
        strict: true,
        after_views: None,
    };
    for _ in 0..2 {
        make_function(&mut lease, by, &plan).await.unwrap();
    }
    assert_eq!(database.value("SELECT app.f(n => 21)"), "42");
    plan.body = "SELECT $1 * 3".into();
    let other = make_function(&mut lease, by, &plan).await.unwrap_err();
    assert_eq!(other.kind(), Kind::TargetExists);
    assert!(other.to_string().contains("function"), "{other}");
    for result in ["1", "2"] {
        let helper = HelperPlan {
            target: name("migrate_helper"),
            of: "TRY_CAST".into(),
            statement: format!(
                "CREATE OR REPLACE FUNCTION app.migrate_helper() RETURNS integer LANGUAGE sql AS 'SELECT {result}'"
            ),
        };
        make_helper(&mut lease, by, &helper).await.unwrap();
        assert_eq!(database.value("SELECT app.migrate_helper()"), result);
    }
}
