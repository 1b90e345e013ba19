//! The language that the name of a SQL Server collation says.

/// Collations whose language orders or folds letters by rules of its own, by the beginnings of their names in
/// small letters.
const LANGUAGES: [(&str, &str); 24] = [
    ("albanian", "sq"),
    ("azeri", "az"),
    ("croatian", "hr"),
    ("cyrillic", "ru"),
    ("czech", "cs"),
    ("danish", "da"),
    ("estonian", "et"),
    ("finnish_swedish", "sv"),
    ("german_phonebook", "de"),
    ("greek", "el"),
    ("hebrew", "he"),
    ("hungarian", "hu"),
    ("icelandic", "is"),
    ("latvian", "lv"),
    ("lithuanian", "lt"),
    ("modern_spanish", "es"),
    ("polish", "pl"),
    ("romanian", "ro"),
    ("slovak", "sk"),
    ("slovenian", "sl"),
    ("sql_croatian", "hr"),
    ("turkish", "tr"),
    ("ukrainian", "uk"),
    ("vietnamese", "vi"),
];

/// The language of a collation as ICU calls it; `und` if the collation has that of no one language.
///
/// ```
/// assert_eq!(tsql::locale::language("Turkish_CI_AS"), "tr");
/// assert_eq!(tsql::locale::language("SQL_Latin1_General_CP1_CI_AS"), "und");
/// ```
pub fn language(collation: &str) -> &'static str {
    let lower = collation.to_ascii_lowercase();
    let known = LANGUAGES.iter().find(|(start, _)| lower.starts_with(start));
    known.map_or("und", |(_, language)| language)
}
