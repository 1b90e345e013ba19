//! Tables for unit tests.
//!
//! Plain values that a test changes where it needs another. The table's name has a bracket in it,
//! so that every statement of a test also shows whether names are quoted.

use crate::plan::table::{ColumnPlan, KeyColumn, Strategy, TablePlan, TargetName};
use tsql::schema::{Column, Index, IndexColumn, IndexRole, SqlType, Table};
use tsql::typemap::PgType;

/// A NOT NULL column without anything special.
pub(crate) fn column(name: &str, ty: SqlType) -> Column {
    Column {
        name: name.into(),
        ty,
        nullable: false,
        identity: None,
        computed: None,
        collation: None,
        code_page: None,
        masked: false,
        extras: Default::default(),
    }
}

/// A unique, clustered, enabled primary key.
pub(super) fn primary_key(name: &str, columns: &[&str]) -> Index {
    Index {
        name: name.into(),
        role: IndexRole::PrimaryKey,
        unique: true,
        clustered: true,
        disabled: false,
        rowstore: true,
        kind: "rowstore".into(),
        filter: None,
        key: columns
            .iter()
            .map(|&column| IndexColumn {
                column: column.into(),
                descending: false,
            })
            .collect(),
        included: Vec::new(),
    }
}

pub(super) fn table(columns: Vec<Column>, indexes: Vec<Index>, estimated_rows: u64) -> Table {
    Table {
        object_id: 1,
        schema: "dbo".into(),
        name: "Odd]Name".into(),
        columns,
        indexes,
        others: Vec::new(),
        estimated_rows,
        estimated_bytes: 0,
        filtered_by_policy: false,
        memory_optimized: false,
        extras: Default::default(),
    }
}

/// The plan of a table for tests.
pub(crate) fn plan(columns: Vec<Column>, strategy: Strategy) -> TablePlan {
    let columns = columns
        .into_iter()
        .enumerate()
        .map(|(position, source)| ColumnPlan {
            position,
            target_name: source.name.to_lowercase(),
            target_type: PgType::Text,
            identity: None,
            clauses: Default::default(),
            source,
        });
    TablePlan {
        schema: "dbo".into(),
        name: "Odd]Name".into(),
        target: TargetName {
            schema: "public".into(),
            table: "odd]name".into(),
        },
        columns: columns.collect(),
        generated: Vec::new(),
        objects: Default::default(),
        primary_key: None,
        strategy,
        wanted_partitions: 3,
        dense_partitions: 3,
        estimated_rows: 10,
        estimated_bytes: 0,
        filter: None,
        memory_optimized: false,
        filtered_by_policy: false,
        omissions: Vec::new(),
        notes: Vec::new(),
    }
}

/// A keyset over the columns; `true` is descending.
pub(crate) fn keyset(columns: &[(Column, bool)]) -> Strategy {
    let key = columns
        .iter()
        .map(|(column, descending)| KeyColumn {
            column: column.clone(),
            descending: *descending,
        })
        .collect();
    Strategy::Keyset {
        index: "PK".into(),
        key,
        ordered: true,
        stored_by: None,
    }
}
