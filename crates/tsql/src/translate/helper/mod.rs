//! Functions in the target's schema that translations call, for what PostgreSQL has no words for.
//!
//! A translation asks for one by `Context::help`; the caller makes all that were asked for before
//! the object that calls them. Each helper is one file of SQL here, with `{function}` for its name.

use std::fmt;

/// A helper function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Helper {
    /// A text as an integer, NULL if it is none.
    TryInt,
    /// A text as a decimal of a precision and scale, NULL if it is none.
    TryDecimal,
    /// A text as a `float`, NULL if it is none.
    TryFloat,
    /// A text as a `uniqueidentifier`, NULL if it is none.
    TryUuid,
    /// A text as a date with a time of day, NULL if it is none.
    TryMoment,
    /// Whether a text is a number of any type.
    IsNumeric,
    /// A pattern of `LIKE` as a regular expression.
    LikePattern,
    /// A `float` as text of six digits.
    FloatText,
    /// A text's bytes in UTF-16.
    Utf16,
}

impl Helper {
    /// Its name in the target, unquoted.
    pub fn name(self) -> &'static str {
        match self {
            Self::TryInt => "migrate_try_int",
            Self::TryDecimal => "migrate_try_decimal",
            Self::TryFloat => "migrate_try_float",
            Self::TryUuid => "migrate_try_uuid",
            Self::TryMoment => "migrate_try_moment",
            Self::IsNumeric => "migrate_is_numeric",
            Self::LikePattern => "migrate_like_pattern",
            Self::FloatText => "migrate_float_text",
            Self::Utf16 => "migrate_utf16",
        }
    }

    /// The statement that makes it, or replaces that of an earlier version, under a name that is
    /// quoted and has its schema.
    pub fn definition(self, name: &str) -> String {
        let text = match self {
            Self::TryInt => include_str!("try_int.sql"),
            Self::TryDecimal => include_str!("try_decimal.sql"),
            Self::TryFloat => include_str!("try_float.sql"),
            Self::TryUuid => include_str!("try_uuid.sql"),
            Self::TryMoment => include_str!("try_moment.sql"),
            Self::IsNumeric => include_str!("is_numeric.sql"),
            Self::LikePattern => include_str!("like_pattern.sql"),
            Self::FloatText => include_str!("float_text.sql"),
            Self::Utf16 => include_str!("utf16.sql"),
        };
        text.replace("{function}", name)
    }
}

impl fmt::Display for Helper {
    /// The construct of T-SQL that needs it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TryInt => "TRY_CAST of text to an integer",
            Self::TryDecimal => "TRY_CAST of text to decimal or money",
            Self::TryFloat => "TRY_CAST of text to float",
            Self::TryUuid => "TRY_CAST of text to uniqueidentifier",
            Self::TryMoment => "reading a text as a date",
            Self::IsNumeric => "ISNUMERIC",
            Self::LikePattern => "LIKE with a pattern that varies",
            Self::FloatText => "float as text",
            Self::Utf16 => "the bytes of an nvarchar",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_replaces_its_function_under_the_name() {
        let name = "\"app\".\"f\"";
        for helper in [
            Helper::TryInt,
            Helper::TryDecimal,
            Helper::TryFloat,
            Helper::TryUuid,
            Helper::TryMoment,
            Helper::IsNumeric,
            Helper::LikePattern,
            Helper::FloatText,
            Helper::Utf16,
        ] {
            let text = helper.definition(name);
            let start = format!("CREATE OR REPLACE FUNCTION {name}(");
            assert!(text.contains(&start), "{helper}");
            assert!(!text.contains("{function}"), "{helper}");
            assert!(helper.name().starts_with("migrate_"), "{helper}");
        }
    }
}
