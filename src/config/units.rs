//! Durations and sizes as the job file writes them.
//!
//! The pairs of reader and writer agree: what `show_duration` and `show_size` give is read back as
//! the same value.

use std::time::Duration;

const DURATION_FORMS: &str = "`500ms`, `120s`, `2m`, `1h` or plain seconds";
const SIZE_FORMS: &str = "`64MiB`, `512KiB`, `1GiB` or plain bytes";

/// The error is what would have been right; it does not repeat the value.
/// Whole numbers only; a plain one is in seconds. The shortest step is 1 ms.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text).ok_or_else(|| format!("expected {DURATION_FORMS}"))?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" | "min" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => return Err(format!("unknown unit; expected {DURATION_FORMS}")),
    };
    millis
        .map(Duration::from_millis)
        .ok_or_else(|| "longer than can be counted".to_owned())
}

/// Bytes. Decimal units are refused rather than guessed: `64MB` is read as 64 MiB by half of the
/// world.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text).ok_or_else(|| format!("expected {SIZE_FORMS}"))?;
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err(format!("unknown unit; expected {SIZE_FORMS}")),
    };
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "more than can be counted".to_owned())
}

/// Digits, then letters, a blank between them allowed.
fn split(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    Some((digits.parse().ok()?, unit.trim_start()))
}

/// The shortest form that says the same.
pub(crate) fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis.is_multiple_of(1000) {
        format!("{}s", millis / 1000)
    } else {
        format!("{millis}ms")
    }
}

/// In the largest unit that divides it.
pub(crate) fn show_size(bytes: u64) -> String {
    for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes > 0 && bytes.is_multiple_of(1 << shift) {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("500ms", 500),
            ("120s", 120_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
            ("30", 30_000),
            ("0", 0),
            ("5 s", 5000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "s",
            "-1s",
            "1.5s",
            "1d",
            "ten",
            "99999999999999999999",
            "18446744073709551615h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_go_there_and_back() {
        for (text, bytes) in [
            ("64MiB", 64 << 20),
            ("1KiB", 1024),
            ("2GiB", 2 << 30),
            ("1000", 1000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
            assert_eq!(show_size(bytes), text);
        }
        for text in [
            "64MB",
            "64mib",
            "-1",
            "1.5GiB",
            "99999999999GiB",
            "18446744073709551615GiB",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!(show_duration(Duration::from_millis(1500)), "1500ms");
        assert_eq!(show_duration(Duration::from_secs(90)), "90s");
    }
}
