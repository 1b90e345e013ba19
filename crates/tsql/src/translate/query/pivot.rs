//! PIVOT as aggregates with FILTER, UNPIVOT as rows beside each row.

use sqlparser::ast::{Expr, ExprWithAlias, PivotValueSource, TableAlias, TableFactor};

use super::super::context::{self, ColumnPath, Context, Level, Visible};
use super::super::value::Value;
use super::super::{Outcome, Untranslated, common, compare, convert};
use super::{Body, Item, Made, SelectBody, aggregate, arguments, from, group, typed_null};
use crate::names::quote_ident;
use crate::schema::SqlType;

/// `table PIVOT (aggregate FOR column IN (...)) AS alias`: grouped by the columns that are neither
/// aggregated nor named by FOR.
pub(super) fn pivot(context: &mut Context<'_>, factor: &TableFactor) -> Outcome<String> {
    let TableFactor::Pivot {
        table,
        aggregate_functions,
        value_column,
        value_source: PivotValueSource::List(values),
        default_on_null: None,
        alias,
    } = factor
    else {
        return Err(Untranslated::new("a PIVOT of another dialect"));
    };
    let ([aggregate], [column]) = (aggregate_functions.as_slice(), value_column.as_slice()) else {
        return Err(Untranslated::new("PIVOT with several aggregates"));
    };
    let beside = std::mem::take(&mut context.level()?.columns);
    context.levels.push(Level::default());
    let made = pivoted(context, table, aggregate, (column, values));
    context.levels.pop();
    context.level()?.columns = beside;
    placed(context, made?, alias.as_ref())
}

fn pivoted(
    context: &mut Context<'_>,
    table: &TableFactor,
    aggregate: &ExprWithAlias,
    (column, values): (&Expr, &[ExprWithAlias]),
) -> Outcome<SelectBody> {
    let source = from::factor(context, table)?;
    let Expr::Function(call) = &aggregate.expr else {
        return Err(Untranslated::new(
            "PIVOT of something other than an aggregate",
        ));
    };
    let pivot = named(context, column)?;
    let argument = match arguments::arguments(call).as_slice() {
        [Expr::Identifier(ident)] => ident.value.clone(),
        [Expr::CompoundIdentifier(parts)] => {
            parts.last().map(|it| it.value.clone()).unwrap_or_default()
        }
        _ => return Err(Untranslated::new("PIVOT of something other than a column")),
    };
    let mut items = Vec::new();
    let mut keys = Vec::new();
    let visible = context.level()?.columns.clone();
    for seen in &visible {
        let source = &seen.column.source;
        if context::same(source, &pivot.0) || context::same(source, &argument) {
            continue;
        }
        let value = context.read(seen)?;
        let group = group::group(context, value)?;
        keys.push(group.key.clone());
        items.push(Item {
            name: Some(source.clone()),
            value: group.value,
        });
    }
    for listed in values {
        let name = listed_name(&listed.expr)?;
        let value = Value::text(&name, true);
        let wanted = compare::compare(context, pivot.1.clone(), "=", value)?.sql();
        let made = aggregate::filtered(context, call, &wanted)?;
        items.push(Item {
            name: Some(name),
            value: made,
        });
    }
    let grouped = match keys.as_slice() {
        [] => String::new(),
        keys => format!("\nGROUP BY {}", keys.join(", ")),
    };
    Ok(SelectBody {
        head: "SELECT".to_owned(),
        items,
        tail: format!("\nFROM {source}{grouped}"),
    })
}

fn listed_name(expr: &Expr) -> Outcome<String> {
    match expr {
        Expr::Identifier(ident) => Ok(ident.value.clone()),
        Expr::Nested(inner) => listed_name(inner),
        Expr::Value(value) => Ok(value.to_string()),
        _ => Err(Untranslated::new("PIVOT IN of something other than names")),
    }
}

/// A column that FOR or IN names, and its value.
fn named(context: &mut Context<'_>, expr: &Expr) -> Outcome<(String, Value)> {
    let (table, name) = match expr {
        Expr::Identifier(ident) => (None, &ident.value),
        Expr::CompoundIdentifier(parts) => match parts.as_slice() {
            [table, name] => (Some(table.value.as_str()), &name.value),
            _ => {
                return Err(Untranslated::new(
                    "PIVOT FOR of something other than a column",
                ));
            }
        },
        Expr::Nested(inner) => return named(context, inner),
        _ => {
            return Err(Untranslated::new(
                "PIVOT FOR of something other than a column",
            ));
        }
    };
    let path = ColumnPath {
        schema: None,
        table,
        name,
    };
    Ok((name.clone(), context.column(&path)?))
}

/// A PIVOT or UNPIVOT as a table of the query around it.
fn placed(
    context: &mut Context<'_>,
    body: SelectBody,
    alias: Option<&TableAlias>,
) -> Outcome<String> {
    let made = Made::from(Body::Select(body));
    let (sql, called) = from::aliased(context, made, alias)?;
    Ok(format!("{sql} AS {called}"))
}

/// `table UNPIVOT (value FOR name IN (...)) AS alias`: a row for each column that is not NULL.
pub(super) fn unpivot(context: &mut Context<'_>, factor: &TableFactor) -> Outcome<String> {
    let TableFactor::Unpivot {
        table,
        value: Expr::Identifier(value),
        name,
        columns,
        null_inclusion: None,
        alias,
    } = factor
    else {
        return Err(Untranslated::new("an UNPIVOT of another dialect"));
    };
    let beside = std::mem::take(&mut context.level()?.columns);
    context.levels.push(Level::default());
    let made = unpivoted(context, table, (&value.value, &name.value), columns);
    context.levels.pop();
    context.level()?.columns = beside;
    placed(context, made?, alias.as_ref())
}

fn unpivoted(
    context: &mut Context<'_>,
    table: &TableFactor,
    (value_name, name_name): (&str, &str),
    columns: &[ExprWithAlias],
) -> Outcome<SelectBody> {
    const ROWS: &str = "\u{b7}u";
    let source = from::factor(context, table)?;
    let mut names = Vec::with_capacity(columns.len());
    let mut values = Vec::with_capacity(columns.len());
    for column in columns {
        let (name, value) = named(context, &column.expr)?;
        names.push(name);
        values.push(value.kept()?);
    }
    let (values, shape) = common::unified(context, values)?;
    let ty = shape.ty.clone().unwrap_or(SqlType::Int);
    let mut rows = Vec::with_capacity(values.len());
    for (name, value) in names.iter().zip(values) {
        let value = convert::converted(context, typed_null(value, &ty), &ty)?;
        rows.push(format!("({}, {})", Value::text(name, true).sql, value.sql));
    }
    let visible = context.level()?.columns.clone();
    let kept: Vec<&Visible> = visible
        .iter()
        .filter(|seen| {
            !names
                .iter()
                .any(|name| context::same(name, &seen.column.source))
        })
        .collect();
    let mut items = Vec::with_capacity(kept.len() + 2);
    for seen in kept {
        items.push(Item {
            name: Some(seen.column.source.clone()),
            value: context.read(seen)?,
        });
    }
    let of_rows = |column: &str| format!("{}.{}", quote_ident(ROWS), quote_ident(column));
    items.push(Item {
        name: Some(value_name.to_owned()),
        value: Value::atom(of_rows("v"), ty).in_collation_of(&shape),
    });
    let sysname = SqlType::NVarChar { length: Some(128) };
    let mut name = Value::atom(of_rows("n"), sysname);
    name.collation.clone_from(&context.default_collation);
    items.push(Item {
        name: Some(name_name.to_owned()),
        value: name,
    });
    let tail = format!(
        "\nFROM {source}\nCROSS JOIN LATERAL (VALUES {}) AS {} (\"n\", \"v\")\nWHERE {} IS NOT NULL",
        rows.join(", "),
        quote_ident(ROWS),
        of_rows("v")
    );
    context::bounded(&tail)?;
    Ok(SelectBody {
        head: "SELECT".to_owned(),
        items,
        tail,
    })
}
