//! Foreign keys: the columns they refer to, and the cascades that are refused.

use std::sync::Arc;

use crate::engine::ddl::work::Work;
use crate::engine::error::{Result, error, invalid_column};
use crate::engine::model::index::IndexKind;
use crate::engine::model::name::Name;
use crate::engine::model::table::{ForeignKey, Table};
use crate::engine::parse::definition::{ConstraintKind, ConstraintSpec};
use crate::engine::rules::reference::check_references;

/// The columns that a foreign key refers to: those named, or those of the primary key.
pub(crate) fn referenced_key(other: &Table, target_columns: &[String]) -> Result<Vec<i32>> {
    Ok(if target_columns.is_empty() {
        let primary = other
            .indexes
            .iter()
            .find(|i| i.kind == IndexKind::PrimaryKey);
        primary
            .map(|i| i.keys.iter().map(|k| k.0).collect())
            .unwrap_or_default()
    } else {
        target_columns
            .iter()
            .map(|c| {
                other
                    .column(c)
                    .map(|i| other.columns[i].id)
                    .ok_or_else(|| invalid_column(c))
            })
            .collect::<Result<_>>()?
    })
}

/// # Errors
/// 1776 if no unique index of the other table is on just these columns.
pub(crate) fn refuse_no_key(
    other: &Table,
    target_ids: &[i32],
    columns: usize,
    name: &str,
    target: &Name,
) -> Result<()> {
    let unique = other.indexes.iter().any(|i| {
        i.unique
            && i.filter.is_none()
            && i.keys.len() == target_ids.len()
            && target_ids
                .iter()
                .all(|t| i.keys.iter().any(|(k, _)| k == t))
    });
    if !unique || target_ids.len() != columns {
        let message = format!(
            "There are no primary or candidate keys in the referenced table '{target}' that match the referencing column list in the foreign key '{}'.",
            name
        );
        return Err(error(1776, 16, message));
    }
    Ok(())
}

/// Whether, from any table, the actions form no tree: a table reached twice, or the first again.
pub(crate) fn reached_twice(edges: &[(i32, i32)]) -> bool {
    edges.iter().any(|(root, _)| {
        let mut seen = vec![*root];
        let mut open = vec![*root];
        while let Some(from) = open.pop() {
            for (_, to) in edges.iter().filter(|(f, _)| *f == from) {
                if seen.contains(to) {
                    return true;
                }
                seen.push(*to);
                open.push(*to);
            }
        }
        false
    })
}

impl Work<'_> {
    pub(crate) fn add_foreign(
        &mut self,
        spec: &ConstraintSpec,
        column: Option<&str>,
        check: bool,
    ) -> Result<()> {
        let ConstraintKind::Foreign {
            columns,
            target,
            target_columns,
            on_delete,
            on_update,
        } = &spec.kind
        else {
            return Ok(());
        };
        let own: Vec<String> = if columns.is_empty() {
            column.map(str::to_owned).into_iter().collect()
        } else {
            columns.clone()
        };
        let ids = own
            .iter()
            .map(|c| self.column_id(c))
            .collect::<Result<Vec<_>>>()?;
        let schema = target.schema.as_deref().unwrap_or("dbo");
        let other = self
            .database
            .table(schema, &target.name)
            .cloned()
            .ok_or_else(|| {
                error(
                    1767,
                    16,
                    format!(
                        "Foreign key '{}' references invalid table '{target}'.",
                        spec.name.as_deref().unwrap_or_default()
                    ),
                )
            })?;
        let named = spec.name.as_deref().unwrap_or_default();
        let target_ids = referenced_key(&other, target_columns)?;
        refuse_no_key(&other, &target_ids, ids.len(), named, target)?;
        let (name, object_id, system_named) = self.name(
            spec.name.as_deref(),
            "FK",
            own.first().map_or("", String::as_str),
        )?;
        let key = ForeignKey {
            object_id,
            name: name.clone(),
            system_named,
            columns: ids,
            target: other.object_id,
            target_columns: target_ids,
            on_delete: *on_delete,
            on_update: *on_update,
            disabled: false,
            trusted: check && !spec.not_for_replication,
            not_for_replication: spec.not_for_replication,
        };
        self.refuse_cascades(&key)?;
        Arc::make_mut(&mut self.table().foreign_keys).push(key);
        if check {
            let snapshot = self.table().clone();
            for row in snapshot.primary().iter() {
                check_references(self.database, &snapshot, &row.values, "ALTER TABLE")?;
            }
        }
        Ok(())
    }

    /// Refuses a foreign key whose actions would reach a table twice.
    pub(crate) fn refuse_cascades(&mut self, key: &ForeignKey) -> Result<()> {
        let own = self.object_id;
        for action in [
            (|k: &ForeignKey| k.on_delete) as fn(&ForeignKey) -> u8,
            |k: &ForeignKey| k.on_update,
        ] {
            if action(key) == 0 {
                continue;
            }
            let mut edges: Vec<(i32, i32)> = vec![(key.target, own)];
            for table in self.database.tables.values() {
                let cascading = table.foreign_keys.iter().filter(|k| action(k) != 0);
                edges.extend(cascading.map(|k| (k.target, table.object_id)));
            }
            if reached_twice(&edges) {
                let message = format!(
                    "Introducing FOREIGN KEY constraint '{}' on table '{}' may cause cycles or multiple cascade paths. Specify ON DELETE NO ACTION or ON UPDATE NO ACTION, or modify other FOREIGN KEY constraints.",
                    key.name,
                    self.table().name
                );
                return Err(error(1785, 16, message));
            }
        }
        Ok(())
    }
}
