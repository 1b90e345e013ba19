//! What the name of a SQL Server collation says about which texts are equal.
//!
//! Nothing is asked of a server: the parts of a name say whether case and accents count, whether
//! positions are UTF-16 units, and which code page `varchar` has. `collation_key` makes comparable
//! expressions of it.

use crate::locale;

/// A collation, by the parts of its name (SQL Server documentation, "Windows collation name").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Collation {
    pub(super) name: String,
    /// `_BIN` and `_BIN2`: code points, and nothing else, decide.
    pub(super) binary: bool,
    /// `_CS`.
    pub(super) case_sensitive: bool,
    /// `_AS`.
    pub(super) accent_sensitive: bool,
    /// `LEN` and positions count characters, not UTF-16 units.
    pub(super) supplementary: bool,
    /// `varchar` is UTF-8.
    pub(super) utf8: bool,
    /// `i` and `I` are letters of their own.
    dotless: bool,
    /// `char` and `varchar` take one byte per character.
    pub(super) single_byte: bool,
}

/// Families whose code page has characters of two bytes.
const DOUBLE_BYTE: [&str; 4] = ["japanese", "chinese", "korean", "xjis"];

impl Collation {
    /// Any name parses; a part that is not known changes nothing.
    pub(super) fn parse(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let parts: Vec<&str> = lower.split('_').collect();
        let has = |part: &str| parts.contains(&part);
        let utf8 = has("utf8");
        let double = DOUBLE_BYTE.iter().any(|family| lower.starts_with(family));
        Self {
            binary: has("bin") || has("bin2"),
            case_sensitive: has("cs"),
            accent_sensitive: has("as"),
            supplementary: has("sc") || has("140") || utf8,
            utf8,
            dotless: lower.starts_with("turkish") || lower.starts_with("azeri"),
            single_byte: !utf8 && !double,
            name: name.to_owned(),
        }
    }

    pub(super) fn same(&self, other: &Self) -> bool {
        self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Whether `varchar` has code page 1252, which has Latin-1's characters from 160 on.
    pub(super) fn is_latin(&self) -> bool {
        const FAMILIES: [&str; 8] = [
            "latin1_general",
            "sql_latin1_general_cp1_",
            "danish",
            "finnish_swedish",
            "french",
            "german_phonebook",
            "icelandic",
            "modern_spanish",
        ];
        let lower = self.name.to_ascii_lowercase();
        !self.utf8 && FAMILIES.iter().any(|family| lower.starts_with(family))
    }

    /// Whether ASCII letters have to be folded before they are compared.
    pub(super) fn folds(&self) -> bool {
        !self.binary && !self.case_sensitive
    }

    /// The ICU collation of PostgreSQL for its language, quoted. `initdb` makes one for each.
    pub(super) fn icu(&self) -> String {
        format!("\"{}-x-icu\"", locale::language(&self.name))
    }

    /// Why equality with this text is not certain by folding ASCII letters alone; `None` where it
    /// is, for values of ASCII at least.
    pub(super) fn doubt(&self, text: &str) -> Option<String> {
        if !self.binary && self.folds() && !text.is_ascii() {
            return Some(format!(
                "a search without case for text beyond ASCII ({})",
                self.name
            ));
        }
        self.unsearchable(text)
    }

    /// Why this text cannot be found within another by folding letters, ICU's or those of ASCII.
    pub(super) fn unsearchable(&self, text: &str) -> Option<String> {
        if self.binary {
            return None;
        }
        let name = &self.name;
        let letters = text.chars().any(char::is_alphabetic);
        if !self.accent_sensitive && (letters || !text.is_ascii()) {
            return Some(format!("comparison without accents ({name})"));
        }
        if self.dotless && self.folds() && text.contains(['i', 'I', '\u{130}', '\u{131}']) {
            return Some(format!("the letter i without case ({name})"));
        }
        None
    }

    /// Whether the code page of `varchar` has every character of a text.
    pub(super) fn has(&self, text: &str) -> bool {
        /// Those of code page 1252 between 128 and 159.
        const SPECIAL: &str = "\u{20ac}\u{201a}\u{192}\u{201e}\u{2026}\u{2020}\u{2021}\u{2c6}\u{2030}\u{160}\u{2039}\u{152}\u{17d}\u{2018}\u{2019}\u{201c}\u{201d}\u{2022}\u{2013}\u{2014}\u{2dc}\u{2122}\u{161}\u{203a}\u{153}\u{17e}\u{178}";
        let latin =
            |it: char| it.is_ascii() || ('\u{a0}'..='\u{ff}').contains(&it) || SPECIAL.contains(it);
        self.utf8 || text.is_ascii() || (self.is_latin() && text.chars().all(latin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_equal() {
        let sql = Collation::parse("SQL_Latin1_General_CP1_CI_AS");
        assert!(sql.folds() && sql.accent_sensitive && sql.single_byte && !sql.supplementary);
        let binary = Collation::parse("Latin1_General_100_BIN2_UTF8");
        assert!(binary.binary && !binary.folds() && binary.utf8 && !binary.single_byte);
        let case = Collation::parse("Japanese_XJIS_140_CS_AS_KS_WS");
        assert!(!case.folds() && case.supplementary && !case.single_byte);
        assert!(!Collation::parse("Latin1_General_CI_AI").accent_sensitive);
    }

    #[test]
    fn doubts() {
        let doubt = |name, text| Collation::parse(name).doubt(text).is_some();
        assert!(!doubt("Latin1_General_CI_AS", "Abc 1"));
        assert!(doubt("Latin1_General_CI_AS", "é"));
        assert!(!doubt("Latin1_General_CS_AS", "é"));
        assert!(doubt("Latin1_General_CS_AI", "e"));
        assert!(!doubt("Latin1_General_CI_AI", "12-3"));
        assert!(doubt("Turkish_CI_AS", "title"));
        assert!(!doubt("Turkish_CI_AS", "abc"));
        assert!(!doubt("Latin1_General_BIN2", "é"));
    }
}
