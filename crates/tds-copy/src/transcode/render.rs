//! Values as text, for columns that the job moves into text.
//!
//! The forms are those that SQL Server itself prints with CONVERT, so that a column of text on the
//! target compares with one at the source. A line fits in 48 bytes and is built on the stack.

use crate::transcode::fault::Fault;
use crate::transcode::number::array;
use crate::transcode::output::Output;
use crate::transcode::time::{Moment, Source};
use tsql::calendar::{self, civil};

/// Enough for the longest form: a sign, 39 digits and a point.
const LINE: usize = 48;

/// A short ASCII line, built without allocation.
pub(super) struct Line {
    bytes: [u8; LINE],
    length: usize,
}

impl Line {
    fn new() -> Self {
        Self {
            bytes: [0; LINE],
            length: 0,
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// ASCII that was made elsewhere; what is longer than a line is cut, which no form is.
    pub(super) fn of(text: &[u8]) -> Self {
        let mut line = Self::new();
        text.iter().for_each(|byte| line.push(*byte));
        line
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.length) {
            *slot = byte;
            self.length += 1;
        }
    }

    /// `value` in at least `width` digits.
    fn digits(&mut self, value: u128, width: usize) {
        let mut digits = [b'0'; 40];
        let mut rest = value;
        let mut at = digits.len();
        while rest != 0 && at != 0 {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        at = at.min(digits.len() - width.min(digits.len()));
        for digit in &digits[at..] {
            self.push(*digit);
        }
    }

    /// A number of one or two digits in two places.
    fn blank_padded(&mut self, value: u64) {
        if value < 10 {
            self.push(b' ');
        }
        self.digits(u128::from(value), 1);
    }

    /// Appends the line as a field, with blanks up to `pad` bytes.
    pub(super) fn put(&self, out: &mut Output, pad: u32) {
        let start = out.open_field();
        out.put_slice(self.as_bytes());
        for _ in self.length..pad as usize {
            out.put([b' ']);
        }
        out.close_field(start);
    }
}

/// In decimal digits, with a sign if negative.
pub(super) fn int(value: i64) -> Line {
    decimal(value < 0, u128::from(value.unsigned_abs()), 0)
}

/// `-12.30`, with a digit before the point.
pub(super) fn decimal(negative: bool, magnitude: u128, scale: u8) -> Line {
    let mut line = Line::new();
    if negative {
        line.push(b'-');
    }
    let unit = 10u128.pow(u32::from(scale.min(38)));
    line.digits(magnitude / unit, 1);
    if scale != 0 {
        line.push(b'.');
        line.digits(magnitude % unit, usize::from(scale));
    }
    line
}

/// The bytes of a uniqueidentifier in the order in which they are printed: the first three groups are
/// little-endian on the wire (MS-DTYP 2.3.4.2).
pub(super) fn uuid(bytes: &[u8]) -> Result<[u8; 16], Fault> {
    let [a, b, c, d, e, f, g, h, rest @ ..]: [u8; 16] = array(bytes)?;
    let [i, j, k, l, m, n, o, p] = rest;
    Ok([d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p])
}

/// `6F9619FF-8B86-D011-B42D-00C04FC964FF`, in upper case as SQL Server prints it.
pub(super) fn guid(bytes: [u8; 16]) -> Line {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut line = Line::new();
    for (place, byte) in bytes.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            line.push(b'-');
        }
        line.push(HEX[usize::from(byte >> 4)]);
        line.push(HEX[usize::from(byte & 15)]);
    }
    line
}

/// `2024-05-06`, `07:08:09.1234567`, `2024-05-06 07:08:09.123`,
/// `2024-05-06 07:08:09.1234567 +05:30`.
pub(super) fn moment(source: Source, moment: Moment) -> Result<Line, Fault> {
    let mut line = Line::new();
    let (days, fraction) = local(source, moment);
    if !matches!(source, Source::Time { .. }) {
        date(&mut line, days)?;
    }
    if matches!(source, Source::Date) {
        return Ok(line);
    }
    if !matches!(source, Source::Time { .. }) {
        line.push(b' ');
    }
    time(&mut line, fraction, source.digits());
    if matches!(source, Source::DateTimeOffset { .. }) {
        line.push(b' ');
        line.push(if moment.offset < 0 { b'-' } else { b'+' });
        let minutes = u128::from(moment.offset.unsigned_abs());
        line.digits(minutes / 60, 2);
        line.push(b':');
        line.digits(minutes % 60, 2);
    }
    Ok(line)
}

/// `May  6 2024  7:08AM`: style 0 of CONVERT, the default of `datetime` and `smalldatetime`. The
/// moment's fraction counts 10^-`digits` s.
pub(super) fn named_moment(moment: Moment, digits: u8) -> Result<Line, Fault> {
    const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let (year, month, day) = calendar_day(moment.days)?;
    let minutes = moment.fraction / 10u64.pow(u32::from(digits)) / 60;
    let hour = minutes / 60;
    let of_twelve = match hour % 12 {
        0 => 12,
        other => other,
    };
    let mut line = Line::new();
    let at = 3 * (month as usize - 1);
    MONTHS[at..at + 3]
        .iter()
        .for_each(|letter| line.push(*letter));
    line.push(b' ');
    line.blank_padded(day as u64);
    line.push(b' ');
    line.digits(year as u128, 4);
    line.push(b' ');
    line.blank_padded(of_twelve);
    line.push(b':');
    line.digits(u128::from(minutes % 60), 2);
    line.push(if hour < 12 { b'A' } else { b'P' });
    line.push(b'M');
    Ok(line)
}

/// The day and time of day at the value's own offset.
fn local(source: Source, moment: Moment) -> (i32, u64) {
    let second = 10i64.pow(u32::from(source.digits()));
    let day = 86_400 * second;
    let shifted = moment.fraction as i64 + i64::from(moment.offset) * 60 * second;
    let days = moment.days + shifted.div_euclid(day) as i32;
    (days, shifted.rem_euclid(day) as u64)
}

/// Hours, minutes, seconds and `digits` fractional digits.
fn time(line: &mut Line, fraction: u64, digits: u8) {
    let second = 10u64.pow(u32::from(digits));
    let seconds = fraction / second;
    line.digits(u128::from(seconds / 3600), 2);
    line.push(b':');
    line.digits(u128::from(seconds / 60 % 60), 2);
    line.push(b':');
    line.digits(u128::from(seconds % 60), 2);
    if digits != 0 {
        line.push(b'.');
        line.digits(u128::from(fraction % second), usize::from(digits));
    }
}

/// Year, month and day of a day since 2000-01-01, of the years that SQL Server knows.
fn calendar_day(days: i32) -> Result<(i64, u8, u8), Fault> {
    let (year, month, day) = civil(calendar::TO_2000 + i64::from(days));
    if !(1..=9999).contains(&year) {
        return Err(Fault::Malformed);
    }
    Ok((year, month, day))
}

/// `yyyy-mm-dd`.
fn date(line: &mut Line, days: i32) -> Result<(), Fault> {
    let (year, month, day) = calendar_day(days)?;
    line.digits(year as u128, 4);
    line.push(b'-');
    line.digits(month.into(), 2);
    line.push(b'-');
    line.digits(day.into(), 2);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcode::time;

    fn shown(source: Source, bytes: &[u8]) -> String {
        let moment = time::read(source, bytes).unwrap();
        let line = super::moment(source, moment).unwrap();
        String::from_utf8(line.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn dates_of_every_kind_of_year() {
        let date = |days: u32| shown(Source::Date, &days.to_le_bytes()[..3]);
        assert_eq!(date(0), "0001-01-01");
        assert_eq!(date(58), "0001-02-28");
        assert_eq!(date(59), "0001-03-01");
        assert_eq!(date(730_119), "2000-01-01");
        assert_eq!(date(730_119 + 59), "2000-02-29");
        assert_eq!(date(693_595 + 58), "1900-02-28");
        assert_eq!(date(693_595 + 59), "1900-03-01");
        assert_eq!(date(3_652_058), "9999-12-31");
    }

    #[test]
    fn an_offset_is_applied_and_shown() {
        // 2024-05-06 01:38:09.1234567 UTC at +05:30
        let fraction = (3600 + 38 * 60 + 9) * 10_000_000u64 + 1_234_567;
        let mut bytes = fraction.to_le_bytes()[..5].to_vec();
        bytes.extend_from_slice(&[0xC3, 0x46, 0x0B, 0x4A, 0x01]);
        assert_eq!(
            shown(Source::DateTimeOffset { scale: 7 }, &bytes),
            "2024-05-06 07:08:09.1234567 +05:30"
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        let text = |line: Line| String::from_utf8(line.as_bytes().to_vec()).unwrap();
        assert_eq!(text(int(i64::MIN)), "-9223372036854775808");
        assert_eq!(text(int(0)), "0");
        assert_eq!(text(decimal(true, 5, 2)), "-0.05");
        assert_eq!(
            text(decimal(false, 10u128.pow(38) - 1, 38)),
            format!("0.{}", "9".repeat(38))
        );
    }
}
