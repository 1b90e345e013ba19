//! Days of the proleptic Gregorian calendar.
//!
//! Pure arithmetic on counts of days, from year 1 to 9999 and beyond: SQL Server, PostgreSQL and
//! Unix count from different days, and the constants below turn one count into another.

/// Days from 0000-03-01, where eras of 400 years begin, to the days that others count from.
pub const TO_0001: i64 = 306;
/// To 1900-01-01, from which `datetime` counts.
pub const TO_1900: i64 = 693_901;
/// To 1970-01-01, from which Unix counts.
pub const TO_1970: i64 = 719_468;
/// To 2000-01-01, from which PostgreSQL counts.
pub const TO_2000: i64 = 730_425;

/// Days of 400 years: 97 of them are leap years.
const DAYS_OF_ERA: i64 = 146_097;

/// Year, month and day of a count of days since 0000-03-01: years that begin in March have their
/// leap day last (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
/// `civil_from_days`).
///
/// ```
/// use tsql::calendar::{self, civil};
///
/// assert_eq!(civil(calendar::TO_2000 + 59), (2000, 2, 29));
/// assert_eq!(civil(calendar::TO_1900), (1900, 1, 1));
/// ```
pub fn civil(days: i64) -> (i64, u8, u8) {
    let era = days.div_euclid(DAYS_OF_ERA);
    let of_era = days.rem_euclid(DAYS_OF_ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // Both are below 32 by the arithmetic above.
    (year, month as u8, day as u8)
}

/// `yyyy-mm-dd` of a count of days since 0000-03-01.
///
/// ```
/// use tsql::calendar::{self, iso_date};
///
/// assert_eq!(iso_date(calendar::TO_2000 + 59), "2000-02-29");
/// ```
pub fn iso_date(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from PostgreSQL: `SELECT date '2000-01-01' + n`.
    #[test]
    fn days_are_those_of_postgresql() {
        for (days, expected) in [
            (0, (2000, 1, 1)),
            (59, (2000, 2, 29)),
            (60, (2000, 3, 1)),
            (-36_466, (1900, 2, 28)),
            (-36_465, (1900, 3, 1)),
            (-730_119, (1, 1, 1)),
            (2_921_939, (9999, 12, 31)),
        ] {
            assert_eq!(civil(TO_2000 + days), expected, "{days}");
        }
    }

    /// Expected values from PostgreSQL: `SELECT date '2000-01-01' - date '1900-01-01'` and so on.
    #[test]
    fn the_other_starts_are_as_far_apart_as_in_postgresql() {
        assert_eq!(TO_2000 - TO_1970, 10_957);
        assert_eq!(TO_2000 - TO_1900, 36_524);
        assert_eq!(TO_2000 - TO_0001, 730_119);
    }
}
