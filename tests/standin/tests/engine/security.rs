//! Logins with less than everything: permissions, masks, row-level security, and what they see.

use crate::harness::{Db, check};

/// A database with a reader whose rights are granted by `script`.
fn reader(tables: &str, script: &str) -> (Db, Db) {
    let mut db = Db::new();
    db.ok("CREATE LOGIN reader WITH PASSWORD = 'r3ader!'");
    db.ok("CREATE USER reader FOR LOGIN reader");
    for batch in tables.split("\nGO\n") {
        db.ok(batch);
    }
    db.ok(script);
    let reader = db.login("reader", "r3ader!");
    (db, reader)
}

#[test]
fn a_login_needs_a_user_and_a_user_needs_permissions() {
    let (mut db, mut reader) = reader(
        "CREATE TABLE t (a int NOT NULL PRIMARY KEY, b int, c int) INSERT t VALUES (1, 2, 3)
         CREATE TABLE u (a int)",
        "GRANT SELECT ON t (a, b) TO reader",
    );
    check(
        &mut reader,
        &[
            ("SELECT a, b FROM t", "1|2"),
            ("SELECT name FROM sys.tables", "t"),
            // Rows of catalog views are hidden by object, not by column.
            (
                "SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('t')",
                "a; b; c",
            ),
            ("SELECT OBJECT_ID('u')", "NULL"),
            (
                "SELECT HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT'), HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT', 'a', 'COLUMN'), HAS_PERMS_BY_NAME(NULL, 'DATABASE', 'SELECT'), HAS_PERMS_BY_NAME('nothing', 'OBJECT', 'SELECT')",
                "0|1|0|NULL",
            ),
            // Sub-securables cannot use brackets.
            (
                "SELECT HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT', '[a]', 'COLUMN'), HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT', 'c', 'COLUMN')",
                "NULL|0",
            ),
            (
                "SELECT minor_id, type, state FROM sys.database_permissions WHERE class = 1 ORDER BY minor_id",
                "1|SL  |G; 2|SL  |G",
            ),
            ("SELECT USER_NAME()", "reader"),
        ],
    );
    assert_eq!(reader.error("SELECT a, c FROM t"), 230);
    assert_eq!(reader.error("SELECT * FROM t"), 230);
    assert_eq!(reader.error("SELECT a FROM u"), 229);
    assert_eq!(
        reader.error("SELECT row_count FROM sys.dm_db_partition_stats"),
        262
    );
    db.ok("ALTER ROLE db_datareader ADD MEMBER reader");
    db.ok("DENY SELECT ON t (b) TO reader");
    assert_eq!(reader.rows("SELECT a, c FROM t"), "1|3");
    assert_eq!(reader.error("SELECT b FROM t"), 230);
    assert_eq!(reader.rows("SELECT a FROM u"), "");
    db.ok("CREATE DATABASE other");
    assert!(db.engine.login("reader", "r3ader!", Some("other")).is_err());
}

#[test]
fn masked_columns_show_masks_to_those_without_unmask() {
    let (mut db, mut reader) = reader(
        "CREATE TABLE t (id int NOT NULL PRIMARY KEY,
           card varchar(20) MASKED WITH (FUNCTION = 'default()'), pin char(2) MASKED WITH (FUNCTION = 'default()'),
           mail nvarchar(50) MASKED WITH (FUNCTION = 'email()'), ssn varchar(11) MASKED WITH (FUNCTION = 'partial(1,\"XX-X\",2)'),
           pay int MASKED WITH (FUNCTION = 'random(7, 7)'), due date MASKED WITH (FUNCTION = 'default()'), raw varbinary(9) MASKED WITH (FUNCTION = 'default()'))
         INSERT t VALUES (1, '4111111111111111', '12', N'ann@contoso.com', '123-45-6789', 5000, '2020-02-02', 0x1234), (2, NULL, NULL, NULL, 'ab', NULL, NULL, NULL)",
        "GRANT SELECT ON t TO reader",
    );
    check(
        &mut reader,
        &[
            (
                "SELECT id, card, pin, mail, ssn, pay, CONVERT(int, raw) FROM t ORDER BY id",
                "1|xxxx|xx|aXXX@XXXX.com|1XX-X89|7|0; 2|NULL|NULL|NULL|XX-X|NULL|NULL",
            ),
            // An expression over a masked column is masked as a whole; conditions see the value.
            (
                "SELECT UPPER(card) + 'a', pay + 1 FROM t WHERE card LIKE '4111%'",
                "xxxx|0",
            ),
            (
                "SELECT x FROM (SELECT mail AS x FROM t WHERE id = 1) AS d",
                "aXXX@XXXX.com",
            ),
            (
                "SELECT CONVERT(varchar(10), due, 120) FROM t WHERE id = 1",
                "xxxx",
            ),
            (
                "SELECT is_masked FROM sys.columns WHERE object_id = OBJECT_ID('t') AND name = 'card'",
                "1",
            ),
        ],
    );
    db.ok("GRANT UNMASK ON t (card) TO reader");
    assert_eq!(
        reader.rows("SELECT card, pin FROM t WHERE id = 1"),
        "4111111111111111|xx"
    );
    assert_eq!(
        reader.rows("SELECT HAS_PERMS_BY_NAME('t', 'OBJECT', 'UNMASK', 'card', 'COLUMN'), HAS_PERMS_BY_NAME('t', 'OBJECT', 'UNMASK', 'pin', 'COLUMN')"),
        "1|0"
    );
    db.ok("GRANT UNMASK TO reader");
    assert_eq!(
        reader.rows("SELECT pin, pay FROM t WHERE id = 1"),
        "12|5000"
    );
    assert_eq!(db.rows("SELECT pin, pay FROM t WHERE id = 1"), "12|5000");
}

#[test]
fn a_security_policy_filters_rows_and_hides_itself() {
    let (mut db, mut reader) = reader(
        "CREATE TABLE t (id int NOT NULL PRIMARY KEY, owner sysname NOT NULL) INSERT t VALUES (1, N'reader'), (2, N'ann'), (3, N'bob')
GO
CREATE FUNCTION dbo.f (@owner sysname) RETURNS TABLE WITH SCHEMABINDING AS RETURN SELECT 1 AS ok WHERE @owner = USER_NAME() OR USER_NAME() = N'dbo';
GO
CREATE SECURITY POLICY dbo.p ADD FILTER PREDICATE dbo.f(owner) ON dbo.t WITH (STATE = ON)",
        "GRANT SELECT ON t TO reader",
    );
    check(
        &mut reader,
        &[
            ("SELECT id FROM t ORDER BY id", "1"),
            ("SELECT COUNT_BIG(*) FROM t", "1"),
            ("SELECT COUNT(*) FROM sys.security_policies", "0"),
            ("SELECT COUNT(*) FROM sys.security_predicates", "0"),
        ],
    );
    assert_eq!(db.rows("SELECT id FROM t ORDER BY id"), "1; 2; 3");
    db.ok("GRANT VIEW DEFINITION TO reader");
    check(
        &mut reader,
        &[
            ("SELECT name, is_enabled FROM sys.security_policies", "p|1"),
            (
                "SELECT predicate_type, OBJECT_NAME(target_object_id) FROM sys.security_predicates",
                "0|t",
            ),
        ],
    );
    db.ok("ALTER SECURITY POLICY dbo.p WITH (STATE = OFF)");
    assert_eq!(reader.rows("SELECT id FROM t ORDER BY id"), "1; 2; 3");
}

#[test]
fn texts_need_view_definition() {
    let (mut db, mut reader) = reader(
        "CREATE TABLE t (a int CONSTRAINT ck CHECK (a > 0), b int CONSTRAINT df DEFAULT 1)
GO
CREATE PROCEDURE p AS SELECT 1
GO
CREATE VIEW v WITH ENCRYPTION AS SELECT a FROM t",
        "GRANT SELECT ON t TO reader GRANT EXECUTE ON p TO reader GRANT SELECT ON v TO reader",
    );
    check(
        &mut reader,
        &[
            (
                "SELECT name, definition FROM sys.check_constraints",
                "ck|NULL",
            ),
            (
                "SELECT name, definition FROM sys.default_constraints",
                "df|NULL",
            ),
            ("SELECT name FROM sys.procedures", "p"),
            ("SELECT definition FROM sys.sql_modules", "NULL; NULL"),
        ],
    );
    db.ok("GRANT VIEW DEFINITION ON SCHEMA::dbo TO reader");
    assert_eq!(
        reader.rows("SELECT definition FROM sys.check_constraints"),
        "([a]>(0))"
    );
    assert_eq!(
        db.rows("SELECT COUNT(*) FROM sys.sql_modules WHERE definition IS NULL"),
        "1"
    );
}

#[test]
fn table_types_and_external_tables_are_named() {
    let mut db = Db::new();
    db.ok("CREATE TYPE dbo.List AS TABLE (Id int NOT NULL PRIMARY KEY)");
    db.ok("CREATE EXTERNAL DATA SOURCE s WITH (LOCATION = 'sqlserver://elsewhere.example.com', CREDENTIAL = c)");
    db.ok("CREATE EXTERNAL TABLE dbo.Remote (Id int NOT NULL) WITH (LOCATION = 'db.dbo.Remote', DATA_SOURCE = s)");
    check(
        &mut db,
        &[
            ("SELECT name FROM sys.table_types", "List"),
            ("SELECT name, is_external FROM sys.tables", "Remote|1"),
            ("SELECT name FROM sys.external_tables", "Remote"),
        ],
    );
    assert_eq!(db.error("SELECT Id FROM dbo.Remote"), 40_001);
}
