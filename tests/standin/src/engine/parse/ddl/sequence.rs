//! CREATE SEQUENCE and ALTER SEQUENCE.

use sqlparser::tokenizer::Token;

use crate::engine::error::Result;
use crate::engine::parse::definition::SequenceSpec;
use crate::engine::parse::tokens::Tokens;

/// After the word SEQUENCE.
pub(super) fn sequence(t: &mut Tokens) -> Result<SequenceSpec> {
    let mut spec = SequenceSpec {
        name: t.name()?,
        ty: None,
        start: None,
        increment: None,
        minimum: None,
        maximum: None,
        cycle: None,
        cache: None,
        restart: None,
    };
    while option(t, &mut spec)? {}
    Ok(spec)
}

fn option(t: &mut Tokens, spec: &mut SequenceSpec) -> Result<bool> {
    if t.take_word("AS") {
        spec.ty = Some(t.type_name()?);
    } else if t.take_words(&["START", "WITH"]) {
        spec.start = Some(t.integer()?);
    } else if t.take_words(&["RESTART", "WITH"]) {
        spec.restart = Some(Some(t.integer()?));
    } else if t.take_word("RESTART") {
        spec.restart = Some(None);
    } else if t.take_words(&["INCREMENT", "BY"]) {
        spec.increment = Some(t.integer()?);
    } else if t.take_words(&["NO", "MINVALUE"]) {
        spec.minimum = Some(None);
    } else if t.take_word("MINVALUE") {
        spec.minimum = Some(Some(t.integer()?));
    } else if t.take_words(&["NO", "MAXVALUE"]) {
        spec.maximum = Some(None);
    } else if t.take_word("MAXVALUE") {
        spec.maximum = Some(Some(t.integer()?));
    } else if t.take_words(&["NO", "CYCLE"]) {
        spec.cycle = Some(false);
    } else if t.take_word("CYCLE") {
        spec.cycle = Some(true);
    } else if t.take_words(&["NO", "CACHE"]) {
        spec.cache = Some(None);
    } else if t.take_word("CACHE") {
        let size = matches!(t.peek(), Token::Number(..)).then(|| t.integer());
        spec.cache = Some(Some(size.transpose()?));
    } else {
        return Ok(false);
    }
    Ok(true)
}
