//! Assignments to variables: `@a += value` as `@a = @a + (value)`, and the variables of a SELECT.

use sqlparser::ast::{Ident, Query, SelectItem, SetExpr};
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// The name of a variable. `@@ROWCOUNT` and the like are none.
pub(super) fn variable(token: &Token) -> Option<String> {
    match token {
        Token::Word(word) if word.quote_style.is_none() && word.value.starts_with('@') => {
            (!word.value.starts_with("@@")).then(|| word.value.clone())
        }
        _ => None,
    }
}

/// `@a + (value)` for `@a += value`.
pub(super) fn computed(
    variable: &TokenWithSpan,
    operator: &TokenWithSpan,
    value: &[TokenWithSpan],
) -> Vec<TokenWithSpan> {
    let mut made = vec![variable.clone(), operator.clone()];
    made.push(TokenWithSpan::new(Token::LParen, operator.span));
    made.extend_from_slice(value);
    made.push(TokenWithSpan::new(Token::RParen, operator.span));
    made
}

/// `SELECT @a = @a + (value)` for `SELECT @a += value`.
pub(super) fn plain_assignments(tokens: &[TokenWithSpan]) -> Vec<TokenWithSpan> {
    let mut made: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut brackets = 0_usize;
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at].token {
            Token::LParen => brackets += 1,
            Token::RParen => brackets = brackets.saturating_sub(1),
            token if brackets == 0 && variable(token).is_some() && compound(&tokens[at + 1..]) => {
                let end = item_end(tokens, at + 3);
                made.push(tokens[at].clone());
                made.push(tokens[at + 2].clone());
                made.extend(computed(&tokens[at], &tokens[at + 1], &tokens[at + 3..end]));
                at = end;
                continue;
            }
            _ => {}
        }
        made.push(tokens[at].clone());
        at += 1;
    }
    made
}

/// An operator and `=`.
fn compound(rest: &[TokenWithSpan]) -> bool {
    let [operator, eq, ..] = rest else {
        return false;
    };
    let operators = [
        Token::Plus,
        Token::Minus,
        Token::Mul,
        Token::Div,
        Token::Mod,
        Token::Ampersand,
        Token::Pipe,
        Token::Caret,
    ];
    operators.contains(&operator.token) && eq.token == Token::Eq
}

/// The end of an item of a select list: a comma, FROM or the end of all.
fn item_end(tokens: &[TokenWithSpan], start: usize) -> usize {
    let mut brackets = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match &token.token {
            Token::LParen => brackets += 1,
            Token::RParen => brackets = brackets.saturating_sub(1),
            Token::Comma if brackets == 0 => return at,
            Token::Word(word) if brackets == 0 && word.keyword == Keyword::FROM => return at,
            _ => {}
        }
    }
    tokens.len()
}

/// The variable that each column of a SELECT sets.
pub(super) fn names(query: &Query) -> Vec<Option<String>> {
    let SetExpr::Select(select) = &*query.body else {
        return Vec::new();
    };
    let target = |ident: &Ident| {
        let set = ident.quote_style.is_none() && ident.value.starts_with('@');
        set.then(|| ident.value.clone())
    };
    let each = select.projection.iter().map(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } => target(alias),
        _ => None,
    });
    each.collect()
}
