//! Dates and times: reading SQL Server's literal forms and printing its CONVERT styles.

use crate::engine::value::calendar::{DAY, DAYS_1900, SECOND, civil, days};
use crate::types::Value;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The order of the parts in a numeric date (`SET DATEFORMAT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
}

/// What a literal said; a missing date is 1900-01-01, a missing time midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// Days since 0001-01-01.
    pub(crate) days: i32,
    /// 100 ns ticks since midnight, local to `offset`.
    pub(crate) ticks: u64,
    pub(crate) offset: Option<i16>,
}

/// Reads a date, a time, or both, in ISO 8601, numeric or month-name form.
pub(crate) fn parse(text: &str, order: DateOrder) -> Option<Parsed> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Parsed {
            days: DAYS_1900,
            ticks: 0,
            offset: None,
        });
    }
    let (date, clock) = split(text);
    let days = if date.is_empty() {
        DAYS_1900
    } else {
        parse_date(date, order)?
    };
    let (ticks, offset) = if clock.is_empty() {
        (0, None)
    } else {
        parse_clock(clock)?
    };
    Some(Parsed {
        days,
        ticks,
        offset,
    })
}

/// Splits at the blank or `T` before the time of day.
fn split(text: &str) -> (&str, &str) {
    let Some(colon) = text.find(':') else {
        let lower = text.to_ascii_lowercase();
        if lower.ends_with("am") || lower.ends_with("pm") {
            let start = text[..text.len() - 2]
                .trim_end()
                .rfind(' ')
                .map_or(0, |i| i + 1);
            return (text[..start].trim_end(), &text[start..]);
        }
        return (text, "");
    };
    let start = text[..colon].rfind([' ', 'T', 't']).map_or(0, |i| i + 1);
    (
        text[..start].trim_end_matches([' ', 'T', 't']),
        &text[start..],
    )
}

fn parse_date(text: &str, order: DateOrder) -> Option<i32> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let n: u32 = text.parse().ok()?;
        return match text.len() {
            8 => days((n / 10_000) as i32, n / 100 % 100, n % 100),
            6 => days(full_year(n / 10_000), n / 100 % 100, n % 100),
            4 => days(n as i32, 1, 1),
            _ => None,
        };
    }
    if text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return parse_named(text);
    }
    let parts: Vec<&str> = text.split(['-', '/', '.']).map(str::trim).collect();
    let [a, b, c] = parts.as_slice() else {
        return None;
    };
    let n = |s: &str| s.parse::<u32>().ok().filter(|_| s.len() <= 4);
    let year = |s: &str| n(s).map(|v| if s.len() <= 2 { full_year(v) } else { v as i32 });
    if a.len() == 4 {
        return days(year(a)?, n(b)?, n(c)?);
    }
    match order {
        DateOrder::Mdy => days(year(c)?, n(a)?, n(b)?),
        DateOrder::Dmy => days(year(c)?, n(b)?, n(a)?),
        DateOrder::Ymd => days(year(a)?, n(b)?, n(c)?),
    }
}

/// `Jan 5 1996`, `5 Jan, 96`, `January 1996 5` and their kin.
fn parse_named(text: &str) -> Option<i32> {
    let mut month = None;
    let mut numbers = Vec::new();
    for word in text.split([' ', ',', '-', '/']).filter(|w| !w.is_empty()) {
        if word.bytes().all(|b| b.is_ascii_digit()) {
            numbers.push(word);
            continue;
        }
        let short = word.get(..3)?;
        month = Some(MONTHS.iter().position(|m| m.eq_ignore_ascii_case(short))? as u32 + 1);
    }
    let (day, year) = match numbers.as_slice() {
        [year] if year.len() == 4 => ("1", *year),
        [year, day] if year.len() == 4 => (*day, *year),
        [day, year] => (*day, *year),
        _ => return None,
    };
    let number: u32 = year.parse().ok()?;
    days(
        if year.len() <= 2 {
            full_year(number)
        } else {
            number as i32
        },
        month?,
        day.parse().ok()?,
    )
}

/// Two-digit years up to 49 are of this century (the default `two digit year cutoff` 2049).
fn full_year(two: u32) -> i32 {
    if two < 50 {
        2000 + two as i32
    } else {
        1900 + two as i32
    }
}

/// `hh[:mm[:ss[.fffffff]]] [am|pm] [Z|+hh:mm]`.
fn parse_clock(text: &str) -> Option<(u64, Option<i16>)> {
    let text = text.trim();
    let (text, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(rest) => (rest.trim_end(), Some(0)),
        None => match text.rfind(['+', '-']) {
            Some(at) => (text[..at].trim_end(), Some(parse_offset(&text[at..])?)),
            None => (text, None),
        },
    };
    let lower = text.to_ascii_lowercase();
    let (text, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(rest), _) => (&text[..rest.trim_end().len()], Some(false)),
        (_, Some(rest)) => (&text[..rest.trim_end().len()], Some(true)),
        _ => (text, None),
    };
    let mut parts = text.splitn(3, ':');
    let mut hour: u64 = parts.next()?.trim().parse().ok()?;
    let minute: u64 = parts.next().map_or(Some(0), |p| p.parse().ok())?;
    let seconds = parts.next().unwrap_or("0");
    // `ss:fff` counts thousandths, `ss.f` is a decimal fraction.
    let (second, fraction) = match (seconds.split_once('.'), seconds.split_once(':')) {
        (Some((s, f)), _) => (s, fraction_ticks(f)?),
        (_, Some((s, f))) => (s, f.parse::<u64>().ok().filter(|v| *v < 1000)? * 10_000),
        _ => (seconds, 0),
    };
    let second: u64 = second.parse().ok()?;
    if let Some(afternoon) = half {
        if !(1..=12).contains(&hour) && (hour != 0 || afternoon) {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    (hour < 24 && minute < 60 && second < 60).then_some((
        ((hour * 60 + minute) * 60 + second) * SECOND + fraction,
        offset,
    ))
}

fn fraction_ticks(digits: &str) -> Option<u64> {
    if digits.is_empty() || digits.len() > 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let nine: u64 = format!("{digits:0<9}").parse().ok()?;
    Some((nine + 50) / 100)
}

fn parse_offset(text: &str) -> Option<i16> {
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let value =
        hours.parse::<i16>().ok()? * 60 + minutes.parse::<i16>().ok().filter(|m| *m < 60)?;
    (value <= 14 * 60).then_some(if text.starts_with('-') { -value } else { value })
}

/// Ticks rounded to `scale` digits, half up; may reach a whole day.
pub(crate) fn round_ticks(ticks: u64, scale: u8) -> u64 {
    let unit = 10u64.pow(u32::from(7 - scale));
    (ticks + unit / 2) / unit * unit
}

/// 1/300 s ticks of a time of day, rounded to the nearest; may reach a whole day.
pub(crate) fn to_300ths(ticks: u64) -> u32 {
    ((ticks * 300 + SECOND / 2) / SECOND) as u32
}

/// 100 ns ticks of 1/300 s ticks, at the milliseconds that SQL Server prints (.000 .003 .007).
pub(crate) fn from_300ths(ticks: u32) -> u64 {
    let ms = (u64::from(ticks) * 10 + 1) / 3;
    ms * 10_000
}

/// The local day, tick and offset of a temporal value; times are on 1900-01-01.
pub(crate) fn local(value: &Value) -> Option<(i32, u64, i16)> {
    Some(match value {
        Value::Date(d) => (*d, 0, 0),
        Value::Time(t) => (DAYS_1900, *t, 0),
        Value::SmallDateTime { days, minutes } => (
            DAYS_1900 + i32::from(*days),
            u64::from(*minutes) * 60 * SECOND,
            0,
        ),
        Value::DateTime { days, ticks } => (DAYS_1900 + days, from_300ths(*ticks), 0),
        Value::DateTime2 { days, ticks } => (*days, *ticks, 0),
        Value::DateTimeOffset {
            days,
            ticks,
            offset,
        } => {
            let (days, ticks) = shift(*days, *ticks, i64::from(*offset));
            (days, ticks, *offset)
        }
        _ => return None,
    })
}

/// Moves a moment by minutes.
pub(crate) fn shift(days: i32, ticks: u64, minutes: i64) -> (i32, u64) {
    let total = i64::from(days) * DAY as i64 + ticks as i64 + minutes * 60 * SECOND as i64;
    (
        total.div_euclid(DAY as i64) as i32,
        total.rem_euclid(DAY as i64) as u64,
    )
}

/// `hh:mm:ss` with `scale` digits of fraction.
pub(crate) fn clock(ticks: u64, scale: u8) -> String {
    let seconds = ticks / SECOND;
    let base = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if scale == 0 {
        return base;
    }
    let fraction = format!("{:07}", ticks % SECOND);
    format!("{base}.{}", &fraction[..usize::from(scale)])
}

pub(crate) fn iso_date(days: i32) -> String {
    let (y, m, d) = civil(days);
    format!("{y:04}-{m:02}-{d:02}")
}

/// `+hh:mm`.
pub(crate) fn offset_text(offset: i16) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
}

/// Prints a temporal value in a CONVERT style; `scale` is the type's. `None` for unknown styles.
pub(crate) fn to_text(value: &Value, style: Option<i32>, scale: u8) -> Option<String> {
    let (days, ticks, offset) = local(value)?;
    let old = matches!(value, Value::DateTime { .. } | Value::SmallDateTime { .. });
    let style = style.unwrap_or(if old { 0 } else { 121 });
    let (y, m, d) = civil(days);
    let millis = if old { 3 } else { scale };
    let mon = MONTHS[m as usize - 1];
    let day_part = match style {
        0 | 100 | 9 | 109 => format!("{mon} {d:2} {y:04}"),
        1 => format!("{m:02}/{d:02}/{:02}", y % 100),
        101 => format!("{m:02}/{d:02}/{y:04}"),
        102 => format!("{y:04}.{m:02}.{d:02}"),
        103 => format!("{d:02}/{m:02}/{y:04}"),
        104 => format!("{d:02}.{m:02}.{y:04}"),
        105 => format!("{d:02}-{m:02}-{y:04}"),
        106 | 13 | 113 => format!("{d:02} {mon} {y:04}"),
        107 => format!("{mon} {d:02}, {y:04}"),
        110 => format!("{m:02}-{d:02}-{y:04}"),
        111 => format!("{y:04}/{m:02}/{d:02}"),
        12 => format!("{:02}{m:02}{d:02}", y % 100),
        112 => format!("{y:04}{m:02}{d:02}"),
        20 | 120 | 21 | 25 | 121 | 23 | 126 | 127 => iso_date(days),
        8 | 108 | 14 | 114 | 24 => String::new(),
        _ => return None,
    };
    let hour12 = |suffix: &str| {
        let hour = ticks / SECOND / 3600;
        let shown = if hour.is_multiple_of(12) {
            12
        } else {
            hour % 12
        };
        format!("{shown:2}{suffix}{}", if hour < 12 { "AM" } else { "PM" })
    };
    let all = clock(ticks, 7);
    // The old types show milliseconds behind a colon, the others all their digits behind a point.
    let with_fraction = |shown: &str| {
        let (base, digits) = shown.split_once('.').unwrap_or((shown, ""));
        match (old, scale) {
            (true, _) => format!("{base}:{}", &digits[..3]),
            (false, 0) => base.to_owned(),
            (false, n) => format!("{base}.{}", &digits[..usize::from(n)]),
        }
    };
    let time_part = match style {
        0 | 100 => hour12(&all[2..5]),
        9 | 109 => hour12(&with_fraction(&all[2..])),
        20 | 120 | 8 | 108 | 24 => all[..8].to_owned(),
        13 | 113 | 14 | 114 => with_fraction(&all),
        126 | 127 if old && ticks % SECOND == 0 => all[..8].to_owned(),
        21 | 25 | 121 | 126 | 127 => clock(ticks, millis),
        _ => String::new(),
    };
    let zone = match value {
        Value::DateTimeOffset { .. } if style == 126 => offset_text(offset),
        Value::DateTimeOffset { .. } => format!(" {}", offset_text(offset)),
        _ => String::new(),
    };
    let nothing = match value {
        Value::Date(_) => day_part.is_empty(),
        Value::Time(_) => time_part.is_empty(),
        // Style 127 shows an offset's moment in UTC, which is not done here.
        Value::DateTimeOffset { .. } => style == 127,
        _ => false,
    };
    if nothing {
        return None;
    }
    Some(match (value, day_part.is_empty(), time_part.is_empty()) {
        (Value::Date(_), false, _) | (_, false, true) => day_part,
        (Value::Time(_), ..) | (_, true, _) => time_part.trim_start().to_owned(),
        _ if style == 126 || style == 127 => format!("{day_part}T{time_part}{zone}"),
        _ => format!("{day_part} {time_part}{zone}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> (i32, u64) {
        let p = parse(text, DateOrder::Mdy).unwrap_or_else(|| panic!("{text}"));
        (p.days, p.ticks)
    }

    #[test]
    fn literal_forms_agree() {
        let day = days(1996, 7, 4).unwrap();
        for text in [
            "1996-07-04",
            "19960704",
            "7/4/1996",
            "7/4/96",
            "Jul 4 1996",
            "4 July, 1996",
            "960704",
        ] {
            assert_eq!(at(text), (day, 0), "{text}");
        }
        let half_past = (13 * 60 + 30) * 60 * SECOND;
        for text in [
            "1996-07-04T13:30:00",
            "1996-07-04 13:30",
            "7/4/1996 1:30PM",
            "19960704 01:30:00.000 pm",
        ] {
            assert_eq!(at(text), (day, half_past), "{text}");
        }
        assert!(parse("1996-02-30", DateOrder::Mdy).is_none());
        assert_eq!(
            parse("2024-05-06 07:08:09.1234567 +05:30", DateOrder::Mdy)
                .unwrap()
                .offset,
            Some(330)
        );
    }

    #[test]
    fn styles_print_as_documented() {
        let v = Value::DateTime {
            days: days(2004, 5, 23).unwrap() - DAYS_1900,
            ticks: 14 * 3600 * 300 + 25 * 60 * 300 + 10 * 300 + 146,
        };
        let style = |s| to_text(&v, Some(s), 3).unwrap();
        assert_eq!(style(0), "May 23 2004  2:25PM");
        assert_eq!(style(120), "2004-05-23 14:25:10");
        assert_eq!(style(121), "2004-05-23 14:25:10.487");
        assert_eq!(style(126), "2004-05-23T14:25:10.487");
        assert_eq!(style(113), "23 May 2004 14:25:10:487");
        let (d, t) = at("2004-05-23 14:25:10.4871234");
        let exact = Value::DateTime2 { days: d, ticks: t };
        let style = |s| to_text(&exact, Some(s), 7);
        assert_eq!(style(109).unwrap(), "May 23 2004  2:25:10.4871234PM");
        assert_eq!(style(113).unwrap(), "23 May 2004 14:25:10.4871234");
        assert_eq!(to_text(&Value::Date(d), Some(108), 0), None);
        assert_eq!(to_text(&Value::Time(t), Some(101), 7), None);
    }

    #[test]
    fn datetime_ticks_are_thirds_of_centiseconds() {
        assert_eq!(from_300ths(1), 30_000);
        assert_eq!(from_300ths(2), 70_000);
        assert_eq!(to_300ths(9_990_000), 300);
        assert_eq!(to_300ths(9_980_000), 299);
    }
}
