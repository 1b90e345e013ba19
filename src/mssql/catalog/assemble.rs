//! Puts the catalog's rows together into tables.
//!
//! Pure: rows in, tables out, tested with rows as text. Rows are joined here and not by the server,
//! because a join in T-SQL would repeat long texts and fail as a whole if one view is refused.

use std::collections::HashMap;

use crate::error::{Error, Kind, Result};
use tsql::schema::objects::ColumnExtras;
use tsql::schema::{
    Column, FILTER_UNKNOWN, Identity, Index, IndexColumn, IndexRole, OtherObject, SqlType, Table,
};

use super::access::Access;
use super::graph;
use super::objects::{Attached, ObjectAnswers};
use super::queries::{
    CollationRow, ColumnRow, ComputedRow, ConstraintRow, EstimateRow, IdentityRow, IndexColumnRow,
    IndexRow, TableRow, TypeRow,
};
use super::types::{Declared, Types, integer};

/// Bytes of a page of a SQL Server data file.
const PAGE: u64 = 8192;

/// `sys.indexes.type` (Microsoft, "sys.indexes"): clustered and nonclustered rowstore.
const CLUSTERED: i64 = 1;
const NONCLUSTERED: i64 = 2;
const XML: i64 = 3;
const SPATIAL: i64 = 4;
const CLUSTERED_COLUMNSTORE: i64 = 5;
const COLUMNSTORE: i64 = 6;
/// An index of memory-optimised tables.
const HASH: i64 = 7;

/// Which column or index: `object_id` and `column_id` or `index_id`.
type MemberKey = (i64, i64);

/// The rows of every query, as they came.
pub(super) struct Answers {
    pub(super) types: Vec<TypeRow>,
    pub(super) collations: Vec<CollationRow>,
    pub(super) tables: Vec<TableRow>,
    pub(super) columns: Vec<ColumnRow>,
    pub(super) identities: Vec<IdentityRow>,
    pub(super) computed: Vec<ComputedRow>,
    pub(super) indexes: Vec<IndexRow>,
    pub(super) index_columns: Vec<IndexColumnRow>,
    pub(super) constraints: Vec<ConstraintRow>,
    /// A table may have several rows, of which the largest numbers count.
    pub(super) estimates: Vec<EstimateRow>,
    pub(super) access: Access,
    /// The server does not flag filtered indexes, so that any index may be one.
    pub(super) filters_unknown: bool,
    pub(super) objects: ObjectAnswers,
}

/// Makes the tables, in the order of the answer, each with its columns by `column_id`.
///
/// # Errors
/// `SourceConsistency` if the answers contradict each other, because the schema changed between two
/// statements; `SourceProtocol` for a number that is none.
pub(super) fn tables(answers: &Answers) -> Result<Vec<Table>> {
    let mut attached = Attached::new(&answers.objects);
    let mut columns = columns(answers, &attached)?;
    let mut indexes = indexes(answers, &columns)?;
    let mut others = others(&answers.constraints);
    let estimates = estimates(&answers.estimates);
    let mut tables = Vec::with_capacity(answers.tables.len());
    for row in &answers.tables {
        let object_id = row.object_id;
        let (rows, bytes) = estimates.get(&object_id).copied().unwrap_or_default();
        let mut own = columns.remove(&object_id).unwrap_or_default();
        own.sort_by_key(|(column_id, _)| *column_id);
        let mut others = others.remove(&object_id).unwrap_or_default();
        if attached.has_full_text(object_id) {
            others.push(OtherObject {
                kind: "full-text index".to_owned(),
                name: row.name.clone(),
            });
        }
        let mut extras = attached.table(object_id);
        extras.denied_columns = answers.access.denied(object_id);
        tables.push(Table {
            object_id,
            schema: row.schema.clone(),
            name: row.name.clone(),
            columns: own.into_iter().map(|(_, column)| column).collect(),
            indexes: indexes.remove(&object_id).unwrap_or_default(),
            others,
            extras,
            estimated_rows: rows,
            estimated_bytes: bytes,
            filtered_by_policy: answers.access.filters(object_id),
            memory_optimized: row.is_memory_optimized,
        });
    }
    Ok(tables)
}

type Columns = HashMap<i64, Vec<(i64, Column)>>;

/// Columns by `object_id`, each with its `column_id`; those that no query may name are left out.
fn columns(answers: &Answers, attached: &Attached) -> Result<Columns> {
    let types = Types::new(&answers.types);
    let code_pages = code_pages(&answers.collations);
    let identities = identities(&answers.identities)?;
    let definitions = definitions(&answers.computed);
    let mut columns = Columns::new();
    for row in &answers.columns {
        let key = (row.object_id, row.column_id);
        let graph = row.graph_type;
        if graph.is_some_and(graph::is_internal) {
            continue;
        }
        let ty = column_type(row, &types);
        let collation = row.collation_name.clone();
        let code_page = collation
            .as_ref()
            .filter(|_| ty.has_code_page())
            .and_then(|collation| code_pages.get(collation).copied());
        let (text, persisted) = definitions.get(&key).cloned().unwrap_or_default();
        let computed = (row.is_computed && graph.is_none()).then_some(text);
        let special = attached.special(key);
        let column = Column {
            name: match graph {
                Some(_) => graph::pseudo(&row.name).to_owned(),
                None => row.name.clone(),
            },
            ty,
            nullable: row.is_nullable,
            identity: identities.get(&key).cloned().flatten(),
            computed,
            collation,
            code_page,
            masked: row.is_masked && answers.access.masks_column(key),
            extras: ColumnExtras {
                default: attached.default(key),
                persisted,
                comment: attached.comment(key),
                alias: types.alias(row.user_type_id),
                bound: attached.bound(key),
                period: special.period,
                sparse: special.sparse,
                column_set: special.column_set,
                hidden_identity: matches!(identities.get(&key), Some(None)),
                pseudo: graph.is_some(),
            },
        };
        columns.entry(key.0).or_default().push((key.1, column));
    }
    Ok(columns)
}

/// Always Encrypted comes first: the declared type is that of the plain value.
fn column_type(row: &ColumnRow, types: &Types) -> SqlType {
    if row.encryption_type.is_some() {
        // Without its key the server sends the ciphertext, which must not pass for the value.
        return SqlType::Other {
            name: "a column under Always Encrypted".to_owned(),
        };
    }
    types.resolve(Declared {
        system_type_id: row.system_type_id,
        user_type_id: row.user_type_id,
        max_length: row.max_length,
        precision: row.precision,
        scale: row.scale,
        dimensions: row.vector_dimensions.unwrap_or(-1),
    })
}

/// By collation.
pub(super) fn code_pages(rows: &[CollationRow]) -> HashMap<String, u16> {
    let mut pages = HashMap::new();
    for row in rows {
        let page = row.code_page.and_then(|page| u16::try_from(page).ok());
        if let (Some(name), Some(page)) = (&row.name, page.filter(|page| *page != 0)) {
            pages.insert(name.clone(), page);
        }
    }
    pages
}

/// `None` is an identity of which the server does not tell how it counts.
fn identities(rows: &[IdentityRow]) -> Result<HashMap<MemberKey, Option<Identity>>> {
    let mut identities = HashMap::new();
    for row in rows {
        let key = (row.object_id, row.column_id);
        let (Some(seed), Some(increment)) = (&row.seed_value, &row.increment_value) else {
            identities.entry(key).or_insert(None);
            continue;
        };
        let identity = Identity {
            seed: integer(seed)?,
            increment: integer(increment)?,
            last_value: row.last_value.as_deref().map(integer).transpose()?,
        };
        // A server may list a column more than once.
        identities.insert(key, Some(identity));
    }
    Ok(identities)
}

/// Text and whether the values are stored.
fn definitions(rows: &[ComputedRow]) -> HashMap<MemberKey, (String, bool)> {
    let definition = |row: &ComputedRow| {
        let text = row.definition.clone().unwrap_or_default();
        ((row.object_id, row.column_id), (text, row.is_persisted))
    };
    rows.iter().map(definition).collect()
}

/// Rows and bytes by `object_id`.
fn estimates(rows: &[EstimateRow]) -> HashMap<i64, (u64, u64)> {
    let count = |number: Option<i64>| u64::try_from(number.unwrap_or(0)).unwrap_or(0);
    let mut estimates = HashMap::new();
    for row in rows {
        let known: &mut (u64, u64) = estimates.entry(row.object_id).or_default();
        known.0 = known.0.max(count(row.rows));
        known.1 = known.1.max(count(row.pages).saturating_mul(PAGE));
    }
    estimates
}

/// Constraints by `object_id` of their table.
fn others(rows: &[ConstraintRow]) -> HashMap<i64, Vec<OtherObject>> {
    let mut others: HashMap<i64, Vec<OtherObject>> = HashMap::new();
    for row in rows {
        let kind = match row.kind.trim_end() {
            "F" => "foreign key",
            "C" => "check",
            "D" => "default",
            // Rules and the like, which nothing is made of.
            _ => continue,
        };
        others
            .entry(row.parent_object_id)
            .or_default()
            .push(OtherObject {
                kind: kind.to_owned(),
                name: row.name.clone(),
            });
    }
    others
}

/// Indexes by `object_id`.
fn indexes(answers: &Answers, columns: &Columns) -> Result<HashMap<i64, Vec<Index>>> {
    let mut members = index_columns(&answers.index_columns);
    let internal = graph::Internal::new(&answers.columns);
    let mut indexes: HashMap<i64, Vec<Index>> = HashMap::new();
    for row in &answers.indexes {
        let Some(of_table) = columns.get(&row.object_id) else {
            continue;
        };
        let mut members = members
            .remove(&(row.object_id, row.index_id))
            .unwrap_or_default();
        members.sort_by_key(|member| (member.key_ordinal, member.index_column_id));
        let mut index = index(row, answers.filters_unknown);
        add_columns(&mut index, &members, of_table, &internal)?;
        indexes.entry(row.object_id).or_default().push(index);
    }
    Ok(indexes)
}

/// Gives the index its columns.
///
/// # Errors
/// [`Kind::SourceConsistency`] if `sys.columns` has no such column.
fn add_columns(
    index: &mut Index,
    members: &[&IndexColumnRow],
    of_table: &[(i64, Column)],
    internal: &graph::Internal,
) -> Result<()> {
    for member in members {
        let object_id = member.object_id;
        let column = match internal.pseudo((object_id, member.column_id)) {
            Some(pseudo) => pseudo.to_owned(),
            None => name_of(of_table, member.column_id).ok_or_else(|| {
                Error::new(
                    Kind::SourceConsistency,
                    "the schema changed while the catalog was read: run again",
                )
            })?,
        };
        if internal.is_named(object_id, &column) && index.key.iter().any(|key| key.column == column)
        {
            continue;
        }
        // `key_ordinal` is 0 for included columns and for the partitioning column.
        if member.is_included_column {
            index.included.push(column);
        } else if member.key_ordinal.unwrap_or(0) > 0 {
            index.key.push(IndexColumn {
                column,
                descending: member.is_descending_key,
            });
        }
        // Neither: the partitioning column, which the server adds by itself.
    }
    Ok(())
}

/// An index without its columns.
pub(super) fn index(row: &IndexRow, filters_unknown: bool) -> Index {
    let role = if row.is_primary_key {
        IndexRole::PrimaryKey
    } else if row.is_unique_constraint {
        IndexRole::UniqueConstraint
    } else {
        IndexRole::Index
    };
    let filter = if row.has_filter {
        Some(row.filter_definition.clone().unwrap_or_default())
    } else if filters_unknown && role == IndexRole::Index {
        Some(FILTER_UNKNOWN.to_owned())
    } else {
        None
    };
    Index {
        name: row.name.clone().unwrap_or_default(),
        role,
        unique: row.is_unique,
        clustered: row.kind == CLUSTERED || row.kind == CLUSTERED_COLUMNSTORE,
        disabled: row.is_disabled,
        rowstore: row.kind == CLUSTERED || row.kind == NONCLUSTERED,
        kind: kind_word(row.kind),
        filter,
        key: Vec::new(),
        included: Vec::new(),
    }
}

/// For the plan to show; a type that is not known yet by its number.
fn kind_word(kind: i64) -> String {
    match kind {
        CLUSTERED | NONCLUSTERED => "rowstore",
        XML => "xml",
        SPATIAL => "spatial",
        CLUSTERED_COLUMNSTORE | COLUMNSTORE => "columnstore",
        HASH => "hash",
        other => return format!("type {other}"),
    }
    .to_owned()
}

/// By `object_id` and `index_id`.
pub(super) fn index_columns(rows: &[IndexColumnRow]) -> HashMap<MemberKey, Vec<&IndexColumnRow>> {
    let mut members: HashMap<MemberKey, Vec<&IndexColumnRow>> = HashMap::new();
    for row in rows {
        let key = (row.object_id, row.index_id);
        members.entry(key).or_default().push(row);
    }
    members
}

fn name_of(columns: &[(i64, Column)], column_id: i64) -> Option<String> {
    let found = columns.iter().find(|(id, _)| *id == column_id);
    found.map(|(_, column)| column.name.clone())
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
