//! The pool: its cap as the server counts it, who waits, what is replaced, what is left at the end.

use std::sync::Arc;
use std::time::Duration;

use migrate::config::job::Consistency;
use migrate::error::Kind;
use migrate::mssql::pool::SourcePool;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::scripted::{SLOW_USER, all_gone, server, source};

#[tokio::test(flavor = "multi_thread")]
async fn twenty_tasks_share_three_connections() {
    let server = server();
    let pool = SourcePool::open(&source(&server), Consistency::Strict)
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let pool = pool.clone();
        tasks.spawn(async move {
            for round in 0..5 {
                let mut connection = pool.acquire().await.unwrap();
                let wanted = task * 100 + round;
                let rows = connection.query(&format!("SELECT {wanted}")).await.unwrap();
                assert_eq!(rows[0].need_int(0).unwrap(), wanted);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
    }
    tasks.join_all().await;
    let metrics = pool.metrics();
    let report = metrics.report();
    assert_eq!(
        (
            report.acquisitions,
            report.peak_in_use,
            report.max_connections
        ),
        (100, 3, 3)
    );
    assert!(report.mean_wait > 0.0 && report.mean_wait <= report.longest_wait);
    assert_eq!(metrics.acquisitions, 100);
    assert_eq!(
        (metrics.peak_in_use, metrics.peak_open, metrics.connects),
        (3, 3, 3)
    );
    assert!(metrics.waits >= 17 && metrics.wait_time >= metrics.longest_wait);
    assert!(
        metrics.use_time >= Duration::from_millis(100),
        "{metrics:?}"
    );
    assert_eq!(
        (metrics.in_use, metrics.waiting, metrics.timeouts),
        (0, 0, 0)
    );
    pool.close().await;
    all_gone(&server).await;
    let counted = server.counters().snapshot();
    assert_eq!((counted.peak_connections, counted.resets), (3, 0));
    assert_eq!(pool.metrics().open, 0);
}

#[tokio::test]
async fn waiting_is_first_come_first_served() {
    let server = server();
    let mut one = source(&server);
    one.pool.max_connections = 1;
    let pool = SourcePool::open(&one, Consistency::Strict).await.unwrap();
    let held = pool.acquire().await.unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for task in 0..10 {
        let (mine, order) = (pool.clone(), order.clone());
        tasks.spawn(async move {
            let connection = mine.acquire().await.unwrap();
            order.lock().await.push(task);
            drop(connection);
        });
        // Lets the task reach the queue before the next one starts.
        while pool.metrics().waiting < task + 1 {
            tokio::task::yield_now().await;
        }
    }
    drop(held);
    tasks.join_all().await;
    assert_eq!(*order.lock().await, (0..10).collect::<Vec<u64>>());
    pool.close().await;
}

#[tokio::test]
async fn a_full_pool_says_who_holds_it() {
    let server = server();
    let mut small = source(&server);
    small.pool.max_connections = 2;
    small.pool.acquire_timeout = Duration::from_millis(200);
    let pool = SourcePool::open(&small, Consistency::Strict).await.unwrap();
    let held = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
    let error = pool.acquire().await.err().unwrap();
    assert_eq!(error.kind(), Kind::SourcePoolTimeout);
    let text = error.to_string();
    assert!(text.contains("cap 2, in use 2"), "{text}");
    assert_eq!(pool.metrics().timeouts, 1);
    drop(held);
    pool.acquire().await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn a_login_that_is_slower_than_the_acquire_time_out() {
    let server = server();
    let mut hasty = source(&server);
    hasty.user = SLOW_USER.into();
    hasty.pool.acquire_timeout = Duration::from_millis(50);
    let pool = SourcePool::open(&hasty, Consistency::Strict).await.unwrap();
    let held = pool.acquire().await.unwrap();
    let error = pool.acquire().await.err().unwrap();
    assert_eq!(error.kind(), Kind::SourcePoolTimeout);
    assert!(error.to_string().contains("slow to log in"), "{error}");
    drop(held);
    pool.close().await;
    all_gone(&server).await;
}

#[tokio::test]
async fn warm_connections_are_there_from_the_start() {
    let server = server();
    let mut warm = source(&server);
    warm.pool.min_connections = 2;
    let pool = SourcePool::open(&warm, Consistency::Strict).await.unwrap();
    assert_eq!(server.counters().snapshot().sessions, 2);
    assert_eq!(pool.metrics().peak_in_use, 0, "opening is not using");
    pool.close().await;
    all_gone(&server).await;
}

#[tokio::test]
async fn a_connection_that_died_in_use_is_replaced() {
    let server = server();
    let mut one = source(&server);
    one.pool.max_connections = 1;
    let pool = SourcePool::open(&one, Consistency::Strict).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    server.drop_connections();
    let error = connection.query("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), Kind::SourceLost, "{error:?}");
    let again = connection.query("SELECT 1").await.unwrap_err();
    assert_eq!(again.kind(), Kind::SourceLost, "it stays broken");
    drop(connection);
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(
        connection.query("SELECT 5").await.unwrap()[0]
            .need_int(0)
            .unwrap(),
        5
    );
    assert_eq!(pool.metrics().reconnects, 1);
    drop(connection);
    pool.close().await;
}

#[tokio::test]
async fn a_connection_that_died_idle_is_replaced_on_checkout() {
    let server = server();
    let mut warm = source(&server);
    warm.pool.min_connections = 3;
    let pool = SourcePool::open(&warm, Consistency::Strict).await.unwrap();
    server.drop_connections();
    all_gone(&server).await;
    // The news must have reached this side too.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut connection = pool.acquire().await.unwrap();
    let rows = connection.query("SELECT 6").await.unwrap();
    assert_eq!(rows[0].need_int(0).unwrap(), 6);
    assert!(pool.metrics().reconnects >= 1, "{:?}", pool.metrics());
    drop(connection);
    pool.close().await;
    assert_eq!(pool.metrics().open, 0);
}

#[tokio::test]
async fn an_acquisition_dropped_while_it_connects_loses_nothing() {
    let server = server();
    let pool = SourcePool::open(&source(&server), Consistency::Strict)
        .await
        .unwrap();
    for _ in 0..20 {
        let held = pool.acquire().await.unwrap();
        let hasty = tokio::time::timeout(Duration::from_micros(300), pool.acquire()).await;
        drop((held, hasty));
    }
    let all = (
        pool.acquire().await,
        pool.acquire().await,
        pool.acquire().await,
    );
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
    assert!(pool.metrics().peak_open <= 3);
    drop(all);
    let closed = tokio::time::timeout(Duration::from_secs(5), pool.close()).await;
    assert!(closed.is_ok(), "{:?}", pool.metrics());
    all_gone(&server).await;
    assert!(server.counters().snapshot().peak_connections <= 3);
}

#[tokio::test]
async fn closing_while_a_connect_is_under_way() {
    let server = server();
    let mut slow = source(&server);
    slow.user = SLOW_USER.into();
    let pool = SourcePool::open(&slow, Consistency::Strict).await.unwrap();
    let held = pool.acquire().await.unwrap();
    let hasty = tokio::time::timeout(Duration::from_millis(50), pool.acquire()).await;
    assert!(hasty.is_err());
    drop(held);
    let closed = tokio::time::timeout(Duration::from_secs(5), pool.close()).await;
    assert!(closed.is_ok(), "{:?}", pool.metrics());
    assert_eq!((pool.metrics().open, pool.metrics().connects), (0, 2));
    all_gone(&server).await;
}

#[tokio::test]
async fn a_server_error_leaves_the_connection_usable() {
    let server = server();
    let pool = SourcePool::open(&source(&server), Consistency::Strict)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    for (sql, kind) in [
        ("RAISE 1205", Kind::SourceBusy),
        ("RAISE 229", Kind::SourcePermission),
        ("RAISE 245", Kind::SourceQuery),
        ("SELECT * FROM nothing", Kind::SourceQuery),
    ] {
        let error = connection.query(sql).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(kind != Kind::SourceQuery || !error.to_string().contains("Alice"));
        assert_eq!(
            connection.query("SELECT 3").await.unwrap()[0]
                .need_int(0)
                .unwrap(),
            3
        );
    }
    drop(connection);
    assert_eq!(pool.metrics().reconnects, 0);
    pool.close().await;
}

#[tokio::test]
async fn an_abandoned_query_costs_its_connection() {
    let server = server();
    let mut one = source(&server);
    one.pool.max_connections = 1;
    let pool = SourcePool::open(&one, Consistency::Strict).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let query = connection.query("WAIT");
    assert!(
        tokio::time::timeout(Duration::from_millis(50), query)
            .await
            .is_err()
    );
    drop(connection);
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(
        connection.query("SELECT 9").await.unwrap()[0]
            .need_int(0)
            .unwrap(),
        9
    );
    assert_eq!(pool.metrics().reconnects, 1);
    drop(connection);
    pool.close().await;
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_a_time_out() {
    let server = server();
    let mut hasty = source(&server);
    hasty.read_timeout = Duration::from_millis(100);
    let pool = SourcePool::open(&hasty, Consistency::Strict).await.unwrap();
    let error = pool
        .acquire()
        .await
        .unwrap()
        .query("WAIT")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::SourceTimeout);
    pool.close().await;
}

#[tokio::test]
async fn a_connect_error_later_on_is_told_at_once() {
    let server = server();
    let mut patient = source(&server);
    patient.pool.acquire_timeout = Duration::from_secs(60);
    let pool = SourcePool::open(&patient, Consistency::Strict)
        .await
        .unwrap();
    let held = pool.acquire().await.unwrap();
    drop(server);
    let error = tokio::time::timeout(Duration::from_secs(5), pool.acquire()).await;
    let error = error
        .expect("no waiting for the acquire time-out")
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::SourceUnreachable, "{error:?}");
    assert_eq!(pool.metrics().connect_errors, 1);
    drop(held);
    pool.close().await;
}

#[tokio::test]
async fn closing_waits_for_those_in_use_and_refuses_new_ones() {
    let server = server();
    let pool = SourcePool::open(&source(&server), Consistency::Strict)
        .await
        .unwrap();
    let mut held = pool.acquire().await.unwrap();
    let closing = tokio::spawn({
        let pool = pool.clone();
        async move { pool.close().await }
    });
    tokio::task::yield_now().await;
    assert_eq!(pool.acquire().await.err().unwrap().kind(), Kind::Stopped);
    assert!(
        held.query("SELECT 1").await.is_ok(),
        "work in flight goes on"
    );
    assert!(!closing.is_finished());
    drop(held);
    tokio::time::timeout(Duration::from_secs(5), closing)
        .await
        .unwrap()
        .unwrap();
    all_gone(&server).await;
}

#[tokio::test]
async fn closing_does_not_wait_for_ever() {
    let server = server();
    let pool = SourcePool::open(&source(&server), Consistency::Strict)
        .await
        .unwrap();
    let held = pool.acquire().await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(4), pool.close()).await;
    assert!(closed.is_ok(), "{:?}", pool.metrics());
    assert_eq!(pool.metrics().in_use, 1);
    drop(held);
}
