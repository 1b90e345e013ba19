//! FORMAT of dates and numbers, by the plain ones of .NET's formats as the culture en-US has them.
//!
//! Few of .NET's formats have an exact counterpart in `to_char`; only those below are translated.

use super::Call;
use crate::schema::SqlType;
use crate::translate::context::Context;
use crate::translate::types::Family;
use crate::translate::value::{Value, quote};
use crate::translate::{Outcome, Volatility};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &["FORMAT"];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    (call.name == "FORMAT").then(|| format_of(context, call))
}

fn format_of(context: &mut Context<'_>, call: &Call<'_>) -> Outcome<Value> {
    let mut arguments = call.all(context)?.into_iter();
    let none = || call.refused("these arguments");
    let value = arguments.next().ok_or_else(none)?;
    let format = arguments.next().ok_or_else(none)?;
    let format = format
        .as_text()
        .ok_or_else(|| call.refused("a format that varies"))?;
    match arguments.next() {
        None => context.note("FORMAT writes as the culture en-US does, as under us_english"),
        Some(culture) => {
            let known = |text: &str| text.eq_ignore_ascii_case("en-us");
            if !culture.as_text().is_some_and(known) {
                return Err(call.refused("a culture other than en-US"));
            }
        }
    }
    let unknown = || call.refused(&format!("the format {format:?}"));
    let sql = match value.family() {
        Family::Date | Family::Moment => {
            let pattern = date_pattern(format).ok_or_else(unknown)?;
            format!("to_char({}, {})", value.cast("timestamp"), quote(&pattern))
        }
        Family::Int | Family::Decimal | Family::Money => {
            number(&value, format).ok_or_else(unknown)?
        }
        _ => return Err(call.unlike(&value)),
    };
    context.at_least(Volatility::Stable);
    let length = Some(4_000);
    Ok(Value::operation(sql, SqlType::NVarChar { length }))
}

/// A custom format of dates as one of `to_char`; `None` for what is not known to be the same.
fn date_pattern(format: &str) -> Option<String> {
    const TOKENS: [(&str, &str); 19] = [
        ("yyyy", "YYYY"),
        ("yy", "YY"),
        ("MMMM", "FMMonth"),
        ("MMM", "Mon"),
        ("MM", "MM"),
        ("M", "FMMM"),
        ("dddd", "FMDay"),
        ("ddd", "Dy"),
        ("dd", "DD"),
        ("d", "FMDD"),
        ("HH", "HH24"),
        ("H", "FMHH24"),
        ("hh", "HH12"),
        ("h", "FMHH12"),
        ("mm", "MI"),
        ("ss", "SS"),
        ("fff", "MS"),
        ("tt", "AM"),
        ("m", "FMMI"),
    ];
    // One letter by itself is a standard format.
    let format = match format {
        "d" => "M/d/yyyy",
        "t" => "h:mm tt",
        short if short.len() < 2 => return None,
        custom => custom,
    };
    let mut made = String::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_alphabetic() {
            let run = rest.chars().take_while(|it| *it == first).count();
            let (_, pattern) = TOKENS.iter().find(|(token, _)| *token == &rest[..run])?;
            made.push_str(pattern);
            rest = &rest[run..];
        } else if first.is_ascii_punctuation() || first == ' ' {
            if matches!(first, '\'' | '"' | '\\' | '%') {
                return None;
            }
            made.push_str(&format!("\"{first}\""));
            rest = &rest[1..];
        } else {
            return None;
        }
    }
    Some(made)
}

/// Digits before the point, in groups of three.
const GROUPED: &str = "FM999,999,999,999,999,999,999,990";

/// A format of numbers. They are rounded half away from zero.
fn number(value: &Value, format: &str) -> Option<String> {
    let exact = match value.family() {
        Family::Int => value.cast("numeric"),
        _ => value.operand(),
    };
    let places = |digits: &str, otherwise: usize| match digits {
        "" => Some(otherwise),
        digits => digits.parse().ok().filter(|it| *it <= 9),
    };
    let rounded = |places: usize| format!("round({exact}, {places})");
    let fraction = |places: usize| match places {
        0 => String::new(),
        places => format!(".{}", "0".repeat(places)),
    };
    let (kind, digits) = format.split_at_checked(1)?;
    match kind {
        "N" | "n" => {
            let places = places(digits, 2)?;
            let pattern = format!("{GROUPED}{}", fraction(places));
            Some(format!("to_char({}, '{pattern}')", rounded(places)))
        }
        "C" | "c" => {
            let places = places(digits, 2)?;
            let pattern = format!("{GROUPED}{}", fraction(places));
            let number = rounded(places);
            Some(format!(
                "CASE WHEN {number} < 0 THEN '($' || to_char(-{number}, '{pattern}') || ')' ELSE \
                 '$' || to_char({number}, '{pattern}') END"
            ))
        }
        "D" | "d" if value.family() == Family::Int => {
            let width = places(digits, 1)?;
            let digits = format!("abs({exact})::text");
            Some(format!(
                "CASE WHEN {exact} < 0 THEN '-' ELSE '' END || lpad({digits}, greatest({width}, \
                 length({digits})), '0')"
            ))
        }
        "0" | "#" => custom(&exact, format),
        _ => None,
    }
}

/// `#,##0.00`, `000`, `0.##`: zeros are shown always, other digits if there are any.
fn custom(exact: &str, format: &str) -> Option<String> {
    let (whole, fraction) = format.split_once('.').unwrap_or((format, ""));
    let zeros = fraction.bytes().take_while(|it| *it == b'0').count();
    let places = fraction.len();
    if places > 9 || !fraction[zeros..].bytes().all(|it| it == b'#') {
        return None;
    }
    let whole = match whole {
        "#,##0" => GROUPED.to_owned(),
        "#0" | "##0" | "###0" => "FM99999999999999999990".to_owned(),
        zeros if zeros.len() <= 18 && zeros.bytes().all(|it| it == b'0') => {
            format!("FM{}{zeros}", "9".repeat(20 - zeros.len()))
        }
        _ => return None,
    };
    let optional = places - zeros;
    let point = if places > 0 { "." } else { "" };
    let pattern = format!(
        "{whole}{point}{}{}",
        "0".repeat(zeros),
        "9".repeat(optional)
    );
    let shown = format!("to_char(round({exact}, {places}), '{pattern}')");
    Some(if optional > 0 && zeros == 0 {
        format!("rtrim({shown}, '.')")
    } else {
        shown
    })
}
