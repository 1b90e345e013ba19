//! An index: its definition and its rows.

use crate::engine::model::partition::Placement;
use crate::engine::model::rows::OrderedRows;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexKind {
    Plain,
    PrimaryKey,
    UniqueConstraint,
}

/// How an index keeps its rows; all but the first are kept in the catalog only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IndexForm {
    /// A B-tree: the one form that holds rows here.
    Rows,
    Columnstore,
    /// A secondary XML index names its primary one by id and what it is for.
    Xml(Option<(i32, XmlUse)>),
    /// The tessellation scheme, such as `GEOGRAPHY_AUTO_GRID`.
    Spatial(String),
}

/// `sys.xml_indexes.secondary_type_desc`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum XmlUse {
    Path,
    Value,
    Property,
}

#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) name: String,
    /// `sys.indexes.index_id`: 1 clustered, 2 and above nonclustered, XML indexes from 256000,
    /// spatial indexes from 384000.
    pub(crate) id: i32,
    pub(crate) form: IndexForm,
    /// Object id of the constraint; 0 for a plain index.
    pub(crate) object_id: i32,
    pub(crate) kind: IndexKind,
    pub(crate) system_named: bool,
    pub(crate) unique: bool,
    pub(crate) disabled: bool,
    /// Column ids and whether descending.
    pub(crate) keys: Vec<(i32, bool)>,
    pub(crate) included: Vec<i32>,
    pub(crate) filter: Option<String>,
    /// The scheme that divides it; its keys then begin with the partition's number.
    pub(crate) placed: Option<Placement>,
    pub(crate) rows: OrderedRows,
}

impl Index {
    /// Whether it holds the table's rows in its order; a clustered columnstore index does not.
    pub(crate) fn clustered(&self) -> bool {
        self.id == 1 && self.form == IndexForm::Rows
    }

    /// Whether its rows are those of the whole table.
    pub(crate) fn readable(&self) -> bool {
        !self.disabled && self.filter.is_none() && self.form == IndexForm::Rows
    }
}
