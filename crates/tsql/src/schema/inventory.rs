//! What a database holds beside tables and rows, which the tool does not make.
//!
//! For the report: an operator plans the rest of a migration with it. `plan::inventory` takes out
//! what the tool does make.

use serde::{Deserialize, Serialize};

/// Everything of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryKind {
    /// In the plural, as `procedures`.
    pub kind: String,
    /// With their schemas where they have one, in order.
    pub names: Vec<String>,
    /// Why the source could not be asked; `names` is empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
    /// Why they are left out, where it is not plain, or the setting that makes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What moving each by hand takes, for what is written in T-SQL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<AssessedModule>,
}

/// What moving a procedure, function or trigger by hand takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssessedModule {
    /// As in [`InventoryKind::names`].
    pub name: String,
    /// Lines of its text; 0 if the login may not see that.
    pub lines: usize,
    /// What it uses beside plain statements.
    pub constructs: Vec<String>,
    /// Whether its statements have counterparts.
    pub statements: Statements,
    /// The work.
    pub effort: Effort,
    /// Why the tool does not make it, if it makes some of its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Which statements of a module have counterparts in PL/pgSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statements {
    /// All, in the same or nearly the same words.
    All,
    /// Some must be written in another way.
    Some,
    /// Some have none, so that part of it must be redesigned.
    Few,
    /// The login may not see its text.
    Hidden,
}

/// The work that a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Up to 50 lines of plain statements.
    Small,
    /// Between the two.
    Medium,
    /// 300 lines or more, or something without a counterpart.
    Large,
    /// The login may not see its text.
    Unknown,
}

impl InventoryKind {
    /// Nothing of the kind is there, as far as the source could be asked.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.unread.is_none()
    }
}
