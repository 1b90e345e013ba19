//! SELECT in its forms.

use crate::harness::{Db, check};

fn people() -> Db {
    let mut db = Db::new();
    db.ok("CREATE TABLE dept (id int PRIMARY KEY, name nvarchar(20) NOT NULL)
           CREATE TABLE emp (id int IDENTITY(1,1) PRIMARY KEY, name varchar(20) NOT NULL, dept int NULL REFERENCES dept(id), pay decimal(10,2))
           INSERT dept VALUES (1, N'Sales'), (2, N'IT'), (3, N'Empty')
           INSERT INTO emp (name, dept, pay) VALUES ('Ann', 1, 100), ('Bob', 1, 50.5), ('Cid', 2, 70), ('Dan', NULL, NULL)");
    db
}

#[test]
fn joins_groups_and_windows() {
    check(
        &mut people(),
        &[
            (
                "SELECT e.name, d.name FROM emp e JOIN dept d ON d.id = e.dept ORDER BY e.name DESC",
                "Cid|IT; Bob|Sales; Ann|Sales",
            ),
            (
                "SELECT d.name, e.name FROM dept d LEFT JOIN emp e ON e.dept = d.id AND e.pay > 60 ORDER BY 1",
                "Empty|NULL; IT|Cid; Sales|Ann",
            ),
            (
                "SELECT d.name, e.name FROM dept d FULL OUTER JOIN emp e ON e.dept = d.id WHERE d.id IS NULL OR e.id IS NULL ORDER BY d.id",
                "NULL|Dan; Empty|NULL",
            ),
            (
                "SELECT dept, COUNT(*), SUM(pay), AVG(pay), MIN(name) FROM emp GROUP BY dept ORDER BY dept",
                "NULL|1|NULL|NULL|Dan; 1|2|150.50|75.250000|Ann; 2|1|70.00|70.000000|Cid",
            ),
            (
                "SELECT dept FROM emp GROUP BY dept HAVING COUNT(*) > 1",
                "1",
            ),
            (
                "SELECT COUNT(DISTINCT dept), COUNT(dept), COUNT_BIG(*) FROM emp",
                "2|3|4",
            ),
            (
                "SELECT name, ROW_NUMBER() OVER (ORDER BY pay DESC), RANK() OVER (PARTITION BY dept ORDER BY pay) FROM emp WHERE dept = 1 ORDER BY name",
                "Ann|1|2; Bob|2|1",
            ),
            (
                "SELECT name, LAG(name) OVER (ORDER BY id), SUM(pay) OVER (ORDER BY id) FROM emp ORDER BY id",
                "Ann|NULL|100.00; Bob|Ann|150.50; Cid|Bob|220.50; Dan|Cid|220.50",
            ),
            (
                "SELECT b, MAX(id) FROM (SELECT id, NTILE(2) OVER (ORDER BY id) AS b FROM emp) x GROUP BY b",
                "1|2; 2|4",
            ),
            (
                "WITH c AS (SELECT dept, COUNT(*) n FROM emp GROUP BY dept) SELECT MAX(n) FROM c",
                "2",
            ),
            (
                "SELECT name FROM emp e WHERE EXISTS (SELECT 1 FROM dept d WHERE d.id = e.dept AND d.name = 'it')",
                "Cid",
            ),
            (
                "SELECT name FROM emp WHERE dept IN (SELECT id FROM dept WHERE name LIKE N'S%') ORDER BY id",
                "Ann; Bob",
            ),
            (
                "SELECT name, (SELECT d.name FROM dept d WHERE d.id = e.dept) FROM emp e WHERE id > 2 ORDER BY id",
                "Cid|IT; Dan|NULL",
            ),
            (
                "SELECT TOP (2) WITH TIES dept FROM emp WHERE dept IS NOT NULL ORDER BY dept",
                "1; 1",
            ),
            (
                "SELECT name FROM emp ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY",
                "Bob; Cid",
            ),
            (
                "SELECT 1 AS n UNION SELECT 2 UNION ALL SELECT 2 ORDER BY n",
                "1; 2; 2",
            ),
            ("SELECT 1 EXCEPT SELECT 1", ""),
            (
                "SELECT d.id, x.name FROM dept d CROSS APPLY (SELECT TOP 1 name FROM emp e WHERE e.dept = d.id ORDER BY name DESC) x ORDER BY d.id",
                "1|Bob; 2|Cid",
            ),
            (
                "SELECT d.id, x.name FROM dept d OUTER APPLY (SELECT TOP 1 name FROM emp e WHERE e.dept = d.id ORDER BY name DESC) x ORDER BY d.id",
                "1|Bob; 2|Cid; 3|NULL",
            ),
            (
                "SELECT STRING_AGG(name, ',') WITHIN GROUP (ORDER BY name DESC) FROM emp",
                "Dan,Cid,Bob,Ann",
            ),
            (
                "SELECT CASE WHEN pay > 60 THEN 'high' ELSE 'low' END, IIF(dept IS NULL, 'x', 'y') FROM emp WITH (NOLOCK) ORDER BY id OPTION (MAXDOP 1)",
                "high|y; low|y; high|y; low|x",
            ),
            (
                "SELECT DISTINCT dept FROM emp ORDER BY dept DESC",
                "2; 1; NULL",
            ),
            ("SELECT COUNT(*) FROM emp e, dept d", "12"),
        ],
    );
}

#[test]
fn scripts() {
    check(
        &mut people(),
        &[
            (
                "DECLARE @n int = 0, @s nvarchar(max) = N''; WHILE @n < 3 BEGIN SET @n += 1; SET @s = @s + CAST(@n AS nvarchar(5)) END SELECT @n, @s",
                "3|123",
            ),
            (
                "DECLARE @s varchar(100) = ''; SELECT @s = @s + name FROM emp ORDER BY id; SELECT @s",
                "AnnBobCidDan",
            ),
            (
                "IF EXISTS (SELECT * FROM emp) PRINT 'yes' ELSE PRINT 'no'",
                "#yes",
            ),
            (
                "EXEC sp_executesql N'SELECT name FROM emp WHERE id = @i', N'@i int', @i = 2",
                "Bob",
            ),
            ("EXEC ('SELECT 5')", "5"),
            (
                "BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH",
                "8134",
            ),
            ("RAISERROR('hello %s %d', 10, 1, 'a', 5)", "#hello a 5"),
            ("THROW 50001, 'mine', 1; SELECT 1", "!50001 mine"),
            (
                "SELECT DB_NAME(), @@TRANCOUNT, OBJECT_NAME(OBJECT_ID('dbo.emp')), TYPE_NAME(56)",
                "t|0|emp|int",
            ),
            (
                "SELECT UPPER('a'), SUBSTRING('hello', 2, 3), LEFT('abc', 2), RIGHT('abc', 2), REPLACE('aXbx', 'x', '-'), CHARINDEX('l', 'hello')",
                "A|ell|ab|bc|a-b-|3",
            ),
            (
                "SELECT QUOTENAME('a]b'), STR(3.14159, 6, 2), REPLICATE('ab', 3), LTRIM('  x '), UNICODE(N'é'), NCHAR(233), ASCII('A'), CHAR(65)",
                "[a]]b]|  3.14|ababab|x |233|é|65|A",
            ),
            (
                "SELECT ROUND(123.456, 1), FLOOR(-1.5), CEILING(1.2), ABS(-3), SIGN(-2.5), POWER(2, 10)",
                "123.500|-2|2|3|-1.0|1024",
            ),
            (
                "SELECT DATEDIFF(day, '2024-01-01', '2024-03-01'), YEAR('2024-05-06'), DATEPART(weekday, '2024-05-06'), CONVERT(varchar(10), DATEADD(month, 1, '2024-01-31'), 120)",
                "60|2024|2|2024-02-29",
            ),
            (
                "SELECT SERVERPROPERTY('ProductVersion'), COLLATIONPROPERTY('Cyrillic_General_CI_AS', 'CodePage'), DATABASEPROPERTYEX('t', 'Collation')",
                "16.0.1000.6|1251|SQL_Latin1_General_CP1_CI_AS",
            ),
        ],
    );
}

#[test]
fn series_of_numbers() {
    let mut db = Db::new();
    check(
        &mut db,
        &[
            ("SELECT value FROM GENERATE_SERIES(1, 4)", "1; 2; 3; 4"),
            (
                "SELECT s.v * 2 FROM GENERATE_SERIES(3, 1) AS s(v)",
                "6; 4; 2",
            ),
            (
                "SELECT COUNT(*), SUM(value) FROM GENERATE_SERIES(0, 100, 25)",
                "5|250",
            ),
            (
                "SELECT CHOOSE(value, N'a', N'b') FROM GENERATE_SERIES(0, 3)",
                "NULL; a; b; NULL",
            ),
            ("SELECT value FROM GENERATE_SERIES(1, 4, -1)", ""),
            (
                "SELECT value FROM GENERATE_SERIES(1, CAST(NULL AS int))",
                "",
            ),
            (
                "SELECT a.value, b.value FROM GENERATE_SERIES(1, 2) a JOIN GENERATE_SERIES(2, 3) b ON b.value = a.value",
                "2|2",
            ),
        ],
    );
    assert_eq!(db.error("SELECT value FROM GENERATE_SERIES(1, 4, 0)"), 4199);
}

#[test]
fn showplan_all_estimates_rows_and_reads_none() {
    let mut db = Db::new();
    db.ok("CREATE TABLE dbo.a (id int NOT NULL PRIMARY KEY, n int); INSERT INTO dbo.a VALUES (1, 5), (2, 5), (3, 6)");
    db.ok("SET SHOWPLAN_ALL ON");
    let before = db.engine.work();
    // NodeId, Parent, EstimateRows.
    assert_eq!(db.rows("SELECT * FROM dbo.a"), "1|0|Float(3.0)");
    assert_eq!(
        db.rows("SELECT n FROM dbo.a WHERE id > 1"),
        "1|0|Float(2.0)"
    );
    assert_eq!(db.engine.work(), before);
    assert_eq!(db.error("SELECT * FROM dbo.b"), 208);
    assert_eq!(db.error("DELETE FROM dbo.a"), 40_001);
    db.ok("SET SHOWPLAN_ALL OFF");
    assert_eq!(db.rows("SELECT count(*) FROM dbo.a"), "3");
}
