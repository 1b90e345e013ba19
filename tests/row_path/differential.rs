//! Every supported type, value by value: what arrives by COPY BINARY is what PostgreSQL reads from
//! the value's text, is what PostgreSQL gives back, byte for byte, and is what tiberius decodes.

use bytes::Bytes;
use futures::{SinkExt, TryStreamExt, pin_mut};
use tds_copy::transcode::RowLayout;
use tokio_postgres::{Client, Config, NoTls};
use tsql::schema::SqlType;
use tsql::typemap::PgType;
use xxhash_rust::xxh3::xxh3_128;

use crate::cases::{self, Case};
use crate::literal::literal;
use crate::support::postgres::{Database, Postgres};
use crate::wide::STRICT;
use crate::{other_driver, wire};

/// Signature, flags and extension length of COPY BINARY (postgres, COPY, "Binary Format").
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: &[u8] = &[0xFF, 0xFF];

async fn connect(database: &Database<'_>) -> Client {
    let target = database.target();
    let mut config = Config::new();
    config
        .host(&target.host)
        .port(target.port)
        .user(&target.user)
        .password(target.password.expose())
        .dbname(&target.database);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn copy_in(client: &Client, statement: &str, bytes: Vec<u8>) {
    let sink = client.copy_in(statement).await.unwrap();
    pin_mut!(sink);
    sink.send(Bytes::from(bytes)).await.unwrap();
    let finished = sink.finish().await;
    finished.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
}

/// A table's rows by ordinal, as PostgreSQL sends them.
async fn copy_out(client: &Client, table: &str) -> Vec<u8> {
    let statement = format!("COPY (SELECT * FROM {table} ORDER BY ord) TO STDOUT (FORMAT binary)");
    let stream = client.copy_out(&statement).await.unwrap();
    let pieces: Vec<Bytes> = stream.try_collect().await.unwrap();
    let bytes = pieces.concat();
    let rows = bytes.strip_prefix(HEADER).unwrap();
    rows.strip_suffix(TRAILER).unwrap().to_vec()
}

fn response(case: &Case) -> Vec<u8> {
    let mut payload = wire::metadata(&[vec![0x38], case.info.clone()]);
    for (place, (_, field)) in case.values.iter().enumerate() {
        let ordinal = (place as u32).to_le_bytes().to_vec();
        payload.extend(wire::row(&[ordinal, field.clone()]));
    }
    payload.extend(wire::done(case.values.len() as u64));
    payload
}

/// What the tool sends to PostgreSQL.
fn ours(case: &Case, payload: &[u8]) -> Vec<u8> {
    let columns = [
        wire::column(0, SqlType::Int, PgType::Integer, None),
        wire::column(1, case.source.clone(), case.target.clone(), case.code_page),
    ];
    let layout = RowLayout::new(&columns, &[0], STRICT).unwrap();
    let bytes = wire::packets(payload, 32_767);
    let read = wire::read(&layout, 256 * 1024, bytes.chunks(100_000));
    let (batches, outcome) = read.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    assert_eq!(outcome.unwrap().rows, case.values.len() as u64);
    batches
        .iter()
        .flat_map(|batch| batch.bytes.to_vec())
        .collect()
}

/// COPY's text format.
fn copy_text(case: &Case) -> Vec<u8> {
    let mut text = String::new();
    for (place, (raw, _)) in case.values.iter().enumerate() {
        text.push_str(&format!("{place}\t"));
        match literal(raw, &case.target) {
            None => text.push_str("\\N"),
            Some(value) => value.chars().for_each(|character| match character {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                other => text.push(other),
            }),
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// The table `expected`, filled by PostgreSQL's own text input.
async fn expect(client: &Client, case: &Case) {
    let target = &case.target;
    let text = copy_text(case);
    let Some(encoding) = case.encoding else {
        return copy_in(client, "COPY expected FROM STDIN", text).await;
    };
    client
        .batch_execute("CREATE TEMP TABLE coded (ord int, b bytea)")
        .await
        .unwrap();
    copy_in(client, "COPY coded FROM STDIN", text).await;
    client
        .batch_execute(&format!(
            "INSERT INTO expected SELECT ord, convert_from(b, '{encoding}')::{target} FROM coded; \
             DROP TABLE coded"
        ))
        .await
        .unwrap();
}

fn first_difference(case: &Case, ours: &[u8], theirs: &[u8]) -> String {
    let rows = |mut bytes: &[u8]| {
        let mut rows = Vec::new();
        while !bytes.is_empty() {
            let length = i32::from_be_bytes(bytes[10..14].try_into().unwrap()).max(0) as usize;
            let (row, rest) = bytes.split_at(14 + length);
            rows.push(row[10..].to_vec());
            bytes = rest;
        }
        rows
    };
    let (ours, theirs) = (rows(ours), rows(theirs));
    let place = ours.iter().zip(&theirs).position(|(a, b)| a != b);
    match place {
        None => format!("{}: {} rows, {} rows", case.name, ours.len(), theirs.len()),
        Some(place) => format!(
            "{}: {:?} is {:02x?}, not {:02x?}",
            case.name, case.values[place].0, ours[place], theirs[place]
        ),
    }
}

#[tokio::test]
async fn every_type_arrives_as_postgresql_itself_reads_it() {
    let database = Postgres::shared().database();
    let client = connect(&database).await;
    for case in cases::all() {
        let target = &case.target;
        client
            .batch_execute(&format!(
                "DROP TABLE IF EXISTS arrived, expected; \
                 CREATE TEMP TABLE arrived (ord int, v {target}); \
                 CREATE TEMP TABLE expected (ord int, v {target})"
            ))
            .await
            .unwrap();
        let sent = ours(&case, &response(&case));
        let statement = "COPY arrived FROM STDIN (FORMAT binary)";
        copy_in(&client, statement, [HEADER, &sent, TRAILER].concat()).await;
        expect(&client, &case).await;
        let arrived = copy_out(&client, "arrived").await;
        let expected = copy_out(&client, "expected").await;
        assert!(
            arrived == expected,
            "{}",
            first_difference(&case, &arrived, &expected)
        );
        // Verification hashes what PostgreSQL gives back: it must be what was sent. Only a jsonb
        // of somebody else's JSON has its keys put in order and its blanks taken out.
        let keeps_its_form = (&case.source, target) != (&SqlType::Json, &PgType::Jsonb);
        assert!(
            !keeps_its_form || sent == arrived,
            "sent: {}",
            first_difference(&case, &sent, &arrived)
        );
    }
}

#[tokio::test]
async fn another_driver_decodes_the_same_values() {
    let mut compared = 0;
    for case in cases::all().iter().filter(|case| case.other_driver) {
        let rows = other_driver::decode(response(case)).await;
        assert_eq!(rows.len(), case.values.len(), "{}", case.name);
        for (row, (raw, _)) in rows.iter().zip(&case.values) {
            let decoded = &row[1];
            assert!(
                other_driver::same(raw, decoded),
                "{}: {raw:?} {decoded:?}",
                case.name
            );
            compared += 1;
        }
    }
    assert!(compared > 100_000, "{compared}");
}

#[test]
fn the_checksum_is_the_sum_over_the_rows() {
    let case = &cases::all()[0];
    let payload = response(case);
    let columns = [
        wire::column(0, SqlType::Int, PgType::Integer, None),
        wire::column(1, case.source.clone(), case.target.clone(), None),
    ];
    let plain = RowLayout::new(&columns, &[], STRICT).unwrap();
    let layout = plain.clone().with_checksums(true);
    let bytes = wire::packets(&payload, 4096);
    let (unasked, _) = wire::read(&plain, 1000, [&bytes[..]]).unwrap();
    assert!(unasked.iter().all(|batch| batch.checksum.is_none()));
    let (batches, _) = wire::read(&layout, 1000, [&bytes[..]]).unwrap();
    for batch in batches {
        let mut rest = &batch.bytes[..];
        let mut sum = 0u128;
        while !rest.is_empty() {
            let length = i32::from_be_bytes(rest[10..14].try_into().unwrap()).max(0) as usize;
            let (row, after) = rest.split_at(14 + length);
            sum = sum.wrapping_add(xxh3_128(row));
            rest = after;
        }
        assert_eq!(Some(sum), batch.checksum);
        assert_eq!(batch.last_key, None);
    }
}
