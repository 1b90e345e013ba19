//! Alias types.

use std::sync::Arc;

use crate::engine::error::{Result, error};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::{Name, TypeName};
use crate::engine::model::state::{State, UserType};

pub(crate) fn create_type(
    facts: &Facts,
    state: &mut State,
    name: &Name,
    ty: &TypeName,
    nullable: bool,
) -> Result<()> {
    let (ty, base, _) = facts.resolve_type(ty, false)?;
    let database = state.database_mut(&facts.database)?;
    if database.user_type(&name.name).is_some() {
        let message = format!(
            "The type '{name}' already exists, or you do not have permission to create it."
        );
        return Err(error(219, 16, message));
    }
    let schema_id = database
        .schema_id(name.schema.as_deref().unwrap_or("dbo"))
        .unwrap_or(1);
    let user_type_id = database
        .types
        .iter()
        .map(|t| t.user_type_id)
        .max()
        .unwrap_or(256)
        + 1;
    Arc::make_mut(&mut database.types).push(UserType {
        user_type_id,
        schema_id,
        name: name.name.clone(),
        ty,
        numeric: base == 108,
        nullable,
    });
    Ok(())
}
