//! The driver tiberius on the same bytes: rows to values, without making anything of them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use tiberius::QueryItem;

use crate::Spent;
use crate::scripted;
use crate::shapes::Shape;

const RUNS: usize = 5;

/// The best of some runs over a pipe in memory. Copying through the pipe is in the time, at 10 GB/s
/// a hundredth of it.
pub fn measure(shape: &Shape, rows: u32) -> Spent {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let payload = shape.payload(rows);
    let run = || runtime.block_on(decode(payload.clone(), rows));
    Spent {
        rows,
        bytes: payload.len(),
        time: (0..RUNS).map(|_| run()).min().unwrap(),
    }
}

async fn decode(payload: Vec<u8>, rows: u32) -> Duration {
    let (mut client, server) = scripted::connect(payload, 32_767).await;
    let begin = Instant::now();
    let mut stream = client.simple_query("SELECT").await.unwrap();
    let mut seen = 0;
    while let Some(item) = stream.try_next().await.unwrap() {
        if let QueryItem::Row(row) = item {
            seen += 1;
            drop(black_box(row));
        }
    }
    let spent = begin.elapsed();
    assert_eq!(seen, rows);
    server.await.unwrap();
    spent
}
