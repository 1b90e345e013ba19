//! Questions about single tokens.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::Token;

pub(crate) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// Whether an identifier is a variable of the batch.
pub(crate) fn is_variable(ident: &Ident) -> bool {
    ident.quote_style.is_none() && ident.value.starts_with('@')
}
