//! `CREATE FUNCTION`, of the two kinds that give a value or the rows of one query.
//!
//! Called by `translate::routine`. The body of a function that gives a value comes as its statements.

use sqlparser::ast::{DataType, Expr, Query};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::super::{Outcome, Untranslated};
use super::statement::{self, Statement, StatementKind};
use super::{created, end, syntax};

/// A parameter as it is declared.
pub(in super::super) struct Parameter {
    /// With `@`.
    pub(in super::super) name: String,
    pub(in super::super) data_type: DataType,
    /// What DEFAULT means in a call.
    pub(in super::super) default: Option<Expr>,
}

/// `CREATE FUNCTION ... RETURNS type AS BEGIN ... END`.
pub(in super::super) struct Scalar {
    pub(in super::super) parameters: Vec<Parameter>,
    pub(in super::super) returns: DataType,
    /// `RETURNS NULL ON NULL INPUT`.
    pub(in super::super) strict: bool,
    pub(in super::super) body: Vec<Statement>,
}

/// `CREATE FUNCTION ... RETURNS TABLE AS RETURN (query)`.
pub(in super::super) struct Table {
    pub(in super::super) parameters: Vec<Parameter>,
    pub(in super::super) body: Box<Query>,
}

fn refused() -> Untranslated {
    Untranslated::new("a statement other than a plain CREATE FUNCTION")
}

/// The parts of a scalar function.
///
/// # Errors
/// A body other than BEGIN ... END, a statement that is not understood, or an option that is not known.
pub(in super::super) fn scalar(text: &str) -> Outcome<Scalar> {
    let mut parser = super::parser(text)?;
    let parameters = head(&mut parser)?;
    let returns = parser.parse_data_type().map_err(|error| syntax(&error))?;
    let strict = options(&mut parser)?;
    let _ = parser.parse_keyword(Keyword::AS);
    let mut statements = statement::body(&mut parser)?;
    let body = match (statements.pop().map(|it| it.kind), statements.is_empty()) {
        (Some(StatementKind::Block(body)), true) => body,
        _ => return Err(refused()),
    };
    Ok(Scalar {
        parameters,
        returns,
        strict,
        body,
    })
}

/// The parts of an inline table function.
///
/// # Errors
/// A table function of several statements, or a body that is not a query.
pub(in super::super) fn table(text: &str) -> Outcome<Table> {
    let mut parser = super::parser(text)?;
    let parameters = head(&mut parser)?;
    if !parser.parse_keyword(Keyword::TABLE) {
        return Err(Untranslated::new("a table function of several statements"));
    }
    options(&mut parser)?;
    let _ = parser.parse_keyword(Keyword::AS);
    if !parser.parse_keyword(Keyword::RETURN) {
        return Err(refused());
    }
    let mut brackets = 0;
    // `RETURN (WITH x AS (...) SELECT ...)`: a query in brackets is read without them.
    while parser.consume_token(&Token::LParen) {
        brackets += 1;
    }
    let body = parser.parse_query().map_err(|error| syntax(&error))?;
    for _ in 0..brackets {
        if !parser.consume_token(&Token::RParen) {
            return Err(refused());
        }
    }
    end(&mut parser)?;
    Ok(Table { parameters, body })
}

/// From CREATE to RETURNS.
fn head(parser: &mut Parser<'_>) -> Outcome<Vec<Parameter>> {
    created(parser, Keyword::FUNCTION).ok_or_else(refused)?;
    parser
        .parse_object_name(false)
        .map_err(|error| syntax(&error))?;
    if !parser.consume_token(&Token::LParen) {
        return Err(refused());
    }
    let mut parameters = Vec::new();
    while !parser.consume_token(&Token::RParen) {
        let name = parser.parse_identifier().map_err(|error| syntax(&error))?;
        let _ = parser.parse_keyword(Keyword::AS);
        let data_type = parser.parse_data_type().map_err(|error| syntax(&error))?;
        let mut default = None;
        if parser.consume_token(&Token::Eq) {
            default = Some(parser.parse_expr().map_err(|error| syntax(&error))?);
        }
        parameters.push(Parameter {
            name: name.value,
            data_type,
            default,
        });
        let _ = parser.consume_token(&Token::Comma);
    }
    if !parser.parse_keyword(Keyword::RETURNS) {
        return Err(refused());
    }
    Ok(parameters)
}

/// `WITH SCHEMABINDING, RETURNS NULL ON NULL INPUT`; whether the latter is there.
fn options(parser: &mut Parser<'_>) -> Outcome<bool> {
    let mut strict = false;
    if !parser.parse_keyword(Keyword::WITH) {
        return Ok(strict);
    }
    loop {
        if parser.parse_keyword(Keyword::RETURNS) {
            strict =
                parser.parse_keywords(&[Keyword::NULL, Keyword::ON, Keyword::NULL, Keyword::INPUT]);
        } else if !parser.parse_keyword(Keyword::CALLED) {
            let option = parser.parse_identifier().map_err(|error| syntax(&error))?;
            if !option.value.eq_ignore_ascii_case("SCHEMABINDING") {
                return Err(Untranslated::new(format!("WITH {}", option.value)));
            }
        } else if !parser.parse_keywords(&[Keyword::ON, Keyword::NULL, Keyword::INPUT]) {
            return Err(refused());
        }
        if !parser.consume_token(&Token::Comma) {
            return Ok(strict);
        }
    }
}
