//! Floats as SQL Server prints them.
//!
//! Used for `sql_variant` and for floats that a job moves into text. COPY into a float type sends
//! the bits.

use crate::transcode::render::Line;

/// Style 0 of CONVERT: "a maximum of 6 digits, use in scientific notation, when appropriate"
/// (T-SQL reference, "CAST and CONVERT", float and real styles). Appropriate is what C's `%g`
/// thinks so, with three digits of exponent: `1.23457e+006`, `0.0001`, `1e-005`.
pub(super) fn short(value: f64) -> Line {
    const DIGITS: i32 = 6;
    let text = format!("{value:.5e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return Line::of(text.as_bytes());
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        return Line::of(trimmed(&format!("{value:.decimals$}")).as_bytes());
    }
    scientific(trimmed(mantissa), exponent)
}

/// Style 3 of CONVERT, "always 17 digits, use for lossless conversion": one digit and `decimals`
/// more; `real` has 8 of them and `float` 16.
pub(super) fn lossless(value: f64, decimals: usize) -> Line {
    let text = format!("{value:.decimals$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => scientific(mantissa, exponent.parse().unwrap_or(0)),
        None => Line::of(text.as_bytes()),
    }
}

/// A sign and three digits of exponent at least, as SQL Server writes it.
fn scientific(mantissa: &str, exponent: i32) -> Line {
    let sign = if exponent < 0 { '-' } else { '+' };
    Line::of(format!("{mantissa}e{sign}{:03}", exponent.unsigned_abs()).as_bytes())
}

/// Without zeros after the last digit that counts.
fn trimmed(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line) -> &str {
        std::str::from_utf8(line.as_bytes()).unwrap()
    }

    /// What C's `%g` prints, which SQL Server's style 0 follows but for the exponent's digits.
    #[test]
    fn six_digits_and_an_exponent_where_it_is_appropriate() {
        for (value, printed) in [
            (0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (123_456.0, "123456"),
            (999_999.5, "1e+006"),
            (1_234_567.0, "1.23457e+006"),
            (0.000_1, "0.0001"),
            (0.000_012_345_6, "1.23456e-005"),
            (1e300, "1e+300"),
            (2.345_678_901_234_5, "2.34568"),
        ] {
            assert_eq!(text(&short(value)), printed);
        }
    }

    #[test]
    fn lossless_digits_come_back_as_the_same_bits() {
        assert_eq!(text(&lossless(0.1, 16)), "1.0000000000000001e-001");
        assert_eq!(text(&lossless(f64::from(0.1f32), 8)), "1.00000001e-001");
        assert_eq!(text(&lossless(0.0, 16)), "0.0000000000000000e+000");
        for bits in [
            1u64,
            0x7FEF_FFFF_FFFF_FFFF,
            0x0010_0000_0000_0000,
            0x3FB9_9999_9999_999A,
        ] {
            let value = f64::from_bits(bits);
            let read: f64 = text(&lossless(value, 16)).parse().unwrap();
            assert_eq!(read.to_bits(), bits);
        }
    }
}
