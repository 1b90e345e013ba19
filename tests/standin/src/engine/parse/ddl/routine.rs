//! Functions and procedures: their parameters, what they return, and the body of those that are one
//! expression or one query.

use sqlparser::ast::Expr;
use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, unsupported};
use crate::engine::model::object::ModuleKind;
use crate::engine::parse::ddl::table::{begins_constraint, column, constraint};
use crate::engine::parse::definition::{ColumnSpec, CreateModule, ParameterSpec};
use crate::engine::parse::tokens::Tokens;

/// After the name of a function.
pub(super) fn function(t: &mut Tokens, made: &mut CreateModule) -> Result<()> {
    t.expect(&Token::LParen)?;
    made.parameters = parameters(t, true)?;
    t.expect(&Token::RParen)?;
    t.expect_word("RETURNS")?;
    if t.take_word("TABLE") {
        made.kind = ModuleKind::InlineFunction;
        options(t, made);
        t.take_word("AS");
        made.query = Some(if t.take_word("RETURN") {
            t.view_query()
        } else {
            Err(unsupported("a function of a CLR assembly"))
        });
        return Ok(());
    }
    if matches!(t.peek(), Token::Word(w) if w.value.starts_with('@')) {
        made.kind = ModuleKind::TableFunction;
        t.next();
        t.expect_word("TABLE")?;
        made.table = table(t)?;
        options(t, made);
        return Ok(());
    }
    made.kind = ModuleKind::ScalarFunction;
    made.returns = Some(t.type_name()?);
    options(t, made);
    t.take_word("AS");
    t.rest().clone_into(&mut made.body);
    made.expression = Some(one_return(t));
    Ok(())
}

/// After the name of a procedure.
pub(super) fn procedure(t: &mut Tokens, made: &mut CreateModule) -> Result<()> {
    if t.take(&Token::SemiColon) {
        t.integer()?;
    }
    if t.take(&Token::LParen) {
        made.parameters = parameters(t, true)?;
        t.expect(&Token::RParen)?;
    } else {
        made.parameters = parameters(t, false)?;
    }
    options(t, made);
    Ok(())
}

/// Parameters up to a closing parenthesis, or to the first word that is none.
fn parameters(t: &mut Tokens, enclosed: bool) -> Result<Vec<ParameterSpec>> {
    let begins = |t: &Tokens| matches!(t.peek(), Token::Word(w) if w.value.starts_with('@'));
    if !begins(t) && (!enclosed || matches!(t.peek(), Token::RParen)) {
        return Ok(Vec::new());
    }
    t.separated(parameter)
}

/// `@name [AS] type [VARYING] [NOT NULL] [= default] [OUT | OUTPUT] [READONLY]`.
fn parameter(t: &mut Tokens) -> Result<ParameterSpec> {
    let name = t.identifier()?;
    t.take_word("AS");
    let ty = t.type_name()?;
    t.take_word("VARYING");
    t.take_words(&["NOT", "NULL"]);
    t.take_word("NULL");
    let default = if t.take(&Token::Eq) {
        Some(t.leading_expression()?)
    } else {
        None
    };
    let output = t.take_one_of(&["OUTPUT", "OUT"]).is_some();
    t.take_word("READONLY");
    Ok(ParameterSpec {
        name,
        ty,
        output,
        default,
    })
}

/// The words of WITH, up to the word that begins the body.
fn options(t: &mut Tokens, made: &mut CreateModule) {
    if !t.take_word("WITH") {
        return;
    }
    while !t.done()
        && !["AS", "RETURN", "BEGIN", "FOR"]
            .iter()
            .any(|w| t.is_word(w))
    {
        if t.take_words(&["EXECUTE", "AS"]) || t.take_words(&["EXEC", "AS"]) {
            made.options.push("EXECUTE AS".to_owned());
            t.next();
            continue;
        }
        if let Token::Word(w) = t.next() {
            made.options.push(w.value.to_uppercase());
        }
    }
}

/// The columns of `@t TABLE (...)`.
fn table(t: &mut Tokens) -> Result<Vec<ColumnSpec>> {
    let mut columns = Vec::new();
    t.expect(&Token::LParen)?;
    loop {
        if begins_constraint(t) {
            constraint(t)?;
        } else {
            columns.push(column(t)?);
        }
        if !t.take(&Token::Comma) {
            break;
        }
    }
    t.expect(&Token::RParen)?;
    Ok(columns)
}

/// `BEGIN RETURN expression END`; other bodies are kept as text and run statement by statement.
fn one_return(t: &mut Tokens) -> Result<Expr> {
    if !t.take_words(&["BEGIN", "RETURN"]) {
        return Err(unsupported("a function of more than one statement"));
    }
    let expression = t.expression()?;
    t.take(&Token::SemiColon);
    t.expect_word("END")?;
    t.take(&Token::SemiColon);
    if t.done() {
        Ok(expression)
    } else {
        Err(t.unexpected())
    }
}
