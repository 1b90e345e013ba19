//! Numbers, sizes and durations as people read them, and text that fits the width.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The width that every report keeps to.
pub(crate) const WIDTH: usize = 100;

/// The width of what is read on a terminal of the usual size.
pub(crate) const NARROW: usize = 80;

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 table`, `5,000 tables`; for nouns that take an s.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number as u64))
}

/// `999,999`, `12.3 M`, `4.5 G`: a count that keeps its place on a line that changes.
pub(crate) fn short(number: u64) -> String {
    match number {
        0..1_000_000 => count(number),
        1_000_000..1_000_000_000 => format!("{:.1} M", number as f64 / 1e6),
        _ => format!("{:.1} G", number as f64 / 1e9),
    }
}

/// `12.3 MiB`, from 10 GiB on in GiB.
pub(crate) fn mebibytes(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes >= 10_240.0 {
        format!("{:.1} GiB", mebibytes / 1024.0)
    } else {
        format!("{mebibytes:.1} MiB")
    }
}

/// `0.4 s`, `12.3 s`, `3 min 5 s`, `2 h 7 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// What is left of a run, as far as it can be told.
pub(crate) fn time_left(left: Option<Duration>) -> String {
    match left {
        Some(left) if left < Duration::from_secs(30 * 86_400) => match left.as_secs_f64().round() {
            few if few < 60.0 => format!("{few} s left"),
            many => format!("{} left", seconds(many)),
        },
        _ => "-".to_owned(),
    }
}

/// Columns of a terminal that the text takes: two for a CJK character, none for a combining mark.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most `most` columns; what is too long loses its middle, because tables that share
/// a schema differ at the end.
pub(crate) fn fit(text: &str, most: usize) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if width(&text) <= most {
        return text;
    }
    let tail = most.saturating_sub(1) / 2;
    let head = most.saturating_sub(1) - tail;
    let start = leading(text.chars(), head);
    let end = leading(text.chars().rev(), tail);
    let end: String = end.chars().rev().collect();
    format!("{start}…{end}")
}

/// The first characters that fit into `most` columns.
fn leading(characters: impl Iterator<Item = char>, most: usize) -> String {
    let mut left = most;
    characters
        .take_while(|c| {
            let rest = left.checked_sub(c.width().unwrap_or(0));
            left = rest.unwrap_or(0);
            rest.is_some()
        })
        .collect()
}

/// The blanks that fill the text up to `columns` columns.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(width(text)))
}

/// Lines of at most [`WIDTH`] columns, broken at blanks; a word that is longer stays whole.
pub(crate) fn wrap(text: &str, first: &str, next: &str) -> String {
    wrap_to(WIDTH, text, first, next)
}

/// As [`wrap`], for another width.
pub(crate) fn wrap_to(most: usize, text: &str, first: &str, next: &str) -> String {
    let mut out = String::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        let longer = width(&line) + usize::from(!empty) + width(word);
        if !empty && longer > most {
            out.push_str(line.trim_end());
            out.push('\n');
            next.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.push_str(line.trim_end());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_as_people_read_them() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(106_534_566), "106,534,566");
        assert_eq!(counted(1, "table"), "1 table");
        assert_eq!(counted(5000, "table"), "5,000 tables");
        assert_eq!(short(999_999), "999,999");
        assert_eq!(short(17_142_169), "17.1 M");
        assert_eq!(short(2_500_000_000), "2.5 G");
        assert_eq!(mebibytes(1 << 20), "1.0 MiB");
        assert_eq!(mebibytes(20 << 30), "20.0 GiB");
        assert_eq!(seconds(12.34), "12.3 s");
        assert_eq!(seconds(185.2), "3 min 5 s");
        assert_eq!(seconds(7620.0), "2 h 7 min");
        assert_eq!(time_left(Some(Duration::from_millis(2400))), "2 s left");
        assert_eq!(time_left(Some(Duration::from_secs(125))), "2 min 5 s left");
        assert_eq!(time_left(None), "-");
        assert_eq!(time_left(Some(Duration::MAX)), "-");
    }

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(fit("dbo.Posts", 9), "dbo.Posts");
        assert_eq!(fit("dbo.PostHistory", 9), "dbo.…tory");
        assert_eq!(fit("dbo.Bücher☃x", 8).chars().count(), 8);
        assert_eq!(fit("dbo.注文明細の表", 10), "dbo.…の表");
        assert_eq!(width("dbo.注文"), 8);
        assert_eq!(fit("a\nb", 9), "a\u{fffd}b");
    }

    #[test]
    fn text_is_broken_at_blanks() {
        let wrapped = wrap(&"word ".repeat(60), "- ", "  ");
        assert!(wrapped.lines().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(wrapped.matches("word").count(), 60);
        assert!(
            wrapped
                .lines()
                .nth(1)
                .is_some_and(|line| line.starts_with("  word"))
        );
    }
}
