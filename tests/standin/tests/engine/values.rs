//! JSON, XML, time zones, formats and the other functions that views hold, with the results of
//! Microsoft's pages.

use crate::harness::{Db, check};

#[test]
fn json_functions() {
    let mut db = Db::new();
    // "JSON_VALUE" and "JSON_QUERY", the examples.
    db.ok("CREATE TABLE j (id int, doc nvarchar(max))");
    db.ok(r#"INSERT j VALUES (1, N'{"info":{"type":1,"address":{"town":"Bristol","county":"Avon","country":"England"},"tags":["Sport","Water polo"]},"type":"Basic","n":null,"t":true,"big":1.50,"q":"a\"b\u00e9"}'), (2, N'[1, "x", {"a": 2}]'), (3, N'not json'), (4, NULL)"#);
    check(
        &mut db,
        &[
            (
                "SELECT JSON_VALUE(doc, '$.info.type'), JSON_VALUE(doc, '$.info.address.town'), JSON_VALUE(doc, '$.info.\"address\"'), JSON_VALUE(doc, '$.info.tags'), JSON_VALUE(doc, '$.info.type[0]'), JSON_VALUE(doc, '$.info.none'), JSON_VALUE(doc, '$.n'), JSON_VALUE(doc, '$.t'), JSON_VALUE(doc, '$.big'), JSON_VALUE(doc, '$.q') FROM j WHERE id = 1",
                "1|Bristol|NULL|NULL|NULL|NULL|NULL|true|1.50|a\"bé",
            ),
            (
                "SELECT JSON_QUERY(doc, '$.info.tags'), JSON_QUERY(doc, '$.info.type'), JSON_QUERY(doc, '$.info.tags[1]') FROM j WHERE id = 1",
                "[\"Sport\",\"Water polo\"]|NULL|NULL",
            ),
            (
                "SELECT id, ISJSON(doc) FROM j ORDER BY id",
                "1|1; 2|1; 3|0; 4|NULL",
            ),
            (
                "SELECT j.id, o.[key], o.value, o.type FROM (SELECT * FROM j WHERE id = 2) AS j CROSS APPLY OPENJSON(j.doc) AS o ORDER BY o.[key]",
                "2|0|1|2; 2|1|x|1; 2|2|{\"a\": 2}|5",
            ),
            (
                "SELECT value FROM (SELECT doc FROM j WHERE id = 1) AS j CROSS APPLY OPENJSON(doc, '$.info.tags')",
                "Sport; Water polo",
            ),
            (
                "SELECT COUNT(*) FROM (SELECT doc FROM j WHERE id IN (1, 4)) AS j OUTER APPLY OPENJSON(doc, '$.none') AS o",
                "2",
            ),
            (
                r#"SELECT number, total, inner_, flag FROM OPENJSON(N'[{"order":{"number":"SO43659","total":20.5},"flag":true},{"order":{"number":"SO43661"},"Inner":{"a":1}}]') WITH (number varchar(10) '$.order.number', total decimal(9,2) '$.order.total', inner_ nvarchar(max) '$.Inner' AS JSON, flag bit)"#,
                "SO43659|20.50|NULL|1; SO43661|NULL|{\"a\":1}|NULL",
            ),
        ],
    );
    for (sql, number) in [
        (
            "SELECT JSON_VALUE(doc, 'strict $.none') FROM j WHERE id = 1",
            13608,
        ),
        (
            "SELECT JSON_VALUE(doc, 'strict $.info') FROM j WHERE id = 1",
            13623,
        ),
        (
            "SELECT JSON_QUERY(doc, 'strict $.type') FROM j WHERE id = 1",
            13624,
        ),
        ("SELECT JSON_VALUE(doc, '$.a') FROM j WHERE id = 3", 13609),
        ("SELECT JSON_VALUE(doc, 'a') FROM j WHERE id = 1", 13607),
    ] {
        assert_eq!(db.error(sql), number, "{sql}");
    }
}

#[test]
fn xml_paths() {
    let mut db = Db::new();
    db.ok("CREATE TABLE x (id int, doc xml)");
    db.ok("INSERT x VALUES (1, N'<r a=\"7\"><p n=\"one\">1<b>x</b></p><p n=\"two\">2 &amp; 3</p><e/></r>'), (2, N'<r xmlns=\"urn:q\"><p>9</p></r>'), (3, NULL)");
    db.ok("CREATE TABLE n (g int, name nvarchar(10), v int)");
    db.ok("INSERT n VALUES (1, N'b&c', 1), (1, N'a', 2), (2, N'<z>', NULL)");
    check(
        &mut db,
        &[
            (
                "SELECT doc.value('(/r/@a)[1]', 'int'), doc.value('(/r/p)[2]', 'nvarchar(20)'), x.doc.value('(/r/p[@n=\"one\"]/text())[1]', 'varchar(5)'), doc.value('(/r/none)[1]', 'int'), doc.exist('/r/e'), doc.exist('/r/f') FROM x WHERE id = 1",
                "7|2 & 3|1|NULL|1|0",
            ),
            // A name without a prefix is in no namespace.
            (
                "SELECT doc.value('(/r/p/text())[1]', 'int') FROM x ORDER BY id DESC",
                "NULL; NULL; 1",
            ),
            (
                "SELECT id, t.c.value('@n', 'varchar(5)'), t.c.value('text()[1]', 'varchar(5)'), t.c.query('b') FROM x CROSS APPLY doc.nodes('/r/p') AS t(c) ORDER BY 2",
                "1|one|1|<b>x</b>; 1|two|2 & 3|",
            ),
            (
                "SELECT STUFF((SELECT ', ' + name FROM n WHERE g = 1 ORDER BY name FOR XML PATH('')), 1, 2, '')",
                "a, b&amp;c",
            ),
            (
                "SELECT STUFF((SELECT ', ' + name FROM n WHERE g = 1 ORDER BY name FOR XML PATH(''), TYPE).value('.', 'nvarchar(max)'), 1, 2, '')",
                "a, b&c",
            ),
            (
                "SELECT (SELECT name AS [@id], v FROM n ORDER BY v FOR XML PATH('item'), ROOT('all'))",
                "<all><item id=\"&lt;z&gt;\"/><item id=\"b&amp;c\"><v>1</v></item><item id=\"a\"><v>2</v></item></all>",
            ),
            (
                "SELECT (SELECT name FROM n WHERE 1 = 0 FOR XML PATH(''))",
                "NULL",
            ),
        ],
    );
    assert_eq!(db.error("SELECT doc.value('/r/p', 'int') FROM x"), 2389);
    assert_eq!(
        db.error("SELECT doc.value('(/q:r)[1]', 'int') FROM x"),
        40_001
    );
    // A view with what is not run here is kept.
    db.ok("CREATE VIEW v AS SELECT doc.value('declare namespace q=\"urn:q\"; (/q:r)[1]', 'int') AS a FROM x");
}

#[test]
fn time_zones() {
    // "AT TIME ZONE", the examples of the gap and of the overlapping interval.
    let at = |text: &str| {
        format!(
            "SELECT CONVERT(varchar(40), CONVERT(datetime2(0), '{text}', 126) AT TIME ZONE 'Central European Standard Time')"
        )
    };
    check(
        &mut Db::new(),
        &[
            (&at("2022-03-27T01:01:00"), "2022-03-27 01:01:00 +01:00"),
            (&at("2022-03-27T02:01:00"), "2022-03-27 03:01:00 +02:00"),
            (&at("2022-03-27T03:01:00"), "2022-03-27 03:01:00 +02:00"),
            (&at("2022-10-30T01:01:00"), "2022-10-30 01:01:00 +02:00"),
            (&at("2022-10-30T02:01:00"), "2022-10-30 02:01:00 +02:00"),
            (&at("2022-10-30T03:01:00"), "2022-10-30 03:01:00 +01:00"),
            (
                "SELECT CONVERT(varchar(40), CAST('2022-07-01 12:00:00 +00:00' AS datetimeoffset(0)) AT TIME ZONE 'Pacific Standard Time'), CONVERT(varchar(40), CAST('2022-11-06 08:59:59 +00:00' AS datetimeoffset(0)) AT TIME ZONE 'Pacific Standard Time'), CONVERT(varchar(40), CAST('2022-11-06 09:00:00 +00:00' AS datetimeoffset(0)) AT TIME ZONE 'Pacific Standard Time')",
                "2022-07-01 05:00:00 -07:00|2022-11-06 01:59:59 -07:00|2022-11-06 01:00:00 -08:00",
            ),
            (
                "SELECT CONVERT(varchar(40), SWITCHOFFSET(CAST('2024-01-01 10:00:00 +02:00' AS datetimeoffset(0)), '-05:00')), CONVERT(varchar(40), TODATETIMEOFFSET(CAST('2024-01-01 10:00:00' AS datetime2(0)), 330))",
                "2024-01-01 03:00:00 -05:00|2024-01-01 10:00:00 +05:30",
            ),
        ],
    );
    let mut db = Db::new();
    assert_eq!(
        db.error("SELECT CAST('2022-01-01' AS datetime2) AT TIME ZONE 'Nowhere'"),
        9820
    );
    assert_eq!(
        db.error("SELECT CAST('1990-01-01' AS datetime2) AT TIME ZONE 'Pacific Standard Time'"),
        40_001
    );
}

#[test]
fn dates_from_parts() {
    let shown = |call: &str| format!("SELECT CONVERT(varchar(40), {call}, 121)");
    check(
        &mut Db::new(),
        &[
            (&shown("DATEFROMPARTS(2010, 12, 31)"), "2010-12-31"),
            (
                &shown("DATETIMEFROMPARTS(2010, 12, 31, 23, 59, 59, 0)"),
                "2010-12-31 23:59:59.000",
            ),
            (
                &shown("DATETIME2FROMPARTS(2011, 8, 15, 14, 23, 44, 5, 1)"),
                "2011-08-15 14:23:44.5",
            ),
            (
                &shown("DATETIME2FROMPARTS(2011, 8, 15, 14, 23, 44, 50, 2)"),
                "2011-08-15 14:23:44.50",
            ),
            (
                &shown("DATETIMEOFFSETFROMPARTS(2010, 12, 31, 14, 23, 23, 0, 12, 0, 7)"),
                "2010-12-31 14:23:23.0000000 +12:00",
            ),
            (
                &shown("SMALLDATETIMEFROMPARTS(2010, 12, 31, 23, 59)"),
                "2010-12-31 23:59:00.000",
            ),
            (&shown("TIMEFROMPARTS(23, 59, 59, 0, 0)"), "23:59:59"),
            (
                &shown("DATETIME2FROMPARTS(2011, NULL, 15, 14, 23, 44, 5, 1)"),
                "NULL",
            ),
            // "DATEPART": ISO weeks.
            (
                "SELECT DATEPART(iso_week, '20100103'), DATEPART(isowk, '20100104'), DATEPART(ww, '20100103'), DATENAME(iso_week, CAST('20241230' AS date))",
                "53|1|2|1",
            ),
            (
                "SELECT CURRENT_TIMESTAMP - CURRENT_TIMESTAMP, DATEDIFF_BIG(nanosecond, CAST('00:00' AS time), CAST('00:00:01' AS time))",
                "DateTime { days: 0, ticks: 0 }|1000000000",
            ),
        ],
    );
    let mut db = Db::new();
    assert_eq!(db.error("SELECT DATEFROMPARTS(2011, 2, 30)"), 289);
    assert_eq!(db.error("SELECT TIMEFROMPARTS(24, 0, 0, 0, 0)"), 289);
}

#[test]
fn formats_and_texts() {
    check(
        &mut Db::new(),
        &[
            // "FORMAT": its examples in en-US.
            (
                "SELECT FORMAT(CAST('2011-01-11' AS datetime), 'd', 'en-US'), FORMAT(CAST('2011-11-22' AS datetime), 'D', 'en-us'), FORMAT(CAST('2011-10-01' AS date), 'dd/MM/yyyy', 'en-US')",
                "1/11/2011|Tuesday, November 22, 2011|01/10/2011",
            ),
            (
                "SELECT FORMAT(CAST('2020-02-03 04:05:06.789' AS datetime2(3)), 'yyyy-MM-dd HH:mm:ss.fff'), FORMAT(CAST('2020-02-03 16:05' AS datetime), 'h:mm tt'), FORMAT(CAST('2020-02-03' AS date), 'MMM yy')",
                "2020-02-03 04:05:06.789|4:05 PM|Feb 20",
            ),
            (
                "SELECT FORMAT(1234567.891, 'N', 'en-us'), FORMAT(1, 'C', 'en-us'), FORMAT(-1234.5, 'C2'), FORMAT(0.126, 'P1'), FORMAT(42, 'D5'), FORMAT(1234.5, '#,##0.00'), FORMAT(7, '000'), FORMAT(0.5, '#.##'), FORMAT(12.0, '0.##')",
                "1,234,567.89|$1.00|($1,234.50)|12.6%|00042|1,234.50|007|.5|12",
            ),
            (
                "SELECT TRANSLATE('2*[3+4]/{7-2}', '[]{}', '()()'), STRING_ESCAPE('\\\t/' + CHAR(10) + '\"', 'json')",
                "2*(3+4)/(7-2)|\\\\\\t\\/\\n\\\"",
            ),
            (
                "SELECT PARSENAME('AdventureWorks.dbo.[Per.son]', 1), PARSENAME('a.b', 2), PARSENAME('a.b', 3)",
                "Per.son|a|NULL",
            ),
            (
                "SELECT TRIM('.,! ' FROM '     #     test    .'), TRIM(LEADING 'x' FROM 'xxaxx'), RTRIM('123abc.', 'abc.')",
                "#     test|axx|123",
            ),
            ("SELECT GREATEST(6.62, 3, NULL), LEAST('b', 'a')", "6.62|a"),
            (
                "SELECT value FROM STRING_SPLIT('Lorem ipsum dolor', ' ')",
                "Lorem; ipsum; dolor",
            ),
            (
                "SELECT value, ordinal FROM STRING_SPLIT(N'a,,b', ',', 1) ORDER BY ordinal",
                "a|1; |2; b|3",
            ),
            (
                "SELECT ROUND(DEGREES(ATN2(1e0, 1e0)), 6), ROUND(LOG(8, 2), 6), CAST(SIN(0) AS int)",
                "Float(45.0)|Float(3.0)|0",
            ),
            (
                "SELECT IIF(NULL IS NOT DISTINCT FROM NULL, 1, 0), IIF(1 IS DISTINCT FROM NULL, 1, 0)",
                "1|1",
            ),
        ],
    );
    let mut db = Db::new();
    assert_eq!(db.error("SELECT FORMAT(1, 'E')"), 40_001);
    assert_eq!(db.error("SELECT TRANSLATE('a', 'ab', 'c')"), 9828);
}

#[test]
fn concat_has_the_length_of_its_arguments() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (i int, v varchar(5), n nvarchar(7), m varchar(max))");
    db.ok("CREATE VIEW c AS SELECT CONCAT(i, i) AS a, CONCAT(v, 'xy') AS b, CONCAT(v, n) AS c, CONCAT(m, v) AS d, CONCAT(NULL, NULL) AS e, CONCAT_WS('--', v, v, i) AS f FROM t AS at");
    check(
        &mut db,
        &[(
            "SELECT name, TYPE_NAME(system_type_id), max_length, is_nullable FROM sys.columns WHERE object_id = OBJECT_ID('c') ORDER BY column_id",
            "a|varchar|24|0; b|varchar|7|0; c|nvarchar|24|0; d|varchar|-1|0; e|varchar|1|0; f|varchar|26|0",
        )],
    );
}
