//! Made-up prose in several scripts, as UTF-16.

use std::sync::{Arc, LazyLock};

use crate::prng::SplitMix64;
use crate::types::Value;

/// Words, markup and code as they stand in posts; several lie outside of ASCII, some outside of the
/// basic plane, and some hold what breaks careless text formats.
const WORDS: &[&str] = &[
    "the",
    "value",
    "of",
    "this",
    "function",
    "returns",
    "null",
    "when",
    "I",
    "try",
    "to",
    "parse",
    "a",
    "string",
    "with",
    "regex",
    "but",
    "it",
    "does",
    "not",
    "compile",
    "using",
    "SELECT",
    "* FROM t",
    "index",
    "thread",
    "pointer",
    "naïve",
    "café",
    "Überprüfung",
    "größer",
    "señor",
    "año",
    "œuvre",
    "žluťoučký",
    "kůň",
    "Łódź",
    "Привет",
    "функция",
    "ошибка",
    "Ελληνικά",
    "συνάρτηση",
    "日本語",
    "文字列",
    "エラー",
    "中文",
    "字符串",
    "한국어",
    "함수",
    "עברית",
    "العربية",
    "ไทย",
    "😀",
    "👩\u{200D}💻",
    "𝒳",
    "e\u{301}",
    "€",
    "…",
    "–",
    "“quoted”",
    "\t",
    "\r\n",
    "\\N",
    "\\",
    "'it''s'",
    "a,b;c",
    "<br/>",
    "&amp;",
    "&lt;T&gt;",
    "\"key\": 1",
    "C:\\temp",
];

/// Names of people and places.
const NAMES: &[&str] = &[
    "Alice",
    "Bob",
    "Zoë",
    "José",
    "Jürgen",
    "Søren",
    "Łukasz",
    "Дмитрий",
    "Ольга",
    "Γιώργος",
    "田中",
    "王小明",
    "김민준",
    "יעל",
    "محمد",
    "O'Brien",
    "Anne-Marie",
    "x_X",
    "user",
    "dev",
];

const PLACES: &[&str] = &[
    "London, United Kingdom",
    "München",
    "São Paulo, Brasil",
    "Москва, Россия",
    "東京",
    "Zürich",
    "Kraków",
    "",
    "New York, NY",
    "Αθήνα",
];

static WORD_UNITS: LazyLock<Vec<Vec<u16>>> = LazyLock::new(|| {
    WORDS
        .iter()
        .map(|word| word.encode_utf16().collect())
        .collect()
});

static PLAIN_UNITS: LazyLock<Vec<Vec<u16>>> = LazyLock::new(|| units_of(str::is_ascii));
static FOREIGN_UNITS: LazyLock<Vec<Vec<u16>>> = LazyLock::new(|| units_of(|word| !word.is_ascii()));

fn units_of(wanted: impl Fn(&str) -> bool) -> Vec<Vec<u16>> {
    let words = WORDS.iter().filter(|word| wanted(word));
    words.map(|word| word.encode_utf16().collect()).collect()
}

/// Paragraphs of about `length` units, never less; in HTML, with at least one character that is
/// not ASCII.
pub(super) fn body(length: usize, random: &mut SplitMix64) -> Value {
    let mut units = Vec::with_capacity(length + 64);
    push(&mut units, "<p>« ");
    words(&mut units, length, random);
    push(&mut units, " »</p>\n");
    text(units)
}

/// Words up to `length` units, never more.
pub(super) fn line(length: usize, random: &mut SplitMix64) -> Value {
    let mut units = Vec::with_capacity(length);
    loop {
        let word = some::<Vec<u16>>(&WORD_UNITS, random);
        let blank = usize::from(!units.is_empty());
        if units.len() + blank + word.len() > length {
            return text(units);
        }
        if blank == 1 {
            units.push(u16::from(b' '));
        }
        units.extend_from_slice(word);
    }
}

/// Exactly `length` units of words: all of them ASCII, or every other word drawn from those that are
/// not, which makes about a third of the characters.
pub(super) fn exact(length: usize, ascii: bool, random: &mut SplitMix64) -> Value {
    let mut units = Vec::with_capacity(length);
    loop {
        let from = if ascii || random.chance(2) {
            &PLAIN_UNITS
        } else {
            &FOREIGN_UNITS
        };
        let word = some::<Vec<u16>>(from, random);
        if units.len() + word.len() + 1 > length {
            break;
        }
        units.extend_from_slice(word);
        units.push(u16::from(b' '));
    }
    units.resize(length, u16::from(b'.'));
    text(units)
}

/// Exactly `length` units of words, for others to cut pieces from.
pub(super) fn pool(length: usize, random: &mut SplitMix64) -> Vec<u16> {
    let mut units = Vec::with_capacity(length + 64);
    words(&mut units, length, random);
    units.truncate(length);
    units
}

/// Blanks in place of the halves of a surrogate pair that was cut.
pub(super) fn mend(piece: &mut [u16]) {
    if let [first @ 0xDC00..=0xDFFF, ..] = piece {
        *first = u16::from(b' ');
    }
    if let [.., last @ 0xD800..=0xDBFF] = piece {
        *last = u16::from(b' ');
    }
}

/// A person's name, with a number so that few are equal.
pub(super) fn name(random: &mut SplitMix64) -> Value {
    let name = *some(NAMES, random);
    string(&format!("{name}{}", random.below(100_000)))
}

pub(super) fn place(random: &mut SplitMix64) -> Value {
    string(some::<&str>(PLACES, random))
}

pub(super) fn string(text: &str) -> Value {
    Value::Text(text.encode_utf16().collect())
}

fn words(units: &mut Vec<u16>, length: usize, random: &mut SplitMix64) {
    while units.len() < length {
        units.extend_from_slice(some::<Vec<u16>>(&WORD_UNITS, random));
        if random.chance(40) {
            push(units, ".</p>\n<p>");
        } else {
            units.push(u16::from(b' '));
        }
    }
}

fn some<'a, T>(from: &'a [T], random: &mut SplitMix64) -> &'a T {
    &from[random.below(from.len() as u64) as usize]
}

fn push(units: &mut Vec<u16>, text: &str) {
    units.extend(text.encode_utf16());
}

fn text(units: Vec<u16>) -> Value {
    Value::Text(Arc::from(units))
}
