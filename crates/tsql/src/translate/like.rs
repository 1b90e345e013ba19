//! LIKE patterns: to PostgreSQL's LIKE where there are no classes, else to a regular expression.

use super::collation::Collation;
use super::compare;
use super::context::Context;
use super::convert;
use super::helper::Helper;
use super::types::Family;
use super::value::{Value, quote};
use super::{Outcome, Untranslated};
use crate::schema::SqlType;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Character(char),
    /// `%`
    Any,
    /// `_`
    One,
    /// `[...]`: ranges from and to, both included.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Piece {
    fn has_range(&self) -> bool {
        match self {
            Self::Class { ranges, .. } => ranges.iter().any(|(from, to)| from != to),
            _ => false,
        }
    }
}

pub(super) fn like(
    context: &mut Context<'_>,
    text: &Value,
    pattern: &Value,
    escape: Option<&Value>,
    negated: bool,
) -> Outcome<String> {
    let number = matches!(text.family(), Family::Int | Family::Decimal | Family::Uuid);
    if text.family() != Family::Text && !number {
        return Err(Untranslated::new(format!("LIKE of {}", text.shown())));
    }
    let length = Some(41);
    let shown = if number {
        convert::converted(context, text.clone(), &SqlType::VarChar { length })?
    } else {
        text.clone()
    };
    let text = &shown;
    text.filled()?;
    let Some(written) = pattern.as_text() else {
        return varying(context, text, pattern, escape, negated);
    };
    let escape = match escape {
        None => None,
        Some(value) => Some(escape_character(value)?),
    };
    let pieces = pieces(written, escape)?;
    let collation = context.collation(text, pattern)?;
    certain(&collation, written, &pieces)?;
    if !collation.binary {
        compare::remark(context, &collation);
        if pieces.iter().any(Piece::has_range) {
            context.linguistic_range(&collation);
        }
    }
    let one = pieces
        .iter()
        .any(|piece| matches!(piece, Piece::One | Piece::Class { .. }));
    let national = text.is_national() || pattern.is_national();
    if one && national && !collation.supplementary {
        context.note("LIKE: `_` and classes match one character; in the source they match half of one beyond U+FFFF");
    }
    // Letters beyond ASCII are folded by ICU, on both sides.
    let icu = collation.doubt(written).map(|_| collation.icu());
    written_out(text, &pieces, (&collation, icu), national, negated)
}

/// With a pattern that is known only when it runs: a helper function makes it a regular
/// expression.
fn varying(
    context: &mut Context<'_>,
    text: &Value,
    pattern: &Value,
    escape: Option<&Value>,
    negated: bool,
) -> Outcome<String> {
    let escape = match escape {
        None => "NULL".to_owned(),
        Some(value) => quote(&escape_character(value)?.to_string()),
    };
    if pattern.family() != Family::Text {
        return Err(Untranslated::new(format!("LIKE {}", pattern.shown())));
    }
    context.only_read("LIKE with a pattern that varies")?;
    let pattern = &pattern.clone().kept()?;
    let collation = context.collation(text, pattern)?;
    if !collation.binary && !collation.accent_sensitive {
        return Err(Untranslated::new(format!(
            "LIKE without accents ({}) with a pattern that varies",
            collation.name
        )));
    }
    if !collation.binary {
        compare::remark(context, &collation);
    }
    let key = |value: &Value| {
        if collation.folds() {
            let icu = collation.icu();
            format!("lower({} COLLATE {icu}) COLLATE \"C\"", value.operand())
        } else {
            format!("{} COLLATE \"C\"", value.operand())
        }
    };
    // Trailing blanks of a `varchar` may be there or not; of an `nvarchar` they count.
    let open = text.is_national() || pattern.is_national();
    let helper = context.help(Helper::LikePattern)?;
    let sign = if negated { "!~" } else { "~" };
    Ok(format!(
        "{} {sign} {helper}({}, {escape}, {open})",
        key(text),
        key(pattern)
    ))
}

/// PATINDEX: where a pattern of `%...%` is found first, 0 if nowhere.
pub(super) fn position(
    context: &mut Context<'_>,
    text: &Value,
    pattern: &Value,
) -> Outcome<String> {
    let written = pattern
        .as_text()
        .ok_or_else(|| Untranslated::new("PATINDEX with a pattern that varies"))?;
    let pieces = pieces(written, None)?;
    let collation = context.collation(text, pattern)?;
    certain(&collation, written, &pieces)?;
    if !collation.binary {
        compare::remark(context, &collation);
        if pieces.iter().any(Piece::has_range) {
            context.linguistic_range(&collation);
        }
    }
    let [Piece::Any, inner @ .., Piece::Any] = pieces.as_slice() else {
        return Err(Untranslated::new(
            "PATINDEX of a pattern without % at both ends",
        ));
    };
    let fold = collation.folds();
    let mut regex = String::from("^(.*?)");
    for piece in inner {
        one(&mut regex, piece, fold);
    }
    let operand = if collation.doubt(written).is_some() {
        let icu = collation.icu();
        format!("lower({} COLLATE {icu}) COLLATE \"C\"", text.operand())
    } else if fold {
        format!("lower({} COLLATE \"C\")", text.operand())
    } else {
        format!("{} COLLATE \"C\"", text.operand())
    };
    // The text before it, as short as can be.
    Ok(format!(
        "CASE WHEN {} IS NOT NULL THEN coalesce(length(substring({operand} from {})) + 1, 0) END",
        text.operand(),
        quote(&regex)
    ))
}

fn escape_character(value: &Value) -> Outcome<char> {
    let mut characters = value.as_text().unwrap_or_default().chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Untranslated::new("ESCAPE of other than one character")),
    }
}

fn pieces(pattern: &str, escape: Option<char>) -> Outcome<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        pieces.push(match character {
            it if Some(it) == escape => {
                let next = rest
                    .next()
                    .ok_or_else(|| Untranslated::new("a pattern that ends in its escape"))?;
                Piece::Character(next)
            }
            '%' => Piece::Any,
            '_' => Piece::One,
            '[' => {
                let inside: String = rest.by_ref().take_while(|it| *it != ']').collect();
                // `take_while` eats the bracket; without one there is nothing left.
                let read = pattern.len() - rest.as_str().len();
                if !pattern[..read].ends_with(']') {
                    return Err(Untranslated::new("LIKE with a `[` that is not closed"));
                }
                class(&inside, escape)?
            }
            it => Piece::Character(it),
        });
    }
    Ok(pieces)
}

/// The inside of `[...]`.
fn class(inside: &str, escape: Option<char>) -> Outcome<Piece> {
    let (negated, inside) = match inside.strip_prefix('^') {
        Some(inside) => (true, inside),
        None => (false, inside),
    };
    let characters: Vec<char> = inside.chars().collect();
    if characters.is_empty() || characters.iter().any(|it| Some(*it) == escape) {
        return Err(Untranslated::new(
            "LIKE with a class that is empty or escaped",
        ));
    }
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        match characters[at..] {
            [from, '-', to, ..] => {
                ranges.push((from, to));
                at += 3;
            }
            [one, ..] => {
                ranges.push((one, one));
                at += 1;
            }
            [] => break,
        }
    }
    if ranges.iter().any(|(from, to)| from > to) {
        return Err(Untranslated::new("LIKE with a range that runs backwards"));
    }
    Ok(Piece::Class { negated, ranges })
}

/// Under a linguistic collation a range is a piece of its order: known as far as ASCII goes for
/// digits, and for letters where case does not count.
fn certain(collation: &Collation, written: &str, pieces: &[Piece]) -> Outcome<()> {
    if let Some(doubt) = collation.unsearchable(written) {
        return Err(Untranslated::new(doubt));
    }
    if collation.binary {
        return Ok(());
    }
    for piece in pieces {
        let Piece::Class { ranges, .. } = piece else {
            continue;
        };
        for range @ (from, to) in ranges {
            let digits = from.is_ascii_digit() && to.is_ascii_digit();
            let letters = from.is_ascii_alphabetic() && to.is_ascii_alphabetic();
            let all = [('a', 'z'), ('A', 'Z')];
            let whole = all.contains(range) && all.iter().all(|it| ranges.contains(it));
            let same_case = from.is_ascii_lowercase() == to.is_ascii_lowercase();
            let fine =
                from == to || digits || (letters && same_case && (collation.folds() || whole));
            if !fine {
                return Err(Untranslated::new(format!(
                    "LIKE with the range {from}-{to} in the order of {}",
                    collation.name
                )));
            }
        }
    }
    Ok(())
}

fn written_out(
    text: &Value,
    pieces: &[Piece],
    (collation, icu): (&Collation, Option<String>),
    national: bool,
    negated: bool,
) -> Outcome<String> {
    let fold = collation.folds();
    let inner = match (&text.folded, fold) {
        (Some(inner), true) => inner,
        _ => text,
    };
    let exact = inner.sql.as_str();
    let bare = match &inner.bare {
        Some(bare) => bare.clone(),
        None => format!("rtrim({exact})"),
    };
    let operand = |sql: &str, atom: bool| {
        let sql = if atom {
            sql.to_owned()
        } else {
            format!("({sql})")
        };
        match &icu {
            _ if !fold => format!("{sql} COLLATE \"C\""),
            Some(icu) => format!("lower({sql} COLLATE {icu}) COLLATE \"C\""),
            None => format!("lower({sql} COLLATE \"C\")"),
        }
    };
    let not = if negated { "NOT " } else { "" };
    let classes = pieces.iter().any(|it| matches!(it, Piece::Class { .. }));
    let last = pieces.last();
    // Trailing blanks of a `varchar` may be there or not; of an `nvarchar` they count.
    let open = last == Some(&Piece::Any) || national;
    let solid = matches!(last, Some(Piece::Character(it)) if *it != ' ');
    if !classes && (open || solid) {
        let operand = if open {
            operand(exact, inner.atom)
        } else {
            operand(&bare, true)
        };
        return Ok(format!(
            "{operand} {not}LIKE {}",
            quote(&pattern(pieces, fold))
        ));
    }
    let sign = if negated { "!~" } else { "~" };
    let regex = quote(&regex(pieces, fold, open));
    Ok(format!("{} {sign} {regex}", operand(exact, inner.atom)))
}

fn folded(character: char, fold: bool) -> char {
    let mut small = character.to_lowercase();
    match (small.next(), small.next()) {
        (Some(small), None) if fold => small,
        _ => character,
    }
}

/// For LIKE, whose escape is the backslash unless it is told otherwise.
fn pattern(pieces: &[Piece], fold: bool) -> String {
    let mut made = String::new();
    for piece in pieces {
        match piece {
            Piece::Any => made.push('%'),
            Piece::One => made.push('_'),
            Piece::Character(character) => {
                if matches!(character, '%' | '_' | '\\') {
                    made.push('\\');
                }
                made.push(folded(*character, fold));
            }
            Piece::Class { .. } => {}
        }
    }
    made
}

/// An advanced regular expression of the whole text.
fn regex(pieces: &[Piece], fold: bool, open: bool) -> String {
    let mut made = String::from("^");
    let (pieces, end) = match pieces.split_last() {
        Some((Piece::Any, rest)) => (rest, ""),
        _ if open => (pieces, "$"),
        _ => (pieces, " *$"),
    };
    for piece in pieces {
        one(&mut made, piece, fold);
    }
    made + end
}

/// One piece as a regular expression.
fn one(made: &mut String, piece: &Piece, fold: bool) {
    match piece {
        Piece::Any => made.push_str(".*"),
        Piece::One => made.push('.'),
        Piece::Character(character) => escaped(made, folded(*character, fold)),
        Piece::Class { negated, ranges } => {
            made.push_str(if *negated { "[^" } else { "[" });
            for (from, to) in ranges {
                escaped(made, folded(*from, fold));
                if from != to {
                    made.push('-');
                    escaped(made, folded(*to, fold));
                }
            }
            made.push(']');
        }
    }
}

/// A backslash makes every sign an ordinary character, in brackets too.
fn escaped(made: &mut String, character: char) {
    if character.is_ascii_punctuation() {
        made.push('\\');
    }
    made.push(character);
}
