//! What tables and indexes share: key columns, WITH and ON.

use sqlparser::tokenizer::Token;

use crate::engine::error::{Result, unsupported};
use crate::engine::parse::definition::On;
use crate::engine::parse::tokens::Tokens;
use crate::engine::parse::word::is_word;

/// Whether the WITH parentheses that come next switch an option ON.
pub(crate) fn with_options(t: &Tokens, option: &str) -> bool {
    let mut ahead = 0;
    if !(t.is_word("WITH") && matches!(t.peek_at(1), Token::LParen)) {
        return false;
    }
    while !matches!(t.peek_at(ahead), Token::RParen | Token::EOF) {
        if is_word(t.peek_at(ahead), option) && is_word(t.peek_at(ahead + 2), "ON") {
            return true;
        }
        ahead += 1;
    }
    false
}

/// `WITH (...)`, `ON filegroup`, `TEXTIMAGE_ON filegroup`: where and how, which mean nothing here,
/// except for a partition scheme with its column.
pub(crate) fn storage(t: &mut Tokens) -> Result<Option<On>> {
    let mut on = None;
    loop {
        if t.is_word("WITH") && matches!(t.peek_at(1), Token::LParen) {
            let mut ahead = 2;
            while !matches!(t.peek_at(ahead), Token::RParen | Token::EOF) {
                if is_word(t.peek_at(ahead), "SYSTEM_VERSIONING") {
                    return Ok(on);
                }
                ahead += 1;
            }
            if with_options(t, "IGNORE_DUP_KEY") {
                return Err(unsupported("IGNORE_DUP_KEY = ON"));
            }
            t.next();
            t.skip_parentheses()?;
        } else if t.is_word("WITH") && is_word(t.peek_at(1), "FILLFACTOR") {
            t.next();
            t.next();
            t.expect(&Token::Eq)?;
            t.integer()?;
        } else if t
            .take_one_of(&["ON", "TEXTIMAGE_ON", "FILESTREAM_ON"])
            .is_some()
        {
            let scheme = t.text()?;
            if matches!(t.peek(), Token::LParen) {
                let columns = t.list(Tokens::identifier)?;
                on = columns
                    .into_iter()
                    .next()
                    .map(|column| On { scheme, column });
            }
        } else {
            return Ok(on);
        }
    }
}

pub(crate) fn key_column(t: &mut Tokens) -> Result<(String, bool)> {
    let name = t.identifier()?;
    let descending = t.take_one_of(&["ASC", "DESC"]) == Some("DESC");
    Ok((name, descending))
}
