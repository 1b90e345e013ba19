//! A view that was translated: how it is made, and how it is compared.

use serde::{Deserialize, Serialize};

use crate::plan::object::{IndexPlan, TableObjects};
use crate::plan::table::{ColumnPlan, Strategy, TablePlan, TargetName};
use tsql::typemap::PgType;

/// A view that was translated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ViewPlan {
    /// `dbo.ActiveOrders`.
    pub source: String,
    /// Its name on the target, unquoted.
    pub target: TargetName,
    /// The query after CREATE VIEW ... AS.
    pub query: String,
    #[serde(default, skip_serializing_if = "ViewForm::is_plain")]
    pub form: ViewForm,
    /// Indexes of a materialized view, unique ones first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexPlan>,
    /// For reading it on both sides.
    #[serde(skip)]
    pub read: ViewRead,
}

/// What reading a view needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ViewRead {
    /// Schema and name at the source, unquoted.
    pub schema: String,
    pub name: String,
    /// In the order of its query.
    pub columns: Vec<ColumnPlan>,
}

/// What a view is made as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ViewForm {
    /// A view without options.
    #[default]
    Plain,
    /// WITH CHECK OPTION, for the views that it reads too.
    Checked,
    /// A materialized view: rows are kept, and REFRESH brings them up to date.
    Materialized,
}

impl ViewForm {
    /// A view without options.
    pub fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

impl ViewPlan {
    /// The view as a table that is read by one statement on each side. A number is compared as a number,
    /// whatever digits PostgreSQL writes behind its last.
    pub fn as_table(&self) -> TablePlan {
        let column = |column: &ColumnPlan| {
            let target_type = match column.target_type {
                PgType::Numeric(_) => PgType::Numeric(None),
                ref other => other.clone(),
            };
            ColumnPlan {
                target_type,
                ..column.clone()
            }
        };
        TablePlan {
            schema: self.read.schema.clone(),
            name: self.read.name.clone(),
            target: self.target.clone(),
            columns: self.read.columns.iter().map(column).collect(),
            generated: Vec::new(),
            primary_key: None,
            strategy: Strategy::Single,
            wanted_partitions: 1,
            dense_partitions: 1,
            estimated_rows: 0,
            estimated_bytes: 0,
            filter: None,
            memory_optimized: false,
            filtered_by_policy: false,
            objects: TableObjects::default(),
            omissions: Vec::new(),
            notes: Vec::new(),
        }
    }
}
