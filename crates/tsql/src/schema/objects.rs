//! What hangs on the source's tables and columns, or stands beside them: constraints, comments,
//! sequences, views.
//!
//! What the login may not see is `None` or missing, and planning lists it as left out. Expressions
//! are T-SQL as the server prints it, in parentheses and with names in brackets.

use serde::{Deserialize, Serialize};

use crate::schema::{Index, SqlType};

/// What a column has beside its type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnExtras {
    /// Its default.
    pub default: Option<DefaultConstraint>,
    /// A computed column whose value is stored.
    #[serde(default)]
    pub persisted: bool,
    /// `MS_Description`.
    pub comment: Option<String>,
    /// The alias type that the column is declared with.
    #[serde(default)]
    pub alias: Option<AliasType>,
    /// Defaults and rules of their own that were bound to the column, or to its alias type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bound: Vec<Bound>,
    /// A column of a table's `PERIOD FOR SYSTEM_TIME`, which the server fills by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// Stored for values other than NULL only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sparse: bool,
    /// One xml of all sparse columns of its table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub column_set: bool,
    /// An identity of which the server tells neither seed nor increment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden_identity: bool,
    /// A pseudo-column of a graph table, as `$node_id`, which a statement names without brackets.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pseudo: bool,
}

/// Which end of a row's period a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// When the row became valid.
    Start,
    /// When the row ceased to be valid.
    End,
}

/// A type that the source's users made of a built-in one, with `CREATE TYPE ... FROM`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasType {
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
}

impl AliasType {
    /// `dbo.PhoneNumber`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// What `sp_bindefault` or `sp_bindrule` bound to a column: an object beside the table, which is
/// no constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Default or rule.
    pub kind: BoundKind,
    /// `dbo.Today`; `None` where the login may not see the object.
    pub name: Option<String>,
    /// The whole CREATE DEFAULT or CREATE RULE; `None` where the login may not see it.
    pub definition: Option<String>,
}

/// Which of the two is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundKind {
    /// By `sp_bindefault`.
    Default,
    /// By `sp_bindrule`.
    Rule,
}

/// A default, by its constraint's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultConstraint {
    /// Name of the constraint.
    pub name: String,
    /// T-SQL; `None` where the server or the login's rights do not show it.
    pub definition: Option<String>,
}

/// What a table has beside columns and indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableExtras {
    /// By name.
    pub foreign_keys: Vec<ForeignKey>,
    /// By name.
    pub checks: Vec<Check>,
    /// `MS_Description`.
    pub comment: Option<String>,
    /// Set for either table of a system-versioned pair.
    pub temporal: Option<Temporal>,
    /// The partition scheme that the rows are stored by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_scheme: Option<String>,
    /// Columns that the login sees and may not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_columns: Vec<String>,
    /// The function of that scheme, and what it is applied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_function: Option<PartitionFunction>,
}

/// A partition function as a table uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionFunction {
    /// Name, unquoted.
    pub name: String,
    /// The column of the table that it divides.
    pub column: String,
    /// How many partitions there are, numbered from 1.
    pub partitions: u32,
    /// Another text once the function was altered: its partitions have other numbers then.
    pub version: String,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Name, unquoted.
    pub name: String,
    /// Columns of the referencing table, in the constraint's order.
    pub columns: Vec<String>,
    /// Schema of the referenced table.
    pub referenced_schema: String,
    /// Name of the referenced table.
    pub referenced_table: String,
    /// As many as `columns`.
    pub referenced_columns: Vec<String>,
    /// What follows when the referenced row is deleted.
    pub on_delete: Action,
    /// What follows when the referenced key is changed.
    pub on_update: Action,
    /// `NOCHECK CONSTRAINT`: not enforced.
    pub disabled: bool,
    /// The server does not vouch for the rows that are there.
    pub not_trusted: bool,
}

/// `sys.foreign_keys.delete_referential_action`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The change is refused.
    NoAction,
    /// The referencing rows follow.
    Cascade,
    /// The referencing columns become NULL.
    SetNull,
    /// The referencing columns become their defaults.
    SetDefault,
}

/// A check constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Name, unquoted.
    pub name: String,
    /// T-SQL; `None` where the server or the login's rights do not show it.
    pub definition: Option<String>,
    /// `NOCHECK CONSTRAINT`: not enforced.
    pub disabled: bool,
    /// The server does not vouch for the rows that are there.
    pub not_trusted: bool,
}

/// Which half of a system-versioned pair a table is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Temporal {
    /// The current rows; the name is that of the history table, as `dbo.OrdersHistory`.
    Current {
        /// `None` if the login may not see it.
        history: Option<String>,
    },
    /// The rows of the past.
    History,
}

/// A sequence object. All numbers fit `decimal(38)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// Type of its values.
    #[serde(rename = "type")]
    pub ty: SqlType,
    /// The first value.
    pub start: i128,
    /// From one value to the next; may be negative.
    pub increment: i128,
    /// The lowest value.
    pub minimum: i128,
    /// The highest value.
    pub maximum: i128,
    /// Whether it begins again after its last value.
    pub cycle: bool,
    /// `None`: no cache, or one whose size the server chooses.
    pub cache: Option<u64>,
    /// The value given out last.
    pub last_value: i128,
    /// Whether `last_value` was given out; `None` where the server does not tell (before 2017) and
    /// `last_value` is the start value.
    pub used: Option<bool>,
}

impl Sequence {
    /// `dbo.OrderNumbers`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// The whole CREATE VIEW statement; `None` where it is encrypted or the login may not see it.
    pub definition: Option<String>,
    /// Full names of the tables, views and table functions of this database that it reads.
    pub reads: Vec<String>,
    /// Full names of the scalar functions of this database that it calls.
    #[serde(default)]
    pub calls: Vec<String>,
    /// `QUOTED_IDENTIFIER` was on: text in double quotes is a name.
    #[serde(default = "yes")]
    pub quoted_identifiers: bool,
    /// It has a unique clustered index, and so its rows are stored.
    pub indexed: bool,
    /// Its columns as they were when it was made or last refreshed, in order.
    #[serde(default)]
    pub columns: Vec<RecordedColumn>,
    /// Its indexes, the clustered one first.
    #[serde(default)]
    pub indexes: Vec<Index>,
}

/// A column of a view or of a function's rows, as the catalog recorded it when the object was made
/// or last refreshed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedColumn {
    /// Name, unquoted.
    pub name: String,
    /// Its type; that of an alias type is the built-in one.
    #[serde(rename = "type")]
    pub ty: SqlType,
    /// The collation of a character column, by name.
    pub collation: Option<String>,
    /// Whether the server says that it may be NULL.
    pub nullable: bool,
}

/// As it is for every module that was not made under `SET QUOTED_IDENTIFIER OFF`.
fn yes() -> bool {
    true
}

impl View {
    /// `dbo.ActiveOrders`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}
