//! Days and times of day as literals, and back from the texts of a server.

use super::draw::Draw;

/// 0001-01-01 and 9999-12-31, in days since 1970-01-01.
pub(super) const FIRST_DAY: i64 = -719_162;
pub(super) const LAST_DAY: i64 = 2_932_896;
/// 1753-01-01, where `datetime` begins.
pub(super) const DATETIME_DAY: i64 = -79_257;
/// 1900-01-01 and 2079-06-06, the ends of `smalldatetime`.
pub(super) const SMALL_DAYS: (i64, i64) = (-25_567, 39_968);
/// 100 ns in a day.
const DAY_TICKS: i64 = 864_000_000_000;

/// One of the ends or any day between, as `2024-05-06`.
pub(super) fn day(draw: &mut Draw, first: i64, last: i64) -> String {
    let day = match draw.between(0, 9) {
        0 => first,
        1 => last,
        // Where calendars and leap years go wrong.
        2 => -141_427,
        3 => 11_016,
        4 => draw.between(-1, 1),
        _ => draw.between(first, last),
    };
    let (year, month, day) = civil(day.clamp(first, last));
    format!("{year:04}-{month:02}-{day:02}")
}

/// A time of day with that many digits; the seventh is 0 where two of them must stay two in
/// microseconds.
pub(super) fn time(draw: &mut Draw, digits: u32, microseconds: bool) -> String {
    let ticks = match draw.between(0, 7) {
        0 => 0,
        1 => DAY_TICKS - 1,
        2 => draw.between(0, 86_399) * 10_000_000 + 5,
        _ => draw.between(0, DAY_TICKS - 1),
    };
    let kept = if microseconds { digits.min(6) } else { digits };
    let unit = 10_i64.pow(7 - kept);
    let ticks = ticks / unit * unit;
    let seconds = ticks / 10_000_000;
    let whole = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    let fraction = format!("{:07}", ticks % 10_000_000);
    match digits as usize {
        0 => whole,
        digits => format!("{whole}.{}", &fraction[..digits]),
    }
}

/// Microseconds since 1970 of `2024-05-06 07:08:09.1234567 +05:30` and its parts, a seventh digit
/// rounded half up, and truncated where rounding would end at midnight (docs/types.md). A time of day
/// alone counts from midnight.
pub(super) fn microseconds(text: &str) -> String {
    let mut parts = text.split_whitespace();
    let mut first = parts.next().unwrap_or_default();
    let mut days = 0;
    if first.contains('-') {
        let mut date = first
            .split('-')
            .map(|part| part.parse::<i64>().expect("a date"));
        let mut next = || date.next().expect("a part of a date");
        days = days_of(next(), next(), next());
        first = parts.next().unwrap_or("00:00:00");
    }
    let (clock, fraction) = first.split_once('.').unwrap_or((first, ""));
    let seconds = clock.split(':').fold(0, |sum, part| {
        sum * 60 + part.parse::<i64>().expect("a time")
    });
    let ticks: i64 = format!("{fraction:0<7}").parse().expect("digits");
    let offset = parts.next().map_or(0, |offset| {
        let (hours, minutes) = offset[1..].split_once(':').expect("an offset");
        let minutes =
            hours.parse::<i64>().expect("hours") * 60 + minutes.parse::<i64>().expect("minutes");
        if offset.starts_with('-') {
            -minutes
        } else {
            minutes
        }
    });
    let local = seconds;
    let seconds = days * 86_400 + local - offset * 60;
    let midnight = |seconds: i64| (seconds + 1).rem_euclid(86_400) == 0;
    let up = if ticks >= 9_999_995 && (midnight(local) || midnight(seconds)) {
        0
    } else {
        5
    };
    (i128::from(seconds) * 1_000_000 + i128::from((ticks + up) / 10)).to_string()
}

/// Days since 1970 of a proleptic Gregorian date, by counting the leap days before it.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let before = year - 1;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let months = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let in_year = months[usize::try_from(month - 1).expect("a month")] + day - 1
        + i64::from(leap && month > 2);
    FIRST_DAY + before * 365 + before / 4 - before / 100 + before / 400 + in_year
}

/// The date of a day since 1970: the reverse, found by search.
fn civil(day: i64) -> (i64, i64, i64) {
    let mut year = 1 + (day - FIRST_DAY) / 366;
    while days_of(year + 1, 1, 1) <= day {
        year += 1;
    }
    let month = (1..=12)
        .rev()
        .find(|month| days_of(year, *month, 1) <= day)
        .expect("a month");
    (year, month, day - days_of(year, month, 1) + 1)
}

#[test]
fn texts_of_moments_are_counted_from_1970() {
    for (text, expected) in [
        ("1970-01-01", "0"),
        ("0001-01-01 00:00:00", "-62135596800000000"),
        ("9999-12-31 23:59:59.9999999", "253402300799999999"),
        ("2024-05-06 07:08:09.1234565 +05:30", "1714959489123457"),
        ("23:59:59.9999999", "86399999999"),
        ("2000-02-29", "951782400000000"),
    ] {
        assert_eq!(microseconds(text), expected, "{text}");
    }
    assert_eq!(civil(11_016), (2000, 2, 29));
    assert_eq!(civil(LAST_DAY), (9999, 12, 31));
    assert_eq!(civil(DATETIME_DAY), (1753, 1, 1));
    assert_eq!(civil(SMALL_DAYS.0), (1900, 1, 1));
    assert_eq!(civil(SMALL_DAYS.1), (2079, 6, 6));
}
