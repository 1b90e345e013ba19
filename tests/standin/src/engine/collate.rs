//! Collations: what their names mean, and the sort keys that order text as they say.
//!
//! Non-binary collations use the CLDR root order (or the language's tailoring) at the strength the
//! name asks for. That is SQL Server's order for letters, digits and accents; punctuation may sort
//! elsewhere than in Windows' own weight tables.

use std::cmp::Ordering;
use std::sync::{Arc, LazyLock, OnceLock};

use encoding_rs::{DecoderResult, Encoding};
use icu_collator::options::{CaseLevel, CollatorOptions, Strength};
use icu_collator::{Collator, CollatorBorrowed};

use crate::engine::error::{Result, error};
use crate::types::{Collation, ESCAPE, escaped};

/// A language of collation names: prefix, Windows locale, code page, locale of the order.
struct Language {
    prefix: &'static str,
    lcid: u32,
    code_page: u16,
    locale: &'static str,
}

const fn language(
    prefix: &'static str,
    lcid: u32,
    code_page: u16,
    locale: &'static str,
) -> Language {
    Language {
        prefix,
        lcid,
        code_page,
        locale,
    }
}

/// From `COLLATIONPROPERTY(name, 'LCID' | 'CodePage')` of the documented collations.
const LANGUAGES: &[Language] = &[
    language("SQL_Latin1_General", 0x0409, 1252, "und"),
    language("Latin1_General", 0x0409, 1252, "und"),
    language("Albanian", 0x041c, 1250, "sq"),
    language("Arabic", 0x0401, 1256, "ar"),
    language("Chinese_PRC", 0x0804, 936, "zh"),
    language("Chinese_Taiwan_Stroke", 0x0404, 950, "zh-u-co-stroke"),
    language("Croatian", 0x041a, 1250, "hr"),
    language("Cyrillic_General", 0x0419, 1251, "und"),
    language("Czech", 0x0405, 1250, "cs"),
    language("Danish_Norwegian", 0x0406, 1252, "da"),
    language("Danish_Greenlandic", 0x0406, 1252, "da"),
    language("Estonian", 0x0425, 1257, "et"),
    language("Finnish_Swedish", 0x040b, 1252, "sv"),
    language("French", 0x040c, 1252, "und"),
    language("German_PhoneBook", 0x1_0407, 1252, "de-u-co-phonebk"),
    language("Greek", 0x0408, 1253, "und"),
    language("Hebrew", 0x040d, 1255, "he"),
    language("Hungarian", 0x040e, 1250, "hu"),
    language("Icelandic", 0x040f, 1252, "is"),
    language("Japanese_XJIS", 0x0411, 932, "ja"),
    language("Japanese", 0x0411, 932, "ja"),
    language("Korean_Wansung", 0x0412, 949, "ko"),
    language("Korean", 0x0412, 949, "ko"),
    language("Latvian", 0x0426, 1257, "lv"),
    language("Lithuanian", 0x0427, 1257, "lt"),
    language("Macedonian_FYROM", 0x042f, 1251, "mk"),
    language("Modern_Spanish", 0x0c0a, 1252, "es"),
    language("Polish", 0x0415, 1250, "pl"),
    language("Romanian", 0x0418, 1250, "ro"),
    language("Slovak", 0x041b, 1250, "sk"),
    language("Slovenian", 0x0424, 1250, "sl"),
    language("Thai", 0x041e, 874, "th"),
    language("Traditional_Spanish", 0x040a, 1252, "es-u-co-trad"),
    language("Turkish", 0x041f, 1254, "tr"),
    language("Ukrainian", 0x0422, 1251, "uk"),
    language("Vietnamese", 0x042a, 1258, "vi"),
];

/// The server's default collation.
pub(crate) const DEFAULT: &str = "SQL_Latin1_General_CP1_CI_AS";

static DEFAULT_COLLATION: LazyLock<Arc<Collation>> =
    LazyLock::new(|| Arc::new(parse(DEFAULT).expect("the default collation is in the table")));

pub(crate) fn default_collation() -> Arc<Collation> {
    Arc::clone(&DEFAULT_COLLATION)
}

/// Finds a collation by its name.
///
/// # Errors
/// 448 when the name is none of SQL Server's.
pub(crate) fn find(name: &str) -> Result<Arc<Collation>> {
    if name.eq_ignore_ascii_case(DEFAULT) || name.eq_ignore_ascii_case("database_default") {
        return Ok(default_collation());
    }
    parse(name)
        .map(Arc::new)
        .ok_or_else(|| error(448, 16, format!("Invalid collation '{name}'.")))
}

fn parse(name: &str) -> Option<Collation> {
    let lower = name.to_ascii_lowercase();
    let language = LANGUAGES
        .iter()
        .find(|l| lower.starts_with(&l.prefix.to_ascii_lowercase()))?;
    let rest = lower[language.prefix.len()..].strip_prefix('_')?;
    let sql = lower.starts_with("sql_");
    let mut found = Collation {
        name: name.to_owned(),
        info: 0,
        sort_id: 0,
        code_page: language.code_page,
        case_sensitive: false,
        accent_sensitive: false,
        binary: false,
    };
    let (mut kana, mut width, mut bin2, mut utf8, mut version) = (false, false, false, false, 0);
    for part in rest.split('_') {
        match part {
            "ci" | "ai" | "sc" | "vss" | "pref" => {}
            "cs" => found.case_sensitive = true,
            "as" => found.accent_sensitive = true,
            "ks" => kana = true,
            "ws" => width = true,
            "bin" => found.binary = true,
            "bin2" => (found.binary, bin2) = (true, true),
            "utf8" => (utf8, found.code_page) = (true, 65001),
            "90" => version = 1,
            "100" => version = 2,
            "140" => version = 3,
            _ => found.code_page = sql_code_page(part).filter(|_| sql)?,
        }
    }
    if found.binary {
        (found.case_sensitive, found.accent_sensitive) = (true, true);
    }
    // MS-TDS 2.2.5.1.2: the comparison flags start at bit 20, the version at bit 28.
    let ignore = [
        (!found.case_sensitive, 20),
        (!found.accent_sensitive, 21),
        (!kana, 22),
        (!width, 23),
    ];
    let flags: u32 = if found.binary {
        1 << if bin2 { 25 } else { 24 }
    } else {
        ignore
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, bit)| 1 << bit)
            .sum()
    };
    found.info = language.lcid | flags | (u32::from(utf8) << 26) | (version << 28);
    if sql {
        found.sort_id = sort_id(&found);
    }
    Some(found)
}

fn sql_code_page(part: &str) -> Option<u16> {
    match part.strip_prefix("cp")? {
        "1" => Some(1252),
        digits => digits
            .parse()
            .ok()
            .filter(|n| matches!(n, 437 | 850 | 1250..=1258)),
    }
}

/// The sort order ids of `SQL_` collations (`sys.fn_helpcollations` descriptions).
fn sort_id(c: &Collation) -> u8 {
    let base = match c.code_page {
        437 => 30,
        850 => 40,
        1250 => 80,
        1251 => 104,
        1253 => 112,
        1254 => 128,
        1255 => 136,
        1256 => 144,
        1257 => 152,
        _ => 50,
    };
    base + match (c.binary, c.case_sensitive, c.accent_sensitive) {
        (true, ..) => 0,
        (_, true, _) => 1,
        (_, false, true) => 2,
        (_, false, false) => 4,
    }
}

/// The collators in use, by language and strength; making one costs a few microseconds.
static COLLATORS: [[OnceLock<CollatorBorrowed<'static>>; 4]; LANGUAGES.len()] =
    [const { [const { OnceLock::new() }; 4] }; LANGUAGES.len()];

fn collator(c: &Collation) -> &'static CollatorBorrowed<'static> {
    let lower = c.name.to_ascii_lowercase();
    let row = LANGUAGES
        .iter()
        .position(|l| {
            lower.len() > l.prefix.len() && lower[..l.prefix.len()].eq_ignore_ascii_case(l.prefix)
        })
        .unwrap_or(0);
    let slot = usize::from(c.case_sensitive) * 2 + usize::from(c.accent_sensitive);
    COLLATORS[row][slot].get_or_init(|| {
        let mut options = CollatorOptions::default();
        options.strength = Some(match (c.case_sensitive, c.accent_sensitive) {
            (true, true) => Strength::Tertiary,
            (false, true) => Strength::Secondary,
            (_, false) => Strength::Primary,
        });
        options.case_level = Some(if c.case_sensitive && !c.accent_sensitive {
            CaseLevel::On
        } else {
            CaseLevel::Off
        });
        let locale: icu_locale_core::Locale = LANGUAGES[row]
            .locale
            .parse()
            .expect("the table's locales are valid");
        Collator::try_new(locale.into(), options).expect("the collation data is compiled in")
    })
}

/// Text without its trailing blanks, which no comparison sees.
pub(crate) fn trim(text: &[u16]) -> &[u16] {
    let end = text.iter().rposition(|u| *u != 0x20).map_or(0, |i| i + 1);
    &text[..end]
}

/// Appends a key whose byte order is the collation's order; no key is a prefix of another.
pub(crate) fn sort_key(c: &Collation, text: &[u16], out: &mut Vec<u8>) {
    let text = trim(text);
    if c.binary {
        for unit in text {
            out.extend_from_slice(&unit.to_be_bytes());
            if *unit == 0 {
                out.extend_from_slice(&[0xff, 0xff]);
            }
        }
        // A shorter text compares as if filled with blanks.
        out.extend_from_slice(&[0, 0x20, 0, 0, 0, 0]);
        return;
    }
    let Ok(()) = collator(c).write_sort_key_utf16_to(text, out);
    out.push(0);
}

pub(crate) fn compare(c: &Collation, a: &[u16], b: &[u16]) -> Ordering {
    let (a, b) = (trim(a), trim(b));
    if a == b {
        return Ordering::Equal;
    }
    if c.binary {
        let longest = a.len().max(b.len());
        let filled = |t: &[u16], i: usize| t.get(i).copied().unwrap_or(0x20);
        return (0..longest)
            .map(|i| filled(a, i).cmp(&filled(b, i)))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal);
    }
    collator(c).compare_utf16(a, b)
}

/// The encoding of a code page, `None` for the DOS pages 437 and 850, which the wire knows.
pub(crate) fn encoding(code_page: u16) -> Option<&'static Encoding> {
    Some(match code_page {
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1252 => encoding_rs::WINDOWS_1252,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        65001 => encoding_rs::UTF_8,
        _ => return None,
    })
}

/// What an `nvarchar` takes over of a `varchar`: bytes that are no character become U+FFFD.
pub(crate) fn widen(text: &Arc<[u16]>) -> Arc<[u16]> {
    if text.iter().all(|unit| escaped(*unit).is_none()) {
        return Arc::clone(text);
    }
    char::decode_utf16(text.iter().copied())
        .flat_map(|c| c.unwrap_or('\u{FFFD}').encode_utf16(&mut [0; 2]).to_vec())
        .collect()
}

/// What a `varchar` of the code page keeps of the text: characters it lacks become `?`. `escapes`
/// says that the text comes from bytes or from another `varchar`.
pub(crate) fn narrow(code_page: u16, text: &Arc<[u16]>, escapes: bool) -> Arc<[u16]> {
    if text.iter().all(|u| *u < 0x80) {
        return Arc::clone(text);
    }
    let Some(encoding) = encoding(code_page) else {
        return Arc::clone(text);
    };
    let mut kept = Vec::with_capacity(text.len());
    let mut buffer = [0u8; 4];
    for c in char::decode_utf16(text.iter().copied()) {
        match c {
            Ok(c) if c.is_ascii() || !encoding.encode(c.encode_utf8(&mut buffer)).2 => {
                kept.extend_from_slice(c.encode_utf16(&mut [0; 2]));
            }
            Err(lone) if escapes && escaped(lone.unpaired_surrogate()).is_some() => {
                kept.push(lone.unpaired_surrogate());
            }
            _ => kept.push(u16::from(b'?')),
        }
    }
    kept.into()
}

/// The bytes that text takes in a `varchar` of the code page.
pub(crate) fn byte_length(code_page: u16, text: &[u16]) -> usize {
    if text.iter().all(|u| *u < 0x80) {
        return text.len();
    }
    encode(code_page, text).len()
}

pub(crate) fn encode(code_page: u16, text: &[u16]) -> Vec<u8> {
    let Some(encoding) = encoding(code_page) else {
        return text
            .iter()
            .map(|u| u8::try_from(*u).unwrap_or(b'?'))
            .collect();
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0u8; 4];
    for c in char::decode_utf16(text.iter().copied()) {
        match c {
            Ok(c) if c.is_ascii() => bytes.push(c as u8),
            Ok(c) => match encoding.encode(c.encode_utf8(&mut buffer)) {
                (known, _, false) => bytes.extend_from_slice(&known),
                _ => bytes.push(b'?'),
            },
            Err(lone) => bytes.push(escaped(lone.unpaired_surrogate()).unwrap_or(b'?')),
        }
    }
    bytes
}

pub(crate) fn decode(code_page: u16, bytes: &[u8]) -> Vec<u16> {
    match encoding(code_page) {
        Some(encoding) => decode_with(encoding, bytes),
        None => bytes.iter().map(|b| u16::from(*b)).collect(),
    }
}

fn decode_with(encoding: &'static Encoding, bytes: &[u8]) -> Vec<u16> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut units = Vec::with_capacity(bytes.len());
    let mut buffer = [0; 256];
    let mut rest = bytes;
    loop {
        let (result, read, written) =
            decoder.decode_to_utf16_without_replacement(rest, &mut buffer, true);
        units.extend_from_slice(&buffer[..written]);
        match result {
            DecoderResult::InputEmpty => return units,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, after) => {
                let done = bytes.len() - rest.len() + read;
                let end = done - usize::from(after);
                let bad = &bytes[end - usize::from(length)..end];
                units.extend(bad.iter().map(|byte| ESCAPE + u16::from(*byte)));
            }
        }
        rest = &rest[read..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(s: &str) -> Vec<u16> {
        s.encode_utf16().collect()
    }

    fn order(collation: &str, a: &str, b: &str) -> Ordering {
        let c = find(collation).unwrap();
        let (a, b) = (units(a), units(b));
        let (mut ka, mut kb) = (Vec::new(), Vec::new());
        sort_key(&c, &a, &mut ka);
        sort_key(&c, &b, &mut kb);
        assert_eq!(
            ka.cmp(&kb),
            compare(&c, &a, &b),
            "key order differs from comparison"
        );
        ka.cmp(&kb)
    }

    #[test]
    fn wire_bytes_of_the_default_collation() {
        // MS-TDS 4.3: 09 04 D0 00 34.
        let c = default_collation();
        assert_eq!((c.info, c.sort_id, c.code_page), (0x00d0_0409, 0x34, 1252));
        assert_eq!(
            find("Latin1_General_100_CI_AS_SC_UTF8").unwrap().code_page,
            65001
        );
        assert!(find("Klingon_CI_AS").is_err());
    }

    #[test]
    fn sensitivity_follows_the_name() {
        assert_eq!(order(DEFAULT, "abc", "ABC  "), Ordering::Equal);
        assert_ne!(order(DEFAULT, "resume", "résumé"), Ordering::Equal);
        assert_eq!(
            order("Latin1_General_CI_AI", "resume", "Résumé"),
            Ordering::Equal
        );
        assert_ne!(
            order("Latin1_General_CS_AI", "resume", "Résumé"),
            Ordering::Equal
        );
        assert_eq!(
            order("Latin1_General_CS_AI", "resume", "résumé"),
            Ordering::Equal
        );
        assert_ne!(order("Latin1_General_CS_AS", "a", "A"), Ordering::Equal);
        assert_eq!(order("Latin1_General_BIN2", "B", "a"), Ordering::Less);
        assert_eq!(order("Latin1_General_BIN2", "a", "a\t"), Ordering::Greater);
        assert_eq!(order(DEFAULT, "a", "B"), Ordering::Less);
    }

    #[test]
    fn code_page_narrowing() {
        let text: Arc<[u16]> = units("aЖ€").into();
        assert_eq!(&*narrow(1252, &text, false), units("a?€"));
        assert_eq!(&*narrow(1251, &text, false), units("aЖ€"));
        assert_eq!(byte_length(65001, &text), 6);
    }

    #[test]
    fn bytes_that_a_page_does_not_define_stay_bytes() {
        for (page, bytes) in [
            (1253, &b"a\xAAb"[..]),
            (932, b"\x83\x5C\xFEz\x81"),
            (65001, b"\xC3(\xF0\x9F\x98\x80\xFF"),
        ] {
            let text: Arc<[u16]> = decode(page, bytes).into();
            assert_eq!(encode(page, &text), bytes, "{page}");
            assert_eq!(narrow(page, &text, true), text, "{page}");
            assert_ne!(narrow(page, &text, false), text, "{page}");
            let wide = widen(&text);
            assert!(String::from_utf16(&wide).is_ok_and(|text| text.contains('\u{FFFD}')));
        }
    }
}
