//! What the source defines in T-SQL beside views: synonyms, functions, procedures, triggers.
//!
//! From `sys.sql_modules` and its neighbours. Views are in `objects`, because they have columns and
//! indexes.

use serde::{Deserialize, Serialize};

use crate::schema::SqlType;
use crate::schema::objects::RecordedColumn;

/// Another name for an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synonym {
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// What it stands for, as the catalog writes it: `[other].[dbo].[T]`.
    pub base: String,
    /// Schema and name of what it stands for, if that is in this database.
    pub stands_for: Option<(String, String)>,
}

/// A scalar function or an inline table function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Schema, unquoted.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// The whole CREATE FUNCTION statement; `None` where it is encrypted or the login may not see
    /// it.
    pub definition: Option<String>,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// What it gives.
    pub returns: Returns,
    /// Full names of the tables, views and table functions of this database that it reads.
    pub reads: Vec<String>,
    /// Full names of the scalar functions of this database that it calls.
    pub calls: Vec<String>,
    /// `QUOTED_IDENTIFIER` was on: text in double quotes is a name.
    pub quoted_identifiers: bool,
    /// `RETURNS NULL ON NULL INPUT`.
    pub null_on_null_input: bool,
}

/// What a function gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Returns {
    /// One value; its type, if the server tells.
    Value(Option<SqlType>),
    /// Rows of these columns.
    Rows(Vec<RecordedColumn>),
}

/// A parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// With the `@` in front.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: SqlType,
}

/// A procedure, function or trigger, for the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// What it is.
    pub kind: ModuleKind,
    /// Schema, unquoted; that of its table for a trigger.
    pub schema: String,
    /// Name, unquoted.
    pub name: String,
    /// Full name of the table or view that a trigger belongs to.
    pub parent: Option<String>,
    /// A trigger `INSTEAD OF` the statement.
    pub instead_of: bool,
    /// The whole CREATE statement; `None` where it is encrypted or the login may not see it, or
    /// where it is code of an assembly.
    pub definition: Option<String>,
}

/// What a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModuleKind {
    /// A stored procedure.
    Procedure,
    /// A function that gives a value.
    ScalarFunction,
    /// A table function of one SELECT.
    InlineFunction,
    /// A table function of several statements.
    TableFunction,
    /// A trigger of a table or view.
    Trigger,
}

impl Synonym {
    /// `dbo.Clients`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

impl Function {
    /// `dbo.NetPrice`.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

impl Module {
    /// `dbo.Orders.OnInsert` for a trigger, `dbo.Recount` for the others.
    pub fn full_name(&self) -> String {
        match &self.parent {
            Some(parent) => format!("{parent}.{}", self.name),
            None => format!("{}.{}", self.schema, self.name),
        }
    }
}
