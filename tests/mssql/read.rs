//! Row streams past the driver: whole, cut, stalled, failed and abandoned, and what becomes of
//! their connection.

use std::time::Duration;

use migrate::config::job::{Consistency, Encrypt, Source, ValuePolicy, Values};
use migrate::error::{Kind, Result};
use migrate::mssql::pool::{Pooled, SourcePool};
use migrate::mssql::{cuts, read};
use standin::fault::{Action, FaultSpec};
use standin::server::{ServerHandle, ServerOptions};
use standin::wire::TlsMode;
use tds_copy::transcode::{ResultColumn, RowLayout};
use tsql::key::KeyValue;
use tsql::schema::{Column, SqlType};
use tsql::typemap::PgType;

use crate::scripted::{CaFile, all_gone, server, server_with, source};

/// A row of one bigint: field count, length, value, as COPY BINARY has it.
const ROW_BYTES: usize = 2 + 4 + 8;

fn id() -> Column {
    Column {
        name: "Id".into(),
        ty: SqlType::BigInt,
        nullable: false,
        identity: None,
        computed: None,
        collation: None,
        code_page: None,
        masked: false,
        extras: Default::default(),
    }
}

fn layout() -> RowLayout {
    let id = ResultColumn {
        name: "Id".into(),
        source: SqlType::BigInt,
        code_page: None,
        target_name: "id".into(),
        target: PgType::BigInt,
    };
    let values = Values {
        nul_characters: ValuePolicy::Error,
        unpaired_surrogates: ValuePolicy::Error,
        undecodable: ValuePolicy::Error,
        out_of_range: ValuePolicy::Error,
    };
    RowLayout::new(&[id], &[0], values).unwrap()
}

/// Reads a stream to its end or error; gives the values and the last key told.
async fn drain(connection: &mut Pooled, sql: &str) -> Result<(Vec<i64>, Option<Vec<KeyValue>>)> {
    let mut rows = read::open(connection, sql, layout()).await?;
    let (mut values, mut last) = (Vec::new(), None);
    while let Some(batch) = rows.next_batch().await? {
        assert_eq!(batch.bytes.len(), batch.rows as usize * ROW_BYTES);
        for row in batch.bytes.chunks(ROW_BYTES) {
            assert_eq!(row[..6], [0, 1, 0, 0, 0, 8]);
            values.push(i64::from_be_bytes(row[6..].try_into().unwrap()));
        }
        last = batch.last_key;
    }
    assert_eq!(rows.rows(), values.len() as u64);
    assert!(rows.received() > values.len() as u64 * 9);
    Ok((values, last))
}

async fn one_connection(server: &ServerHandle) -> SourcePool {
    let mut source = source(server);
    source.pool.max_connections = 1;
    source.read_timeout = Duration::from_millis(800);
    source.first_row_timeout = source.read_timeout;
    SourcePool::open(&source, Consistency::Strict)
        .await
        .unwrap()
}

/// The stream fails as `kind`; the next user of the pool reads on, over a new connection or not.
async fn fails(server: &ServerHandle, sql: &str, kind: Kind, replaced: u64) {
    let pool = one_connection(server).await;
    let mut connection = pool.acquire().await.unwrap();
    let error = drain(&mut connection, sql).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error:?}");
    drop(connection);
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(
        drain(&mut connection, "SELECT 10 ROWS")
            .await
            .unwrap()
            .0
            .len(),
        10
    );
    drop(connection);
    assert_eq!(pool.metrics().reconnects, replaced);
    pool.close().await;
    all_gone(server).await;
}

#[tokio::test]
async fn rows_and_queries_take_turns_on_one_connection() {
    let server = server();
    let pool = one_connection(&server).await;
    let mut connection = pool.acquire().await.unwrap();
    for count in [0, 1, 50_000] {
        let (values, last) = drain(&mut connection, &format!("SELECT {count} ROWS"))
            .await
            .unwrap();
        assert_eq!(values, (0..count).collect::<Vec<_>>());
        let expected = (count > 0).then(|| vec![KeyValue::Int(count - 1)]);
        assert_eq!(last, expected);
        let answer = connection.query("SELECT 77").await.unwrap();
        assert_eq!(answer[0].need_int(0).unwrap(), 77);
    }
    drop(connection);
    assert_eq!(pool.metrics().connects, 1);
    pool.close().await;
}

#[tokio::test]
async fn rows_come_through_every_kind_of_tls() {
    for (tls, encrypt) in [
        (TlsMode::Optional, Encrypt::Required),
        (TlsMode::Optional, Encrypt::LoginOnly),
        (TlsMode::Strict, Encrypt::Strict),
    ] {
        let server = server_with(ServerOptions {
            tls,
            ..ServerOptions::default()
        });
        let authority = CaFile::of(&server);
        let source = Source {
            encrypt,
            ca_file: Some(authority.0.clone()),
            ..source(&server)
        };
        let pool = SourcePool::open(&source, Consistency::Strict)
            .await
            .unwrap();
        let mut connection = pool.acquire().await.unwrap();
        for _ in 0..3 {
            let (values, _) = drain(&mut connection, "SELECT 100000 ROWS").await.unwrap();
            assert_eq!(values, (0..100_000).collect::<Vec<_>>(), "{encrypt:?}");
            connection.query("SELECT 1").await.unwrap();
        }
        drop(connection);
        assert_eq!(pool.metrics().connects, 1);
        pool.close().await;
    }
}

#[tokio::test]
async fn an_error_before_or_after_rows_is_no_end_of_rows() {
    let server = server();
    fails(&server, "SELECT * FROM nothing", Kind::SourceQuery, 0).await;
    let deadlock = FaultSpec::after_rows(Action::Error(1205), 4000);
    server.faults().add(deadlock.matching("50000"));
    fails(&server, "SELECT 50000 ROWS", Kind::SourceBusy, 0).await;
}

#[tokio::test]
async fn a_connection_that_ends_early_is_lost_wherever_it_is_cut() {
    let server = server();
    for fault in [
        FaultSpec::after_rows(Action::Drop, 30_000),
        FaultSpec::after_rows(Action::CutRow, 30_000),
        FaultSpec::after_bytes(Action::Drop, 3),
        FaultSpec::after_bytes(Action::Drop, 100_001),
    ] {
        server.faults().add(fault.matching("50000"));
        fails(&server, "SELECT 50000 ROWS", Kind::SourceLost, 1).await;
    }
    assert_eq!(server.faults().fired(), 4);
}

#[tokio::test]
async fn a_stall_is_a_time_out() {
    let server = server();
    let stall = FaultSpec::after_rows(Action::Stall(Duration::from_secs(3)), 10_000);
    server.faults().add(stall.matching("50000"));
    fails(&server, "SELECT 50000 ROWS", Kind::SourceTimeout, 1).await;
}

#[tokio::test]
async fn garbage_is_not_rows() {
    let server = server();
    server
        .faults()
        .add(FaultSpec::after_rows(Action::Garbage, 10_000).matching("50000"));
    fails(&server, "SELECT 50000 ROWS", Kind::SourceProtocol, 1).await;
}

#[tokio::test]
async fn a_stream_dropped_half_way_costs_its_connection() {
    let server = server();
    let pool = one_connection(&server).await;
    let mut connection = pool.acquire().await.unwrap();
    let mut rows = read::open(&mut connection, "SELECT 500000 ROWS", layout())
        .await
        .unwrap();
    assert!(rows.next_batch().await.unwrap().is_some());
    assert!(rows.waited() > Duration::ZERO);
    drop(rows);
    let error = connection.query("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), Kind::SourceLost);
    drop(connection);
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(
        drain(&mut connection, "SELECT 3 ROWS").await.unwrap().0,
        [0, 1, 2]
    );
    drop(connection);
    assert_eq!(pool.metrics().reconnects, 1);
    pool.close().await;
    all_gone(&server).await;
}

#[tokio::test]
async fn a_dropped_wait_for_a_batch_loses_no_row() {
    let server = server();
    let stall = FaultSpec::after_rows(Action::Stall(Duration::from_millis(300)), 20_000);
    server.faults().add(stall.matching("50000"));
    let pool = one_connection(&server).await;
    let mut connection = pool.acquire().await.unwrap();
    let mut rows = read::open(&mut connection, "SELECT 50000 ROWS", layout())
        .await
        .unwrap();
    let (mut seen, mut dropped) = (0, 0);
    loop {
        match tokio::time::timeout(Duration::from_millis(20), rows.next_batch()).await {
            Err(_) => dropped += 1,
            Ok(batch) => match batch.unwrap() {
                Some(batch) => seen += batch.rows,
                None => break,
            },
        }
    }
    assert!(dropped > 0, "the stall was not felt");
    assert_eq!(seen, 50_000);
    drop(rows);
    drop(connection);
    pool.close().await;
}

#[tokio::test]
async fn cut_points_and_counts() {
    let server = server();
    let pool = one_connection(&server).await;
    let mut connection = pool.acquire().await.unwrap();
    let cuts = cuts::cut_points(&mut connection, "SELECT 300 ROWS", &[id()])
        .await
        .unwrap();
    let expected: Vec<_> = (0..300).map(|value| vec![KeyValue::Int(value)]).collect();
    assert_eq!(cuts, expected);
    assert!(
        cuts::cut_points(&mut connection, "SELECT 0 ROWS", &[id()])
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        cuts::count(&mut connection, "SELECT 5000000000")
            .await
            .unwrap(),
        5_000_000_000
    );
    let negative = cuts::count(&mut connection, "SELECT -1").await.unwrap_err();
    assert_eq!(negative.kind(), Kind::SourceProtocol);
    drop(connection);
    pool.close().await;
}
