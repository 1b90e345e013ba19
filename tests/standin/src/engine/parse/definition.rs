//! Parts of CREATE and ALTER statements, as parsed.

use sqlparser::ast::{Expr, Query};

use crate::engine::model::index::{IndexKind, XmlUse};
use crate::engine::model::name::{Name, TypeName};
use crate::engine::model::object::ModuleKind;
use crate::engine::model::table::GeneratedAlways;
use crate::types::SqlError;

#[derive(Debug, Clone)]
pub(crate) struct CreateTable {
    pub(crate) name: Name,
    pub(crate) columns: Vec<ColumnSpec>,
    pub(crate) constraints: Vec<ConstraintSpec>,
    /// Indexes written inside the parentheses; their `table` is this one.
    pub(crate) indexes: Vec<CreateIndex>,
    pub(crate) period: Option<(String, String)>,
    pub(crate) versioning: Option<Versioning>,
    /// Whether the rows of a memory-optimised table outlive the server; `None` for other tables.
    pub(crate) durable: Option<bool>,
    pub(crate) on: Option<On>,
    /// CREATE EXTERNAL TABLE.
    pub(crate) external: bool,
    pub(crate) graph: Option<Graph>,
}

/// `ON scheme (column)`.
#[derive(Debug, Clone)]
pub(crate) struct On {
    pub(crate) scheme: String,
    pub(crate) column: String,
}

#[derive(Debug, Clone)]
pub(crate) struct PartitionFunctionSpec {
    pub(crate) name: String,
    pub(crate) ty: TypeName,
    pub(crate) collation: Option<String>,
    /// RANGE RIGHT; LEFT is the default.
    pub(crate) right: bool,
    pub(crate) boundaries: Vec<Expr>,
}

/// `AS NODE` or `AS EDGE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Graph {
    Node,
    Edge,
}

/// `SYSTEM_VERSIONING = ON (HISTORY_TABLE = ...)`.
#[derive(Debug, Clone)]
pub(crate) struct Versioning {
    pub(crate) history: Option<Name>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnSpec {
    pub(crate) name: String,
    pub(crate) ty: Option<TypeName>,
    pub(crate) nullable: Option<bool>,
    pub(crate) identity: Option<(i64, i64)>,
    pub(crate) collation: Option<String>,
    pub(crate) computed: Option<Expr>,
    pub(crate) persisted: bool,
    pub(crate) rowguid: bool,
    pub(crate) sparse: bool,
    pub(crate) column_set: bool,
    /// `sys.columns.graph_type` of a column that the server adds.
    pub(crate) graph: Option<u8>,
    pub(crate) generated: GeneratedAlways,
    pub(crate) hidden: bool,
    /// The function of MASKED WITH.
    pub(crate) mask: Option<String>,
    pub(crate) not_for_replication: bool,
    /// Indexes written at the column.
    pub(crate) indexes: Vec<CreateIndex>,
    pub(crate) constraints: Vec<ConstraintSpec>,
}

#[derive(Debug, Clone)]
pub(crate) struct ConstraintSpec {
    pub(crate) name: Option<String>,
    pub(crate) kind: ConstraintKind,
    pub(crate) not_for_replication: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum ConstraintKind {
    /// Empty `columns` at a column means that column.
    Key {
        kind: IndexKind,
        clustered: Option<bool>,
        hash: bool,
        columns: Vec<(String, bool)>,
        on: Option<On>,
    },
    Foreign {
        columns: Vec<String>,
        target: Name,
        target_columns: Vec<String>,
        on_delete: u8,
        on_update: u8,
    },
    Check(Expr),
    /// The column is named by `DEFAULT ... FOR column`.
    Default {
        value: Expr,
        column: Option<String>,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct CreateIndex {
    pub(crate) name: String,
    pub(crate) table: Name,
    pub(crate) unique: bool,
    pub(crate) clustered: bool,
    pub(crate) form: FormSpec,
    pub(crate) columns: Vec<(String, bool)>,
    pub(crate) included: Vec<String>,
    pub(crate) filter: Option<Expr>,
    pub(crate) drop_existing: bool,
    pub(crate) on: Option<On>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FormSpec {
    Rows,
    Columnstore,
    PrimaryXml,
    /// The primary index it builds on and what it is for.
    Xml(String, XmlUse),
    /// `USING` scheme, if written.
    Spatial(Option<String>),
}

#[derive(Debug, Clone)]
pub(crate) struct CreateFullText {
    pub(crate) table: Name,
    pub(crate) columns: Vec<(String, Option<String>)>,
    pub(crate) key_index: String,
    pub(crate) catalog: Option<String>,
}

/// A view, procedure, function or trigger: its text, and what is known without running it.
#[derive(Debug, Clone)]
pub(crate) struct CreateModule {
    pub(crate) name: Name,
    pub(crate) kind: ModuleKind,
    /// The whole batch, as `sys.sql_modules.definition` keeps it.
    pub(crate) text: String,
    /// Replaces what is there: ALTER or CREATE OR ALTER.
    pub(crate) replace: bool,
    /// ALTER needs something to be there.
    pub(crate) must_exist: bool,
    /// A view's own column names.
    pub(crate) columns: Vec<String>,
    /// The query of a view or inline function, or why it cannot be run here.
    pub(crate) query: Option<Result<Box<Query>, SqlError>>,
    /// What a scalar function of one RETURN gives, or why it cannot be run here.
    pub(crate) expression: Option<Result<Expr, SqlError>>,
    /// The text of a scalar function's body.
    pub(crate) body: String,
    /// The type that a scalar function returns.
    pub(crate) returns: Option<TypeName>,
    /// The columns of the table that a function of several statements fills.
    pub(crate) table: Vec<ColumnSpec>,
    pub(crate) parameters: Vec<ParameterSpec>,
    /// The words of its WITH, in capitals.
    pub(crate) options: Vec<String>,
    /// The table or view of a trigger; none for a trigger of the database.
    pub(crate) parent: Option<Name>,
    /// Names that stand where tables or functions do, as written.
    pub(crate) refers: Vec<Name>,
}

/// A parameter of a function or procedure.
#[derive(Debug, Clone)]
pub(crate) struct ParameterSpec {
    pub(crate) name: String,
    pub(crate) ty: TypeName,
    pub(crate) output: bool,
    pub(crate) default: Option<Expr>,
}

#[derive(Debug, Clone)]
pub(crate) struct SequenceSpec {
    pub(crate) name: Name,
    pub(crate) ty: Option<TypeName>,
    pub(crate) start: Option<i64>,
    pub(crate) increment: Option<i64>,
    /// `Some(None)` is NO MINVALUE.
    pub(crate) minimum: Option<Option<i64>>,
    pub(crate) maximum: Option<Option<i64>>,
    pub(crate) cycle: Option<bool>,
    /// `Some(None)` is NO CACHE, `Some(Some(None))` CACHE without a number.
    pub(crate) cache: Option<Option<Option<i64>>>,
    /// RESTART, with or without a number.
    pub(crate) restart: Option<Option<i64>>,
}

#[derive(Debug, Clone)]
pub(crate) enum AlterTable {
    Add {
        columns: Vec<ColumnSpec>,
        constraints: Vec<ConstraintSpec>,
        check: bool,
        period: Option<(String, String)>,
    },
    AlterColumn(Box<ColumnSpec>),
    /// ALTER COLUMN ... ADD MASKED WITH, DROP MASKED.
    Mask {
        column: String,
        function: Option<String>,
    },
    DropConstraints {
        names: Vec<String>,
        if_exists: bool,
    },
    DropColumns {
        names: Vec<String>,
        if_exists: bool,
    },
    /// CHECK / NOCHECK CONSTRAINT; no names means ALL. `check` is WITH CHECK.
    Enable {
        names: Vec<String>,
        on: bool,
        check: bool,
    },
    /// ENABLE / DISABLE TRIGGER; no names means ALL.
    EnableTriggers {
        names: Vec<String>,
        on: bool,
    },
    DropPeriod,
    /// SET (SYSTEM_VERSIONING = ...); `None` is OFF.
    Versioning(Option<Versioning>),
}
