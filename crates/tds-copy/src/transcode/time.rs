//! Dates and times as days and microseconds from PostgreSQL's epoch, 2000-01-01.
//!
//! Every type of the wire becomes a [`Moment`] first, with its own digits, and is rounded once,
//! when it is written. SQL Server counts days from 0001-01-01 or 1900-01-01, PostgreSQL from
//! 2000-01-01.

use crate::tds::type_info::TypeInfo;
use crate::transcode::fault::Fault;
use crate::transcode::number::{array, put_field};
use crate::transcode::output::Output;

/// Days from 0001-01-01 to 2000-01-01.
const EPOCH_FROM_YEAR_ONE: i32 = 730_119;
/// Days from 1900-01-01 to 2000-01-01.
const EPOCH_FROM_1900: i32 = 36_524;
/// 9999-12-31 in days since 0001-01-01.
const LAST_DAY: u32 = 3_652_058;
const DAY_SECONDS: u64 = 86_400;
const DAY_MICROSECONDS: i64 = 86_400_000_000;
const MINUTE_MICROSECONDS: i64 = 60_000_000;
/// `datetime` counts 300ths of a second.
const DAY_300THS: u32 = 300 * 86_400;

/// The source type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Date,
    Time { scale: u8 },
    SmallDateTime,
    DateTime,
    DateTime2 { scale: u8 },
    DateTimeOffset { scale: u8 },
}

impl Source {
    /// Fractional digits of the source, as SQL Server shows them.
    pub(super) fn digits(self) -> u8 {
        match self {
            Self::Date | Self::SmallDateTime => 0,
            Self::DateTime => 3,
            Self::Time { scale } | Self::DateTime2 { scale } | Self::DateTimeOffset { scale } => {
                scale
            }
        }
    }
}

/// A point in time as the source has it: `fraction` counts 10^-digits of a second of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// Days since 2000-01-01.
    pub(super) days: i32,
    pub(super) fraction: u64,
    /// Minutes east of UTC; days and fraction are UTC then.
    pub(super) offset: i16,
}

/// From the source's digits to microseconds, rounded half up to the target's digits at once: in
/// two steps, .0004999_5 would become .001.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rounding {
    divide: u64,
    multiply: u64,
}

impl Rounding {
    /// `digits` are the source's, `precision` the target's; more than six are never kept.
    pub(super) fn new(digits: u8, precision: u8) -> Self {
        let kept = digits.min(precision).min(6);
        Self {
            divide: 10u64.pow(u32::from(digits - kept)),
            multiply: 10u64.pow(u32::from(6 - kept)),
        }
    }

    /// Microseconds of the day.
    #[inline]
    fn microseconds(self, fraction: u64) -> i64 {
        let rounded = match self.divide {
            1 => fraction,
            10 => (fraction + 5) / 10,
            unit => (fraction + unit / 2) / unit,
        };
        (rounded * self.multiply) as i64
    }

    /// The same without rounding: where the rounded value would lie in the next day.
    #[cold]
    fn truncated(self, fraction: u64) -> i64 {
        (fraction / self.divide * self.multiply) as i64
    }

    /// Microseconds of the day, and whether they had to be truncated to stay in it.
    #[inline]
    fn within_day(self, moment: Moment) -> (i64, bool) {
        let rounded = self.microseconds(moment.fraction);
        if rounded == DAY_MICROSECONDS || moment.offset != 0 && self.reaches_midnight(moment) {
            return (self.truncated(moment.fraction), true);
        }
        (rounded, false)
    }

    /// Rounding up ends at midnight of the clock that the value was written by.
    fn reaches_midnight(self, moment: Moment) -> bool {
        let rounded = self.microseconds(moment.fraction);
        let local = rounded + i64::from(moment.offset) * MINUTE_MICROSECONDS;
        local % DAY_MICROSECONDS == 0 && rounded != self.truncated(moment.fraction)
    }
}

/// Reads a value of `source`.
///
/// # Errors
/// `Malformed` for days, times or offsets that SQL Server does not have.
#[inline]
pub(super) fn read(source: Source, bytes: &[u8]) -> Result<Moment, Fault> {
    let (days, fraction, offset) = match source {
        Source::Date => (date(bytes)?, 0, 0),
        Source::Time { scale } => (0, fraction(bytes, scale)?, 0),
        Source::SmallDateTime => {
            let [a, b, c, d] = array(bytes)?;
            let minutes = u64::from(u16::from_le_bytes([c, d]));
            if minutes >= 1440 {
                return Err(Fault::Malformed);
            }
            let days = i32::from(u16::from_le_bytes([a, b])) - EPOCH_FROM_1900;
            (days, minutes * 60, 0)
        }
        Source::DateTime => datetime(bytes)?,
        Source::DateTime2 { scale } => {
            let (time, day) = split(bytes, scale)?;
            (date(day)?, fraction(time, scale)?, 0)
        }
        Source::DateTimeOffset { scale } => {
            let (time, rest) = split(bytes, scale)?;
            let (day, offset) = rest.split_at_checked(3).ok_or(Fault::Malformed)?;
            let offset = i16::from_le_bytes(array(offset)?);
            if !(-840..=840).contains(&offset) {
                return Err(Fault::Malformed);
            }
            (date(day)?, fraction(time, scale)?, offset)
        }
    };
    Ok(Moment {
        days,
        fraction,
        offset,
    })
}

/// Days since 1900-01-01 and 300ths of a second, shown in milliseconds as SQL Server does:
/// 0, 3, 7, 10, 13, 17...
fn datetime(bytes: &[u8]) -> Result<(i32, u64, i16), Fault> {
    let wire: [u8; 8] = array(bytes)?;
    let days = i32::from_le_bytes([wire[0], wire[1], wire[2], wire[3]]);
    let ticks = u32::from_le_bytes([wire[4], wire[5], wire[6], wire[7]]);
    // 1753-01-01 ..= 9999-12-31
    if ticks >= DAY_300THS || !(-53_690..=2_958_463).contains(&days) {
        return Err(Fault::Malformed);
    }
    let milliseconds = (u64::from(ticks) * 10 + 1) / 3;
    Ok((days - EPOCH_FROM_1900, milliseconds, 0))
}

/// The time and what follows it: on the wire the time comes first.
#[inline]
fn split(bytes: &[u8], scale: u8) -> Result<(&[u8], &[u8]), Fault> {
    bytes
        .split_at_checked(TypeInfo::time_bytes(scale))
        .ok_or(Fault::Malformed)
}

/// Three bytes of days since 0001-01-01, as days from PostgreSQL's epoch.
#[inline]
fn date(bytes: &[u8]) -> Result<i32, Fault> {
    let [low, middle, high] = array(bytes)?;
    let days = u32::from_le_bytes([low, middle, high, 0]);
    if days > LAST_DAY {
        return Err(Fault::Malformed);
    }
    Ok(days as i32 - EPOCH_FROM_YEAR_ONE)
}

/// Units of 10^-scale of a second since midnight.
#[inline]
fn fraction(bytes: &[u8], scale: u8) -> Result<u64, Fault> {
    let fraction = match (bytes, TypeInfo::time_bytes(scale)) {
        ([a, b, c], 3) => u64::from_le_bytes([*a, *b, *c, 0, 0, 0, 0, 0]),
        ([a, b, c, d], 4) => u64::from_le_bytes([*a, *b, *c, *d, 0, 0, 0, 0]),
        ([a, b, c, d, e], 5) => u64::from_le_bytes([*a, *b, *c, *d, *e, 0, 0, 0]),
        _ => return Err(Fault::Malformed),
    };
    if fraction >= DAY_SECONDS * 10u64.pow(u32::from(scale)) {
        return Err(Fault::Malformed);
    }
    Ok(fraction)
}

/// A `date` field.
#[inline]
pub(super) fn put_date(out: &mut Output, moment: Moment) {
    put_field(out, moment.days.to_be_bytes());
}

/// A `time` field. True where it was truncated, because rounding would have left the day.
#[inline]
pub(super) fn put_time(out: &mut Output, moment: Moment, rounding: Rounding) -> bool {
    let (microseconds, truncated) = rounding.within_day(moment);
    put_field(out, microseconds.to_be_bytes());
    truncated
}

/// A `timestamp` or, the moment being UTC, a `timestamptz` field. True where it was truncated,
/// because rounding would have left the day.
#[inline]
pub(super) fn put_timestamp(out: &mut Output, moment: Moment, rounding: Rounding) -> bool {
    let (of_day, truncated) = rounding.within_day(moment);
    let microseconds = i64::from(moment.days) * DAY_MICROSECONDS + of_day;
    put_field(out, microseconds.to_be_bytes());
    truncated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn microseconds(source: Source, bytes: &[u8], precision: u8) -> i64 {
        let mut out = Output::new(16);
        let moment = read(source, bytes).unwrap();
        put_timestamp(&mut out, moment, Rounding::new(source.digits(), precision));
        i64::from_be_bytes(out.written(4).try_into().unwrap())
    }

    #[test]
    fn datetime_ticks_are_the_milliseconds_that_sql_server_prints() {
        let shown = |tick: u8| {
            let bytes = [0xAC, 0x8E, 0, 0, tick, 0, 0, 0];
            microseconds(Source::DateTime, &bytes, 3)
        };
        let ticks: Vec<_> = [0, 1, 2, 3, 4, 5].map(shown).to_vec();
        assert_eq!(ticks, [0, 3_000, 7_000, 10_000, 13_000, 17_000]);
        // 23:59:59.997
        let last = [0xAC, 0x8E, 0, 0, 0xFF, 0x81, 0x8B, 0x01];
        assert_eq!(microseconds(Source::DateTime, &last, 3), 86_399_997_000);
    }

    #[test]
    fn the_seventh_digit_rounds_half_up_and_stays_in_its_day() {
        let at = |fraction: u64, offset| Moment {
            days: 0,
            fraction,
            offset,
        };
        let day = 864_000_000_000u64;
        let rounding = Rounding::new(7, 6);
        let last = DAY_MICROSECONDS - 1;
        assert_eq!(rounding.within_day(at(day - 1, 0)), (last, true));
        assert_eq!(rounding.within_day(at(day - 6, 0)), (last, false));
        assert_eq!(
            Rounding::new(7, 0).within_day(at(day - 5_000_000, 0)),
            (DAY_MICROSECONDS - 1_000_000, true)
        );
        // 23:59:59.9999999 +02:00, and the same second of UTC at another offset.
        let evening = 22 * 3_600 * 10_000_000;
        let micros = 22 * 3_600 * 1_000_000;
        assert_eq!(
            rounding.within_day(at(evening - 1, 120)),
            (micros - 1, true)
        );
        assert_eq!(rounding.within_day(at(evening - 1, 60)), (micros, false));
        assert_eq!(rounding.within_day(at(evening, 120)), (micros, false));
        // At -02:00 that midnight is 02:00 of UTC.
        let morning = 2 * 3_600 * 10_000_000;
        assert!(rounding.within_day(at(morning - 5, -120)).1);
        assert_eq!(rounding.microseconds(14), 1);
        assert_eq!(rounding.microseconds(15), 2);
        assert_eq!(Rounding::new(7, 3).microseconds(4_999), 0);
        assert_eq!(Rounding::new(7, 3).microseconds(5_000), 1_000);
        assert_eq!(Rounding::new(2, 6).microseconds(7), 70_000);
    }

    #[test]
    fn the_ends_of_the_calendar_are_reached() {
        let day = |days: u32| read(Source::Date, &days.to_le_bytes()[..3]);
        assert_eq!(day(0).unwrap().days, -730_119);
        assert_eq!(day(LAST_DAY).unwrap().days, 2_921_939);
        assert_eq!(day(LAST_DAY + 1), Err(Fault::Malformed));
    }
}
