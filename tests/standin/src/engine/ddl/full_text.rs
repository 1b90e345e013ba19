//! Full-text indexes.

use std::sync::Arc;

use crate::engine::ddl::work::{Work, place, table_id};
use crate::engine::error::{Result, error};
use crate::engine::model::facts::Facts;
use crate::engine::model::name::same_name;
use crate::engine::model::object::FullTextIndex;
use crate::engine::model::state::State;
use crate::engine::parse::definition::CreateFullText;

pub(crate) fn create_full_text(
    facts: &Facts,
    state: &mut State,
    create: &CreateFullText,
) -> Result<()> {
    let (database, name) = place(facts, state, &create.table)?;
    let object_id = table_id(database, &name)?;
    let mut work = Work {
        facts,
        database,
        object_id,
    };
    let mut columns = Vec::new();
    for (column, typed) in &create.columns {
        let typed = typed.as_ref().map(|c| work.column_id(c)).transpose()?;
        columns.push((work.column_id(column)?, typed));
    }
    let key = work
        .table()
        .indexes
        .iter()
        .find(|i| i.unique && same_name(&i.name, &create.key_index));
    let Some(key_index) = key.map(|i| i.id) else {
        let message = format!(
            "'{}' is not a valid index to enforce a full-text search key.",
            create.key_index
        );
        return Err(error(7653, 16, message));
    };
    let full_text = Arc::make_mut(&mut database.full_text);
    let catalog = match &create.catalog {
        None => (!full_text.catalogs.is_empty()).then_some(0),
        Some(wanted) => full_text.catalogs.iter().position(|c| same_name(c, wanted)),
    };
    let Some(catalog) = catalog else {
        return Err(error(
            9967,
            16,
            "A default full-text catalog does not exist in the database or user does not have permission to perform this action.",
        ));
    };
    full_text.indexes.push(FullTextIndex {
        table: object_id,
        key_index,
        catalog,
        columns,
    });
    Ok(())
}
