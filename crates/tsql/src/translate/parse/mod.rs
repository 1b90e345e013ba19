//! Text to syntax tree, within bounds that keep a hostile definition from costing much.
//!
//! Every parse of a definition begins in `tokens`: it bounds length, words and brackets before the
//! parser sees anything, and rewrites what the parser does not know. Syntax errors keep the place
//! and drop the message, which repeats the text.

mod assignment;
mod cursor;
pub(super) mod routine;
pub(super) mod statement;

use sqlparser::ast::{DataType, Expr, Query};
use sqlparser::dialect::MsSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Word};

use super::dialect::TSql;
use super::{Outcome, Untranslated};

/// Bytes of a definition. SQL Server keeps up to 2 GiB; no check of 64 KiB is written by hand.
const LONGEST_TEXT: usize = 64 * 1024;
/// Bounds the length of operator chains, which become depth in the tree.
const MOST_TOKENS: usize = 8_000;
/// Brackets within brackets.
const DEEPEST_NESTING: usize = 100;
/// The parser's own counter goes up more than once per bracket.
const PARSER_DEPTH: usize = 500;

/// What `NEXT VALUE FOR` becomes for the parser: a function no one can have named.
pub(super) const NEXT_VALUE: &str = "\u{1}next value for";

const DIALECT: TSql = TSql(MsSqlDialect {});

/// One expression, to its end.
///
/// # Errors
/// Over the bounds, or not one whole expression.
pub(super) fn expression(text: &str) -> Outcome<Expr> {
    let mut parser = parser(text)?;
    let expr = parser.parse_expr().map_err(|error| syntax(&error))?;
    match parser.peek_token().token {
        Token::EOF => Ok(expr),
        _ => Err(Untranslated::new(
            "text after the expression that was not understood",
        )),
    }
}

/// A type by itself, to its end.
pub(super) fn data_type(text: &str) -> Outcome<DataType> {
    let mut parser = parser(text)?;
    let made = parser.parse_data_type().map_err(|error| syntax(&error))?;
    end(&mut parser)?;
    Ok(made)
}

/// A `CREATE VIEW`.
pub(super) struct ViewText {
    /// The list of column names, if there is one.
    pub(super) columns: Vec<String>,
    pub(super) query: Box<Query>,
    /// `WITH CHECK OPTION`.
    pub(super) check_option: bool,
}

/// The parts of a `CREATE VIEW`.
///
/// # Errors
/// Over the bounds, or an option other than SCHEMABINDING and VIEW_METADATA.
pub(super) fn view(text: &str) -> Outcome<ViewText> {
    let mut tokens = tokens(text)?;
    let check_option = without_check_option(&mut tokens);
    let mut parser = parser_of(tokens);
    let refused = || Untranslated::new("a statement other than a plain CREATE VIEW");
    created(&mut parser, Keyword::VIEW).ok_or_else(refused)?;
    parser
        .parse_object_name(false)
        .map_err(|error| syntax(&error))?;
    let mut columns = Vec::new();
    if parser.consume_token(&Token::LParen) {
        let names = parser.parse_comma_separated(Parser::parse_identifier);
        let names = names.map_err(|error| syntax(&error))?;
        columns.extend(names.into_iter().map(|ident| ident.value));
        if !parser.consume_token(&Token::RParen) {
            return Err(refused());
        }
    }
    options(&mut parser, &["SCHEMABINDING", "VIEW_METADATA"])?;
    if !parser.parse_keyword(Keyword::AS) {
        return Err(refused());
    }
    let query = parser.parse_query().map_err(|error| syntax(&error))?;
    end(&mut parser)?;
    Ok(ViewText {
        columns,
        query,
        check_option,
    })
}

/// `CREATE`, `ALTER` or `CREATE OR ALTER`, and what is created.
fn created(parser: &mut Parser<'_>, what: Keyword) -> Option<()> {
    if parser.parse_keyword(Keyword::CREATE) {
        let _ = parser.parse_keywords(&[Keyword::OR, Keyword::ALTER]);
    } else if !parser.parse_keyword(Keyword::ALTER) {
        return None;
    }
    parser.parse_keyword(what).then_some(())
}

/// `WITH` and options that say nothing of the result.
fn options(parser: &mut Parser<'_>, known: &[&str]) -> Outcome<()> {
    if !parser.parse_keyword(Keyword::WITH) {
        return Ok(());
    }
    loop {
        let option = parser.parse_identifier().map_err(|error| syntax(&error))?;
        if !known.iter().any(|it| option.value.eq_ignore_ascii_case(it)) {
            return Err(Untranslated::new(format!("WITH {}", option.value)));
        }
        if !parser.consume_token(&Token::Comma) {
            return Ok(());
        }
    }
}

/// Semicolons may follow, and nothing else.
fn end(parser: &mut Parser<'_>) -> Outcome<()> {
    while parser.consume_token(&Token::SemiColon) {}
    match parser.peek_token().token {
        Token::EOF => Ok(()),
        _ => {
            let start = parser.peek_token().span.start;
            Err(Untranslated::new("text after the query that was not understood").at(start))
        }
    }
}

/// Takes `WITH CHECK OPTION` off the end: the parser knows it in other places only.
fn without_check_option(tokens: &mut Vec<TokenWithSpan>) -> bool {
    let mut kept = tokens.len();
    while kept > 0 && matches!(tokens[kept - 1].token, Token::SemiColon | Token::EOF) {
        kept -= 1;
    }
    let ends = ["WITH", "CHECK", "OPTION"];
    let found = kept > ends.len()
        && tokens[kept - ends.len()..kept]
            .iter()
            .zip(ends)
            .all(|(token, word)| is_word(&token.token, word));
    if found {
        tokens.truncate(kept - ends.len());
    }
    found
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(it) if it.quote_style.is_none() && it.value.eq_ignore_ascii_case(word))
}

fn parser(text: &str) -> Outcome<Parser<'static>> {
    Ok(parser_of(tokens(text)?))
}

fn parser_of(tokens: Vec<TokenWithSpan>) -> Parser<'static> {
    Parser::new(&DIALECT)
        .with_recursion_limit(PARSER_DEPTH)
        .with_tokens_with_locations(tokens)
}

fn tokens(text: &str) -> Outcome<Vec<TokenWithSpan>> {
    if text.len() > LONGEST_TEXT {
        return Err(Untranslated::new("longer than 64 KiB"));
    }
    let mut tokens = Tokenizer::new(&DIALECT, text)
        .tokenize_with_location()
        .map_err(|_| Untranslated::new("text that was not understood"))?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    bounds(&tokens)?;
    quote_at(&mut tokens);
    plain_aliases(&mut tokens);
    Ok(with_next_value(tokens))
}

/// Before the parser recurses: each bracket costs stack.
fn bounds(tokens: &[TokenWithSpan]) -> Outcome<()> {
    if tokens.len() > MOST_TOKENS {
        return Err(Untranslated::new("more than 8,000 words and signs"));
    }
    let mut depth = 0_usize;
    for token in tokens {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::SingleQuotedString(text) | Token::NationalStringLiteral(text) => literal(text)?,
            _ => {}
        }
        // CASE nests without brackets.
        if depth > DEEPEST_NESTING {
            return Err(Untranslated::new("nested more than 100 deep"));
        }
    }
    Ok(())
}

/// "Transact-SQL: Line Continuation": a backslash at the end of a line takes both away.
fn literal(text: &str) -> Outcome<()> {
    if text.contains('\0') {
        return Err(Untranslated::new("a literal with U+0000"));
    }
    if text.contains("\\\n") || text.contains("\\\r") {
        return Err(Untranslated::new(
            "a literal that continues on the next line",
        ));
    }
    Ok(())
}

fn syntax(error: &ParserError) -> Untranslated {
    // The parser's message repeats the text, which the caller shows anyway.
    let message = match error {
        ParserError::RecursionLimitExceeded => return Untranslated::new("nested too deep"),
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
    };
    let refused = Untranslated::new("syntax that was not understood");
    match place(message) {
        Some(start) => refused.at(start),
        None => refused,
    }
}

/// `... at Line: 3, Column: 14`, as the parser ends its messages.
fn place(message: &str) -> Option<Location> {
    let (_, place) = message.rsplit_once(" at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some(Location {
        line: line.trim().parse().ok()?,
        column: column.trim().parse().ok()?,
    })
}

/// `AT` is a word of the parser's in more places than before TIME ZONE, and an alias of people's.
fn quote_at(tokens: &mut [TokenWithSpan]) {
    for at in 0..tokens.len() {
        let zone = tokens
            .get(at + 1)
            .is_some_and(|next| is_word(&next.token, "TIME"));
        if let Token::Word(word) = &mut tokens[at].token
            && word.keyword == Keyword::AT
            && !zone
        {
            word.keyword = Keyword::NoKeyword;
            word.quote_style = Some('[');
        }
    }
}

/// `AS N'name'`: the parser knows an alias in quotes without N only.
fn plain_aliases(tokens: &mut [TokenWithSpan]) {
    for at in 1..tokens.len() {
        if is_word(&tokens[at - 1].token, "AS")
            && let Token::NationalStringLiteral(name) = &mut tokens[at].token
        {
            tokens[at].token = Token::SingleQuotedString(std::mem::take(name));
        }
    }
}

/// `NEXT VALUE FOR a.b` as `[NEXT_VALUE](a.b)`: the parser does not know it.
fn with_next_value(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut made = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let rest = &tokens[at..];
        let found = [Keyword::NEXT, Keyword::VALUE, Keyword::FOR]
            .iter()
            .zip(rest)
            .all(|(keyword, token)| matches!(&token.token, Token::Word(word) if word.keyword == *keyword));
        if !found || rest.len() < 4 {
            made.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut end = 3;
        while end < rest.len() && matches!(rest[end].token, Token::Word(_) | Token::Period) {
            end += 1;
        }
        let name = Token::Word(Word {
            value: NEXT_VALUE.to_owned(),
            quote_style: Some('['),
            keyword: Keyword::NoKeyword,
        });
        made.push(TokenWithSpan::new(name, rest[0].span));
        made.push(TokenWithSpan::new(Token::LParen, rest[0].span));
        made.extend_from_slice(&rest[3..end]);
        made.push(TokenWithSpan::new(Token::RParen, rest[0].span));
        at += end;
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        expression(text).unwrap_err().reason
    }

    #[test]
    fn bounds_hold() {
        assert_eq!(reason(&"1+".repeat(40_000)), "longer than 64 KiB");
        assert_eq!(
            reason(&"1+".repeat(5_000)),
            "more than 8,000 words and signs"
        );
        let deep = format!("{}1{}", "(".repeat(101), ")".repeat(101));
        assert_eq!(reason(&deep), "nested more than 100 deep");
        let deep = format!("{}1{}", "(".repeat(99), ")".repeat(99));
        assert!(expression(&deep).is_ok());
        assert!(expression(&"case when ".repeat(1_000)).is_err());
    }

    #[test]
    fn what_is_left_over_is_no_expression() {
        assert!(expression("(1) (2)").is_err());
        assert!(expression("'a' 'b'").is_err());
        assert!(expression("").is_err());
        assert!(reason("'a\\\nb'").contains("continues"));
    }

    #[test]
    fn next_value_for_is_a_call() {
        let expr = expression("(NEXT VALUE FOR [dbo].[my seq])").unwrap();
        assert!(expr.to_string().contains("([dbo].[my seq])"), "{expr}");
        assert!(expression("next value for").is_err());
    }
}
