//! Computed columns, defaults and identities: what they hold and how the catalog shows them.

use crate::harness::{Db, check};

#[test]
fn computed_columns_hold_their_expression() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (a int NOT NULL, late AS (price * qty), price money NOT NULL, qty smallint, s AS CONVERT(varchar(10), a) + 'x' PERSISTED NOT NULL, i AS ISNULL(qty, 0), CONSTRAINT UQ_s UNIQUE (s))");
    db.ok("INSERT t (a, price, qty) VALUES (1, 2.5, 4), (2, 3, NULL)");
    check(
        &mut db,
        &[
            (
                "SELECT a, late, s, i FROM t ORDER BY a",
                "1|$10.0000|1x|4; 2|NULL|2x|0",
            ),
            (
                "SELECT name, definition, is_persisted, is_nullable, TYPE_NAME(user_type_id) FROM sys.computed_columns ORDER BY column_id",
                "late|([price]*[qty])|0|1|money; s|(CONVERT([varchar](10),[a])+'x')|1|0|varchar; i|(isnull([qty],(0)))|0|0|smallint",
            ),
            (
                "UPDATE t SET qty = 10 WHERE a = 1; SELECT late FROM t WHERE a = 1",
                "$25.0000",
            ),
        ],
    );
    assert_eq!(db.error("INSERT t (a, price) VALUES (1, 1)"), 2627);
    assert_eq!(
        db.error("CREATE TABLE n (a int, b AS DATEADD(day, a, GETDATE()) PERSISTED)"),
        4936
    );
}

#[test]
fn defaults_as_the_catalog_has_them() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (a int DEFAULT 0, b datetime DEFAULT GETDATE(), c nvarchar(5) DEFAULT N'x', d decimal(5,2) DEFAULT (-1.50), e uniqueidentifier ROWGUIDCOL DEFAULT NEWID(), f sysname DEFAULT SUSER_SNAME(), g int SPARSE, h date DEFAULT CONVERT(date, GETDATE()))");
    assert_eq!(
        db.rows("SELECT definition FROM sys.default_constraints ORDER BY parent_column_id"),
        "((0)); (getdate()); (N'x'); ((-1.50)); (newid()); (suser_sname()); (CONVERT([date],getdate()))"
    );
    assert_eq!(
        db.rows("SELECT name FROM sys.columns WHERE is_rowguidcol = 1 OR is_sparse = 1"),
        "e; g"
    );
    db.ok("INSERT t (a) VALUES (DEFAULT)");
    assert_eq!(db.rows("SELECT a, c, d FROM t"), "0|x|-1.50");
}

/// A condition of other dialects, `x NOT NULL`, is none here.
#[test]
fn what_follows_a_default_is_the_columns_own() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (a int, b char(1) DEFAULT ('Y') NOT NULL, c int DEFAULT 1 + 2 NOT NULL, d bit DEFAULT (0) NULL, e int CONSTRAINT DF_e DEFAULT 5 NOT NULL CHECK (e > 0))");
    db.ok("INSERT t (a) VALUES (1)");
    check(
        &mut db,
        &[
            ("SELECT b, c, d, e FROM t", "Y|3|0|5"),
            (
                "SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('t') AND is_nullable = 1 ORDER BY column_id",
                "a; d",
            ),
            (
                "SELECT definition FROM sys.default_constraints ORDER BY parent_column_id",
                "('Y'); ((1)+(2)); ((0)); ((5))",
            ),
        ],
    );
}

#[test]
fn identities_end() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (id tinyint IDENTITY(254, 1) NOT FOR REPLICATION, a int)");
    db.ok("INSERT t (a) VALUES (1), (2)");
    assert_eq!(
        db.rows("SELECT seed_value, increment_value, last_value, is_not_for_replication FROM sys.identity_columns"),
        "254|1|255|1"
    );
    db.ok("CREATE TABLE r (id int IDENTITY(1, 1), a int); DBCC CHECKIDENT ('dbo.r', RESEED, 10); INSERT r (a) VALUES (1); DBCC CHECKIDENT (r, RESEED, 20); INSERT r (a) VALUES (2)");
    assert_eq!(db.rows("SELECT id FROM r"), "10; 21");
    assert!([220, 8115].contains(&db.error("INSERT t (a) VALUES (3)")));
}
