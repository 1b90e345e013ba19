//! Constraints, comments, sequences and views, from the catalog's rows.

mod queries;

use std::collections::HashMap;

use crate::error::Result;
use crate::mssql::connection::Connection;
use crate::mssql::control::ControlRow;
use crate::schema::objects::{
    Action, Bound, BoundKind, Check, DefaultConstraint, ForeignKey, PartitionFunction, Period,
    Sequence, TableExtras, Temporal, View,
};
use crate::schema::{Database, Table};

use super::types::{Declared, Types, integer};
use super::{newest, optional};

/// A column: `object_id` and `column_id`.
type Part = (i64, i64);

/// `sys.tables.temporal_type` (Microsoft, "sys.tables").
const HISTORY: i64 = 1;

/// Everything that was asked, as it came; what was refused has no rows.
#[derive(Default)]
pub(super) struct ObjectAnswers {
    foreign_keys: Vec<ControlRow>,
    foreign_key_columns: Vec<ControlRow>,
    checks: Vec<ControlRow>,
    defaults: Vec<ControlRow>,
    comments: Vec<ControlRow>,
    temporal: Vec<ControlRow>,
    special: Vec<ControlRow>,
    full_text: Vec<ControlRow>,
    bound_defaults: Vec<ControlRow>,
    bound_rules: Vec<ControlRow>,
    partitioned: Vec<ControlRow>,
    partition_functions: Vec<ControlRow>,
    sequences: Vec<ControlRow>,
    views: Vec<ControlRow>,
    view_reads: Vec<ControlRow>,
    /// Views and sequences by name alone.
    named: Vec<ControlRow>,
}

pub(super) async fn ask(connection: &mut Connection) -> Result<ObjectAnswers> {
    Ok(ObjectAnswers {
        foreign_keys: optional(connection, queries::FOREIGN_KEYS).await?,
        foreign_key_columns: optional(connection, queries::FOREIGN_KEY_COLUMNS).await?,
        checks: optional(connection, queries::CHECKS).await?,
        defaults: optional(connection, queries::DEFAULTS).await?,
        comments: optional(connection, queries::COMMENTS).await?,
        temporal: newest(connection, queries::TEMPORAL).await?,
        special: ask_special(connection).await?,
        full_text: optional(connection, queries::FULL_TEXT).await?,
        bound_defaults: optional(connection, queries::BOUND_DEFAULTS).await?,
        bound_rules: optional(connection, queries::BOUND_RULES).await?,
        partitioned: optional(connection, queries::PARTITIONED).await?,
        partition_functions: optional(connection, queries::PARTITION_FUNCTIONS).await?,
        sequences: ask_sequences(connection).await?,
        views: optional(connection, queries::VIEWS).await?,
        view_reads: optional(connection, queries::VIEW_READS).await?,
        named: optional(connection, queries::NAMED).await?,
    })
}

async fn ask_sequences(connection: &mut Connection) -> Result<Vec<ControlRow>> {
    let rows = newest(connection, &queries::sequences(true)).await?;
    if !rows.is_empty() {
        return Ok(rows);
    }
    optional(connection, &queries::sequences(false)).await
}

async fn ask_special(connection: &mut Connection) -> Result<Vec<ControlRow>> {
    let rows = newest(connection, queries::SPECIAL).await?;
    if !rows.is_empty() {
        return Ok(rows);
    }
    newest(connection, queries::SPARSE).await
}

/// What a column is beside its type.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Special {
    pub(super) period: Option<Period>,
    pub(super) sparse: bool,
    pub(super) column_set: bool,
}

/// What hangs on tables, by `object_id`, and on columns.
pub(super) struct Attached {
    tables: HashMap<i64, TableExtras>,
    defaults: HashMap<Part, DefaultConstraint>,
    bound: HashMap<Part, Vec<Bound>>,
    comments: HashMap<Part, String>,
    special: HashMap<Part, Special>,
    full_text: Vec<i64>,
}

impl Attached {
    pub(super) fn of(answers: &ObjectAnswers) -> Result<Self> {
        let mut tables = foreign_keys(answers)?;
        checks(&answers.checks, &mut tables)?;
        temporal(&answers.temporal, &mut tables)?;
        for row in &answers.partitioned {
            let extras = tables.entry(row.need_int(0)?).or_default();
            extras.partition_scheme = Some(row.need_text(1)?.to_owned());
        }
        for row in &answers.partition_functions {
            let extras = tables.entry(row.need_int(0)?).or_default();
            extras.partition_function = Some(PartitionFunction {
                name: row.need_text(1)?.to_owned(),
                column: row.need_text(2)?.to_owned(),
                // At most 15,000.
                partitions: u32::try_from(row.need_int(3)?).unwrap_or(u32::MAX),
                version: row.need_text(4)?.to_owned(),
            });
        }
        let mut comments = HashMap::new();
        for row in &answers.comments {
            let part = (row.need_int(0)?, row.need_int(1)?);
            // An empty comment is none: PostgreSQL keeps no empty ones.
            if let Some(text) = row.text(2)?.filter(|text| !text.is_empty()) {
                comments.insert(part, text.to_owned());
            }
        }
        let full_text = answers.full_text.iter().map(|row| row.need_int(0));
        Ok(Self {
            tables,
            defaults: defaults(&answers.defaults)?,
            bound: bound(answers)?,
            comments,
            special: special(&answers.special)?,
            full_text: full_text.collect::<Result<_>>()?,
        })
    }

    /// Takes out what belongs to the table itself.
    pub(super) fn table(&mut self, object_id: i64) -> TableExtras {
        let mut extras = self.tables.remove(&object_id).unwrap_or_default();
        extras.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
        extras.checks.sort_by(|a, b| a.name.cmp(&b.name));
        extras.comment = self.comments.remove(&(object_id, 0));
        extras
    }

    pub(super) fn default(&self, part: Part) -> Option<DefaultConstraint> {
        self.defaults.get(&part).cloned()
    }

    pub(super) fn special(&self, part: Part) -> Special {
        self.special.get(&part).copied().unwrap_or_default()
    }

    pub(super) fn bound(&self, part: Part) -> Vec<Bound> {
        self.bound.get(&part).cloned().unwrap_or_default()
    }

    pub(super) fn comment(&self, part: Part) -> Option<String> {
        self.comments.get(&part).cloned()
    }

    pub(super) fn has_full_text(&self, object_id: i64) -> bool {
        self.full_text.contains(&object_id)
    }
}

/// Columns of the two sides by the constraint's `object_id`.
type Pairs = HashMap<i64, Vec<(i64, String, String)>>;

fn foreign_keys(answers: &ObjectAnswers) -> Result<HashMap<i64, TableExtras>> {
    let mut pairs = Pairs::new();
    for row in &answers.foreign_key_columns {
        let (own, other) = (row.need_text(2)?.to_owned(), row.need_text(3)?.to_owned());
        let of_key = pairs.entry(row.need_int(0)?).or_default();
        of_key.push((row.need_int(1)?, own, other));
    }
    let mut tables: HashMap<i64, TableExtras> = HashMap::new();
    for row in &answers.foreign_keys {
        let Some(mut pairs) = pairs.remove(&row.need_int(1)?) else {
            // Without its columns it stays with those that the server does not describe.
            continue;
        };
        pairs.sort_by_key(|(position, _, _)| *position);
        let (columns, referenced_columns) = pairs
            .into_iter()
            .map(|(_, own, other)| (own, other))
            .unzip();
        let key = ForeignKey {
            name: row.need_text(2)?.to_owned(),
            columns,
            referenced_schema: row.need_text(3)?.to_owned(),
            referenced_table: row.need_text(4)?.to_owned(),
            referenced_columns,
            on_delete: action(row.need_int(5)?),
            on_update: action(row.need_int(6)?),
            disabled: row.flag(7)?,
            not_trusted: row.flag(8)?,
        };
        let extras = tables.entry(row.need_int(0)?).or_default();
        extras.foreign_keys.push(key);
    }
    Ok(tables)
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

fn checks(rows: &[ControlRow], tables: &mut HashMap<i64, TableExtras>) -> Result<()> {
    for row in rows {
        let check = Check {
            name: row.need_text(1)?.to_owned(),
            definition: row.text(2)?.map(str::to_owned),
            disabled: row.flag(3)?,
            not_trusted: row.flag(4)?,
        };
        let extras = tables.entry(row.need_int(0)?).or_default();
        extras.checks.push(check);
    }
    Ok(())
}

fn special(rows: &[ControlRow]) -> Result<HashMap<Part, Special>> {
    let mut columns = HashMap::new();
    for row in rows {
        let special = Special {
            period: match row.need_int(4)? {
                1 => Some(Period::Start),
                2 => Some(Period::End),
                _ => None,
            },
            sparse: row.flag(2)?,
            column_set: row.flag(3)?,
        };
        columns.insert((row.need_int(0)?, row.need_int(1)?), special);
    }
    Ok(columns)
}

fn temporal(rows: &[ControlRow], tables: &mut HashMap<i64, TableExtras>) -> Result<()> {
    for row in rows {
        let half = if row.need_int(1)? == HISTORY {
            Temporal::History
        } else {
            let history = match (row.text(2)?, row.text(3)?) {
                (Some(schema), Some(name)) => Some(format!("{schema}.{name}")),
                _ => None,
            };
            Temporal::Current { history }
        };
        tables.entry(row.need_int(0)?).or_default().temporal = Some(half);
    }
    Ok(())
}

fn defaults(rows: &[ControlRow]) -> Result<HashMap<Part, DefaultConstraint>> {
    let mut defaults = HashMap::new();
    for row in rows {
        let default = DefaultConstraint {
            name: row.need_text(2)?.to_owned(),
            definition: row.text(3)?.map(str::to_owned),
        };
        defaults.insert((row.need_int(0)?, row.need_int(1)?), default);
    }
    Ok(defaults)
}

fn bound(answers: &ObjectAnswers) -> Result<HashMap<Part, Vec<Bound>>> {
    let mut bound: HashMap<Part, Vec<Bound>> = HashMap::new();
    let both = [
        (BoundKind::Default, &answers.bound_defaults),
        (BoundKind::Rule, &answers.bound_rules),
    ];
    for (kind, rows) in both {
        for row in rows {
            let name = match (row.text(2)?, row.text(3)?) {
                (Some(schema), Some(name)) => Some(format!("{schema}.{name}")),
                _ => None,
            };
            let part = (row.need_int(0)?, row.need_int(1)?);
            bound.entry(part).or_default().push(Bound {
                kind,
                name,
                definition: row.text(4)?.map(str::to_owned),
            });
        }
    }
    Ok(bound)
}

/// In the order of the answer.
pub(super) fn sequences(answers: &ObjectAnswers, types: &Types) -> Result<Vec<Sequence>> {
    let sequence = |row: &ControlRow| {
        let start = integer(row.need_text(5)?)?;
        let last_value = row.text(12)?.map_or(Ok(start), integer)?;
        let known = row.int(13)?.map(|used| used != 0);
        let cache = row.int(11)?.and_then(|size| u64::try_from(size).ok());
        Ok(Sequence {
            schema: row.need_text(0)?.to_owned(),
            name: row.need_text(1)?.to_owned(),
            ty: types.resolve(Declared {
                system_type_id: row.need_int(2)?,
                user_type_id: row.need_int(3)?,
                max_length: 0,
                precision: row.need_int(4)?,
                scale: 0,
                dimensions: -1,
            }),
            start,
            increment: integer(row.need_text(6)?)?,
            minimum: integer(row.need_text(7)?)?,
            maximum: integer(row.need_text(8)?)?,
            cycle: row.flag(9)?,
            cache: cache.filter(|_| row.flag(10).is_ok_and(|cached| cached)),
            last_value,
            used: known.or((last_value != start).then_some(true)),
        })
    };
    answers.sequences.iter().map(sequence).collect()
}

/// Full names of sequences that are there and are not described. Babelfish lists those behind
/// identity columns, which are described as such.
pub(super) fn hidden_sequences(
    answers: &ObjectAnswers,
    database: &Database,
) -> Result<Vec<String>> {
    let mut hidden = Vec::new();
    for (schema, name) in named(answers, "SO")? {
        let known = |one: &Sequence| one.schema == schema && one.name == name;
        let of_identity = |table: &Table| {
            let mut columns = table.columns.iter().filter(|c| c.identity.is_some());
            let behind = |column: &str| format!("{}_{column}_seq", table.name);
            table.schema == schema
                && columns.any(|column| behind(&column.name).eq_ignore_ascii_case(name))
        };
        if !database.sequences.iter().any(known) && !database.tables.iter().any(of_identity) {
            hidden.push(format!("{schema}.{name}"));
        }
    }
    Ok(hidden)
}

/// Schema and name of what is of a type of `sys.objects`.
fn named<'a>(answers: &'a ObjectAnswers, kind: &str) -> Result<Vec<(&'a str, &'a str)>> {
    let mut found = Vec::new();
    for row in &answers.named {
        // char(2), with a blank after one letter.
        if row.need_text(1)?.trim_end() == kind {
            found.push((row.need_text(0)?, row.need_text(2)?));
        }
    }
    Ok(found)
}

/// In the order of the answer, and behind them those that are not described, without a definition.
pub(super) fn views(answers: &ObjectAnswers) -> Result<Vec<View>> {
    let mut reads: HashMap<i64, Vec<String>> = HashMap::new();
    for row in &answers.view_reads {
        let name = format!("{}.{}", row.need_text(1)?, row.need_text(2)?);
        reads.entry(row.need_int(0)?).or_default().push(name);
    }
    let view = |row: &ControlRow| {
        let mut reads = reads.remove(&row.need_int(0)?).unwrap_or_default();
        reads.sort();
        Ok(View {
            schema: row.need_text(1)?.to_owned(),
            name: row.need_text(2)?.to_owned(),
            definition: row.text(3)?.map(str::to_owned),
            reads,
            indexed: row.flag(4)?,
        })
    };
    let mut views = answers.views.iter().map(view).collect::<Result<Vec<_>>>()?;
    for (schema, name) in named(answers, "V")? {
        let known = |one: &View| one.schema == schema && one.name == name;
        if !views.iter().any(known) {
            views.push(View {
                schema: schema.to_owned(),
                name: name.to_owned(),
                definition: None,
                reads: Vec::new(),
                indexed: false,
            });
        }
    }
    Ok(views)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
