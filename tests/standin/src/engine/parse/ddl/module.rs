//! Views, procedures, functions and triggers: the batch's text and what can be known of it.

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, unsupported};
use crate::engine::model::name::Name;
use crate::engine::model::object::ModuleKind;
use crate::engine::parse::ddl::routine::{function, procedure};
use crate::engine::parse::definition::CreateModule;
use crate::engine::parse::expression::SECOND_STATEMENT;
use crate::engine::parse::statement::Statement;
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_word;

/// The words that begin a module.
pub(super) const MODULES: [&str; 5] = ["VIEW", "PROCEDURE", "PROC", "FUNCTION", "TRIGGER"];

/// How a module comes: by CREATE, CREATE OR ALTER, or ALTER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Create,
    Either,
    Alter,
}

/// After CREATE or ALTER and the module's word; it takes the rest of its batch.
pub(super) fn module(t: &mut Tokens, word: &str, by: By) -> Result<Statement> {
    let name = t.name()?;
    let mut made = CreateModule {
        name,
        kind: ModuleKind::Procedure,
        text: text(t.source(), by),
        replace: by != By::Create,
        must_exist: by == By::Alter,
        columns: Vec::new(),
        query: None,
        expression: None,
        body: String::new(),
        returns: None,
        table: Vec::new(),
        parameters: Vec::new(),
        options: Vec::new(),
        parent: None,
        refers: refers(t),
    };
    match word {
        "VIEW" => view(t, &mut made)?,
        "FUNCTION" => function(t, &mut made)?,
        "TRIGGER" => {
            made.kind = ModuleKind::Trigger;
            t.expect_word("ON")?;
            let all = t.take_words(&["ALL", "SERVER"]);
            if !all && !t.take_word("DATABASE") {
                made.parent = Some(t.name()?);
            }
        }
        _ => procedure(t, &mut made)?,
    }
    t.skip_rest();
    Ok(Statement::CreateModule(Box::new(made)))
}

/// The batch as it is kept: ALTER is kept as CREATE.
fn text(source: &str, by: By) -> String {
    let upper = source.to_ascii_uppercase();
    let place = match by {
        By::Create => None,
        By::Either => upper.find("OR ALTER").map(|at| (at, "OR ALTER".len(), "")),
        By::Alter => upper.find("ALTER").map(|at| (at, "ALTER".len(), "CREATE")),
    };
    match place {
        Some((at, length, by)) => format!("{}{by}{}", &source[..at], &source[at + length..]),
        None => source.to_owned(),
    }
}

fn view(t: &mut Tokens, made: &mut CreateModule) -> Result<()> {
    made.kind = ModuleKind::View;
    if matches!(t.peek(), Token::LParen) {
        made.columns = t.list(Tokens::identifier)?;
    }
    if t.take_word("WITH") {
        made.options = t.separated(|t| t.identifier().map(|w| w.to_uppercase()))?;
    }
    t.expect_word("AS")?;
    made.query = Some(match t.view_query() {
        Err(e) if e.number == SECOND_STATEMENT => return Err(e),
        read => read,
    });
    Ok(())
}

/// Names that stand where tables do (behind FROM, JOIN, APPLY, INTO, UPDATE and commas among them),
/// and dotted names that are called.
fn refers(t: &Tokens) -> Vec<Name> {
    let mut found: Vec<Name> = Vec::new();
    let (mut ahead, mut in_from) = (0, false);
    while *t.peek_at(ahead) != Token::EOF {
        let token = t.peek_at(ahead);
        let ends = [
            "SELECT", "WHERE", "GROUP", "ORDER", "HAVING", "UNION", "SET", "VALUES", "PIVOT",
            "UNPIVOT",
        ];
        if ends.iter().any(|w| is_word(token, w)) {
            in_from = false;
        }
        in_from |= is_word(token, "FROM");
        let opens = ["FROM", "JOIN", "APPLY", "INTO", "UPDATE"];
        let expects = opens.iter().any(|w| is_word(token, w))
            || (in_from && matches!(token, Token::Comma | Token::LParen));
        let (name, next) = dotted(t, if expects { ahead + 1 } else { ahead });
        // `EXEC @a = function ...`.
        let executed = ahead >= 3
            && *t.peek_at(ahead - 1) == Token::Eq
            && ["EXEC", "EXECUTE"]
                .iter()
                .any(|w| is_word(t.peek_at(ahead - 3), w));
        let called = name.as_ref().is_some_and(|n| n.schema.is_some())
            && (executed || matches!(t.peek_at(next), Token::LParen));
        match name {
            Some(name) if expects || called => {
                if !found.contains(&name) {
                    found.push(name);
                }
                ahead = next;
            }
            Some(_) => ahead = next.max(ahead + 1),
            None => ahead += 1,
        }
    }
    found
}

/// The dotted name at a place and where it ends.
fn dotted(t: &Tokens, at: usize) -> (Option<Name>, usize) {
    let mut parts = Vec::new();
    let mut at = at;
    while let Token::Word(w) = t.peek_at(at) {
        parts.push(w.value.clone());
        at += 1;
        if *t.peek_at(at) != Token::Period {
            break;
        }
        at += 1;
    }
    if parts.is_empty() {
        return (None, at);
    }
    (Name::of(parts).ok(), at)
}

/// CREATE of what is passed over, named in a message.
pub(super) fn skipped(t: &mut Tokens, kind: &str) -> Result<Statement> {
    let name = t.name()?.to_string();
    t.skip_statement();
    Ok(Statement::Skipped {
        kind: kind.to_owned(),
        name,
    })
}

/// `DROP VIEW | TRIGGER | ... names`.
pub(super) fn drop(t: &mut Tokens, kind: &'static str, if_exists: bool) -> Result<Statement> {
    let names = t.separated(Tokens::name)?;
    if t.take_words(&["ON", "DATABASE"]) && kind != "TRIGGER" {
        return Err(unsupported(format!("DROP {kind} ... ON DATABASE")));
    }
    Ok(Statement::DropObjects {
        kind,
        names,
        if_exists,
    })
}
