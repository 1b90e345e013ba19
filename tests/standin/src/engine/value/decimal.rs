//! Exact decimals: scaling with rounding, text, and arithmetic within 38 digits.

use crate::engine::error::{Result, overflow};

/// One more than the largest absolute unscaled value of 38 digits.
pub(crate) const LIMIT: i128 = 10i128.pow(38);

pub(crate) fn pow10(n: u8) -> i128 {
    10i128.pow(u32::from(n))
}

/// Divides by 10^`digits`, rounding half away from zero.
pub(crate) fn round_off(unscaled: i128, digits: u8) -> i128 {
    if digits == 0 {
        return unscaled;
    }
    if digits > 38 {
        return 0;
    }
    let unit = pow10(digits);
    let (quotient, rest) = (unscaled / unit, unscaled % unit);
    if rest.abs() >= unit - rest.abs() {
        quotient + unscaled.signum()
    } else {
        quotient
    }
}

/// The value at another scale; `None` when it no longer fits 38 digits.
pub(crate) fn rescale(unscaled: i128, from: u8, to: u8) -> Option<i128> {
    if to < from {
        return Some(round_off(unscaled, from - to));
    }
    let widened = unscaled.checked_mul(10i128.checked_pow(u32::from(to - from))?)?;
    (widened.abs() < LIMIT).then_some(widened)
}

/// The value at `scale`, checked against `precision`.
pub(crate) fn fit(unscaled: i128, from: u8, precision: u8, scale: u8) -> Result<i128> {
    rescale(unscaled, from, scale)
        .filter(|v| v.abs() < pow10(precision))
        .ok_or_else(|| overflow("numeric"))
}

pub(crate) fn to_text(unscaled: i128, scale: u8) -> String {
    let digits = unscaled.unsigned_abs().to_string();
    let scale = usize::from(scale);
    let digits = if digits.len() <= scale {
        format!("{}{digits}", "0".repeat(scale + 1 - digits.len()))
    } else {
        digits
    };
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// Reads `[+-]digits[.digits]` into an unscaled value and its scale; digits past 38 are rounded off.
pub(crate) fn parse(text: &str) -> Option<(i128, u8)> {
    let (negative, body) = match text.as_bytes().first()? {
        b'-' => (true, text[1..].trim_start()),
        b'+' => (false, text[1..].trim_start()),
        _ => (false, text),
    };
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    if whole.is_empty() && fraction.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > 38 {
        return None;
    }
    let kept = fraction.len().min(38 - whole.len());
    let mut value: i128 = format!("0{whole}{}", &fraction[..kept]).parse().ok()?;
    if fraction.as_bytes().get(kept).is_some_and(|d| *d >= b'5') {
        value += 1;
    }
    Some((if negative { -value } else { value }, kept as u8))
}

pub(crate) fn to_f64(unscaled: i128, scale: u8) -> f64 {
    // Through the text: the nearest double of the exact value, not of two rounded ones.
    to_text(unscaled, scale).parse().unwrap_or(f64::NAN)
}

/// The nearest decimal of 17 significant digits at `scale`.
pub(crate) fn from_f64(f: f64, scale: u8) -> Option<i128> {
    if !f.is_finite() || f.abs() >= 1e38 {
        return None;
    }
    // Printing at the scale itself would round a tie to the even digit; SQL Server rounds it away
    // from zero. So far behind the scale nothing that matters is rounded.
    const BEHIND: usize = 40;
    let text = format!("{:.*}", usize::from(scale) + BEHIND, f.abs());
    let (kept, dropped) = text.split_at(text.len() - BEHIND);
    let (unscaled, found) = parse(kept.trim_end_matches('.'))?;
    let up = i128::from(dropped.as_bytes().first().is_some_and(|d| *d >= b'5'));
    let whole = rescale(unscaled, found, scale)?.checked_add(up)?;
    Some(if f < 0.0 { -whole } else { whole })
}

/// `a * b` at `scale`.
pub(crate) fn multiply(a: (i128, u8), b: (i128, u8), scale: u8) -> Option<i128> {
    let natural = a.1 + b.1;
    if let Some(product) = a.0.checked_mul(b.0) {
        return rescale(product, natural, scale);
    }
    // Too wide for 128 bits: in decimal digits, of which the last are dropped and rounded.
    let digits = product_digits(a.0.unsigned_abs(), b.0.unsigned_abs());
    let kept = digits
        .len()
        .checked_sub(usize::from(natural.checked_sub(scale)?))?;
    if kept > 38 {
        return None;
    }
    let up = i128::from(digits.get(kept).is_some_and(|d| *d >= 5));
    let whole = digits[..kept]
        .iter()
        .fold(0i128, |n, d| n * 10 + i128::from(*d))
        + up;
    let signed = if (a.0 < 0) == (b.0 < 0) {
        whole
    } else {
        -whole
    };
    (whole < LIMIT).then_some(signed)
}

/// The decimal digits of a product, the highest first.
fn product_digits(a: u128, b: u128) -> Vec<u8> {
    const BASE: u128 = 1_000_000_000;
    let limbs = |mut n: u128| {
        let mut limbs = Vec::new();
        while n > 0 {
            limbs.push(n % BASE);
            n /= BASE;
        }
        limbs
    };
    let (a, b) = (limbs(a), limbs(b));
    let mut product = vec![0u128; a.len() + b.len() + 1];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            product[i + j] += x * y;
        }
    }
    let mut carry = 0;
    let mut digits = Vec::new();
    for limb in product {
        let mut rest = limb + carry;
        carry = rest / BASE;
        rest %= BASE;
        for _ in 0..9 {
            digits.push((rest % 10) as u8);
            rest /= 10;
        }
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits.reverse();
    digits
}

/// `a / b` at `scale`, truncated as SQL Server does; `b` is not zero.
pub(crate) fn divide(a: (i128, u8), b: (i128, u8), scale: u8) -> Option<i128> {
    let shift = i32::from(scale) + i32::from(b.1) - i32::from(a.1);
    let (dividend, divisor) = (a.0.unsigned_abs(), b.0.unsigned_abs());
    let mut quotient = i128::try_from(dividend / divisor).ok()?;
    let mut rest = dividend % divisor;
    let negative = (a.0 < 0) != (b.0 < 0);
    let signed = |quotient: i128| if negative { -quotient } else { quotient };
    if shift < 0 {
        return Some(signed(quotient / 10i128.checked_pow(shift.unsigned_abs())?));
    }
    for _ in 0..shift {
        // Long division digit by digit; ten times the remainder may be more than 128 bits hold.
        let (mut digit, mut wide) = (0, 0u128);
        for _ in 0..10 {
            wide += rest;
            if wide >= divisor {
                wide -= divisor;
                digit += 1;
            }
        }
        quotient = quotient.checked_mul(10)?.checked_add(digit)?;
        rest = wide;
    }
    (quotient < LIMIT).then_some(signed(quotient))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        assert_eq!(parse("-0012.340"), Some((-12340, 3)));
        assert_eq!(parse("."), None);
        assert_eq!(parse("1e5"), None);
        assert_eq!(to_text(-5, 3), "-0.005");
        assert_eq!(to_text(LIMIT - 1, 38), format!("0.{}", "9".repeat(38)));
        assert_eq!(parse(&"9".repeat(39)), None);
    }

    #[test]
    fn rounding_is_away_from_zero() {
        assert_eq!(round_off(15, 1), 2);
        assert_eq!(round_off(-15, 1), -2);
        assert_eq!(round_off(14, 1), 1);
        assert_eq!(from_f64(6.25, 1), Some(63));
        assert_eq!(from_f64(-2.5, 0), Some(-3));
        assert_eq!(from_f64(0.1, 2), Some(10));
        assert_eq!(from_f64(0.35, 1), Some(3), "the float is a little less");
        assert_eq!(divide((10, 0), (3, 0), 6), Some(3_333_333));
        assert_eq!(multiply((150, 2), (20, 1), 3), Some(3000));
        assert_eq!(divide((-7, 0), (2, 0), 0), Some(-3));
        assert!(fit(12345, 2, 4, 2).is_err());
    }

    #[test]
    fn wide_products_and_quotients_are_exact() {
        // 1234567890123456789.0123456789 squared, by the integers of Python.
        let wide = (12_345_678_901_234_567_890_123_456_789, 10);
        assert_eq!(
            multiply(wide, wide, 0),
            Some(1_524_157_875_323_883_675_049_535_156_253_619_879)
        );
        assert_eq!(
            multiply((-wide.0, 10), wide, 0),
            Some(-1_524_157_875_323_883_675_049_535_156_253_619_879)
        );
        assert_eq!(multiply((LIMIT - 1, 0), (LIMIT - 1, 0), 0), None);
        assert_eq!(divide((LIMIT / 2, 0), (LIMIT - 1, 0), 6), Some(500_000));
    }
}
