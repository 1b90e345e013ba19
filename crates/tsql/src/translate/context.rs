//! What a translation knows on its way through the tree, and what it gathers.

use sqlparser::ast::Ident;

use super::collation::Collation;
use super::types::{self, Family};
use super::value::Value;
use super::{Outcome, ScopeColumn, TargetNames, Untranslated, Volatility};
use crate::names::quote_ident;
use crate::schema::SqlType;
use crate::typemap::PgType;

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

/// A column that the expression can name.
#[derive(Debug, Clone)]
pub(super) struct Visible<'a> {
    /// The table's alias or name, where there can be one.
    pub(super) table: Option<String>,
    pub(super) column: ScopeColumn<'a>,
    /// The alias that qualifies the column in the translation; `None` for a name by itself.
    pub(super) alias: Option<String>,
}

pub(super) struct Context<'a> {
    pub(super) columns: Vec<Visible<'a>>,
    pub(super) names: &'a dyn TargetNames,
    pub(super) default_collation: Option<Collation>,
    pub(super) volatility: Volatility,
    pub(super) notes: Vec<String>,
    /// A generated column was read.
    pub(super) generated: bool,
    /// A range of texts, in LIKE or by `<`, may hold others at the source than here.
    pub(super) ranged: bool,
    /// A value was read of which PostgreSQL keeps one digit less; more than whether it is NULL.
    pub(super) rounded: bool,
    depth: usize,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        columns: Vec<Visible<'a>>,
        names: &'a dyn TargetNames,
        default_collation: Option<&str>,
    ) -> Self {
        Self {
            columns,
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

    pub(super) fn at_least(&mut self, volatility: Volatility) {
        self.volatility = self.volatility.max(volatility);
    }

    /// Runs one level deeper.
    pub(super) fn deeper<T>(&mut self, run: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= DEEPEST {
            return Err(Untranslated::new("nested too deep"));
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// A column by its source name, in any case.
    pub(super) fn column(&mut self, table: Option<&str>, ident: &Ident) -> Outcome<Value> {
        let name = &ident.value;
        let of_table = |seen: &&Visible<'a>| match (table, &seen.table) {
            (None, _) => true,
            (Some(wanted), Some(table)) => same(wanted, table),
            (Some(_), None) => false,
        };
        let here: Vec<&Visible<'a>> = self.columns.iter().filter(of_table).collect();
        let exact = here.iter().filter(|it| it.column.source == name);
        let mut found: Vec<_> = exact.collect();
        if found.is_empty() {
            let folded = here.iter().filter(|it| same(it.column.source, name));
            found = folded.collect();
        }
        match found.as_slice() {
            [one] => {
                let one = (**one).clone();
                self.generated |= one.column.generated;
                self.rounded(&one.column);
                let mut value = read(&one)?;
                if value.family() == Family::Text && value.collation.is_none() {
                    value.collation.clone_from(&self.default_collation);
                }
                value.loose = value.bare.is_some() && value.counts_bytes();
                Ok(value)
            }
            [] => Err(Untranslated::new(format!(
                "the name {name}, which is no column here"
            ))),
            _ => Err(Untranslated::new(format!(
                "the name {name}, which could be several columns"
            ))),
        }
    }

    fn rounded(&mut self, column: &ScopeColumn<'_>) {
        if let SqlType::Time { scale: 7 }
        | SqlType::DateTime2 { scale: 7 }
        | SqlType::DateTimeOffset { scale: 7 } = column.sql_type
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

/// Whether two identifiers are one under SQL Server's usual collations.
pub(super) fn same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

/// The value of a column, from the type it has in the target.
fn read(seen: &Visible<'_>) -> Outcome<Value> {
    let column = &seen.column;
    let name = match &seen.alias {
        Some(alias) => format!("{}.{}", quote_ident(alias), quote_ident(column.target)),
        None => quote_ident(column.target),
    };
    let ty = column.sql_type.clone();
    let family = types::family(&ty);
    let mut value = Value::atom(name.clone(), ty.clone());
    let natural = types::natural(&ty);
    match (family, column.pg_type) {
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
        (family, pg) if family != Family::Other && natural.as_ref() == Some(pg) => {}
        _ => return Err(stored(column)),
    }
    Ok(value)
}

fn stored(column: &ScopeColumn<'_>) -> Untranslated {
    Untranslated::new(format!(
        "column {}, a {} that is kept as {}",
        column.source, column.sql_type, column.pg_type
    ))
}

/// `char(n)` is padded at the source; PostgreSQL's own drops the blanks wherever it is used.
fn text(mut value: Value, column: &ScopeColumn<'_>) -> Outcome<Value> {
    value.collation = column.collation.map(Collation::parse);
    if !matches!(column.pg_type, PgType::Char(_)) {
        return Ok(value);
    }
    match *column.sql_type {
        SqlType::Char { length } | SqlType::NChar { length } => {
            let bare = format!("{}::text", value.sql);
            value.sql = format!("rpad({bare}, {length})");
            value.bare = Some(bare);
            Ok(value)
        }
        _ => Err(stored(column)),
    }
}
