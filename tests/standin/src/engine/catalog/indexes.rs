//! Indexes, their columns, partitions and sizes.

use crate::engine::catalog::build::{Build, NULL, T, b, i, opt, s};
use crate::engine::catalog::partitions;
use crate::engine::catalog::stored::{ids, pages, rows, stored, structures};
use crate::engine::model::facts::Facts;
use crate::engine::model::index::{Index, IndexForm, IndexKind, XmlUse};
use crate::engine::model::state::Database;

pub(super) fn view(_facts: &Facts, database: &Database, name: &str) -> Option<Build> {
    Some(match name {
        "indexes" => indexes(database),
        "index_columns" => index_columns(database),
        "stats" => stats(database),
        "allocation_units" => allocation_units(database),
        "sysindexes" => sysindexes(database),
        "xml_indexes" => xml_indexes(database),
        "spatial_indexes" => spatial_indexes(database),
        "data_spaces" => partitions::data_spaces(database),
        "filegroups" => {
            let mut v = Build::new(&[
                ("name", T::Name),
                ("data_space_id", T::Int),
                ("type", T::Code),
                ("type_desc", T::Desc),
                ("is_default", T::Bit),
            ]);
            v.row(vec![
                s("PRIMARY"),
                i(1),
                s("FG"),
                s("ROWS_FILEGROUP"),
                b(true),
            ]);
            v
        }
        _ => return partitions::view(database, name),
    })
}

/// `sys.indexes.type` and `type_desc`.
fn form(id: i32, index: Option<&Index>) -> (i32, &'static str) {
    match (index.map(|i| &i.form), id) {
        (None, _) => (0, "HEAP"),
        (Some(IndexForm::Rows), 1) => (1, "CLUSTERED"),
        (Some(IndexForm::Rows), _) => (2, "NONCLUSTERED"),
        (Some(IndexForm::Xml(_)), _) => (3, "XML"),
        (Some(IndexForm::Spatial(_)), _) => (4, "SPATIAL"),
        (Some(IndexForm::Columnstore), 1) => (5, "CLUSTERED COLUMNSTORE"),
        (Some(IndexForm::Columnstore), _) => (6, "NONCLUSTERED COLUMNSTORE"),
    }
}

fn indexes(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("name", T::Name),
        ("index_id", T::Int),
        ("type", T::Tiny),
        ("type_desc", T::Desc),
        ("is_unique", T::Bit),
        ("data_space_id", T::Int),
        ("ignore_dup_key", T::Bit),
        ("is_primary_key", T::Bit),
        ("is_unique_constraint", T::Bit),
        ("fill_factor", T::Tiny),
        ("is_padded", T::Bit),
        ("is_disabled", T::Bit),
        ("is_hypothetical", T::Bit),
        ("is_ignored_in_optimization", T::Bit),
        ("allow_row_locks", T::Bit),
        ("allow_page_locks", T::Bit),
        ("has_filter", T::Bit),
        ("filter_definition", T::Text),
        ("compression_delay", T::Int),
        ("auto_created", T::Bit),
    ]);
    for table in database.tables.values() {
        for (id, index) in ids(table) {
            let is_hash = table
                .memory
                .as_ref()
                .zip(index)
                .is_some_and(|(memory, index)| memory.hash.contains(&index.name));
            let form = if is_hash {
                (7, "NONCLUSTERED HASH")
            } else {
                form(id, index)
            };
            let kind = |k: IndexKind| b(index.is_some_and(|i| i.kind == k));
            v.row(vec![
                i(table.object_id),
                opt(index.map(|i| i.name.as_str())),
                i(id),
                i(form.0),
                s(form.1),
                b(index.is_some_and(|i| i.unique)),
                i(partitions::data_space(table, index)),
                b(false),
                kind(IndexKind::PrimaryKey),
                kind(IndexKind::UniqueConstraint),
                i(0),
                b(false),
                b(index.is_some_and(|i| i.disabled)),
                b(false),
                b(false),
                b(true),
                b(true),
                b(index.is_some_and(|i| i.filter.is_some())),
                opt(index.and_then(|i| i.filter.as_deref())),
                NULL,
                b(false),
            ]);
        }
    }
    v
}

fn index_columns(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("index_id", T::Int),
        ("index_column_id", T::Int),
        ("column_id", T::Int),
        ("key_ordinal", T::Tiny),
        ("partition_ordinal", T::Tiny),
        ("is_descending_key", T::Bit),
        ("is_included_column", T::Bit),
        ("column_store_order_ordinal", T::Tiny),
    ]);
    for table in database.tables.values() {
        for (id, index) in ids(table) {
            if let Some(row) = partitions::implied_column(table, id, index) {
                v.row(row);
            }
        }
        for index in &table.indexes {
            let keys = index.keys.iter().map(|(c, d)| (*c, *d, false));
            let included = index.included.iter().map(|c| (*c, false, true));
            for (n, (column, descending, included)) in keys.chain(included).enumerate() {
                let ordinal = n as i64 + 1;
                // XML and spatial values cannot be compared, so their columns are no keys.
                let keyless = included || index.form != IndexForm::Rows;
                let key = if keyless { 0 } else { ordinal };
                v.row(vec![
                    i(table.object_id),
                    i(index.id),
                    i(ordinal),
                    i(column),
                    i(key),
                    i(i64::from(
                        index.placed.as_ref().is_some_and(|p| p.column == column),
                    )),
                    b(descending),
                    b(included),
                    i(0),
                ]);
            }
        }
    }
    v
}

fn stats(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("name", T::Name),
        ("stats_id", T::Int),
        ("auto_created", T::Bit),
        ("user_created", T::Bit),
        ("has_filter", T::Bit),
    ]);
    for table in database.tables.values() {
        for index in stored(table).filter_map(|(_, i)| i) {
            v.row(vec![
                i(table.object_id),
                s(&index.name),
                i(index.id),
                b(false),
                b(false),
                b(index.filter.is_some()),
            ]);
        }
    }
    v
}

fn allocation_units(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("allocation_unit_id", T::Big),
        ("type", T::Tiny),
        ("type_desc", T::Desc),
        ("container_id", T::Big),
        ("data_space_id", T::Int),
        ("total_pages", T::Big),
        ("used_pages", T::Big),
        ("data_pages", T::Big),
    ]);
    for (table, id, index) in structures(database) {
        let (partition, n) = (partitions::id(table, id, 1), pages(table, index));
        v.row(vec![
            i(partition),
            i(1),
            s("IN_ROW_DATA"),
            i(partition),
            i(1),
            i(n),
            i(n),
            i((n - 1).max(0)),
        ]);
    }
    v
}

fn sysindexes(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("id", T::Int),
        ("indid", T::Small),
        ("name", T::Name),
        ("rows", T::Int),
        ("rowcnt", T::Big),
        ("used", T::Int),
        ("reserved", T::Int),
        ("dpages", T::Int),
        ("status", T::Int),
    ]);
    for (table, id, index) in structures(database) {
        let (n, pages) = (rows(table, index), pages(table, index));
        v.row(vec![
            i(table.object_id),
            i(id),
            opt(index.map(|i| i.name.as_str())),
            i(n.min(i64::from(i32::MAX))),
            i(n),
            i(pages),
            i(pages),
            i(pages),
            i(0),
        ]);
    }
    v
}

fn xml_indexes(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("name", T::Name),
        ("index_id", T::Int),
        ("type", T::Tiny),
        ("type_desc", T::Desc),
        ("is_disabled", T::Bit),
        ("using_xml_index_id", T::Int),
        ("secondary_type", T::Code),
        ("secondary_type_desc", T::Desc),
        ("xml_index_type", T::Tiny),
        ("xml_index_type_description", T::Desc),
    ]);
    for table in database.tables.values() {
        for index in &table.indexes {
            let IndexForm::Xml(secondary) = &index.form else {
                continue;
            };
            let (using, code, desc) = match secondary {
                None => (NULL, NULL, NULL),
                Some((id, XmlUse::Path)) => (i(*id), s("P"), s("PATH")),
                Some((id, XmlUse::Value)) => (i(*id), s("V"), s("VALUE")),
                Some((id, XmlUse::Property)) => (i(*id), s("R"), s("PROPERTY")),
            };
            let kind = match secondary {
                None => (0, "PRIMARY_XML"),
                Some(_) => (1, "SECONDARY_XML"),
            };
            v.row(vec![
                i(table.object_id),
                s(&index.name),
                i(index.id),
                i(3),
                s("XML"),
                b(index.disabled),
                using,
                code,
                desc,
                i(kind.0),
                s(kind.1),
            ]);
        }
    }
    v
}

fn spatial_indexes(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("object_id", T::Int),
        ("name", T::Name),
        ("index_id", T::Int),
        ("type", T::Tiny),
        ("type_desc", T::Desc),
        ("is_disabled", T::Bit),
        ("spatial_index_type", T::Tiny),
        ("spatial_index_type_desc", T::Desc),
        ("tessellation_scheme", T::Name),
    ]);
    for table in database.tables.values() {
        for index in &table.indexes {
            let IndexForm::Spatial(scheme) = &index.form else {
                continue;
            };
            let kind = if scheme.starts_with("GEOGRAPHY") {
                (2, "GEOGRAPHY")
            } else {
                (1, "GEOMETRY")
            };
            v.row(vec![
                i(table.object_id),
                s(&index.name),
                i(index.id),
                i(4),
                s("SPATIAL"),
                b(index.disabled),
                i(kind.0),
                s(kind.1),
                s(scheme),
            ]);
        }
    }
    v
}
