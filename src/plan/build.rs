//! Builds the plan of all tables from the source's schema and the job.

use std::collections::HashMap;

use crate::config::job::{Computed, Job, TableOverride};
use crate::error::{Error, Kind, Result};
use crate::names::{self, Taken};
use crate::plan::selection::{self, Selection};
use crate::plan::strategy::{self, Circumstances};
use crate::plan::table::{ColumnPlan, Omission, PrimaryKey, Strategy, TablePlan, TargetName};
use crate::schema::{Column, Database, IndexColumn, IndexRole, SqlType, Table};
use crate::typemap::{self, PgType};

/// The plan of every selected table, and the tables that the job's filter leaves out.
#[derive(Debug, Default)]
pub struct Planned {
    pub tables: Vec<TablePlan>,
    /// Full names.
    pub skipped: Vec<String>,
}

/// Plans all tables.
///
/// # Errors
/// Every problem of every table at once: unsupported types, names that collide, overrides that
/// name what is not there.
pub fn build(database: &Database, job: &Job) -> Result<Planned, Vec<Error>> {
    match attempt(database, job) {
        (planned, problems) if problems.is_empty() => Ok(planned),
        (_, problems) => Err(problems),
    }
}

/// As [`build`], with what can be planned beside every problem. A problem without a table as its
/// place is the job's as a whole.
pub fn attempt(database: &Database, job: &Job) -> (Planned, Vec<Error>) {
    let mut planned = Planned::default();
    let mut problems = unknown_overrides(database, job);
    let selection = Selection::new(&job.tables);
    for table in &database.tables {
        if !selection.includes(&table.full_name()) {
            planned.skipped.push(table.full_name());
            continue;
        }
        match plan_table(table, database, job) {
            Ok(plan) => planned.tables.push(plan),
            Err(errors) => {
                problems.extend(
                    errors
                        .into_iter()
                        .map(|error| error.at_table(table.full_name())),
                );
            }
        }
    }
    problems.extend(unmatched_patterns(database, job));
    problems.extend(target_collisions(&planned.tables));
    name_keys(&mut planned.tables);
    (planned, problems)
}

fn unknown_overrides(database: &Database, job: &Job) -> Vec<Error> {
    let known = |name: &str| {
        database
            .tables
            .iter()
            .any(|table| table.full_name().eq_ignore_ascii_case(name))
    };
    job.tables
        .overrides
        .keys()
        .filter(|name| !known(name))
        .map(|name| {
            Error::new(
                Kind::Naming,
                format!("tables.overrides names {name}, which the source does not have"),
            )
        })
        .collect()
}

/// A table that is named without a wildcard and is not there, or that the login may not see.
fn unmatched_patterns(database: &Database, job: &Job) -> Vec<Error> {
    let named = |pattern: &&String| !pattern.contains(['*', '?']);
    let missing = |pattern: &&String| {
        let known = |table: &Table| selection::matches(pattern, &table.full_name());
        !database.tables.iter().any(known)
    };
    let patterns = job.tables.include.iter().filter(named).filter(missing);
    patterns
        .map(|pattern| {
            Error::new(
                Kind::Naming,
                format!(
                    "tables.include names {pattern}, which database {} does not have or the login may not see",
                    database.name
                ),
            )
        })
        .collect()
}

/// Indexes share one namespace with the tables of their schema, so a key's name gives way.
fn name_keys(tables: &mut [TablePlan]) {
    let mut taken: HashMap<String, Taken> = HashMap::new();
    for table in tables.iter() {
        taken
            .entry(table.target.schema.clone())
            .or_default()
            .reserve(&table.target.table);
    }
    for table in tables {
        if let Some(key) = &mut table.primary_key {
            key.name = taken
                .entry(table.target.schema.clone())
                .or_default()
                .derive(&key.name);
        }
    }
}

fn plan_table(table: &Table, database: &Database, job: &Job) -> Result<TablePlan, Vec<Error>> {
    let default = TableOverride::default();
    let override_ = job
        .tables
        .overrides
        .iter()
        .find(|(name, _)| table.full_name().eq_ignore_ascii_case(name))
        .map_or(&default, |(_, settings)| settings);
    let mut problems = unknown_columns(table, override_);
    let target = target_name(table, override_, job).map_err(|error| vec![error])?;
    let mut notes = Vec::new();
    let mut columns = plan_columns(table, override_, job, &mut notes, &mut problems);
    if columns.is_empty() && problems.is_empty() {
        problems.push(Error::new(Kind::Unsupported, "no column is left to copy"));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    if target.shortened {
        notes.push(format!(
            "name shortened to {} (PostgreSQL keeps 63 bytes)",
            target.name.table
        ));
    }
    let choice = strategy::choose(
        table,
        &Circumstances {
            transfer: &job.transfer,
            frozen: database.frozen,
            excluded: &override_.exclude_columns,
            partitions: override_.partitions,
        },
    );
    notes.extend(choice.reason);
    key_columns_first(&mut columns, &choice.strategy);
    if table.filtered_by_policy {
        notes.push(
            "a security policy filters its rows: only those that the login sees are copied"
                .to_owned(),
        );
    }
    let mut omissions = other_objects(table, job);
    let primary_key = primary_key(
        table,
        &columns,
        &target.name.table,
        (&mut omissions, &mut notes),
    );
    Ok(TablePlan {
        schema: table.schema.clone(),
        name: table.name.clone(),
        target: target.name,
        columns,
        primary_key,
        strategy: choice.strategy,
        wanted_partitions: choice.partitions,
        estimated_rows: table.estimated_rows,
        estimated_bytes: table.estimated_bytes,
        filter: override_.filter.clone(),
        omissions,
        notes,
    })
}

fn unknown_columns(table: &Table, override_: &TableOverride) -> Vec<Error> {
    override_
        .types
        .keys()
        .chain(&override_.exclude_columns)
        .filter(|name| table.column(name).is_none())
        .map(|name| {
            Error::new(
                Kind::Naming,
                "the override names a column that the table does not have",
            )
            .at_column(name)
        })
        .collect()
}

struct Named {
    name: TargetName,
    shortened: bool,
}

fn target_name(table: &Table, override_: &TableOverride, job: &Job) -> Result<Named> {
    let schema = match job.target.schemas.get(&table.schema) {
        Some(schema) => names::given(schema)?,
        None => names::target(&table.schema, job.schema.names)?.text,
    };
    match &override_.rename {
        Some(rename) => {
            let table = names::given(rename)?;
            Ok(Named {
                name: TargetName { schema, table },
                shortened: false,
            })
        }
        None => {
            let name = names::target(&table.name, job.schema.names)?;
            Ok(Named {
                name: TargetName {
                    schema,
                    table: name.text,
                },
                shortened: name.shortened,
            })
        }
    }
}

fn plan_columns(
    table: &Table,
    override_: &TableOverride,
    job: &Job,
    notes: &mut Vec<String>,
    problems: &mut Vec<Error>,
) -> Vec<ColumnPlan> {
    let mut columns = Vec::with_capacity(table.columns.len());
    let kept = table
        .columns
        .iter()
        .filter(|column| !override_.exclude_columns.contains(&column.name));
    for (position, column) in kept.enumerate() {
        match plan_column(column, position, override_, job, notes) {
            Ok(plan) => columns.push(plan),
            Err(error) => problems.push(error.at_column(&column.name)),
        }
    }
    let pairs = columns
        .iter()
        .map(|column| (column.source.name.as_str(), column.target_name.as_str()));
    problems.extend(names::collisions(pairs).into_iter().map(|collision| {
        Error::new(
            Kind::Naming,
            format!(
                "columns {} and {} would both be named {}: exclude one, or set schema.names: preserve",
                collision.first, collision.second, collision.target
            ),
        )
    }));
    columns
}

fn plan_column(
    column: &Column,
    position: usize,
    override_: &TableOverride,
    job: &Job,
    notes: &mut Vec<String>,
) -> Result<ColumnPlan> {
    let target_type = match override_.types.get(&column.name) {
        Some(text) => typemap::parse_override(text)?,
        None => typemap::default_type(column)?,
    };
    if !typemap::can_encode(&column.ty, &target_type) {
        return Err(Error::new(
            Kind::Unsupported,
            format!(
                "{:?} cannot be copied into {target_type}: choose another type under tables.overrides",
                column.ty
            ),
        ));
    }
    let name = names::target_column(&column.name, job.schema.names)?;
    if name.shortened {
        notes.push(format!(
            "column {}: name shortened to {}",
            column.name, name.text
        ));
    }
    if let Some(note) = typemap::precision_note(column, &target_type) {
        notes.push(note);
    }
    if column.masked {
        notes.push(format!(
            "column {}: masked; without UNMASK the login reads masked values, and they are copied",
            column.name
        ));
    }
    if column.computed.is_some() {
        notes.push(format!(
            "column {}: computed, kept as a plain column with its values",
            column.name
        ));
    }
    Ok(ColumnPlan {
        source: column.clone(),
        position,
        target_name: name.text,
        target_type,
        identity: column.identity.clone().filter(|_| job.schema.identity),
    })
}

/// Key columns lead the select list, so that a row's key is known before its long values.
fn key_columns_first(columns: &mut [ColumnPlan], strategy: &Strategy) {
    if let Strategy::Keyset { key, .. } = strategy {
        columns.sort_by_key(|column| {
            let place = key
                .iter()
                .position(|key| key.column.name == column.source.name);
            (place.unwrap_or(usize::MAX), column.position)
        });
    }
}

/// The primary key under target names; left out, visibly, where one of its columns is excluded.
fn primary_key(
    table: &Table,
    columns: &[ColumnPlan],
    target_table: &str,
    (omissions, notes): (&mut Vec<Omission>, &mut Vec<String>),
) -> Option<PrimaryKey> {
    let index = table
        .indexes
        .iter()
        .find(|index| index.role == IndexRole::PrimaryKey)?;
    let target = |name: &str| columns.iter().find(|column| column.source.name == name);
    let names = index
        .key
        .iter()
        .map(|key| target(&key.column).map(|column| column.target_name.clone()))
        .collect::<Option<Vec<_>>>();
    let rounded = |key: &IndexColumn| target(&key.column).is_some_and(loses_digits);
    notes.extend(index.key.iter().filter(|key| rounded(key)).map(|key| {
        format!(
            "key column {}: values that differ in the 7th digit only become equal, and the primary key then cannot \
             be made (type `text` keeps the digit)",
            key.column
        )
    }));
    if names.is_none() {
        omissions.push(Omission {
            object: format!("primary key {}", index.name),
            reason: "one of its columns is excluded by the job".to_owned(),
        });
    }
    Some(PrimaryKey {
        name: names::primary_key(target_table),
        columns: names?,
    })
}

fn loses_digits(column: &ColumnPlan) -> bool {
    let digits = match column.source.ty {
        SqlType::Time { scale }
        | SqlType::DateTime2 { scale }
        | SqlType::DateTimeOffset { scale } => scale,
        _ => return false,
    };
    match column.target_type {
        PgType::Time(kept) | PgType::Timestamp(kept) | PgType::TimestampTz(kept) => kept < digits,
        _ => false,
    }
}

/// What this version does not make and the job did not switch off.
fn other_objects(table: &Table, job: &Job) -> Vec<Omission> {
    let reason = "not made by this version";
    let mut omissions = Vec::new();
    if job.schema.indexes {
        omissions.extend(
            table
                .indexes
                .iter()
                .filter(|index| index.role != IndexRole::PrimaryKey)
                .map(|index| Omission {
                    object: format!("index {}", index.name),
                    reason: reason.to_owned(),
                }),
        );
    }
    if job.schema.computed == Computed::Generated {
        let computed = table
            .columns
            .iter()
            .filter(|column| column.computed.is_some());
        omissions.extend(computed.map(|column| {
            Omission {
                object: format!("computed expression of column {}", column.name),
                reason:
                    "kept as a plain column with its values (schema.computed: plain asks for that)"
                        .to_owned(),
            }
        }));
    }
    let wanted = |kind: &str| match kind {
        "foreign key" => job.schema.foreign_keys,
        "check" => job.schema.checks,
        "default" => job.schema.defaults,
        _ => true,
    };
    omissions.extend(
        table
            .others
            .iter()
            .filter(|object| wanted(&object.kind))
            .map(|object| Omission {
                object: format!("{} {}", object.kind, object.name),
                reason: reason.to_owned(),
            }),
    );
    omissions
}

fn target_collisions(tables: &[TablePlan]) -> Vec<Error> {
    let names = tables
        .iter()
        .map(|table| {
            (
                table.full_name(),
                format!("{}.{}", table.target.schema, table.target.table),
            )
        })
        .collect::<Vec<_>>();
    let pairs = names
        .iter()
        .map(|(source, target)| (source.as_str(), target.as_str()));
    names::collisions(pairs)
        .into_iter()
        .map(|collision| {
            Error::new(
                Kind::Naming,
                format!(
                    "tables {} and {} would both become {}: set tables.overrides.<table>.rename",
                    collision.first, collision.second, collision.target
                ),
            )
        })
        .collect()
}
