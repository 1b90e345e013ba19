//! Text in code pages.

use tsql::schema::SqlType;
use tsql::typemap::PgType;

use super::{Case, Random, Raw, case};
use crate::wire::{COLLATION, MAX, UTF8_COLLATION, long_type, plp, short};

/// Text in code pages: PostgreSQL decodes the same bytes.
pub fn cases() -> Vec<Case> {
    let pages: [(u16, &'static str, &'static encoding_rs::Encoding); 15] = [
        (1250, "WIN1250", encoding_rs::WINDOWS_1250),
        (1251, "WIN1251", encoding_rs::WINDOWS_1251),
        (1252, "WIN1252", encoding_rs::WINDOWS_1252),
        (1253, "WIN1253", encoding_rs::WINDOWS_1253),
        (1254, "WIN1254", encoding_rs::WINDOWS_1254),
        (1255, "WIN1255", encoding_rs::WINDOWS_1255),
        (1256, "WIN1256", encoding_rs::WINDOWS_1256),
        (1257, "WIN1257", encoding_rs::WINDOWS_1257),
        (1258, "WIN1258", encoding_rs::WINDOWS_1258),
        (874, "WIN874", encoding_rs::WINDOWS_874),
        (932, "SJIS", encoding_rs::SHIFT_JIS),
        (936, "GBK", encoding_rs::GBK),
        (949, "UHC", encoding_rs::EUC_KR),
        (950, "BIG5", encoding_rs::BIG5),
        (65001, "UTF8", encoding_rs::UTF_8),
    ];
    let mut cases = Vec::new();
    for (number, encoding, codec) in pages {
        let collation = if number == 65001 {
            UTF8_COLLATION
        } else {
            COLLATION
        };
        let alphabet = alphabet(codec);
        let pick = alphabet.clone();
        let info = long_type(0xA7, 200, Some(collation));
        let source = SqlType::VarChar { length: Some(200) };
        let mut short_case = case(
            format!("varchar(200) in {number}"),
            source,
            PgType::VarChar(200),
            info,
            move |_, random| {
                let bytes = coded_text(&pick, random, 200);
                (Raw::Coded(bytes.clone()), short(&bytes))
            },
        );
        short_case.code_page = Some(number);
        short_case.encoding = Some(encoding);
        short_case.other_driver = false;
        cases.push(short_case);
        let info = long_type(0xA7, MAX, Some(collation));
        let source = SqlType::VarChar { length: None };
        let mut long_case = case(
            format!("varchar(max) in {number}"),
            source,
            PgType::Text,
            info,
            move |_, random| {
                let bytes = coded_text(&alphabet, random, 300);
                let chunk = random.below(100) as usize + 1;
                (Raw::Coded(bytes.clone()), plp(&bytes, chunk, true))
            },
        );
        long_case.code_page = Some(number);
        long_case.encoding = Some(encoding);
        long_case.other_driver = false;
        cases.push(long_case);
    }
    cases
}

/// Characters of a page that every table of it agrees on.
fn alphabet(codec: &'static encoding_rs::Encoding) -> Vec<Vec<u8>> {
    let blocks = (0x20..0x7Fu32)
        .chain(0xC0..0x180)
        .chain(0x386..0x460)
        .chain(0x5D0..0x5EB)
        .chain(0x621..0x64B)
        .chain(0xE01..0xE3B)
        .chain(0x3041..0x3094)
        .chain(0x30A1..0x30F7)
        .chain((0x4E00..0x9FA5).step_by(7))
        .chain((0xAC00..0xD7A3).step_by(5));
    let characters = blocks.filter_map(char::from_u32);
    let encoded = characters.filter_map(|character| {
        let text = character.to_string();
        let (bytes, _, unmapped) = codec.encode(&text);
        (!unmapped).then(|| bytes.into_owned())
    });
    // Outside of these two planes encoding_rs knows Hong Kong's additions, PostgreSQL nothing.
    let is_big5 = codec == encoding_rs::BIG5;
    let common = |bytes: &Vec<u8>| {
        !is_big5 || bytes.len() == 1 || matches!(bytes[0], 0xA4..=0xC5 | 0xC9..=0xF8)
    };
    encoded.filter(common).collect()
}

fn coded_text(alphabet: &[Vec<u8>], random: &mut Random, longest: usize) -> Vec<u8> {
    let wanted = random.below(longest as u64 + 1) as usize;
    let plain = random.below(3) == 0;
    let mut bytes = Vec::new();
    loop {
        let range = if plain { 95 } else { alphabet.len() };
        let next = &alphabet[random.below(range as u64) as usize];
        if bytes.len() + next.len() > wanted {
            return bytes;
        }
        bytes.extend_from_slice(next);
    }
}
