//! Scans that go straight to the wire give the bytes that row by row would give.

use std::ops::ControlFlow;
use std::sync::Arc;

use standin::session::Sink;
use standin::types::{Column, SqlError, Value};
use standin::wire::encode::Layout;

use crate::harness::Db;

/// The tokens of all rows, and what else was told.
#[derive(Default)]
struct Tokens {
    takes_blocks: bool,
    layout: Option<Layout>,
    bytes: Vec<u8>,
    blocks: u32,
    told: Vec<String>,
    /// Answers `Break` to this block.
    stop_at: Option<u32>,
}

impl Sink for Tokens {
    fn columns(&mut self, columns: &[Column]) -> ControlFlow<()> {
        self.layout = Some(Layout::new(columns));
        ControlFlow::Continue(())
    }
    fn row(&mut self, values: &[Value]) -> ControlFlow<()> {
        let layout = self.layout.as_ref().expect("columns come first");
        layout.encode_row(values, &mut self.bytes).unwrap();
        ControlFlow::Continue(())
    }
    fn takes_encoded_rows(&self) -> bool {
        self.takes_blocks
    }
    fn encoded_rows(&mut self, tokens: &[u8], rows: u64) -> ControlFlow<()> {
        assert!(self.takes_blocks && rows > 0);
        self.blocks += 1;
        self.bytes.extend_from_slice(tokens);
        if self.stop_at == Some(self.blocks) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
    fn done(&mut self, count: Option<u64>) -> ControlFlow<()> {
        self.told.push(format!("{count:?}"));
        ControlFlow::Continue(())
    }
    fn message(&mut self, message: &SqlError) -> ControlFlow<()> {
        self.told.push(message.number.to_string());
        ControlFlow::Continue(())
    }
    fn database_changed(&mut self, _: &str, _: &str) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn told(db: &mut Db, sql: &str, takes_blocks: bool) -> Tokens {
    let mut tokens = Tokens {
        takes_blocks,
        ..Tokens::default()
    };
    db.run(sql, &mut tokens);
    tokens
}

fn filled() -> Db {
    let mut db = Db::new();
    db.ok(
        "CREATE TABLE c (id int IDENTITY NOT NULL PRIMARY KEY, n bigint NULL, t nvarchar(50) NULL,
             v varchar(max) NULL, d decimal(10,2) NOT NULL, at datetime2(3) NULL)
           DECLARE @i int = 0
           WHILE @i < 700 BEGIN
             INSERT c VALUES (NULLIF(@i % 3, 0), IIF(@i % 5 = 0, NULL, CONCAT(N'größer ', @i)),
               REPLICATE('x', @i), @i / 4.0, IIF(@i % 2 = 0, NULL, '2024-05-06T07:08:09.123'))
             SET @i += 1
           END
           CREATE TABLE h (a int NOT NULL, b int NULL)
           INSERT h SELECT id, n FROM c
           DELETE c WHERE id % 7 = 0",
    );
    let wide =
        Arc::new(|i: u64| vec![Value::Int(i as i64 + 1), Value::Bytes([i as u8; 90].into())]);
    let ddl = "CREATE TABLE g (id int NOT NULL PRIMARY KEY, b varbinary(90) NULL)";
    db.engine.add_generated_table("t", ddl, 3000, wide).unwrap();
    db
}

#[test]
fn blocks_hold_the_bytes_of_their_rows() {
    let mut db = filled();
    for sql in [
        "SELECT * FROM c",
        "SELECT [t], [id], [id] FROM [dbo].[c] WHERE [id] > CAST(3 AS int) AND [id] <= CAST(600 AS int) ORDER BY [id]",
        "SELECT v, d FROM c WHERE id IN (5, 300, 299) ORDER BY id",
        "SELECT id, at FROM c WHERE t LIKE N'%9%' AND n IS NOT NULL ORDER BY id",
        "SELECT b FROM h WHERE a > 650",
        "SELECT * FROM g WHERE id > 10 AND id <= 2900 ORDER BY id",
        "SELECT id FROM g ORDER BY id",
        "SELECT id FROM c WHERE id > 900 ORDER BY id",
        "SELECT t, id FROM c WHERE id <= 600 ORDER BY id DESC",
        "SELECT id, b FROM g ORDER BY id DESC",
        // Fails in its middle: the rows before come in both ways.
        "SELECT id FROM c WHERE 100 / (500 - id) < 1000 ORDER BY id",
    ] {
        let (rows, blocks) = (told(&mut db, sql, false), told(&mut db, sql, true));
        assert_eq!(rows.bytes, blocks.bytes, "{sql}");
        assert_eq!(rows.told, blocks.told, "{sql}");
        assert_eq!(blocks.blocks == 0, rows.bytes.is_empty(), "{sql}");
    }
    let failed = told(
        &mut db,
        "SELECT id FROM c WHERE 1 / (500 - id) < 9 ORDER BY id",
        true,
    );
    assert!(
        failed.told.contains(&"8134".to_owned()),
        "{:?}",
        failed.told
    );
}

#[test]
fn other_statements_go_row_by_row() {
    let mut db = filled();
    for sql in [
        "SELECT id + 1 FROM c ORDER BY id",
        "SELECT TOP 5 id FROM c ORDER BY id",
        "SELECT DISTINCT n FROM c",
        "SELECT id FROM c ORDER BY d DESC",
        "SELECT c.id FROM c JOIN h ON h.a = c.id",
        "SELECT 1",
    ] {
        let (rows, blocks) = (told(&mut db, sql, false), told(&mut db, sql, true));
        assert_eq!((rows.bytes, blocks.blocks), (blocks.bytes, 0), "{sql}");
        assert_eq!(rows.told, blocks.told, "{sql}");
    }
}

#[test]
fn a_scan_ends_with_the_block_that_nobody_wants() {
    let mut db = filled();
    let mut tokens = Tokens {
        takes_blocks: true,
        stop_at: Some(2),
        ..Tokens::default()
    };
    db.run("SELECT * FROM g ORDER BY id; SELECT 1", &mut tokens);
    assert_eq!((tokens.blocks, tokens.told.len()), (2, 0));
    assert!(tokens.bytes.len() < 2 * 70 * 1024, "{}", tokens.bytes.len());
}
