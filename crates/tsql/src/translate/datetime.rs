//! Date and time literals that mean the same in every language and DATEFORMAT.

use crate::calendar::{self, civil};
use crate::schema::SqlType;

/// A literal in one of the unambiguous forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
    /// Seconds of the day.
    pub(super) second: u32,
    /// Millionths of a second, and how many digits of them were written.
    pub(super) micros: u32,
    digits: u8,
    /// `yyyy-mm-dd`, which `datetime` reads as `yyyy-dd-mm` under DATEFORMAT dmy.
    dashed: bool,
}

impl Moment {
    /// `yyyymmdd`, `yyyy-mm-dd` and either with `hh:mm[:ss[.ffffff]]` after a blank or `T`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        if !text.is_ascii() {
            return None;
        }
        let (date, time, t) = match text.find(['T', ' ']) {
            Some(at) => (&text[..at], Some(&text[at + 1..]), &text[at..=at] == "T"),
            None => (text, None, false),
        };
        let dashes = date.len() == 10 && &date[4..5] == "-" && &date[7..8] == "-";
        // `T` joins the ISO form only, and makes it certain for every type.
        if t && !dashes {
            return None;
        }
        let digits: String = if dashes {
            format!("{}{}{}", &date[..4], &date[5..7], &date[8..])
        } else {
            date.to_owned()
        };
        if digits.len() != 8 {
            return None;
        }
        let (second, micros, written) = match time {
            Some(time) => clock(time, t)?,
            None => (0, 0, 0),
        };
        let moment = Self {
            year: number(&digits[..4])?.try_into().ok()?,
            month: number(&digits[4..6])?.try_into().ok()?,
            day: number(&digits[6..])?.try_into().ok()?,
            second,
            micros,
            digits: written,
            dashed: dashes && !t,
        };
        moment.exists().then_some(moment)
    }

    /// Days after 1900-01-01, at midnight.
    pub(super) fn from_days(days: i128) -> Option<Self> {
        let days = i64::try_from(days).ok()?;
        let (year, month, day) = civil(days.checked_add(calendar::TO_1900)?);
        (1753..=9999).contains(&year).then_some(Self {
            year: u16::try_from(year).ok()?,
            month,
            day,
            second: 0,
            micros: 0,
            digits: 0,
            dashed: false,
        })
    }

    fn exists(&self) -> bool {
        let leap = self.year.is_multiple_of(4)
            && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        let days = match self.month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return false,
        };
        self.year >= 1 && (1..=days).contains(&self.day)
    }

    /// The literal as a type takes it, or `None` where it depends on a setting or would be
    /// rounded.
    pub(super) fn literal(&self, ty: &SqlType) -> Option<String> {
        let either_way = !self.dashed || self.month == self.day;
        let date = format!("{:04}-{:02}-{:02}", self.year, self.month, self.day);
        let stamp = || format!("timestamp '{date} {}'", self.time());
        match *ty {
            SqlType::Date => Some(format!("date '{date}'")),
            SqlType::SmallDateTime => (either_way
                && (1900..=2078).contains(&self.year)
                && self.second.is_multiple_of(60)
                && self.micros == 0)
                .then(stamp),
            SqlType::DateTime => {
                // The ticks of 1/300 s end in 0, 3 and 7.
                let tick = self.micros.is_multiple_of(1_000)
                    && matches!(self.micros / 1_000 % 10, 0 | 3 | 7);
                (either_way && self.year >= 1753 && tick).then(stamp)
            }
            SqlType::DateTime2 { scale } => (self.digits <= scale).then(stamp),
            SqlType::Time { scale } if self.digits <= scale => {
                Some(format!("time '{}'", self.time()))
            }
            _ => None,
        }
    }

    fn time(&self) -> String {
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        let whole = format!("{hour:02}:{minute:02}:{second:02}");
        if self.micros == 0 {
            return whole;
        }
        let fraction = format!("{:06}", self.micros);
        format!("{whole}.{}", fraction.trim_end_matches('0'))
    }
}

/// `hh:mm[:ss[.f]]`; the ISO form has its seconds.
fn clock(text: &str, iso: bool) -> Option<(u32, u32, u8)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<&str> = whole.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute, second] => (*hour, *minute, *second),
        [hour, minute] if !iso && !text.contains('.') => (*hour, *minute, "00"),
        _ => return None,
    };
    let two = |part: &str| (part.len() == 2).then(|| number(part)).flatten();
    let (hour, minute, second) = (two(hour)?, two(minute)?, two(second)?);
    if hour > 23 || minute > 59 || second > 59 || fraction.len() > 6 {
        return None;
    }
    if text.contains('.') && fraction.is_empty() {
        return None;
    }
    let micros = match fraction {
        "" => 0,
        digits => number(&format!("{digits:0<6}"))?,
    };
    let written = u8::try_from(fraction.len()).ok()?;
    Some((hour * 3600 + minute * 60 + second, micros, written))
}

/// A time of day by itself, `hh:mm[:ss[.f]]`, as a type with this number of fractional digits takes it.
pub(super) fn time_of_day(text: &str, scale: u8) -> Option<String> {
    let (second, micros, digits) = clock(text.trim_matches(' '), false)?;
    let moment = Moment {
        second,
        micros,
        digits,
        ..Moment::from_days(0)?
    };
    moment.literal(&SqlType::Time { scale })
}

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
        Moment::parse(text)?.literal(&ty)
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
            ("Jul 1 2005", SqlType::DateTime),
            ("", SqlType::DateTime),
            ("20050230", SqlType::DateTime),
            ("20050701 12:30:00.001", SqlType::DateTime),
            ("20050701 12:30:15", SqlType::SmallDateTime),
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
