//! T-SQL expressions and views as PostgreSQL's, or the reason why not.
//!
//! The translator is a list of what is known to mean the same on both sides: whatever is not on
//! it is refused with a reason that names the construct, and the caller lists the expression with
//! its text. `docs/expressions.md` is that list for readers.

use crate::schema::SqlType;
use crate::typemap::PgType;

/// What an expression may refer to.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Columns of the table that the expression belongs to. Empty for defaults.
    pub columns: &'a [ScopeColumn<'a>],
    pub names: &'a dyn TargetNames,
    /// The database's collation: that of text which comes from no column.
    pub default_collation: Option<&'a str>,
}

/// A column of the source and what it becomes.
#[derive(Debug, Clone, Copy)]
pub struct ScopeColumn<'a> {
    pub source: &'a str,
    /// Unquoted.
    pub target: &'a str,
    pub sql_type: &'a SqlType,
    pub pg_type: &'a PgType,
    /// Of character columns; `None` is the database's.
    pub collation: Option<&'a str>,
    pub nullable: bool,
    /// GENERATED in the target, so that no other generated column can refer to it.
    pub generated: bool,
}

/// Objects of the source and what they are called in the target.
pub trait TargetNames {
    /// A sequence, quoted and with its schema; `None` where the target has none of that name.
    /// Without a schema the source's default one is meant.
    fn sequence(&self, schema: Option<&str>, name: &str) -> Option<String>;

    /// A table, or a view that was translated before; `None` where the target has none of that
    /// name, or not all of its columns.
    fn relation(&self, schema: Option<&str>, name: &str) -> Option<Relation<'_>>;
}

/// A table or view of the target.
#[derive(Debug, Clone)]
pub struct Relation<'a> {
    /// Quoted and with its schema.
    pub sql: String,
    pub columns: Vec<ScopeColumn<'a>>,
}

/// When the result may change, in PostgreSQL's sense of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    Immutable,
    Stable,
    Volatile,
}

/// An expression of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    pub sql: String,
    pub volatility: Volatility,
    /// Where the two sides can tell apart after all, for the plan. Each once.
    pub notes: Vec<String>,
}

/// A SELECT of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslatedView {
    /// The SELECT, without CREATE VIEW. Its columns have explicit names.
    pub sql: String,
    pub columns: Vec<ViewColumn>,
    /// What it reads, as the source's text names it: schema, if given, and name. Each once.
    pub depends_on: Vec<(Option<String>, String)>,
    pub notes: Vec<String>,
}

/// A column of a view: what it is called at the source, and its type there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewColumn {
    pub source: String,
    pub sql_type: SqlType,
    pub collation: Option<String>,
}

/// Why there is no translation: a fragment that names the construct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untranslated {
    pub reason: String,
}

impl Untranslated {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

/// A default, as the column's type.
///
/// # Errors
/// [`Untranslated`] also where the value is none that the column takes.
pub fn default(
    _text: &str,
    _column: &ScopeColumn,
    _scope: &Scope,
) -> Result<Translated, Untranslated> {
    Err(Untranslated::new("not supported yet"))
}

/// A check constraint: a boolean, unknown passes on both sides.
///
/// # Errors
/// [`Untranslated`]
pub fn check(_text: &str, _scope: &Scope) -> Result<Translated, Untranslated> {
    Err(Untranslated::new("not supported yet"))
}

/// The predicate of a filtered index; immutable.
///
/// # Errors
/// [`Untranslated`]
pub fn predicate(_text: &str, _scope: &Scope) -> Result<Translated, Untranslated> {
    Err(Untranslated::new("not supported yet"))
}

/// A computed column as the type of the target's column; immutable, without generated columns.
///
/// # Errors
/// [`Untranslated`]
pub fn generated(
    _text: &str,
    _column: &ScopeColumn,
    _scope: &Scope,
) -> Result<Translated, Untranslated> {
    Err(Untranslated::new("not supported yet"))
}

/// A view, from its whole `CREATE VIEW` statement.
///
/// # Errors
/// [`Untranslated`]
pub fn view(
    _text: &str,
    _names: &dyn TargetNames,
    _default_collation: Option<&str>,
) -> Result<TranslatedView, Untranslated> {
    Err(Untranslated::new("views are not supported yet"))
}
