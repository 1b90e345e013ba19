//! Partition functions and schemes, partitions and their rows.

use crate::engine::catalog::build::{Build, T, at, b, i, s};
use crate::engine::catalog::stored::{pages, rows, structures};
use crate::engine::datatype;
use crate::engine::eval::range::under;
use crate::engine::model::index::{Index, IndexForm};
use crate::engine::model::partition::{PartitionFunction, prefix};
use crate::engine::model::state::Database;
use crate::engine::model::table::Table;
use crate::types::Value;

pub(super) fn view(database: &Database, name: &str) -> Option<Build> {
    Some(match name {
        "partitions" => partitions(database),
        "dm_db_partition_stats" => partition_stats(database),
        "partition_functions" => functions(database),
        "partition_parameters" => parameters(database),
        "partition_range_values" => range_values(database),
        "partition_schemes" => schemes(database),
        "destination_data_spaces" => destinations(database),
        _ => return None,
    })
}

/// `data_space_id` of the scheme that an index, or the heap, lies on, or of PRIMARY.
pub(super) fn data_space(table: &Table, index: Option<&Index>) -> i32 {
    table.placement(index).map_or(1, |placed| placed.scheme)
}

/// The row of `sys.index_columns` for a partitioning column that the index does not name: "columns
/// implicitly added because they are a partitioning column are returned as 0" (`key_ordinal`).
pub(super) fn implied_column(table: &Table, id: i32, index: Option<&Index>) -> Option<Vec<Value>> {
    let placed = table.placement(index)?;
    let keys = index.map_or(0, |i| i.keys.len() + i.included.len());
    let named = index.is_some_and(|i| {
        i.keys.iter().any(|(column, _)| *column == placed.column)
            || i.included.contains(&placed.column)
    });
    (!named).then(|| {
        vec![
            i(table.object_id),
            i(id),
            i(keys as i64 + 1),
            i(placed.column),
            i(0),
            i(1),
            b(false),
            b(false),
            i(0),
        ]
    })
}

/// A partition's id.
pub(super) fn id(table: &Table, index: i32, number: u16) -> i64 {
    72_057_594_037_927_936
        + (i64::from(table.object_id) * 64 + i64::from(index)) * 16_384
        + i64::from(number)
        - 1
}

/// The number of each partition of an index, or of the heap, with its rows.
fn divided(table: &Table, index: Option<&Index>) -> Vec<(u16, i64)> {
    let Some(placed) = table.placement(index) else {
        return vec![(1, rows(table, index))];
    };
    let stored = match index {
        Some(index) if index.form == IndexForm::Rows => &index.rows,
        _ => table.primary(),
    };
    (1..=placed.function.partitions())
        .map(|number| {
            let range = under(&prefix(number));
            let rows = stored.count(&range.low, range.high.as_deref());
            (number, rows as i64)
        })
        .collect()
}

fn partitions(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("partition_id", T::Big),
        ("object_id", T::Int),
        ("index_id", T::Int),
        ("partition_number", T::Int),
        ("hobt_id", T::Big),
        ("rows", T::Big),
        ("filestream_filegroup_id", T::Small),
        ("data_compression", T::Tiny),
        ("data_compression_desc", T::Desc),
    ]);
    for (table, index_id, index) in structures(database) {
        for (number, rows) in divided(table, index) {
            let partition = id(table, index_id, number);
            v.row(vec![
                i(partition),
                i(table.object_id),
                i(index_id),
                i(i64::from(number)),
                i(partition),
                i(table.kept_rows.unwrap_or(rows)),
                i(0),
                i(0),
                s("NONE"),
            ]);
        }
    }
    v
}

fn partition_stats(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("partition_id", T::Big),
        ("object_id", T::Int),
        ("index_id", T::Int),
        ("partition_number", T::Int),
        ("in_row_data_page_count", T::Big),
        ("in_row_used_page_count", T::Big),
        ("in_row_reserved_page_count", T::Big),
        ("lob_used_page_count", T::Big),
        ("lob_reserved_page_count", T::Big),
        ("row_overflow_used_page_count", T::Big),
        ("row_overflow_reserved_page_count", T::Big),
        ("used_page_count", T::Big),
        ("reserved_page_count", T::Big),
        ("row_count", T::Big),
    ]);
    for (table, index_id, index) in structures(database) {
        let (all, pages) = (rows(table, index).max(1), pages(table, index));
        for (number, rows) in divided(table, index) {
            let n = (pages * rows + all - 1) / all;
            v.row(vec![
                i(id(table, index_id, number)),
                i(table.object_id),
                i(index_id),
                i(i64::from(number)),
                i((n - 1).max(0)),
                i(n),
                i(n),
                i(0),
                i(0),
                i(0),
                i(0),
                i(n),
                i(n),
                i(table.kept_rows.unwrap_or(rows)),
            ]);
        }
    }
    v
}

fn functions(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("name", T::Name),
        ("function_id", T::Int),
        ("type", T::Code),
        ("type_desc", T::Desc),
        ("fanout", T::Int),
        ("boundary_value_on_right", T::Bit),
        ("is_system", T::Bit),
        ("create_date", T::Date),
        ("modify_date", T::Date),
    ]);
    for function in database.partition_functions.iter() {
        v.row(vec![
            s(&function.name),
            i(function.id),
            s("R "),
            s("RANGE"),
            i(i64::from(function.partitions())),
            b(function.right),
            b(false),
            at(function.created),
            at(function.modified),
        ]);
    }
    v
}

fn parameters(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("function_id", T::Int),
        ("parameter_id", T::Int),
        ("system_type_id", T::Tiny),
        ("max_length", T::Small),
        ("precision", T::Tiny),
        ("scale", T::Tiny),
        ("collation_name", T::Name),
        ("user_type_id", T::Int),
    ]);
    for function in database.partition_functions.iter() {
        let (precision, scale) = (
            datatype::precision(&function.ty),
            datatype::scale(&function.ty),
        );
        v.row(vec![
            i(function.id),
            i(1),
            i(datatype::system_type_id(&function.ty)),
            i(datatype::max_length(&function.ty)),
            i(precision),
            i(scale),
            function
                .collation
                .as_ref()
                .map_or(Value::Null, |c| s(&c.name)),
            i(function.user_type_id),
        ]);
    }
    v
}

fn range_values(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("function_id", T::Int),
        ("boundary_id", T::Int),
        ("parameter_id", T::Int),
        ("value", T::Variant),
    ]);
    for function in database.partition_functions.iter() {
        for (n, boundary) in function.boundaries.iter().enumerate() {
            v.row(vec![
                i(function.id),
                i(n as i64 + 1),
                i(1),
                printed(function, boundary),
            ]);
        }
    }
    v
}

/// As CONVERT with style 121 prints it: `sql_variant` has no values of its own here.
fn printed(function: &PartitionFunction, boundary: &Value) -> Value {
    let style = datatype::is_temporal(&function.ty).then_some(121);
    crate::engine::value::convert::print(boundary, &function.ty, style)
        .map_or(Value::Null, Value::Text)
}

fn schemes(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("name", T::Name),
        ("data_space_id", T::Int),
        ("type", T::Code),
        ("type_desc", T::Desc),
        ("is_default", T::Bit),
        ("is_system", T::Bit),
        ("function_id", T::Int),
    ]);
    for scheme in database.partition_schemes.iter() {
        v.row(vec![
            s(&scheme.name),
            i(scheme.id),
            s("PS"),
            s("PARTITION_SCHEME"),
            b(false),
            b(false),
            i(scheme.function.id),
        ]);
    }
    v
}

fn destinations(database: &Database) -> Build {
    let mut v = Build::new(&[
        ("partition_scheme_id", T::Int),
        ("destination_id", T::Int),
        ("data_space_id", T::Int),
    ]);
    for scheme in database.partition_schemes.iter() {
        for number in 1..=scheme.function.partitions() {
            v.row(vec![i(scheme.id), i(i64::from(number)), i(1)]);
        }
    }
    v
}

pub(super) fn data_spaces(database: &Database) -> Build {
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
    for scheme in database.partition_schemes.iter() {
        v.row(vec![
            s(&scheme.name),
            i(scheme.id),
            s("PS"),
            s("PARTITION_SCHEME"),
            b(false),
        ]);
    }
    v
}
