//! Indexes and unique constraints.
//!
//! Every index of rows becomes a btree; clustered or not makes no difference on the target, where
//! rows have no order. Columnstore, XML, spatial and full-text indexes are listed with what to make
//! instead.

use crate::plan::object::{IndexKey, IndexKind, IndexPlan};
use crate::plan::objects::context::{Context, Remarks};
use crate::plan::objects::default::HIDDEN;
use crate::plan::objects::{collation, scope};
use crate::plan::table::{ColumnPlan, TablePlan};
use crate::plan::view::ViewPlan;
use tsql::schema::objects::View;
use tsql::schema::{FILTER_UNKNOWN, Index, IndexRole, SqlType, Table};
use tsql::translate;
use tsql::typemap::{self, PgType};

/// What an entry of a PostgreSQL btree may hold (`BTMaxItemSize` of an 8 KiB page).
const BTREE_BYTES: u64 = 2704;

/// Columns of an index, included ones among them (`INDEX_MAX_KEYS` of a stock build).
const INDEX_COLUMNS: usize = 32;

/// Length and alignment of a value that has no fixed size.
const VALUE_HEADER: u64 = 7;

/// Bytes of an entry's header and of the bits that say which columns are NULL.
const ENTRY_HEADER: u64 = 16;

/// All but the primary key, which is planned with the table. Constraints come first, because
/// foreign keys may refer to them.
pub(super) fn plan_all(
    table: &Table,
    plan: &TablePlan,
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> Vec<IndexPlan> {
    if !context.job.schema.indexes {
        return Vec::new();
    }
    let secondary = |index: &&Index| index.role != IndexRole::PrimaryKey;
    let mut indexes: Vec<_> = table
        .indexes
        .iter()
        .filter(secondary)
        .filter_map(|index| plan_one(index, plan, context, remarks))
        .collect();
    indexes.sort_by_key(|index| !index.is_constraint());
    indexes
}

/// The indexes of a materialized view, unique ones first. The server says itself which of them is
/// filtered: a view has none that is.
pub(super) fn of_view(
    view: &View,
    plan: &ViewPlan,
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> Vec<IndexPlan> {
    if !context.job.schema.indexes {
        return Vec::new();
    }
    let table = plan.as_table();
    let mut indexes: Vec<_> = view
        .indexes
        .iter()
        .filter_map(|index| {
            if index.key.is_empty() {
                remarks.omit(object(index), HIDDEN);
                return None;
            }
            plan_one(index, &table, context, remarks)
        })
        .collect();
    indexes.sort_by_key(|index| !index.is_unique());
    indexes
}

/// `None` if it is left out, which is then in `remarks`.
fn plan_one(
    index: &Index,
    plan: &TablePlan,
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> Option<IndexPlan> {
    let object = object(index);
    if index.filter.as_deref() == Some(FILTER_UNKNOWN) {
        remarks.omit(object, "this server does not tell whether it is filtered");
        return None;
    }
    if let Some(reason) = obstacle(index) {
        remarks.omit(object, reason);
        return None;
    }
    let Some(key) = key_columns(index, plan) else {
        remarks.omit(object, "one of its columns is excluded by the job");
        return None;
    };
    let predicate = match &index.filter {
        None => None,
        Some(text) => Some(predicate(text, &object, plan, context, remarks)?),
    };
    let included = included(index, plan, &key, &object, remarks);
    note_size(&object, &key, remarks);
    if index.unique {
        note_rounding(index, &object, plan, remarks);
    }
    if index.role == IndexRole::UniqueConstraint && index.key.iter().any(|key| key.descending) {
        remarks.notes.push(format!(
            "{object}: a unique constraint of PostgreSQL has no descending columns"
        ));
    }
    let one_null = one_null(index, &key);
    Some(IndexPlan {
        name: index.name.clone(),
        source: index.name.clone(),
        kind: match (index.role, index.unique) {
            (IndexRole::UniqueConstraint, _) => IndexKind::Constraint { one_null },
            (_, true) => IndexKind::Unique { one_null },
            (_, false) => IndexKind::Plain,
        },
        key: index
            .key
            .iter()
            .zip(&key)
            .map(|(key, column)| IndexKey {
                column: column.target_name.clone(),
                descending: key.descending,
            })
            .collect(),
        included: included.iter().map(|c| c.target_name.clone()).collect(),
        predicate,
    })
}

/// What plan and report call it, as `unique index IX_Users_Email`.
fn object(index: &Index) -> String {
    let kind = match index.role {
        IndexRole::UniqueConstraint => "unique constraint",
        _ if index.unique => "unique index",
        _ => "index",
    };
    format!("{kind} {}", index.name)
}

/// Why nothing can be made of an index, and what to do instead.
fn obstacle(index: &Index) -> Option<String> {
    if index.disabled {
        return Some("it is disabled at the source".to_owned());
    }
    let instead = match index.kind.as_str() {
        _ if index.rowstore => return None,
        "hash" => return None,
        "columnstore" => {
            "PostgreSQL has no columnstore; for scans of large tables a BRIN index on the columns that follow the order of the rows is its nearest"
        }
        "xml" => {
            "index what is asked of it instead, as USING gin ((xpath('/path/text()', column)::text[]))"
        }
        "spatial" => "with PostGIS make CREATE INDEX ... USING gist (column)",
        other => return Some(format!("an index of {other} has no counterpart")),
    };
    Some(format!("{} index: {instead}", index.kind))
}

/// `None` if one of them is not on the target, or if the catalog does not list the key's columns.
fn key_columns<'a>(index: &Index, plan: &'a TablePlan) -> Option<Vec<&'a ColumnPlan>> {
    let columns = index.key.iter().map(|key| plan.column(&key.column));
    columns
        .collect::<Option<Vec<_>>>()
        .filter(|key| !key.is_empty())
}

/// The WHERE of a filtered index; `None` if it does not translate. Without it the index would hold
/// more rows, and a unique one refuse some, so the index is then left out.
fn predicate(
    text: &str,
    object: &str,
    plan: &TablePlan,
    context: &Context<'_>,
    remarks: &mut Remarks,
) -> Option<String> {
    let visible: Vec<_> = plan.all_columns().map(scope::column).collect();
    let scope = scope::scope(&visible, context.names, context.database);
    let failed = match translate::predicate(text, &scope) {
        Ok(translated) => match collation::obstacle(plan, &translated.sql) {
            None => {
                remarks.note_all(object, &translated.notes);
                return Some(translated.sql);
            }
            Some(why) => why.to_owned(),
        },
        Err(why) => why.reason,
    };
    let why = format!("its filter: {failed}");
    remarks.untranslated(context.job, object.to_owned(), &why, text);
    None
}

/// INCLUDE columns count towards the size of an entry in PostgreSQL, and not in SQL Server: with
/// them one long value would make a row impossible, and the index of a loaded table with it.
fn included<'a>(
    index: &Index,
    plan: &'a TablePlan,
    key: &[&ColumnPlan],
    object: &str,
    remarks: &mut Remarks,
) -> Vec<&'a ColumnPlan> {
    let mut kept = Vec::new();
    let mut room = key
        .iter()
        .filter_map(|column| bytes(column))
        .fold(BTREE_BYTES - ENTRY_HEADER, u64::saturating_sub);
    for name in &index.included {
        let Some(column) = plan.column(name) else {
            remarks.omit(
                format!("included column {name} of {object}"),
                "the column is excluded by the job; the index is made without it",
            );
            continue;
        };
        if key.len() + kept.len() >= INDEX_COLUMNS {
            remarks.omit(
                format!("included column {name} of {object}"),
                format!(
                    "an index of PostgreSQL has {INDEX_COLUMNS} columns at most; it is made without the column"
                ),
            );
            continue;
        }
        match bytes(column).and_then(|size| room.checked_sub(size)) {
            Some(rest) => {
                room = rest;
                kept.push(column);
            }
            None => remarks.omit(
                format!("included column {name} of {object}"),
                format!(
                    "with it a row may need more than the {BTREE_BYTES} bytes of an index entry; the index is made without it"
                ),
            ),
        }
    }
    kept
}

/// The most bytes that a value takes; `None` without a bound.
fn bytes(column: &ColumnPlan) -> Option<u64> {
    Some(match &column.target_type {
        // A character of the target is 4 bytes at most; what came from nvarchar(n) or a code page
        // has at most 3 for each unit of the source.
        PgType::VarChar(length) | PgType::Char(length) => u64::from(*length) * 3 + VALUE_HEADER,
        PgType::Text | PgType::Xml => return None,
        PgType::Bytea => match column.source.ty {
            SqlType::Binary { length } => u64::from(length) + VALUE_HEADER,
            SqlType::VarBinary {
                length: Some(length),
            } => u64::from(length) + VALUE_HEADER,
            SqlType::RowVersion => 12,
            _ => return None,
        },
        PgType::Numeric(_) => 26,
        _ => 16,
    })
}

/// Values that the source tells apart and PostgreSQL does not: a unique index that holds two of them
/// cannot be made, and the table fails at its end.
pub(in crate::plan) fn note_rounding(
    index: &Index,
    object: &str,
    plan: &TablePlan,
    remarks: &mut Remarks,
) {
    for key in &index.key {
        let Some(column) = plan.column(&key.column) else {
            continue;
        };
        let why = if typemap::rounds(&column.source, &column.target_type) {
            "values that differ in the 7th digit only"
        } else if column.source.ty == SqlType::SqlVariant {
            "values of different types that print alike"
        } else {
            continue;
        };
        let remedy = match column.source.ty {
            SqlType::SqlVariant => "schema.indexes: false leaves indexes out",
            _ => "type `text` keeps the digit",
        };
        remarks.notes.push(format!(
            "key column {}: {why} become equal, and {object} then cannot be made ({remedy})",
            key.column
        ));
    }
}

/// A warning only: whether an entry is too large depends on the values.
fn note_size(object: &str, key: &[&ColumnPlan], remarks: &mut Remarks) {
    let sizes = key.iter().map(|column| bytes(column));
    let most = sizes
        .map(|size| size.unwrap_or(BTREE_BYTES + 1))
        .sum::<u64>();
    if most > BTREE_BYTES {
        remarks.notes.push(format!(
            "{object}: an entry may exceed the {BTREE_BYTES} bytes of PostgreSQL's btree; a row with such an entry prevents the index (tables.overrides.<table>.without leaves it out)"
        ));
    }
}

/// Whether NULL counts as a value of the key. Where the filter says IS NOT NULL anyway, that is no
/// matter, and the plain form is what people write.
fn one_null(index: &Index, key: &[&ColumnPlan]) -> bool {
    let filter = index.filter.as_deref().unwrap_or_default().to_uppercase();
    let excluded = |name: &str| {
        filter.contains(&format!("{} IS NOT NULL", tsql::names::bracket(name)).to_uppercase())
            && !filter.contains(" OR ")
    };
    let mut nullable = key.iter().filter(|column| column.source.nullable);
    index.unique && nullable.any(|column| !excluded(&column.source.name))
}
