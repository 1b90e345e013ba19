//! Functions with the results that SQL Server's documentation gives.

use crate::harness::{Db, check};

#[test]
fn strings() {
    check(
        &mut Db::new(),
        &[
            ("SELECT PATINDEX('%ter%', 'interesting data')", "3"),
            (
                "SELECT PATINDEX('%[^0-9A-Za-z]%', 'Please ensure the door is locked!')",
                "7",
            ),
            ("SELECT PATINDEX('s%', 'SQL'), PATINDEX('q%', 'SQL')", "1|0"),
            (
                "SELECT STUFF('abcdef', 2, 3, 'ijklmn'), STUFF('abc', 1, 1, NULL), STUFF('abc', 0, 1, 'x')",
                "aijklmnef|bc|NULL",
            ),
            (
                "SELECT CONCAT_WS(',', 'a', NULL, 'b'), CONCAT('a', NULL, 1)",
                "a,b|a1",
            ),
            (
                "SELECT CHARINDEX('is', 'This is a string', 4), CHARINDEX('x', 'abc')",
                "6|0",
            ),
            (
                "SELECT LEN(N'a😀' COLLATE Latin1_General_100_CI_AS), LEN(N'a😀' COLLATE Latin1_General_100_CI_AS_SC)",
                "3|2",
            ),
            (
                "SELECT LEN('abc  '), DATALENGTH('abc  '), DATALENGTH(N'abc')",
                "3|5|6",
            ),
            (
                "SELECT SUBSTRING('abcdef', 0, 3), LEFT('abc', 5), RIGHT('abc', 2)",
                "ab|abc|bc",
            ),
            (
                "SELECT REPLICATE('0', 4) + REVERSE('1234'), 'a' + NULL",
                "00004321|NULL",
            ),
            (
                "SELECT CHOOSE(3, 'Manager', 'Director', 'Developer'), CHOOSE(9, 1, 2)",
                "Developer|NULL",
            ),
            (
                "SELECT IIF(45 > 30, 'TRUE', 'FALSE'), NULLIF(4, 4), COALESCE(NULL, 2)",
                "TRUE|NULL|2",
            ),
            (
                "SELECT ISNUMERIC('12.5'), ISNUMERIC('abc'), ISNUMERIC(NULL)",
                "1|0|0",
            ),
        ],
    );
}

/// "LIKE (Transact-SQL)": trailing blanks of a text that is not Unicode may be passed over.
#[test]
fn patterns() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (c char(20), n nchar(20), v varchar(20))");
    db.ok("INSERT t VALUES ('Robert King', N'Robert King', '50% off')");
    check(
        &mut db,
        &[
            ("SELECT COUNT(*) FROM t WHERE c LIKE '% King'", "1"),
            ("SELECT COUNT(*) FROM t WHERE n LIKE N'% King'", "0"),
            ("SELECT COUNT(*) FROM t WHERE RTRIM(n) LIKE N'% King'", "1"),
            ("SELECT COUNT(*) FROM t WHERE v LIKE '50[%]%'", "1"),
            (
                "SELECT COUNT(*) FROM t WHERE v LIKE '50!% off' ESCAPE '!'",
                "1",
            ),
            ("SELECT COUNT(*) FROM t WHERE v LIKE '[^a-z]0_ off'", "1"),
            ("SELECT COUNT(*) FROM t WHERE v LIKE '50% off '", "0"),
        ],
    );
}

#[test]
fn dates() {
    let mut db = Db::new();
    check(
        &mut db,
        &[
            (
                "SELECT CONVERT(char(10), EOMONTH('2024-02-05'), 120), CONVERT(char(10), EOMONTH('2011-12-01', 1), 120)",
                "2024-02-29|2012-01-31",
            ),
            (
                "SELECT CONVERT(char(10), DATEADD(month, 1, '2024-08-31'), 120)",
                "2024-09-30",
            ),
            (
                "SELECT DATEDIFF(year, '2005-12-31 23:59:59.9999999', '2006-01-01'), DATEDIFF(week, '2024-01-06', '2024-01-07')",
                "1|1",
            ),
            (
                "SELECT DATEPART(quarter, '2007-06-01'), DATENAME(weekday, '2007-10-30'), DATEPART(dayofyear, '2007-10-30')",
                "2|Tuesday|303",
            ),
            (
                "SELECT CONVERT(varchar(10), DATEFROMPARTS(2010, 12, 31), 103)",
                "31/12/2010",
            ),
        ],
    );
    assert_eq!(
        db.error("SELECT DATEADD(hour, 1, CAST('2024-01-01' AS date))"),
        9810
    );
    assert_eq!(
        db.error("SELECT DATEPART(year, CAST('10:00' AS time))"),
        9810
    );
    assert_eq!(
        db.error("SELECT DATEADD(month, 1, CAST('9999-12-31' AS datetime))"),
        517
    );
}

#[test]
fn numbers() {
    let mut db = Db::new();
    check(
        &mut db,
        &[
            (
                "SELECT ROUND(123.4545, 2), ROUND(123.45, -2), ROUND(150.75, 0), ROUND(150.75, 0, 1)",
                "123.4500|100.00|151.00|150.00",
            ),
            (
                "SELECT POWER(2, 3), POWER(2.5, 2), FLOOR(-123.45), CEILING(-123.45)",
                "8|6.3|-124|-123",
            ),
            (
                "SELECT 5 / 2, -5 % 3, 5 % -3, 7 & 3, 7 | 8, 6 ^ 3, ~5",
                "2|-2|2|3|15|5|-6",
            ),
            ("SELECT 2.0 / 3.0, 1.0 * 3", "0.666666|3.0"),
            ("SELECT -CAST(5 AS tinyint)", "-5"),
            (
                "SELECT CAST(2.7 AS int), CAST(CAST(2.7 AS money) AS int), CAST(-2.7 AS int)",
                "2|3|-2",
            ),
        ],
    );
    assert_eq!(db.error("SELECT ROUND(748.58, -3)"), 8115);
    assert_eq!(db.error("SELECT 1 / 0"), 8134);
}
