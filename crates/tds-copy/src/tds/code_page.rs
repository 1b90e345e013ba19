//! The code pages of `char`, `varchar` and `text`.
//!
//! A single-byte page is a table of 256 entries, a multi-byte page is one of `encoding_rs`. Bytes
//! that a page leaves undefined are not guessed at: the caller decides what malformed text means.

use encoding_rs::Encoding;

use crate::tds::oem::{CP437, CP850};

/// One byte's character: up to three bytes of UTF-8 and how many there are; 0 is undefined.
pub type Entry = [u8; 4];

/// How bytes become text.
#[derive(Debug, Clone)]
pub enum CodePage {
    /// A table from byte to character.
    SingleByte(Box<[Entry; 256]>),
    /// One of the encodings of `encoding_rs`.
    MultiByte(&'static Encoding),
}

impl CodePage {
    /// The code page by its Windows number; 65001 is UTF-8.
    /// `None` for a number that no collation of SQL Server has.
    pub fn new(number: u16) -> Option<Self> {
        Some(match number {
            437 => Self::SingleByte(oem_table(CP437)),
            850 => Self::SingleByte(oem_table(CP850)),
            874 => Self::SingleByte(table(encoding_rs::WINDOWS_874)),
            1250 => Self::SingleByte(table(encoding_rs::WINDOWS_1250)),
            1251 => Self::SingleByte(table(encoding_rs::WINDOWS_1251)),
            1252 => Self::SingleByte(table(encoding_rs::WINDOWS_1252)),
            1253 => Self::SingleByte(table(encoding_rs::WINDOWS_1253)),
            1254 => Self::SingleByte(table(encoding_rs::WINDOWS_1254)),
            1255 => Self::SingleByte(table(encoding_rs::WINDOWS_1255)),
            1256 => Self::SingleByte(table(encoding_rs::WINDOWS_1256)),
            1257 => Self::SingleByte(table(encoding_rs::WINDOWS_1257)),
            1258 => Self::SingleByte(table(encoding_rs::WINDOWS_1258)),
            932 => Self::MultiByte(encoding_rs::SHIFT_JIS),
            936 => Self::MultiByte(encoding_rs::GBK),
            949 => Self::MultiByte(encoding_rs::EUC_KR),
            950 => Self::MultiByte(encoding_rs::BIG5),
            65001 => Self::MultiByte(encoding_rs::UTF_8),
            _ => return None,
        })
    }

    /// The text of `bytes`; `None` where some of them are undefined.
    ///
    /// ```
    /// use tds_copy::tds::code_page::CodePage;
    ///
    /// let western = CodePage::new(1252).expect("Western European");
    /// assert_eq!(western.decode(b"\x80 10"), Some("\u{20AC} 10".to_owned()));
    /// let greek = CodePage::new(1253).expect("Greek");
    /// assert_eq!(greek.decode(b"\xAA"), None);
    /// ```
    pub fn decode(&self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::MultiByte(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .map(std::borrow::Cow::into_owned),
            Self::SingleByte(table) => {
                let mut text = Vec::with_capacity(bytes.len());
                for byte in bytes {
                    let entry = table[usize::from(*byte)];
                    let length = usize::from(entry[3]);
                    if length == 0 {
                        return None;
                    }
                    text.extend_from_slice(&entry[..length]);
                }
                String::from_utf8(text).ok()
            }
        }
    }
}

fn entry(character: char) -> Entry {
    let mut entry = [0; 4];
    // No character of a single-byte page lies outside the basic plane, so three bytes are enough.
    let length = character.encode_utf8(&mut entry).len();
    entry[3] = length as u8;
    entry
}

/// ASCII, then the 128 characters of `upper`.
fn oem_table(upper: &str) -> Box<[Entry; 256]> {
    let mut table = Box::new([[0; 4]; 256]);
    let characters = (0..128u8).map(char::from).chain(upper.chars());
    for (slot, character) in table.iter_mut().zip(characters) {
        *slot = entry(character);
    }
    table
}

/// A table from a single-byte encoding of the WHATWG Encoding Standard, as `encoding_rs` has it.
fn table(encoding: &'static Encoding) -> Box<[Entry; 256]> {
    let mut table = Box::new([[0; 4]; 256]);
    for (byte, slot) in (0..=255u8).zip(table.iter_mut()) {
        let bytes = [byte];
        let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes);
        if let Some(character) = text.as_deref().and_then(|text| text.chars().next()) {
            *slot = entry(character);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples from the Unicode Consortium's tables for each page.
    #[test]
    fn every_page_decodes_as_microsoft_defines_it() {
        let samples: [(u16, &[u8], &str); 17] = [
            (437, b"\x80\xE1\xFF", "Çß\u{A0}"),
            (850, b"\x9B\xD5\xF2", "øı‗"),
            (874, b"\x80\xA1\xFB", "€ก๛"),
            (1250, b"\x8A\xB9\xFF", "Šą˙"),
            (1251, b"\x80\xC0\xFF", "ЂАя"),
            (1252, b"\x80\x81\x9F\xFF", "€\u{81}Ÿÿ"),
            (1253, b"\xC1\xFE", "Αώ"),
            (1254, b"\xD0\xFD", "Ğı"),
            (1255, b"\xE0\xFA", "את"),
            (1256, b"\x81\xFF", "پے"),
            (1257, b"\xA8\xFF", "Ø˙"),
            (1258, b"\xD2\xFE", "\u{309}₫"),
            (932, b"\x83\x5C\xB1", "ソｱ"),
            (936, b"\xC4\xE3\x80", "你€"),
            (949, b"\xB0\xA1\x81\x41", "가갂"),
            (950, b"\xA4\xA4\xA6\x72", "中字"),
            (65001, "ж😀".as_bytes(), "ж😀"),
        ];
        for (number, bytes, text) in samples {
            let page = CodePage::new(number).unwrap();
            assert_eq!(page.decode(bytes).as_deref(), Some(text), "{number}");
        }
    }

    #[test]
    fn undefined_bytes_are_not_guessed_at() {
        for (number, bytes) in [
            (1253, &b"\xAA"[..]),
            (874, b"\xDB"),
            (932, b"\x81"),
            (65001, b"\xC3"),
        ] {
            assert_eq!(CodePage::new(number).unwrap().decode(bytes), None);
        }
        assert!(CodePage::new(1200).is_none());
    }
}
