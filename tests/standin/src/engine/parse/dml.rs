//! INSERT, UPDATE, DELETE and queries.

use sqlparser::ast::{BinaryOperator, Expr, Ident};
use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, syntax, unsupported};
use crate::engine::parse::statement::{Delete, Insert, InsertSource, Statement, Update};
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_word;

/// Whether an unquoted word can only begin a statement.
pub(crate) fn begins_statement(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "ALTER",
        "BEGIN",
        "BREAK",
        "CHECKPOINT",
        "COMMIT",
        "CONTINUE",
        "CREATE",
        "DECLARE",
        "DELETE",
        "DROP",
        "ELSE",
        "END",
        "EXEC",
        "EXECUTE",
        "GO",
        "GRANT",
        "IF",
        "INSERT",
        "PRINT",
        "RAISERROR",
        "RETURN",
        "ROLLBACK",
        "SAVE",
        "SELECT",
        "SET",
        "TRUNCATE",
        "UPDATE",
        "USE",
        "WAITFOR",
        "WHILE",
        "WITH",
        "THROW",
    ];
    WORDS.iter().any(|w| word.eq_ignore_ascii_case(w))
}

pub(crate) fn compound_operator(token: &Token) -> Result<BinaryOperator> {
    Ok(match token {
        Token::Plus => BinaryOperator::Plus,
        Token::Minus => BinaryOperator::Minus,
        Token::Mul => BinaryOperator::Multiply,
        Token::Div => BinaryOperator::Divide,
        Token::Mod => BinaryOperator::Modulo,
        Token::Ampersand => BinaryOperator::BitwiseAnd,
        Token::Pipe => BinaryOperator::BitwiseOr,
        Token::Caret => BinaryOperator::BitwiseXor,
        other => return Err(syntax(other)),
    })
}

pub(crate) fn query_or_change(t: &mut Tokens) -> Result<Statement> {
    Ok(Statement::Query(t.query()?))
}

pub(crate) fn statement(t: &mut Tokens) -> Result<Option<Statement>> {
    if t.take_word("INSERT") {
        return insert(t).map(Some);
    }
    if t.are_words(&["UPDATE", "STATISTICS"]) {
        t.next();
        t.next();
        let table = t.name()?;
        if t.take_words(&["WITH", "ROWCOUNT"]) {
            t.expect(&Token::Eq)?;
            let rows = t.integer()?;
            return Ok(Some(Statement::KeepRows { table, rows }));
        }
        while !matches!(t.peek(), Token::SemiColon | Token::EOF)
            && !matches!(t.peek(), Token::Word(w) if begins_statement(&w.value) && !is_word(t.peek(), "WITH"))
        {
            t.next();
        }
        return Ok(Some(Statement::NoEffect));
    }
    if t.take_word("UPDATE") {
        return update(t).map(Some);
    }
    if t.take_word("DELETE") {
        return delete(t).map(Some);
    }
    if t.take_words(&["TRUNCATE", "TABLE"]) {
        return Ok(Some(Statement::Truncate(t.name()?)));
    }
    Ok(None)
}

/// `TOP (n)` of a changing statement.
fn top(t: &mut Tokens) -> Result<Option<Expr>> {
    if !t.take_word("TOP") {
        return Ok(None);
    }
    t.expect(&Token::LParen)?;
    let count = t.expression()?;
    t.expect(&Token::RParen)?;
    Ok(Some(count))
}

fn hints(t: &mut Tokens) -> Result<()> {
    if t.is_word("WITH") && matches!(t.peek_at(1), Token::LParen) {
        t.next();
        t.skip_parentheses()?;
    }
    Ok(())
}

fn no_output(t: &Tokens) -> Result<()> {
    if t.is_word("OUTPUT") {
        Err(unsupported("the OUTPUT clause"))
    } else {
        Ok(())
    }
}

fn insert(t: &mut Tokens) -> Result<Statement> {
    if t.is_word("BULK") {
        return Err(unsupported("INSERT BULK"));
    }
    if t.is_word("TOP") {
        return Err(unsupported("INSERT TOP"));
    }
    t.take_word("INTO");
    let table = t.name()?;
    hints(t)?;
    let starts_query = is_word(t.peek_at(1), "SELECT") || matches!(t.peek_at(1), Token::LParen);
    let columns = match t.peek() {
        Token::LParen if !starts_query => Some(t.list(Tokens::identifier)?),
        _ => None,
    };
    no_output(t)?;
    let source = if t.take_words(&["DEFAULT", "VALUES"]) {
        InsertSource::Defaults
    } else if t.take_word("VALUES") {
        InsertSource::Values(t.separated(|t| t.list(value_or_default))?)
    } else if t.is_word("EXEC") || t.is_word("EXECUTE") {
        return Err(unsupported("INSERT ... EXEC"));
    } else {
        InsertSource::Query(t.query()?)
    };
    Ok(Statement::Insert(Insert {
        table,
        columns,
        source,
    }))
}

fn value_or_default(t: &mut Tokens) -> Result<Option<Expr>> {
    if t.take_word("DEFAULT") {
        Ok(None)
    } else {
        t.expression().map(Some)
    }
}

fn update(t: &mut Tokens) -> Result<Statement> {
    let top = top(t)?;
    let target = t.name()?;
    hints(t)?;
    t.expect_word("SET")?;
    let sets = t.separated(assignment)?;
    no_output(t)?;
    let from = if t.take_word("FROM") {
        t.table_references()?
    } else {
        Vec::new()
    };
    let filter = filter(t)?;
    Ok(Statement::Update(Update {
        target,
        top,
        sets,
        from,
        filter,
    }))
}

fn assignment(t: &mut Tokens) -> Result<(String, Option<Expr>)> {
    let mut column = t.identifier()?;
    while t.take(&Token::Period) {
        column = t.identifier()?;
    }
    let operator = match t.next() {
        Token::Eq => None,
        op => {
            t.expect(&Token::Eq)?;
            Some(compound_operator(&op)?)
        }
    };
    if t.take_word("DEFAULT") {
        return Ok((column, None));
    }
    let value = t.expression_until(&|token| {
        ["FROM", "WHERE", "OPTION", "OUTPUT"]
            .iter()
            .any(|w| is_word(token, w))
    })?;
    let value = match operator {
        Some(op) => Expr::BinaryOp {
            left: Box::new(Expr::Identifier(Ident::with_quote('[', column.clone()))),
            op,
            right: Box::new(Expr::Nested(Box::new(value))),
        },
        None => value,
    };
    Ok((column, Some(value)))
}

fn delete(t: &mut Tokens) -> Result<Statement> {
    let top = top(t)?;
    t.take_word("FROM");
    let target = t.name()?;
    hints(t)?;
    no_output(t)?;
    let from = if t.take_word("FROM") {
        t.table_references()?
    } else {
        Vec::new()
    };
    let filter = filter(t)?;
    Ok(Statement::Delete(Delete {
        target,
        top,
        from,
        filter,
    }))
}

fn filter(t: &mut Tokens) -> Result<Option<Expr>> {
    let filter = if t.take_word("WHERE") {
        if t.is_word("CURRENT") {
            return Err(unsupported("WHERE CURRENT OF"));
        }
        Some(t.expression_until(&|token| is_word(token, "OPTION"))?)
    } else {
        None
    };
    if t.take_word("OPTION") {
        t.skip_parentheses()?;
    }
    Ok(filter)
}
