//! Functions of several statements, each called for every row of a table on both sides.

/// Name, the text behind the name in `CREATE FUNCTION`, and the query behind `AS` of a view that calls it.
pub const FUNCTIONS: &[(&str, &str, &str)] = &[
    (
        "Sets",
        "(@a int, @b varchar(8)) RETURNS varchar(20) AS BEGIN \
         DECLARE @c varchar(3), @d int = @a * 2 SET @c = @b SET @b = @b + '!' \
         SET @a = ISNULL(@a, -1) + @d RETURN @c + ':' + @b + ':' + CAST(@a AS varchar(12)) END",
        "SELECT Id, dbo.Sets(Boss, Code) AS A FROM dbo.Staff",
    ),
    (
        "Branches",
        "(@n int) RETURNS varchar(9) AS BEGIN DECLARE @r varchar(9) \
         IF @n > 1 SET @r = 'many' ELSE IF @n = 1 SET @r = 'one' ELSE IF @n IS NULL SET @r = 'none'; \
         ELSE BEGIN SET @r = 'few'; SET @r = @r + '.' END RETURN @r END",
        "SELECT Id, dbo.Branches(Boss) AS A FROM dbo.Staff",
    ),
    (
        "Unknown",
        "(@n int) RETURNS int AS BEGIN IF @n > 0 RETURN 1 IF NOT (@n > 0) RETURN 2 RETURN 3 END",
        "SELECT Id, dbo.Unknown(Dept) AS A FROM dbo.Staff",
    ),
    (
        "ElseOfTheInner",
        "(@n int) RETURNS int AS BEGIN DECLARE @r int = 0 IF @n > 0 IF @n > 2 SET @r = 1 ELSE SET @r = 2 \
         RETURN @r END",
        "SELECT Id, dbo.ElseOfTheInner(Dept) AS A FROM dbo.Staff",
    ),
    (
        "Loops",
        "(@n tinyint) RETURNS int AS BEGIN DECLARE @i int = 0, @sum int = 0 WHILE @i < 100 BEGIN \
         SET @i += 1 IF @i > @n BREAK IF @i % 2 = 0 CONTINUE DECLARE @odd int SET @odd = ISNULL(@odd, 0) + 1 \
         SET @sum = @sum + @i * @odd END RETURN @sum END",
        "SELECT Id, dbo.Loops(Grade) AS A FROM dbo.Staff",
    ),
    (
        "Compound",
        "(@n int, @d decimal(10,2), @s nvarchar(20)) RETURNS nvarchar(60) AS BEGIN \
         SET @n *= 3 SET @n -= 1 SET @n %= 7 SET @d /= 3 SET @s += N'+' SET @n |= 8 SET @s += N'-' \
         RETURN CAST(@n AS nvarchar(10)) + N' ' + CAST(@d AS nvarchar(20)) + N' ' + @s END",
        "SELECT Id, dbo.Compound(Dept, Pay, Name) AS A FROM dbo.Staff",
    ),
    (
        "ByKey",
        "(@id int) RETURNS nvarchar(30) AS BEGIN DECLARE @t nvarchar(30) = N'no row', @k varchar(8) = '-' \
         SELECT @t = Title, @k = Kind FROM dbo.Dept WHERE Id = @id RETURN @t + N'/' + ISNULL(@k, 'null') END",
        "SELECT Id, dbo.ByKey(Dept) AS A, dbo.ByKey(-Dept) AS B FROM dbo.Staff",
    ),
    (
        "Totals",
        "(@id int) RETURNS int AS BEGIN DECLARE @n int = 5, @m int = 7 \
         SELECT @n = COUNT(*), @m = MAX(Units) FROM dbo.Sale WHERE Staff = @id \
         IF @m IS NULL SET @m = -1 RETURN @n * 1000 + @m END",
        "SELECT Id, dbo.Totals(Id) AS A, dbo.Totals(-1) AS B FROM dbo.Staff",
    ),
    (
        "LastOfOrder",
        "(@dept int) RETURNS int AS BEGIN DECLARE @last int = -5 \
         SELECT @last = Id FROM dbo.Sale WHERE Dept = @dept ORDER BY Amount DESC, Id RETURN @last END",
        "SELECT Id, dbo.LastOfOrder(Id) AS A FROM dbo.Dept",
    ),
    (
        "FirstOfOrder",
        "(@dept int) RETURNS int AS BEGIN DECLARE @first int = -5 \
         SELECT TOP 1 @first = Id FROM dbo.Sale WHERE Dept = @dept ORDER BY Amount DESC, Id RETURN @first END",
        "SELECT Id, dbo.FirstOfOrder(Id) AS A FROM dbo.Dept",
    ),
    (
        "ListOf",
        "(@dept int) RETURNS varchar(60) AS BEGIN DECLARE @list varchar(60) = '' \
         SELECT @list = @list + CASE WHEN @list = '' THEN '' ELSE ', ' END + Kind + CAST(Units AS varchar(9)) \
         FROM dbo.Sale WHERE Dept = @dept AND Kind IS NOT NULL AND Units IS NOT NULL ORDER BY Id \
         RETURN @list END",
        "SELECT Id, dbo.ListOf(Id) AS A FROM dbo.Dept",
    ),
    (
        "ListOfNulls",
        "(@dept int) RETURNS nvarchar(40) AS BEGIN DECLARE @list nvarchar(40), @n int = 0 \
         SELECT @list = COALESCE(@list + N'|' + s.Note, s.Note), @n = @n + 1 \
         FROM dbo.Sale s WHERE s.Dept = @dept ORDER BY s.Id DESC \
         RETURN ISNULL(@list, N'none') + N' of ' + CAST(@n AS nvarchar(5)) END",
        "SELECT Id, dbo.ListOfNulls(Id) AS A FROM dbo.Dept",
    ),
    (
        "Subqueries",
        "(@dept int) RETURNS decimal(12,3) AS BEGIN DECLARE @m decimal(12,3) \
         IF EXISTS (SELECT 1 FROM dbo.Sale WHERE Dept = @dept) \
         SET @m = (SELECT MAX(Amount) FROM dbo.Sale WHERE Dept = @dept) \
         ELSE SET @m = (SELECT MIN(Amount) FROM dbo.Sale) RETURN @m END",
        "SELECT Id, dbo.Subqueries(Id) AS A FROM dbo.Dept",
    ),
    (
        "Digits",
        "(@text nvarchar(20)) RETURNS nvarchar(20) AS BEGIN DECLARE @i int, @r nvarchar(20) SET @i = 1 \
         SET @r = N'' WHILE @i <= LEN(@text) BEGIN IF SUBSTRING(@text, @i, 1) LIKE N'[0-9]' \
         SET @r = @r + SUBSTRING(@text, @i, 1) SET @i = @i + 1 END RETURN @r END",
        "SELECT Id, dbo.Digits(Name) AS A FROM dbo.Staff",
    ),
    (
        "Nested",
        "(@n int) RETURNS int AS BEGIN DECLARE @r int EXEC @r = dbo.Unknown @n \
         RETURN dbo.Unknown(@r - 2) * 10 + @r END",
        "SELECT Id, dbo.Nested(Boss) AS A FROM dbo.Staff",
    ),
    (
        "Factorial",
        "(@n int) RETURNS int AS BEGIN IF @n <= 1 RETURN 1 RETURN @n * dbo.Factorial(@n - 1) END",
        "SELECT Id, dbo.Factorial(Grade) AS A FROM dbo.Staff WHERE Grade < 10",
    ),
    (
        "Again",
        "(@n int) RETURNS int AS BEGIN RETURN CASE WHEN @n <= 1 THEN 1 ELSE @n + dbo.Again(@n - 1) END END",
        "SELECT Id, dbo.Again(Grade) AS A FROM dbo.Staff WHERE Grade < 10",
    ),
    (
        "Defaults",
        "(@n int = 4, @s varchar(5) = 'abcdefg', @d decimal(5,1) = 2.25, @x int = NULL) RETURNS varchar(40) AS \
         BEGIN IF @x IS NULL SET @x = 9 RETURN CAST(@n AS varchar(9)) + @s + CAST(@d AS varchar(9)) + \
         CAST(@x AS varchar(9)) END",
        "SELECT Id, dbo.Defaults(DEFAULT, DEFAULT, DEFAULT, DEFAULT) AS A, dbo.Defaults(Id, DEFAULT, Pay, 1) AS B \
         FROM dbo.Staff WHERE Pay < 1000",
    ),
    (
        "NullOnNull",
        "(@a int, @b varchar(8)) RETURNS int WITH RETURNS NULL ON NULL INPUT AS BEGIN DECLARE @c int = 1 \
         IF @b = 'x' SET @c = 2 RETURN @c + @a END",
        "SELECT Id, dbo.NullOnNull(Boss, Tag) AS A FROM dbo.Staff",
    ),
    (
        "Padded",
        "(@a char(5), @b nchar(4)) RETURNS char(8) AS BEGIN DECLARE @c char(6) SET @c = @a \
         DECLARE @d char(3) = @c SET @a = RTRIM(@c) + '|' RETURN @a + @d END",
        "SELECT Id, dbo.Padded(Tag, N'a') AS A, dbo.Padded(Code, Code) + '.' AS B FROM dbo.Staff",
    ),
    (
        "Compared",
        "(@a nvarchar(20), @b varchar(8)) RETURNS int AS BEGIN DECLARE @r int = 0, @c varchar(9) = 'ABC' \
         IF @a = N'abc' SET @r = 1 IF @b = @a SET @r = @r + 2 IF @c = @b SET @r = @r + 4 \
         IF @a LIKE N'a%' SET @r = @r + 8 IF @a < N'm' SET @r = @r + 16 RETURN @r END",
        "SELECT Id, dbo.Compared(Name, Code) AS A, dbo.Compared(Name, 'abc') AS B FROM dbo.Staff",
    ),
    (
        "Numbers",
        "(@a decimal(10,2), @b money, @c bit, @d tinyint) RETURNS decimal(12,1) AS BEGIN \
         DECLARE @i int, @s smallint, @f decimal(9,1), @m money SET @i = @a SET @f = @a SET @m = @a / 3 \
         SET @s = @c IF @c = 1 SET @f = @f + @s SET @i = @i / 2 + @d RETURN @f + @m + @i + @b END",
        "SELECT Id, dbo.Numbers(Pay, Cash, Active, Grade) AS A FROM dbo.Staff",
    ),
    (
        "Moments",
        "(@a datetime, @b date) RETURNS datetime AS BEGIN DECLARE @c datetime, @d date, @y int \
         SET @d = @a SET @c = DATEADD(day, 1, @b) SET @y = YEAR(@a) IF @y > 2000 AND @c < @a SET @c = @a \
         IF @d = @b SET @c = NULL RETURN DATEADD(minute, @y, @c) END",
        "SELECT Id, dbo.Moments(Hired, Born) AS A FROM dbo.Staff WHERE Born < '20300101'",
    ),
    (
        "Identifiers",
        "(@g uniqueidentifier) RETURNS varchar(40) AS BEGIN DECLARE @h uniqueidentifier = @g \
         IF @h IS NULL RETURN 'no id' DECLARE @s varchar(40) SET @s = @h RETURN LEFT(@s, 8) + '..' END",
        "SELECT Id, dbo.Identifiers(Guid) AS A FROM dbo.Sale",
    ),
    (
        "InCheck",
        "(@n int) RETURNS bit AS BEGIN DECLARE @ok bit = 0 IF @n BETWEEN 1 AND 5 OR @n IN (7, 9) SET @ok = 1 \
         RETURN @ok END",
        "SELECT Id FROM dbo.Staff WHERE dbo.InCheck(Boss) = 1",
    ),
    (
        "Joined",
        "(@staff int) RETURNS nvarchar(50) AS BEGIN DECLARE @a nvarchar(20), @b int \
         SELECT @a = d.Title, @b = s.Boss FROM dbo.Staff AS s LEFT JOIN dbo.Dept AS d ON d.Id = s.Dept \
         WHERE s.Id = @staff RETURN ISNULL(@a, N'-') + CAST(ISNULL(@b, 0) AS nvarchar(9)) END",
        "SELECT Id, dbo.Joined(Id) AS A FROM dbo.Staff",
    ),
];
