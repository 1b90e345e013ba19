//! The code page that five collation bytes stand for (MS-TDS 2.2.5.1.2).

/// The collation flag of `_UTF8`.
const UTF8: u32 = 1 << 26;

/// The code page of `char` data that came with this collation.
///
/// Locales and sort ids as in "Collation and Unicode support" of the SQL Server documentation and
/// the table of Microsoft's JDBC driver; what is not listed is Western European.
pub(crate) fn code_page(info: u32, sort_id: u8) -> u16 {
    match (info & UTF8, sort_id) {
        (0, 0) => locale_code_page(info & 0xFFFF),
        (0, sort_id) => sort_id_code_page(sort_id),
        _ => 65001,
    }
}

fn sort_id_code_page(sort_id: u8) -> u16 {
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

fn locale_code_page(locale: u32) -> u16 {
    match locale {
        0x0404 | 0x0C04 | 0x1404 => return 950,
        0x0804 | 0x1004 => return 936,
        0x081A | 0x141A | 0x101A => return 1250,
        0x0C1A | 0x1C1A | 0x201A | 0x082C | 0x0843 => return 1251,
        0x042C | 0x0443 => return 1254,
        _ => {}
    }
    // The primary language decides the rest.
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
    use super::code_page;

    #[test]
    fn known_collations() {
        assert_eq!(
            code_page(0x00D0_0409, 0x34),
            1252,
            "SQL_Latin1_General_CP1_CI_AS"
        );
        assert_eq!(
            code_page(0x00D0_0409, 32),
            437,
            "SQL_Latin1_General_CP437_CI_AS"
        );
        assert_eq!(code_page(0x00D0_0419, 0), 1251, "Cyrillic_General_CI_AS");
        assert_eq!(code_page(0x00D0_0411, 0), 932, "Japanese_CI_AS");
        assert_eq!(
            code_page(0x2400_0409 | 0x00D0_0000, 0),
            65001,
            "a _UTF8 collation"
        );
    }
}
