//! Statements as parsed, before any name is looked up.

use sqlparser::ast::{Expr, Query, TableWithJoins};

use crate::engine::model::name::{Name, TypeName};
use crate::engine::parse::definition::{
    AlterTable, CreateFullText, CreateIndex, CreateModule, CreateTable, PartitionFunctionSpec,
    SequenceSpec,
};

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
    /// RETURN, with the value of a function.
    Return(Option<Expr>),
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
