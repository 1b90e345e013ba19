//! Columns: added, changed and dropped, with the rows that have them.

use std::sync::Arc;

use crate::engine::ddl::work::{Work, facts_of, place, table_id};
use crate::engine::error::{Result, error, invalid_column, unsupported};
use crate::engine::eval::expr::{Env, Run};
use crate::engine::model::facts::Facts;
use crate::engine::model::index::IndexKind;
use crate::engine::model::name::Name;
use crate::engine::model::rows::{OrderedRows, Row};
use crate::engine::model::state::State;
use crate::engine::model::table::{ColumnDef, Computed, GeneratedAlways, Identity};
use crate::engine::parse::definition::{ColumnSpec, ConstraintKind};
use crate::engine::parse::normal::definition;
use crate::engine::query::mask;
use crate::engine::rules::check::{Rules, bind_over};
use crate::engine::{collate, datatype};
use crate::types::{SqlType, Value};

/// Functions whose result is another at every call, as definitions show them.
const CHANGING: [&str; 8] = [
    "getdate()",
    "getutcdate()",
    "sysdatetime()",
    "sysutcdatetime()",
    "sysdatetimeoffset()",
    "newid()",
    "rand(",
    "NEXT VALUE FOR",
];

impl Work<'_> {
    pub(super) fn add_column(&mut self, spec: &ColumnSpec) -> Result<()> {
        if let Some(function) = &spec.mask {
            mask::check(function)?;
        }
        if self.table().column(&spec.name).is_some() {
            let message = format!(
                "Column names in each table must be unique. Column name '{}' in table '{}' is specified more than once.",
                spec.name,
                self.table().name
            );
            return Err(error(2705, 16, message));
        }
        let def = self.column_def(spec)?;
        let table = self.table();
        let def = ColumnDef {
            id: table.next_column,
            ..def
        };
        table.next_column += 1;
        if def.identity.is_some() && table.columns.iter().any(|c| c.identity.is_some()) {
            return Err(error(
                2744,
                16,
                format!(
                    "Multiple identity columns specified for table '{}'. Only one identity column per table is allowed.",
                    table.name
                ),
            ));
        }
        Arc::make_mut(&mut self.table().columns).push(def);
        Ok(())
    }

    /// Gives a computed column its expression, once all columns are there that it may name.
    pub(super) fn bind_computed(&mut self, spec: &ColumnSpec) -> Result<()> {
        let Some(expr) = &spec.computed else {
            return Ok(());
        };
        let text = definition(expr);
        let (facts, snapshot) = (facts_of(self.facts, self.database), self.table().clone());
        if spec.persisted && CHANGING.iter().any(|f| text.contains(f)) {
            let message = format!(
                "Computed column '{}' in table '{}' cannot be persisted because the column is non-deterministic.",
                spec.name, snapshot.name
            );
            return Err(error(4936, 16, message));
        }
        let bound = bind_over(&facts, &snapshot, &text, false)?;
        let table = self.table();
        let at = table
            .column(&spec.name)
            .ok_or_else(|| invalid_column(&spec.name))?;
        let def = &mut Arc::make_mut(&mut table.columns)[at];
        (def.ty, def.collation) = (bound.t.ty.clone(), bound.t.collation.clone());
        def.user_type_id = datatype::user_type_id(&def.ty);
        def.nullable = spec.nullable.unwrap_or(may_be_null(expr, bound.t.nullable));
        def.computed = Some(Computed {
            definition: text,
            persisted: spec.persisted,
        });
        Ok(())
    }

    pub(super) fn column_def(&mut self, spec: &ColumnSpec) -> Result<ColumnDef> {
        let (ty, user_type_id, alias_nullable) = match &spec.ty {
            Some(name) => facts_of(self.facts, self.database)
                .resolve_type(name, false)
                .map_err(|_| {
                    error(
                        2715,
                        16,
                        format!(
                            "Column, parameter, or variable #{}: Cannot find data type {}.",
                            self.object_id, name.name
                        ),
                    )
                })?,
            None => (SqlType::Int, 56, None),
        };
        let collation = match (&spec.collation, datatype::has_collation(&ty)) {
            (Some(name), true) if !name.eq_ignore_ascii_case("database_default") => {
                Some(collate::find(name)?)
            }
            (_, true) => Some(Arc::clone(&self.database.collation)),
            _ => None,
        };
        let key = spec.constraints.iter().any(|c| {
            matches!(
                &c.kind,
                ConstraintKind::Key {
                    kind: IndexKind::PrimaryKey,
                    ..
                }
            )
        });
        refuse_sparse(&self.table().name, spec, &ty)?;
        let fixed = key
            || spec.identity.is_some()
            || ty == SqlType::RowVersion
            || spec.generated != GeneratedAlways::No;
        Ok(ColumnDef {
            name: spec.name.clone(),
            id: 0,
            ty,
            user_type_id,
            nullable: spec
                .nullable
                .unwrap_or(!fixed && alias_nullable.unwrap_or(true)),
            collation,
            identity: spec.identity.map(|(seed, increment)| Identity {
                seed,
                increment,
                last: None,
                not_for_replication: spec.not_for_replication,
            }),
            computed: None,
            default: None,
            rowguid: spec.rowguid,
            sparse: spec.sparse,
            column_set: spec.column_set,
            graph: spec.graph,
            generated: spec.generated,
            hidden: spec.hidden,
            mask: spec.mask.clone(),
        })
    }

    pub(super) fn fill_new_columns(&mut self, from: usize) -> Result<()> {
        let facts = facts_of(self.facts, self.database);
        let snapshot = self.table().clone();
        let rules = Rules::new(&facts, &self.database.clone(), &snapshot)?;
        let rows: Vec<Arc<Row>> = snapshot.primary().iter().cloned().collect();
        let run = Run::default();
        let mut widened = Vec::new();
        for row in rows {
            let mut values = row.values.to_vec();
            for at in from..snapshot.columns.len() {
                let column = &snapshot.columns[at];
                let value = match (&column.identity, &rules.defaults[at]) {
                    (Some(_), _) => {
                        return Err(unsupported(
                            "adding an identity column to a table with rows",
                        ));
                    }
                    (None, Some(default)) if !column.nullable => {
                        let value = default.eval(&Env {
                            row: &[],
                            outer: None,
                            run: &run,
                        })?;
                        rules.store(&snapshot, at, &value, &default.t.ty)?
                    }
                    _ => Value::Null,
                };
                values.push(value);
            }
            rules.complete(&snapshot, &mut values, "ALTER TABLE")?;
            widened.push(Arc::new(Row {
                id: row.id,
                values: values.into(),
            }));
        }
        self.replace_rows(&rules, widened)
    }

    pub(super) fn replace_rows(&mut self, rules: &Rules, rows: Vec<Arc<Row>>) -> Result<()> {
        let table = self.table();
        table.heap = OrderedRows::default();
        for index in &mut table.indexes {
            index.rows = OrderedRows::default();
        }
        rows.into_iter()
            .try_for_each(|row| rules.insert(table, row))
    }

    pub(super) fn drop_column(&mut self, name: &str) -> Result<()> {
        let table = self.table();
        let Some(at) = table.column(name) else {
            return Err(error(
                4924,
                16,
                format!(
                    "ALTER TABLE DROP COLUMN failed because column '{name}' does not exist in table '{}'.",
                    table.name
                ),
            ));
        };
        let id = table.columns[at].id;
        let used = table
            .indexes
            .iter()
            .any(|i| i.keys.iter().any(|k| k.0 == id) || i.included.contains(&id))
            || table.foreign_keys.iter().any(|k| k.columns.contains(&id))
            || table.columns[at].default.is_some()
            || table.checks.iter().any(|c| c.column_id == id);
        if used {
            return Err(error(
                4922,
                16,
                format!(
                    "ALTER TABLE DROP COLUMN {name} failed because one or more objects access this column."
                ),
            ));
        }
        let rows: Vec<Arc<Row>> = table.primary().iter().cloned().collect();
        Arc::make_mut(&mut table.columns).remove(at);
        let narrowed = rows.iter().map(|r| {
            let mut values = r.values.to_vec();
            values.remove(at);
            Arc::new(Row {
                id: r.id,
                values: values.into(),
            })
        });
        let narrowed: Vec<_> = narrowed.collect();
        let facts = facts_of(self.facts, self.database);
        let rules = Rules::new(&facts, &self.database.clone(), &self.table().clone())?;
        self.replace_rows(&rules, narrowed)
    }

    pub(super) fn alter_column(&mut self, spec: &ColumnSpec) -> Result<()> {
        let def = self.column_def(spec)?;
        let before = self.table().clone();
        let at = before
            .column(&spec.name)
            .ok_or_else(|| invalid_column(&spec.name))?;
        let old = &before.columns[at];
        let changed = ColumnDef {
            id: old.id,
            name: old.name.clone(),
            identity: old.identity.clone(),
            default: old.default.clone(),
            rowguid: old.rowguid,
            ..def
        };
        Arc::make_mut(&mut self.table().columns)[at] = changed;
        let facts = facts_of(self.facts, self.database);
        let after = self.table().clone();
        let rules = Rules::new(&facts, &self.database.clone(), &after)?;
        let mut rows = Vec::new();
        for row in before.primary().iter() {
            let mut values = row.values.to_vec();
            values[at] = rules.store(&after, at, &values[at], &old.ty)?;
            rules.complete(&after, &mut values, "ALTER TABLE")?;
            rows.push(Arc::new(Row {
                id: row.id,
                values: values.into(),
            }));
        }
        self.replace_rows(&rules, rows)
    }
}

/// Microsoft, "Use sparse columns" and "Use column sets": what a sparse column cannot be, and that a
/// column set is xml.
fn refuse_sparse(table: &str, spec: &ColumnSpec, ty: &SqlType) -> Result<()> {
    let refused = matches!(
        ty,
        SqlType::Text
            | SqlType::NText
            | SqlType::Image
            | SqlType::RowVersion
            | SqlType::Geography
            | SqlType::Geometry
    );
    let default = |c: &crate::engine::parse::definition::ConstraintSpec| {
        matches!(
            c.kind,
            ConstraintKind::Default { .. }
                | ConstraintKind::Key {
                    kind: IndexKind::PrimaryKey,
                    ..
                }
        )
    };
    let wrong = spec.nullable == Some(false)
        || spec.identity.is_some()
        || spec.rowguid
        || refused
        || spec.constraints.iter().any(default);
    if spec.sparse && wrong {
        let message = format!(
            "Cannot create the sparse column '{}' in the table '{table}' because an option or data type specified is not valid.",
            spec.name
        );
        return Err(error(1731, 16, message));
    }
    if spec.column_set && *ty != SqlType::Xml {
        let message = format!(
            "Cannot create the column set '{}' in the table '{table}' because it is not of data type xml.",
            spec.name
        );
        return Err(error(1733, 16, message));
    }
    Ok(())
}

/// DBCC CHECKIDENT ... RESEED: the next row takes the value if there never was one, else the one
/// after it.
pub(crate) fn reseed(facts: &Facts, state: &mut State, table: &Name, value: i64) -> Result<()> {
    let (database, name) = place(facts, state, table)?;
    let id = table_id(database, &name)?;
    let found = database.table_mut(id).and_then(|t| {
        Arc::make_mut(&mut t.columns)
            .iter_mut()
            .find_map(|c| c.identity.as_mut())
    });
    let Some(identity) = found else {
        let message = format!("'{name}' does not contain an identity column.");
        return Err(error(7997, 16, message));
    };
    identity.last = Some(match identity.last {
        Some(_) => value,
        None => value.saturating_sub(identity.increment),
    });
    Ok(())
}

/// Whether a computed column may be null: only ISNULL and plain columns are known not to be
/// ("Specify computed columns in a table"); arithmetic may overflow to null.
fn may_be_null(expr: &sqlparser::ast::Expr, nullable: bool) -> bool {
    use sqlparser::ast::Expr;
    match expr {
        Expr::Nested(e) => may_be_null(e, nullable),
        Expr::Identifier(_) | Expr::Value(_) => nullable,
        Expr::Function(f) if f.name.to_string().eq_ignore_ascii_case("isnull") => nullable,
        _ => true,
    }
}
