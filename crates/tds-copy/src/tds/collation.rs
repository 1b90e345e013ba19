//! The code page that the five bytes of a collation stand for, for text whose column has none.
//!
//! A column's own code page comes from the catalog; a value of `sql_variant` brings its collation
//! along (MS-TDS 2.2.5.1.2). Locales and sort ids as SQL Server's "Collation and Unicode support"
//! lists them; what is not listed there is Western European.

use crate::tds::type_info::Collation;

/// The Windows number of the code page; 65001 is UTF-8.
///
/// ```
/// use tds_copy::tds::collation::code_page;
/// use tds_copy::tds::type_info::Collation;
///
/// // Cyrillic_General_CI_AS.
/// assert_eq!(code_page(Collation { info: 0x00D0_0419, sort_id: 0 }), 1251);
/// ```
pub fn code_page(collation: Collation) -> u16 {
    match (collation.is_utf8(), collation.sort_id) {
        (true, _) => 65_001,
        // A Windows collation: the locale in the low 20 bits decides.
        (false, 0) => of_locale(collation.info & 0xF_FFFF),
        (false, sort_id) => of_sort_id(sort_id),
    }
}

/// Collations of SQL Server before 2000 (`SQL_...`).
fn of_sort_id(sort_id: u8) -> u16 {
    match sort_id {
        30..=35 => 437,
        40..=49 | 55..=61 => 850,
        80..=98 => 1250,
        104..=108 => 1251,
        112..=124 => 1253,
        128..=130 => 1254,
        136..=138 => 1255,
        144..=146 => 1256,
        152..=160 => 1257,
        192 | 193 | 200 => 932,
        194 | 195 | 201 => 949,
        196 | 197 | 202 => 950,
        198 | 199 | 203 => 936,
        204..=206 => 874,
        _ => 1252,
    }
}

/// By the LCID: a few locales share a language and not a code page, so they come first.
fn of_locale(locale: u32) -> u16 {
    // Chinese in Taiwan, Hong Kong and Macao, and in China and Singapore; then Serbian and Bosnian
    // in Latin and in Cyrillic letters; then Azeri and Uzbek in Latin letters.
    match locale & 0xFFFF {
        0x0404 | 0x0C04 | 0x1404 => return 950,
        0x0804 | 0x1004 => return 936,
        0x081A | 0x141A | 0x101A => return 1250,
        0x0C1A | 0x1C1A | 0x201A | 0x082C | 0x0843 => return 1251,
        0x042C | 0x0443 => return 1254,
        _ => {}
    }
    // Elsewhere the primary language, in the low ten bits.
    match locale & 0x3FF {
        0x01 | 0x20 | 0x29 | 0x80 | 0x8C => 1256,
        0x02 | 0x19 | 0x22 | 0x23 | 0x28 | 0x2F | 0x3F | 0x40 | 0x44 | 0x50 | 0x6D | 0x85 => 1251,
        0x05 | 0x0E | 0x15 | 0x18 | 0x1A | 0x1B | 0x1C | 0x24 | 0x42 => 1250,
        0x08 => 1253,
        0x0D => 1255,
        0x11 => 932,
        0x12 => 949,
        0x1E => 874,
        0x1F => 1254,
        0x25..=0x27 => 1257,
        0x2A => 1258,
        _ => 1252,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collations_have_the_code_page_that_their_documentation_says() {
        for (name, info, sort_id, page) in [
            ("SQL_Latin1_General_CP1_CI_AS", 0x00D0_0409, 52, 1252),
            ("SQL_Latin1_General_CP437_CI_AS", 0x00D0_0409, 32, 437),
            ("SQL_Latin1_General_CP1251_CI_AS", 0x00D0_0419, 106, 1251),
            ("Cyrillic_General_CI_AS", 0x00D0_0419, 0, 1251),
            ("Greek_CI_AS", 0x00D0_0408, 0, 1253),
            ("Japanese_CI_AS", 0x00D0_0411, 0, 932),
            ("Latin1_General_100_CI_AS_SC_UTF8", 0x04D0_0409, 0, 65_001),
        ] {
            assert_eq!(code_page(Collation { info, sort_id }), page, "{name}");
        }
    }
}
