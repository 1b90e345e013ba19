//! Statements as parsed, before any name is looked up.

use sqlparser::ast::{Expr, Query, TableWithJoins};

use crate::engine::model::name::{Name, TypeName};
use crate::engine::model::object::ModuleKind;
use crate::engine::model::table::{GeneratedAlways, IndexKind, XmlUse};
use crate::types::SqlError;

/// A statement and the line of the batch it starts on.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) line: u32,
    pub(crate) statement: Statement,
}

#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Query(Box<Query>),
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    CreateTable(CreateTable),
    CreateIndex(CreateIndex),
    CreateFullText(CreateFullText),
    CreateFullTextCatalog(String),
    CreateModule(Box<CreateModule>),
    CreatePartitionFunction(PartitionFunctionSpec),
    /// ALTER PARTITION FUNCTION name() SPLIT RANGE (boundary).
    SplitPartition {
        function: String,
        boundary: Expr,
    },
    /// Name and function.
    CreatePartitionScheme(String, String),
    CreateSequence(SequenceSpec),
    AlterSequence(SequenceSpec),
    /// DBCC CHECKIDENT (table, RESEED, value).
    Reseed {
        table: Name,
        value: i64,
    },
    EnableDatabaseTriggers {
        names: Vec<String>,
        on: bool,
    },
    CreateSynonym {
        name: Name,
        target: String,
    },
    /// `kind` is as written: VIEW, TRIGGER, SEQUENCE, ...
    DropObjects {
        kind: &'static str,
        names: Vec<Name>,
        if_exists: bool,
    },
    /// `UPDATE STATISTICS table WITH ROWCOUNT = n`.
    KeepRows {
        table: Name,
        rows: i64,
    },
    AlterIndex {
        index: Option<String>,
        table: Name,
        rebuild: bool,
    },
    AlterTable {
        table: Name,
        change: AlterTable,
    },
    CreateDatabase {
        name: String,
        collation: Option<String>,
    },
    AlterDatabase {
        name: Option<String>,
        settings: Vec<Vec<String>>,
    },
    CreateLogin {
        name: String,
        password: String,
    },
    CreateUser {
        name: String,
        /// `None` is WITHOUT LOGIN.
        login: Option<String>,
    },
    CreateRole(String),
    AlterRole {
        role: String,
        member: String,
        add: bool,
    },
    /// GRANT, DENY or REVOKE.
    Permission(PermissionSpec),
    /// CREATE or ALTER SECURITY POLICY.
    Policy(Box<PolicySpec>),
    /// CREATE TYPE ... AS TABLE.
    CreateTableType(Name),
    CreateSchema(String),
    CreateType {
        name: Name,
        ty: TypeName,
        nullable: bool,
    },
    DropTable {
        names: Vec<Name>,
        if_exists: bool,
    },
    DropDatabase {
        names: Vec<String>,
        if_exists: bool,
    },
    DropIndex {
        index: String,
        table: Name,
        if_exists: bool,
    },
    DropSchema {
        name: String,
        if_exists: bool,
    },
    DropType {
        name: Name,
        if_exists: bool,
    },
    Truncate(Name),
    Use(String),
    Declare(Vec<Declaration>),
    SetVariable {
        name: String,
        value: Expr,
    },
    SetOption {
        words: Vec<String>,
        on: bool,
    },
    SetIdentityInsert {
        table: Name,
        on: bool,
    },
    If {
        condition: Expr,
        then: Box<Located>,
        otherwise: Option<Box<Located>>,
    },
    While {
        condition: Expr,
        body: Box<Located>,
    },
    Block(Vec<Located>),
    TryCatch {
        body: Vec<Located>,
        handler: Vec<Located>,
    },
    Break,
    Continue,
    Return,
    Print(Expr),
    RaiseError(Vec<Expr>),
    Throw(Vec<Expr>),
    WaitFor(Expr),
    Begin,
    Commit,
    Rollback(Option<String>),
    Save(String),
    Execute {
        procedure: Name,
        args: Vec<(Option<String>, Expr)>,
    },
    ExecuteText(Expr),
    /// A module that is accepted but not kept.
    Skipped {
        kind: String,
        name: String,
    },
    /// Statements without effect here, such as CHECKPOINT.
    NoEffect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Grant,
    Deny,
    Revoke,
}

#[derive(Debug, Clone)]
pub(crate) struct PermissionSpec {
    pub(crate) verb: Verb,
    /// In capitals, each with its columns.
    pub(crate) permissions: Vec<(String, Vec<String>)>,
    /// The class in small letters and the name; none means the database.
    pub(crate) on: Option<(String, Name)>,
    /// Behind the securable.
    pub(crate) columns: Vec<String>,
    pub(crate) to: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct PolicySpec {
    pub(crate) name: Name,
    pub(crate) alter: bool,
    pub(crate) predicates: Vec<PredicateSpec>,
    /// WITH (STATE = ...).
    pub(crate) enabled: Option<bool>,
}

#[derive(Debug, Clone)]
pub(crate) struct PredicateSpec {
    /// FILTER; else BLOCK.
    pub(crate) filter: bool,
    pub(crate) function: Name,
    pub(crate) arguments: Vec<String>,
    pub(crate) table: Name,
}

#[derive(Debug, Clone)]
pub(crate) struct Declaration {
    pub(crate) name: String,
    pub(crate) ty: TypeName,
    pub(crate) value: Option<Expr>,
}

#[derive(Debug, Clone)]
pub(crate) struct Insert {
    pub(crate) table: Name,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) source: InsertSource,
}

#[derive(Debug, Clone)]
pub(crate) enum InsertSource {
    /// `None` stands for DEFAULT.
    Values(Vec<Vec<Option<Expr>>>),
    Query(Box<Query>),
    Defaults,
}

#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) target: Name,
    pub(crate) top: Option<Expr>,
    /// Column (or variable) and value; `None` stands for DEFAULT.
    pub(crate) sets: Vec<(String, Option<Expr>)>,
    pub(crate) from: Vec<TableWithJoins>,
    pub(crate) filter: Option<Expr>,
}

#[derive(Debug, Clone)]
pub(crate) struct Delete {
    pub(crate) target: Name,
    pub(crate) top: Option<Expr>,
    pub(crate) from: Vec<TableWithJoins>,
    pub(crate) filter: Option<Expr>,
}

#[derive(Debug, Clone)]
pub(crate) struct CreateTable {
    pub(crate) name: Name,
    pub(crate) columns: Vec<ColumnSpec>,
    pub(crate) constraints: Vec<ConstraintSpec>,
    /// Indexes written inside the parentheses; their `table` is this one.
    pub(crate) indexes: Vec<CreateIndex>,
    pub(crate) period: Option<(String, String)>,
    pub(crate) versioning: Option<Versioning>,
    /// Of a memory-optimised table: whether its rows outlive the server.
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
    /// A view's query, or why it cannot be run here.
    pub(crate) query: Option<Result<Box<Query>, SqlError>>,
    /// The type that a scalar function returns.
    pub(crate) returns: Option<TypeName>,
    /// The table or view of a trigger; none for a trigger of the database.
    pub(crate) parent: Option<Name>,
    /// Names that stand where tables or functions do, as written.
    pub(crate) refers: Vec<Name>,
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
