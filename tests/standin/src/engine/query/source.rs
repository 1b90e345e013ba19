//! What FROM reads: names, columns, hints and the conditions of joins.

use std::sync::Arc;

use sqlparser::ast;

use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::Plan;
use crate::engine::model::graph;
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::table::Table;
use crate::engine::query::bind::{Output, Scope};
use crate::engine::query::seek::{self, Request};
use crate::engine::value::compare::Comparison;
use crate::types::Column;

/// The parts of a dotted name.
pub(crate) fn name_of(name: &ast::ObjectName) -> Result<Name> {
    let parts = name
        .0
        .iter()
        .map(|p| {
            p.as_ident()
                .map(|i| i.value.clone())
                .ok_or_else(|| unsupported(format!("the name {name}")))
        })
        .collect::<Result<Vec<_>>>()?;
    Name::of(parts)
}

pub(crate) fn outputs(columns: &[Column]) -> Vec<Output> {
    columns
        .iter()
        .map(|c| Output {
            name: c.name.clone(),
            t: Ty {
                ty: c.ty.clone(),
                nullable: c.nullable,
                collation: c.collation.clone(),
                rank: 1,
            },
            identity: c.identity,
            computed: c.computed,
            hidden: false,
            mask: None,
            denied: None,
            internal: false,
        })
        .collect()
}

/// A table's columns, those that `SELECT *` leaves out among them.
pub(crate) fn table_outputs(table: &Table) -> Vec<Output> {
    let mut columns = outputs(&table.result_columns());
    for (output, column) in columns.iter_mut().zip(table.columns.iter()) {
        output.hidden = column.hidden || column.sparse_in_set(table);
        output.internal = column.graph.is_some_and(graph::is_internal);
    }
    columns
}

pub(crate) fn full_scan(table: &Arc<Table>) -> Plan {
    Plan::Scan(Box::new(seek::plan(&Request::of(table, None)).0))
}

pub(crate) fn clause(kind: &ast::TableSampleKind) -> &ast::TableSample {
    match kind {
        ast::TableSampleKind::BeforeTableAlias(clause)
        | ast::TableSampleKind::AfterTableAlias(clause) => clause,
    }
}

/// Old-style hints, `FROM t (NOLOCK)`, look like arguments.
pub(crate) fn is_hint(word: &str) -> bool {
    const HINTS: &[&str] = &[
        "NOLOCK",
        "READUNCOMMITTED",
        "READCOMMITTED",
        "HOLDLOCK",
        "SERIALIZABLE",
        "UPDLOCK",
        "TABLOCK",
        "TABLOCKX",
        "ROWLOCK",
        "PAGLOCK",
        "READPAST",
        "REPEATABLEREAD",
        "XLOCK",
        "NOWAIT",
    ];
    HINTS.iter().any(|h| word.eq_ignore_ascii_case(h))
}

pub(crate) fn rename(columns: &mut [Output], alias: &ast::TableAlias) {
    for (column, new) in columns.iter_mut().zip(&alias.columns) {
        column.name = new.name.value.clone();
    }
}

/// The columns of a derived or common table under its own names.
///
/// # Errors
/// 8155 to 8159: every column has a name of its own, and a list of names is as long as they are.
pub(crate) fn named(columns: &mut [Output], alias: &ast::TableAlias) -> Result<()> {
    let table = &alias.name.value;
    let listed = alias.columns.len();
    if listed > 0 && listed != columns.len() {
        let (number, word) = if columns.len() > listed {
            (8158, "more")
        } else {
            (8159, "fewer")
        };
        let message =
            format!("'{table}' has {word} columns than were specified in the column list.");
        return Err(error(number, 16, message));
    }
    rename(columns, alias);
    for (n, column) in (1..).zip(columns.iter()) {
        if column.name.is_empty() {
            let message = format!("No column name was specified for column {n} of '{table}'.");
            return Err(error(8155, 16, message));
        }
        if columns[..n - 1]
            .iter()
            .any(|c| same_name(&c.name, &column.name))
        {
            let message = format!(
                "The column '{}' was specified multiple times for '{table}'.",
                column.name
            );
            return Err(error(8156, 16, message));
        }
    }
    Ok(())
}

/// Counts the columns of a join from its own first column.
pub(crate) fn shifted(mut condition: Bound, start: usize) -> Bound {
    if start > 0 {
        condition.walk(&mut |e| {
            if let Kind::Column { depth: 0, at } = &mut e.kind {
                *at = at.saturating_sub(start);
            }
        });
    }
    condition
}

/// Takes the equalities between the sides out of a join condition, for hashing.
pub(crate) fn split(
    condition: Option<Bound>,
    left: usize,
    width: usize,
) -> (Vec<(Bound, Bound)>, Option<Bound>) {
    let Some(condition) = condition else {
        return (Vec::new(), None);
    };
    let mut equal = Vec::new();
    let mut rest = Vec::new();
    take_equal(condition, left, width, &mut equal, &mut rest);
    let rest = rest
        .into_iter()
        .reduce(|a, b| Bound::predicate(Kind::And(Box::new(a), Box::new(b))));
    (equal, rest)
}

pub(crate) fn take_equal(
    condition: Bound,
    left: usize,
    width: usize,
    equal: &mut Vec<(Bound, Bound)>,
    rest: &mut Vec<Bound>,
) {
    match condition.kind {
        Kind::And(a, b) => {
            take_equal(*a, left, width, equal, rest);
            take_equal(*b, left, width, equal, rest);
        }
        Kind::Compare(Comparison::Eq, a, b) => {
            let side = |e: &Bound| {
                let mut columns = Vec::new();
                e.columns(&mut columns)?;
                let on = |range: std::ops::Range<usize>| {
                    !columns.is_empty() && columns.iter().all(|c| range.contains(c))
                };
                if on(0..left) {
                    Some(true)
                } else if on(left..width) {
                    Some(false)
                } else {
                    None
                }
            };
            match (side(&a), side(&b)) {
                (Some(true), Some(false)) => equal.push((*a, shifted(*b, left))),
                (Some(false), Some(true)) => equal.push((*b, shifted(*a, left))),
                _ => rest.push(Bound::predicate(Kind::Compare(Comparison::Eq, a, b))),
            }
        }
        kind => rest.push(Bound {
            kind,
            t: condition.t,
        }),
    }
}

/// The columns that `alias.*` or `*` stands for: position and description.
pub(crate) fn wildcard(scope: &Scope, of: Option<&Name>) -> Vec<(usize, Output)> {
    let wanted = scope.sources.iter().filter(|s| {
        of.is_none_or(|n| {
            same_name(&s.alias, &n.name)
                || s.name
                    .as_ref()
                    .is_some_and(|m| same_name(&m.name, &n.name) && n.schema.is_some())
        })
    });
    wanted
        .flat_map(|s| {
            s.columns
                .iter()
                .enumerate()
                .filter(|(_, c)| !c.hidden)
                .map(|(i, c)| (s.start + i, c.clone()))
        })
        .collect()
}
