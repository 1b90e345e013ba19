//! The code page that five collation bytes stand for (MS-TDS 2.2.5.1.2).
//!
//! This table judges the tool's, so it has a source of its own and another shape: not languages with
//! exceptions, but the collations that `fn_helpcollations` names, each with its LCID and code page
//! (Microsoft, "Windows Collation Name", table of designators, and "SQL Server Collation Name" with
//! the sort ids; SQL Server 2000 Books Online and "Collation and Unicode support"). Collations without
//! a code page (Indic, Maori, ...) are left out: no `char` column has one.

/// The collation flag of `_UTF8`.
const UTF8: u32 = 1 << 26;

/// Windows collations: LCID without its sort order, code page, designators.
pub const WINDOWS: &[(u32, u16, &str)] = &[
    (0x0401, 1256, "Arabic"),
    (
        0x0404,
        950,
        "Chinese_Taiwan_Stroke, Chinese_Taiwan_Bopomofo",
    ),
    (0x0405, 1250, "Czech"),
    (0x0406, 1252, "Danish_Norwegian, Danish_Greenlandic"),
    (0x0407, 1252, "German_PhoneBook"),
    (0x0408, 1253, "Greek"),
    (0x0409, 1252, "Latin1_General"),
    (0x040a, 1252, "Traditional_Spanish"),
    (0x040b, 1252, "Finnish_Swedish"),
    (0x040c, 1252, "French"),
    (0x040d, 1255, "Hebrew"),
    (0x040e, 1250, "Hungarian, Hungarian_Technical"),
    (0x040f, 1252, "Icelandic"),
    (
        0x0411,
        932,
        "Japanese, Japanese_XJIS, Japanese_Bushu_Kakusu",
    ),
    (0x0412, 949, "Korean, Korean_Wansung"),
    (0x0414, 1252, "Norwegian"),
    (0x0415, 1250, "Polish"),
    (0x0417, 1252, "Romansh"),
    (0x0418, 1250, "Romanian"),
    (0x0419, 1251, "Cyrillic_General"),
    (0x041a, 1250, "Croatian"),
    (0x041b, 1250, "Slovak"),
    (0x041c, 1250, "Albanian"),
    (0x041e, 874, "Thai"),
    (0x041f, 1254, "Turkish"),
    (0x0420, 1256, "Urdu"),
    (0x0422, 1251, "Ukrainian"),
    (0x0424, 1250, "Slovenian"),
    (0x0425, 1257, "Estonian"),
    (0x0426, 1257, "Latvian"),
    (0x0427, 1257, "Lithuanian"),
    (0x0429, 1256, "Persian"),
    (0x042a, 1258, "Vietnamese"),
    (0x042c, 1254, "Azeri_Latin"),
    (0x042e, 1252, "Upper_Sorbian"),
    (0x042f, 1251, "Macedonian_FYROM"),
    (0x0437, 1252, "Georgian_Modern_Sort"),
    (0x043b, 1252, "Sami_Norway"),
    (0x043f, 1251, "Kazakh"),
    (0x0442, 1250, "Turkmen"),
    (0x0443, 1254, "Uzbek_Latin"),
    (0x0444, 1251, "Tatar"),
    (0x0452, 1252, "Welsh"),
    (0x0462, 1252, "Frisian"),
    (0x046d, 1251, "Bashkir"),
    (0x047a, 1252, "Mapudungan"),
    (0x047c, 1252, "Mohawk"),
    (0x047e, 1252, "Breton"),
    (0x0480, 1256, "Uighur"),
    (0x0483, 1252, "Corsican"),
    (0x0485, 1251, "Yakut"),
    (0x048c, 1256, "Dari"),
    (0x0804, 936, "Chinese_PRC, Chinese_PRC_Stroke"),
    (0x081a, 1250, "Serbian_Latin"),
    (0x082c, 1251, "Azeri_Cyrillic"),
    (0x083b, 1252, "Sami_Sweden_Finland"),
    (0x085f, 1252, "Tamazight"),
    (0x0c04, 950, "Chinese_Hong_Kong_Stroke"),
    (0x0c0a, 1252, "Modern_Spanish"),
    (0x0c1a, 1251, "Serbian_Cyrillic"),
    (
        0x1404,
        950,
        "Chinese_Traditional_Pinyin, Chinese_Traditional_Stroke_Order",
    ),
    (0x141a, 1250, "Bosnian_Latin"),
    (0x201a, 1251, "Bosnian_Cyrillic"),
];

/// SQL Server collations: first and last sort id, code page, names.
pub const SQL: &[(u8, u8, u16, &str)] = &[
    (30, 34, 437, "SQL_Latin1_General_CP437"),
    (40, 44, 850, "SQL_Latin1_General_CP850"),
    (49, 49, 850, "SQL_1xCompat_CP850"),
    (51, 54, 1252, "SQL_Latin1_General_CP1"),
    (55, 57, 850, "SQL_AltDiction_CP850"),
    (58, 60, 850, "SQL_Scandinavian_CP850"),
    (61, 61, 850, "SQL_AltDiction_CP850_CI_AS"),
    (80, 82, 1250, "SQL_Latin1_General_CP1250"),
    (83, 96, 1250, "SQL_Czech to SQL_Slovenian_CP1250"),
    (104, 106, 1251, "SQL_Latin1_General_CP1251"),
    (107, 108, 1251, "SQL_Ukrainian_CP1251"),
    (112, 114, 1253, "SQL_Latin1_General_CP1253"),
    (120, 122, 1253, "SQL_MixDiction, SQL_AltDiction_CP1253"),
    (124, 124, 1253, "SQL_Latin1_General_CP1253_CI_AI"),
    (128, 130, 1254, "SQL_Latin1_General_CP1254"),
    (136, 138, 1255, "SQL_Latin1_General_CP1255"),
    (144, 146, 1256, "SQL_Latin1_General_CP1256"),
    (152, 154, 1257, "SQL_Latin1_General_CP1257"),
    (
        155,
        160,
        1257,
        "SQL_Estonian, SQL_Latvian, SQL_Lithuanian_CP1257",
    ),
    (
        183,
        186,
        1252,
        "SQL_Danish, SQL_SwedishPhone, SQL_SwedishStd, SQL_Icelandic_Pref_CP1",
    ),
];

/// The code page of `char` data that came with this collation; Western European for collations that
/// no server has.
pub fn code_page(info: u32, sort_id: u8) -> u16 {
    if info & UTF8 != 0 {
        return 65001;
    }
    let known = if sort_id == 0 {
        let locale = info & 0xFFFF;
        let found = WINDOWS.iter().find(|(lcid, ..)| *lcid == locale);
        found.map(|(_, page, _)| *page)
    } else {
        let found = SQL
            .iter()
            .find(|(first, last, ..)| (*first..=*last).contains(&sort_id));
        found.map(|(_, _, page, _)| *page)
    };
    known.unwrap_or(1252)
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
