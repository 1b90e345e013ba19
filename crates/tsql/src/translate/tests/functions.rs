//! Functions of several statements, and what is refused of them.

use super::*;

struct Nothing;

impl TargetNames for Nothing {
    fn sequence(&self, _: Option<&str>, _: &str) -> Option<String> {
        None
    }

    fn relation(&self, _: &str, _: &str) -> Option<Relation<'_>> {
        None
    }
}

fn made(text: &str) -> Result<TranslatedFunction, Untranslated> {
    let scope = ViewScope {
        schema: "dbo",
        names: &Nothing,
        default_collation: Some(CI),
        recorded: &[],
        quoted_identifiers: true,
    };
    scalar_function(&format!("CREATE FUNCTION dbo.F {text}"), &scope)
}

fn refused(body: &str) -> String {
    let text = format!("(@a int, @s varchar(9)) RETURNS int AS BEGIN {body} END");
    made(&text).unwrap_err().reason
}

#[test]
fn one_return_is_sql_and_more_is_a_block() {
    let one = made("(@a int) RETURNS int AS BEGIN RETURN @a + 1; END").unwrap();
    assert_eq!(one.language, Language::Sql);
    assert_eq!(one.sql, "SELECT ($1 + 1)::integer");
    let more = made(
        "(@a int, @s varchar(9) = 'x') RETURNS varchar(20) AS BEGIN\n\
         DECLARE @r varchar(5), @n int = 2\n\
         IF @a > 1 BEGIN SET @r = @s + 'abc' SET @n += @a END ELSE RETURN NULL\n\
         WHILE @n > 0 BEGIN SET @n = @n - 1 IF @n = 3 BREAK ELSE CONTINUE END\n\
         RETURN @r END",
    )
    .unwrap();
    assert_eq!(more.language, Language::PlPgSql);
    assert_eq!(more.volatility, Volatility::Immutable);
    assert_eq!(more.parameters[1].default.as_deref(), Some("'x'::text"));
    let expected = "\
#variable_conflict use_column
DECLARE
  \"@a\" integer := $1;
  \"@s\" text := $2;
  \"@r\" text;
  \"@n\" integer;
BEGIN
  \"@n\" := 2;
  IF \"@a\" > 1 THEN
    \"@r\" := left(\"@s\" || 'abc', 5);
    \"@n\" := \"@n\" + \"@a\";
  ELSE
    RETURN NULL::text::text;
  END IF;
  WHILE \"@n\" > 0 LOOP
    \"@n\" := \"@n\" - 1;
    IF \"@n\" = 3 THEN
      EXIT;
    ELSE
      CONTINUE;
    END IF;
  END LOOP;
  RETURN \"@r\"::text;
END";
    assert_eq!(more.sql, expected);
}

#[test]
fn statements_are_told_apart_without_semicolons() {
    for body in [
        "DECLARE @x int SELECT @x = CASE WHEN @a = 1 THEN 2 ELSE 3 END RETURN @x",
        "IF @a = 1 SET @a = 2 ELSE IF @a = 3 SET @a = 4 RETURN @a",
        "DECLARE @x AS int = (SELECT 1 UNION ALL SELECT 2), @y int; SET @y = @x; RETURN (@y)",
        "SELECT @a += 2, @s = 'x' RETURN @a",
        "SELECT TOP (1) @a = x FROM (SELECT 3 AS x) AS q ORDER BY x RETURN @a",
        "BEGIN SET @a = 1 END; RETURN @a;",
        "WHILE @a < 3 SET @a = @a + 1 RETURN @a",
    ] {
        let text = format!("(@a int, @s varchar(9)) RETURNS int AS BEGIN {body} END");
        assert!(made(&text).is_ok(), "{body}: {:?}", made(&text));
    }
}

#[test]
fn each_refusal_names_the_statement() {
    for (body, reason) in [
        ("INSERT INTO @t VALUES (1) RETURN 1", "INSERT"),
        ("DECLARE @t TABLE (a int) RETURN 1", "a table variable"),
        ("DECLARE c CURSOR FOR SELECT 1 RETURN 1", "a cursor"),
        ("SELECT 1 RETURN 1", "a SELECT whose rows are a result"),
        ("DECLARE @x xml RETURN 1", "the type xml"),
        ("SET @b = 1 RETURN 1", "the variable @b"),
        ("DECLARE @A int RETURN 1", "a second variable @A"),
        (
            "SELECT @a = 1, @a = 2 RETURN 1",
            "a SELECT that sets @a twice",
        ),
        (
            "DECLARE @b int SELECT @a = 1, @b = @a RETURN 1",
            "a SELECT that sets a variable and uses it for another",
        ),
        ("EXEC dbo.P RETURN 1", "EXEC"),
        ("RETURN", "RETURN without a value"),
    ] {
        assert_eq!(refused(body), reason, "{body}");
    }
    let at =
        made("() RETURNS int AS BEGIN\n  DECLARE @x int\n  GOTO done\n  RETURN 1 END").unwrap_err();
    assert_eq!((at.reason.as_str(), at.place), ("GOTO", Some((3, 3))));
}

#[test]
fn nesting_is_bounded() {
    let deep = |times: usize| {
        let nested = "IF @a = 1 BEGIN ".repeat(times);
        let ends = "END ".repeat(times);
        format!("{nested} SET @a = 2 {ends} RETURN 1")
    };
    assert!(refused(&deep(60)).contains("deep"));
    assert!(refused(&deep(1_000)).contains("deep"));
}
