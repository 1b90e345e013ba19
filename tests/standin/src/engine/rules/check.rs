//! Storing rows: conversion to column types, generated values, and every constraint.

use std::sync::Arc;

use crate::engine::datatype;
use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Env, Run};
use crate::engine::model::facts::Facts;
use crate::engine::model::index::{Index, IndexForm, IndexKind};
use crate::engine::model::name::Name;
use crate::engine::model::rows::Row;
use crate::engine::model::state::Database;
use crate::engine::model::table::Table;
use crate::engine::parse::expression::parse_expression;
use crate::engine::query::bind::{Binder, Source};
use crate::engine::query::source::outputs;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;
use crate::engine::value::text;
use crate::types::{SqlError, SqlType, Value};

/// A table's expressions, bound once per statement.
pub(crate) struct Rules {
    /// Database, schema and name, as messages print them.
    place: (String, String, String),
    pub(crate) defaults: Vec<Option<Bound>>,
    computed: Vec<(usize, Bound)>,
    checks: Vec<(String, Bound)>,
    /// By index id.
    filters: Vec<(i32, Bound)>,
    how: How,
}

/// Binds an expression of the catalog over a table's columns.
pub(crate) fn bind_over(facts: &Facts, table: &Table, sql: &str, condition: bool) -> Result<Bound> {
    let mut binder = Binder::new(facts);
    let name = Name {
        database: None,
        schema: None,
        name: table.name.clone(),
    };
    let columns = outputs(&table.result_columns());
    binder.scope().sources.push(Source {
        alias: table.name.clone(),
        name: Some(name),
        columns,
        start: 0,
    });
    let expr = parse_expression(sql)?;
    if condition {
        binder.condition(&expr)
    } else {
        binder.value(&expr)
    }
}

impl Rules {
    pub(crate) fn new(facts: &Facts, database: &Database, table: &Table) -> Result<Rules> {
        let bind = |sql: &str, condition| bind_over(facts, table, sql, condition);
        let mut rules = Rules {
            place: (
                database.name.clone(),
                database
                    .schema_name(table.schema_id)
                    .unwrap_or_default()
                    .to_owned(),
                table.name.clone(),
            ),
            defaults: Vec::new(),
            computed: Vec::new(),
            checks: Vec::new(),
            filters: Vec::new(),
            how: How {
                order: facts.date_order,
                ..How::default()
            },
        };
        for (i, column) in table.columns.iter().enumerate() {
            rules.defaults.push(
                column
                    .default
                    .as_ref()
                    .map(|d| bind(&d.definition, false))
                    .transpose()?,
            );
            if let Some(computed) = &column.computed {
                rules.computed.push((i, bind(&computed.definition, false)?));
            }
        }
        for check in table.checks.iter().filter(|c| !c.disabled) {
            rules
                .checks
                .push((check.text.name.clone(), bind(&check.text.definition, true)?));
        }
        for index in table.indexes.iter() {
            if let Some(filter) = &index.filter {
                rules.filters.push((index.id, bind(filter, true)?));
            }
        }
        Ok(rules)
    }

    fn full_name(&self) -> String {
        format!("{}.{}", self.place.1, self.place.2)
    }

    /// Converts a value to what column `at` stores.
    pub(crate) fn store(
        &self,
        table: &Table,
        at: usize,
        value: &Value,
        from: &SqlType,
    ) -> Result<Value> {
        let column = &table.columns[at];
        if datatype::is_clr(&column.ty)
            && !datatype::is_clr(from)
            && !datatype::is_binary(from)
            && !matches!(value, Value::Null)
        {
            return Err(unsupported(format!(
                "a text or number as value of the CLR type of column '{}'",
                column.name
            )));
        }
        let how = How {
            code_page: column.collation.as_ref().map(|c| c.code_page),
            ..self.how
        };
        convert(value, from, &column.ty, how).map_err(|e| match e.number {
            8152 => self.truncated(&column.name, value),
            _ => e,
        })
    }

    fn truncated(&self, column: &str, value: &Value) -> SqlError {
        let shown: String = text::units(value)
            .map(|u| text::to_string(u))
            .unwrap_or_default()
            .chars()
            .take(100)
            .collect();
        let (database, schema, table) = &self.place;
        let message = format!(
            "String or binary data would be truncated in table '{database}.{schema}.{table}', column '{column}'. Truncated value: '{shown}'."
        );
        error(2628, 16, message)
    }

    /// The column set is the elements of all sparse columns that are not null, or NULL (Microsoft,
    /// "Use column sets").
    fn fill_column_set(&self, table: &Table, values: &mut [Value]) -> Result<()> {
        let Some(set) = table.columns.iter().position(|c| c.column_set) else {
            return Ok(());
        };
        let text = SqlType::NVarChar { length: None };
        let mut xml = String::new();
        for (column, value) in table.columns.iter().zip(values.iter()) {
            if !column.sparse || matches!(value, Value::Null) {
                continue;
            }
            let shown = convert(value, &column.ty, &text, self.how)?;
            let shown = text::units(&shown).map(|units| text::to_string(units));
            let shown = shown
                .unwrap_or_default()
                .replace('&', "&amp;")
                .replace('<', "&lt;");
            xml.push_str(&format!("<{0}>{shown}</{0}>", column.name));
        }
        values[set] = if xml.is_empty() {
            Value::Null
        } else {
            self.store(table, set, &text::value(&xml), &text)?
        };
        Ok(())
    }

    /// Fills computed columns and checks NOT NULL and CHECK.
    pub(crate) fn complete(&self, table: &Table, values: &mut [Value], verb: &str) -> Result<()> {
        let run = Run::default();
        for (at, expr) in &self.computed {
            let value = expr.eval(&Env {
                row: values,
                outer: None,
                run: &run,
            })?;
            values[*at] = self.store(table, *at, &value, &expr.t.ty)?;
        }
        self.fill_column_set(table, values)?;
        for (column, value) in table.columns.iter().zip(values.iter()) {
            let counts = column.computed.as_ref().is_none_or(|c| c.persisted);
            if matches!(value, Value::Null) && !column.nullable && counts {
                let message = format!(
                    "Cannot insert the value NULL into column '{}', table '{}.{}'; column does not allow nulls. {verb} fails.",
                    column.name,
                    self.place.0,
                    self.full_name()
                );
                return Err(error(515, 16, message));
            }
        }
        for (name, check) in &self.checks {
            if check.test(&Env {
                row: values,
                outer: None,
                run: &run,
            })? == Some(false)
            {
                let message = format!(
                    "The {verb} statement conflicted with the CHECK constraint \"{name}\". The conflict occurred in database \"{}\", table \"{}\".",
                    self.place.0,
                    self.full_name()
                );
                return Err(error(547, 16, message));
            }
        }
        Ok(())
    }

    fn takes(&self, index: &Index, values: &[Value]) -> bool {
        let run = Run::default();
        let filter = self.filters.iter().find(|(id, _)| *id == index.id);
        index.form == IndexForm::Rows
            && !index.disabled
            && filter.is_none_or(|(_, f)| {
                matches!(
                    f.test(&Env {
                        row: values,
                        outer: None,
                        run: &run
                    }),
                    Ok(Some(true))
                )
            })
    }

    /// Adds a row to a table after checking its unique indexes.
    pub(crate) fn insert(&self, table: &mut Table, row: Arc<Row>) -> Result<()> {
        let keys = table.keys(&row, &|index| self.takes(index, &row.values));
        for (index, key) in table.indexes.iter().zip(&keys) {
            if let Some(key) = key
                && index.unique
                && index.rows.find_prefix(key).is_some()
            {
                return Err(self.duplicate(table, index, &row.values));
            }
        }
        table.insert_keyed(row, keys);
        Ok(())
    }

    pub(crate) fn duplicate(&self, table: &Table, index: &Index, values: &[Value]) -> SqlError {
        let shown: Vec<String> = index
            .keys
            .iter()
            .map(|(id, _)| {
                let at = table.position(*id);
                match &values[at] {
                    Value::Null => "<NULL>".to_owned(),
                    Value::Bytes(b) => format!("0x{}", text::hex(b).to_lowercase()),
                    v => crate::engine::value::convert::print(
                        v,
                        &table.columns[at].ty,
                        Some(121).filter(|_| datatype::is_temporal(&table.columns[at].ty)),
                    )
                    .map(|u| text::to_string(&u))
                    .unwrap_or_default(),
                }
            })
            .collect();
        let shown = shown.join(", ");
        let name = self.full_name();
        match index.kind {
            IndexKind::Plain => error(
                2601,
                14,
                format!(
                    "Cannot insert duplicate key row in object '{name}' with unique index '{}'. The duplicate key value is ({shown}).",
                    index.name
                ),
            ),
            kind => {
                let kind = if kind == IndexKind::PrimaryKey {
                    "PRIMARY KEY"
                } else {
                    "UNIQUE KEY"
                };
                let message = format!(
                    "Violation of {kind} constraint '{}'. Cannot insert duplicate key in object '{name}'. The duplicate key value is ({shown}).",
                    index.name
                );
                error(2627, 14, message)
            }
        }
    }
}
