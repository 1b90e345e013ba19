//! UPDATE and DELETE: the rows they are about, and what becomes of them.

use std::sync::Arc;

use crate::engine::dml::cascade::leave;
use crate::engine::dml::joined::{Affected, Change, Sets, Wanted, joined};
use crate::engine::dml::period::{keep_history, refuse_generated, stamp};
use crate::engine::dml::target::{Changed, target};
use crate::engine::error::{Result, error};
use crate::engine::eval::expr::{Bound, Env, Run, Watch};
use crate::engine::eval::plan::Scan;
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::model::rows::Row;
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::Table;
use crate::engine::parse::statement::{Delete, Update};
use crate::engine::query::bind::{Binder, Source};
use crate::engine::query::seek::{self, Request};
use crate::engine::query::source::outputs;
use crate::engine::rules::check::Rules;
use crate::engine::rules::reference::check_references;
use crate::types::{SqlType, Value};

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

fn limit(facts: &Facts, top: Option<&sqlparser::ast::Expr>, rows: &mut Affected) -> Result<()> {
    if let Some(top) = top
        && let Value::Int(n) = Binder::new(facts).constant(top)?.0
    {
        rows.truncate(usize::try_from(n).unwrap_or(0));
    }
    Ok(())
}

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
