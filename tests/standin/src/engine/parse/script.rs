//! Batches: control flow, settings, transactions, and the dispatch to every other statement.

use sqlparser::ast::{Expr, Ident};
use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, unsupported};
use crate::engine::model::name::Name;
use crate::engine::parse::statement::{Declaration, Located, Statement, Verb};
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_word;
use crate::engine::parse::{ddl, dml};

/// Parses a whole batch; a syntax error anywhere fails all of it, as in SQL Server.
pub(crate) fn parse(sql: &str) -> Result<Vec<Located>> {
    let mut tokens = Tokens::new(sql)?;
    let mut statements = Vec::new();
    while skip_semicolons(&mut tokens) {
        let line = tokens.line();
        statements.push(located(&mut tokens).map_err(|mut e| {
            e.line = if e.line == 0 { line } else { e.line };
            e
        })?);
    }
    Ok(statements)
}

/// Splits a script at its `GO` lines and fills in `:setvar` variables, as sqlcmd does; `GO n` repeats
/// are not known here.
pub fn batches(script: &str) -> Vec<String> {
    let mut batches = vec![String::new()];
    let (mut comment, mut quoted) = (0usize, None::<char>);
    let mut variables: Vec<(String, String)> = Vec::new();
    for line in script.trim_start_matches('\u{feff}').lines() {
        let word = line.trim();
        if comment == 0
            && quoted.is_none()
            && let Some(set) = set_variable(word)
        {
            variables.insert(0, set);
            continue;
        }
        let filled = variables
            .iter()
            .fold(line.to_owned(), |text, (name, value)| {
                text.replace(&format!("$({name})"), value)
            });
        let line = filled.as_str();
        if comment == 0 && quoted.is_none() && word.eq_ignore_ascii_case("go") {
            batches.push(String::new());
            continue;
        }
        scan_line(line, &mut comment, &mut quoted);
        let batch = batches.last_mut().expect("there is always a batch");
        batch.push_str(line);
        batch.push('\n');
    }
    batches.retain(|b| !b.trim().is_empty());
    batches
}

/// `:setvar name "value"`.
fn set_variable(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix(":setvar ")?.trim();
    let (name, value) = rest.split_once(char::is_whitespace)?;
    Some((name.to_owned(), value.trim().trim_matches('"').to_owned()))
}

/// Follows comments and quotes that go on over line ends, where `GO` is no separator.
fn scan_line(line: &str, comment: &mut usize, quoted: &mut Option<char>) {
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match (c, next) {
            _ if Some(c) == *quoted => *quoted = None,
            _ if quoted.is_some() => {}
            ('*', Some('/')) if *comment > 0 => {
                *comment -= 1;
                chars.next();
            }
            ('/', Some('*')) => {
                *comment += 1;
                chars.next();
            }
            _ if *comment > 0 => {}
            ('-', Some('-')) => return,
            ('\'' | '"', _) => *quoted = Some(c),
            ('[', _) => *quoted = Some(']'),
            _ => {}
        }
    }
}

/// Whether a statement follows.
fn skip_semicolons(tokens: &mut Tokens) -> bool {
    while tokens.take(&Token::SemiColon) {}
    !tokens.done()
}

fn located(tokens: &mut Tokens) -> Result<Located> {
    let line = tokens.line();
    Ok(Located {
        line,
        statement: statement(tokens)?,
    })
}

fn statement(t: &mut Tokens) -> Result<Statement> {
    if t.is_word("SELECT") || t.is_word("WITH") || matches!(t.peek(), Token::LParen) {
        return dml::query_or_change(t);
    }
    if t.is_word("IF") {
        return if_statement(t);
    }
    if t.take_word("WHILE") {
        let condition = t.expression()?;
        return Ok(Statement::While {
            condition,
            body: Box::new(located(t)?),
        });
    }
    if let Some(found) = dml::statement(t)? {
        return Ok(found);
    }
    if let Some(found) = ddl::statement(t)? {
        return Ok(found);
    }
    simple(t)
}

fn simple(t: &mut Tokens) -> Result<Statement> {
    let words = [
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVE",
        "DECLARE",
        "SET",
        "USE",
        "PRINT",
        "RAISERROR",
        "THROW",
        "WAITFOR",
        "RETURN",
        "BREAK",
        "CONTINUE",
        "EXEC",
        "EXECUTE",
        "CHECKPOINT",
        "GRANT",
        "DENY",
        "REVOKE",
    ];
    let Some(word) = t.take_one_of(&words) else {
        return match t.peek() {
            // A procedure name that starts a batch needs no EXEC.
            Token::Word(w) if w.value.to_ascii_lowercase().starts_with("sp_") => execute(t),
            Token::Word(w) => Err(unsupported(format!(
                "the statement '{}'",
                w.value.to_uppercase()
            ))),
            _ => Err(t.unexpected()),
        };
    };
    match word {
        "BEGIN" => begin(t),
        "COMMIT" => {
            transaction_name(t);
            Ok(Statement::Commit)
        }
        "ROLLBACK" => Ok(Statement::Rollback(transaction_name(t))),
        "SAVE" => Ok(Statement::Save(transaction_name(t).unwrap_or_default())),
        "DECLARE" => declare(t),
        "SET" => set(t),
        "USE" => Ok(Statement::Use(t.identifier()?)),
        "PRINT" => Ok(Statement::Print(t.expression()?)),
        "RAISERROR" => raise_error(t),
        "THROW" if matches!(t.peek(), Token::SemiColon | Token::EOF) || t.is_word("END") => {
            Ok(Statement::Throw(Vec::new()))
        }
        "THROW" => Ok(Statement::Throw(t.separated(Tokens::expression)?)),
        "WAITFOR" => {
            t.expect_word("DELAY")?;
            Ok(Statement::WaitFor(t.expression()?))
        }
        "RETURN" => {
            let ends = t.done() || *t.peek() == Token::SemiColon || t.starts_statement(t.at);
            let value = (!ends).then(|| t.expression()).transpose()?;
            Ok(Statement::Return(value))
        }
        "BREAK" => Ok(Statement::Break),
        "CONTINUE" => Ok(Statement::Continue),
        "EXEC" | "EXECUTE" => execute(t),
        "CHECKPOINT" => Ok(Statement::NoEffect),
        "GRANT" => ddl::security::permission(t, Verb::Grant),
        "DENY" => ddl::security::permission(t, Verb::Deny),
        _ => ddl::security::permission(t, Verb::Revoke),
    }
}

fn if_statement(t: &mut Tokens) -> Result<Statement> {
    t.expect_word("IF")?;
    let condition = t.expression()?;
    let then = Box::new(located(t)?);
    let mut ahead = 0;
    while matches!(t.peek_at(ahead), Token::SemiColon) {
        ahead += 1;
    }
    let mut otherwise = None;
    if is_word(t.peek_at(ahead), "ELSE") {
        for _ in 0..=ahead {
            t.next();
        }
        otherwise = Some(Box::new(located(t)?));
    }
    Ok(Statement::If {
        condition,
        then,
        otherwise,
    })
}

fn begin(t: &mut Tokens) -> Result<Statement> {
    if t.take_word("DISTRIBUTED") {
        return Err(unsupported("BEGIN DISTRIBUTED TRANSACTION"));
    }
    if t.is_word("TRAN") || t.is_word("TRANSACTION") {
        transaction_name(t);
        return Ok(Statement::Begin);
    }
    if !t.take_word("TRY") {
        return Ok(Statement::Block(block(t)?));
    }
    let body = block(t)?;
    t.expect_word("TRY")?;
    t.take(&Token::SemiColon);
    t.expect_word("BEGIN")?;
    t.expect_word("CATCH")?;
    let handler = block(t)?;
    t.expect_word("CATCH")?;
    Ok(Statement::TryCatch { body, handler })
}

/// Statements up to and with END.
fn block(t: &mut Tokens) -> Result<Vec<Located>> {
    let mut statements = Vec::new();
    while skip_semicolons(t) && !t.is_word("END") {
        statements.push(located(t)?);
    }
    t.expect_word("END")?;
    Ok(statements)
}

fn transaction_name(t: &mut Tokens) -> Option<String> {
    let _ = t.take_one_of(&["TRANSACTION", "TRAN", "WORK"]);
    match t.peek() {
        Token::Word(w) if w.value.starts_with('@') || !dml::begins_statement(&w.value) => {
            t.identifier().ok()
        }
        _ => None,
    }
}

fn declare(t: &mut Tokens) -> Result<Statement> {
    let declarations = t.separated(|t| {
        let name = t.identifier()?;
        if !name.starts_with('@') {
            return Err(unsupported("cursors"));
        }
        t.take_word("AS");
        if t.is_word("TABLE") {
            return Err(unsupported("table variables"));
        }
        let ty = t.type_name()?;
        let value = if t.take(&Token::Eq) {
            Some(t.expression()?)
        } else {
            None
        };
        Ok(Declaration { name, ty, value })
    })?;
    Ok(Statement::Declare(declarations))
}

fn set(t: &mut Tokens) -> Result<Statement> {
    if matches!(t.peek(), Token::Word(w) if w.value.starts_with('@')) {
        let name = t.identifier()?;
        let compound = match t.next() {
            Token::Eq => None,
            op => {
                t.expect(&Token::Eq)?;
                Some(dml::compound_operator(&op)?)
            }
        };
        let value = t.expression()?;
        let value = match compound {
            Some(op) => Expr::BinaryOp {
                left: Box::new(Expr::Identifier(Ident::new(name.clone()))),
                op,
                right: Box::new(Expr::Nested(Box::new(value))),
            },
            None => value,
        };
        return Ok(Statement::SetVariable { name, value });
    }
    if t.take_word("IDENTITY_INSERT") {
        let table = t.name()?;
        let on = t.take_word("ON");
        if !on {
            t.expect_word("OFF")?;
        }
        return Ok(Statement::SetIdentityInsert { table, on });
    }
    // `SET option[, option] ON|OFF`, `SET option value`.
    let mut words = Vec::new();
    loop {
        match t.peek() {
            Token::Word(w) if words.is_empty() || !dml::begins_statement(&w.value) => {
                words.push(t.identifier()?)
            }
            Token::Number(..) | Token::Minus => words.push(t.integer()?.to_string()),
            Token::SingleQuotedString(_) => words.push(t.text()?),
            Token::Comma => {
                t.next();
            }
            _ => break,
        }
        if words
            .last()
            .is_some_and(|w| w.eq_ignore_ascii_case("ON") || w.eq_ignore_ascii_case("OFF"))
        {
            break;
        }
    }
    let on = words.last().is_some_and(|w| w.eq_ignore_ascii_case("ON"));
    Ok(Statement::SetOption { words, on })
}

fn raise_error(t: &mut Tokens) -> Result<Statement> {
    let args = t.list(Tokens::expression)?;
    if t.take_word("WITH") {
        t.separated(Tokens::identifier)?;
    }
    Ok(Statement::RaiseError(args))
}

fn execute(t: &mut Tokens) -> Result<Statement> {
    if matches!(t.peek(), Token::LParen) {
        let mut texts = t.list(Tokens::expression)?;
        return match (texts.pop(), texts.is_empty()) {
            (Some(text), true) => Ok(Statement::ExecuteText(text)),
            _ => Err(unsupported("EXECUTE with parameters for a linked server")),
        };
    }
    if matches!(t.peek(), Token::Word(w) if w.value.starts_with('@'))
        && matches!(t.peek_at(1), Token::Eq)
    {
        let name = t.identifier()?;
        t.next();
        let function = t.name()?;
        let value = t.call_of(&function)?;
        return Ok(Statement::SetVariable { name, value });
    }
    let procedure: Name = t.name()?;
    let mut args = Vec::new();
    let ends = matches!(t.peek(), Token::SemiColon | Token::EOF);
    let statement = matches!(t.peek(), Token::Word(w) if w.quote_style.is_none() && dml::begins_statement(&w.value));
    if !ends && !statement {
        args = t.separated(argument)?;
    }
    Ok(Statement::Execute { procedure, args })
}

fn argument(t: &mut Tokens) -> Result<(Option<String>, Expr)> {
    let named = matches!(t.peek(), Token::Word(w) if w.value.starts_with('@'))
        && matches!(t.peek_at(1), Token::Eq);
    let name = if named {
        let name = t.identifier()?;
        t.next();
        Some(name)
    } else {
        None
    };
    // A bare word is a string here: `sp_addtype id, 'varchar(11)'`.
    if let Token::Word(w) = t.peek()
        && !w.value.starts_with('@')
        && !is_word(t.peek(), "NULL")
    {
        let text = t.identifier()?;
        let literal = sqlparser::ast::Value::NationalStringLiteral(text).with_empty_span();
        return Ok((name, Expr::Value(literal)));
    }
    let value = t.expression_until(&|token| is_word(token, "OUTPUT") || is_word(token, "OUT"))?;
    if t.take_one_of(&["OUTPUT", "OUT"]).is_some() {
        return Err(unsupported("OUTPUT parameters"));
    }
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_need_no_semicolons() {
        let sql = "declare @a int = 1, @b nvarchar(max)
            select @a = case when 1 = 1 then 2 else 3 end from sys.objects with (nolock)
            if exists (select 1) begin print 'x' end else print 'y'
            select 1 a union all select 2 option (maxdop 1)
            set nocount on set xact_abort, arithabort on update t set a = 1 where b = 2
            insert t (a, b) values (1, default), (2, N'x') delete from t where a = 1";
        let parsed = parse(sql).unwrap();
        assert_eq!(parsed.len(), 9, "{parsed:#?}");
        assert_eq!(parsed[2].line, 3);
    }

    #[test]
    fn go_splits_only_between_statements() {
        let script = "select 1\nGO\nselect '\ngo\n'\n/* \ngo\n */\n go \nselect [a\n]";
        assert_eq!(batches(script).len(), 3);
    }
}
