//! T-SQL that the parser does not know, rewritten before it reads it.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::engine::error::{Result, syntax};
use crate::engine::model::graph::PSEUDO;
use crate::engine::parse::word::is_word;

/// Makes one name of `geometry::STGeomFromWKB`, which `sqlparser` takes for a cast.
pub(crate) fn static_methods(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at + 2 < tokens.len() {
        if let (Token::Word(ty), Token::DoubleColon, Token::Word(method)) = (
            &tokens[at].token,
            &tokens[at + 1].token,
            &tokens[at + 2].token,
        ) {
            let name = format!("{}::{}", ty.value.to_lowercase(), method.value);
            tokens[at].token = Token::make_word(&name, Some('['));
            tokens.drain(at + 1..at + 3);
        }
        at += 1;
    }
}

/// Quotes the word AT where no TIME ZONE follows: it may be an alias, and `sqlparser` reads a version
/// of a table there.
pub(crate) fn aliases(tokens: &mut [TokenWithSpan]) {
    for at in 0..tokens.len() {
        // `AS N'name'` is an alias too.
        if at > 0
            && is_word(&tokens[at - 1].token, "AS")
            && let Token::NationalStringLiteral(name) = &tokens[at].token
        {
            tokens[at].token = Token::make_word(&name.clone(), Some('['));
        }
        let zone = tokens
            .get(at + 1)
            .is_some_and(|t| is_word(&t.token, "TIME"));
        if is_word(&tokens[at].token, "AT") && !zone {
            tokens[at].token = Token::make_word(&tokens[at].token.to_string(), Some('['));
        }
    }
}

/// Makes names of `$node_id` and its like, which `sqlparser` takes for placeholders.
pub(crate) fn pseudo_columns(tokens: &mut [TokenWithSpan]) {
    for token in tokens {
        if let Token::Placeholder(name) = &token.token
            && PSEUDO.iter().any(|known| known.eq_ignore_ascii_case(name))
        {
            token.token = Token::make_word(&name.clone(), Some('['));
        }
    }
}

/// The name of the call that stands for `NEXT VALUE FOR sequence`, which `sqlparser` cannot read.
pub(crate) const NEXT_VALUE: &str = "NEXT VALUE FOR";

/// Turns `NEXT VALUE FOR [schema.]sequence` into a call with the sequence's name as argument.
pub(crate) fn next_value_calls(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at + 3 < tokens.len() {
        let words = ["NEXT", "VALUE", "FOR"];
        if !(0..3).all(|i| is_word(&tokens[at + i].token, words[i])) {
            at += 1;
            continue;
        }
        let mut end = at + 4;
        while end + 1 < tokens.len() && tokens[end].token == Token::Period {
            end += 2;
        }
        let like = |token: Token, model: &TokenWithSpan| TokenWithSpan {
            token,
            span: model.span,
        };
        let model = tokens[at].clone();
        tokens.insert(end, like(Token::RParen, &model));
        let call = [
            like(Token::make_word(NEXT_VALUE, Some('[')), &model),
            like(Token::LParen, &model),
        ];
        tokens.splice(at..at + 3, call);
        at = end;
    }
}

/// `TABLESAMPLE (...) WITH (hints)` in the order in which `sqlparser` takes them: the hints first,
/// which T-SQL refuses ("FROM clause plus JOIN, APPLY, PIVOT", `<table_source>`).
pub(crate) fn samples_before_hints(tokens: &mut [TokenWithSpan]) -> Result<()> {
    let is = |tokens: &[TokenWithSpan], at: usize, word| {
        tokens.get(at).is_some_and(|t| is_word(&t.token, word))
    };
    let past_parentheses = |tokens: &[TokenWithSpan], mut at: usize| {
        while at < tokens.len() && tokens[at].token != Token::RParen {
            at += 1;
        }
        (at + 1).min(tokens.len())
    };
    let mut next = 0;
    while next < tokens.len() {
        let at = next;
        next += 1;
        if !is(tokens, at, "TABLESAMPLE") {
            continue;
        }
        if at > 0 && tokens[at - 1].token == Token::RParen {
            return Err(syntax("TABLESAMPLE"));
        }
        let mut end = past_parentheses(tokens, at);
        if is(tokens, end, "REPEATABLE") {
            end = past_parentheses(tokens, end);
        }
        if is(tokens, end, "WITH")
            && tokens
                .get(end + 1)
                .is_some_and(|t| t.token == Token::LParen)
        {
            let hints = past_parentheses(tokens, end);
            tokens[at..hints].rotate_left(end - at);
            next = hints;
        }
    }
    Ok(())
}

/// How the call of `$PARTITION.[function](value)` begins its name.
pub(crate) const PARTITION: &str = "$PARTITION.";

/// Makes one name of `$PARTITION.[function]`, of which `sqlparser` takes the first part for a parameter.
pub(crate) fn partition_calls(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at + 2 < tokens.len() {
        let begins = matches!(&tokens[at].token, Token::Placeholder(p) if p.eq_ignore_ascii_case("$PARTITION"));
        if let (true, Token::Period, Token::Word(function)) =
            (begins, &tokens[at + 1].token, &tokens[at + 2].token)
        {
            let name = format!("{PARTITION}{}", function.value);
            tokens[at].token = Token::make_word(&name, Some('['));
            tokens.drain(at + 1..at + 3);
        }
        at += 1;
    }
}
