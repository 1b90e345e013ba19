//! INSERT.

use std::sync::Arc;

use crate::engine::dml::graph;
use crate::engine::dml::period::{refuse_generated, stamp};
use crate::engine::dml::target::{Changed, as_integer, column_count, target};
use crate::engine::error::{Result, error, overflow};
use crate::engine::eval::expr::{Env, Run, Watch};
use crate::engine::eval::run;
use crate::engine::model::facts::Facts;
use crate::engine::model::rows::Row;
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::{GeneratedAlways, Identity, Table};
use crate::engine::parse::statement::{Insert, InsertSource};
use crate::engine::query::bind::Binder;
use crate::engine::query::mask;
use crate::engine::rules::check::Rules;
use crate::engine::rules::reference::check_references;
use crate::types::{SqlType, Value};

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
        facts,
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
                binder.numbered.clear();
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
    let plan = mask::shown(plan, &columns);
    let rows = run::collect(&plan, None, &Run::watched(watch), None)?;
    let rows = rows
        .into_iter()
        .map(|r| r.into_iter().map(Some).collect())
        .collect();
    Ok((rows, columns.into_iter().map(|c| Some(c.t.ty)).collect()))
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
            refuse_generated(column, 13536)?;
            graph::refuse_given(column)?;
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
        c.identity.is_none()
            && c.computed.is_none()
            && c.ty != SqlType::RowVersion
            && graph::refuse_given(c).is_ok()
            && !c.sparse_in_set(table)
            && c.generated == GeneratedAlways::No
    };
    Ok((0..table.columns.len()).filter(open).collect())
}

struct Writer<'a> {
    facts: &'a Facts,
    database: &'a mut Database,
    rules: &'a Rules,
    object_id: i32,
}

impl Writer<'_> {
    pub(super) fn add(
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
                let given = given[at].then(|| as_integer(&row[at]));
                let value = identity_value(def, given)?;
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
        stamp(self.rules, &table, &mut row, self.facts)?;
        let schema = self.database.schema_name(table.schema_id).unwrap_or("dbo");
        graph::fill(&table, schema, &mut row, |schema, name| {
            self.database.object_id(schema, name)
        })?;
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
            let column = &mut Arc::make_mut(&mut table.columns)[at];
            note_identity(column.identity.as_mut().expect("found above"), value);
            changed.identity = Some(value);
        }
        changed.rows += 1;
        Ok(())
    }
}

/// The identity value of a new row: the one given under IDENTITY_INSERT, or the next.
///
/// # Errors
/// 339 if what was given is no number, 8115 after the last one of `bigint`.
fn identity_value(def: &Identity, given: Option<Option<i64>>) -> Result<i64> {
    let value = match (given, def.last) {
        (Some(given), _) => given,
        (None, None) => Some(def.seed),
        (None, Some(last)) => Some(
            last.checked_add(def.increment)
                .ok_or_else(|| overflow("IDENTITY"))?,
        ),
    };
    value.ok_or_else(|| {
        error(
            339,
            16,
            "DEFAULT or NULL are not allowed as explicit identity values.",
        )
    })
}

/// Remembers a value that goes further than the last.
fn note_identity(def: &mut Identity, value: i64) {
    let further = def.last.is_none_or(|last| {
        if def.increment > 0 {
            value > last
        } else {
            value < last
        }
    });
    if further {
        def.last = Some(value);
    }
}
