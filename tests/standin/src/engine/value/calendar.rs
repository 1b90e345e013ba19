//! The proleptic Gregorian calendar as days since 0001-01-01.

/// 100 ns ticks of a second and of a day.
pub(crate) const SECOND: u64 = 10_000_000;
pub(crate) const DAY: u64 = 86_400 * SECOND;
/// 1900-01-01, where `datetime` starts, as days since 0001-01-01.
pub(crate) const DAYS_1900: i32 = 693_595;
/// 9999-12-31.
pub(crate) const LAST_DAY: i32 = 3_652_058;
/// 1753-01-01, the first `datetime`.
pub(crate) const DAYS_1753: i32 = 639_905;

/// In the language us_english, January first.
pub(crate) const MONTH_NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// In the language us_english, Sunday first.
pub(crate) const DAY_NAMES: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

pub(crate) fn is_leap(year: i32) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

pub(crate) fn month_length(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 0001-01-01; `None` when there is no such day in years 1 to 9999.
pub(crate) fn days(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || day < 1
        || day > month_length(year, month)
    {
        return None;
    }
    let y = year - 1;
    let before: u32 = (1..month).map(|m| month_length(year, m)).sum();
    Some(y * 365 + y / 4 - y / 100 + y / 400 + (before + day - 1) as i32)
}

/// Year, month and day of days since 0001-01-01.
pub(crate) fn civil(days: i32) -> (i32, u32, u32) {
    let mut rest = days;
    let n400 = rest / 146_097;
    rest %= 146_097;
    let n100 = (rest / 36_524).min(3);
    rest -= n100 * 36_524;
    let n4 = rest / 1_461;
    rest %= 1_461;
    let n1 = (rest / 365).min(3);
    rest -= n1 * 365;
    let year = n400 * 400 + n100 * 100 + n4 * 4 + n1 + 1;
    let mut month = 1;
    let mut day = rest as u32;
    while day >= month_length(year, month) {
        day -= month_length(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(days(1, 1, 1), Some(0));
        assert_eq!(days(1900, 1, 1), Some(DAYS_1900));
        assert_eq!(days(1753, 1, 1), Some(DAYS_1753));
        assert_eq!(days(9999, 12, 31), Some(LAST_DAY));
        assert_eq!(days(1900, 2, 29), None);
        for day in (0..=LAST_DAY).step_by(97) {
            let (y, m, d) = civil(day);
            assert_eq!(days(y, m, d), Some(day));
        }
    }
}
