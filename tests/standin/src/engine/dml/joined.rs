//! UPDATE and DELETE with a FROM clause: the rows of the target among those of a join.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::error::{Result, unsupported};
use crate::engine::eval::expr::{Bound, Run, Watch};
use crate::engine::eval::plan::Plan;
use crate::engine::eval::run;
use crate::engine::model::facts::Facts;
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::rows::Row;
use crate::engine::model::table::Table;
use crate::engine::query::bind::{Binder, Output};
use crate::types::Value;

/// The name under which a joined change finds its target's row id; no column can be called so.
pub(crate) const ROW_ID: &str = "\u{1}row";

/// Rows that a change is about, each with the joined row that its expressions read.
pub(crate) type Affected = Vec<(Arc<Row>, Vec<Value>)>;

/// A change's own table and expressions, found and bound.
pub(crate) struct Change {
    pub(crate) table: Arc<Table>,
    pub(crate) exprs: Vec<Option<Bound>>,
    pub(crate) rows: Affected,
}

/// What UPDATE and DELETE are about, as parsed.
pub(crate) struct Wanted<'a> {
    pub(crate) target: &'a Name,
    pub(crate) from: &'a [sqlparser::ast::TableWithJoins],
    pub(crate) filter: Option<&'a sqlparser::ast::Expr>,
    pub(crate) sets: &'a Sets,
}

/// `UPDATE alias SET ... FROM table alias JOIN ...`: the target is one of FROM's tables.
pub(crate) fn joined(
    facts: &Facts,
    wanted: &Wanted<'_>,
    watch: &Watch<'_>,
) -> Result<(Name, Change)> {
    let Wanted {
        target,
        from,
        filter,
        sets,
    } = *wanted;
    let mut binder = Binder::new(facts);
    let mut plan = binder.from(from)?;
    let source = binder
        .scope()
        .sources
        .iter()
        .find(|s| {
            same_name(&s.alias, &target.name)
                || s.name
                    .as_ref()
                    .is_some_and(|n| same_name(&n.name, &target.name))
        })
        .cloned();
    let Some(source) = source else {
        return Err(unsupported(
            "a change whose target is not in its FROM clause",
        ));
    };
    let name = source.name.clone().unwrap_or_else(|| target.clone());
    let (_, table) = facts.table(&name)?;
    let by_id: BTreeMap<u64, Arc<Row>> = table
        .primary()
        .iter()
        .map(|r| (r.id, Arc::clone(r)))
        .collect();
    // Each row of the target carries its id through the join, in place of its last column's end.
    let with_ids: Vec<Vec<Value>> = table
        .primary()
        .iter()
        .map(|r| {
            r.values
                .iter()
                .cloned()
                .chain([Value::Int(r.id as i64)])
                .collect()
        })
        .collect();
    let width = source.columns.len();
    if !splice(&mut plan, table, Arc::new(with_ids), source.start, 0) {
        return Err(unsupported("a change through this kind of join"));
    }
    add_row_id(&mut binder, source.start);
    let filter = filter.map(|f| binder.condition(f)).transpose()?;
    let exprs = sets
        .iter()
        .map(|(_, e)| e.as_ref().map(|e| binder.value(e)).transpose())
        .collect::<Result<_>>()?;
    let plan = filter
        .into_iter()
        .fold(plan, |p, f| Plan::Filter(Box::new(p), f));
    let mut seen = std::collections::BTreeSet::new();
    let mut rows = Vec::new();
    for row in run::collect(&plan, None, &Run::watched(watch), None)? {
        let Value::Int(id) = row[source.start + width] else {
            continue;
        };
        if seen.insert(id) {
            rows.push((Arc::clone(&by_id[&(id as u64)]), row));
        }
    }
    Ok((
        name,
        Change {
            table: Arc::clone(table),
            exprs,
            rows,
        },
    ))
}

/// Adds the column of row ids to the target, which starts at `start`.
pub(crate) fn add_row_id(binder: &mut Binder<'_>, start: usize) {
    // Everything after the target moves by the one new column.
    for other in &mut binder.scope().sources {
        if other.start > start {
            other.start += 1;
        } else if other.start == start {
            other.columns.push(Output {
                name: ROW_ID.to_owned(),
                ..other.columns[0].clone()
            });
        }
    }
}

/// Puts the rows with their ids in the place of the target's scan, and widens the joins above it.
pub(crate) fn splice(
    plan: &mut Plan,
    table: &Arc<Table>,
    rows: Arc<Vec<Vec<Value>>>,
    target: usize,
    start: usize,
) -> bool {
    match plan {
        Plan::Scan(scan) if start == target && scan.table.object_id == table.object_id => {
            *plan = Plan::Rows(rows);
            true
        }
        Plan::Join(join) => {
            let (left, right) = join.widths;
            let in_left = target < start + left;
            let found = if in_left {
                splice(&mut join.left, table, rows, target, start)
            } else {
                splice(&mut join.right, table, rows, target, start + left)
            };
            let at = target - start + table.columns.len();
            join.widths = if in_left {
                (left + 1, right)
            } else {
                (left, right + 1)
            };
            let shift = |b: &mut Bound, from: usize| {
                b.walk(&mut |e| {
                    if let crate::engine::eval::expr::Kind::Column { depth: 0, at: c } = &mut e.kind
                        && *c >= from
                    {
                        *c += 1;
                    }
                });
            };
            if let Some(condition) = &mut join.condition {
                shift(condition, at);
            }
            for (l, r) in &mut join.equal {
                if in_left {
                    shift(l, at);
                } else {
                    shift(r, at - left);
                }
            }
            found && !join.lateral
        }
        _ => false,
    }
}

/// A value for each column that SET names; `None` stands for DEFAULT.
pub(crate) type Sets = [(String, Option<sqlparser::ast::Expr>)];
