//! What a translation knows on its way through the tree, and what it gathers.
//!
//! One context lives for one object. It knows the scopes of SELECTs, the names of the target and
//! what the object is for, and gathers notes, helpers and volatility. It is passed down and never
//! kept.

use std::collections::BTreeSet;

use super::collation::Collation;
use super::helper::Helper;
pub(super) use super::scope::{Column, ColumnPath, Cte, Group, Level, Visible, same};
use super::types::{self, Family};
use super::value::Value;
use super::{Outcome, TargetNames, Untranslated, ViewScope, Volatility};
use crate::names::quote_ident;
use crate::schema::SqlType;
use crate::typemap::PgType;

/// Where a name without a schema is looked for that the object's own schema does not have (SQL
/// Server documentation, "Database Engine object names": resolution within a module).
pub(super) const DEFAULT_SCHEMA: &str = "dbo";

/// Depth of the tree; brackets and chains of operators count.
const DEEPEST: usize = 250;

/// Bytes of a translation: some forms repeat an operand, and nested they would do so without end.
const LONGEST_SQL: usize = 256 * 1024;

/// Refuses a translation that has grown too long.
pub(super) fn bounded(sql: &str) -> Outcome<()> {
    bounded_at(sql.len())
}

pub(super) fn bounded_at(length: usize) -> Outcome<()> {
    match length {
        0..=LONGEST_SQL => Ok(()),
        _ => Err(Untranslated::new("a translation of more than 256 KiB")),
    }
}

pub(super) struct Context<'a> {
    /// The innermost SELECT is the last.
    pub(super) levels: Vec<Level>,
    /// Those that a table's name can mean, the last first.
    pub(super) ctes: Vec<Cte>,
    /// The level whose aggregate's argument this is, where its rows are not grouped yet.
    pub(super) ungrouped: Option<usize>,
    /// Columns of a SELECT are read off a record while this is set.
    pub(super) capture: Option<Capture>,
    /// The function that is translated calls itself.
    pub(super) recursive: bool,
    /// This is the part of a recursion that reads itself.
    pub(super) recursion: bool,
    pub(super) purpose: Purpose,
    /// Schema of the object that is translated.
    pub(super) schema: &'a str,
    /// Text in double quotes is a name (`QUOTED_IDENTIFIER ON`).
    pub(super) quoted_identifiers: bool,
    /// Full names at the source of the tables and views that were read.
    pub(super) reads: BTreeSet<String>,
    /// A name without a schema was looked for in `dbo` too.
    pub(super) fell_back: bool,
    /// Helper functions that the translation calls.
    pub(super) helpers: Vec<Helper>,
    /// Parameters of the function that is translated, by their names with `@`.
    pub(super) parameters: Vec<(String, Value)>,
    /// Asked for tables, functions, sequences, collations and helpers of the target.
    pub(super) names: &'a dyn TargetNames,
    pub(super) default_collation: Option<Collation>,
    /// The most volatile of all parts so far.
    pub(super) volatility: Volatility,
    /// What a reader of the object should know, each once.
    pub(super) notes: Vec<String>,
    /// A generated column was read.
    pub(super) generated: bool,
    /// A range of texts, in LIKE or by `<`, may hold others at the source than here.
    pub(super) ranged: bool,
    /// A value was read of which PostgreSQL keeps one digit less; more than whether it is NULL.
    pub(super) rounded: bool,
    depth: usize,
}

/// What a translation is for, which decides how certain it has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Defaults, checks, computed columns and filters, which become part of a table.
    Table,
    /// Views and functions, which are read.
    Query,
}

/// The columns of a SELECT that expressions outside of it read, off a record of each of its rows.
pub(super) struct Capture {
    /// Place of the SELECT among the levels.
    level: usize,
    record: String,
    /// In the order of their names in the record, `c1` and so on: their text in the SELECT, and their types.
    pub(super) columns: Vec<(String, SqlType)>,
}

impl Capture {
    /// A capture at the innermost level; `levels` is how many there are.
    pub(super) fn new(levels: usize, record: &str) -> Self {
        Self {
            level: levels.saturating_sub(1),
            record: record.to_owned(),
            columns: Vec::new(),
        }
    }

    fn column(&mut self, seen: Visible) -> Visible {
        let sql = named(&seen);
        let known = self.columns.iter().position(|(known, _)| *known == sql);
        let at = known.unwrap_or(self.columns.len());
        if known.is_none() {
            self.columns.push((sql, seen.column.ty.clone()));
        }
        let column = Column {
            target: format!("c{}", at + 1),
            ..seen.column
        };
        Visible {
            column,
            alias: Some(self.record.clone()),
            ..seen
        }
    }
}

impl<'a> Context<'a> {
    /// For an expression of a table's definition.
    pub(super) fn new(
        columns: Vec<Visible>,
        names: &'a dyn TargetNames,
        default_collation: Option<&str>,
    ) -> Self {
        Self {
            levels: vec![Level {
                columns,
                ..Level::default()
            }],
            ctes: Vec::new(),
            ungrouped: None,
            recursion: false,
            capture: None,
            recursive: false,
            purpose: Purpose::Table,
            schema: DEFAULT_SCHEMA,
            quoted_identifiers: false,
            reads: BTreeSet::new(),
            fell_back: false,
            helpers: Vec::new(),
            parameters: Vec::new(),
            names,
            default_collation: default_collation.map(Collation::parse),
            volatility: Volatility::Immutable,
            notes: Vec::new(),
            generated: false,
            ranged: false,
            rounded: false,
            depth: 0,
        }
    }

    /// Adds a note, if it was not made before.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Was met in a pattern.
    pub(super) fn linguistic_range(&mut self, collation: &Collation) {
        self.ranged = true;
        self.note(format!(
            "LIKE: a range has characters of ASCII only; in the order of {} \u{e9} is within \
             [e-f] and \u{bd} within [0-9]",
            collation.name
        ));
    }

    /// The whole is as volatile as its most volatile part.
    pub(super) fn at_least(&mut self, volatility: Volatility) {
        self.volatility = self.volatility.max(volatility);
    }

    /// Refuses what rare values or settings can make differ, unless it is only read: what is part
    /// of a table decides about its rows.
    pub(super) fn only_read(&self, what: &str) -> Outcome<()> {
        match self.purpose {
            Purpose::Query => Ok(()),
            Purpose::Table => Err(Untranslated::new(what)),
        }
    }

    /// Runs one level deeper.
    ///
    /// # Errors
    /// The tree is deeper than [`DEEPEST`] levels.
    pub(super) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= DEEPEST {
            return Err(Untranslated::new("nested too deep"));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// For a view or function of `scope.schema`.
    pub(super) fn of_query(scope: &ViewScope<'a>) -> Self {
        Self {
            levels: Vec::new(),
            purpose: Purpose::Query,
            schema: scope.schema,
            quoted_identifiers: scope.quoted_identifiers,
            ..Self::new(Vec::new(), scope.names, scope.default_collation)
        }
    }

    /// A helper function's qualified name.
    ///
    /// # Errors
    /// The job allows no helpers (`schema.helpers`).
    pub(super) fn help(&mut self, helper: Helper) -> Outcome<String> {
        let sql = self.names.helper(helper).ok_or_else(|| {
            Untranslated::new(format!(
                "{helper}, which needs a helper function in the target"
            ))
        })?;
        if !self.helpers.contains(&helper) {
            self.helpers.push(helper);
        }
        Ok(sql)
    }

    /// The innermost SELECT.
    pub(super) fn level(&mut self) -> Outcome<&mut Level> {
        let none = || Untranslated::new("a clause outside of SELECT");
        self.levels.last_mut().ok_or_else(none)
    }

    /// A column by its source name, in any case: of the innermost SELECT that has one.
    ///
    /// # Errors
    /// No column here has the name, or several do.
    pub(super) fn column(&mut self, path: &ColumnPath<'_>) -> Outcome<Value> {
        let name = path.name;
        for (at, level) in self.levels.iter().enumerate().rev() {
            match path.find(level).as_slice() {
                [] => {}
                [one] => {
                    let mut one = (*one).clone();
                    if let Some(capture) = self.capture.as_mut().filter(|it| it.level == at) {
                        one = capture.column(one);
                    }
                    return self.read(&one);
                }
                _ => {
                    return Err(Untranslated::new(format!(
                        "the name {name}, which could be several columns"
                    )));
                }
            }
        }
        Err(Untranslated::new(format!(
            "the name {name}, which is not a column here"
        )))
    }

    /// A column as a value.
    pub(super) fn read(&mut self, seen: &Visible) -> Outcome<Value> {
        self.generated |= seen.column.generated;
        self.rounded(&seen.column);
        let mut value = read(seen)?;
        if value.family() == Family::Text && value.collation.is_none() {
            value.collation.clone_from(&self.default_collation);
        }
        value.loose = value.bare.is_some() && value.counts_bytes();
        Ok(value)
    }

    fn rounded(&mut self, column: &Column) {
        if let SqlType::Time { scale: 7 }
        | SqlType::DateTime2 { scale: 7 }
        | SqlType::DateTimeOffset { scale: 7 } = column.ty
        {
            self.rounded = true;
            self.note(format!(
                "column {} has 6 of its 7 fractional digits",
                column.source
            ));
        }
    }

    /// The collation that decides between two texts ("Collation precedence").
    pub(super) fn collation(&self, a: &Value, b: &Value) -> Outcome<Collation> {
        let chosen = match (&a.collation, &b.collation) {
            (Some(a), Some(b)) if a.same(b) => a,
            (Some(one), Some(_)) if a.explicit && !b.explicit => one,
            (Some(_), Some(one)) if b.explicit && !a.explicit => one,
            (Some(_), Some(_)) => {
                return Err(Untranslated::new("text of two collations"));
            }
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => self
                .default_collation
                .as_ref()
                .ok_or_else(|| Untranslated::new("text of an unknown collation"))?,
        };
        Ok(chosen.clone())
    }

    /// The collation of a text, as far as it is known.
    pub(super) fn collation_of(&self, value: &Value) -> Option<Collation> {
        value.collation.clone().or(self.default_collation.clone())
    }
}

/// A column as the translation calls it.
fn named(seen: &Visible) -> String {
    let name = quote_ident(&seen.column.target);
    match &seen.alias {
        Some(alias) => format!("{}.{name}", quote_ident(alias)),
        None => name,
    }
}

/// The value of a column, from the type it has in the target.
fn read(seen: &Visible) -> Outcome<Value> {
    let column = &seen.column;
    let name = named(seen);
    let ty = column.ty.clone();
    let family = types::family(&ty);
    let mut value = Value::atom(name.clone(), ty.clone());
    let natural = types::natural(&ty);
    match (family, &column.pg) {
        (Family::Text, PgType::Text | PgType::VarChar(_) | PgType::Char(_)) => {
            return text(value, column);
        }
        (Family::Bit, PgType::SmallInt | PgType::Integer | PgType::BigInt) => {
            value = Value::operation(format!("{name} <> 0"), ty);
        }
        (Family::Int, PgType::SmallInt | PgType::Integer | PgType::BigInt)
        | (Family::Decimal | Family::Money, PgType::Numeric(_))
        | (Family::Moment, PgType::Timestamp(_))
        | (Family::Time, PgType::Time(_))
        | (Family::Offset, PgType::TimestampTz(_))
        | (Family::Float, PgType::Real | PgType::DoublePrecision)
        | (Family::Binary, PgType::Bytea) => {}
        // A wider target; back to what the source computes with.
        (Family::Int, PgType::Numeric(_)) | (Family::Date, PgType::Timestamp(_)) => {
            let natural = natural.ok_or_else(|| stored(column))?;
            value = Value::atom(format!("{name}::{natural}"), ty);
        }
        (Family::Decimal, PgType::SmallInt | PgType::Integer | PgType::BigInt) => {
            value = Value::atom(format!("{name}::numeric"), ty);
        }
        // Can be passed on, and nothing else.
        (Family::Other, pg) => value.passed = Some(pg.clone()),
        (_, pg) if natural.as_ref() == Some(pg) => {}
        _ => return Err(stored(column)),
    }
    Ok(value)
}

/// The error for a column whose type on the target is not one that translations expect.
fn stored(column: &Column) -> Untranslated {
    Untranslated::new(format!(
        "column {}, a {} that is kept as {}",
        column.source, column.ty, column.pg
    ))
}

/// `char(n)` is padded at the source; PostgreSQL's own drops the blanks wherever it is used.
fn text(mut value: Value, column: &Column) -> Outcome<Value> {
    value.collation = column.collation.as_deref().map(Collation::parse);
    if !matches!(column.pg, PgType::Char(_)) {
        return Ok(value);
    }
    match column.ty {
        SqlType::Char { length } | SqlType::NChar { length } => {
            let bare = format!("{}::text", value.sql);
            value.sql = format!("rpad({bare}, {length})");
            value.bare = Some(bare);
            Ok(value)
        }
        _ => Err(stored(column)),
    }
}
