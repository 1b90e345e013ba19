//! What the server holds: databases, tables, indexes and rows, and who may see them. Data and plain questions about it; nothing here knows T-SQL.

pub(crate) mod facts;
pub(crate) mod graph;
pub(crate) mod index;
pub(crate) mod memory;
pub(crate) mod name;
pub(crate) mod object;
pub(crate) mod options;
pub(crate) mod pages;
pub(crate) mod partition;
pub(crate) mod rights;
pub(crate) mod rows;
pub(crate) mod security;
pub(crate) mod state;
pub(crate) mod table;
