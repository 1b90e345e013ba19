//! The job lock: one process at a time, and the second learns who the first is.

use std::time::Duration;

use migrate::error::Kind;
use migrate::postgres::lock::JobLock;
use migrate::postgres::state;

use crate::plans::{JOB, connect, new_run};
use crate::support::postgres::Postgres;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_process_learns_who_holds_the_job() {
    let database = Postgres::shared().database();
    let (connector, pool) = connect(&database).await;
    let lock = JobLock::take(&connector, JOB).await.unwrap();
    let error = JobLock::take(&connector, JOB).await.err().expect("held");
    assert_eq!(error.kind(), Kind::JobHeld);

    let mut lease = pool.acquire().await.unwrap();
    state::install(&mut lease).await.unwrap();
    let mut run = new_run();
    run.lock_pid = lock.backend_pid();
    state::start_run(&lease, &run).await.unwrap();
    let text = JobLock::take(&connector, JOB)
        .await
        .err()
        .expect("held")
        .to_string();
    let process = format!("process {} on host ", std::process::id());
    for part in [
        &format!("server process {}", lock.backend_pid()),
        "application migrate",
        "from 127.0.0.1",
        "since 20",
        &process,
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }

    let other = JobLock::take(&connector, "another job").await.unwrap();
    other.release().await.unwrap();
    lock.release().await.unwrap();
    JobLock::take(&connector, JOB)
        .await
        .unwrap()
        .release()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_lock_is_noticed_and_can_be_taken_again() {
    let database = Postgres::shared().database();
    let (connector, _pool) = connect(&database).await;
    let lock = JobLock::take(&connector, JOB).await.unwrap();
    let quiet = tokio::time::timeout(Duration::from_millis(300), lock.lost()).await;
    assert!(quiet.is_err(), "the lock is held");
    database.sql(&format!(
        "SELECT pg_terminate_backend({}, 5000)",
        lock.backend_pid()
    ));
    let error = tokio::time::timeout(Duration::from_secs(5), lock.lost())
        .await
        .unwrap();
    assert_eq!(error.kind(), Kind::TargetLost);
    JobLock::take(&connector, JOB).await.unwrap();
}

/// The network broke, and the server still knows the session that held the lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_our_own_former_session_holds_is_taken_again() {
    let database = Postgres::shared().database();
    let (connector, pool) = connect(&database).await;
    let former = JobLock::take(&connector, JOB).await.unwrap();
    let stranger = JobLock::retake(&connector, JOB, former.backend_pid() + 1).await;
    assert_eq!(stranger.err().expect("held").kind(), Kind::JobHeld);

    let mut lease = pool.acquire().await.unwrap();
    state::install(&mut lease).await.unwrap();
    let run = state::start_run(&lease, &new_run()).await.unwrap();
    let again = JobLock::retake(&connector, JOB, former.backend_pid())
        .await
        .unwrap();
    assert_ne!(again.backend_pid(), former.backend_pid());
    assert_eq!(former.lost().await.kind(), Kind::TargetLost);
    state::set_lock_pid(&lease, run, again.backend_pid())
        .await
        .unwrap();
    let text = JobLock::take(&connector, JOB)
        .await
        .err()
        .expect("held")
        .to_string();
    let process = format!("process {} on host ", std::process::id());
    assert!(text.contains(&process), "{text}");
    assert!(former.release().await.is_err());
    again.release().await.unwrap();
}
