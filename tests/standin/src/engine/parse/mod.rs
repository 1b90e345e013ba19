//! T-SQL text to statements: expressions and queries by `sqlparser`, the rest on its tokens.

pub(crate) mod check;
pub(crate) mod ddl;
pub(crate) mod definition;
mod dialect;
pub(crate) mod dml;
pub(crate) mod expression;
pub(crate) mod normal;
pub(crate) mod rewrite;
pub(crate) mod script;
pub(crate) mod statement;
pub(crate) mod tokens;
pub(crate) mod word;
