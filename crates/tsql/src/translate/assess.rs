//! How much work a procedure, function or trigger is to move by hand: its constructs, by what
//! PL/pgSQL has for them.

use std::collections::BTreeSet;

use sqlparser::dialect::MsSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::schema::inventory::{Effort, Statements};

/// Lines up to which a module of plain statements is small.
const SMALL: usize = 50;
/// Lines from which any module is large.
const LARGE: usize = 300;

/// What the text of a module says of the work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Lines of its text.
    pub lines: usize,
    /// What it uses beside plain statements, sorted, each once.
    pub constructs: Vec<String>,
    /// Whether its statements have counterparts.
    pub statements: Statements,
    /// The work.
    pub effort: Effort,
}

/// How far PostgreSQL's own language is from a construct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    /// Another form of the same.
    Rewrite,
    /// None of the same.
    Redesign,
}

use Distance::{Redesign, Rewrite};

/// Runs of words and signs that stand for a construct.
/// `*` stands for any one word. A construct is reported once, however often it occurs.
const PATTERNS: &[(&[&str], &str, Distance)] = &[
    (&["DECLARE", "*", "CURSOR"], "cursor", Rewrite),
    (&["CURSOR", "FOR"], "cursor", Rewrite),
    (&["BEGIN", "TRY"], "TRY ... CATCH", Rewrite),
    (&["BEGIN", "TRAN"], "transaction control", Rewrite),
    (&["BEGIN", "TRANSACTION"], "transaction control", Rewrite),
    (&["SAVE", "TRAN"], "savepoint", Rewrite),
    (&["SAVE", "TRANSACTION"], "savepoint", Rewrite),
    (&["COMMIT"], "transaction control", Rewrite),
    (&["ROLLBACK"], "transaction control", Rewrite),
    (&["GOTO"], "GOTO", Rewrite),
    (&["WAITFOR"], "WAITFOR", Rewrite),
    (&["MERGE"], "MERGE", Rewrite),
    (&["OUTPUT", "INSERTED"], "OUTPUT clause", Rewrite),
    (&["OUTPUT", "DELETED"], "OUTPUT clause", Rewrite),
    (&["RAISERROR"], "RAISERROR", Rewrite),
    (&["THROW"], "THROW", Rewrite),
    (&["PIVOT"], "PIVOT", Rewrite),
    (&["UNPIVOT"], "UNPIVOT", Rewrite),
    (&["NOLOCK"], "table hints", Rewrite),
    (&["UPDLOCK"], "table hints", Rewrite),
    (&["HOLDLOCK"], "table hints", Rewrite),
    (&["TABLOCKX"], "table hints", Rewrite),
    (&["READONLY"], "table-valued parameter", Rewrite),
    (&["FOR", "JSON"], "FOR JSON", Rewrite),
    (&["OPENJSON"], "OPENJSON", Rewrite),
    (&["SCOPE_IDENTITY"], "SCOPE_IDENTITY", Rewrite),
    (&["@@IDENTITY"], "@@IDENTITY", Rewrite),
    (&["@@ROWCOUNT"], "@@ROWCOUNT", Rewrite),
    (&["@@ERROR"], "@@ERROR", Rewrite),
    (&["@@TRANCOUNT"], "@@TRANCOUNT", Rewrite),
    (&["@@FETCH_STATUS"], "cursor", Rewrite),
    (&["INSERTED"], "inserted and deleted", Rewrite),
    (&["DELETED"], "inserted and deleted", Rewrite),
    (&["SP_EXECUTESQL"], "dynamic SQL", Redesign),
    (&["EXEC", "("], "dynamic SQL", Redesign),
    (&["EXECUTE", "("], "dynamic SQL", Redesign),
    (&["OPENQUERY"], "linked server", Redesign),
    (&["OPENROWSET"], "linked server", Redesign),
    (&["OPENDATASOURCE"], "linked server", Redesign),
    (&["FOR", "XML"], "FOR XML", Redesign),
    (&["OPENXML"], "OPENXML", Redesign),
    (&[".", "NODES", "("], "XML methods", Redesign),
    (&[".", "MODIFY", "("], "XML methods", Redesign),
    (&[".", "VALUE", "("], "XML methods", Redesign),
    (&["BEGIN", "DIALOG"], "Service Broker", Redesign),
    (&["SEND", "ON", "CONVERSATION"], "Service Broker", Redesign),
    (&["RECEIVE"], "Service Broker", Redesign),
    (&["EVENTDATA"], "EVENTDATA", Redesign),
    (&["CONTAINS", "("], "full-text search", Redesign),
    (&["FREETEXT", "("], "full-text search", Redesign),
    (&["CONTAINSTABLE"], "full-text search", Redesign),
    (&["BULK", "INSERT"], "BULK INSERT", Redesign),
    (&["DBCC"], "DBCC", Redesign),
    (&["REVERT"], "EXECUTE AS", Redesign),
    (&["EXECUTE", "AS"], "EXECUTE AS", Redesign),
];

/// Reads the text of a module. Text that is not T-SQL has no counterpart.
pub fn assess(text: &str) -> Assessment {
    let lines = text.trim_end().lines().count();
    let words = words(text);
    let mut constructs: BTreeSet<&str> = BTreeSet::new();
    let mut furthest = words.is_none().then_some(Redesign);
    let words = words.unwrap_or_default();
    for at in 0..words.len() {
        for (construct, distance) in found(&words[at..]) {
            constructs.insert(construct);
            furthest = furthest.max(Some(distance));
        }
    }
    let statements = match furthest {
        None => Statements::All,
        Some(Rewrite) => Statements::Some,
        Some(Redesign) => Statements::Few,
    };
    let effort = match statements {
        Statements::All if lines <= SMALL => Effort::Small,
        Statements::Few => Effort::Large,
        _ if lines >= LARGE => Effort::Large,
        _ => Effort::Medium,
    };
    Assessment {
        lines,
        constructs: constructs.into_iter().map(str::to_owned).collect(),
        statements,
        effort,
    }
}

/// The constructs that begin with the first of these words.
fn found(words: &[String]) -> Vec<(&'static str, Distance)> {
    let matches = |pattern: &[&str]| {
        pattern.len() <= words.len()
            && pattern
                .iter()
                .zip(words)
                .all(|(wanted, word)| *wanted == "*" || wanted == word)
    };
    let known = PATTERNS.iter().filter(|(pattern, ..)| matches(pattern));
    let mut found: Vec<_> = known
        .map(|(_, name, distance)| (*name, *distance))
        .collect();
    let word = words[0].as_str();
    if word.starts_with("##") {
        found.push(("global temporary table", Redesign));
    } else if word.starts_with('#') {
        found.push(("temporary table", Rewrite));
    } else if word.starts_with("XP_") || word.starts_with("SP_OA") {
        found.push(("extended procedure", Redesign));
    }
    match words {
        [variable, table, bracket, ..]
            if variable.starts_with('@') && table == "TABLE" && bracket == "(" =>
        {
            found.push(("table variable", Rewrite));
        }
        [first, one, _, other, third, ..]
            if is_name(first)
                && one == "."
                && other == "."
                && is_name(third)
                // A column with its table and schema has one part less, and is harmless.
                && words.get(5).is_some_and(|word| word == ".") =>
        {
            found.push(("linked server", Redesign));
        }
        _ => {}
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words in capitals and signs, without comments, blanks and literals.
fn words(text: &str) -> Option<Vec<String>> {
    let dialect = MsSqlDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize().ok()?;
    let word = |token: Token| match token {
        Token::Whitespace(_) => None,
        Token::SingleQuotedString(_) | Token::NationalStringLiteral(_) => Some("''".to_owned()),
        Token::Word(word) => Some(word.value.to_uppercase()),
        other => Some(other.to_string()),
    };
    Some(tokens.into_iter().filter_map(word).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constructs(body: &str) -> Vec<String> {
        assess(&format!("CREATE PROC dbo.P AS\n{body}")).constructs
    }

    #[test]
    fn constructs_are_told_apart() {
        for (body, expected) in [
            ("UPDATE dbo.T SET a = 1 WHERE id = @id", ""),
            ("DECLARE c CURSOR LOCAL FOR SELECT 1", "cursor"),
            (
                "BEGIN TRY SELECT 1 END TRY BEGIN CATCH THROW END CATCH",
                "THROW, TRY ... CATCH",
            ),
            ("EXEC('SELECT 1')", "dynamic SQL"),
            ("EXEC sys.sp_executesql @sql", "dynamic SQL"),
            ("EXEC dbo.Other @a = 1", ""),
            ("SELECT a INTO #t FROM dbo.T", "temporary table"),
            ("DECLARE @t TABLE (a int)", "table variable"),
            ("SELECT * FROM srv.db.dbo.T", "linked server"),
            ("SELECT dbo.T.a FROM dbo.T", ""),
            ("SELECT @x.value('(/a)[1]', 'int')", "XML methods"),
            ("SELECT 'EXEC (1)' -- MERGE\n/* GOTO x */", ""),
            ("EXEC master..xp_cmdshell 'dir'", "extended procedure"),
        ] {
            assert_eq!(constructs(body).join(", "), expected, "{body}");
        }
    }

    #[test]
    fn the_effort_follows_from_lines_and_constructs() {
        let of = |body: &str| assess(body).effort;
        let plain = "UPDATE dbo.T SET a = 1;\n";
        assert_eq!(of(plain), Effort::Small);
        assert_eq!(of(&plain.repeat(SMALL + 1)), Effort::Medium);
        assert_eq!(of(&plain.repeat(LARGE)), Effort::Large);
        assert_eq!(of("MERGE dbo.T AS t"), Effort::Medium);
        assert_eq!(of("EXEC ('x')"), Effort::Large);
        let merge = assess("MERGE dbo.T AS t\n\n");
        assert_eq!((merge.lines, merge.statements), (1, Statements::Some));
        assert_eq!(
            of("SELECT 'open"),
            Effort::Large,
            "not T-SQL that is understood"
        );
    }
}
