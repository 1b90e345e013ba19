//! GROUP BY with its sets, aggregates and window functions, as Microsoft documents them.

use crate::harness::{Db, check};

fn sales() -> Db {
    let mut db = Db::new();
    // "GROUP BY (Transact-SQL)", example of ROLLUP.
    db.ok("CREATE TABLE Sales (Country varchar(50), Region varchar(50), Sales int)");
    db.ok("INSERT Sales VALUES ('Canada', 'Alberta', 100), ('Canada', 'British Columbia', 200), ('Canada', 'British Columbia', 300), ('United States', 'Montana', 100)");
    db
}

#[test]
fn grouping_sets() {
    let mut db = sales();
    let rolled = "Canada|Alberta|100; Canada|British Columbia|500; Canada|NULL|600; NULL|NULL|700; United States|Montana|100; United States|NULL|100";
    let sorted = "ORDER BY CASE WHEN Country IS NULL THEN 'M' ELSE Country END, CASE WHEN Region IS NULL THEN 'Z' ELSE Region END";
    check(
        &mut db,
        &[
            (
                &format!(
                    "SELECT Country, Region, SUM(Sales) AS TotalSales FROM Sales GROUP BY ROLLUP (Country, Region) {sorted}"
                ),
                rolled,
            ),
            (
                &format!(
                    "SELECT Country, Region, SUM(Sales) AS TotalSales FROM Sales GROUP BY Country, Region WITH ROLLUP {sorted}"
                ),
                rolled,
            ),
            (
                &format!(
                    "SELECT Country, Region, SUM(Sales) AS TotalSales FROM Sales GROUP BY GROUPING SETS (ROLLUP (Country, Region)) {sorted}"
                ),
                rolled,
            ),
            // The page's result of CUBE.
            (
                "SELECT Country, Region, SUM(Sales) AS TotalSales FROM Sales GROUP BY CUBE (Country, Region) ORDER BY Region, Country",
                "NULL|NULL|700; Canada|NULL|600; United States|NULL|100; NULL|Alberta|100; Canada|Alberta|100; NULL|British Columbia|500; Canada|British Columbia|500; NULL|Montana|100; United States|Montana|100",
            ),
            (
                "SELECT Country, GROUPING(Country) AS g, COUNT(*) AS n FROM Sales GROUP BY GROUPING SETS (Country, ()) ORDER BY g, Country",
                "Canada|0|3; United States|0|1; NULL|1|4",
            ),
            (
                "SELECT GROUPING_ID(Country, Region) AS g, COUNT_BIG(*) FROM Sales GROUP BY Country, ROLLUP (Region) ORDER BY g",
                "0|1; 0|2; 0|1; 1|3; 1|1",
            ),
            // Duplicates are kept, as by UNION ALL; an empty set has a row for no input too.
            (
                "SELECT Country, COUNT(*) FROM Sales GROUP BY GROUPING SETS (Country, Country) ORDER BY Country",
                "Canada|3; Canada|3; United States|1; United States|1",
            ),
            (
                "SELECT Country, SUM(Sales) FROM Sales WHERE 1 = 0 GROUP BY ROLLUP (Country)",
                "NULL|NULL",
            ),
            (
                "SELECT YEAR(d), COUNT(*) FROM (VALUES (CAST('20200101' AS date)), ('20210101')) AS v (d) GROUP BY year([d]) HAVING MIN(d) > '20200601'",
                "2021|1",
            ),
        ],
    );
    assert_eq!(db.error("SELECT Country FROM Sales GROUP BY 1"), 164);
    assert_eq!(
        db.error("SELECT GROUPING(Sales) FROM Sales GROUP BY Country"),
        8161
    );
}

#[test]
fn subqueries_see_the_groups_around_them() {
    let mut db = sales();
    check(
        &mut db,
        &[(
            "SELECT s.Country, (SELECT MAX(i.Sales) FROM Sales AS i WHERE i.Country = s.Country) AS m FROM Sales AS s GROUP BY s.Country ORDER BY 1",
            "Canada|300; United States|100",
        )],
    );
    assert_eq!(
        db.error("SELECT s.Country, (SELECT MAX(i.Sales) FROM Sales AS i WHERE i.Region = s.Region) FROM Sales AS s GROUP BY s.Country"),
        8120
    );
}

#[test]
fn aggregates_have_their_documented_types() {
    let mut db = Db::new();
    db.ok("CREATE TABLE t (i int, s smallint, d decimal(5,2), m money, f real, n nvarchar(10), v varchar(10))");
    db.ok("INSERT t VALUES (1, 1, 1.00, 1, 1, N'b', 'x'), (2, 2, 1.01, 2, 2, N'a', 'y'), (2, NULL, NULL, NULL, NULL, NULL, 'z'), (-4, 4, 2.00, 3, 3, N'c', NULL)");
    db.ok("CREATE VIEW a AS SELECT COUNT(*) AS c, COUNT_BIG(i) AS cb, SUM(s) AS ss, SUM(d) AS sd, AVG(i) AS ai, AVG(d) AS ad, AVG(m) AS am, SUM(f) AS sf, STDEV(i) AS st, VARP(i) AS vp, STRING_AGG(n, ',') WITHIN GROUP (ORDER BY n DESC) AS an, STRING_AGG(v, '') AS av, MAX(n) AS mx FROM t");
    check(
        &mut db,
        &[
            (
                "SELECT name, TYPE_NAME(system_type_id), max_length, precision, scale, is_nullable FROM sys.columns WHERE object_id = OBJECT_ID('a') ORDER BY column_id",
                "c|int|4|10|0|1; cb|bigint|8|19|0|1; ss|int|4|10|0|1; sd|decimal|17|38|2|1; ai|int|4|10|0|1; ad|decimal|17|38|6|1; am|money|8|19|4|1; sf|float|8|53|0|1; st|float|8|53|0|1; vp|float|8|53|0|1; an|nvarchar|8000|0|0|1; av|varchar|8000|0|0|1; mx|nvarchar|20|0|0|1",
            ),
            // An average of integers is cut, one of decimals has six digits.
            (
                "SELECT c, cb, ss, sd, ai, ad, am, an, av, mx FROM a",
                "4|4|7|4.01|0|1.336666|$2.0000|c,b,a|xyz|c",
            ),
            (
                "SELECT CAST(VAR(i) AS decimal(9,4)), CAST(VARP(i) AS decimal(9,4)), CAST(STDEV(i) AS decimal(9,4)), CAST(STDEVP(i) AS decimal(9,4)) FROM t",
                "8.2500|6.1875|2.8723|2.4875",
            ),
            (
                "SELECT VAR(i), VARP(i), STDEV(i), COUNT(DISTINCT i) FROM t WHERE i = 1",
                "NULL|Float(0.0)|NULL|1",
            ),
            (
                "SELECT SUM(DISTINCT i), AVG(DISTINCT i), COUNT(i), APPROX_COUNT_DISTINCT(i) FROM t",
                "-1|0|4|3",
            ),
            (
                "SELECT SUM(i), COUNT(i), MIN(i) FROM t WHERE i > 100",
                "NULL|0|NULL",
            ),
        ],
    );
    db.ok("INSERT t (i) VALUES (2147483647), (2147483647)");
    assert_eq!(db.error("SELECT SUM(i) FROM t"), 8115);
    assert_eq!(db.error("SELECT AVG(i) FROM t"), 8115);
    assert_eq!(db.error("SELECT MIN(CAST(1 AS bit)) FROM t"), 8117);
}

#[test]
fn window_functions_and_frames() {
    let mut db = Db::new();
    db.ok("CREATE TABLE w (id int NOT NULL PRIMARY KEY, g char(1), v int)");
    db.ok("INSERT w VALUES (1, 'a', 10), (2, 'a', 20), (3, 'a', 20), (4, 'a', NULL), (5, 'b', 7)");
    check(
        &mut db,
        &[
            // Without ROWS the frame ends with the last peer.
            (
                "SELECT id, SUM(v) OVER (PARTITION BY g ORDER BY v), SUM(v) OVER (PARTITION BY g ORDER BY v, id ROWS UNBOUNDED PRECEDING), COUNT(*) OVER (PARTITION BY g) FROM w ORDER BY id",
                "1|10|10|4; 2|50|30|4; 3|50|50|4; 4|NULL|NULL|4; 5|7|7|1",
            ),
            (
                "SELECT id, SUM(id) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING), COUNT(*) OVER (ORDER BY id ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING), SUM(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM w ORDER BY id",
                "1|3|2|15; 2|6|2|14; 3|9|1|12; 4|12|0|9; 5|9|0|5",
            ),
            (
                "SELECT id, SUM(id) OVER (PARTITION BY g ORDER BY v RANGE BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM w ORDER BY id",
                "1|6; 2|5; 3|5; 4|10; 5|5",
            ),
            (
                "SELECT id, FIRST_VALUE(v) OVER (PARTITION BY g ORDER BY id), LAST_VALUE(v) OVER (PARTITION BY g ORDER BY id), LAST_VALUE(v) OVER (PARTITION BY g ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), LAST_VALUE(v) IGNORE NULLS OVER (PARTITION BY g ORDER BY id) FROM w ORDER BY id",
                "1|10|10|NULL|10; 2|10|20|NULL|20; 3|10|20|NULL|20; 4|10|NULL|NULL|20; 5|7|7|7|7",
            ),
            (
                "SELECT id, RANK() OVER (PARTITION BY g ORDER BY v), DENSE_RANK() OVER (PARTITION BY g ORDER BY v), NTILE(2) OVER (ORDER BY id), LAG(v, 1, 0) OVER (ORDER BY id), LEAD(v) OVER (PARTITION BY g ORDER BY id) FROM w ORDER BY id",
                "1|2|2|1|0|20; 2|3|3|1|10|20; 3|3|3|1|20|NULL; 4|1|1|2|20|NULL; 5|1|1|2|NULL|NULL",
            ),
            (
                "SELECT id, PERCENT_RANK() OVER (PARTITION BY g ORDER BY v), CUME_DIST() OVER (PARTITION BY g ORDER BY v) FROM w WHERE id <> 2 ORDER BY id",
                "1|Float(0.5)|Float(0.6666666666666666); 3|Float(1.0)|Float(1.0); 4|Float(0.0)|Float(0.3333333333333333); 5|Float(0.0)|Float(1.0)",
            ),
            // Over groups.
            (
                "SELECT g, SUM(v), SUM(SUM(v)) OVER (ORDER BY g) FROM w GROUP BY g ORDER BY g",
                "a|50|50; b|7|57",
            ),
        ],
    );
    for (sql, number) in [
        (
            "SELECT SUM(v) OVER (ORDER BY v RANGE 1 PRECEDING) FROM w",
            4194,
        ),
        (
            "SELECT SUM(v) OVER (ROWS UNBOUNDED PRECEDING) FROM w",
            10756,
        ),
        (
            "SELECT ROW_NUMBER() OVER (ORDER BY v ROWS UNBOUNDED PRECEDING) FROM w",
            10752,
        ),
        (
            "SELECT COUNT(DISTINCT v) OVER (PARTITION BY g) FROM w",
            10759,
        ),
        ("SELECT ROW_NUMBER() OVER (ORDER BY 1) FROM w", 5308),
        (
            "SELECT id FROM w WHERE ROW_NUMBER() OVER (ORDER BY id) = 1",
            4108,
        ),
    ] {
        assert_eq!(db.error(sql), number, "{sql}");
    }
}
