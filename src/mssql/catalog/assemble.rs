//! Puts the catalog's rows together into tables.

use std::collections::HashMap;

use crate::error::{Error, Kind, Result};
use crate::mssql::control::ControlRow;
use crate::schema::objects::ColumnExtras;
use crate::schema::{
    Column, FILTER_UNKNOWN, Identity, Index, IndexColumn, IndexRole, OtherObject, SqlType, Table,
};

use super::access::Access;
use super::graph;
use super::objects::{Attached, ObjectAnswers};
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
/// Of memory-optimised tables.
const HASH: i64 = 7;

/// Which column or index: `object_id` and `column_id` or `index_id`.
type Part = (i64, i64);

/// Everything that was asked, as it came.
pub(super) struct Answers {
    pub(super) types: Vec<ControlRow>,
    pub(super) collations: Vec<ControlRow>,
    pub(super) tables: Vec<ControlRow>,
    pub(super) columns: Vec<ControlRow>,
    pub(super) identities: Vec<ControlRow>,
    pub(super) computed: Vec<ControlRow>,
    pub(super) indexes: Vec<ControlRow>,
    pub(super) index_columns: Vec<ControlRow>,
    pub(super) others: Vec<ControlRow>,
    /// `object_id`, rows, pages; a table may occur in several lists, its largest numbers count.
    pub(super) estimates: Vec<ControlRow>,
    pub(super) access: Access,
    /// The server does not flag filtered indexes, so that any index may be one.
    pub(super) filters_unknown: bool,
    pub(super) objects: ObjectAnswers,
}

/// Makes the tables, in the order of the answer, each with its columns by `column_id`.
pub(super) fn tables(answers: &Answers) -> Result<Vec<Table>> {
    let mut attached = Attached::of(&answers.objects)?;
    let mut columns = columns(answers, &attached)?;
    let mut indexes = indexes(answers, &columns)?;
    let mut others = others(&answers.others)?;
    let estimates = estimates(&answers.estimates)?;
    let mut tables = Vec::with_capacity(answers.tables.len());
    for row in &answers.tables {
        let object_id = row.need_int(0)?;
        let (rows, bytes) = estimates.get(&object_id).copied().unwrap_or_default();
        let mut own = columns.remove(&object_id).unwrap_or_default();
        own.sort_by_key(|(column_id, _)| *column_id);
        let mut others = others.remove(&object_id).unwrap_or_default();
        if attached.has_full_text(object_id) {
            others.push(OtherObject {
                kind: "full-text index".to_owned(),
                name: row.need_text(2)?.to_owned(),
            });
        }
        let mut extras = attached.table(object_id);
        extras.denied_columns = answers.access.denied(object_id);
        tables.push(Table {
            object_id,
            schema: row.need_text(1)?.to_owned(),
            name: row.need_text(2)?.to_owned(),
            columns: own.into_iter().map(|(_, column)| column).collect(),
            indexes: indexes.remove(&object_id).unwrap_or_default(),
            others,
            extras,
            estimated_rows: rows,
            estimated_bytes: bytes,
            filtered_by_policy: answers.access.filters(object_id),
            memory_optimized: row.flag(3)?,
        });
    }
    Ok(tables)
}

type Columns = HashMap<i64, Vec<(i64, Column)>>;

fn columns(answers: &Answers, attached: &Attached) -> Result<Columns> {
    let types = Types::of(&answers.types)?;
    let code_pages = code_pages(&answers.collations)?;
    let identities = identities(&answers.identities)?;
    let definitions = definitions(&answers.computed)?;
    let mut columns = Columns::new();
    for row in &answers.columns {
        let part = (row.need_int(0)?, row.need_int(1)?);
        let graph = row.int(12)?;
        if graph.is_some_and(graph::is_internal) {
            continue;
        }
        let ty = column_type(row, &types)?;
        let collation = row.text(10)?.map(str::to_owned);
        let code_page = collation
            .as_ref()
            .filter(|_| has_code_page(&ty))
            .and_then(|collation| code_pages.get(collation).copied());
        let (text, persisted) = definitions.get(&part).cloned().unwrap_or_default();
        let computed = (row.flag(9)? && graph.is_none()).then_some(text);
        let special = attached.special(part);
        let column = Column {
            name: match graph {
                Some(_) => graph::pseudo(row.need_text(2)?).to_owned(),
                None => row.need_text(2)?.to_owned(),
            },
            ty,
            nullable: row.flag(8)?,
            identity: identities.get(&part).cloned(),
            computed,
            collation,
            code_page,
            masked: row.flag(13)? && answers.access.masks_column(part),
            extras: ColumnExtras {
                default: attached.default(part),
                persisted,
                comment: attached.comment(part),
                alias: types.alias(row.need_int(4)?),
                bound: attached.bound(part),
                period: special.period,
                sparse: special.sparse,
                column_set: special.column_set,
                pseudo: graph.is_some(),
            },
        };
        columns.entry(part.0).or_default().push((part.1, column));
    }
    Ok(columns)
}

fn column_type(row: &ControlRow, types: &Types) -> Result<SqlType> {
    if row.int(11)?.is_some() {
        // Without its key the server sends the ciphertext, which must not pass for the value.
        return Ok(SqlType::Other {
            name: "a column under Always Encrypted".to_owned(),
        });
    }
    Ok(types.resolve(Declared {
        system_type_id: row.need_int(3)?,
        user_type_id: row.need_int(4)?,
        max_length: row.need_int(5)?,
        precision: row.need_int(6)?,
        scale: row.need_int(7)?,
        dimensions: row.int(14)?.unwrap_or(-1),
    }))
}

fn has_code_page(ty: &SqlType) -> bool {
    matches!(
        ty,
        SqlType::Char { .. } | SqlType::VarChar { .. } | SqlType::Text
    )
}

fn code_pages(rows: &[ControlRow]) -> Result<HashMap<String, u16>> {
    let mut pages = HashMap::new();
    for row in rows {
        // 0 is the code page of collations for Unicode only (Microsoft, "COLLATIONPROPERTY").
        let page = row.int(1)?.and_then(|page| u16::try_from(page).ok());
        if let (Some(name), Some(page)) = (row.text(0)?, page.filter(|page| *page != 0)) {
            pages.insert(name.to_owned(), page);
        }
    }
    Ok(pages)
}

fn identities(rows: &[ControlRow]) -> Result<HashMap<Part, Identity>> {
    let mut identities = HashMap::new();
    for row in rows {
        let (Some(seed), Some(increment)) = (row.text(2)?, row.text(3)?) else {
            // A column that only inherits the property gives out no values.
            continue;
        };
        let identity = Identity {
            seed: integer(seed)?,
            increment: integer(increment)?,
            last_value: row.text(4)?.map(integer).transpose()?,
        };
        // A server may list a column more than once.
        identities.insert((row.need_int(0)?, row.need_int(1)?), identity);
    }
    Ok(identities)
}

/// Text and whether the values are stored.
fn definitions(rows: &[ControlRow]) -> Result<HashMap<Part, (String, bool)>> {
    let mut definitions = HashMap::new();
    for row in rows {
        // NULL where the login may not see definitions.
        let text = row.text(2)?.unwrap_or_default().to_owned();
        let part = (row.need_int(0)?, row.need_int(1)?);
        definitions.insert(part, (text, row.flag(3)?));
    }
    Ok(definitions)
}

/// Rows and bytes by `object_id`.
fn estimates(rows: &[ControlRow]) -> Result<HashMap<i64, (u64, u64)>> {
    let mut estimates = HashMap::new();
    for row in rows {
        let (rows, pages) = (count(row, 1)?, count(row, 2)?);
        let known: &mut (u64, u64) = estimates.entry(row.need_int(0)?).or_default();
        known.0 = known.0.max(rows);
        known.1 = known.1.max(pages.saturating_mul(PAGE));
    }
    Ok(estimates)
}

/// Some servers say -1 where they have never counted.
fn count(row: &ControlRow, column: usize) -> Result<u64> {
    Ok(u64::try_from(row.int(column)?.unwrap_or(0)).unwrap_or(0))
}

/// Constraints by `object_id` of their table.
fn others(rows: &[ControlRow]) -> Result<HashMap<i64, Vec<OtherObject>>> {
    let mut others: HashMap<i64, Vec<OtherObject>> = HashMap::new();
    for row in rows {
        // `sys.objects.type` is char(2), with a blank after one letter.
        let kind = match row.need_text(1)?.trim_end() {
            "F" => "foreign key",
            "C" => "check",
            "D" => "default",
            // Rules and the like, which nothing is made of.
            _ => continue,
        };
        others
            .entry(row.need_int(0)?)
            .or_default()
            .push(OtherObject {
                kind: kind.to_owned(),
                name: row.need_text(2)?.to_owned(),
            });
    }
    Ok(others)
}

/// Indexes by `object_id`.
fn indexes(answers: &Answers, columns: &Columns) -> Result<HashMap<i64, Vec<Index>>> {
    let mut members = index_columns(&answers.index_columns)?;
    let internal = graph::Internal::of(&answers.columns)?;
    let mut indexes = HashMap::new();
    for row in &answers.indexes {
        let (object_id, index_id) = (row.need_int(0)?, row.need_int(1)?);
        let Some(of_table) = columns.get(&object_id) else {
            continue;
        };
        let mut members = members.remove(&(object_id, index_id)).unwrap_or_default();
        members.sort_by_key(|member| (member.key_ordinal, member.position));
        let index = index(row, answers.filters_unknown)?;
        let index = with_members(index, &members, of_table, (&internal, object_id))?;
        indexes
            .entry(object_id)
            .or_insert_with(Vec::new)
            .push(index);
    }
    Ok(indexes)
}

/// The index with its columns.
///
/// # Errors
/// [`Kind::SourceConsistency`] if `sys.columns` has no such column.
fn with_members(
    mut index: Index,
    members: &[Member],
    of_table: &[(i64, Column)],
    (internal, object_id): (&graph::Internal, i64),
) -> Result<Index> {
    for member in members {
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
        if member.included {
            index.included.push(column);
        } else if member.key_ordinal > 0 {
            index.key.push(IndexColumn {
                column,
                descending: member.descending,
            });
        }
        // Neither: the partitioning column, which the server adds by itself.
    }
    Ok(index)
}

fn index(row: &ControlRow, filters_unknown: bool) -> Result<Index> {
    let role = match (row.flag(5)?, row.flag(6)?) {
        (true, _) => IndexRole::PrimaryKey,
        (false, true) => IndexRole::UniqueConstraint,
        (false, false) => IndexRole::Index,
    };
    let kind = row.need_int(3)?;
    let filter = if row.flag(8)? {
        Some(row.text(9)?.unwrap_or_default().to_owned())
    } else if filters_unknown && role == IndexRole::Index {
        Some(FILTER_UNKNOWN.to_owned())
    } else {
        None
    };
    Ok(Index {
        name: row.text(2)?.unwrap_or_default().to_owned(),
        role,
        unique: row.flag(4)?,
        clustered: kind == CLUSTERED || kind == CLUSTERED_COLUMNSTORE,
        disabled: row.flag(7)?,
        rowstore: kind == CLUSTERED || kind == NONCLUSTERED,
        kind: kind_word(kind),
        filter,
        key: Vec::new(),
        included: Vec::new(),
    })
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

struct Member {
    column_id: i64,
    /// From 1; 0 for columns that are not part of the key.
    key_ordinal: i64,
    /// Order of the included columns.
    position: i64,
    descending: bool,
    included: bool,
}

fn index_columns(rows: &[ControlRow]) -> Result<HashMap<Part, Vec<Member>>> {
    let mut members: HashMap<Part, Vec<Member>> = HashMap::new();
    for row in rows {
        let member = Member {
            column_id: row.need_int(2)?,
            key_ordinal: row.int(3)?.unwrap_or(0),
            descending: row.flag(4)?,
            included: row.flag(5)?,
            position: row.int(6)?.unwrap_or(0),
        };
        let part = (row.need_int(0)?, row.need_int(1)?);
        members.entry(part).or_default().push(member);
    }
    Ok(members)
}

fn name_of(columns: &[(i64, Column)], column_id: i64) -> Option<String> {
    let found = columns.iter().find(|(id, _)| *id == column_id);
    found.map(|(_, column)| column.name.clone())
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
