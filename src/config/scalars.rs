//! Words, numbers, sizes and durations of a job file and of the environment, each with the sentence that refuses it.
//!
//! Each reader gives the value or a fragment that says what would have been right, without the text
//! that it read: only `shown` repeats that, and never what was substituted, which may be a secret.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::problem::Problem;
use crate::config::section::Gathered;
use crate::config::units;
use crate::config::words::Words;
use crate::config::yaml::Scalar;

/// `, found ...` for an error; nothing that came from outside the file.
pub(super) fn shown(scalar: &Scalar) -> String {
    if scalar.substituted {
        ", found something else after substitution".to_owned()
    } else {
        format!(
            ", found `{}`",
            scalar.text.chars().take(40).collect::<String>()
        )
    }
}

/// # Errors
/// All the words that would have been right.
pub(super) fn choice_of<T: Words>(text: &str) -> Result<T, String> {
    if let Some((_, choice)) = T::ALL.iter().find(|(word, _)| *word == text) {
        return Ok(*choice);
    }
    let words: Vec<&str> = T::ALL.iter().map(|(word, _)| *word).collect();
    Err(format!("expected one of {}", words.join(", ")))
}

/// # Errors
/// The forms of a size, or the bounds in the unit that shows them best.
pub(super) fn size_in(text: &str, range: &RangeInclusive<u64>) -> Result<u64, String> {
    let size = units::size(text)?;
    if range.contains(&size) {
        return Ok(size);
    }
    let least = units::show_size(*range.start());
    let most = units::show_size(*range.end());
    Err(format!("must be from {least} to {most}"))
}

/// # Errors
/// The bounds. Signs, blanks and separators are not part of a number here.
pub(super) fn number_in(text: &str, range: &RangeInclusive<u64>) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "expected a whole number from {} to {}",
            range.start(),
            range.end()
        )),
    }
}

/// A duration; `zero` says whether 0 is one.
///
/// # Errors
/// The forms of a duration, or that it must be longer than 0.
pub(super) fn duration(text: &str, zero: bool) -> Result<Duration, String> {
    let duration = units::duration(text)?;
    if duration.is_zero() && !zero {
        return Err("must be longer than 0".to_owned());
    }
    Ok(duration)
}

/// An overriding variable; one that is set but wrong is a problem, not ignored.
/// `None` if the variable is not set or empty, or if it is wrong; the latter is recorded as a
/// problem of the file as a whole, since it has no place in it.
pub(super) fn environment<T>(
    variable: &'static str,
    gathered: &mut Gathered<'_>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let value = (gathered.env)(variable)?;
    if value.is_empty() {
        return None;
    }
    let outcome = match value.to_str() {
        Some(text) => read(text.trim()),
        None => Err("is not UTF-8".to_owned()),
    };
    outcome
        .map_err(|message| {
            let message = format!("environment variable {variable}: {message}");
            gathered.problems.push(Problem::of_file(message));
        })
        .ok()
}
