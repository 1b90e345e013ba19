//! ICU collations that compare as loosely as those of the source.
//!
//! Width and kana sensitivity (`WS`, `KS`) have no counterpart in ICU's settings and are not looked
//! at; binary collations and those that are both case- and accent-sensitive compare exactly and get
//! none.

use crate::plan::object::CollationPlan;
use crate::plan::table::TargetName;
use tsql::locale::language;
use tsql::names;

/// Whether the source's collation holds two different texts for equal.
pub(super) fn is_loose(source: Option<&str>) -> bool {
    source.is_some_and(|source| locale(source).is_some())
}

/// What a collation is called in the target, unquoted and without its schema.
pub(super) fn name(source: &str) -> String {
    names::shorten(&source.to_lowercase())
}

/// The collation of a source's name, in a schema, if it is loose.
pub(super) fn plan_in(source: &str, schema: &str) -> Option<CollationPlan> {
    Some(CollationPlan {
        schema: schema.to_owned(),
        name: name(source),
        locale: locale(source)?,
        source: source.to_owned(),
    })
}

/// What it is called there, quoted and with its schema.
pub(super) fn sql(schema: &str, source: &str) -> String {
    names::qualified(&TargetName {
        schema: schema.to_owned(),
        table: name(source),
    })
}

/// The ICU locale that compares as loosely as a collation does, `None` if it compares exactly.
/// Strengths are those of Unicode TR 35, "Collation Settings": level 1 looks at base letters, level
/// 2 at accents too, and `kc` puts case in between.
pub(super) fn locale(source: &str) -> Option<String> {
    let upper = source.to_uppercase();
    let has = |part: &str| upper.split('_').any(|word| word == part);
    if has("BIN") || has("BIN2") || upper.is_empty() {
        return None;
    }
    let strength = match (has("CI"), has("AI")) {
        (true, false) => "ks-level2",
        (true, true) => "ks-level1",
        (false, true) => "ks-level1-kc-true",
        (false, false) => return None,
    };
    Some(format!("{}-u-{strength}", language(source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collation_is_as_loose_as_the_source_says() {
        for (source, expected) in [
            ("SQL_Latin1_General_CP1_CI_AS", Some("und-u-ks-level2")),
            ("Latin1_General_100_CI_AI_SC_UTF8", Some("und-u-ks-level1")),
            ("Latin1_General_CS_AI", Some("und-u-ks-level1-kc-true")),
            ("Turkish_CI_AS", Some("tr-u-ks-level2")),
            ("German_PhoneBook_CI_AS", Some("de-u-ks-level2")),
            ("Latin1_General_CS_AS", None),
            ("Latin1_General_BIN2", None),
            ("Cyrillic_General_BIN", None),
        ] {
            assert_eq!(locale(source).as_deref(), expected, "{source}");
        }
    }
}
