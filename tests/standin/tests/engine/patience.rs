//! A client that stops waiting ends statements that say nothing, and they leave no trace.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use standin::session::Sink;
use standin::types::{Column, SqlError, Value};

use crate::harness::Db;

/// Long enough for a slow machine; the statements here would run for hours.
const SOON: Duration = Duration::from_secs(60);

/// A client that asks to stop at the third look.
#[derive(Default)]
struct Impatient {
    looks: u32,
}

impl Impatient {
    fn answer(&self) -> ControlFlow<()> {
        if self.looks >= 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Sink for Impatient {
    fn columns(&mut self, _: &[Column]) -> ControlFlow<()> {
        self.answer()
    }
    fn row(&mut self, _: &[Value]) -> ControlFlow<()> {
        panic!("these statements return no row in time");
    }
    fn encoded_rows(&mut self, _: &[u8], _: u64) -> ControlFlow<()> {
        panic!("this sink takes rows one by one");
    }
    fn done(&mut self, _: Option<u64>) -> ControlFlow<()> {
        self.answer()
    }
    fn message(&mut self, m: &SqlError) -> ControlFlow<()> {
        assert!(self.answer().is_break(), "{m:?}");
        self.answer()
    }
    fn database_changed(&mut self, _: &str, _: &str) -> ControlFlow<()> {
        self.answer()
    }
    fn poll(&mut self) -> ControlFlow<()> {
        self.looks += 1;
        self.answer()
    }
}

fn endless() -> Db {
    let mut db = Db::new();
    let make = Arc::new(|i: u64| vec![Value::Int(i as i64 + 1), Value::Int(1)]);
    let ddl = "CREATE TABLE g (id bigint NOT NULL PRIMARY KEY, one int NOT NULL)";
    db.engine
        .add_generated_table("t", ddl, 1 << 50, make)
        .unwrap();
    db.ok("CREATE TABLE seen (id bigint NOT NULL)");
    db
}

/// Runs a batch of an impatient client beside the test; its end comes through the channel.
fn start(mut db: Db, sql: &'static str) -> Receiver<Db> {
    let (ended, end) = mpsc::channel();
    std::thread::spawn(move || {
        db.run(sql, &mut Impatient::default());
        let _ = ended.send(db);
    });
    end
}

#[test]
fn silent_statements_end() {
    for sql in [
        "SELECT COUNT(*) FROM g WHERE one = 2",
        "SELECT id FROM g WHERE one = 2 ORDER BY id",
        "SELECT TOP 1 id FROM g ORDER BY one DESC",
        "SELECT a.id FROM g a JOIN g b ON b.id = a.one + 1",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM g WHERE one = 2)",
        "DECLARE @n bigint; SELECT @n = id FROM g WHERE one = 2; INSERT seen VALUES (1)",
        "WAITFOR DELAY '10:00:00'; INSERT seen VALUES (1)",
        "WHILE 1 = 1 SET NOCOUNT ON; INSERT seen VALUES (1)",
        "INSERT seen SELECT id FROM g",
        "SELECT id INTO seen2 FROM g WHERE one = 2",
        "BEGIN TRY SELECT COUNT(*) FROM g WHERE one = 2 END TRY
         BEGIN CATCH INSERT seen VALUES (1) END CATCH",
    ] {
        let end = start(endless(), sql).recv_timeout(SOON);
        let mut db = end.unwrap_or_else(|_| panic!("still runs: {sql}"));
        assert_eq!(db.rows("SELECT COUNT(*) FROM seen"), "0", "{sql}");
        assert_eq!(db.rows("SELECT OBJECT_ID('seen2')"), "NULL", "{sql}");
    }
}

#[test]
fn a_wait_for_another_writer_ends() {
    let mut db = endless();
    db.ok("BEGIN TRANSACTION; INSERT seen VALUES (1)");
    let end = start(db.other(), "INSERT seen VALUES (2)").recv_timeout(SOON);
    let mut other = end.expect("waits for a transaction that does not end");
    db.ok("COMMIT");
    assert_eq!(other.rows("SELECT id FROM seen"), "1");
    other.ok("INSERT seen VALUES (3)");
}
