//! What stands in FROM, and how queries are combined.

use crate::harness::{Db, check};

#[test]
fn recursive_common_tables() {
    let mut db = Db::new();
    db.ok("CREATE TABLE e (id int NOT NULL PRIMARY KEY, boss int NULL, name nvarchar(10))");
    db.ok("INSERT e VALUES (1, NULL, N'a'), (2, 1, N'b'), (3, 1, N'c'), (4, 2, N'd')");
    check(
        &mut db,
        &[
            (
                "WITH r AS (SELECT id, boss, 0 AS level FROM e WHERE boss IS NULL UNION ALL SELECT e.id, e.boss, r.level + 1 FROM e JOIN r ON e.boss = r.id) SELECT id, level FROM r ORDER BY id",
                "1|0; 2|1; 3|1; 4|2",
            ),
            (
                "WITH n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 101) SELECT COUNT(*), MAX(n) FROM n",
                "101|101",
            ),
            (
                "WITH n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500) SELECT MAX(n) FROM n OPTION (MAXRECURSION 0)",
                "500",
            ),
            (
                "WITH p (id, path) AS (SELECT id, CAST(name AS nvarchar(100)) FROM e WHERE boss IS NULL UNION ALL SELECT e.id, CAST(p.path + N'/' + e.name AS nvarchar(100)) FROM p, e WHERE e.boss = p.id) SELECT path FROM p ORDER BY path",
                "a; a/b; a/b/d; a/c",
            ),
            // Two anchors and two recursive members.
            (
                "WITH m (n) AS (SELECT 1 UNION ALL SELECT 10 UNION ALL SELECT n + 1 FROM m WHERE n < 3 UNION ALL SELECT n + 10 FROM m WHERE n BETWEEN 10 AND 20) SELECT n FROM m ORDER BY n",
                "1; 2; 3; 10; 20; 30",
            ),
        ],
    );
    assert_eq!(
        db.error("WITH n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 102) SELECT MAX(n) FROM n"),
        530
    );
    assert_eq!(
        db.error("WITH p (t) AS (SELECT 'a' UNION ALL SELECT t + 'b' FROM p) SELECT t FROM p"),
        240
    );
    assert_eq!(
        db.error("WITH p (t) AS (SELECT 1 UNION ALL SELECT t, 2 FROM p) SELECT t FROM p"),
        205
    );
}

#[test]
fn sets_take_the_types_of_both_sides() {
    let mut db = Db::new();
    db.ok("CREATE VIEW u AS SELECT 1 AS a, 'ab' AS b, NULL AS c, CAST(1.5 AS decimal(5,1)) AS d UNION ALL SELECT 2.25, N'c', 'xyz', CAST(2 AS decimal(8,4))");
    check(
        &mut db,
        &[
            (
                "SELECT name, TYPE_NAME(system_type_id), max_length, precision, scale, is_nullable FROM sys.columns WHERE object_id = OBJECT_ID('u') ORDER BY column_id",
                "a|decimal|9|12|2|0; b|nvarchar|4|0|0|0; c|varchar|3|0|0|1; d|decimal|5|8|4|0",
            ),
            (
                "SELECT a, b, c, d FROM u ORDER BY a",
                "1.00|ab|NULL|1.5000; 2.25|c|xyz|2.0000",
            ),
            (
                "SELECT 1 INTERSECT SELECT 1 UNION ALL SELECT 1 ORDER BY 1",
                "1; 1",
            ),
            (
                "SELECT v FROM (VALUES (1), (1), (2), (NULL)) AS t (v) EXCEPT SELECT 2 ORDER BY v",
                "NULL; 1",
            ),
            (
                "SELECT v FROM (VALUES (1), (1), (2), (NULL)) AS t (v) INTERSECT SELECT v FROM (VALUES (1), (NULL)) AS s (v) ORDER BY v",
                "NULL; 1",
            ),
            (
                "SELECT 'a' UNION SELECT 'A' UNION SELECT 'b ' UNION SELECT 'b'",
                "a; b ",
            ),
        ],
    );
    assert_eq!(db.error("SELECT 1 UNION ALL SELECT 'x'"), 245);
    assert_eq!(
        db.error("SELECT CAST(NULL AS int) UNION ALL SELECT 'x'"),
        245
    );
    assert_eq!(db.error("SELECT 1, 2 UNION ALL SELECT 1"), 205);
    assert_eq!(db.error("SELECT 1 AS a EXCEPT ALL SELECT 1"), 40_001);
}

#[test]
fn quantified_comparisons() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (a int NULL)");
    db.ok("INSERT t VALUES (1), (2), (NULL)");
    let truth = |condition: &str| {
        format!(
            "SELECT CASE WHEN {condition} THEN 'yes' WHEN NOT ({condition}) THEN 'no' ELSE 'unknown' END"
        )
    };
    check(
        &mut db,
        &[
            (&truth("2 = ANY (SELECT a FROM t)"), "yes"),
            (&truth("3 = ANY (SELECT a FROM t)"), "unknown"),
            (&truth("3 > ALL (SELECT a FROM t)"), "unknown"),
            (&truth("1 > ALL (SELECT a FROM t)"), "no"),
            (
                &truth("3 > ALL (SELECT a FROM t WHERE a IS NOT NULL)"),
                "yes",
            ),
            (&truth("3 > ALL (SELECT a FROM t WHERE 1 = 0)"), "yes"),
            (&truth("3 > SOME (SELECT a FROM t WHERE 1 = 0)"), "no"),
            (&truth("NULL = ALL (SELECT a FROM t WHERE 1 = 0)"), "yes"),
        ],
    );
}

#[test]
fn pivot_and_unpivot() {
    let mut db = Db::new();
    db.ok("CREATE TABLE s (who nvarchar(5), yr int, amount decimal(9,2))");
    db.ok("INSERT s VALUES (N'x', 2020, 1), (N'x', 2020, 2), (N'x', 2021, 5), (N'y', 2021, 7), (N'y', 2022, 9), (N'y', NULL, 4)");
    // "Using PIVOT and UNPIVOT", the example of UNPIVOT.
    db.ok("CREATE TABLE pvt (VendorID int, Emp1 int, Emp2 int, Emp3 int, Emp4 int, Emp5 int)");
    db.ok("INSERT INTO pvt VALUES (1, 4, 3, 5, 4, 4), (2, 4, 1, 5, 5, NULL)");
    check(
        &mut db,
        &[
            (
                "SELECT who, [2020], [2021], [2030] FROM (SELECT who, yr, amount FROM s) AS src PIVOT (SUM(amount) FOR yr IN ([2020], [2021], [2030])) AS p ORDER BY who",
                "x|3.00|5.00|NULL; y|NULL|7.00|NULL",
            ),
            (
                "SELECT p.who, p.[2020] AS a, p.[2022] AS b FROM s PIVOT (COUNT(amount) FOR s.yr IN ([2020], [2022])) AS p ORDER BY 1",
                "x|2|0; y|0|1",
            ),
            (
                "SELECT VendorID, Employee, Orders FROM (SELECT VendorID, Emp1, Emp2, Emp3, Emp4, Emp5 FROM pvt) AS p UNPIVOT (Orders FOR Employee IN (Emp1, Emp2, Emp3, Emp4, Emp5)) AS unpvt ORDER BY VendorID, Employee",
                "1|Emp1|4; 1|Emp2|3; 1|Emp3|5; 1|Emp4|4; 1|Emp5|4; 2|Emp1|4; 2|Emp2|1; 2|Emp3|5; 2|Emp4|5",
            ),
        ],
    );
    assert_eq!(
        db.error(
            "SELECT * FROM (SELECT 1 AS id, 2 AS a, 'x' AS b) AS p UNPIVOT (v FOR n IN (a, b)) AS u"
        ),
        8167
    );
}

#[test]
fn derived_tables_and_applies() {
    let mut db = Db::new();
    db.ok("CREATE TABLE a (id int NOT NULL PRIMARY KEY, v int)");
    db.ok("CREATE TABLE b (id int NOT NULL, v int)");
    db.ok("INSERT a VALUES (1, 10), (2, 20), (3, NULL)");
    db.ok("INSERT b VALUES (1, 5), (1, 6), (2, 7)");
    check(
        &mut db,
        &[
            (
                "SELECT a.id, x.v FROM a CROSS APPLY (SELECT TOP 1 b.v FROM b WHERE b.id = a.id ORDER BY b.v DESC) AS x ORDER BY 1",
                "1|6; 2|7",
            ),
            (
                "SELECT a.id, x.w FROM a OUTER APPLY (SELECT MAX(b.v) AS w FROM b WHERE b.id = a.id HAVING COUNT(*) > 1) AS x ORDER BY 1",
                "1|6; 2|NULL; 3|NULL",
            ),
            (
                "SELECT a.id, x.n, x.w FROM a CROSS APPLY (VALUES ('v', a.v), ('id', a.id)) AS x (n, w) WHERE a.id = 2 ORDER BY x.n",
                "2|id|2; 2|v|20",
            ),
            (
                "SELECT a.id, y.z FROM a CROSS APPLY (SELECT a.v + 1 AS z) AS x CROSS APPLY (SELECT x.z * 2 AS z) AS y ORDER BY 1",
                "1|22; 2|42; 3|NULL",
            ),
            // Nested joins, and a join of a join.
            (
                "SELECT a.id, b.v, c.id FROM a LEFT JOIN (b INNER JOIN a AS c ON c.id = b.id + 1) ON b.id = a.id AND c.v IS NOT NULL ORDER BY 1, 2",
                "1|5|2; 1|6|2; 2|NULL|NULL; 3|NULL|NULL",
            ),
            (
                "SELECT a.id, b.v, c.id FROM a LEFT OUTER JOIN b INNER JOIN a AS c ON c.id = b.id + 1 ON b.id = a.id ORDER BY 1, 2",
                "1|5|2; 1|6|2; 2|7|3; 3|NULL|NULL",
            ),
            (
                "SELECT x.id FROM (SELECT id FROM a WHERE EXISTS (SELECT * FROM b WHERE b.id = a.id AND b.v > ALL (SELECT i.v FROM b AS i WHERE i.id <> a.id))) AS x",
                "2",
            ),
            (
                "SELECT DISTINCT v / 10 AS d FROM a ORDER BY d DESC",
                "2; 1; NULL",
            ),
        ],
    );
    for (sql, number) in [
        ("SELECT * FROM (SELECT id, v + 1 FROM a) AS x", 8155),
        ("SELECT * FROM (SELECT id, v AS ID FROM a) AS x", 8156),
        ("SELECT * FROM (SELECT id, v FROM a) AS x (i)", 8158),
        ("SELECT * FROM (SELECT id FROM a) AS x (i, j)", 8159),
        ("SELECT * FROM (SELECT id FROM a ORDER BY id) AS x", 1033),
        ("SELECT (SELECT v FROM b WHERE b.id = a.id) FROM a", 512),
        ("SELECT * FROM a JOIN b USING (id)", 102),
        ("SELECT * FROM a NATURAL JOIN b", 102),
        ("SELECT id FROM a LIMIT 1", 102),
        ("SELECT id::int FROM a", 243),
        ("SELECT id FROM a WHERE v ILIKE 'x'", 102),
        ("SELECT true FROM a", 207),
        ("SELECT id = 1 AND v = 2 FROM a", 102),
        ("SELECT (id > 1) AS x FROM a", 102),
        ("SELECT id || 'x' FROM a", 102),
    ] {
        assert_eq!(db.error(sql), number, "{sql}");
    }
}

/// Tables behind commas are joined by the equalities of WHERE: all pairs of these would be 8 billion.
#[test]
fn commas_with_equalities_are_joins() {
    let mut db = Db::new();
    for table in ["a", "b", "c", "d"] {
        db.ok(&format!(
            "CREATE TABLE {table} (id int NOT NULL, up int NULL)"
        ));
        db.ok(&format!(
            "INSERT {table} SELECT value, value - 1 FROM GENERATE_SERIES(1, 300)"
        ));
    }
    check(
        &mut db,
        &[
            (
                "SELECT COUNT(*) FROM a, b, c, d WHERE a.id = b.up AND b.id = c.up AND d.id = c.id AND a.id > 1",
                "297",
            ),
            (
                "SELECT a.id, b.id, c.id FROM a, b LEFT JOIN c ON c.id = b.id + 299 WHERE b.id = a.up AND a.id < 4 ORDER BY 1",
                "2|1|300; 3|2|NULL",
            ),
            (
                "SELECT COUNT(*) FROM a, b, c WHERE a.id = a.up + 1 AND c.id = b.id AND b.id = b.id AND a.id = 1 AND c.up = a.up",
                "1",
            ),
        ],
    );
}
