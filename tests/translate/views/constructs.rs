//! One view or more for each construct of docs/expressions.md, read on both sides.

/// Name of the construct, and the query behind `AS`.
pub const VIEWS: &[(&str, &str)] = &[
    ("star", "SELECT * FROM dbo.Dept"),
    (
        "star_of_one",
        "SELECT s.*, d.Title FROM dbo.Sale AS s JOIN dbo.Dept AS d ON d.Id = s.Dept",
    ),
    (
        "null",
        "SELECT Id, NULL AS A, CONVERT(varchar(5), NULL) AS B FROM dbo.Dept",
    ),
    (
        "inner_join",
        "SELECT s.Id, t.Name, d.Title FROM dbo.Sale s JOIN dbo.Staff t ON t.Id = s.Staff \
         INNER JOIN dbo.Dept d ON d.Id = t.Dept AND d.Budget > 0",
    ),
    (
        "outer_joins",
        "SELECT s.Id AS S, t.Id AS T, d.Id AS D, d.Title FROM dbo.Staff t LEFT JOIN dbo.Sale s \
         ON s.Staff = t.Id RIGHT OUTER JOIN dbo.Dept d ON d.Id = t.Dept",
    ),
    (
        "full_join",
        "SELECT t.Id AS T, d.Id AS D, ISNULL(d.Title, N'-') AS Title FROM dbo.Staff t \
         FULL OUTER JOIN dbo.Dept d ON d.Id = t.Dept AND t.Active = 1",
    ),
    (
        "nested_join",
        "SELECT t.Id, s.Id AS S, d.Id AS D FROM dbo.Staff t LEFT JOIN (dbo.Sale s JOIN dbo.Dept d \
         ON d.Id = s.Dept) ON s.Staff = t.Id",
    ),
    (
        "join_without_brackets",
        "SELECT t.Id, s.Id AS S, d.Id AS D FROM dbo.Staff t LEFT JOIN dbo.Sale s JOIN dbo.Dept d \
         ON d.Id = s.Dept ON s.Staff = t.Id",
    ),
    (
        "cross_join",
        "SELECT d.Id, k.Code FROM dbo.Dept d CROSS JOIN other.Kind k",
    ),
    (
        "comma",
        "SELECT d.Id, k.Word FROM dbo.Dept d, other.Kind k WHERE k.Code = d.Kind",
    ),
    (
        "text_equality",
        "SELECT a.Id AS A, b.Id AS B FROM dbo.Staff a JOIN dbo.Sale b ON a.Name = b.Note",
    ),
    (
        "text_order",
        "SELECT Id FROM dbo.Staff WHERE Name > N'abc' OR Mail < 'a'",
    ),
    (
        "derived_table",
        "SELECT q.D, q.N FROM (SELECT Dept AS D, COUNT(*) AS N FROM dbo.Staff GROUP BY Dept) AS q \
         WHERE q.N > 1",
    ),
    (
        "derived_columns",
        "SELECT a, b FROM (SELECT Id, Kind FROM dbo.Dept) AS q (a, b)",
    ),
    (
        "values",
        "SELECT v.a, v.b FROM (VALUES (1, 'x'), (2, NULL), (-3, 'yy')) AS v (a, b)",
    ),
    (
        "scalar_subquery",
        "SELECT d.Id, (SELECT MAX(s.Pay) FROM dbo.Staff s WHERE s.Dept = d.Id) AS Most, \
         (SELECT COUNT(*) FROM dbo.Sale) AS N FROM dbo.Dept d",
    ),
    (
        "exists",
        "SELECT d.Id FROM dbo.Dept d WHERE EXISTS (SELECT * FROM dbo.Staff s WHERE s.Dept = d.Id \
         AND s.Pay > 1) AND NOT EXISTS (SELECT 1 FROM dbo.Sale x WHERE x.Dept = d.Id AND x.Units < 0)",
    ),
    (
        "in_subquery",
        "SELECT Id FROM dbo.Staff WHERE Dept IN (SELECT Id FROM dbo.Dept WHERE Budget > 0) AND \
         Boss NOT IN (SELECT Id FROM dbo.Dept)",
    ),
    (
        "not_in_null",
        "SELECT Id FROM dbo.Staff WHERE Id NOT IN (SELECT Boss FROM dbo.Staff)",
    ),
    (
        "any_all",
        "SELECT Id FROM dbo.Staff WHERE Pay >= ALL (SELECT Pay FROM dbo.Staff WHERE Pay IS NOT NULL) \
         OR Id = ANY (SELECT Staff FROM dbo.Sale) OR Grade > SOME (SELECT Units FROM dbo.Sale)",
    ),
    (
        "group_by",
        "SELECT Kind, COUNT(*) AS N, COUNT(Units) AS U, COUNT(DISTINCT Units) AS DU, \
         COUNT_BIG(*) AS Big, SUM(Units) AS Sum1, AVG(Units) AS Avg1, MIN(Amount) AS Mn, \
         MAX(Sold) AS Mx FROM dbo.Sale GROUP BY Kind",
    ),
    (
        "aggregate_types",
        "SELECT Dept, SUM(Grade) AS A, AVG(Grade) AS B, SUM(Pay) AS C, AVG(Pay) AS D, SUM(Cash) AS E, \
         AVG(Cash) AS F, AVG(Id) AS G, SUM(CONVERT(bigint, Id)) AS H, AVG(-Id) AS I \
         FROM dbo.Staff GROUP BY Dept",
    ),
    (
        "aggregate_of_none",
        "SELECT COUNT(*) AS N, SUM(Id) AS S FROM dbo.Dept WHERE Id > 1000",
    ),
    (
        "having",
        "SELECT Dept FROM dbo.Staff GROUP BY Dept HAVING COUNT(*) > 1 AND MAX(Pay) > 0",
    ),
    (
        "group_by_expression",
        "SELECT YEAR(Sold) AS Y, Id % 3 AS M, COUNT(*) AS N FROM dbo.Sale GROUP BY YEAR(Sold), Id % 3",
    ),
    (
        "rollup",
        "SELECT Kind, Dept, GROUPING(Kind) AS G, GROUPING_ID(Kind, Dept) AS I, COUNT(*) AS N \
         FROM dbo.Sale GROUP BY ROLLUP (Kind, Dept)",
    ),
    (
        "cube",
        "SELECT Kind, Dept, SUM(Units) AS U FROM dbo.Sale GROUP BY CUBE (Kind, Dept)",
    ),
    (
        "grouping_sets",
        "SELECT Kind, Dept, COUNT(*) AS N FROM dbo.Sale GROUP BY GROUPING SETS ((Kind), (Dept), ())",
    ),
    (
        "string_agg",
        "SELECT Dept, STRING_AGG(Code, ', ') WITHIN GROUP (ORDER BY Id DESC) AS Codes FROM dbo.Staff \
         GROUP BY Dept",
    ),
    ("distinct", "SELECT DISTINCT Kind, Dept FROM dbo.Sale"),
    (
        "union",
        "SELECT Id, Kind FROM dbo.Dept UNION SELECT Units, Kind FROM dbo.Sale WHERE Units > 0",
    ),
    (
        "union_all",
        "SELECT Id, Pay FROM dbo.Staff UNION ALL SELECT Id, Amount FROM dbo.Sale",
    ),
    (
        "intersect",
        "SELECT Dept FROM dbo.Staff INTERSECT SELECT Id FROM dbo.Dept",
    ),
    (
        "except",
        "SELECT Boss FROM dbo.Staff EXCEPT SELECT Parent FROM dbo.Dept",
    ),
    (
        "set_brackets",
        "(SELECT Id FROM dbo.Dept UNION ALL SELECT Id FROM dbo.Staff) EXCEPT SELECT 3",
    ),
    (
        "with",
        "WITH a AS (SELECT Id, Dept FROM dbo.Staff), b (D, N) AS (SELECT Dept, COUNT(*) FROM a \
         GROUP BY Dept) SELECT a.Id, b.N FROM a JOIN b ON b.D = a.Dept",
    ),
    (
        "recursive",
        "WITH tree AS (SELECT Id, Parent, 0 AS Depth FROM dbo.Dept WHERE Parent IS NULL UNION ALL \
         SELECT d.Id, d.Parent, t.Depth + 1 FROM dbo.Dept d JOIN tree t ON t.Id = d.Parent) \
         SELECT Id, Depth FROM tree",
    ),
    (
        "row_number",
        "SELECT Id, ROW_NUMBER() OVER (PARTITION BY Dept ORDER BY Pay DESC, Id) AS N FROM dbo.Staff",
    ),
    (
        "rank",
        "SELECT Id, RANK() OVER (ORDER BY Units) AS R, DENSE_RANK() OVER (ORDER BY Units DESC) AS D \
         FROM dbo.Sale",
    ),
    (
        "ntile",
        "SELECT Id, NTILE(4) OVER (ORDER BY Id) AS Q FROM dbo.Sale",
    ),
    (
        "lag_lead",
        "SELECT Id, LAG(Units) OVER (ORDER BY Id) AS A, LEAD(Units, 2, 0) OVER (PARTITION BY Kind \
         ORDER BY Id) AS B FROM dbo.Sale",
    ),
    (
        "first_last",
        "SELECT Id, FIRST_VALUE(Pay) OVER (PARTITION BY Dept ORDER BY Id) AS F, LAST_VALUE(Pay) OVER \
         (PARTITION BY Dept ORDER BY Id) AS L FROM dbo.Staff",
    ),
    (
        "running_sum",
        "SELECT Id, SUM(Units) OVER (ORDER BY Dept) AS A, SUM(Amount) OVER (PARTITION BY Dept ORDER BY \
         Id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS B, COUNT(*) OVER () AS C, AVG(Units) OVER \
         (PARTITION BY Kind) AS D FROM dbo.Sale",
    ),
    (
        "window_over_group",
        "SELECT Dept, RANK() OVER (ORDER BY COUNT(*)) AS R FROM dbo.Sale GROUP BY Dept",
    ),
    (
        "top",
        "SELECT TOP (3) Id, Pay FROM dbo.Staff ORDER BY Pay DESC, Id",
    ),
    (
        "top_ties",
        "SELECT TOP 2 WITH TIES Kind FROM dbo.Sale ORDER BY Kind",
    ),
    (
        "top_percent",
        "SELECT TOP 50 PERCENT Id FROM dbo.Sale ORDER BY Id",
    ),
    (
        "top_all",
        "SELECT TOP 100 PERCENT Id FROM dbo.Sale ORDER BY Kind",
    ),
    (
        "offset_fetch",
        "SELECT Id FROM dbo.Sale ORDER BY Amount, Id OFFSET 3 ROWS FETCH NEXT 5 ROWS ONLY",
    ),
    (
        "case",
        "SELECT Id, CASE WHEN Pay > 1 THEN 'high' WHEN Pay < 0 THEN 'debt' END AS A, CASE Kind WHEN \
         'new' THEN 1 WHEN 'old' THEN 2 ELSE 0 END AS B, IIF(Units > 1, 'y', 'no') AS C, \
         CHOOSE(Units, 'a', 'b') AS D FROM (SELECT s.Id, s.Kind, s.Units, s.Amount AS Pay \
         FROM dbo.Sale s) q",
    ),
    (
        "isnull",
        "SELECT Id, ISNULL(Pay, 0) AS A, ISNULL(Name, N'none') AS B, COALESCE(Pay, Cash, 5) AS C, \
         NULLIF(Dept, 3) AS D, ISNULL(Tag, 'longer than five') AS E FROM dbo.Staff",
    ),
    (
        "cross_apply",
        "SELECT d.Id, x.Id AS S, x.Amount FROM dbo.Dept d CROSS APPLY (SELECT TOP 2 s.Id, s.Amount \
         FROM dbo.Sale s WHERE s.Dept = d.Id ORDER BY s.Amount DESC, s.Id) AS x",
    ),
    (
        "outer_apply",
        "SELECT d.Id, x.N FROM dbo.Dept d OUTER APPLY (SELECT s.Units AS N FROM dbo.Sale s WHERE \
         s.Dept = d.Id AND s.Units > 5) AS x",
    ),
    (
        "apply_values",
        "SELECT s.Id, v.What, v.N FROM dbo.Sale s CROSS APPLY (VALUES ('u', CONVERT(int, s.Units)), \
         ('d', s.Dept)) AS v (What, N)",
    ),
    (
        "pivot",
        "SELECT Dept, [new], [old] FROM (SELECT Dept, Kind, Units FROM dbo.Sale) AS q PIVOT \
         (SUM(Units) FOR Kind IN ([new], [old])) AS p",
    ),
    (
        "pivot_count",
        "SELECT p.Kind, p.[1] AS One, p.[2] AS Two FROM (SELECT Id, Dept, Kind FROM dbo.Sale) AS q \
         PIVOT (COUNT(Id) FOR Dept IN ([1], [2])) AS p",
    ),
    (
        "unpivot",
        "SELECT Id, What, N FROM (SELECT Id, Boss, Dept FROM dbo.Staff) AS q UNPIVOT (N FOR What IN \
         (Boss, Dept)) AS u",
    ),
    (
        "openjson",
        "SELECT d.Id, j.a, j.b FROM dbo.Doc d CROSS APPLY OPENJSON(d.Body) WITH (a decimal(6,2) '$.a', \
         b nvarchar(10) '$.b') AS j WHERE ISJSON(d.Body) = 1",
    ),
    (
        "json_value",
        "SELECT Id, JSON_VALUE(Body, '$.a') AS A, JSON_QUERY(Body, '$.t') AS T FROM dbo.Doc WHERE \
         ISJSON(Body) = 1",
    ),
    ("isjson", "SELECT Id, ISJSON(Body) AS J FROM dbo.Doc"),
    (
        "dates",
        "SELECT Id, DATEADD(month, 1, Born) AS A, DATEDIFF(day, Born, '20240101') AS B, \
         DATENAME(month, Born) AS C, DATEPART(quarter, Hired) AS D, EOMONTH(Born) AS E, \
         DATENAME(weekday, Hired) AS F, DATEDIFF_BIG(second, Hired, '20240101') AS G, \
         DATEFROMPARTS(2024, 1, Grade + 1) AS H FROM dbo.Staff WHERE Grade < 20",
    ),
    (
        "format",
        "SELECT Id, FORMAT(Born, 'yyyy-MM-dd') AS A, FORMAT(Hired, 'dd.MM.yyyy HH:mm') AS B FROM \
         dbo.Staff",
    ),
    (
        "time_zone",
        "SELECT Id, CONVERT(datetime2(3), Seen AT TIME ZONE 'UTC' AT TIME ZONE 'W. Europe Standard \
         Time') AS A FROM dbo.Staff WHERE Seen > '20000101'",
    ),
    (
        "texts",
        "SELECT Id, UPPER(Mail) AS A, LEN(Name) AS B, LEFT(Name, 2) AS C, RIGHT(Code, 1) AS D, \
         SUBSTRING(Name, 2, 2) AS E, REPLACE(Code, 'C', 'D') AS F, CHARINDEX('b', Name) AS G, \
         STUFF(Code, 1, 1, 'xy') AS H, REVERSE(Code) AS I, LTRIM(RTRIM(Name)) AS J, \
         CONCAT(Code, '-', Dept) AS K, CONCAT_WS('/', Code, Name, Tag) AS L, REPLICATE('a', Grade) AS M, \
         ASCII(Mail) AS O, PATINDEX('%b%', Mail) AS P FROM dbo.Staff WHERE Grade < 9",
    ),
    (
        "text_sum",
        "SELECT Id, Code + ':' + Name AS A, Name + N' ' + CONVERT(nvarchar(10), Dept) AS B, Tag + '|' AS \
         C FROM dbo.Staff",
    ),
    (
        "conversions",
        "SELECT Id, CONVERT(varchar(10), Born, 104) AS A, CAST(Pay AS int) AS B, CAST(Pay AS varchar(12)) \
         AS C, CONVERT(varchar(23), Hired, 121) AS D, CAST(Active AS int) AS E, CAST(Cash AS decimal(12,2)) \
         AS F, CAST(Id AS char(4)) AS G, CAST(Hired AS date) AS H, CONVERT(char(8), Born, 112) AS I \
         FROM dbo.Staff",
    ),
    (
        "try_conversions",
        "SELECT Id, TRY_CAST(Name AS int) AS A, TRY_CONVERT(decimal(6,2), Mail) AS B, TRY_CAST(Name AS \
         date) AS C FROM dbo.Staff",
    ),
    (
        "arithmetic",
        "SELECT Id, Id / 2 AS A, -Id / 2 AS B, Id % 4 AS C, Pay * Pay AS D, Pay / 3 AS E, Pay + Cash AS F, \
         Cash / 3 AS G, Grade * 2 AS H, Cash * Pay AS I, Id & 3 AS J, Id | 8 AS K, Id ^ 5 AS L, ~Id AS M \
         FROM dbo.Staff WHERE Grade < 100 AND Cash < 100",
    ),
    (
        "implicit",
        "SELECT Id FROM dbo.Staff WHERE Active = 'true' OR Code = N'C1' OR Pay = '1.50' OR Born = \
         '20000229' OR Dept = '3'",
    ),
    (
        "bits",
        "SELECT Id, CASE WHEN Active = 1 THEN 'on' ELSE 'off' END AS A, ISNULL(Active, 0) AS B, \
         CAST(COUNT(*) OVER (PARTITION BY Active) AS bit) AS C FROM dbo.Staff",
    ),
    (
        "like",
        "SELECT Id FROM dbo.Staff WHERE Name LIKE N'A%' OR Code LIKE 'C[1-3]' OR Name LIKE N'%!%' ESCAPE \
         '!' OR Mail LIKE '[^a]%'",
    ),
    (
        "between",
        "SELECT Id FROM dbo.Staff WHERE Pay BETWEEN 0 AND 50 AND Born NOT BETWEEN '20240101' AND '20241231'",
    ),
    (
        "order_by_collation",
        "SELECT Id, ROW_NUMBER() OVER (ORDER BY Code, Id) AS N FROM dbo.Staff",
    ),
    (
        "quoted_names",
        "SELECT [Id] AS [a b], \"Kind\" AS \"c.d\" FROM dbo.Dept AS \"D\"",
    ),
    (
        "hints",
        "SELECT d.Id FROM dbo.Dept AS d WITH (NOLOCK) JOIN dbo.Staff s (NOLOCK) ON s.Dept = d.Id",
    ),
    (
        "equals_names",
        "SELECT A = Id, [B] = Kind, 'C' = Title FROM dbo.Dept",
    ),
    ("no_from", "SELECT 1 AS A, 'x' AS B, 2.50 AS C"),
    (
        "uniqueidentifier",
        "SELECT Id, Guid, CONVERT(char(36), Guid) AS T FROM dbo.Sale WHERE Guid IS NOT NULL",
    ),
    (
        "maths",
        "SELECT Id, ABS(Pay) AS A, ROUND(Pay, 1) AS B, CEILING(Pay) AS C, FLOOR(Cash) AS D, SIGN(Pay) AS E, \
         SQRT(Id) AS F, POWER(Id, 2) AS G, ROUND(Pay, 0, 1) AS H FROM dbo.Staff",
    ),
    (
        "american_dates",
        "SELECT Id FROM dbo.Staff WHERE Hired >= '2/1/2000' AND Born < '2024/3/1' AND Seen > '1/2/1900'",
    ),
    (
        "parts_of_texts",
        "SELECT v.Id, DATEPART(year, v.T) AS A, DATENAME(month, v.T) AS B, DATEADD(day, 1, v.T) AS C, \
         DATEDIFF(day, v.T, '20240101') AS D FROM (VALUES (1, '20000229'), (2, '2024-01-31 10:00'), (3, NULL)) \
         AS v (Id, T)",
    ),
    (
        "hashes",
        "SELECT Id, HASHBYTES('SHA2_256', Name) AS A, HASHBYTES('MD5', Code) AS B, HASHBYTES('SHA2_512', \
         'abc') AS C, CONVERT(varchar(64), HASHBYTES('SHA2_256', Code), 2) AS D FROM dbo.Staff",
    ),
    (
        "messages",
        "SELECT Id, FORMATMESSAGE('%s-%d is %s', Name, Boss, Code) AS A FROM dbo.Staff",
    ),
    (
        "deviations",
        "SELECT Dept, STDEV(Units) AS A, VARP(Units) AS B FROM dbo.Sale GROUP BY Dept",
    ),
];
