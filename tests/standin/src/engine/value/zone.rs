//! Time zones by their Windows names, with the changes that Europe has made since 1996 and the United
//! States since 2007.

use crate::engine::value::calendar::{SECOND, civil, days, month_length};

/// When the clocks change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Never,
    /// From the last Sunday of March to that of October, at 01:00 UTC.
    Europe,
    /// From the second Sunday of March to the first of November, at 02:00 local time.
    America,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Zone {
    /// Minutes ahead of UTC in winter.
    standard: i64,
    rule: Rule,
}

const ZONES: &[(&str, i64, Rule)] = &[
    ("UTC", 0, Rule::Never),
    ("Dateline Standard Time", -720, Rule::Never),
    ("Hawaiian Standard Time", -600, Rule::Never),
    ("Alaskan Standard Time", -540, Rule::America),
    ("Pacific Standard Time", -480, Rule::America),
    ("US Mountain Standard Time", -420, Rule::Never),
    ("Mountain Standard Time", -420, Rule::America),
    ("Central Standard Time", -360, Rule::America),
    ("Central America Standard Time", -360, Rule::Never),
    ("Canada Central Standard Time", -360, Rule::Never),
    ("Eastern Standard Time", -300, Rule::America),
    ("SA Pacific Standard Time", -300, Rule::Never),
    ("Atlantic Standard Time", -240, Rule::America),
    ("Newfoundland Standard Time", -210, Rule::America),
    ("GMT Standard Time", 0, Rule::Europe),
    ("Greenwich Standard Time", 0, Rule::Never),
    ("W. Europe Standard Time", 60, Rule::Europe),
    ("Central Europe Standard Time", 60, Rule::Europe),
    ("Central European Standard Time", 60, Rule::Europe),
    ("Romance Standard Time", 60, Rule::Europe),
    ("W. Central Africa Standard Time", 60, Rule::Never),
    ("GTB Standard Time", 120, Rule::Europe),
    ("FLE Standard Time", 120, Rule::Europe),
    ("South Africa Standard Time", 120, Rule::Never),
    ("Arab Standard Time", 180, Rule::Never),
    ("E. Africa Standard Time", 180, Rule::Never),
    ("Arabian Standard Time", 240, Rule::Never),
    ("India Standard Time", 330, Rule::Never),
    ("Nepal Standard Time", 345, Rule::Never),
    ("SE Asia Standard Time", 420, Rule::Never),
    ("China Standard Time", 480, Rule::Never),
    ("Singapore Standard Time", 480, Rule::Never),
    ("Tokyo Standard Time", 540, Rule::Never),
    ("Korea Standard Time", 540, Rule::Never),
    ("AUS Central Standard Time", 570, Rule::Never),
    ("E. Australia Standard Time", 600, Rule::Never),
];

/// A moment: days since 0001-01-01 and ticks.
type Moment = (i32, u64);

impl Zone {
    pub(crate) fn find(name: &str) -> Option<Zone> {
        let found = ZONES.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name))?;
        Some(Zone {
            standard: found.1,
            rule: found.2,
        })
    }

    /// The offset in minutes at a moment of UTC; `None` before the rules that are known.
    pub(crate) fn of_utc(self, utc: Moment) -> Option<i64> {
        let Some((begins, ends)) = self.summer(civil(utc.0).0)? else {
            return Some(self.standard);
        };
        let summer = utc >= begins && utc < ends;
        Some(self.standard + if summer { 60 } else { 0 })
    }

    /// The offset of a local time. In the gap of spring it is the offset after the change, in the
    /// doubled hour of autumn the one before it ("AT TIME ZONE", remarks).
    pub(crate) fn of_local(self, local: Moment) -> Option<(i64, bool)> {
        let Some((begins, ends)) = self.summer(civil(local.0).0)? else {
            return Some((self.standard, false));
        };
        let at =
            |utc: Moment, offset: i64| crate::engine::value::temporal::shift(utc.0, utc.1, offset);
        let (gap, back) = (at(begins, self.standard), at(ends, self.standard + 60));
        if local < gap || local >= back {
            return Some((self.standard, false));
        }
        let in_gap = local < at(begins, self.standard + 60);
        Some((self.standard + 60, in_gap))
    }

    /// The moments of UTC between which a year's summer time lies.
    fn summer(self, year: i32) -> Option<Option<(Moment, Moment)>> {
        let hour = 3600 * SECOND;
        let minutes = |n: i64| n.unsigned_abs() * 60 * SECOND;
        match self.rule {
            Rule::Never => Some(None),
            Rule::Europe if year < 1996 => None,
            Rule::Europe => Some(Some((
                (last_sunday(year, 3)?, hour),
                (last_sunday(year, 10)?, hour),
            ))),
            Rule::America if year < 2007 => None,
            Rule::America => {
                // West of Greenwich, so that UTC is the same day.
                let behind = minutes(self.standard);
                Some(Some((
                    (sunday(year, 3, 2)?, 2 * hour + behind),
                    (sunday(year, 11, 1)?, hour + behind),
                )))
            }
        }
    }
}

/// 0001-01-01 is a Monday.
fn is_sunday(day: i32) -> bool {
    (day + 1).rem_euclid(7) == 0
}

fn last_sunday(year: i32, month: u32) -> Option<i32> {
    let last = days(year, month, month_length(year, month))?;
    (0..7).map(|back| last - back).find(|d| is_sunday(*d))
}

fn sunday(year: i32, month: u32, nth: i32) -> Option<i32> {
    let first = days(year, month, 1)?;
    let found = (0..7).map(|on| first + on).find(|d| is_sunday(*d))?;
    Some(found + 7 * (nth - 1))
}
