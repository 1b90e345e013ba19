//! Objects of a database that are not tables: views, modules, sequences, synonyms, full-text indexes.

use std::sync::{Arc, Mutex, PoisonError};

use sqlparser::ast::{Expr, Query};

use crate::engine::error::{Result, error};
use crate::engine::model::name::Name;
use crate::engine::model::table::ColumnDef;
use crate::types::{SqlError, SqlType};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModuleKind {
    View,
    Procedure,
    ScalarFunction,
    InlineFunction,
    TableFunction,
    Trigger,
}

impl ModuleKind {
    /// `sys.objects.type` and `type_desc`.
    pub(crate) fn code(self) -> (&'static str, &'static str) {
        match self {
            ModuleKind::View => ("V ", "VIEW"),
            ModuleKind::Procedure => ("P ", "SQL_STORED_PROCEDURE"),
            ModuleKind::ScalarFunction => ("FN", "SQL_SCALAR_FUNCTION"),
            ModuleKind::InlineFunction => ("IF", "SQL_INLINE_TABLE_VALUED_FUNCTION"),
            ModuleKind::TableFunction => ("TF", "SQL_TABLE_VALUED_FUNCTION"),
            ModuleKind::Trigger => ("TR", "SQL_TRIGGER"),
        }
    }

    /// The word of CREATE and DROP.
    pub(crate) fn word(self) -> &'static str {
        match self {
            ModuleKind::View => "VIEW",
            ModuleKind::Procedure => "PROCEDURE",
            ModuleKind::Trigger => "TRIGGER",
            _ => "FUNCTION",
        }
    }
}

/// What a view is read by, and a function called by.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// The query of a view or of an inline function.
    Query(Arc<Query>),
    /// What a scalar function of one RETURN gives.
    Expression(Arc<Expr>),
    /// The statements of a scalar function, as text.
    Statements(Arc<str>),
    /// Why a view or function cannot be run here.
    Refused(SqlError),
    /// A procedure or trigger.
    None,
}

/// A parameter of a function or procedure.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// With the `@`; empty for what a scalar function returns.
    pub(crate) name: String,
    /// `None` is a table type or a cursor.
    pub(crate) ty: Option<SqlType>,
    pub(crate) user_type_id: i32,
    pub(crate) output: bool,
    /// Its default where it has one that is a constant.
    pub(crate) default: Option<Expr>,
}

/// What a module was made with, as `sys.sql_modules` tells it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MadeWith {
    pub(crate) ansi_nulls: bool,
    pub(crate) quoted_identifier: bool,
    pub(crate) schema_bound: bool,
    pub(crate) encrypted: bool,
    pub(crate) recompiled: bool,
    pub(crate) null_on_null_input: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) object_id: i32,
    pub(crate) schema_id: i32,
    pub(crate) name: String,
    pub(crate) kind: ModuleKind,
    /// The object id of a trigger's table or view; 0 otherwise.
    pub(crate) parent: i32,
    pub(crate) disabled: bool,
    pub(crate) definition: String,
    pub(crate) body: Body,
    /// The columns of a view or of a table function, when they are known.
    pub(crate) columns: Vec<ColumnDef>,
    /// The type that a scalar function returns.
    pub(crate) returns: Option<SqlType>,
    /// Those of a function or procedure.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) made_with: MadeWith,
    /// What it names that was there when it was made.
    pub(crate) refers: Vec<Name>,
    /// 100 ns ticks since 0001-01-01 of creation.
    pub(crate) created: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Synonym {
    pub(crate) object_id: i32,
    pub(crate) schema_id: i32,
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) created: u64,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct FullText {
    /// Names; the first is the default.
    pub(crate) catalogs: Vec<String>,
    pub(crate) indexes: Vec<FullTextIndex>,
}

#[derive(Debug, Clone)]
pub(crate) struct FullTextIndex {
    pub(crate) table: i32,
    pub(crate) key_index: i32,
    /// Position in [`FullText::catalogs`].
    pub(crate) catalog: usize,
    /// Column ids, each with that of its type column.
    pub(crate) columns: Vec<(i32, Option<i32>)>,
}

/// A sequence. What was given out lives outside of the state and its transactions: as in SQL
/// Server, a rollback gives no number back.
#[derive(Debug, Clone)]
pub(crate) struct Sequence {
    pub(crate) object_id: i32,
    pub(crate) schema_id: i32,
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    pub(crate) user_type_id: i32,
    pub(crate) start: i64,
    pub(crate) increment: i64,
    pub(crate) minimum: i64,
    pub(crate) maximum: i64,
    pub(crate) cycling: bool,
    /// `None` without a cache, `Some(None)` with one of the server's size.
    pub(crate) cache: Option<Option<i64>>,
    pub(crate) created: u64,
    pub(crate) position: Arc<Mutex<Position>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// The last number given out, or the first to be.
    pub(crate) current: i64,
    pub(crate) used: bool,
}

impl Sequence {
    pub(crate) fn position(&self) -> Position {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number after this position; `None` at the end of one that does not cycle.
    fn after(&self, position: Position) -> Option<i64> {
        if !position.used {
            return Some(position.current);
        }
        let next = position
            .current
            .checked_add(self.increment)
            .filter(|n| (self.minimum..=self.maximum).contains(n));
        let again = if self.increment > 0 {
            self.minimum
        } else {
            self.maximum
        };
        next.or(self.cycling.then_some(again))
    }

    /// `sys.sequences.is_exhausted`.
    pub(crate) fn exhausted(&self) -> bool {
        self.after(self.position()).is_none()
    }

    /// Gives out the next number.
    ///
    /// # Errors
    /// 11728 at the end.
    pub(crate) fn next(&self) -> Result<i64> {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.after(*position).ok_or_else(|| {
            let message = format!(
                "The sequence object '{}' has reached its minimum or maximum value. Restart the sequence object to allow new values to be generated.",
                self.name
            );
            error(11728, 16, message)
        })?;
        *position = Position {
            current: next,
            used: true,
        };
        Ok(next)
    }
}
