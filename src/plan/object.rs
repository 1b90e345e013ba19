//! What is made of the source's indexes, constraints, defaults, comments, sequences and views.
//!
//! All names are target names, unquoted; all expressions are PostgreSQL's.

use serde::{Deserialize, Serialize};

use crate::names::TargetName;
use crate::schema::objects::Action;
use crate::typemap::PgType;

/// What CREATE TABLE says of a column beside its name, type and identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnClauses {
    pub default: Option<String>,
    /// Made as GENERATED ALWAYS AS (this) STORED.
    pub generated: Option<String>,
    /// A collation of the table's own schema.
    pub collation: Option<String>,
    pub comment: Option<String>,
    /// The domain that the column is made of; its base is the column's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<TargetName>,
}

/// What a table gets when its rows are there, but for its primary key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableObjects {
    /// Unique constraints first.
    pub indexes: Vec<IndexPlan>,
    pub checks: Vec<CheckPlan>,
    /// Made when all tables are loaded.
    pub foreign_keys: Vec<ForeignKeyPlan>,
    pub comment: Option<String>,
}

/// An index, or a unique constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPlan {
    pub name: String,
    /// Its name at the source.
    pub source: String,
    pub kind: IndexKind,
    pub key: Vec<IndexKey>,
    pub included: Vec<String>,
    /// Of a filtered index.
    pub predicate: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IndexKind {
    Plain,
    /// `one_null`: the source allows one row with NULL in the key, as SQL Server does, and
    /// PostgreSQL from version 15 on with NULLS NOT DISTINCT.
    Unique {
        one_null: bool,
    },
    Constraint {
        one_null: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexKey {
    pub column: String,
    pub descending: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckPlan {
    pub name: String,
    pub source: String,
    pub expression: String,
    /// The source vouches for its rows; otherwise it stays NOT VALID.
    pub valid: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKeyPlan {
    pub name: String,
    pub source: String,
    pub columns: Vec<String>,
    pub referenced: TargetName,
    /// `dbo.Users`.
    pub referenced_source: String,
    pub referenced_columns: Vec<String>,
    pub on_delete: Action,
    pub on_update: Action,
    /// The source vouches for its rows; otherwise it stays NOT VALID.
    pub valid: bool,
    /// The source compares one of its columns without regard to case, accents or the like, and
    /// the target does not: rows may refer to each other there and not here.
    pub loose: bool,
}

/// A sequence, with bounds that fit its type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequencePlan {
    /// `dbo.OrderNumbers`.
    pub source: String,
    pub target: TargetName,
    /// `smallint`, `integer` or `bigint`.
    #[serde(rename = "type")]
    pub ty: String,
    pub start: i64,
    pub increment: i64,
    pub minimum: i64,
    pub maximum: i64,
    pub cycle: bool,
    pub cache: Option<u64>,
    /// Where it goes on, and whether that value was given out.
    pub last_value: i64,
    pub used: bool,
}

/// A nondeterministic ICU collation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CollationPlan {
    pub schema: String,
    pub name: String,
    /// The source's collation.
    pub source: String,
    /// For ICU, as `und-u-ks-level2`.
    pub locale: String,
}

/// A domain for an alias type (`types: domain`). Whether it takes NULL is said at each column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainPlan {
    /// `dbo.PhoneNumber`.
    pub source: String,
    pub target: TargetName,
    #[serde(rename = "type")]
    pub ty: PgType,
}

/// A view that was translated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewPlan {
    /// `dbo.ActiveOrders`.
    pub source: String,
    pub target: TargetName,
    /// The query behind CREATE VIEW ... AS.
    pub query: String,
}

impl IndexPlan {
    pub fn is_unique(&self) -> bool {
        !matches!(self.kind, IndexKind::Plain)
    }

    pub fn is_constraint(&self) -> bool {
        matches!(self.kind, IndexKind::Constraint { .. })
    }
}
