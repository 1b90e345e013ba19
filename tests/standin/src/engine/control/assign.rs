//! SET and DECLARE: values of variables.

use sqlparser::ast::Expr;

use crate::engine::error::Result;
use crate::engine::model::facts::Variable;
use crate::engine::model::name::fold;
use crate::engine::query::bind::Binder;
use crate::engine::session::sql_session::SqlSession;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;

/// Evaluates an expression and stores it in a variable, converted to its type.
///
/// # Errors
/// 137 for a variable that was not declared, and those of the expression.
pub(crate) fn assign(session: &mut SqlSession, name: &str, value: &Expr) -> Result<()> {
    let facts = session.facts();
    let ty = facts.variable(name)?.ty.clone();
    let (value, t) = Binder::new(&facts).constant(value)?;
    let how = How {
        truncate: true,
        order: facts.date_order,
        code_page: Some(1252),
        ..How::default()
    };
    let value = convert(&value, &t.ty, &ty, how)?;
    session.variables.insert(fold(name), Variable { ty, value });
    Ok(())
}
