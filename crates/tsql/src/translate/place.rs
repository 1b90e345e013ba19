//! Where an expression begins, for errors.
//!
//! Line and column are those of the text that was parsed, both from 1.

use sqlparser::ast::{Expr, ObjectName};
use sqlparser::tokenizer::Location;

/// Line and column of an expression's first word; line 0 if the tree does not tell. Without
/// recursion: a chain of operators is as deep as it is long.
pub(super) fn start(expr: &Expr) -> Location {
    let mut expr = expr;
    loop {
        expr = match expr {
            Expr::Identifier(ident) => return ident.span.start,
            Expr::CompoundIdentifier(parts) => {
                return parts.first().map_or(NOWHERE, |ident| ident.span.start);
            }
            Expr::Value(value) => return value.span.start,
            Expr::Function(call) => return name(&call.name),
            Expr::Case { case_token, .. } => return case_token.0.span.start,
            Expr::BinaryOp { left, .. } | Expr::AnyOp { left, .. } | Expr::AllOp { left, .. } => {
                left
            }
            Expr::Nested(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::UnaryOp { expr: inner, .. }
            | Expr::Cast { expr: inner, .. }
            | Expr::Convert { expr: inner, .. }
            | Expr::Collate { expr: inner, .. }
            | Expr::InList { expr: inner, .. }
            | Expr::InSubquery { expr: inner, .. }
            | Expr::Between { expr: inner, .. }
            | Expr::Like { expr: inner, .. }
            | Expr::Substring { expr: inner, .. }
            | Expr::Trim { expr: inner, .. }
            | Expr::AtTimeZone {
                timestamp: inner, ..
            } => inner,
            _ => return NOWHERE,
        };
    }
}

/// The parser's own value for a place that it does not know.
const NOWHERE: Location = Location { line: 0, column: 0 };

fn name(name: &ObjectName) -> Location {
    let first = name.0.first().and_then(|part| part.as_ident());
    first.map_or(NOWHERE, |ident| ident.span.start)
}
