//! `char` and `varchar` bytes: UTF-16 to and from the code page of a collation.

use encoding_rs::{CoderResult, Encoder, EncoderResult, Encoding};

use crate::types::escaped;

/// What SQL Server stores for a character that its code page lacks.
const UNMAPPABLE: u8 = b'?';

/// A code page that a collation can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodePage(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// ASCII below 0x80, this table above.
    Table(&'static [u16; 128]),
    Encoding(&'static Encoding),
}

impl CodePage {
    /// By Windows number: 874, 932, 936, 949, 950, 1250-1258, 437, 850, 65001.
    pub fn new(number: u16) -> Option<Self> {
        let encoding = match number {
            437 => return Some(Self(Kind::Table(&CP437))),
            850 => return Some(Self(Kind::Table(&CP850))),
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
        };
        Some(Self(Kind::Encoding(encoding)))
    }

    /// Appends `units` as bytes; what the code page lacks becomes `?`.
    pub fn encode(&self, units: &[u16], out: &mut Vec<u8>) {
        let ascii = units.iter().take_while(|unit| **unit < 0x80).count();
        out.extend(units[..ascii].iter().map(|unit| *unit as u8));
        let rest = &units[ascii..];
        if rest.iter().any(|unit| escaped(*unit).is_some()) {
            self.encode_escaped(rest, out);
        } else {
            self.encode_characters(rest, out);
        }
    }

    /// Text with bytes that its page does not define: each stands there as an unpaired surrogate.
    fn encode_escaped(&self, units: &[u16], out: &mut Vec<u8>) {
        let mut characters = Vec::with_capacity(units.len());
        for c in char::decode_utf16(units.iter().copied()) {
            match c {
                Ok(c) => characters.extend_from_slice(c.encode_utf16(&mut [0; 2])),
                Err(lone) => match escaped(lone.unpaired_surrogate()) {
                    None => characters.push(lone.unpaired_surrogate()),
                    Some(byte) => {
                        self.encode_characters(&characters, out);
                        characters.clear();
                        out.push(byte);
                    }
                },
            }
        }
        self.encode_characters(&characters, out);
    }

    fn encode_characters(&self, rest: &[u16], out: &mut Vec<u8>) {
        match self.0 {
            _ if rest.is_empty() => {}
            Kind::Table(table) => encode_table(table, rest, out),
            Kind::Encoding(encoding) => encode_with(&mut encoding.new_encoder(), rest, out),
        }
    }

    /// The UTF-16 units of `bytes`; what is no character becomes U+FFFD.
    pub fn decode(&self, bytes: &[u8]) -> Vec<u16> {
        match self.0 {
            Kind::Table(table) => bytes
                .iter()
                .map(|byte| decode_table(table, *byte))
                .collect(),
            Kind::Encoding(encoding) => decode_with(encoding, bytes),
        }
    }
}

fn encode_table(table: &[u16; 128], units: &[u16], out: &mut Vec<u8>) {
    for character in char::decode_utf16(units.iter().copied()) {
        let character = character.map_or(0xFFFD, u32::from);
        let byte = match u8::try_from(character) {
            Ok(byte) if byte < 0x80 => byte,
            _ => table
                .iter()
                .position(|unit| u32::from(*unit) == character)
                .map_or(UNMAPPABLE, |index| 0x80 + index as u8),
        };
        out.push(byte);
    }
}

fn decode_table(table: &[u16; 128], byte: u8) -> u16 {
    match byte.checked_sub(0x80) {
        None => u16::from(byte),
        Some(index) => table[usize::from(index)],
    }
}

fn encode_with(encoder: &mut Encoder, units: &[u16], out: &mut Vec<u8>) {
    let mut rest = units;
    // Large enough for the longest sequence any of these encodings writes for one character.
    let mut buffer = [0; 1024];
    loop {
        let (result, read, written) =
            encoder.encode_from_utf16_without_replacement(rest, &mut buffer, true);
        out.extend_from_slice(&buffer[..written]);
        rest = &rest[read..];
        match result {
            EncoderResult::InputEmpty => return,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(_) => out.push(UNMAPPABLE),
        }
    }
}

fn decode_with(encoding: &'static Encoding, bytes: &[u8]) -> Vec<u16> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut units = vec![0; bytes.len() + 2];
    let mut read = 0;
    let mut written = 0;
    loop {
        let (result, more_read, more_written, _) =
            decoder.decode_to_utf16(&bytes[read..], &mut units[written..], true);
        read += more_read;
        written += more_written;
        if result == CoderResult::InputEmpty {
            units.truncate(written);
            return units;
        }
        let longer = units.len() * 2;
        units.resize(longer, 0);
    }
}

/// Unicode of the bytes 0x80 to 0xFF (Unicode consortium, VENDORS/MICSFT/PC/CP437.TXT).
#[rustfmt::skip]
static CP437: [u16; 128] = [
    0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA, 0x00EB, 0x00E8, 0x00EF, 0x00EE, 0x00EC, 0x00C4, 0x00C5,
    0x00C9, 0x00E6, 0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6, 0x00DC, 0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192,
    0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1, 0x00D1, 0x00AA, 0x00BA, 0x00BF, 0x2310, 0x00AC, 0x00BD, 0x00BC, 0x00A1, 0x00AB, 0x00BB,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510,
    0x2514, 0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256C, 0x2567,
    0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B, 0x256A, 0x2518, 0x250C, 0x2588, 0x2584, 0x258C, 0x2590, 0x2580,
    0x03B1, 0x00DF, 0x0393, 0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4, 0x03A6, 0x0398, 0x03A9, 0x03B4, 0x221E, 0x03C6, 0x03B5, 0x2229,
    0x2261, 0x00B1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00F7, 0x2248, 0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0, 0x00A0,
];

/// Unicode of the bytes 0x80 to 0xFF (Unicode consortium, VENDORS/MICSFT/PC/CP850.TXT).
#[rustfmt::skip]
static CP850: [u16; 128] = [
    0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA, 0x00EB, 0x00E8, 0x00EF, 0x00EE, 0x00EC, 0x00C4, 0x00C5,
    0x00C9, 0x00E6, 0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6, 0x00DC, 0x00F8, 0x00A3, 0x00D8, 0x00D7, 0x0192,
    0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1, 0x00D1, 0x00AA, 0x00BA, 0x00BF, 0x00AE, 0x00AC, 0x00BD, 0x00BC, 0x00A1, 0x00AB, 0x00BB,
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x00C1, 0x00C2, 0x00C0, 0x00A9, 0x2563, 0x2551, 0x2557, 0x255D, 0x00A2, 0x00A5, 0x2510,
    0x2514, 0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x00E3, 0x00C3, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256C, 0x00A4,
    0x00F0, 0x00D0, 0x00CA, 0x00CB, 0x00C8, 0x0131, 0x00CD, 0x00CE, 0x00CF, 0x2518, 0x250C, 0x2588, 0x2584, 0x00A6, 0x00CC, 0x2580,
    0x00D3, 0x00DF, 0x00D4, 0x00D2, 0x00F5, 0x00D5, 0x00B5, 0x00FE, 0x00DE, 0x00DA, 0x00DB, 0x00D9, 0x00FD, 0x00DD, 0x00AF, 0x00B4,
    0x00AD, 0x00B1, 0x2017, 0x00BE, 0x00B6, 0x00A7, 0x00F7, 0x00B8, 0x00B0, 0x00A8, 0x00B7, 0x00B9, 0x00B3, 0x00B2, 0x25A0, 0x00A0,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(number: u16, text: &str) -> Vec<u8> {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut out = Vec::new();
        CodePage::new(number).unwrap().encode(&units, &mut out);
        out
    }

    #[test]
    fn encodes_by_code_page() {
        assert_eq!(encoded(1252, "aé€"), [b'a', 0xE9, 0x80]);
        assert_eq!(encoded(437, "aé√"), [b'a', 0x82, 0xFB]);
        assert_eq!(encoded(850, "éÁõ"), [0x82, 0xB5, 0xE4]);
        assert_eq!(encoded(1251, "Ж"), [0xC6]);
        assert_eq!(encoded(932, "日"), [0x93, 0xFA]);
        assert_eq!(encoded(936, "中"), [0xD6, 0xD0]);
        assert_eq!(encoded(65001, "é😀"), "é😀".as_bytes());
    }

    #[test]
    fn unmappable_becomes_a_question_mark() {
        assert_eq!(encoded(1252, "a日b"), b"a?b");
        assert_eq!(encoded(437, "a😀日b"), b"a??b");
    }

    #[test]
    fn every_byte_of_the_table_pages_survives() {
        for number in [437, 850] {
            let page = CodePage::new(number).unwrap();
            let bytes: Vec<u8> = (0..=255).collect();
            let mut back = Vec::new();
            page.encode(&page.decode(&bytes), &mut back);
            assert_eq!(back, bytes, "{number}");
        }
    }

    #[test]
    fn decodes_longer_than_the_buffer() {
        let page = CodePage::new(65001).unwrap();
        let text = "é😀x".repeat(3000);
        assert_eq!(
            page.decode(text.as_bytes()),
            text.encode_utf16().collect::<Vec<_>>()
        );
    }
}
