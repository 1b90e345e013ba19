//! The pool: cap, order, time-outs, dead connections, numbers.

use std::time::Duration;

use migrate::config::job::{Secret, TargetPool as Settings};
use migrate::error::Kind;
use migrate::postgres::connect::Connector;
use migrate::postgres::pool::TargetPool;

use crate::support::postgres::{Database, Postgres};

async fn pool(database: &Database<'_>, cap: usize, timeout: Duration, warm: usize) -> TargetPool {
    let settings = Settings {
        max_connections: cap,
        acquire_timeout: timeout,
    };
    let connector = Connector::new(&database.target()).unwrap();
    TargetPool::open(connector, &settings, warm).await.unwrap()
}

fn connections(database: &Database<'_>) -> String {
    let name = &database.name;
    Postgres::shared().sql(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND application_name = 'migrate'"
    ))[0][0]
        .clone()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pool_is_warmed_capped_and_closed() {
    let database = Postgres::shared().database();
    let pool = pool(&database, 3, Duration::from_millis(200), 3).await;
    assert_eq!(connections(&database), "3");
    let leases = [
        pool.acquire().await.unwrap(),
        pool.acquire().await.unwrap(),
        pool.acquire().await.unwrap(),
    ];
    let error = pool.acquire().await.err().expect("a time-out");
    assert_eq!(error.kind(), Kind::TargetPoolTimeout);
    assert!(error.message().contains("all 3 are in use"), "{error}");
    drop(leases);
    let metrics = pool.metrics();
    assert_eq!(
        (
            metrics.size,
            metrics.open,
            metrics.in_use,
            metrics.peak_in_use
        ),
        (3, 3, 0, 3)
    );
    assert_eq!(
        (metrics.acquisitions, metrics.waits, metrics.timeouts),
        (3, 1, 1)
    );
    assert_eq!(
        (metrics.connects, metrics.reconnects, metrics.connect_errors),
        (3, 0, 0)
    );
    assert!(
        metrics.longest_wait >= Duration::from_millis(200),
        "{metrics:?}"
    );
    assert!(metrics.used >= Duration::from_millis(600), "{metrics:?}");
    pool.close().await;
    assert_eq!(pool.metrics().open, 0);
    for _ in 0..50 {
        if connections(&database) == "0" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!(
        "the server still sees {} connections",
        connections(&database)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiters_are_served_in_order() {
    let database = Postgres::shared().database();
    let pool = pool(&database, 1, Duration::from_secs(20), 1).await;
    let held = pool.acquire().await.unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let waiters = (0..8).map(|number| {
        let (pool, order) = (&pool, &order);
        async move {
            let _lease = pool.acquire().await.unwrap();
            order.lock().unwrap().push(number);
        }
    });
    // All have asked, in their order, before the connection comes free.
    futures::join!(futures::future::join_all(waiters), async { drop(held) });
    let order = order.into_inner().unwrap();
    assert_eq!(order, (0..8).collect::<Vec<_>>());
    assert_eq!(pool.metrics().waits, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_connection_is_replaced_on_checkout() {
    let database = Postgres::shared().database();
    let pool = pool(&database, 2, Duration::from_secs(20), 2).await;
    database.sql(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'migrate'",
    );
    let lease = pool.acquire().await.unwrap();
    lease.query_one("SELECT 1", &[]).await.unwrap();
    assert_eq!(pool.metrics().reconnects, 1);
    lease.discard();
    pool.acquire().await.unwrap();
    assert_eq!(pool.metrics().in_use, 0);
    assert_eq!(pool.metrics().reconnects, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_fails_at_once_with_the_true_error() {
    let database = Postgres::shared().database();
    let mut target = database.target();
    target.password = Secret::new("other");
    let connector = Connector::new(&target).unwrap();
    let error = TargetPool::open(connector, &target.pool, 4)
        .await
        .err()
        .expect("a refusal");
    assert_eq!(error.kind(), Kind::TargetLogin);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_statement_is_cancelled_and_its_connection_not_used_again() {
    let database = Postgres::shared().database();
    let pool = pool(&database, 2, Duration::from_secs(20), 2).await;
    let idle = pool.acquire().await.unwrap();
    drop(idle);
    let busy = pool.acquire().await.unwrap();
    let started = std::time::Instant::now();
    let (slept, ()) = futures::join!(busy.batch_execute("SELECT pg_sleep(30)"), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        pool.cancel_running().await;
    });
    assert_eq!(slept.unwrap_err().code().unwrap().code(), "57014");
    assert!(started.elapsed() < Duration::from_secs(10));
    drop(busy);
    let after = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    assert_eq!(pool.metrics().reconnects, 1, "the idle one stays");
    drop(after);
}

/// Given back instead, its next user waits until the statement ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_statement_ends_and_its_connection_is_not_given_back() {
    let database = Postgres::shared().database();
    let pool = pool(&database, 1, Duration::from_secs(3), 1).await;
    let lease = pool.acquire().await.unwrap();
    let running = lease.batch_execute("SELECT pg_catalog.pg_sleep(60) AS abandoned");
    let waited = tokio::time::timeout(Duration::from_millis(200), running).await;
    assert!(waited.is_err());
    let asked = std::time::Instant::now();
    pool.cancel_and_close(lease).await;
    let next = pool.acquire().await.unwrap();
    next.simple_query("").await.unwrap();
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(pool.metrics().reconnects, 1);
    let left = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%AS abandoned' AND pid <> pg_backend_pid()";
    assert_eq!(database.value(left), "0");
}
