//! Constraints, comments and sequences, from the catalog's rows.
//!
//! What is refused is empty: the object's name is known from `sys.objects`, and planning lists it
//! as left out. Rows are attached to tables by `object_id`, to columns by `object_id` and
//! `column_id`.

mod queries;

use std::collections::HashMap;

use crate::error::Result;
use crate::mssql::connection::Connection;
use tsql::schema::objects::{
    Action, Bound, BoundKind, Check, DefaultConstraint, ForeignKey, PartitionFunction, Period,
    Sequence, TableExtras, Temporal,
};
use tsql::schema::{Database, Table};

use super::ask::{all, none_if_refused, rows, warn_if_refused};
use super::row::{CatalogRow, select_from};
use super::types::{Declared, Types, integer};

use queries::{
    BoundRow, CheckRow, CommentRow, DefaultRow, ForeignKeyColumnRow, ForeignKeyRow, FullTextRow,
    NamedRow, PartitionFunctionRow, PartitionedRow, SequenceRow, SpecialRow, TemporalRow,
};

/// A column: `object_id` and `column_id`.
type ColumnKey = (i64, i64);

/// `sys.tables.temporal_type` (Microsoft, "sys.tables").
const HISTORY: i64 = 1;

/// The rows of every query; what was refused has none.
#[derive(Default)]
pub(super) struct ObjectAnswers {
    foreign_keys: Vec<ForeignKeyRow>,
    foreign_key_columns: Vec<ForeignKeyColumnRow>,
    checks: Vec<CheckRow>,
    defaults: Vec<DefaultRow>,
    comments: Vec<CommentRow>,
    temporal: Vec<TemporalRow>,
    special: Vec<SpecialRow>,
    full_text: Vec<FullTextRow>,
    bound_defaults: Vec<BoundRow>,
    bound_rules: Vec<BoundRow>,
    partitioned: Vec<PartitionedRow>,
    partition_functions: Vec<PartitionFunctionRow>,
    sequences: Vec<SequenceRow>,
    named: Vec<NamedRow>,
}

/// # Errors
/// A lost connection.
pub(super) async fn ask(connection: &mut Connection) -> Result<ObjectAnswers> {
    let rules = select_from::<BoundRow>(queries::BOUND_RULES, |_| true);
    Ok(ObjectAnswers {
        foreign_keys: warn_if_refused(all(connection).await)?,
        foreign_key_columns: warn_if_refused(all(connection).await)?,
        checks: warn_if_refused(all(connection).await)?,
        defaults: warn_if_refused(all(connection).await)?,
        comments: warn_if_refused(all(connection).await)?,
        temporal: none_if_refused(all(connection).await)?,
        special: ask_special(connection).await?,
        full_text: warn_if_refused(all(connection).await)?,
        bound_defaults: warn_if_refused(all(connection).await)?,
        bound_rules: warn_if_refused(rows(connection, &rules).await)?,
        partitioned: warn_if_refused(all(connection).await)?,
        partition_functions: warn_if_refused(all(connection).await)?,
        sequences: ask_sequences(connection).await?,
        named: warn_if_refused(all(connection).await)?,
    })
}

/// Asks without `last_used_value` if nothing came back: before 2017 there is no such column.
async fn ask_sequences(connection: &mut Connection) -> Result<Vec<SequenceRow>> {
    let found = none_if_refused(all(connection).await)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let before_2017 = select_from::<SequenceRow>(SequenceRow::FROM, |name| name != "is_used");
    warn_if_refused(rows(connection, &before_2017).await)
}

/// Asks without `generated_always_type` if nothing came back: before 2016 there is no such column.
async fn ask_special(connection: &mut Connection) -> Result<Vec<SpecialRow>> {
    let found = none_if_refused(all(connection).await)?;
    if !found.is_empty() {
        return Ok(found);
    }
    let before_2016 =
        select_from::<SpecialRow>(queries::SPARSE, |name| name != "generated_always_type");
    none_if_refused(rows(connection, &before_2016).await)
}

/// What a column is beside its type.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Special {
    /// Start or end of a system-time period.
    pub(super) period: Option<Period>,
    pub(super) sparse: bool,
    pub(super) column_set: bool,
}

/// What belongs to tables, by `object_id`, and to columns, beside names and types.
pub(super) struct Attached {
    tables: HashMap<i64, TableExtras>,
    defaults: HashMap<ColumnKey, DefaultConstraint>,
    bound: HashMap<ColumnKey, Vec<Bound>>,
    comments: HashMap<ColumnKey, String>,
    special: HashMap<ColumnKey, Special>,
    full_text: Vec<i64>,
}

impl Attached {
    pub(super) fn new(answers: &ObjectAnswers) -> Self {
        let mut tables = foreign_keys(answers);
        checks(&answers.checks, &mut tables);
        temporal(&answers.temporal, &mut tables);
        for row in &answers.partitioned {
            let extras = tables.entry(row.object_id).or_default();
            extras.partition_scheme = Some(row.scheme.clone());
        }
        for row in &answers.partition_functions {
            let extras = tables.entry(row.object_id).or_default();
            extras.partition_function = Some(PartitionFunction {
                name: row.name.clone(),
                column: row.column.clone(),
                partitions: u32::try_from(row.fanout).unwrap_or(u32::MAX),
                version: row.modify_date.clone(),
            });
        }
        let mut comments = HashMap::new();
        for row in &answers.comments {
            // PostgreSQL keeps no empty comments.
            if let Some(text) = row.text.as_ref().filter(|text| !text.is_empty()) {
                comments.insert((row.object_id, row.column_id), text.clone());
            }
        }
        Self {
            tables,
            defaults: defaults(&answers.defaults),
            bound: bound(answers),
            comments,
            special: special(&answers.special),
            full_text: answers.full_text.iter().map(|row| row.object_id).collect(),
        }
    }

    /// Takes out what belongs to the table itself.
    /// A table's constraints are sorted by name, so that two runs plan the same.
    pub(super) fn table(&mut self, object_id: i64) -> TableExtras {
        let mut extras = self.tables.remove(&object_id).unwrap_or_default();
        extras.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
        extras.checks.sort_by(|a, b| a.name.cmp(&b.name));
        extras.comment = self.comments.remove(&(object_id, 0));
        extras
    }

    pub(super) fn default(&self, key: ColumnKey) -> Option<DefaultConstraint> {
        self.defaults.get(&key).cloned()
    }

    pub(super) fn special(&self, key: ColumnKey) -> Special {
        self.special.get(&key).copied().unwrap_or_default()
    }

    /// Both kinds of a column, defaults first.
    pub(super) fn bound(&self, key: ColumnKey) -> Vec<Bound> {
        self.bound.get(&key).cloned().unwrap_or_default()
    }

    pub(super) fn comment(&self, key: ColumnKey) -> Option<String> {
        self.comments.get(&key).cloned()
    }

    pub(super) fn has_full_text(&self, object_id: i64) -> bool {
        self.full_text.contains(&object_id)
    }
}

/// Columns of the two sides by the constraint's `object_id`.
type Pairs<'a> = HashMap<i64, Vec<&'a ForeignKeyColumnRow>>;

/// Foreign keys by the `object_id` of the table that has them, columns in the constraint's order.
fn foreign_keys(answers: &ObjectAnswers) -> HashMap<i64, TableExtras> {
    let mut pairs = Pairs::new();
    for row in &answers.foreign_key_columns {
        let of_key = pairs.entry(row.constraint_object_id).or_default();
        of_key.push(row);
    }
    let mut tables: HashMap<i64, TableExtras> = HashMap::new();
    for row in &answers.foreign_keys {
        let Some(mut pairs) = pairs.remove(&row.object_id) else {
            // Without its columns it stays with those that the server does not describe.
            continue;
        };
        pairs.sort_by_key(|pair| pair.constraint_column_id);
        let key = ForeignKey {
            name: row.name.clone(),
            columns: pairs.iter().map(|pair| pair.column.clone()).collect(),
            referenced_schema: row.referenced_schema.clone(),
            referenced_table: row.referenced_table.clone(),
            referenced_columns: pairs
                .iter()
                .map(|pair| pair.referenced_column.clone())
                .collect(),
            on_delete: action(row.delete_referential_action),
            on_update: action(row.update_referential_action),
            disabled: row.is_disabled,
            not_trusted: row.is_not_trusted,
        };
        let extras = tables.entry(row.parent_object_id).or_default();
        extras.foreign_keys.push(key);
    }
    tables
}

/// The numbers of `sys.foreign_keys` (Microsoft, "sys.foreign_keys").
fn action(number: i64) -> Action {
    match number {
        1 => Action::Cascade,
        2 => Action::SetNull,
        3 => Action::SetDefault,
        _ => Action::NoAction,
    }
}

/// Adds the checks to their tables; a definition that is not shown stays `None`.
fn checks(rows: &[CheckRow], tables: &mut HashMap<i64, TableExtras>) {
    for row in rows {
        let check = Check {
            name: row.name.clone(),
            definition: row.definition.clone(),
            disabled: row.is_disabled,
            not_trusted: row.is_not_trusted,
        };
        let extras = tables.entry(row.parent_object_id).or_default();
        extras.checks.push(check);
    }
}

fn special(rows: &[SpecialRow]) -> HashMap<ColumnKey, Special> {
    let column = |row: &SpecialRow| {
        let special = Special {
            period: match row.generated_always_type {
                Some(1) => Some(Period::Start),
                Some(2) => Some(Period::End),
                _ => None,
            },
            sparse: row.is_sparse,
            column_set: row.is_column_set,
        };
        ((row.object_id, row.column_id), special)
    };
    rows.iter().map(column).collect()
}

fn temporal(rows: &[TemporalRow], tables: &mut HashMap<i64, TableExtras>) {
    for row in rows {
        let half = if row.temporal_type == HISTORY {
            Temporal::History
        } else {
            Temporal::Current {
                history: full_name(row.history_schema.as_ref(), row.history_table.as_ref()),
            }
        };
        tables.entry(row.object_id).or_default().temporal = Some(half);
    }
}

/// `None` if either part is not shown.
fn full_name(schema: Option<&String>, name: Option<&String>) -> Option<String> {
    Some(format!("{}.{}", schema?, name?))
}

fn defaults(rows: &[DefaultRow]) -> HashMap<ColumnKey, DefaultConstraint> {
    let default = |row: &DefaultRow| {
        let default = DefaultConstraint {
            name: row.name.clone(),
            definition: row.definition.clone(),
        };
        ((row.parent_object_id, row.parent_column_id), default)
    };
    rows.iter().map(default).collect()
}

fn bound(answers: &ObjectAnswers) -> HashMap<ColumnKey, Vec<Bound>> {
    let mut bound: HashMap<ColumnKey, Vec<Bound>> = HashMap::new();
    let both = [
        (BoundKind::Default, &answers.bound_defaults),
        (BoundKind::Rule, &answers.bound_rules),
    ];
    for (kind, rows) in both {
        for row in rows {
            let key = (row.object_id, row.column_id);
            bound.entry(key).or_default().push(Bound {
                kind,
                name: full_name(row.schema.as_ref(), row.name.as_ref()),
                definition: row.definition.clone(),
            });
        }
    }
    bound
}

/// In the order of the answer.
///
/// # Errors
/// `SourceProtocol` for a number that is none.
pub(super) fn sequences(answers: &ObjectAnswers, types: &Types) -> Result<Vec<Sequence>> {
    let sequence = |row: &SequenceRow| {
        let start = integer(&row.start_value)?;
        let last_value = row.current_value.as_deref().map_or(Ok(start), integer)?;
        let cache = row.cache_size.and_then(|size| u64::try_from(size).ok());
        Ok(Sequence {
            schema: row.schema.clone(),
            name: row.name.clone(),
            ty: types.resolve(Declared {
                system_type_id: row.system_type_id,
                user_type_id: row.user_type_id,
                max_length: 0,
                precision: row.precision,
                scale: 0,
                dimensions: -1,
            }),
            start,
            increment: integer(&row.increment)?,
            minimum: integer(&row.minimum_value)?,
            maximum: integer(&row.maximum_value)?,
            cycle: row.is_cycling,
            cache: cache.filter(|_| row.is_cached),
            last_value,
            used: row.is_used.or((last_value != start).then_some(true)),
        })
    };
    answers.sequences.iter().map(sequence).collect()
}

/// Full names of sequences that are there and are not described. Babelfish also lists those of
/// identity columns, which are described as such.
pub(super) fn hidden_sequences(answers: &ObjectAnswers, database: &Database) -> Vec<String> {
    let mut hidden = Vec::new();
    for (schema, name) in named(answers, "SO") {
        let known = |one: &Sequence| one.schema == schema && one.name == name;
        let of_identity = |table: &Table| {
            let mut columns = table.columns.iter().filter(|c| c.identity.is_some());
            let own_name = |column: &str| format!("{}_{column}_seq", table.name);
            table.schema == schema
                && columns.any(|column| own_name(&column.name).eq_ignore_ascii_case(name))
        };
        if !database.sequences.iter().any(known) && !database.tables.iter().any(of_identity) {
            hidden.push(format!("{schema}.{name}"));
        }
    }
    hidden
}

/// Schema and name of the views (`V`) or sequences (`SO`).
pub(super) fn named<'a>(
    answers: &'a ObjectAnswers,
    kind: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_kind = answers
        .named
        .iter()
        .filter(move |row| row.kind.trim_end() == kind);
    of_kind.map(|row| (row.schema.as_str(), row.name.as_str()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
