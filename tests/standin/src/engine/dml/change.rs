//! UPDATE and DELETE: the rows they are about, and what becomes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::dml::cascade::leave;
use crate::engine::dml::period::{keep_history, refuse_generated, stamp};
use crate::engine::dml::target::{Changed, target};
use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Env, Run, Watch};
use crate::engine::eval::plan::{Plan, Scan};
use crate::engine::eval::run;
use crate::engine::model::facts::Facts;
use crate::engine::model::name::{Name, same_name};
use crate::engine::model::rows::Row;
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::Table;
use crate::engine::parse::statement::{Delete, Update};
use crate::engine::query::bind::{Binder, Output, Source};
use crate::engine::query::seek::{self, Request};
use crate::engine::query::source::outputs;
use crate::engine::rules::check::Rules;
use crate::engine::rules::reference::check_references;
use crate::types::{SqlType, Value};

/// The name under which a joined change finds its target's row id; no column can be called so.
const ROW_ID: &str = "\u{1}row";

/// Rows that a change is about, each with the joined row that its expressions read.
type Affected = Vec<(Arc<Row>, Vec<Value>)>;

/// A change's own table and expressions, found and bound.
struct Change {
    table: Arc<Table>,
    exprs: Vec<Option<Bound>>,
    rows: Affected,
}

/// What UPDATE and DELETE are about, as parsed.
struct Wanted<'a> {
    target: &'a Name,
    from: &'a [sqlparser::ast::TableWithJoins],
    filter: Option<&'a sqlparser::ast::Expr>,
    sets: &'a Sets,
}

fn prepare(facts: &Facts, wanted: &Wanted<'_>, watch: &Watch<'_>) -> Result<(Name, Change)> {
    let Wanted {
        target,
        from,
        filter,
        sets,
    } = *wanted;
    if from.is_empty() {
        let (_, table) = facts.table(target)?;
        let mut binder = Binder::new(facts);
        let columns = outputs(&table.result_columns());
        binder.scope().sources.push(Source {
            alias: target.name.clone(),
            name: Some(target.clone()),
            columns,
            start: 0,
        });
        let filter = filter.map(|f| binder.condition(f)).transpose()?;
        let exprs = sets
            .iter()
            .map(|(_, e)| e.as_ref().map(|e| binder.value(e)).transpose())
            .collect::<Result<_>>()?;
        let rows = scan_rows(table, filter.as_ref(), watch)?;
        return Ok((
            target.clone(),
            Change {
                table: Arc::clone(table),
                exprs,
                rows,
            },
        ));
    }
    joined(facts, wanted, watch)
}

/// The stored rows that pass a filter.
fn scan_rows(table: &Arc<Table>, filter: Option<&Bound>, watch: &Watch<'_>) -> Result<Affected> {
    let (scan, _) = seek::plan(&Request::of(table, filter));
    let Scan {
        index,
        ranges,
        filter,
        ..
    } = scan;
    let rows = index.map_or_else(|| table.primary(), |i| &table.indexes[i].rows);
    let run = Run::watched(watch);
    let mut found = Vec::new();
    for range in &ranges {
        for row in rows.rows_between(&range.low, range.high.as_deref()) {
            run.tick()?;
            let env = Env {
                row: &row.values,
                outer: None,
                run: &run,
            };
            if filter.as_ref().map_or(Ok(Some(true)), |f| f.test(&env))? == Some(true) {
                found.push((Arc::clone(row), row.values.to_vec()));
            }
        }
    }
    Ok(found)
}

/// `UPDATE alias SET ... FROM table alias JOIN ...`: the target is one of FROM's tables.
fn joined(facts: &Facts, wanted: &Wanted<'_>, watch: &Watch<'_>) -> Result<(Name, Change)> {
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
fn add_row_id(binder: &mut Binder<'_>, start: usize) {
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
fn splice(
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

fn limit(facts: &Facts, top: Option<&sqlparser::ast::Expr>, rows: &mut Affected) -> Result<()> {
    if let Some(top) = top
        && let Value::Int(n) = Binder::new(facts).constant(top)?.0
    {
        rows.truncate(usize::try_from(n).unwrap_or(0));
    }
    Ok(())
}

/// A value for each column that SET names; `None` stands for DEFAULT.
type Sets = [(String, Option<sqlparser::ast::Expr>)];

/// Positions of the columns that SET names.
///
/// # Errors
/// 207, and 8102, 13537 or 271 for columns that the server fills itself.
fn places(table: &Table, sets: &Sets) -> Result<Vec<usize>> {
    let mut places = Vec::new();
    for (column, _) in sets {
        let at = table
            .column(column)
            .ok_or_else(|| crate::engine::error::invalid_column(column))?;
        let def = &table.columns[at];
        if def.identity.is_some() {
            return Err(error(
                8102,
                16,
                format!("Cannot update identity column '{}'.", def.name),
            ));
        }
        refuse_generated(def, 13537)?;
        if def.computed.is_some() {
            return Err(error(
                271,
                16,
                format!(
                    "The column \"{}\" cannot be modified because it is either a computed column or is the result of a UNION operator.",
                    def.name
                ),
            ));
        }
        places.push(at);
    }
    Ok(places)
}

/// Replaces rows by their new values.
fn replace(
    rules: &Rules,
    database: &mut Database,
    table: &Table,
    replaced: &[(Arc<Row>, Vec<Value>)],
) -> Result<()> {
    // All old rows leave before the new ones come, so that keys may trade places.
    let stored = database
        .table_mut(table.object_id)
        .expect("the statement's table stays");
    for (old, _) in replaced {
        stored.remove(old);
    }
    for (old, values) in replaced {
        let row = Arc::new(Row {
            id: old.id,
            values: values.clone().into(),
        });
        rules.insert(stored, row)?;
    }
    Ok(())
}

pub(crate) fn update(
    facts: &Facts,
    state: &mut State,
    update: &Update,
    watch: &Watch<'_>,
) -> Result<Changed> {
    let wanted = Wanted {
        target: &update.target,
        from: &update.from,
        filter: update.filter.as_ref(),
        sets: &update.sets,
    };
    let (name, mut change) = prepare(facts, &wanted, watch)?;
    limit(facts, update.top.as_ref(), &mut change.rows)?;
    let (database, table) = target(facts, state, &name)?;
    let rules = Rules::new(facts, database, &table)?;
    let places = places(&table, &update.sets)?;
    let run = Run::default();
    let mut replaced = Vec::new();
    for (row, seen) in &change.rows {
        let mut values = row.values.to_vec();
        for (at, expr) in places.iter().zip(&change.exprs) {
            let env = Env {
                row: seen,
                outer: None,
                run: &run,
            };
            values[*at] = match expr.as_ref().or(rules.defaults[*at].as_ref()) {
                Some(e) => rules.store(&table, *at, &e.eval(&env)?, &e.t.ty)?,
                None => Value::Null,
            };
        }
        for (at, _) in table
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| c.ty == SqlType::RowVersion)
        {
            database.row_version += 1;
            values[at] = Value::Bytes(database.row_version.to_be_bytes().as_slice().into());
        }
        stamp(&rules, &table, &mut values, facts)?;
        rules.complete(&table, &mut values, "UPDATE")?;
        replaced.push((Arc::clone(row), values));
    }
    replace(&rules, database, &table, &replaced)?;
    for (old, values) in &replaced {
        check_references(database, &table, values, "UPDATE")?;
        leave(facts, database, table.object_id, &old.values, Some(values))?;
    }
    let old: Vec<_> = replaced.iter().map(|(old, _)| Arc::clone(old)).collect();
    keep_history(facts, database, &table, &old)?;
    Ok(Changed {
        rows: replaced.len() as u64,
        identity: None,
    })
}

pub(crate) fn delete(
    facts: &Facts,
    state: &mut State,
    delete: &Delete,
    watch: &Watch<'_>,
) -> Result<Changed> {
    let wanted = Wanted {
        target: &delete.target,
        from: &delete.from,
        filter: delete.filter.as_ref(),
        sets: &[],
    };
    let (name, mut change) = prepare(facts, &wanted, watch)?;
    limit(facts, delete.top.as_ref(), &mut change.rows)?;
    debug_assert!(change.exprs.is_empty());
    let (database, _) = target(facts, state, &name)?;
    let stored = database
        .table_mut(change.table.object_id)
        .expect("the statement's table stays");
    for (row, _) in &change.rows {
        stored.remove(row);
    }
    for (row, _) in &change.rows {
        leave(facts, database, change.table.object_id, &row.values, None)?;
    }
    let old: Vec<_> = change.rows.iter().map(|(row, _)| Arc::clone(row)).collect();
    keep_history(facts, database, &change.table, &old)?;
    Ok(Changed {
        rows: change.rows.len() as u64,
        identity: None,
    })
}
