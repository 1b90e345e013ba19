//! Types: conversion, arithmetic, their errors.

use crate::harness::{Db, check};

#[test]
fn conversions_and_arithmetic() {
    check(
        &mut Db::new(),
        &[
            (
                "SELECT 7 / 2, -7 / 2, 7 % 3, 7.0 / 2, 1.0 / 3",
                "3|-3|1|3.500000|0.333333",
            ),
            (
                "SELECT CAST('123.456' AS decimal(10,2)), CAST(123.456 AS int), CONVERT(money, '$1,234.5678')",
                "123.46|123|$1234.5678",
            ),
            (
                "SELECT CAST(CAST(1.5 AS decimal(5,1)) * CAST(2.25 AS decimal(5,2)) AS varchar(20))",
                "3.375",
            ),
            (
                "SELECT CAST('abc' AS char(5)) + '|', LEN('abc  '), DATALENGTH('abc  '), DATALENGTH(N'abc')",
                "abc  ||3|5|6",
            ),
            (
                "SELECT CONVERT(varchar(30), CAST('2024-05-06 07:08:09.123' AS datetime), 121)",
                "2024-05-06 07:08:09.123",
            ),
            (
                "SELECT CONVERT(varchar(30), CAST('2024-05-06 07:08:09.1234567' AS datetime2), 126)",
                "2024-05-06T07:08:09.1234567",
            ),
            (
                "SELECT CAST(CAST('2024-05-06 07:08:09.1234567 +05:30' AS datetimeoffset) AS varchar(40))",
                "2024-05-06 07:08:09.1234567 +05:30",
            ),
            (
                "SELECT CONVERT(varchar(20), 0x0AFF, 1), CONVERT(varchar(20), 0x0AFF, 2), CONVERT(varbinary(4), '0x0AFF', 1)",
                "0x0AFF|0AFF|0x0AFF",
            ),
            (
                "SELECT CAST(N'Ж' AS varchar(5)), CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)",
                "?|Guid([255, 25, 150, 111, 134, 139, 17, 208, 180, 45, 0, 192, 79, 201, 100, 255])",
            ),
            (
                "SELECT TRY_CAST('x' AS int), TRY_CONVERT(int, '5'), ISNULL(NULL, 'a'), COALESCE(NULL, 2, 3), NULLIF(1, 1)",
                "NULL|5|a|2|NULL",
            ),
            (
                "SELECT 5 & 3, 5 | 3, 5 ^ 3, ~5, 'a' + N'b', CONCAT('a', NULL, 1)",
                "1|7|6|-6|ab|a1",
            ),
            (
                "SELECT -2147483648, 2147483648, $12.5, 1e3",
                "-2147483648|2147483648|$12.5000|Float(1000.0)",
            ),
        ],
    );
}

#[test]
fn errors_have_their_numbers() {
    let mut db = Db::new();
    let cases = [
        (245, "SELECT CAST('abc' AS int)"),
        (8114, "SELECT CAST('abc' AS decimal(5,2))"),
        (8115, "SELECT CAST(123456 AS decimal(5,2))"),
        (8115, "SELECT 2147483647 + 1"),
        (8134, "SELECT 1 / 0"),
        (241, "SELECT CAST('not a date' AS datetime)"),
        (242, "SELECT CAST('1200-01-01' AS datetime)"),
        (220, "SELECT CAST(300 AS tinyint)"),
        (208, "SELECT * FROM nowhere"),
        (207, "SELECT nothing FROM sys.tables"),
        (137, "SELECT @x"),
        (195, "SELECT NO_SUCH_FUNCTION(1)"),
        (
            402,
            "SELECT CAST('2020-01-01' AS date) + CAST('2020-01-01' AS date)",
        ),
        (512, "SELECT (SELECT n FROM (VALUES (1), (2)) v(n))"),
        (40001, "MERGE t USING u ON 1 = 1"),
        (
            468,
            "CREATE TABLE c (a varchar(5) COLLATE Latin1_General_BIN, b varchar(5) COLLATE Greek_CI_AS); SELECT * FROM c WHERE a = b",
        ),
    ];
    for (number, sql) in cases {
        assert_eq!(db.error(sql), number, "{sql}");
    }
}
