//! Dates and times as text, by the styles of CONVERT ("Date and time styles").
//!
//! A style is a list of pieces: what `to_char` prints with a fixed width is one pattern, the rest
//! is put together. `to_char` is STABLE, so styles 23 and 112 are made of numbers and can be part
//! of a table.

use super::context::Context;
use super::convert_moment::fraction;
use super::convert_text::{TooLong, shown};
use super::types::{self, Family};
use super::value::Value;
use super::{Outcome, Untranslated, Volatility};
use crate::schema::SqlType;

/// A piece of a style.
#[derive(Debug, Clone, Copy)]
enum Piece {
    /// A pattern of `to_char` with a width that does not vary.
    Pattern(&'static str),
    /// The day of the month, a blank before one digit.
    BlankDay,
    /// The hour of twelve, a blank before one digit.
    BlankHour,
    /// Fractional digits behind this sign: as many as the type has.
    Fraction(char),
}

/// A cast without a style. The older types have style 0, the newer ones 121.
pub(super) fn plain(context: &mut Context<'_>, value: &Value, to: &SqlType) -> Outcome<Value> {
    let style = match value.ty {
        Some(SqlType::DateTime | SqlType::SmallDateTime) => 0,
        _ => 121,
    };
    styled(context, value, to, style)
}

/// CONVERT to text with a style. A result that is too long is cut, which gives `yyyy-mm`.
///
/// # Errors
/// A style that is not known, or whose result for this type is not documented.
pub(super) fn styled(
    context: &mut Context<'_>,
    value: &Value,
    to: &SqlType,
    style: i128,
) -> Outcome<Value> {
    let refused = || Untranslated::new(format!("CONVERT of {} with style {style}", value.shown()));
    let ty = value.ty.clone().ok_or_else(refused)?;
    // Styles 23 and 112 in functions that are immutable.
    if value.family() != Family::Time && matches!(style, 23 | 112) {
        let (sql, length) = immutable(value, style);
        return Ok(shown(sql, length, to, TooLong::Cut));
    }
    if ty == SqlType::Date && matches!(style, 20 | 21 | 25 | 120 | 121 | 126) {
        let (sql, length) = immutable(value, 23);
        return Ok(shown(sql, length, to, TooLong::Cut));
    }
    if ty == SqlType::DateTime && style == 126 {
        context.at_least(Volatility::Stable);
        // "ISO8601": without milliseconds if there are none.
        let sql = format!(
            "(to_char({0}, 'YYYY-MM-DD\"T\"HH24:MI:SS') || CASE WHEN date_trunc('second', {0}) = {0} \
             THEN '' ELSE to_char({0}, '.MS') END)",
            value.operand()
        );
        return Ok(shown(sql, 23, to, TooLong::Cut));
    }
    let pieces = pieces(style).ok_or_else(refused)?;
    let pieces = fitting(pieces, &ty, style).ok_or_else(refused)?;
    let (sql, length) = written(value, &ty, &pieces);
    context.at_least(Volatility::Stable);
    if pieces
        .iter()
        .any(|piece| matches!(piece, Piece::Pattern(it) if it.contains("Mon")))
    {
        context.note("names of months are English; the source uses the language of the session");
    }
    Ok(shown(sql, length, to, TooLong::Cut))
}

/// Date and time of a style; what a type does not have is left out of them.
fn pieces(style: i128) -> Option<(&'static [Piece], &'static [Piece])> {
    use Piece::{BlankDay, BlankHour, Fraction, Pattern};
    const MONTH_FIRST: &[Piece] = &[Pattern("Mon "), BlankDay, Pattern(" YYYY")];
    const DAY_FIRST: &[Piece] = &[Pattern("DD Mon YYYY")];
    const NONE: &[Piece] = &[];
    const SECONDS: &[Piece] = &[Pattern("HH24:MI:SS")];
    const ISO: &[Piece] = &[Pattern("YYYY-MM-DD")];
    Some(match style {
        0 | 100 => (MONTH_FIRST, &[BlankHour, Pattern(":MIAM")]),
        1 => (&[Pattern("MM/DD/YY")], NONE),
        101 => (&[Pattern("MM/DD/YYYY")], NONE),
        2 => (&[Pattern("YY.MM.DD")], NONE),
        102 => (&[Pattern("YYYY.MM.DD")], NONE),
        3 => (&[Pattern("DD/MM/YY")], NONE),
        103 => (&[Pattern("DD/MM/YYYY")], NONE),
        4 => (&[Pattern("DD.MM.YY")], NONE),
        104 => (&[Pattern("DD.MM.YYYY")], NONE),
        5 => (&[Pattern("DD-MM-YY")], NONE),
        105 => (&[Pattern("DD-MM-YYYY")], NONE),
        6 => (&[Pattern("DD Mon YY")], NONE),
        106 => (DAY_FIRST, NONE),
        7 => (&[Pattern("Mon DD, YY")], NONE),
        107 => (&[Pattern("Mon DD, YYYY")], NONE),
        8 | 24 | 108 => (NONE, SECONDS),
        9 | 109 => (
            MONTH_FIRST,
            &[BlankHour, Pattern(":MI:SS"), Fraction(':'), Pattern("AM")],
        ),
        10 => (&[Pattern("MM-DD-YY")], NONE),
        110 => (&[Pattern("MM-DD-YYYY")], NONE),
        11 => (&[Pattern("YY/MM/DD")], NONE),
        111 => (&[Pattern("YYYY/MM/DD")], NONE),
        12 => (&[Pattern("YYMMDD")], NONE),
        13 | 113 => (DAY_FIRST, &[Pattern("HH24:MI:SS"), Fraction(':')]),
        14 | 114 => (NONE, &[Pattern("HH24:MI:SS"), Fraction(':')]),
        20 | 120 => (ISO, SECONDS),
        21 | 25 | 121 => (ISO, &[Pattern("HH24:MI:SS"), Fraction('.')]),
        _ => return None,
    })
}

/// The pieces that a type has; `None` if the source fails or its answer is not documented.
fn fitting(
    (date, time): (&'static [Piece], &'static [Piece]),
    ty: &SqlType,
    style: i128,
) -> Option<Vec<Piece>> {
    let fractional = time.iter().any(|it| matches!(it, Piece::Fraction(_)));
    // How the newer types show their digits with a colon is not documented, nor how many zeros
    // `smalldatetime` has.
    let documented = !fractional
        || *ty == SqlType::DateTime
        || (matches!(ty, SqlType::DateTime2 { .. } | SqlType::Time { .. })
            && matches!(style, 21 | 25 | 121));
    let parts: &[&[Piece]] = match types::family(ty) {
        Family::Date => &[date],
        Family::Time => &[time],
        _ => &[date, time],
    };
    let parts: Vec<&[Piece]> = parts.iter().copied().filter(|it| !it.is_empty()).collect();
    if parts.is_empty() || !documented {
        return None;
    }
    Some(parts.join(&Piece::Pattern(" ")))
}

/// The text, and how long it is at most.
fn written(value: &Value, ty: &SqlType, pieces: &[Piece]) -> (String, u16) {
    // `to_char` of a time takes it for an interval.
    let moment = match types::family(ty) {
        Family::Date => value.cast("timestamp"),
        _ => value.sql.clone(),
    };
    let mut parts: Vec<String> = Vec::new();
    let mut pattern = String::new();
    let mut length = 0;
    for piece in pieces {
        let single = match piece {
            Piece::Pattern(it) => {
                pattern.push_str(it);
                length += u16::try_from(it.replace("HH24", "HH").len()).unwrap_or(0);
                continue;
            }
            Piece::Fraction(sign) => {
                let digits = fraction(ty);
                if digits > 0 {
                    pattern.push_str(&format!("{sign}{}", fraction_pattern(digits)));
                    length += u16::from(digits) + 1;
                }
                continue;
            }
            Piece::BlankDay => format!("lpad(to_char({moment}, 'FMDD'), 2)"),
            // A time by itself begins with its first digit.
            Piece::BlankHour if types::family(ty) == Family::Time => {
                pattern.push_str("FMHH12");
                length += 2;
                continue;
            }
            Piece::BlankHour => format!("lpad(to_char({moment}, 'FMHH12'), 2)"),
        };
        if !pattern.is_empty() {
            parts.push(format!("to_char({moment}, '{pattern}')"));
            pattern.clear();
        }
        length += 2;
        parts.push(single);
    }
    if !pattern.is_empty() {
        parts.push(format!("to_char({moment}, '{pattern}')"));
    }
    match parts.as_slice() {
        [one] => (one.clone(), length),
        _ => (format!("({})", parts.join(" || ")), length),
    }
}

/// Fractional digits for `to_char`, the seventh a zero.
fn fraction_pattern(digits: u8) -> String {
    match digits {
        3 => "MS".to_owned(),
        7 => "FF6\"0\"".to_owned(),
        digits => format!("FF{digits}"),
    }
}

/// `yyyy-mm-dd` or `yyyymmdd`. `to_char` would do, but is not immutable.
fn immutable(value: &Value, style: i128) -> (String, u16) {
    let part = |field: &str| format!("extract({field} from {})::integer", value.sql);
    if style == 112 {
        let sql = format!(
            "lpad(({} * 10000 + {} * 100 + {})::text, 8, '0')",
            part("year"),
            part("month"),
            part("day")
        );
        return (sql, 8);
    }
    let padded = |field: &str, width: u8| format!("lpad({}::text, {width}, '0')", part(field));
    let sql = format!(
        "({} || '-' || {} || '-' || {})",
        padded("year", 4),
        padded("month", 2),
        padded("day", 2)
    );
    (sql, 10)
}
