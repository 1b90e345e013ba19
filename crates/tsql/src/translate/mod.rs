//! T-SQL expressions and views as PostgreSQL's, or the reason why not.
//!
//! The translator is a list of what is known to mean the same on both sides: whatever is not on
//! it is refused with a reason that names the construct, and the caller lists the expression with
//! its text. `docs/expressions.md` is that list for readers.

mod arithmetic;
mod assess;
mod assign;
mod collation;
mod collation_key;
mod common;
mod compare;
mod condition;
mod constant;
mod context;
mod convert;
mod convert_moment;
mod convert_text;
mod convert_try;
mod date_text;
mod datetime;
mod decimal;
mod dialect;
mod expression;
mod function;
mod helper;
mod json_path;
mod like;
mod literal;
mod moment_arithmetic;
mod operators;
mod parse;
mod place;
mod query;
mod routine;
mod scope;
mod statement;
#[cfg(test)]
mod tests;
mod text_moment;
mod text_sum;
mod types;
mod value;
mod view;
mod windows_zones;
mod zone;

pub use self::assess::{Assessment, assess};
use self::context::{Context, Visible};
pub use self::helper::Helper;
pub use self::routine::{Language, Parameter, TranslatedFunction};
use std::fmt;

use sqlparser::tokenizer::Location;

use crate::names::{self, NameStyle};
use crate::schema::SqlType;
use crate::schema::objects::RecordedColumn;
use crate::typemap::PgType;

/// What every step of a translation ends in.
type Outcome<T> = Result<T, Untranslated>;

/// What an expression may refer to.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Columns of the table that the expression belongs to. Empty for defaults.
    pub columns: &'a [ScopeColumn<'a>],
    /// What other objects are called in the target.
    pub names: &'a dyn TargetNames,
    /// The database's collation: that of text which comes from no column.
    pub default_collation: Option<&'a str>,
}

/// A column of the source and what it becomes.
#[derive(Debug, Clone, Copy)]
pub struct ScopeColumn<'a> {
    /// Name at the source.
    pub source: &'a str,
    /// Unquoted.
    pub target: &'a str,
    /// Type at the source.
    pub sql_type: &'a SqlType,
    /// Type in the target.
    pub pg_type: &'a PgType,
    /// The collation of a character column; `None` is the database's.
    pub collation: Option<&'a str>,
    /// Whether it takes NULL.
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
    fn relation(&self, schema: &str, name: &str) -> Option<Relation<'_>>;

    /// What a synonym of the source stands for: schema and name.
    fn synonym(&self, _schema: &str, _name: &str) -> Option<(String, String)> {
        None
    }

    /// A scalar function that was translated before.
    fn scalar_function(&self, _schema: &str, _name: &str) -> Option<ScalarFunction> {
        None
    }

    /// An inline table function that was translated before.
    fn table_function(&self, _schema: &str, _name: &str) -> Option<TableFunction<'_>> {
        None
    }

    /// A helper function of the target, quoted and with its schema; `None` if the job wants none.
    fn helper(&self, _helper: Helper) -> Option<String> {
        None
    }

    /// What a view's column is called in the target, unquoted; `None` for an impossible name.
    fn view_column(&self, name: &str) -> Option<String> {
        let named = names::target_column(name, NameStyle::Lowercase);
        named.ok().map(|name| name.text)
    }

    /// The collation of the target that compares as this one of the source does, quoted and with
    /// its schema; `None` if the job makes none.
    fn collation(&self, source: &str) -> Option<String> {
        let _ = source;
        None
    }
}

/// A table or view of the target.
#[derive(Debug, Clone)]
pub struct Relation<'a> {
    /// Its full name at the source, in the source's case.
    pub source: String,
    /// Quoted and with its schema.
    pub sql: String,
    /// All of its columns.
    pub columns: Vec<ScopeColumn<'a>>,
}

/// A scalar function of the target.
#[derive(Debug, Clone)]
pub struct ScalarFunction {
    /// Quoted and with its schema.
    pub sql: String,
    /// In order.
    pub parameters: Vec<FunctionParameter>,
    /// Type of its result at the source.
    pub returns: SqlType,
    /// Collation of a text that it returns; `None` is the database's.
    pub collation: Option<String>,
    /// When its result may change.
    pub volatility: Volatility,
    /// It is the one that is being translated.
    pub own: bool,
}

/// What a call passes for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionParameter {
    /// Type at the source.
    pub ty: SqlType,
    /// As [`Parameter::default`].
    pub default: Option<String>,
}

/// An inline table function of the target.
#[derive(Debug, Clone)]
pub struct TableFunction<'a> {
    /// Its name and columns.
    pub relation: Relation<'a>,
    /// In order.
    pub parameters: Vec<FunctionParameter>,
}

/// What a view or function may refer to, and what is known of it.
#[derive(Clone, Copy)]
pub struct ViewScope<'a> {
    /// Its schema at the source.
    pub schema: &'a str,
    /// What other objects are called in the target.
    pub names: &'a dyn TargetNames,
    /// The database's collation.
    pub default_collation: Option<&'a str>,
    /// A view's columns in the source's catalog; empty if it does not tell.
    pub recorded: &'a [RecordedColumn],
    /// Whether text in double quotes is a name: `sys.sql_modules.uses_quoted_identifier`.
    pub quoted_identifiers: bool,
}

/// When the result may change, in PostgreSQL's sense of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volatility {
    /// Never.
    Immutable,
    /// Between statements.
    Stable,
    /// Within a statement.
    Volatile,
}

/// An expression of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translated {
    /// Its text.
    pub sql: String,
    /// When its result may change.
    pub volatility: Volatility,
    /// Values that rows may well have make another result than at the source: it can tell what
    /// will be, and not judge or replace what was computed there.
    pub inexact: bool,
    /// A value was used of which PostgreSQL keeps 6 of 7 fractional digits: rounding may carry it
    /// into the next day or year, and make two values one.
    pub rounded: bool,
    /// Where the two sides can tell apart after all, for the plan. Each once.
    pub notes: Vec<String>,
}

/// A SELECT of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslatedView {
    /// The SELECT, without CREATE VIEW. Its columns have explicit names.
    pub sql: String,
    /// In order.
    pub columns: Vec<ViewColumn>,
    /// Full names at the source of what it reads, sorted, each once.
    pub reads: Vec<String>,
    /// A name without a schema was not found in the view's own, and so taken for one of `dbo`:
    /// right only where the view's own schema has none of that name at the source.
    pub fell_back: bool,
    /// Where the two sides can tell apart after all, for the plan.
    pub notes: Vec<String>,
    /// Helper functions that it calls.
    pub helpers: Vec<Helper>,
    /// `WITH CHECK OPTION`.
    pub check_option: bool,
}

/// A column of a view: what it is called at the source, and its type there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewColumn {
    /// Name at the source.
    pub source: String,
    /// Type at the source.
    pub sql_type: SqlType,
    /// Collation of text at the source.
    pub collation: Option<String>,
    /// Name in the target, unquoted.
    pub target: String,
    /// Type in the target.
    pub pg_type: PgType,
}

/// Why there is no translation: a fragment that names the construct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untranslated {
    /// Names the construct, as `a user-defined function`.
    pub reason: String,
    /// Line and column of the definition, from 1; `None` if the whole of it is meant.
    pub place: Option<(u64, u64)>,
}

impl Untranslated {
    fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            place: None,
        }
    }

    /// The place, if none is known that is more precise.
    fn at(mut self, start: Location) -> Self {
        if self.place.is_none() && start.line > 0 {
            self.place = Some((start.line, start.column));
        }
        self
    }
}

impl fmt::Display for Untranslated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        match self.place {
            Some((line, column)) => write!(f, " (line {line}, column {column})"),
            None => Ok(()),
        }
    }
}

/// A default, as the column's type.
///
/// # Errors
/// [`Untranslated`] also where the value is none that the column takes.
pub fn default(
    text: &str,
    column: &ScopeColumn,
    scope: &Scope,
) -> Result<Translated, Untranslated> {
    let expr = parse::expression(text)?;
    // A default can name no column.
    let mut context = Context::new(Vec::new(), scope.names, scope.default_collation);
    let value = expression::value(&mut context, &expr)?;
    let sql = assign::default(value, column)?;
    Ok(translated(context, sql))
}

/// A check constraint: a boolean, unknown passes on both sides.
///
/// ```
/// use tsql::schema::SqlType;
/// use tsql::translate::{Relation, Scope, ScopeColumn, TargetNames, check};
/// use tsql::typemap::PgType;
///
/// struct Nothing;
///
/// impl TargetNames for Nothing {
///     fn sequence(&self, _: Option<&str>, _: &str) -> Option<String> {
///         None
///     }
///
///     fn relation(&self, _: &str, _: &str) -> Option<Relation<'_>> {
///         None
///     }
/// }
///
/// let stars = ScopeColumn {
///     source: "Stars",
///     target: "stars",
///     sql_type: &SqlType::Int,
///     pg_type: &PgType::Integer,
///     collation: None,
///     nullable: false,
///     generated: false,
/// };
/// let scope = Scope { columns: &[stars], names: &Nothing, default_collation: None };
/// let translated = check("([Stars]>=(0))", &scope).expect("a comparison of integers");
/// assert!(translated.sql.contains("\"stars\" >= 0"), "{}", translated.sql);
/// // Whatever is not known to mean the same is refused.
/// assert!(check("([dbo].[IsGood]([Stars])=(1))", &scope).is_err());
/// ```
///
/// # Errors
/// [`Untranslated`]
pub fn check(text: &str, scope: &Scope) -> Result<Translated, Untranslated> {
    let expr = parse::expression(text)?;
    let mut context = of_table(scope);
    let condition = condition::condition(&mut context, &expr)?;
    Ok(translated(context, condition.sql))
}

/// The predicate of a filtered index; immutable.
///
/// # Errors
/// [`Untranslated`]
pub fn predicate(text: &str, scope: &Scope) -> Result<Translated, Untranslated> {
    immutable(exact(check(text, scope)?)?)
}

/// A computed column as the type of the target's column; immutable, without generated columns.
///
/// # Errors
/// [`Untranslated`] also where the expression's type is not the one the source's catalog gives
/// the column: then it means something else than was thought.
pub fn generated(
    text: &str,
    column: &ScopeColumn,
    scope: &Scope,
) -> Result<Translated, Untranslated> {
    let expr = parse::expression(text)?;
    let mut context = of_table(scope);
    let value = expression::value(&mut context, &expr)?;
    let sql = assign::generated(value, column)?;
    if context.generated {
        return Err(Untranslated::new(
            "a generated column, which PostgreSQL's others cannot refer to",
        ));
    }
    immutable(exact(translated(context, sql))?)
}

fn of_table<'a>(scope: &Scope<'a>) -> Context<'a> {
    let columns = scope.columns.iter().map(|column| Visible {
        table: None,
        schema: None,
        column: column.into(),
        alias: None,
    });
    Context::new(columns.collect(), scope.names, scope.default_collation)
}

fn translated(context: Context<'_>, sql: String) -> Translated {
    Translated {
        sql,
        volatility: context.volatility,
        inexact: context.ranged,
        rounded: context.rounded,
        notes: context.notes,
    }
}

fn exact(translated: Translated) -> Outcome<Translated> {
    if translated.rounded {
        return Err(Untranslated::new(
            "a value whose 7th fractional digit PostgreSQL rounds away, which may change the result",
        ));
    }
    if translated.inexact {
        Err(Untranslated::new(
            "a range in the order of a linguistic collation",
        ))
    } else {
        Ok(translated)
    }
}

fn immutable(translated: Translated) -> Outcome<Translated> {
    match translated.volatility {
        Volatility::Immutable => Ok(translated),
        Volatility::Stable | Volatility::Volatile => Err(Untranslated::new(
            "a clock or another function that is not immutable",
        )),
    }
}

/// A view, from its whole `CREATE VIEW` statement.
///
/// # Errors
/// [`Untranslated`]
pub fn view(text: &str, scope: &ViewScope) -> Result<TranslatedView, Untranslated> {
    view::view(text, scope)
}

/// A scalar function, from its whole `CREATE FUNCTION` statement.
///
/// # Errors
/// [`Untranslated`]
pub fn scalar_function(text: &str, scope: &ViewScope) -> Result<TranslatedFunction, Untranslated> {
    routine::scalar(text, scope)
}

/// An inline table function, from its whole `CREATE FUNCTION` statement; `scope.recorded` are the
/// columns of its result.
///
/// # Errors
/// [`Untranslated`]
pub fn table_function(text: &str, scope: &ViewScope) -> Result<TranslatedFunction, Untranslated> {
    routine::table(text, scope)
}
