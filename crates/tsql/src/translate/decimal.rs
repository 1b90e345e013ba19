//! Exact decimal constants, and the result types of decimal arithmetic.
//!
//! SQL Server gives each result a precision and a scale that follow from its operands, and shortens
//! the scale if there would be more than 38 digits ("Precision, scale, and length"). A pair
//! `(u8, u8)` is precision and scale.

use std::fmt;

/// `mantissa / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// All digits without the point, with the sign.
    pub(super) mantissa: i128,
    /// Digits after the point, at most 38.
    pub(super) scale: u8,
}

/// SQL Server's, which is less than an `i128` holds.
pub(super) const MOST_DIGITS: u8 = 38;

impl Decimal {
    pub(super) fn whole(number: i128) -> Self {
        Self {
            mantissa: number,
            scale: 0,
        }
    }

    /// `12.50`, `.5`, `5.`, signs in front; `None` for anything else or more than 38 digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        if all.trim_start_matches('0').len() > usize::from(MOST_DIGITS) {
            return None;
        }
        let scale = u8::try_from(fraction.len())
            .ok()
            .filter(|s| *s <= MOST_DIGITS)?;
        let mantissa: i128 = all.parse().ok()?;
        Some(Self {
            mantissa: if negative { -mantissa } else { mantissa },
            scale,
        })
    }

    /// The least precision and scale that hold it as it is written.
    pub(super) fn digits(&self) -> (u8, u8) {
        let digits = self.mantissa.unsigned_abs().to_string().len();
        let precision = u8::try_from(digits).unwrap_or(MOST_DIGITS);
        (precision.max(self.scale).max(1), self.scale)
    }

    pub(super) fn negated(self) -> Self {
        Self {
            mantissa: -self.mantissa,
            ..self
        }
    }

    /// Cut off after the point, as a conversion to an integer does.
    pub(super) fn truncated(self) -> i128 {
        self.mantissa / power(self.scale)
    }

    /// Rounded half away from zero, or widened; `None` where it does not fit.
    pub(super) fn fitted(self, precision: u8, scale: u8) -> Option<Self> {
        let mantissa = if scale >= self.scale {
            self.mantissa.checked_mul(power(scale - self.scale))?
        } else {
            let unit = power(self.scale - scale);
            let half = unit / 2 * self.mantissa.signum();
            self.mantissa.checked_add(half)? / unit
        };
        (mantissa.unsigned_abs() < power(precision).unsigned_abs())
            .then_some(Self { mantissa, scale })
    }
}

fn power(exponent: u8) -> i128 {
    10_i128.pow(u32::from(exponent.min(MOST_DIGITS)))
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        if scale == 0 {
            write!(f, "{sign}{whole}")
        } else {
            write!(f, "{sign}{whole}.{fraction}")
        }
    }
}

/// Precision and scale of a result, and whether SQL Server rounds it to that scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digits {
    pub(super) precision: u8,
    pub(super) scale: u8,
    /// Digits after the point were given up to stay within 38.
    pub(super) reduced: bool,
}

/// "Precision, scale, and length (Transact-SQL)", for `+` and `-`.
pub(super) fn sum(a: (u8, u8), b: (u8, u8)) -> Digits {
    let scale = a.1.max(b.1);
    let whole = (a.0 - a.1).max(b.0 - b.1);
    let precision = scale + whole + 1;
    if precision <= MOST_DIGITS {
        return Digits {
            precision,
            scale,
            reduced: false,
        };
    }
    let kept = scale.min(MOST_DIGITS - whole.min(MOST_DIGITS));
    Digits {
        precision: MOST_DIGITS,
        scale: kept,
        reduced: kept < scale,
    }
}

/// The same, for `*`.
pub(super) fn product(a: (u8, u8), b: (u8, u8)) -> Digits {
    squeezed(a.0 + b.0 + 1, a.1 + b.1)
}

/// The same, for `/`.
pub(super) fn quotient(a: (u8, u8), b: (u8, u8)) -> Digits {
    let scale = (a.1 + b.0 + 1).max(6);
    squeezed(a.0 - a.1 + b.1 + scale, scale)
}

/// The same, for `%`.
pub(super) fn remainder(a: (u8, u8), b: (u8, u8)) -> Digits {
    let scale = a.1.max(b.1);
    let precision = (a.0 - a.1).min(b.0 - b.1) + scale;
    Digits {
        precision: precision.max(1),
        scale,
        reduced: precision > MOST_DIGITS,
    }
}

/// Results with more than 38 digits lose some after the point, down to six.
fn squeezed(precision: u8, scale: u8) -> Digits {
    if precision <= MOST_DIGITS {
        return Digits {
            precision,
            scale,
            reduced: false,
        };
    }
    let whole = precision - scale;
    let kept = if whole < 32 {
        scale.min(MOST_DIGITS - whole)
    } else {
        scale.min(6)
    };
    Digits {
        precision: MOST_DIGITS,
        scale: kept,
        reduced: kept < scale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_keep_what_is_written() {
        for (text, shown, digits) in [
            ("1.50", "1.50", (3, 2)),
            (".5", "0.5", (1, 1)),
            ("5.", "5", (1, 0)),
            ("0.00", "0.00", (2, 2)),
            ("-12.3", "-12.3", (3, 1)),
        ] {
            let decimal = Decimal::parse(text).unwrap();
            assert_eq!(
                (decimal.to_string().as_str(), decimal.digits()),
                (shown, digits)
            );
        }
        for text in ["", ".", "1e5", "--1", &"9".repeat(39)] {
            assert_eq!(Decimal::parse(text), None);
        }
    }

    #[test]
    fn constants_round_half_away() {
        let fitted = |text, precision, scale| {
            let decimal = Decimal::parse(text).unwrap().fitted(precision, scale)?;
            Some(decimal.to_string())
        };
        assert_eq!(fitted("1.005", 10, 2).as_deref(), Some("1.01"));
        assert_eq!(fitted("-1.005", 10, 2).as_deref(), Some("-1.01"));
        assert_eq!(fitted("1", 10, 2).as_deref(), Some("1.00"));
        assert_eq!(fitted("100", 2, 0), None);
        assert_eq!(Decimal::parse("-1.9").unwrap().truncated(), -1);
    }

    /// The documentation's own examples, and the LineTotal of AdventureWorks.
    #[test]
    fn result_types() {
        let both = |digits: Digits| (digits.precision, digits.scale, digits.reduced);
        assert_eq!(both(sum((10, 2), (5, 4))), (13, 4, false));
        assert_eq!(both(product((10, 2), (5, 4))), (16, 6, false));
        assert_eq!(both(product((38, 10), (38, 10))), (38, 6, true));
        assert_eq!(both(product((19, 4), (20, 4))), (38, 6, true));
        assert_eq!(both(quotient((1, 0), (2, 1))), (8, 6, false));
        assert_eq!(both(quotient((2, 1), (10, 0))), (13, 12, false));
    }
}
