//! Expressions as SQL Server keeps them in its catalog: `([Price]>=(0))`.
//!
//! The rules were read off catalogs of public databases (AdventureWorks, WideWorldImporters, ...):
//! parentheses are made anew by precedence, BETWEEN and IN become comparisons (IN backwards),
//! CAST becomes CONVERT, and functions are in lower case.

mod call;
pub(crate) mod printer;
pub(crate) mod word;

use sqlparser::ast::Expr;

use crate::engine::parse::normal::printer::Printer;

/// The whole definition, in its outer parentheses.
pub(crate) fn definition(expr: &Expr) -> String {
    format!("({})", Printer { filter: false }.text(expr))
}

/// The predicate of a filtered index, where IN stays IN.
pub(crate) fn filter_definition(expr: &Expr) -> String {
    format!("({})", Printer { filter: true }.text(expr))
}

#[cfg(test)]
mod tests;
