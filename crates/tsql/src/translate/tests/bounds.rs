//! What is refused, the documentation, and input of any kind.

use super::*;

#[test]
fn what_is_not_certain_is_refused() {
    refusals(&[
        (
            "([dbo].[IsFine]([N])=(1))",
            "user-defined function [dbo].[IsFine]",
        ),
        ("([Missing]=(1))", "Missing, which is not a column"),
        ("([N]=NULL)", "NULL, which ANSI_NULLS"),
        // With ANSI_NULLS OFF, NULL in a list finds the rows that have NULL.
        ("([N] IN (1,NULL))", "NULL, which ANSI_NULLS"),
        ("([N] NOT IN (1,NULL))", "NULL, which ANSI_NULLS"),
        ("([Vcs]=[V])", "text of two collations"),
        ("([V]='\u{434}')", "without N"),
        ("([Vai]='e')", "without accents"),
        ("([Vai]=[V])", "text of two collations"),
        ("([X]=1)", "xml"),
        ("([Flag]+[Flag]=(2))", "two bits"),
        ("([V]+[N]='a')", "reading as int is not certain"),
        ("(CONVERT([varchar](30),[At],(130))='5')", "style 130"),
        ("(CONVERT([varchar](30),[F])='5')", "float as text"),
        ("([Day]+(1)=[Day])", "+ of date and int"),
        (
            "(TRY_CONVERT([int],[V])=(1))",
            "TRY_CAST of text to an integer, which needs a helper function",
        ),
        ("([N] IN (SELECT 1))", "a subquery"),
        ("(@@SPID=(1))", "@@SPID"),
        ("(\"N\"=(1))", "double quotes"),
        ("(host_name()='dbo')", "HOST_NAME"),
        ("(@@DATEFIRST=(7))", "@@DATEFIRST"),
        ("(isnumeric([V])=(1))", "ISNUMERIC, which needs a helper"),
        ("(power([F],(2))>(1))", "the last digit"),
        ("(checksum([F])>(1))", "the function CHECKSUM"),
        ("([W] LIKE [W]+'%')", "LIKE with a pattern that varies"),
        ("([At]>[V])", "the language of the session"),
        ("(CONVERT([decimal](5,2),[F])>(1))", "float as decimal"),
        ("([N])", "a condition"),
        ("([N]=(1)) = (1)", "the operator ="),
        ("(NOT)", "a condition of a kind"),
        ("([N]=)", "syntax"),
    ]);
}

/// The page that users read names every function that is translated.
#[test]
fn the_documentation_names_every_function() {
    let page = include_str!("../../../../../docs/expressions.md");
    for name in function::names() {
        assert!(
            page.contains(&format!("`{name}")),
            "{name} is not in docs/expressions.md"
        );
    }
}

/// Every name of the list is one that the code knows.
#[test]
fn every_listed_function_is_known() {
    for name in function::names() {
        let argument = if name == "PI" { "" } else { "[N]" };
        let text = format!("({name}({argument})=(1))");
        let reason = match check_of(&text) {
            Ok(_) => continue,
            Err(error) => error.reason,
        };
        assert!(!reason.starts_with("the function"), "{name}: {reason}");
    }
}

#[test]
fn long_chains_and_deep_nests_end() {
    let chain = vec!["[N]=(1)"; 1_000].join(" OR ");
    assert!(check_of(&format!("({chain})")).is_ok());
    let sum = vec!["[N]"; 2_000].join("+");
    refusals(&[(&format!("({sum}=(1))"), "nested too deep")]);
    let mut nested = "[N]".to_owned();
    for _ in 0..24 {
        nested = format!("square({nested})");
    }
    refusals(&[(&format!("({nested}>(1))"), "256 KiB")]);
}

mod arbitrary {
    use proptest::prelude::*;

    use super::*;

    /// Words and signs of the language in any order, which gets further than arbitrary text.
    fn soup() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "(",
            ")",
            "[N]",
            "[V]",
            "[At]",
            "[D]",
            "[Flag]",
            "'a'",
            "N'\u{e9}'",
            "1",
            "1.5",
            "0x1F",
            "+",
            "-",
            "*",
            "/",
            "%",
            "=",
            "<>",
            "<",
            "AND",
            "OR",
            "NOT",
            "LIKE",
            "'[a-z]%'",
            "IN",
            "(1,2)",
            "BETWEEN",
            "IS NULL",
            "CASE",
            "WHEN",
            "THEN",
            "ELSE",
            "END",
            "isnull(",
            "len(",
            ",",
            "dateadd(day,",
            "CONVERT([int],",
            "CAST(",
            "AS",
            "[decimal](10,2)",
            "getdate()",
            "NEXT VALUE FOR",
            "COLLATE",
            "Latin1_General_BIN2",
            "~",
            "&",
            "|",
            "^",
            "NULL",
            "ESCAPE",
            "round(",
            "substring(",
            "left(",
            "iif(",
            "concat(",
            "'20000101'",
            "$1",
        ]);
        prop::collection::vec(words, 0..30).prop_map(|words| words.join(" "))
    }

    fn all(text: &str) {
        let _ = check_of(text);
        let _ = default_of(text, SqlType::NVarChar { length: Some(10) });
        let _ = generated_of(text, SqlType::Int);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn text_never_panics(text in "\\PC{0,80}") {
            all(&text);
        }

        #[test]
        fn words_never_panic(text in soup()) {
            all(&text);
        }
    }
}

/// Each row of a table that has a column of tests names one that is there.
#[test]
fn every_row_of_the_documentation_names_a_test() {
    const SOURCES: &[&str] = &[
        include_str!("../../../../../tests/translate/views/constructs.rs"),
        include_str!("../../../../../tests/translate/views/functions.rs"),
        include_str!("../../../../../tests/translate/views/mod.rs"),
        include_str!("columns.rs"),
        include_str!("numbers.rs"),
        include_str!("texts.rs"),
        include_str!("values.rs"),
        include_str!("views.rs"),
        include_str!("../query/xml.rs"),
    ];
    let mut rows = 0;
    let mut named = false;
    for line in include_str!("../../../../../docs/expressions.md").lines() {
        if !line.starts_with('|') || line.ends_with("| test |") {
            named = line.starts_with('|');
            continue;
        }
        if !named || line.starts_with("|---") {
            continue;
        }
        let cells = line.trim_end_matches('|').trim_end();
        let cell = cells.rsplit('|').next().unwrap_or_default().trim();
        for name in cell.split(", ").map(|name| name.trim_matches('`')) {
            let (quoted, function) = (format!("\"{name}\""), format!("fn {name}("));
            let found = |text: &&str| text.contains(&quoted) || text.contains(&function);
            assert!(!name.is_empty() && SOURCES.iter().any(found), "{line}");
        }
        rows += 1;
    }
    assert!(rows > 100, "{rows} rows");
}
