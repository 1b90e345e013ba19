//! Names as written in T-SQL, and their comparison.

use crate::engine::error::unsupported;
use crate::types::SqlError;

/// `[database.][schema.]name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) database: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl Name {
    /// From the parts of a dotted name; empty parts (`db..t`) take the default.
    pub(crate) fn of(mut parts: Vec<String>) -> Result<Name, SqlError> {
        if parts.len() > 3 {
            return Err(unsupported(format!(
                "the linked server of '{}'",
                parts.join(".")
            )));
        }
        let name = parts.pop().unwrap_or_default();
        let mut next = || parts.pop().filter(|p| !p.is_empty());
        let schema = next();
        Ok(Name {
            database: next(),
            schema,
            name,
        })
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.database, &self.schema].into_iter().flatten() {
            write!(f, "{part}.")?;
        }
        f.write_str(&self.name)
    }
}

/// A type as written: its name (perhaps a user's) and arguments, `None` for `max`.
#[derive(Debug, Clone)]
pub(crate) struct TypeName {
    pub(crate) name: String,
    pub(crate) args: Vec<Option<u32>>,
}

/// Names compare without regard to case, as under the server's default collation.
pub(crate) fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && fold(a) == fold(b))
}

/// The form of a name that lookups use.
pub(crate) fn fold(name: &str) -> String {
    name.to_lowercase()
}
