//! Date and time literals that mean the same in every language and DATEFORMAT.
//!
//! SET LANGUAGE and SET DATEFORMAT decide at the source how a date in text is read. Only forms that
//! have one reading, or whose other readings fail, become literals here.

use crate::calendar::{self, civil};
use crate::schema::SqlType;

/// What `datetime` counts from.
pub(super) const EPOCH: &str = "timestamp '1900-01-01'";

/// A literal whose date can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Days since 0000-03-01.
    days: i64,
    /// Seconds of the day.
    second: u32,
    /// Ten-millionths of a second, and how many digits of them were written.
    ticks: u32,
    digits: u8,
    form: Form,
}

/// How a date was written, which decides what can change its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The same under every setting.
    Neutral,
    /// `yyyy-mm-dd`, which `datetime` reads as `yyyy-dd-mm` under DATEFORMAT dmy.
    Dashed { either_way: bool },
    /// A reading under one DATEFORMAT, while the others have none or the same.
    Forced,
    /// The reading under us_english, while other languages have another.
    American,
}

impl Moment {
    /// `yyyymmdd`, `yyyy-mm-dd`, `m/d/yyyy` and dates with the English name of a month, each with
    /// a time of day behind a blank, or `T`.
    /// `None` for any other form, and for a day that does not exist.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        if !text.is_ascii() {
            return None;
        }
        if text.is_empty() {
            return Self::from_days(0);
        }
        let t = text.len() > 10 && text.as_bytes()[10] == b'T';
        let (date, time) = match (t, text.find(':')) {
            (true, _) => (&text[..10], Some(&text[11..])),
            (false, None) => (text, None),
            (false, Some(colon)) => {
                let at = text[..colon].rfind(' ')?;
                (text[..at].trim_end(), Some(&text[at + 1..]))
            }
        };
        let ((year, month, day), form) = date_of(date, t)?;
        let (second, ticks, digits) = match time {
            Some(time) => clock(time, t)?,
            None => (0, 0, 0),
        };
        exists(year, month, day).then(|| Self {
            days: days_of(year, month, day),
            second,
            ticks,
            digits,
            form,
        })
    }

    /// Days after 1900-01-01, at midnight.
    pub(super) fn from_days(days: i128) -> Option<Self> {
        let days = i64::try_from(days).ok()?.checked_add(calendar::TO_1900)?;
        let (year, ..) = civil(days);
        (1753..=9999).contains(&year).then_some(Self {
            days,
            second: 0,
            ticks: 0,
            digits: 0,
            form: Form::Neutral,
        })
    }

    /// Whether the type reads it so under every setting.
    pub(super) fn certain(&self, ty: &SqlType) -> bool {
        match (self.form, ty) {
            (Form::American, _) => false,
            (Form::Dashed { either_way }, SqlType::DateTime | SqlType::SmallDateTime) => either_way,
            _ => true,
        }
    }

    /// Whether it is read as under us_english, while other languages read it otherwise.
    pub(super) fn american(&self) -> bool {
        self.form == Form::American
    }

    /// The literal as a type takes it, or `None` if it does not.
    pub(super) fn literal(&self, ty: &SqlType) -> Option<String> {
        match *ty {
            SqlType::Date => Some(format!("date '{}'", self.date()?)),
            SqlType::SmallDateTime => {
                // "smalldatetime": 29.998 seconds are rounded down, 29.999 up.
                let past = u64::from(self.second % 60) * 10_000_000 + u64::from(self.ticks);
                let minute = i64::from(self.second / 60) + i64::from(past >= 299_990_000);
                let rounded = self.at(minute * 60, 0);
                let (year, ..) = civil(rounded.days);
                (1900..=2078)
                    .contains(&year)
                    .then(|| rounded.stamp())
                    .flatten()
            }
            SqlType::DateTime => {
                if self.digits > 3 {
                    return None;
                }
                // 1/300 of a second, which are shown as .000, .003 and .007.
                let third = (u64::from(self.ticks) * 300 + 5_000_000) / 10_000_000;
                let second = i64::from(self.second) + i64::from(third == 300);
                let shown = (third % 300 * 10_000 / 300 + 5) / 10 * 10_000;
                let rounded = self.at(second, u32::try_from(shown).ok()?);
                let (year, ..) = civil(rounded.days);
                (year >= 1753).then(|| rounded.stamp()).flatten()
            }
            SqlType::DateTime2 { scale } if self.digits <= scale => self.stamp(),
            SqlType::Time { scale } if self.digits <= scale => {
                Some(format!("time '{}'", self.time()))
            }
            _ => None,
        }
    }

    /// The same day at other seconds, which may be past its end.
    fn at(&self, second: i64, ticks: u32) -> Self {
        Self {
            days: self.days + second / 86_400,
            second: u32::try_from(second % 86_400).unwrap_or(0),
            ticks,
            ..*self
        }
    }

    fn date(&self) -> Option<String> {
        let (year, month, day) = civil(self.days);
        (1..=9999)
            .contains(&year)
            .then(|| format!("{year:04}-{month:02}-{day:02}"))
    }

    fn stamp(&self) -> Option<String> {
        Some(format!("timestamp '{} {}'", self.date()?, self.time()))
    }

    /// With six fractional digits at most, as columns keep them: rounded, but never into the next
    /// second of another day.
    fn time(&self) -> String {
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        let whole = format!("{hour:02}:{minute:02}:{second:02}");
        let micros = ((self.ticks + 5) / 10).min(999_999);
        if micros == 0 {
            return whole;
        }
        let fraction = format!("{micros:06}");
        format!("{whole}.{}", fraction.trim_end_matches('0'))
    }
}

type Date = (u16, u8, u8);

/// Year, month and day, and what their reading rests on.
fn date_of(date: &str, t: bool) -> Option<(Date, Form)> {
    let dashes = date.len() == 10 && &date[4..5] == "-" && &date[7..8] == "-";
    // `T` joins the ISO form only, and makes it certain for every type.
    if t && !dashes {
        return None;
    }
    if dashes || date.len() == 8 && number(date).is_some() {
        let digits = date.replace('-', "");
        let made = (
            number(&digits[..4])?.try_into().ok()?,
            number(&digits[4..6])?.try_into().ok()?,
            number(&digits[6..])?.try_into().ok()?,
        );
        let (_, month, day) = made;
        let form = if dashes && !t {
            // The other reading fails, or is the same.
            let either_way = month == day || day > 12;
            Form::Dashed { either_way }
        } else {
            Form::Neutral
        };
        return Some((made, form));
    }
    slashed(date).or_else(|| named(date))
}

/// `m/d/yyyy` and `yyyy/m/d`, read as under us_english where another order makes another date.
fn slashed(date: &str) -> Option<(Date, Form)> {
    let sign = date.chars().find(|it| matches!(it, '/' | '-' | '.'))?;
    let parts: Vec<&str> = date.split(sign).collect();
    let (first, second, year) = match parts.as_slice() {
        [year, first, second] if year.len() == 4 => (first, second, year),
        [first, second, year] => (first, second, year),
        _ => return None,
    };
    if year.len() != 4 || first.len() > 2 || second.len() > 2 {
        return None;
    }
    let (first, second): (u8, u8) = (
        number(first)?.try_into().ok()?,
        number(second)?.try_into().ok()?,
    );
    let year = number(year)?.try_into().ok()?;
    let (month, day, form) = match (first, second) {
        _ if first == second => (first, second, Form::Forced),
        (_, 13..) => (first, second, Form::Forced),
        (13.., _) => (second, first, Form::Forced),
        _ => (first, second, Form::American),
    };
    Some(((year, month, day), form))
}

/// `Jan 5 2000`, `January 5, 2000`, `5 Jan 2000`: other languages have other months, or these.
fn named(date: &str) -> Option<(Date, Form)> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let spaced = date.replace([',', '-'], " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (name, day, year) = match words.as_slice() {
        [one, two, year] if number(one).is_some() => (two, one, year),
        [one, two, year] => (one, two, year),
        _ => return None,
    };
    let name = name.to_ascii_lowercase();
    let month = MONTHS
        .iter()
        .position(|month| *month == name || (name.len() == 3 && month.starts_with(&name)))?;
    if year.len() != 4 || day.len() > 2 {
        return None;
    }
    let month = u8::try_from(month + 1).ok()?;
    let day = number(day)?.try_into().ok()?;
    Some(((number(year)?.try_into().ok()?, month, day), Form::Forced))
}

/// Whether the calendar has the day.
fn exists(year: u16, month: u8, day: u8) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    year >= 1 && (1..=days).contains(&day)
}

/// Days since 0000-03-01, as [`civil`] takes them: years begin in March.
fn days_of(year: u16, month: u8, day: u8) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year
}

/// `hh:mm[:ss[.f]]`, with `AM` or `PM`; the ISO form has its seconds.
fn clock(text: &str, iso: bool) -> Option<(u32, u32, u8)> {
    let upper = text.to_ascii_uppercase();
    let (text, noon) = match (upper.strip_suffix("AM"), upper.strip_suffix("PM")) {
        (Some(before), _) if !iso => (before.trim_end(), Some(0)),
        (_, Some(after)) if !iso => (after.trim_end(), Some(12)),
        _ => (upper.as_str(), None),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<&str> = whole.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute, second] => (*hour, *minute, *second),
        [hour, minute] if !iso && !text.contains('.') => (*hour, *minute, "00"),
        _ => return None,
    };
    let two = |part: &str| (part.len() == 2).then(|| number(part)).flatten();
    let (hour, minute, second) = match noon {
        None => (two(hour)?, two(minute)?, two(second)?),
        Some(noon) => {
            let hour = number(hour).filter(|hour| (1..=12).contains(hour))?;
            (hour % 12 + noon, two(minute)?, two(second)?)
        }
    };
    if hour > 23 || minute > 59 || second > 59 || fraction.len() > 7 {
        return None;
    }
    if text.contains('.') && fraction.is_empty() {
        return None;
    }
    let ticks = match fraction {
        "" => 0,
        digits => number(&format!("{digits:0<7}"))?,
    };
    let written = u8::try_from(fraction.len()).ok()?;
    Some((hour * 3600 + minute * 60 + second, ticks, written))
}

/// A time of day by itself, as a type with this number of fractional digits takes it.
pub(super) fn time_of_day(text: &str, scale: u8) -> Option<String> {
    let text = text.trim_matches(' ');
    let (second, ticks, digits) = match text {
        "" => (0, 0, 0),
        text => clock(text, false)?,
    };
    let moment = Moment {
        second,
        ticks,
        digits,
        ..Moment::from_days(0)?
    };
    moment.literal(&SqlType::Time { scale })
}

/// `None` for anything but ASCII digits.
fn number(digits: &str) -> Option<u32> {
    digits
        .bytes()
        .all(|digit| digit.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str, ty: SqlType) -> Option<String> {
        let moment = Moment::parse(text)?;
        moment.certain(&ty).then(|| moment.literal(&ty))?
    }

    #[test]
    fn forms_without_doubt() {
        let two = SqlType::DateTime2 { scale: 3 };
        for (text, ty, expected) in [
            (
                "19000101",
                SqlType::DateTime,
                "timestamp '1900-01-01 00:00:00'",
            ),
            (
                "1900-01-01",
                SqlType::DateTime,
                "timestamp '1900-01-01 00:00:00'",
            ),
            ("2000-02-29", SqlType::Date, "date '2000-02-29'"),
            (
                "2005-07-01T12:30:00",
                SqlType::DateTime,
                "timestamp '2005-07-01 12:30:00'",
            ),
            (
                "20050701 12:30",
                SqlType::SmallDateTime,
                "timestamp '2005-07-01 12:30:00'",
            ),
            ("", SqlType::Date, "date '1900-01-01'"),
            (
                "20050701 12:30:00.001",
                SqlType::DateTime,
                "timestamp '2005-07-01 12:30:00'",
            ),
            (
                "20041231 23:59:59.999",
                SqlType::DateTime,
                "timestamp '2005-01-01 00:00:00'",
            ),
            (
                "20050701 12:30:29.998",
                SqlType::SmallDateTime,
                "timestamp '2005-07-01 12:30:00'",
            ),
            (
                "20050701 12:30:29.999",
                SqlType::SmallDateTime,
                "timestamp '2005-07-01 12:31:00'",
            ),
            ("12/31/2004", SqlType::Date, "date '2004-12-31'"),
            ("31.12.2004", SqlType::Date, "date '2004-12-31'"),
            (
                "1/1/2004 3:05 PM",
                SqlType::DateTime,
                "timestamp '2004-01-01 15:05:00'",
            ),
            ("Jul 1 2005", SqlType::Date, "date '2005-07-01'"),
            ("1 July 2005", SqlType::Date, "date '2005-07-01'"),
            (
                "2004-12-31",
                SqlType::DateTime,
                "timestamp '2004-12-31 00:00:00'",
            ),
            (
                "9999-12-31 23:59:59.9999999",
                SqlType::DateTime2 { scale: 7 },
                "timestamp '9999-12-31 23:59:59.999999'",
            ),
            (
                "99991231 23:59:59.997",
                SqlType::DateTime,
                "timestamp '9999-12-31 23:59:59.997'",
            ),
            (
                "2005-07-01 01:02:03.5",
                two,
                "timestamp '2005-07-01 01:02:03.5'",
            ),
        ] {
            assert_eq!(literal(text, ty).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn doubtful_forms() {
        for (text, ty) in [
            ("2005-07-01", SqlType::DateTime),
            ("01/02/2003", SqlType::DateTime),
            ("050701", SqlType::DateTime),
            ("20050230", SqlType::DateTime),
            ("20050701 12:30:00.0001", SqlType::DateTime),
            ("17520101", SqlType::DateTime),
            ("20050701T12:30:00", SqlType::DateTime),
            ("2005-07-01T12:30", SqlType::DateTime),
            ("2005-07-01 01:02:03.1234", SqlType::DateTime2 { scale: 3 }),
            ("é0050701", SqlType::Date),
        ] {
            assert_eq!(literal(text, ty), None, "{text}");
        }
    }

    #[test]
    fn times_of_day() {
        assert_eq!(time_of_day("08:00", 3).as_deref(), Some("time '08:00:00'"));
        assert_eq!(time_of_day("8:00", 3), None);
        assert_eq!(time_of_day("08:00:00.1234", 3), None);
        assert_eq!(time_of_day("24:00", 3), None);
    }

    #[test]
    fn days_since_1900() {
        let date = |days| Moment::from_days(days).and_then(|m| m.literal(&SqlType::Date));
        assert_eq!(date(0).as_deref(), Some("date '1900-01-01'"));
        assert_eq!(date(-1).as_deref(), Some("date '1899-12-31'"));
        assert_eq!(date(36_524).as_deref(), Some("date '2000-01-01'"));
        assert_eq!(date(60).as_deref(), Some("date '1900-03-02'"));
        assert_eq!(date(10_000_000), None);
    }
}
