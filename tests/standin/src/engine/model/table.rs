//! A table: its definition, and its rows in every index.

use std::sync::Arc;

use crate::engine::model::graph;
use crate::engine::model::index::{Index, IndexForm, IndexKind};
use crate::engine::model::memory::Memory;
use crate::engine::model::name::same_name;
use crate::engine::model::partition::{PartitionFunction, Placement, prefix};
use crate::engine::model::rows::{OrderedRows, Row};
use crate::engine::value::compare::append_ordered_key;
use crate::types::{Collation, Column, SqlType, Value};

#[derive(Debug, Clone)]
pub(crate) struct ColumnDef {
    pub(crate) name: String,
    /// `sys.columns.column_id`; ids of dropped columns are not used again.
    pub(crate) id: i32,
    pub(crate) ty: SqlType,
    /// `sys.types.user_type_id`: 108 for `numeric`, 256 for `sysname`, above that alias types.
    pub(crate) user_type_id: i32,
    pub(crate) nullable: bool,
    pub(crate) collation: Option<Arc<Collation>>,
    pub(crate) identity: Option<Identity>,
    pub(crate) computed: Option<Computed>,
    pub(crate) default: Option<NamedText>,
    pub(crate) rowguid: bool,
    pub(crate) sparse: bool,
    /// Shows all sparse columns as one xml.
    pub(crate) column_set: bool,
    /// `sys.columns.graph_type`.
    pub(crate) graph: Option<u8>,
    /// `sys.columns.generated_always_type`.
    pub(crate) generated: GeneratedAlways,
    /// Left out of `SELECT *`.
    pub(crate) hidden: bool,
    /// The function of MASKED WITH, as `default()`.
    pub(crate) mask: Option<String>,
}

impl ColumnDef {
    /// One of the columns that the table's column set stands for: "SELECT * returns the column set
    /// and not the sparse columns" (Microsoft, "Use column sets").
    pub(crate) fn sparse_in_set(&self, table: &Table) -> bool {
        self.sparse && table.columns.iter().any(|c| c.column_set)
    }
}

/// What a system-versioned table fills in by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum GeneratedAlways {
    #[default]
    No,
    RowStart,
    RowEnd,
}

#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) seed: i64,
    pub(crate) increment: i64,
    /// `None` until a row was inserted.
    pub(crate) last: Option<i64>,
    pub(crate) not_for_replication: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Computed {
    pub(crate) definition: String,
    pub(crate) persisted: bool,
}

/// A constraint that is an expression: a default or a check.
#[derive(Debug, Clone)]
pub(crate) struct NamedText {
    pub(crate) object_id: i32,
    pub(crate) name: String,
    /// In parentheses, as SQL Server stores it.
    pub(crate) definition: String,
    pub(crate) system_named: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) text: NamedText,
    /// `column_id` when the check was written at a column, else 0.
    pub(crate) column_id: i32,
    pub(crate) disabled: bool,
    pub(crate) trusted: bool,
    pub(crate) not_for_replication: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct ForeignKey {
    pub(crate) object_id: i32,
    pub(crate) name: String,
    pub(crate) system_named: bool,
    /// Column ids here and, in the same order, in the referenced table.
    pub(crate) columns: Vec<i32>,
    pub(crate) target: i32,
    pub(crate) target_columns: Vec<i32>,
    /// 0 NO_ACTION, 1 CASCADE, 2 SET_NULL, 3 SET_DEFAULT.
    pub(crate) on_delete: u8,
    pub(crate) on_update: u8,
    pub(crate) disabled: bool,
    pub(crate) trusted: bool,
    pub(crate) not_for_replication: bool,
}

/// Makes row `i` of a generated table.
pub type Generator = Arc<dyn Fn(u64) -> Vec<Value> + Send + Sync>;

/// Rows computed from their ordinal; the clustered key is the ordinal plus one.
#[derive(Clone)]
pub(crate) struct Generated {
    pub(crate) rows: u64,
    pub(crate) make: Generator,
    /// Ordinal of the key column.
    pub(crate) key: usize,
}

impl std::fmt::Debug for Generated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generated")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// What a table has to do with system versioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Temporal {
    #[default]
    No,
    /// The history table of another.
    History,
    /// Versioned, with its history in the table of that object id.
    Versioned(i32),
}

#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) object_id: i32,
    pub(crate) schema_id: i32,
    pub(crate) name: String,
    pub(crate) columns: Arc<Vec<ColumnDef>>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) checks: Arc<Vec<Check>>,
    pub(crate) foreign_keys: Arc<Vec<ForeignKey>>,
    /// Rows in order of insertion, when there is no clustered index.
    pub(crate) heap: OrderedRows,
    /// The scheme that divides the heap, or the clustered columnstore whose rows lie there.
    pub(crate) placed: Option<Placement>,
    pub(crate) next_row: u64,
    pub(crate) next_column: i32,
    pub(crate) generated: Option<Generated>,
    /// Its rows are elsewhere.
    pub(crate) external: bool,
    pub(crate) temporal: Temporal,
    pub(crate) memory: Option<Memory>,
    /// What UPDATE STATISTICS ... WITH ROWCOUNT has made of the count in the catalog.
    pub(crate) kept_rows: Option<i64>,
    /// Column ids of PERIOD FOR SYSTEM_TIME.
    pub(crate) period: Option<(i32, i32)>,
    /// 100 ns ticks since 0001-01-01 of creation.
    pub(crate) created: u64,
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| {
            c.name.eq_ignore_ascii_case(name)
                || same_name(&c.name, name)
                || c.graph.is_some() && graph::stands_for(name, &c.name)
        })
    }

    /// Position of a column id in rows.
    pub(crate) fn position(&self, column_id: i32) -> usize {
        self.columns
            .iter()
            .position(|c| c.id == column_id)
            .expect("indexes and keys name columns of their table")
    }

    /// Name and `sys.objects.type` of a constraint of this table.
    pub(crate) fn constraint(&self, object_id: i32) -> Option<(&str, &'static str)> {
        let index = self.indexes.iter().find(|i| i.object_id == object_id);
        if let Some(index) = index.filter(|i| i.kind != IndexKind::Plain) {
            let primary = index.kind == IndexKind::PrimaryKey;
            return Some((&index.name, if primary { "PK" } else { "UQ" }));
        }
        if let Some(c) = self.checks.iter().find(|c| c.text.object_id == object_id) {
            return Some((&c.text.name, "C"));
        }
        if let Some(k) = self.foreign_keys.iter().find(|k| k.object_id == object_id) {
            return Some((&k.name, "F"));
        }
        let mut defaults = self.columns.iter().filter_map(|c| c.default.as_ref());
        let found = defaults.find(|d| d.object_id == object_id)?;
        Some((&found.name, "D"))
    }

    pub(crate) fn clustered(&self) -> Option<&Index> {
        self.indexes.iter().find(|i| i.clustered())
    }

    /// All rows, in the order of the clustered index or of insertion.
    pub(crate) fn primary(&self) -> &OrderedRows {
        self.clustered().map_or(&self.heap, |i| &i.rows)
    }

    pub(crate) fn row_count(&self) -> u64 {
        self.generated
            .as_ref()
            .map_or_else(|| self.primary().len(), |g| g.rows)
    }

    /// The scheme of an index, or of the heap.
    pub(crate) fn placement<'a>(&'a self, index: Option<&'a Index>) -> Option<&'a Placement> {
        match index {
            Some(index) if index.form == IndexForm::Rows => index.placed.as_ref(),
            _ => self.placed.as_ref(),
        }
    }

    /// Whether an index, or the heap, lies on a scheme of this function.
    pub(crate) fn is_divided_by(&self, function: i32) -> bool {
        let indexes = self.indexes.iter().map(|index| &index.placed);
        let mut all = indexes.chain([&self.placed]).flatten();
        all.any(|placed| placed.function.id == function)
    }

    /// Puts an altered function in the place of the one with its id. The rows stay where they are.
    pub(crate) fn replace_function(&mut self, altered: &Arc<PartitionFunction>) {
        let indexes = self.indexes.iter_mut().map(|index| &mut index.placed);
        for placed in indexes.chain([&mut self.placed]).flatten() {
            if placed.function.id == altered.id {
                placed.function = Arc::clone(altered);
            }
        }
    }

    /// The partition of a row, as keys begin with it.
    fn partition(&self, placed: &Placement, values: &[Value]) -> [u8; 2] {
        let value = &values[self.position(placed.column)];
        prefix(placed.function.partition_of(value))
    }

    fn heap_key(&self, row: &Row) -> Arc<[u8]> {
        let id = row.id.to_be_bytes();
        match &self.placed {
            None => id.as_slice().into(),
            Some(placed) => {
                let partition = self.partition(placed, &row.values);
                [partition.as_slice(), id.as_slice()].concat().into()
            }
        }
    }

    /// Rows of an index, or of the heap or columnstore.
    pub(crate) fn rows_of(&self, index: Option<&Index>) -> u64 {
        match index {
            Some(index) if self.generated.is_none() && index.form == IndexForm::Rows => {
                index.rows.len()
            }
            _ => self.row_count(),
        }
    }

    /// Positions of the columns that a nonclustered index holds: its key, its included columns and
    /// the clustered key, which finds the row ("Clustered and nonclustered indexes").
    pub(crate) fn held(&self, index: &Index) -> Vec<usize> {
        let own = index.keys.iter().map(|(id, _)| *id);
        let included = index.included.iter().copied();
        let clustered = self.clustered().into_iter();
        let locator = clustered.flat_map(|c| c.keys.iter().map(|(id, _)| *id));
        let placed = index.placed.iter().map(|p| p.column);
        let ids = own.chain(included).chain(locator).chain(placed);
        let mut held: Vec<usize> = ids.map(|id| self.position(id)).collect();
        held.sort_unstable();
        held.dedup();
        held
    }

    /// The key columns of an index as bytes, without the row id; the partition's number before them
    /// where a scheme divides the index.
    pub(crate) fn key(&self, index: &Index, values: &[Value]) -> Vec<u8> {
        let mut key = Vec::with_capacity(index.keys.len() * 12 + 10);
        if let Some(placed) = &index.placed {
            key.extend_from_slice(&self.partition(placed, values));
        }
        for (column, descending) in &index.keys {
            let at = self.position(*column);
            append_ordered_key(
                &values[at],
                self.columns[at].collation.as_deref(),
                *descending,
                &mut key,
            );
        }
        key
    }

    fn full_key(&self, index: &Index, row: &Row) -> Arc<[u8]> {
        let mut key = self.key(index, &row.values);
        key.extend_from_slice(&row.id.to_be_bytes());
        key.into()
    }

    /// Adds a row to the heap and to the indexes that `takes` (filtered ones decide) accepts.
    pub(crate) fn insert(&mut self, row: Arc<Row>, takes: &dyn Fn(&Index) -> bool) {
        let keys = self.keys(&row, takes);
        self.insert_keyed(row, keys);
    }

    /// The row's key in each index that `takes` accepts, without the row id.
    pub(crate) fn keys(&self, row: &Row, takes: &dyn Fn(&Index) -> bool) -> Vec<Option<Vec<u8>>> {
        let indexes = self.indexes.iter();
        indexes
            .map(|i| takes(i).then(|| self.key(i, &row.values)))
            .collect()
    }

    /// Adds a row whose keys are known: making the key of a text is most of the work.
    pub(crate) fn insert_keyed(&mut self, row: Arc<Row>, keys: Vec<Option<Vec<u8>>>) {
        let id = row.id.to_be_bytes();
        let heap = self.clustered().is_none();
        for (index, key) in self.indexes.iter_mut().zip(keys) {
            if let Some(mut key) = key {
                key.extend_from_slice(&id);
                index.rows.insert(key.into(), Arc::clone(&row));
            }
        }
        if heap {
            let key = self.heap_key(&row);
            self.heap.insert(key, row);
        }
    }

    pub(crate) fn remove(&mut self, row: &Row) {
        let keys: Vec<_> = self.indexes.iter().map(|i| self.full_key(i, row)).collect();
        for (index, key) in self.indexes.iter_mut().zip(keys) {
            index.rows.remove(&key);
        }
        self.heap.remove(&self.heap_key(row));
    }

    pub(crate) fn clear(&mut self) {
        self.heap = OrderedRows::default();
        for index in &mut self.indexes {
            index.rows = OrderedRows::default();
        }
        for column in Arc::make_mut(&mut self.columns) {
            if let Some(identity) = &mut column.identity {
                identity.last = None;
            }
        }
    }

    /// The columns as results describe them.
    pub(crate) fn result_columns(&self) -> Vec<Column> {
        self.columns
            .iter()
            .map(|c| Column {
                name: c.name.clone(),
                ty: c.ty.clone(),
                nullable: c.nullable,
                identity: c.identity.is_some(),
                computed: c.computed.is_some(),
                collation: c.collation.clone(),
            })
            .collect()
    }
}
