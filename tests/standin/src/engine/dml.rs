//! INSERT, UPDATE, DELETE, TRUNCATE and bulk loading.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::error::{Result, error, unsupported};
use crate::engine::expr::{Bound, Env, Run, Watch};
use crate::engine::facts::Facts;
use crate::engine::parse::statement::{Delete, Insert, InsertSource, Name, Update};
use crate::engine::query::bind::{Binder, Output, Source};
use crate::engine::query::from::outputs;
use crate::engine::query::plan::{Plan, Scan};
use crate::engine::query::{run, seek};
use crate::engine::rows::Row;
use crate::engine::state::{Database, State};
use crate::engine::store::{Rules, check_references, leave};
use crate::engine::table::{Table, same_name};
use crate::types::{SqlType, Value};

/// What a change did.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) rows: u64,
    /// The last identity value given out or inserted.
    pub(crate) identity: Option<i64>,
}

/// Finds the table of a change, in the state that the change will replace.
fn target<'s>(
    facts: &Facts,
    state: &'s mut State,
    name: &Name,
) -> Result<(&'s mut Database, Arc<Table>)> {
    let place = facts.place(name);
    let (database, table) = facts.table(name)?;
    if database.read_only {
        let message = format!(
            "Failed to update database \"{}\" because the database is read-only.",
            database.name
        );
        return Err(error(3906, 16, message));
    }
    if table.generated.is_some() {
        return Err(unsupported("a change of a generated table"));
    }
    let table = Arc::clone(table);
    let database = state.database_mut(place.database.as_deref().unwrap_or(&facts.database))?;
    Ok((database, table))
}

/// Values for the target columns, with their types.
type SourceRows = (Vec<Vec<Option<Value>>>, Vec<Option<SqlType>>);

pub(crate) fn insert(
    facts: &Facts,
    state: &mut State,
    insert: &Insert,
    identity_insert: Option<i32>,
    watch: &Watch<'_>,
) -> Result<Changed> {
    let (database, table) = target(facts, state, &insert.table)?;
    let explicit_identity = identity_insert == Some(table.object_id);
    let places = places(&table, insert, explicit_identity)?;
    let rules = Rules::new(facts, database, &table)?;
    let mut changed = Changed::default();
    let mut writer = Writer {
        database,
        rules: &rules,
        object_id: table.object_id,
    };
    match &insert.source {
        InsertSource::Defaults => writer.add(&[], &[], &[], &mut changed)?,
        InsertSource::Values(rows) => {
            let mut binder = Binder::new(facts);
            for row in rows {
                if row.len() != places.len() {
                    return Err(column_count(row.len() > places.len(), true));
                }
                let mut values = Vec::with_capacity(row.len());
                let mut types = Vec::with_capacity(row.len());
                for item in row {
                    let bound = item.as_ref().map(|e| binder.constant(e)).transpose()?;
                    types.push(bound.as_ref().map(|(_, t)| t.ty.clone()));
                    values.push(bound.map(|(v, _)| v));
                }
                writer.add(&places, &values, &types, &mut changed)?;
            }
        }
        InsertSource::Query(query) => {
            let (rows, types) = query_rows(facts, query, watch)?;
            if types.len() != places.len() {
                return Err(column_count(types.len() > places.len(), false));
            }
            for values in rows {
                writer.add(&places, &values, &types, &mut changed)?;
            }
        }
    }
    Ok(changed)
}

fn query_rows(
    facts: &Facts,
    query: &sqlparser::ast::Query,
    watch: &Watch<'_>,
) -> Result<SourceRows> {
    let (plan, columns) = Binder::new(facts).query(query)?;
    let rows = run::collect(&plan, None, &Run::watched(watch), None)?;
    let rows = rows
        .into_iter()
        .map(|r| r.into_iter().map(Some).collect())
        .collect();
    Ok((rows, columns.into_iter().map(|c| Some(c.t.ty)).collect()))
}

fn column_count(more_values: bool, values: bool) -> crate::types::SqlError {
    let list = if values { "VALUES" } else { "SELECT" };
    let relation = if more_values {
        "fewer columns in the INSERT statement than values specified"
    } else {
        "more columns in the INSERT statement than values specified"
    };
    let number = match (more_values, values) {
        (false, true) => 109,
        (true, true) => 110,
        (false, false) => 120,
        (true, false) => 121,
    };
    error(
        number,
        15,
        format!(
            "There are {relation} in the {list} clause. The number of values in the {list} clause must match the number of columns specified in the INSERT statement."
        ),
    )
}

/// The positions that the values go to.
fn places(table: &Table, insert: &Insert, explicit_identity: bool) -> Result<Vec<usize>> {
    if let Some(names) = &insert.columns {
        let places = names
            .iter()
            .map(|n| {
                table
                    .column(n)
                    .ok_or_else(|| crate::engine::error::invalid_column(n))
            })
            .collect::<Result<Vec<_>>>()?;
        for at in &places {
            let column = &table.columns[*at];
            if column.identity.is_some() && !explicit_identity {
                let message = format!(
                    "Cannot insert explicit value for identity column in table '{}' when IDENTITY_INSERT is set to OFF.",
                    table.name
                );
                return Err(error(544, 16, message));
            }
            if column.computed.is_some() {
                return Err(error(
                    271,
                    16,
                    format!(
                        "The column \"{}\" cannot be modified because it is either a computed column or is the result of a UNION operator.",
                        column.name
                    ),
                ));
            }
            if column.ty == SqlType::RowVersion {
                return Err(error(
                    273,
                    16,
                    "Cannot insert an explicit value into a timestamp column. Use INSERT with a column list to exclude the timestamp column, or insert a DEFAULT into the timestamp column.",
                ));
            }
        }
        return Ok(places);
    }
    if explicit_identity && table.columns.iter().any(|c| c.identity.is_some()) {
        let message = format!(
            "An explicit value for the identity column in table '{}' can only be specified when a column list is used and IDENTITY_INSERT is ON.",
            table.name
        );
        return Err(error(8101, 16, message));
    }
    let open = |i: &usize| {
        let c = &table.columns[*i];
        c.identity.is_none() && c.computed.is_none() && c.ty != SqlType::RowVersion
    };
    Ok((0..table.columns.len()).filter(open).collect())
}

struct Writer<'a> {
    database: &'a mut Database,
    rules: &'a Rules,
    object_id: i32,
}

impl Writer<'_> {
    fn add(
        &mut self,
        places: &[usize],
        values: &[Option<Value>],
        types: &[Option<SqlType>],
        changed: &mut Changed,
    ) -> Result<()> {
        let table = Arc::clone(&self.database.tables[&self.object_id]);
        let mut row = vec![Value::Null; table.columns.len()];
        let mut given = vec![false; row.len()];
        for ((at, value), ty) in places.iter().zip(values).zip(types) {
            if let (Some(value), Some(ty)) = (value, ty) {
                row[*at] = self.rules.store(&table, *at, value, ty)?;
                given[*at] = true;
            }
        }
        let run = Run::default();
        let mut identity = None;
        for (at, column) in table.columns.iter().enumerate() {
            if let Some(def) = &column.identity {
                let value = if given[at] {
                    as_integer(&row[at])
                } else {
                    Some(def.last.map_or(def.seed, |l| l + def.increment))
                };
                let value = value.ok_or_else(|| {
                    error(
                        339,
                        16,
                        "DEFAULT or NULL are not allowed as explicit identity values.",
                    )
                })?;
                row[at] = self
                    .rules
                    .store(&table, at, &Value::Int(value), &SqlType::BigInt)?;
                identity = Some((at, value));
            } else if column.ty == SqlType::RowVersion {
                self.database.row_version += 1;
                row[at] = Value::Bytes(self.database.row_version.to_be_bytes().as_slice().into());
            } else if let Some(default) = self.rules.defaults[at].as_ref().filter(|_| !given[at]) {
                let value = default.eval(&Env {
                    row: &[],
                    outer: None,
                    run: &run,
                })?;
                row[at] = self.rules.store(&table, at, &value, &default.t.ty)?;
            }
        }
        self.rules.complete(&table, &mut row, "INSERT")?;
        check_references(self.database, &table, &row, "INSERT")?;
        drop(table);
        let table = self
            .database
            .table_mut(self.object_id)
            .expect("the statement's table stays");
        let id = table.next_row;
        table.next_row += 1;
        self.rules.insert(
            table,
            Arc::new(Row {
                id,
                values: row.into(),
            }),
        )?;
        if let Some((at, value)) = identity {
            let def = Arc::make_mut(&mut table.columns)[at]
                .identity
                .as_mut()
                .expect("found above");
            let further = def.last.is_none_or(|l| {
                if def.increment > 0 {
                    value > l
                } else {
                    value < l
                }
            });
            if further {
                def.last = Some(value);
            }
            changed.identity = Some(value);
        }
        changed.rows += 1;
        Ok(())
    }
}

fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(i) => Some(*i),
        Value::Decimal { unscaled, scale } => {
            i64::try_from(unscaled / crate::engine::value::decimal::pow10(*scale)).ok()
        }
        _ => None,
    }
}

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

fn prepare(
    facts: &Facts,
    target: &Name,
    from: &[sqlparser::ast::TableWithJoins],
    filter: Option<&sqlparser::ast::Expr>,
    sets: &[(String, Option<sqlparser::ast::Expr>)],
    watch: &Watch<'_>,
) -> Result<(Name, Change)> {
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
    joined(facts, target, from, filter, sets, watch)
}

/// The stored rows that pass a filter.
fn scan_rows(table: &Arc<Table>, filter: Option<&Bound>, watch: &Watch<'_>) -> Result<Affected> {
    let (scan, _) = seek::plan(table, filter, &[]);
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
fn joined(
    facts: &Facts,
    target: &Name,
    from: &[sqlparser::ast::TableWithJoins],
    filter: Option<&sqlparser::ast::Expr>,
    sets: &[(String, Option<sqlparser::ast::Expr>)],
    watch: &Watch<'_>,
) -> Result<(Name, Change)> {
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
    // Everything behind the target moves by the one new column.
    for other in &mut binder.scope().sources {
        if other.start > source.start {
            other.start += 1;
        } else if other.start == source.start {
            other.columns.push(Output {
                name: ROW_ID.to_owned(),
                ..other.columns[0].clone()
            });
        }
    }
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
                    if let crate::engine::expr::Kind::Column { depth: 0, at: c } = &mut e.kind
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

pub(crate) fn update(
    facts: &Facts,
    state: &mut State,
    update: &Update,
    watch: &Watch<'_>,
) -> Result<Changed> {
    let (name, mut change) = prepare(
        facts,
        &update.target,
        &update.from,
        update.filter.as_ref(),
        &update.sets,
        watch,
    )?;
    limit(facts, update.top.as_ref(), &mut change.rows)?;
    let (database, table) = target(facts, state, &name)?;
    let rules = Rules::new(facts, database, &table)?;
    let mut places = Vec::new();
    for (column, _) in &update.sets {
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
        rules.complete(&table, &mut values, "UPDATE")?;
        replaced.push((Arc::clone(row), values));
    }
    // All old rows leave before the new ones come, so that keys may trade places.
    let stored = database
        .table_mut(table.object_id)
        .expect("the statement's table stays");
    for (old, _) in &replaced {
        stored.remove(old);
    }
    for (old, values) in &replaced {
        let row = Arc::new(Row {
            id: old.id,
            values: values.clone().into(),
        });
        rules.insert(stored, row)?;
    }
    for (old, values) in &replaced {
        check_references(database, &table, values, "UPDATE")?;
        leave(facts, database, table.object_id, &old.values, "UPDATE")?;
    }
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
    let (name, mut change) = prepare(
        facts,
        &delete.target,
        &delete.from,
        delete.filter.as_ref(),
        &[],
        watch,
    )?;
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
        leave(
            facts,
            database,
            change.table.object_id,
            &row.values,
            "DELETE",
        )?;
    }
    Ok(Changed {
        rows: change.rows.len() as u64,
        identity: None,
    })
}

pub(crate) fn truncate(facts: &Facts, state: &mut State, name: &Name) -> Result<()> {
    let (database, table) = target(facts, state, name)?;
    let referenced = database.tables.values().any(|t| {
        t.object_id != table.object_id && t.foreign_keys.iter().any(|k| k.target == table.object_id)
    });
    if referenced {
        return Err(error(
            4712,
            16,
            format!(
                "Cannot truncate table '{}' because it is being referenced by a FOREIGN KEY constraint.",
                table.name
            ),
        ));
    }
    database
        .table_mut(table.object_id)
        .expect("the statement's table stays")
        .clear();
    Ok(())
}

/// Adds rows that are already of the columns' types, with unique checks but no other constraint.
pub(crate) fn load(
    facts: &Facts,
    state: &mut State,
    name: &Name,
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<u64> {
    let (database, table) = target(facts, state, name)?;
    let rules = Rules::new(facts, database, &table)?;
    let identity = table.columns.iter().position(|c| c.identity.is_some());
    let object_id = table.object_id;
    drop(table);
    let stored = database
        .table_mut(object_id)
        .expect("the statement's table stays");
    let mut count = 0;
    for mut values in rows {
        if values.len() != stored.columns.len() {
            return Err(column_count(values.len() > stored.columns.len(), true));
        }
        rules.complete(stored, &mut values, "INSERT")?;
        if let Some(at) = identity
            && let Some(value) = as_integer(&values[at])
        {
            let def = Arc::make_mut(&mut stored.columns)[at]
                .identity
                .as_mut()
                .expect("found above");
            def.last = Some(def.last.map_or(value, |l| l.max(value)));
        }
        let id = stored.next_row;
        stored.next_row += 1;
        rules.insert(
            stored,
            Arc::new(Row {
                id,
                values: values.into(),
            }),
        )?;
        count += 1;
    }
    Ok(count)
}
