//! A function that was translated, or one of the tool's own: how it is made.
//!
//! `objects::modules` plans them, `postgres::ddl::routines` writes them, `postgres::objects::view`
//! makes them. Recorded with the run as JSON, so fields are added with a default and never renamed.

use serde::{Deserialize, Serialize};

use crate::plan::table::TargetName;

/// A function in the language SQL or PL/pgSQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionPlan {
    /// `dbo.NetPrice`.
    pub source: String,
    pub target: TargetName,
    /// As in CREATE FUNCTION, each with its type.
    pub parameters: Vec<String>,
    /// What follows RETURNS.
    pub returns: String,
    #[serde(default, skip_serializing_if = "FunctionLanguage::is_sql")]
    pub language: FunctionLanguage,
    /// A SELECT, or a block of PL/pgSQL.
    pub body: String,
    pub volatility: FunctionVolatility,
    /// NULL for any argument that is NULL.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strict: bool,
    /// It reads tables, so it is made after as many views of the plan as this, which it may read too; `None`:
    /// it reads none, and is made before the tables, which may call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_views: Option<usize>,
}

/// What a function's body is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FunctionLanguage {
    #[default]
    Sql,
    PlPgSql,
}

impl FunctionLanguage {
    /// As in CREATE FUNCTION.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::PlPgSql => "plpgsql",
        }
    }

    fn is_sql(&self) -> bool {
        *self == Self::Sql
    }
}

/// When the result of a function may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FunctionVolatility {
    /// The same arguments always give the same result; only such a function may be in a generated
    /// column or an index.
    Immutable,
    /// The same within a statement: it reads tables or the moment of the transaction.
    Stable,
    /// It may change from call to call, as `NEWID()` does.
    Volatile,
}

impl FunctionVolatility {
    /// `pg_proc.provolatile`.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Immutable => "i",
            Self::Stable => "s",
            Self::Volatile => "v",
        }
    }
}

/// A function of the tool that translations call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelperPlan {
    pub target: TargetName,
    /// The construct of T-SQL that needs it.
    pub of: String,
    /// CREATE OR REPLACE FUNCTION.
    pub statement: String,
}
