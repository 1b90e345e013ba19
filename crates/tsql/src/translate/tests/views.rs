//! Views.

use super::*;

fn of(text: &str) -> Result<String, String> {
    with_scope(|scope| {
        let names = Tables(scope.columns);
        let made = view(text, "dbo", &names, Some(CI));
        made.map(|it| it.sql).map_err(|it| it.reason)
    })
}

struct Tables<'a>(&'a [ScopeColumn<'a>]);

impl TargetNames for Tables<'_> {
    fn sequence(&self, _: Option<&str>, _: &str) -> Option<String> {
        None
    }

    fn relation(&self, schema: &str, name: &str) -> Option<Relation<'_>> {
        (name != "Gone").then(|| Relation {
            source: format!("{schema}.{name}"),
            sql: format!("\"public\".\"{}\"", name.to_lowercase()),
            columns: self.0.to_vec(),
        })
    }
}

#[test]
fn joins_and_where() {
    for (text, expected) in [
        (
            "CREATE VIEW [dbo].[v] AS SELECT [N], C, D*2 AS Twice FROM dbo.T WHERE [V]='a';",
            "SELECT \"T\".\"n\" AS \"n\", \"T\".\"c\" AS \"c\", \"T\".\"d\" * 2 AS \"twice\"\nFROM \
             \"public\".\"t\" AS \"T\"\nWHERE lower(rtrim(\"T\".\"v\") COLLATE \"C\") = 'a'",
        ),
        (
            "CREATE VIEW v (one, two) WITH SCHEMABINDING AS\nSELECT a.N, 'x'\nFROM [dbo].[T] AS a \
             LEFT OUTER JOIN U b ON a.N = b.N",
            "SELECT \"a\".\"n\" AS \"one\", 'x'::text AS \"two\"\nFROM \"public\".\"t\" AS \
             \"a\"\nLEFT JOIN \"public\".\"u\" AS \"b\" ON \"a\".\"n\" = \"b\".\"n\"",
        ),
    ] {
        assert_eq!(of(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn the_rest_is_refused() {
    for (query, part) in [
        ("SELECT * FROM T", "SELECT *"),
        ("SELECT TOP 1 N FROM T", "more than SELECT"),
        ("SELECT DISTINCT N FROM T", "more than SELECT"),
        ("SELECT N FROM T GROUP BY N", "more than SELECT"),
        ("SELECT N FROM T ORDER BY N", "more than SELECT"),
        (
            "SELECT N FROM T UNION ALL SELECT N FROM T",
            "more than SELECT",
        ),
        ("SELECT N FROM T WITH (NOLOCK)", "hints"),
        ("SELECT N FROM Gone", "Gone, which is not moved"),
        ("SELECT N+1 FROM T", "without a name"),
        ("SELECT NULL AS x FROM T", "NULL"),
        ("SELECT COUNT(*) AS x FROM T", "COUNT"),
        ("SELECT N FROM T a, T b", "several columns"),
        ("SELECT a.N FROM T a CROSS APPLY f(a.N) b", ""),
        ("SELECT N FROM other.dbo.T", "another database"),
        ("SELECT (SELECT 1) AS x FROM T", "a subquery"),
        ("SELECT N FROM (SELECT N FROM T) x", "a subquery"),
    ] {
        let reason = of(&format!("CREATE VIEW v AS {query}")).unwrap_err();
        assert!(reason.contains(part), "{query}: {reason}");
    }
    assert!(of("DROP VIEW v").is_err());
}
