//! Views, functions, procedures and synonyms, as the catalog shows them.

use crate::harness::{Db, check};

#[test]
fn a_view_keeps_the_columns_it_was_made_with() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (id int NOT NULL PRIMARY KEY, n nvarchar(20) COLLATE Latin1_General_BIN2 NOT NULL, d decimal(9,3), m money NOT NULL, x decimal(5,1))");
    db.ok("INSERT t VALUES (1, N'a', 1.5, 2, 3)");
    db.ok(
        "CREATE VIEW v AS SELECT NULL AS nothing, id + 1 AS more, ISNULL(d, 0) AS some, * FROM t",
    );
    db.ok("CREATE VIEW w (a, b) AS SELECT id, n FROM t");
    db.ok("ALTER TABLE t ADD late int NULL");
    check(
        &mut db,
        &[
            (
                "SELECT name, column_id, TYPE_NAME(system_type_id), max_length, precision, scale, collation_name, is_nullable FROM sys.columns WHERE object_id = OBJECT_ID('v') ORDER BY column_id",
                "nothing|1|int|4|10|0|NULL|1; more|2|int|4|10|0|NULL|1; some|3|decimal|5|9|3|NULL|0; id|4|int|4|10|0|NULL|0; n|5|nvarchar|40|0|0|Latin1_General_BIN2|0; d|6|decimal|5|9|3|NULL|1; m|7|money|8|19|4|NULL|0; x|8|decimal|5|5|1|NULL|1",
            ),
            // What the table gained since is no part of the view ("CREATE VIEW", sp_refreshview).
            ("SELECT * FROM v", "NULL|2|1.500|1|a|1.500|$2.0000|3.0"),
            ("SELECT b, a FROM w", "a|1"),
            (
                "SELECT name, is_nullable FROM sys.all_columns WHERE object_id = OBJECT_ID('w') ORDER BY column_id",
                "a|0; b|0",
            ),
        ],
    );
}

#[test]
fn what_outer_joins_leave_empty_is_nullable() {
    let mut db = Db::new();
    db.ok("CREATE TABLE a (id int NOT NULL PRIMARY KEY)");
    db.ok("CREATE TABLE b (id int NOT NULL PRIMARY KEY, v int NOT NULL)");
    db.ok("INSERT a VALUES (1), (2)");
    db.ok("INSERT b VALUES (2, 5), (3, 6)");
    db.ok("CREATE VIEW l AS SELECT a.id, b.v FROM a LEFT JOIN b ON a.id = b.id");
    db.ok("CREATE VIEW r AS SELECT a.id, b.v FROM a RIGHT JOIN b ON a.id = b.id");
    db.ok("CREATE VIEW f AS SELECT a.id, b.v FROM a FULL JOIN b ON a.id = b.id");
    check(
        &mut db,
        &[
            ("SELECT id, v FROM l ORDER BY id", "1|NULL; 2|5"),
            ("SELECT id, v FROM r ORDER BY v", "2|5; NULL|6"),
            ("SELECT id, v FROM f ORDER BY id, v", "NULL|6; 1|NULL; 2|5"),
            (
                "SELECT OBJECT_NAME(object_id), name, is_nullable FROM sys.columns WHERE object_id IN (OBJECT_ID('l'), OBJECT_ID('r'), OBJECT_ID('f')) ORDER BY 1, 2",
                "f|id|1; f|v|1; l|id|0; l|v|1; r|id|1; r|v|0",
            ),
        ],
    );
}

#[test]
fn modules_tell_how_they_were_made() {
    let mut db = Db::new();
    db.ok("CREATE TABLE dbo.t (id int NOT NULL)");
    db.ok("CREATE VIEW dbo.bound WITH SCHEMABINDING AS SELECT id FROM dbo.t");
    db.ok("SET QUOTED_IDENTIFIER OFF");
    db.ok("SET ANSI_NULLS OFF");
    db.ok("CREATE VIEW dbo.loose AS /* SCHEMABINDING */ SELECT id FROM dbo.t");
    db.ok("SET ANSI_NULLS ON");
    db.ok("CREATE VIEW dbo.secret WITH ENCRYPTION AS SELECT id FROM dbo.t");
    db.ok("CREATE TRIGGER dbo.tr ON dbo.t AFTER INSERT AS RETURN");
    db.ok("CREATE SYNONYM dbo.s FOR [dbo].[t]");
    check(
        &mut db,
        &[
            (
                "SELECT OBJECT_NAME(object_id), is_schema_bound, uses_quoted_identifier, uses_ansi_nulls, IIF(definition IS NULL, 1, 0) FROM sys.sql_modules ORDER BY 1",
                "bound|1|1|1|0; loose|0|0|0|0; secret|0|0|1|1; tr|0|0|1|0",
            ),
            (
                "SELECT name, base_object_name FROM sys.synonyms",
                "s|[dbo].[t]",
            ),
            (
                "SELECT name, type FROM sys.objects WHERE type IN ('V', 'TR', 'SN') ORDER BY name",
                "bound|V ; loose|V ; s|SN; secret|V ; tr|TR",
            ),
        ],
    );
}

#[test]
fn functions_and_procedures_have_parameters() {
    let mut db = Db::new();
    db.ok("CREATE TYPE dbo.ids AS TABLE (id int)");
    db.ok("CREATE TYPE dbo.code FROM varchar(8)");
    db.ok("CREATE FUNCTION dbo.sc (@a int, @b decimal(9,2) = 1.5) RETURNS nvarchar(10) AS BEGIN RETURN N'x' END");
    db.ok(
        "CREATE FUNCTION dbo.il (@a dbo.code) RETURNS TABLE AS RETURN (SELECT @a AS a, 1 AS one)",
    );
    db.ok("CREATE FUNCTION dbo.tf () RETURNS @r TABLE (id int NOT NULL PRIMARY KEY, n nvarchar(5)) AS BEGIN RETURN END");
    db.ok("CREATE PROCEDURE dbo.p @x int = NULL, @y varchar(max) OUTPUT, @t dbo.ids READONLY AS SELECT 1");
    check(
        &mut db,
        &[
            (
                "SELECT OBJECT_NAME(object_id), parameter_id, name, TYPE_NAME(system_type_id), max_length, precision, scale, is_output, has_default_value, is_readonly FROM sys.parameters ORDER BY 1, 2",
                "il|1|@a|varchar|8|0|0|0|0|0; p|1|@x|int|4|10|0|0|0|0; p|2|@y|varchar|-1|0|0|1|0|0; p|3|@t|NULL|-1|0|0|0|0|1; sc|0||nvarchar|20|0|0|1|0|0; sc|1|@a|int|4|10|0|0|0|0; sc|2|@b|decimal|5|9|2|0|0|0",
            ),
            (
                "SELECT name, type FROM sys.objects WHERE type IN ('FN', 'IF', 'TF', 'P') ORDER BY name",
                "il|IF; p|P ; sc|FN; tf|TF",
            ),
            // Table functions have columns, as views have.
            (
                "SELECT OBJECT_NAME(object_id), name, TYPE_NAME(system_type_id), max_length, is_nullable FROM sys.columns WHERE object_id IN (OBJECT_ID('il'), OBJECT_ID('tf')) ORDER BY 1, column_id",
                "il|a|varchar|8|1; il|one|int|4|0; tf|id|int|4|0; tf|n|nvarchar|10|1",
            ),
        ],
    );
}

#[test]
fn names_are_found_in_the_own_schema_first() {
    let mut db = Db::new();
    db.ok("CREATE SCHEMA s");
    db.ok("CREATE TABLE dbo.t (a int)");
    db.ok("CREATE TABLE s.t (b int)");
    db.ok("CREATE TABLE dbo.u (c int)");
    db.ok("INSERT dbo.t VALUES (1)");
    db.ok("INSERT s.t VALUES (2)");
    db.ok("INSERT dbo.u VALUES (3)");
    db.ok("CREATE VIEW s.v AS SELECT b, c FROM t, u");
    db.ok("CREATE VIEW s.w AS SELECT s.t.b, dbo.u.c AS N'see' FROM t, u");
    check(
        &mut db,
        &[
            ("SELECT * FROM s.v", "2|3"),
            ("SELECT b, see FROM s.w", "2|3"),
        ],
    );
    assert_eq!(db.error("SELECT x.nowhere FROM s.t AS x"), 207);
    assert_eq!(db.error("SELECT y.b FROM s.t AS x"), 4104);
}

#[test]
fn what_no_view_can_be_is_refused() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (a int, b int)");
    for (sql, number) in [
        ("CREATE VIEW v AS SELECT a + 1 FROM t", 4511),
        ("CREATE VIEW v AS SELECT a, b AS A FROM t", 4506),
        ("CREATE VIEW v AS SELECT a FROM t ORDER BY a", 1033),
        ("CREATE VIEW v (x) AS SELECT a, b FROM t", 8158),
        ("CREATE VIEW v AS SELECT nowhere FROM t", 207),
        ("CREATE VIEW v AS SELECT a FROM nowhere", 208),
        ("CREATE VIEW v AS SELECT a, COUNT(*) AS n FROM t", 8120),
    ] {
        assert_eq!(db.error(sql), number, "{sql}");
    }
    db.ok("CREATE VIEW v AS SELECT TOP 100 PERCENT a FROM t ORDER BY a");
}

#[test]
fn functions_of_one_return_are_called() {
    let mut db = Db::new();
    db.ok("CREATE SCHEMA s");
    db.ok("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, v int)");
    db.ok("INSERT dbo.t VALUES (1, 10), (2, NULL), (3, 30)");
    db.ok("CREATE FUNCTION dbo.twice (@n int, @more decimal(5,2) = 0.5) RETURNS decimal(9,2) AS BEGIN RETURN @n * 2 + @more END");
    db.ok("CREATE FUNCTION s.best (@least int) RETURNS int AS BEGIN RETURN (SELECT MAX(v) FROM t WHERE id <= @least); END");
    db.ok("CREATE FUNCTION dbo.strict (@n int) RETURNS int WITH RETURNS NULL ON NULL INPUT AS BEGIN RETURN ISNULL(@n, 7) END");
    db.ok("CREATE FUNCTION dbo.upto (@n int) RETURNS TABLE AS RETURN (SELECT id, v, @n - id AS rest FROM dbo.t WHERE id <= @n)");
    db.ok("CREATE SYNONYM dbo.again FOR s.best");
    check(
        &mut db,
        &[
            ("SELECT dbo.twice(3, 1), dbo.twice(3, DEFAULT)", "7.00|6.50"),
            (
                "SELECT id, s.best(id), dbo.again(id) FROM dbo.t ORDER BY id",
                "1|10|10; 2|10|10; 3|30|30",
            ),
            ("SELECT dbo.strict(NULL), dbo.strict(1)", "NULL|1"),
            (
                "SELECT * FROM dbo.upto(2) AS u ORDER BY id",
                "1|10|1; 2|NULL|0",
            ),
            (
                "SELECT t.id, u.id FROM dbo.t AS t CROSS APPLY dbo.upto(t.id - 1) AS u ORDER BY 1, 2",
                "2|1; 3|1; 3|2",
            ),
            (
                "SELECT t.id, u.id FROM dbo.t AS t OUTER APPLY dbo.upto(t.id - 2) u (id, a, b) ORDER BY 1, 2",
                "1|NULL; 2|NULL; 3|1",
            ),
            // A comma, then APPLY.
            (
                "SELECT a.id, b.id, u.id FROM dbo.t a, dbo.t b CROSS APPLY dbo.upto(b.id - a.id) u WHERE a.id = 1 ORDER BY 1, 2, 3",
                "1|2|1; 1|3|1; 1|3|2",
            ),
        ],
    );
    assert_eq!(db.error("SELECT dbo.twice(1)"), 313);
    assert_eq!(db.error("SELECT dbo.twice(1, 2, 3)"), 8144);
    assert_eq!(db.error("SELECT * FROM dbo.nowhere(1)"), 208);
}

#[test]
fn functions_of_several_statements_are_run() {
    let mut db = Db::new();
    db.ok("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY, v varchar(9))");
    db.ok("INSERT dbo.t VALUES (1, 'a'), (2, NULL), (3, 'c')");
    for function in [
        "dbo.cut (@s varchar(9)) RETURNS varchar(9) AS BEGIN DECLARE @c varchar(2) = @s SET @s = @c + '!' RETURN @s END",
        "dbo.tell (@n int) RETURNS varchar(9) AS BEGIN IF @n > 1 RETURN 'many' ELSE IF @n IS NULL RETURN 'none' RETURN 'few' END",
        "dbo.total (@n int) RETURNS int AS BEGIN DECLARE @i int = 0, @t int = 0 WHILE 1 = 1 BEGIN SET @i += 1 \
         IF @i > @n BREAK IF @i = 2 CONTINUE SET @t = @t + @i END RETURN @t END",
        "dbo.list () RETURNS varchar(50) AS BEGIN DECLARE @l varchar(50) = '', @n int \
         SELECT @l = @l + v + ';', @n = id FROM dbo.t WHERE v IS NOT NULL ORDER BY id DESC RETURN @l + CAST(@n AS varchar(9)) END",
        "dbo.kept (@id int) RETURNS varchar(9) AS BEGIN DECLARE @v varchar(9) = '-' SELECT @v = v FROM t WHERE id = @id RETURN @v END",
        "dbo.factorial (@n int) RETURNS int AS BEGIN IF @n < 2 RETURN 1 RETURN @n * dbo.factorial(@n - 1) END",
        "dbo.through (@n int) RETURNS int AS BEGIN DECLARE @r int EXEC @r = dbo.factorial @n RETURN @r END",
        "dbo.folds (@a varchar(9)) RETURNS int AS BEGIN DECLARE @b varchar(9) = 'ABC' IF @a = @b RETURN 1 RETURN 0 END",
    ] {
        db.ok(&format!("CREATE FUNCTION {function}"));
    }
    check(
        &mut db,
        &[
            ("SELECT dbo.cut('abcdef'), dbo.cut(NULL)", "ab!|NULL"),
            (
                "SELECT dbo.tell(2), dbo.tell(NULL), dbo.tell(0)",
                "many|none|few",
            ),
            ("SELECT dbo.total(4), dbo.total(1)", "8|1"),
            ("SELECT dbo.list()", "c;a;1"),
            ("SELECT dbo.kept(1), dbo.kept(2), dbo.kept(9)", "a|NULL|-"),
            (
                "SELECT id, dbo.factorial(id + 2), dbo.through(id) FROM dbo.t",
                "1|6|1; 2|24|2; 3|120|6",
            ),
            ("SELECT dbo.folds('abc '), dbo.folds('abd')", "1|0"),
        ],
    );
    assert_eq!(db.error("SELECT dbo.factorial(40)"), 217);
    for (body, number) in [
        ("SELECT 1 RETURN 1", 444),
        ("PRINT 'x' RETURN 1", 443),
        ("IF 1 = 1 RETURN 1", 455),
    ] {
        let create = format!("CREATE FUNCTION dbo.wrong () RETURNS int AS BEGIN {body} END");
        assert_eq!(db.error(&create), number, "{body}");
    }
}

#[test]
fn top_takes_a_share_and_ties() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (a int)");
    db.ok("INSERT t VALUES (1), (2), (2), (2), (3), (4), (5)");
    check(
        &mut db,
        &[
            ("SELECT TOP 20 PERCENT a FROM t ORDER BY a", "1; 2"),
            (
                "SELECT TOP (20) PERCENT WITH TIES a FROM t ORDER BY a",
                "1; 2; 2; 2",
            ),
            ("SELECT TOP (0.1) PERCENT a FROM t ORDER BY a DESC", "5"),
            ("SELECT TOP 0 PERCENT a FROM t ORDER BY a DESC", ""),
            ("SELECT TOP 2 WITH TIES a FROM t ORDER BY a", "1; 2; 2; 2"),
        ],
    );
    assert_eq!(db.error("SELECT TOP 101 PERCENT a FROM t"), 1031);
    assert_eq!(db.error("SELECT TOP 1 WITH TIES a FROM t"), 1062);
}
