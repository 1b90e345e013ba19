//! Changes: constraints, generated values, transactions.

use crate::harness::{Db, check};

#[test]
fn constraints_refuse_with_their_numbers() {
    let mut db = Db::new();
    db.ok("CREATE TABLE p (id int NOT NULL CONSTRAINT pk_p PRIMARY KEY, code char(3) UNIQUE, qty smallint CHECK (qty >= 0), note varchar(5) DEFAULT 'none')
           CREATE TABLE c (id int IDENTITY(10, 5) PRIMARY KEY, p int NOT NULL CONSTRAINT fk_c REFERENCES p(id) ON DELETE CASCADE, rv rowversion)
           CREATE UNIQUE INDEX ux ON c (p) WHERE p > 1
           INSERT p (id, code, qty) VALUES (1, 'a', 1), (2, 'b', NULL)");
    let cases = [
        (2627, "INSERT p VALUES (1, 'x', 1, 'n')"),
        (2627, "INSERT p VALUES (3, 'A', 1, 'n')"),
        (547, "INSERT p VALUES (3, 'x', -1, 'n')"),
        (515, "INSERT p (code) VALUES ('q')"),
        (2628, "INSERT p VALUES (3, 'x', 1, 'too long')"),
        (220, "INSERT p VALUES (3, 'x', 40000, 'n')"),
        (547, "INSERT c (p) VALUES (99)"),
        (544, "INSERT c (id, p) VALUES (1, 1)"),
        (8102, "UPDATE c SET id = 1"),
        (110, "INSERT p (id) VALUES (1, 2)"),
        (2714, "CREATE TABLE p (a int)"),
    ];
    for (number, sql) in cases {
        assert_eq!(db.error(sql), number, "{sql}");
    }
    db.ok("INSERT c (p) VALUES (1), (1), (2)");
    assert_eq!(db.error("INSERT c (p) VALUES (2)"), 2601);
    check(
        &mut db,
        &[
            ("SELECT id, p FROM c ORDER BY id", "10|1; 15|1; 20|2"),
            ("SELECT note FROM p WHERE id = 1", "none"),
            ("SELECT SCOPE_IDENTITY(), @@IDENTITY, @@ROWCOUNT", "20|20|1"),
            ("DELETE p WHERE id = 1; SELECT COUNT(*) FROM c", "1"),
            (
                "SET IDENTITY_INSERT c ON; INSERT c (id, p) VALUES (100, 2)",
                "!2601 Cannot insert duplicate key row in object 'dbo.c' with unique index 'ux'. The duplicate key value is (2).",
            ),
            (
                "UPDATE p SET id = id + 10, note = DEFAULT WHERE id = 99; SELECT @@ROWCOUNT",
                "0",
            ),
        ],
    );
    assert_eq!(db.error("UPDATE p SET id = 50 WHERE id = 2"), 547);
}

#[test]
fn updates_through_joins() {
    let mut db = Db::new();
    db.ok(
        "CREATE TABLE a (id int PRIMARY KEY, v int); CREATE TABLE b (id int PRIMARY KEY, w int)
           INSERT a VALUES (1, 0), (2, 0), (3, 0); INSERT b VALUES (1, 10), (3, 30)
           UPDATE x SET v = b.w FROM b JOIN a AS x ON x.id = b.id
           DELETE a FROM a LEFT JOIN b ON b.id = a.id WHERE b.id IS NULL
           SELECT id, v INTO copy FROM a",
    );
    check(
        &mut db,
        &[
            ("SELECT id, v FROM a", "1|10; 3|30"),
            ("SELECT SUM(v) FROM copy", "40"),
        ],
    );
}

#[test]
fn transactions_are_private_until_commit() {
    let mut db = Db::new();
    let mut other = db.other();
    db.ok("CREATE TABLE t (id int PRIMARY KEY)");
    db.ok("BEGIN TRAN INSERT t VALUES (1)");
    check(&mut db, &[("SELECT COUNT(*), @@TRANCOUNT FROM t", "1|1")]);
    check(
        &mut other,
        &[
            ("SELECT COUNT(*) FROM t", "0"),
            (
                "SET LOCK_TIMEOUT 10; INSERT t VALUES (9)",
                "!1222 Lock request time out period exceeded.",
            ),
        ],
    );
    db.ok("SAVE TRAN s INSERT t VALUES (2) ROLLBACK TRAN s COMMIT");
    check(&mut other, &[("SELECT id FROM t", "1")]);
    db.ok("BEGIN TRAN DELETE t ROLLBACK");
    db.ok("BEGIN TRAN DELETE t");
    db.reset();
    check(&mut other, &[("SELECT id FROM t", "1")]);
}

#[test]
fn snapshot_isolation_sees_one_moment() {
    let mut db = Db::new();
    let mut other = db.other();
    db.ok("CREATE TABLE t (id int PRIMARY KEY); INSERT t VALUES (1)");
    db.ok("SET TRANSACTION ISOLATION LEVEL SNAPSHOT BEGIN TRAN");
    assert_eq!(db.error("SELECT * FROM t"), 3952);
    db.ok("ROLLBACK ALTER DATABASE t SET ALLOW_SNAPSHOT_ISOLATION ON");
    db.ok("BEGIN TRAN");
    check(&mut db, &[("SELECT COUNT(*) FROM t", "1")]);
    other.ok("INSERT t VALUES (2)");
    check(&mut db, &[("SELECT COUNT(*) FROM t", "1")]);
    db.ok("COMMIT");
    check(&mut db, &[("SELECT COUNT(*) FROM t", "2")]);
}

#[test]
fn altering_tables() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (id int NOT NULL, v varchar(10) NULL); INSERT t VALUES (2, 'b'), (1, 'a')
           ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY CLUSTERED (id DESC) WITH (PAD_INDEX = OFF) ON [PRIMARY]
           ALTER TABLE t ADD w int NOT NULL DEFAULT (7), twice AS (id * 2) PERSISTED
           ALTER TABLE t ALTER COLUMN v nvarchar(20) NOT NULL
           CREATE NONCLUSTERED INDEX ix ON t (v ASC) INCLUDE (w) WHERE w > 0 WITH (FILLFACTOR = 80)
           ALTER INDEX ix ON t DISABLE");
    check(
        &mut db,
        &[
            ("SELECT * FROM t", "2|b|7|4; 1|a|7|2"),
            (
                "SELECT name, type_desc, is_disabled, filter_definition FROM sys.indexes WHERE object_id = OBJECT_ID('t') ORDER BY index_id",
                "pk|CLUSTERED|0|NULL; ix|NONCLUSTERED|1|([w]>(0))",
            ),
            (
                "DROP INDEX ix ON t; ALTER TABLE t DROP CONSTRAINT pk; SELECT type_desc FROM sys.indexes WHERE object_id = OBJECT_ID('t')",
                "HEAP",
            ),
            (
                "ALTER TABLE t DROP COLUMN twice; TRUNCATE TABLE t; SELECT COUNT(*) FROM t",
                "0",
            ),
        ],
    );
    db.ok("ALTER DATABASE t SET READ_ONLY WITH NO_WAIT");
    assert_eq!(db.error("INSERT t VALUES (1, 'a', 1)"), 3906);
    db.ok("USE master; DROP DATABASE t");
}

#[test]
fn temporary_tables_are_the_sessions_own() {
    let mut db = Db::new();
    let mut other = db.other();
    db.ok("CREATE TABLE #t (id int PRIMARY KEY); INSERT #t VALUES (1)");
    assert_eq!(other.error("SELECT * FROM #t"), 208);
    check(&mut db, &[("SELECT id FROM #t", "1")]);
    db.reset();
    assert_eq!(db.error("SELECT * FROM #t"), 208);
}
