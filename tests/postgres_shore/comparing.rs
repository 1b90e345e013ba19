//! Reading rows back for a comparison.

use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use futures::{SinkExt, TryStreamExt, pin_mut};
use migrate::plan::table::{ColumnPlan, TablePlan, TargetName};
use migrate::postgres::pool::{Lease, TargetPool};
use migrate::postgres::verify::{BlockRange, Field, block_ranges, longest_row, read_rows, show};
use tds_copy::transcode::digest::{Division, Sums, Tally};
use tds_copy::transcode::jsonb::canonical;
use tsql::schema::SqlType;
use tsql::typemap::PgType;

use crate::plans::{column, connect, posts};
use crate::support::postgres::Postgres;

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

fn plan(table: &str, columns: Vec<ColumnPlan>) -> TablePlan {
    TablePlan {
        target: TargetName {
            schema: "public".into(),
            table: table.into(),
        },
        columns,
        ..posts()
    }
}

async fn rows(pool: &TargetPool, plan: &TablePlan, part: BlockRange) -> Vec<Vec<u8>> {
    let mut rows = Vec::new();
    let lease = pool.acquire().await.unwrap();
    read_rows(lease, plan, &part, |row| rows.push(row.to_vec()))
        .await
        .unwrap();
    rows
}

/// PostgreSQL writes the declaration of an xml anew when it sends one, so that a plain read of the
/// column would call rows different that are not.
#[tokio::test]
async fn xml_comes_back_as_it_was_sent() {
    let database = Postgres::shared().database();
    let (_, pool) = connect(&database).await;
    database.sql("CREATE TABLE docs (x xml)");
    let documents = [
        "<?xml version=\"1.0\"?>\n<a/>",
        "<?xml version=\"1.0\" standalone='yes'?><a b=\"c\">ä 😀</a>",
        "<?xml version=\"1.1\"?><a/>",
        "<a/>\n<b/>",
        "only text",
        "",
    ];
    let sent = documents.map(|text| {
        let mut row = BytesMut::new();
        row.put_i16(1);
        row.put_i32(i32::try_from(text.len()).unwrap());
        row.put_slice(text.as_bytes());
        row.to_vec()
    });
    let lease = pool.acquire().await.unwrap();
    let sink = lease
        .copy_in("COPY docs FROM STDIN (FORMAT binary)")
        .await
        .unwrap();
    pin_mut!(sink);
    let bytes = [HEADER, &sent.concat(), &[0xFF, 0xFF]].concat();
    sink.send(Bytes::from(bytes)).await.unwrap();
    sink.finish().await.unwrap();
    let plan = plan("docs", vec![column(0, "X", SqlType::Xml, PgType::Xml)]);
    assert_eq!(rows(&pool, &plan, BlockRange::WHOLE).await, sent);
    let plain = lease
        .copy_out("COPY docs TO STDOUT (FORMAT binary)")
        .await
        .unwrap();
    let plain: Vec<Bytes> = plain.try_collect().await.unwrap();
    assert_ne!(
        plain.concat(),
        [HEADER, &sent.concat(), &[0xFF, 0xFF]].concat(),
        "the rule is needed"
    );
}

#[tokio::test]
async fn parts_of_a_table_are_the_table() {
    let database = Postgres::shared().database();
    let (_, pool) = connect(&database).await;
    database.sql(
        "CREATE TABLE many (id int, v text); INSERT INTO many SELECT n, repeat('x', n % 300) \
         FROM generate_series(1, 5000) n; DELETE FROM many WHERE id % 7 = 0; UPDATE many SET v = NULL WHERE id % 5 = 0",
    );
    let columns = vec![
        column(0, "Id", SqlType::Int, PgType::Integer),
        column(1, "V", SqlType::NVarChar { length: None }, PgType::Text),
    ];
    let plan = plan("many", columns);
    let lease = pool.acquire().await.unwrap();
    let divided = block_ranges(&lease, &plan.target, 4, 1).await.unwrap();
    assert_eq!(divided.len(), 4);
    let sums = |rows: &[Vec<u8>]| {
        let mut sums = Sums::new(Division::whole(1));
        rows.iter().for_each(|row| sums.add(row));
        sums
    };
    let whole = sums(&rows(&pool, &plan, BlockRange::WHOLE).await);
    assert_eq!(
        whole.total().rows.to_string(),
        database.value("SELECT count(*) FROM many")
    );
    let mut merged = whole.fresh();
    for part in divided {
        let part = rows(&pool, &plan, part).await;
        assert!(!part.is_empty());
        merged.merge(sums(&part));
    }
    assert_eq!(merged, whole);
    database.sql("CREATE VIEW seen AS SELECT * FROM many");
    let view = TargetName {
        schema: "public".into(),
        table: "seen".into(),
    };
    let one = block_ranges(&lease, &view, 4, 1).await.unwrap();
    assert_eq!(one, [BlockRange::WHOLE], "a view has no blocks");
}

/// Eight readers of a table with values of 500 MiB would have eight of them in memory.
#[tokio::test]
async fn the_longest_row_is_known_before_it_is_read() {
    let database = Postgres::shared().database();
    let (_, pool) = connect(&database).await;
    database.sql(
        "CREATE TABLE short (id int, v text, b bytea); \
         INSERT INTO short SELECT n, repeat('x', n % 300), NULL FROM generate_series(1, 500) n; \
         CREATE TABLE long (LIKE short); INSERT INTO long SELECT * FROM short; \
         INSERT INTO long VALUES (0, repeat('x', 20000000), decode(repeat('00', 1000), 'hex')), (1, NULL, NULL); \
         CREATE TABLE divided (LIKE short) PARTITION BY LIST (id); \
         ALTER TABLE divided ATTACH PARTITION long DEFAULT",
    );
    let columns = vec![
        column(0, "Id", SqlType::Int, PgType::Integer),
        column(1, "V", SqlType::NVarChar { length: None }, PgType::Text),
        column(2, "B", SqlType::VarBinary { length: None }, PgType::Bytea),
    ];
    let lease = pool.acquire().await.unwrap();
    for (table, longest) in [("short", 0), ("long", 20_001_000), ("divided", 20_001_000)] {
        let plan = plan(table, columns.clone());
        assert_eq!(
            longest_row(&lease, &plan).await.unwrap(),
            longest,
            "{table}"
        );
    }
}

/// A reader that is dropped on the way must not leave its COPY to the next user of the connection:
/// that one would wait until all rows were sent.
#[tokio::test]
async fn a_read_that_was_dropped_closes_its_connection() {
    let database = Postgres::shared().database();
    let (_, pool) = connect(&database).await;
    database.sql(
        "CREATE VIEW slow AS SELECT n AS id FROM generate_series(1, 100000) n \
         WHERE pg_sleep(0.001)::text = ''",
    );
    let plan = plan("slow", vec![column(0, "Id", SqlType::Int, PgType::Integer)]);
    let pid = async |lease: &Lease| -> i32 {
        let row = lease.query_one("SELECT pg_backend_pid()", &[]).await;
        row.unwrap().get(0)
    };
    let lease = pool.acquire().await.unwrap();
    let former = pid(&lease).await;
    let read = read_rows(lease, &plan, &BlockRange::WHOLE, |_| {});
    let cut = tokio::time::timeout(Duration::from_millis(100), read).await;
    assert!(cut.is_err(), "reading takes 100 s");
    let asked = Instant::now();
    let lease = pool.acquire().await.unwrap();
    assert_ne!(pid(&lease).await, former);
    assert!(
        asked.elapsed() < Duration::from_secs(4),
        "no waiting for the COPY"
    );
}

#[tokio::test]
async fn postgresql_prints_the_values() {
    let database = Postgres::shared().database();
    let (_, pool) = connect(&database).await;
    let field = |bytes: &[u8], length: usize| {
        Some(Field {
            bytes: bytes.into(),
            length,
        })
    };
    // Binary forms as `COPY (SELECT ...) TO STDOUT (FORMAT binary)` gives them.
    let cases = [
        (
            PgType::Integer,
            field(&(-7i32).to_be_bytes(), 4),
            Some("-7"),
        ),
        (PgType::Boolean, field(&[1], 1), Some("true")),
        (
            PgType::Numeric(Some((9, 2))),
            field(&[0, 2, 0, 0, 0x40, 0, 0, 2, 0, 1, 0x13, 0x88], 12),
            Some("-1.50"),
        ),
        (
            PgType::Timestamp(3),
            field(&1_001_000i64.to_be_bytes(), 8),
            Some("2000-01-01 00:00:01.001"),
        ),
        (PgType::Bytea, field(&[0, 255], 2), Some("\\x00ff")),
        (PgType::Xml, field(b"<a/>", 4), Some("<a/>")),
        (
            PgType::Text,
            field("aЖ".as_bytes().split_last().unwrap().1, 900),
            Some("a..."),
        ),
        (PgType::Text, field(b"", 0), Some("")),
        (PgType::Text, None, None),
    ];
    let fields = cases
        .iter()
        .map(|(ty, field, _)| (ty, field.as_ref()))
        .collect::<Vec<_>>();
    let lease = pool.acquire().await.unwrap();
    let printed = show(&lease, &fields).await.unwrap();
    let expected = cases.iter().map(|(_, _, text)| text.map(str::to_owned));
    assert_eq!(printed, expected.collect::<Vec<_>>());
}

/// A small generator of JSON documents: the same in every run.
struct Documents(u64);

impl Documents {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 14] = [
            "a",
            "b",
            "ab",
            "ä",
            "😀",
            "\\n",
            "\\\"",
            "\\\\",
            "\\/",
            "\\u0001",
            "\\u00e9",
            "\\uD83D\\uDE00",
            "\u{7f}",
            " ",
        ];
        let count = self.below(4);
        let pieces = (0..count).map(|_| PIECES[self.below(14) as usize]);
        format!("\"{}\"", pieces.collect::<String>())
    }

    fn number(&mut self) -> String {
        let sign = ["", "-"][self.below(2) as usize];
        let whole = [0i64, 1, 10, 100_200, 987_654_321_012][self.below(5) as usize];
        let fraction = ["", ".0", ".50", ".000", ".1234567890123456789"][self.below(5) as usize];
        let exponent = ["", "e0", "E5", "e-3", "e+12", "e-20"][self.below(6) as usize];
        format!("{sign}{whole}{fraction}{exponent}")
    }

    fn value(&mut self, depth: u64) -> String {
        let blank = ["", " ", "\n\t"][self.below(3) as usize];
        let kind = self.below(if depth > 3 { 4 } else { 7 });
        let count = self.below(4);
        let value = match kind {
            0 => self.text(),
            1 | 2 => self.number(),
            3 => ["true", "false", "null"][self.below(3) as usize].to_owned(),
            4 => {
                let items = (0..count)
                    .map(|_| self.value(depth + 1))
                    .collect::<Vec<_>>();
                format!("[{}]", items.join(","))
            }
            _ => {
                let members = (0..count)
                    .map(|_| format!("{}{blank}:{}", self.text(), self.value(depth + 1)))
                    .collect::<Vec<_>>();
                format!("{{{}}}", members.join(","))
            }
        };
        format!("{blank}{value}{blank}")
    }
}

#[tokio::test]
async fn json_is_what_jsonb_makes_of_it() {
    let database = Postgres::shared().database();
    let (_, pool) = connect(&database).await;
    let mut documents = Documents(7);
    let texts = (0..5000).map(|_| documents.value(0)).collect::<Vec<_>>();
    let lease = pool.acquire().await.unwrap();
    let rows = lease
        .query(
            "SELECT t::jsonb::text FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n",
            &[&texts],
        )
        .await
        .unwrap();
    assert_eq!(rows.len(), texts.len());
    for (text, row) in texts.iter().zip(rows) {
        let ours = canonical(text.as_bytes()).unwrap();
        let theirs: String = row.get(0);
        assert_eq!(String::from_utf8(ours).unwrap(), theirs, "{text}");
    }
}
