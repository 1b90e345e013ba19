//! Target names: folding, shortening, quoting, and keeping them apart.
//!
//! Every name that the tool makes on the target goes through here, and every name that it writes
//! into SQL is quoted here. Folding and shortening depend on the name alone, so a table has the
//! same name in each run; only [`Taken`] depends on what else there is.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Kind, Result};

/// A table of PostgreSQL, unquoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetName {
    /// Schema of the target.
    pub schema: String,
    /// Table of the target.
    pub table: String,
}

impl fmt::Display for TargetName {
    /// As people read it, without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.table)
    }
}

/// How names of the source become names of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameStyle {
    /// ASCII letters become small, as PostgreSQL folds a name without quotes.
    Lowercase,
    /// As the source has them.
    Preserve,
    /// `OwnerUserId` becomes `owner_user_id`.
    SnakeCase,
}

/// `NAMEDATALEN - 1` of a stock PostgreSQL build: it cuts longer names off, silently.
pub const MAX_BYTES: usize = 63;

/// `_` and eight hex digits of the whole name's hash.
const SUFFIX_BYTES: usize = 9;

/// A PostgreSQL identifier, always quoted, so that no name is ever a keyword or folded.
///
/// ```
/// assert_eq!(tsql::names::quote_ident("the \"best\""), "\"the \"\"best\"\"\"");
/// ```
pub fn quote_ident(name: &str) -> String {
    quoted(name, '"', '"')
}

/// `"schema"."table"`.
///
/// ```
/// use tsql::names::{TargetName, qualified};
///
/// let name = TargetName { schema: "public".into(), table: "posts".into() };
/// assert_eq!(qualified(&name), r#""public"."posts""#);
/// ```
pub fn qualified(name: &TargetName) -> String {
    format!("{}.{}", quote_ident(&name.schema), quote_ident(&name.table))
}

/// A T-SQL identifier in brackets, right whatever `QUOTED_IDENTIFIER` says.
///
/// ```
/// assert_eq!(tsql::names::bracket("a]b"), "[a]]b]");
/// ```
pub fn bracket(name: &str) -> String {
    quoted(name, '[', ']')
}

/// Doubles the closing sign within the name, which is how both servers escape it.
fn quoted(name: &str, open: char, close: char) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    text.push(open);
    for character in name.chars() {
        if character == close {
            text.push(close);
        }
        text.push(character);
    }
    text.push(close);
    text
}

/// Applies the job's `schema.names`.
///
/// ```
/// use tsql::names::{NameStyle, fold};
///
/// assert_eq!(fold("OwnerUserId", NameStyle::Lowercase), "owneruserid");
/// assert_eq!(fold("HTMLBody2", NameStyle::SnakeCase), "html_body2");
/// ```
pub fn fold(name: &str, style: NameStyle) -> String {
    match style {
        NameStyle::Preserve => name.to_owned(),
        // As PostgreSQL folds a name without quotes in a UTF-8 database: ASCII only
        // (src/backend/parser/scansup.c, downcase_identifier).
        NameStyle::Lowercase => name.to_ascii_lowercase(),
        NameStyle::SnakeCase => snake_case(name),
    }
}

/// `OwnerUserId` and `HTMLBody2` become `owner_user_id` and `html_body2`; everything that is not
/// a letter or digit stays as it is, except blanks, which become underscores too.
fn snake_case(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut text = String::with_capacity(name.len() + 4);
    for (index, &character) in characters.iter().enumerate() {
        if character == ' ' {
            text.push('_');
            continue;
        }
        if starts_word(&characters, index) {
            text.push('_');
        }
        text.extend(character.to_lowercase());
    }
    text
}

/// A capital starts a word after a small letter or digit, or as the last capital of a run.
fn starts_word(characters: &[char], index: usize) -> bool {
    if index == 0 || !characters[index].is_uppercase() {
        return false;
    }
    let before = characters[index - 1];
    let small_after = characters.get(index + 1).is_some_and(|c| c.is_lowercase());
    before.is_lowercase() || before.is_numeric() || (before.is_uppercase() && small_after)
}

/// Cuts a name to [`MAX_BYTES`] on a character boundary and marks it with a hash of the whole,
/// so that two long names with one beginning stay two.
///
/// ```
/// use tsql::names::{MAX_BYTES, shorten};
///
/// assert_eq!(shorten("posts"), "posts");
/// assert_eq!(shorten(&"n".repeat(64)).len(), MAX_BYTES);
/// assert_ne!(shorten(&"n".repeat(64)), shorten(&"n".repeat(65)));
/// ```
pub fn shorten(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let start = &name[..name.floor_char_boundary(MAX_BYTES - SUFFIX_BYTES)];
    format!("{start}_{:08x}", xxh3_64(name.as_bytes()) >> 32)
}

/// A target name, and whether a reader of the plan should be told that it was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name in the target, unquoted.
    pub text: String,
    /// Whether it was too long and has a hash at its end.
    pub shortened: bool,
}

/// Folds and shortens a source name. [`Kind::Naming`] for a name that PostgreSQL cannot have at
/// all: the empty one, or one with U+0000 in it.
///
/// ```
/// use tsql::error::Kind;
/// use tsql::names::{NameStyle, target};
///
/// assert_eq!(target("OwnerUserId", NameStyle::SnakeCase)?.text, "owner_user_id");
/// assert_eq!(target("", NameStyle::Preserve).unwrap_err().kind(), Kind::Naming);
/// # Ok::<(), tsql::error::Error>(())
/// ```
pub fn target(name: &str, style: NameStyle) -> Result<Name> {
    if name.is_empty() || name.contains('\0') {
        let what = if name.is_empty() {
            "is empty"
        } else {
            "contains U+0000"
        };
        return Err(Error::new(
            Kind::Naming,
            format!(
                "the name {name:?} {what}, which PostgreSQL does not allow: rename it in `tables.overrides`"
            ),
        ));
    }
    let folded = fold(name, style);
    let text = shorten(&folded);
    Ok(Name {
        shortened: text != folded,
        text,
    })
}

/// Columns that every PostgreSQL table has (PostgreSQL documentation, "System Columns").
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// The same for a column, whose name must not be that of a system column: it gets a `_`.
///
/// ```
/// use tsql::names::{NameStyle, target_column};
///
/// assert_eq!(target_column("XMin", NameStyle::Lowercase)?.text, "xmin_");
/// # Ok::<(), tsql::error::Error>(())
/// ```
pub fn target_column(name: &str, style: NameStyle) -> Result<Name> {
    let mut target = target(name, style)?;
    if is_system_column(&target.text) {
        target.text.push('_');
    }
    Ok(target)
}

/// Whether every table of PostgreSQL has a column of this name.
///
/// ```
/// assert!(tsql::names::is_system_column("ctid"));
/// assert!(!tsql::names::is_system_column("id"));
/// ```
pub fn is_system_column(name: &str) -> bool {
    SYSTEM_COLUMNS.contains(&name)
}

/// The schema that a source schema becomes: as the job maps it, else folded. [`Kind::Naming`] for
/// PostgreSQL's own schemas, in which it lets no role create tables, and for the one of this tool's
/// state, which `mode: replace` would otherwise drop table by table.
///
/// ```
/// use tsql::names::{NameStyle, target_schema};
///
/// assert_eq!(target_schema("dbo", Some("public"), NameStyle::Lowercase)?, "public");
/// assert!(target_schema("pg_stuff", None, NameStyle::Lowercase).is_err());
/// # Ok::<(), tsql::error::Error>(())
/// ```
pub fn target_schema(source: &str, mapped: Option<&str>, style: NameStyle) -> Result<String> {
    let schema = match mapped {
        Some(mapped) => given(mapped)?,
        None => target(source, style)?.text,
    };
    let owner = match schema.as_str() {
        "_migrate" => "the schema in which migrate keeps its state",
        "information_schema" => "PostgreSQL's own",
        name if name.starts_with("pg_") => "PostgreSQL's own",
        _ => return Ok(schema),
    };
    Err(Error::new(
        Kind::Naming,
        format!("schema {source} would become {schema}, which is {owner}"),
    ))
}

/// A name that the job gives, as it is. [`Kind::Setting`] where PostgreSQL would cut it.
///
/// ```
/// assert_eq!(tsql::names::given("Posts").unwrap(), "Posts");
/// assert!(tsql::names::given(&"n".repeat(64)).is_err());
/// ```
pub fn given(name: &str) -> Result<String> {
    if name.is_empty() || name.len() > MAX_BYTES || name.contains('\0') {
        return Err(Error::new(
            Kind::Setting,
            format!(
                "the name {name:?} that the job gives must have 1 to {MAX_BYTES} bytes, none of them zero"
            ),
        ));
    }
    Ok(name.to_owned())
}

/// The same for a column.
/// [`Kind::Setting`] for the name of a system column too.
pub fn given_column(name: &str) -> Result<String> {
    if SYSTEM_COLUMNS.contains(&name) {
        return Err(Error::new(
            Kind::Setting,
            format!("PostgreSQL has a column {name} of its own in every table"),
        ));
    }
    given(name)
}

/// Two different source names that would get one target name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collision {
    /// The name that both would get.
    pub target: String,
    /// The source name that had it first.
    pub first: String,
    /// The source name that would get it too.
    pub second: String,
}

/// Finds collisions among `(source, target)` pairs of one scope, in the order of the input.
/// A source name that comes twice collides with itself: it is two things.
///
/// ```
/// let found = tsql::names::collisions([("Id", "id"), ("Name", "name"), ("ID", "id")]);
/// assert_eq!((found.len(), found[0].second.as_str()), (1, "ID"));
/// ```
pub fn collisions<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Collision> {
    let mut first_of = BTreeMap::new();
    let mut found = Vec::new();
    for (source, target) in pairs {
        if let Some(first) = first_of.get(target) {
            found.push(Collision {
                target: target.to_owned(),
                first: String::from(*first),
                second: source.to_owned(),
            });
        } else {
            first_of.insert(target, source);
        }
    }
    found
}

/// The names that are taken in one target schema: PostgreSQL keeps tables, indexes and sequences
/// in one namespace, while SQL Server has index names per table.
#[derive(Debug, Default)]
pub struct Taken(HashSet<String>);

impl Taken {
    /// Takes a name as it is; false where it was taken before.
    ///
    /// ```
    /// use tsql::names::Taken;
    ///
    /// let mut taken = Taken::default();
    /// assert!(taken.reserve("posts"));
    /// assert!(!taken.reserve("posts"));
    /// assert_eq!(taken.derive("posts"), "posts_2");
    /// ```
    pub fn reserve(&mut self, name: &str) -> bool {
        self.0.insert(name.to_owned())
    }

    /// Takes the wanted name or, where that is taken, the first free one with a number. Stable as
    /// long as the callers come in a stable order.
    pub fn derive(&mut self, wanted: &str) -> String {
        let first = shorten(wanted);
        if self.reserve(&first) {
            return first;
        }
        (2_u64..)
            .map(|number| numbered(wanted, number))
            .find(|name| self.reserve(name))
            .expect("a schema holds fewer than 2^64 names")
    }
}

/// Shortened after the number is added, so the number may be part of what the hash stands for.
fn numbered(wanted: &str, number: u64) -> String {
    shorten(&format!("{wanted}_{number}"))
}

/// PostgreSQL's own way to name a primary key; to be passed through [`Taken::derive`].
pub fn primary_key(table: &str) -> String {
    shorten(&format!("{table}_pkey"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spatial tables like to have XMin and XMax.
    #[test]
    fn a_column_is_not_named_like_a_system_column() {
        let named = |name| target_column(name, NameStyle::Lowercase).unwrap().text;
        assert_eq!(
            (named("XMin"), named("Xminimum")),
            ("xmin_".into(), "xminimum".into())
        );
    }

    #[test]
    fn schemas_that_belong_to_others_are_refused() {
        let lower = |name, mapped| target_schema(name, mapped, NameStyle::Lowercase);
        for name in ["_Migrate", "PG_stage", "INFORMATION_SCHEMA"] {
            assert_eq!(
                lower(name, None).unwrap_err().kind(),
                Kind::Naming,
                "{name}"
            );
            assert_eq!(lower(name, Some("stage")).unwrap(), "stage");
        }
        assert!(lower("dbo", Some("_migrate")).is_err());
        assert_eq!(lower("pgstage", None).unwrap(), "pgstage");
    }

    #[test]
    fn a_given_name_that_postgresql_would_cut_is_refused() {
        assert!(given(&"n".repeat(63)).is_ok());
        assert_eq!(given(&"n".repeat(64)).unwrap_err().kind(), Kind::Setting);
    }

    #[test]
    fn quotes_double_their_own_closing_mark() {
        assert_eq!(quote_ident(r#"a"b"#), r#""a""b""#);
        assert_eq!(bracket("a]b[c"), "[a]]b[c]");
        assert_eq!(quote_ident("select"), "\"select\"");
        let name = TargetName {
            schema: "p.q".into(),
            table: "😀".into(),
        };
        assert_eq!(qualified(&name), "\"p.q\".\"😀\"");
    }

    #[test]
    fn folding_follows_the_style() {
        assert_eq!(fold("OwnerUserId", NameStyle::Lowercase), "owneruserid");
        assert_eq!(fold("OwnerUserId", NameStyle::Preserve), "OwnerUserId");
        assert_eq!(fold("GRÖSSE", NameStyle::Lowercase), "grÖsse");
        for (from, to) in [
            ("OwnerUserId", "owner_user_id"),
            ("HTMLBody2", "html_body2"),
            ("ID", "id"),
            ("Order Details", "order_details"),
            ("already_snake", "already_snake"),
            ("Title_ID", "title_id"),
            ("ИмяФайла", "имя_файла"),
        ] {
            assert_eq!(fold(from, NameStyle::SnakeCase), to);
        }
    }

    #[test]
    fn long_names_are_cut_on_a_character_and_stay_apart() {
        assert_eq!(shorten(&"x".repeat(63)), "x".repeat(63));
        for base in ["x", "ж", "😀"] {
            let one = shorten(&format!("{}a", base.repeat(127)));
            let two = shorten(&format!("{}b", base.repeat(127)));
            assert!(one.len() <= MAX_BYTES && one.len() > MAX_BYTES - 4, "{one}");
            assert_ne!(one, two);
            assert_eq!(one, shorten(&format!("{}a", base.repeat(127))));
        }
    }

    #[test]
    fn names_that_postgres_cannot_have_are_errors() {
        for name in ["", "a\0b"] {
            assert_eq!(
                target(name, NameStyle::Preserve).unwrap_err().kind(),
                Kind::Naming
            );
        }
        assert!(
            target(&"n".repeat(128), NameStyle::Lowercase)
                .unwrap()
                .shortened
        );
        assert!(!target("Posts", NameStyle::Lowercase).unwrap().shortened);
    }

    #[test]
    fn folding_collisions_name_both() {
        let found = collisions([("Posts", "posts"), ("Users", "users"), ("POSTS", "posts")]);
        assert_eq!(
            found,
            [Collision {
                target: "posts".into(),
                first: "Posts".into(),
                second: "POSTS".into()
            }]
        );
    }

    #[test]
    fn one_schema_holds_each_derived_name_once() {
        let mut taken = Taken::default();
        assert!(taken.reserve("posts"));
        assert_eq!(taken.derive("ix_name"), "ix_name");
        assert_eq!(taken.derive("ix_name"), "ix_name_2");
        assert_eq!(taken.derive("posts"), "posts_2");
        let long = "y".repeat(70);
        let (first, second) = (taken.derive(&long), taken.derive(&long));
        assert_ne!(first, second);
        assert!(second.len() <= MAX_BYTES);
    }
}
