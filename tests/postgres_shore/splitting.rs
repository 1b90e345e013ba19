//! A partition that is cut: the cut is made whole or not at all, and only by its newest writer.

use std::time::Duration;

use migrate::error::Kind;
use migrate::plan::table::Slice;
use migrate::postgres::copy::{End, PartitionWriter};
use migrate::postgres::state;
use tsql::key::KeyValue;

use crate::plans::{Job, batch, made, new_run, posts};
use crate::support::postgres::{Database, Postgres};

fn range(after: Option<i64>, upto: Option<i64>) -> Slice {
    let key = |id| vec![KeyValue::Int(id)];
    Slice::Range {
        after: after.map(key),
        upto: upto.map(key),
    }
}

async fn writer(job: &Job, number: u32) -> PartitionWriter {
    let lease = job.pool.acquire().await.unwrap();
    PartitionWriter::claim(lease, job.copy.clone(), number, job.run)
        .await
        .unwrap()
        .writer()
        .expect("a partition that is not done")
}

/// One partition over the whole key, with a row committed.
async fn begun(database: &Database<'_>) -> Job {
    let job = made(database, posts(), 1).await;
    database.sql(
        r#"UPDATE _migrate.partitions SET slice = '{"slice":"range","after":null,"upto":null}'"#,
    );
    let mut first = writer(&job, 1).await;
    first.write(batch(&[(1, None)])).await.unwrap();
    first.commit(End::More).await.unwrap();
    job
}

fn recorded(database: &Database<'_>) -> Vec<Slice> {
    let rows = database.sql("SELECT slice::text FROM _migrate.partitions ORDER BY partition");
    rows.iter()
        .map(|row| serde_json::from_str(row[0].as_deref().unwrap()).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_leaves_the_head_and_adds_the_rest_behind_the_last_number() {
    let database = Postgres::shared().database();
    let job = begun(&database).await;
    let mut head = writer(&job, 1).await;
    assert_eq!(head.slice(), &range(None, None));
    let others = [range(Some(5), Some(9)), range(Some(9), None)];
    let numbers = head.split(range(None, Some(5)), &others).await.unwrap();
    assert_eq!(numbers, [2, 3]);
    assert_eq!(head.slice(), &range(None, Some(5)));
    assert_eq!(head.pending().await.unwrap(), [2, 3]);
    let [two, three] = others;
    assert_eq!(
        recorded(&database),
        [range(None, Some(5)), two.clone(), three]
    );

    // It goes on under the same claim, and so does whoever claims it or its rest anew.
    head.write(batch(&[(2, None)])).await.unwrap();
    head.commit(End::More).await.unwrap();
    drop(head);
    let mut head = writer(&job, 1).await;
    assert_eq!(head.slice(), &range(None, Some(5)));
    assert_eq!(head.progress().last_key, Some(vec![KeyValue::Int(2)]));
    head.commit(End::Partition).await.unwrap();
    let mut rest = writer(&job, 2).await;
    assert_eq!((rest.slice(), rest.progress().rows), (&two, 0));
    let numbers = rest
        .split(range(Some(5), Some(7)), &[range(Some(7), Some(9))])
        .await
        .unwrap();
    assert_eq!(numbers, [4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_was_overtaken_cuts_nothing() {
    let database = Postgres::shared().database();
    let job = begun(&database).await;
    let mut old = writer(&job, 1).await;
    let mut new = writer(&job, 1).await;
    let cut = (range(None, Some(5)), [range(Some(5), None)]);
    let refused = old.split(cut.0.clone(), &cut.1).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Checkpoint);
    assert_eq!(recorded(&database), [range(None, None)]);
    // Another commit, too, makes a cut that was decided before it void.
    new.write(batch(&[(2, None)])).await.unwrap();
    assert_eq!(
        new.split(cut.0.clone(), &cut.1).await.unwrap_err().kind(),
        Kind::Internal
    );
    drop(new);

    let mut of_old_run = writer(&job, 1).await;
    let lease = job.pool.acquire().await.unwrap();
    state::start_run(&lease, &new_run()).await.unwrap();
    let refused = of_old_run.split(cut.0, &cut.1).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::JobHeld);
    assert_eq!(recorded(&database), [range(None, None)]);
}

/// Wherever a cut is broken off, the ranges tile the key, and the record tells what there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_broken_off_anywhere_is_whole_or_nothing() {
    let database = Postgres::shared().database();
    let job = begun(&database).await;
    let (mut upper, mut made, mut lost) = (None, 0, 0);
    for step in 0..30 {
        let mut head = writer(&job, 1).await;
        assert_eq!(head.slice(), &range(None, upper), "step {step}");
        let cut = 1_000 - step;
        let parts = (range(None, Some(cut)), [range(Some(cut), upper)]);
        // From nothing to more than it takes on a busy machine.
        let patience = Duration::from_micros(100 << (step / 2));
        let _ = tokio::time::timeout(patience, head.split(parts.0, &parts.1)).await;
        drop(head);
        let slices = recorded(&database);
        let others = slices[1..].iter().collect::<Vec<_>>();
        if slices[0] == range(None, Some(cut)) {
            made += 1;
            assert_eq!(others.last(), Some(&&parts.1[0]));
            upper = Some(cut);
        } else {
            lost += 1;
        }
        assert_eq!(slices[0], range(None, upper));
        assert_eq!(others.len(), made, "step {step}");
    }
    assert!(
        made > 0 && lost > 0,
        "{made} cuts were made, {lost} broken off"
    );
    let mut head = writer(&job, 1).await;
    assert_eq!(head.pending().await.unwrap().len(), made);
    head.commit(End::Partition).await.unwrap();
}
