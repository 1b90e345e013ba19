//! FORMAT of numbers and dates in en-US, as .NET does ("FORMAT (Transact-SQL)"): standard formats and
//! custom ones of digits, points, commas and date parts. Anything else is refused by its text.

use crate::engine::collate;
use crate::engine::datatype;
use crate::engine::error::{Result, argument_count, unsupported};
use crate::engine::eval::expr::Bound;
use crate::engine::function::argument::{as_text, plain, strict, units_of};
use crate::engine::value::calendar::{DAY_NAMES, MONTH_NAMES, SECOND, civil};
use crate::engine::value::{decimal, temporal, text};
use crate::types::{SqlType, Value};

pub(super) fn bind(name: &str, args: &[Bound]) -> Result<Option<Bound>> {
    if name != "FORMAT" {
        return Ok(None);
    }
    let (value, format) = match args {
        [value, format] => (value, format),
        [value, format, culture] => {
            let named = culture.as_constant().map(units_of).unwrap_or_default();
            if !named.eq_ignore_ascii_case("en-us") {
                return Err(unsupported(format!("FORMAT in the culture '{named}'")));
            }
            (value, format)
        }
        _ => return Err(argument_count(name, 2)),
    };
    let mut t = plain(SqlType::NVarChar { length: Some(4000) });
    t.collation = Some(collate::default_collation());
    let moment = datatype::is_temporal(&value.t.ty);
    if !moment && !datatype::is_number(&value.t.ty) {
        return Err(crate::engine::error::error(
            8116,
            16,
            format!(
                "Argument data type {} is invalid for argument 1 of format function.",
                datatype::name(&value.t.ty)
            ),
        ));
    }
    Ok(Some(strict(
        vec![value.clone(), as_text(format)],
        t,
        move |v| {
            let format = units_of(&v[1]);
            let shown = if moment {
                date(&v[0], &format)
            } else {
                number(&v[0], &format)
            };
            shown
                .map(|s| text::value(&s))
                .ok_or_else(|| unsupported(format!("FORMAT with '{format}'")))
        },
    )))
}

/// Digits before and after the point, and whether it is negative.
struct Digits {
    negative: bool,
    unscaled: i128,
    scale: u8,
}

fn digits(value: &Value) -> Option<Digits> {
    let (unscaled, scale) = match value {
        Value::Int(i) => (i128::from(*i), 0),
        Value::Decimal { unscaled, scale } => (*unscaled, *scale),
        Value::Money(m) => (i128::from(*m), 4),
        Value::Float(f) => decimal::parse(&format!("{f}"))?,
        Value::Real(f) => decimal::parse(&format!("{f}"))?,
        _ => return None,
    };
    Some(Digits {
        negative: unscaled < 0,
        unscaled: unscaled.abs(),
        scale,
    })
}

impl Digits {
    /// Rounded to `places`, away from zero at the half: the digits before and behind the point.
    fn at(&self, places: u8) -> Option<(String, String)> {
        let unscaled = decimal::rescale(self.unscaled, self.scale, places)?;
        let shown = format!("{unscaled:0>width$}", width = usize::from(places) + 1);
        let (whole, fraction) = shown.split_at(shown.len() - usize::from(places));
        Some((whole.to_owned(), fraction.to_owned()))
    }
}

fn with_commas(whole: &str) -> String {
    let mut out = String::new();
    for (n, c) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

fn number(value: &Value, format: &str) -> Option<String> {
    let number = digits(value)?;
    let mut chars = format.chars();
    let first = chars.next()?;
    let rest: String = chars.collect();
    let standard = first.is_ascii_alphabetic() && rest.chars().all(|c| c.is_ascii_digit());
    if !standard {
        return custom(&number, format);
    }
    let places: Option<u8> = if rest.is_empty() {
        None
    } else {
        Some(rest.parse().ok().filter(|p| *p <= 30)?)
    };
    let signed = |shown: String, zero: bool| {
        if number.negative && !zero {
            format!("-{shown}")
        } else {
            shown
        }
    };
    let joined = |whole: String, fraction: &str| {
        if fraction.is_empty() {
            whole
        } else {
            format!("{whole}.{fraction}")
        }
    };
    let zero = |whole: &str, fraction: &str| !format!("{whole}{fraction}").contains(|c| c != '0');
    match first.to_ascii_uppercase() {
        'N' => {
            let (whole, fraction) = number.at(places.unwrap_or(2))?;
            let nothing = zero(&whole, &fraction);
            Some(signed(joined(with_commas(&whole), &fraction), nothing))
        }
        'F' => {
            let (whole, fraction) = number.at(places.unwrap_or(2))?;
            let nothing = zero(&whole, &fraction);
            Some(signed(joined(whole, &fraction), nothing))
        }
        'C' => {
            let (whole, fraction) = number.at(places.unwrap_or(2))?;
            let shown = format!("${}", joined(with_commas(&whole), &fraction));
            let nothing = zero(&whole, &fraction);
            Some(if number.negative && !nothing {
                format!("({shown})")
            } else {
                shown
            })
        }
        'P' => {
            let hundred = Digits {
                unscaled: number.unscaled.checked_mul(100)?,
                ..number
            };
            let (whole, fraction) = hundred.at(places.unwrap_or(2))?;
            let nothing = zero(&whole, &fraction);
            let sign = if hundred.negative && !nothing {
                "-"
            } else {
                ""
            };
            Some(format!("{sign}{}%", joined(with_commas(&whole), &fraction)))
        }
        'D' if number.scale == 0 && matches!(value, Value::Int(_)) => {
            let width = usize::from(places.unwrap_or(1));
            Some(signed(format!("{:0>width$}", number.unscaled), false))
        }
        'X' if matches!(value, Value::Int(_)) && !number.negative => {
            let width = usize::from(places.unwrap_or(1));
            Some(if first == 'X' {
                format!("{:0>width$X}", number.unscaled)
            } else {
                format!("{:0>width$x}", number.unscaled)
            })
        }
        _ => None,
    }
}

/// `#,##0.00`, `0000`, `0.##` and their like, with no more than digits, a point and commas.
fn custom(number: &Digits, format: &str) -> Option<String> {
    if format.is_empty() || format.chars().any(|c| !matches!(c, '0' | '#' | ',' | '.')) {
        return None;
    }
    let (before, after) = format.split_once('.').unwrap_or((format, ""));
    if after.contains(['.', ',']) || before.ends_with(',') || before.starts_with(',') {
        return None;
    }
    let places = u8::try_from(after.len()).ok()?;
    let (whole, fraction) = number.at(places)?;
    let needed = after.rfind('0').map_or(0, |at| at + 1);
    let mut fraction = fraction;
    while fraction.len() > needed && fraction.ends_with('0') {
        fraction.pop();
    }
    let least = before
        .chars()
        .filter(|c| *c == '0' || *c == '#')
        .skip_while(|c| *c == '#')
        .count();
    let whole = whole.trim_start_matches('0');
    let mut whole = format!("{whole:0>least$}");
    if before.contains(',') {
        whole = with_commas(&whole);
    }
    let nothing = !format!("{whole}{fraction}").contains(|c: char| c.is_ascii_digit() && c != '0');
    let sign = if number.negative && !nothing { "-" } else { "" };
    Some(if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    })
}

fn date(value: &Value, format: &str) -> Option<String> {
    // A time is a TimeSpan in .NET, whose formats are others.
    if matches!(value, Value::Time(_)) {
        return None;
    }
    let pattern = match format {
        "d" => "M/d/yyyy",
        "D" => "dddd, MMMM d, yyyy",
        "t" => "h:mm tt",
        "T" => "h:mm:ss tt",
        "g" => "M/d/yyyy h:mm tt",
        "G" => "M/d/yyyy h:mm:ss tt",
        "f" => "dddd, MMMM d, yyyy h:mm tt",
        "F" => "dddd, MMMM d, yyyy h:mm:ss tt",
        "s" => "yyyy-MM-ddTHH:mm:ss",
        "m" | "M" => "MMMM d",
        "y" | "Y" => "MMMM yyyy",
        one if one.chars().count() == 1 => return None,
        other => other,
    };
    let (days, ticks, _) = temporal::local(value)?;
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => loop {
                match chars.next()? {
                    '\'' => break,
                    inner => out.push(inner),
                }
            },
            c if c.is_ascii_alphabetic() && c != 'T' => {
                let mut count = 1;
                while chars.peek() == Some(&c) {
                    chars.next();
                    count += 1;
                }
                out.push_str(&part(c, count, (days, ticks))?);
            }
            'T' | ' ' | '-' | '/' | '.' | ',' | ':' | '_' | '(' | ')' => out.push(c),
            _ => return None,
        }
    }
    Some(out)
}

/// A letter of a date's format, repeated.
fn part(letter: char, count: usize, (date, ticks): (i32, u64)) -> Option<String> {
    let (year, month, day) = civil(date);
    let padded = |n: u64| {
        if count == 1 {
            n.to_string()
        } else {
            format!("{n:02}")
        }
    };
    let hour = ticks / SECOND / 3600;
    let month_name = MONTH_NAMES[month as usize - 1];
    let day_name = DAY_NAMES[(date + 1).rem_euclid(7) as usize];
    Some(match (letter, count) {
        ('y', 4) => format!("{year:04}"),
        ('y', 2) => format!("{:02}", year % 100),
        ('M', 1 | 2) => padded(u64::from(month)),
        ('M', 3) => month_name[..3].to_owned(),
        ('M', 4) => month_name.to_owned(),
        ('d', 1 | 2) => padded(u64::from(day)),
        ('d', 3) => day_name[..3].to_owned(),
        ('d', 4) => day_name.to_owned(),
        ('H', 1 | 2) => padded(hour),
        ('h', 1 | 2) => padded(if hour.is_multiple_of(12) {
            12
        } else {
            hour % 12
        }),
        ('m', 1 | 2) => padded(ticks / SECOND / 60 % 60),
        ('s', 1 | 2) => padded(ticks / SECOND % 60),
        ('f', 1..=7) => format!("{:07}", ticks % SECOND)[..count].to_owned(),
        ('t', 2) => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        _ => return None,
    })
}
