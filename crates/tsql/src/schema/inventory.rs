//! What a database holds beside tables and rows, which the tool does not make.

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
}

impl InventoryKind {
    /// Nothing of the kind is there, as far as the source could be asked.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.unread.is_none()
    }
}
