//! Variables: a function's parameters among them.

use super::super::context::{Context, same};
use super::super::value::Value;
use super::super::{Outcome, Untranslated, types};
use crate::names::quote_ident;
use crate::schema::SqlType;
use crate::typemap::PgType;

/// Bytes of an identifier of PostgreSQL.
const LONGEST_NAME: usize = 63;

/// Makes a variable known; gives what it is called in the target, and its type there.
pub(in super::super) fn add(
    context: &mut Context<'_>,
    name: &str,
    ty: &SqlType,
) -> Outcome<(String, PgType)> {
    let pg =
        types::natural(ty).ok_or_else(|| Untranslated::new(format!("a variable of type {ty}")))?;
    if name.len() > LONGEST_NAME {
        return Err(Untranslated::new(
            "a variable whose name has more than 63 bytes",
        ));
    }
    if context
        .parameters
        .iter()
        .any(|(known, _)| same(known, name))
    {
        return Err(Untranslated::new(format!("a second variable {name}")));
    }
    let sql = quote_ident(name);
    let mut value = Value::atom(sql.clone(), ty.clone());
    value.collation.clone_from(&context.default_collation);
    context.parameters.push((name.to_owned(), value));
    Ok((sql, pg))
}

/// What a variable is called in the target, and its type at the source.
pub(super) fn find(context: &Context<'_>, name: &str) -> Outcome<(String, SqlType)> {
    let found = context
        .parameters
        .iter()
        .find(|(known, _)| same(known, name));
    let (_, value) = found.ok_or_else(|| Untranslated::new(format!("the variable {name}")))?;
    let ty = value.ty.clone().unwrap_or(SqlType::Int);
    Ok((value.sql.clone(), ty))
}
