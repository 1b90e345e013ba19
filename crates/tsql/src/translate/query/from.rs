//! FROM: tables, views, derived tables and functions, and how they are joined.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, Join, JoinConstraint, JoinOperator,
    ObjectName, TableAlias, TableAliasColumnDef, TableFactor, TableWithJoins,
};

use super::super::context::{self, Context, DEFAULT_SCHEMA};
use super::super::{Outcome, Relation, Untranslated, condition};
use super::{apply, json, name, pivot, query, table};

/// What FROM lists, and its columns into the scope of the innermost SELECT.
pub(super) fn from(context: &mut Context<'_>, tables: &[TableWithJoins]) -> Outcome<String> {
    let mut sql = Vec::with_capacity(tables.len());
    for table in tables {
        sql.push(joined(context, table)?);
    }
    // T-SQL joins from left to right; PostgreSQL binds JOIN tighter than a comma, as T-SQL does.
    Ok(sql.join(", "))
}

fn joined(context: &mut Context<'_>, table: &TableWithJoins) -> Outcome<String> {
    let mut sql = factor(context, &table.relation)?;
    for join in &table.joins {
        sql.push_str(&self::join(context, join)?);
    }
    context::bounded(&sql)?;
    Ok(sql)
}

fn join(context: &mut Context<'_>, join: &Join) -> Outcome<String> {
    let (word, constraint) = match &join.join_operator {
        JoinOperator::Join(on) | JoinOperator::Inner(on) => ("JOIN", on),
        JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => ("LEFT JOIN", on),
        JoinOperator::Right(on) | JoinOperator::RightOuter(on) => ("RIGHT JOIN", on),
        JoinOperator::FullOuter(on) => ("FULL JOIN", on),
        JoinOperator::CrossJoin(on) => ("CROSS JOIN", on),
        JoinOperator::CrossApply => {
            let table = apply::lateral(context, &join.relation)?;
            return Ok(format!("\nCROSS JOIN {table}"));
        }
        JoinOperator::OuterApply => {
            let table = apply::lateral(context, &join.relation)?;
            return Ok(format!("\nLEFT JOIN {table} ON true"));
        }
        _ => {
            return Err(Untranslated::new(
                "a join of a kind that T-SQL does not have",
            ));
        }
    };
    let table = factor(context, &join.relation)?;
    match constraint {
        JoinConstraint::On(on) => {
            if word == "FULL JOIN" && !equalities(on) {
                return Err(Untranslated::new(
                    "FULL JOIN without an equality of columns of both tables, which PostgreSQL does not run",
                ));
            }
            let on = condition::condition(context, on)?;
            Ok(format!("\n{word} {table} ON {}", on.sql))
        }
        JoinConstraint::None if word == "CROSS JOIN" => Ok(format!("\n{word} {table}")),
        _ => Err(Untranslated::new("a join without ON")),
    }
}

/// Whether a condition compares a column of one table with one of another.
fn equalities(on: &Expr) -> bool {
    let table = |expr: &Expr| match expr {
        Expr::CompoundIdentifier(parts) if parts.len() > 1 => {
            parts.get(parts.len() - 2).map(|it| it.value.to_lowercase())
        }
        _ => None,
    };
    match on {
        Expr::Nested(inner) => equalities(inner),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::And,
            right,
        } => equalities(left) || equalities(right),
        Expr::BinaryOp {
            left,
            op: BinaryOperator::Eq,
            right,
        } => match (table(left), table(right)) {
            (Some(one), Some(other)) => one != other,
            _ => false,
        },
        _ => false,
    }
}

/// One table, and its columns into scope.
pub(super) fn factor(context: &mut Context<'_>, factor: &TableFactor) -> Outcome<String> {
    context.deeper(|context| node(context, factor))
}

fn node(context: &mut Context<'_>, factor: &TableFactor) -> Outcome<String> {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args: None,
            with_hints,
            version: None,
            with_ordinality: false,
            partitions,
            json_path: None,
            sample: None,
            index_hints,
        } if partitions.is_empty() && index_hints.is_empty() => {
            hints(with_hints)?;
            named(context, name, alias.as_ref())
        }
        // `t (NOLOCK)`: hints without WITH, as they were written before SQL Server 2005.
        TableFactor::Table {
            args: Some(args),
            name,
            alias,
            ..
        } if args.args.iter().all(is_hint) => named(context, name, alias.as_ref()),
        TableFactor::Table {
            args: Some(args),
            name,
            alias,
            ..
        } => apply::function(context, name, &args.args, alias.as_ref()),
        TableFactor::Table {
            version: Some(_), ..
        } => Err(Untranslated::new("FOR SYSTEM_TIME")),
        TableFactor::Table { .. } => Err(Untranslated::new(
            "TABLESAMPLE or another clause of a table",
        )),
        TableFactor::Derived {
            lateral: false,
            subquery,
            alias,
            sample: None,
        } => {
            // It sees the SELECTs around this one, and not the tables beside it.
            let beside = std::mem::take(&mut context.level()?.columns);
            let made = query(context, subquery)?;
            context.level()?.columns = beside;
            let (sql, called) = aliased(context, made, alias.as_ref())?;
            Ok(format!("{sql} AS {called}"))
        }
        TableFactor::NestedJoin {
            table_with_joins,
            alias: None,
        } => Ok(format!("({})", joined(context, table_with_joins)?)),
        TableFactor::Pivot { .. } => pivot::pivot(context, factor),
        TableFactor::Unpivot { .. } => pivot::unpivot(context, factor),
        TableFactor::OpenJsonTable { .. } => json::open(context, factor),
        _ => Err(Untranslated::new(
            "a table of a kind that is not translated",
        )),
    }
}

/// A query as a table, and its columns into scope: its text and its alias, quoted.
pub(super) fn aliased(
    context: &mut Context<'_>,
    made: super::Made,
    alias: Option<&TableAlias>,
) -> Outcome<(String, String)> {
    let alias = alias.ok_or_else(|| Untranslated::new("a derived table without an alias"))?;
    let given = name::column_names(alias)?;
    let (made, columns) = table::derived(context, made, &given)?;
    let sql = table::sql(&made, &columns)?;
    let called = name::see(context, &alias.name.value, None, columns.into_iter())?;
    Ok((sql, called))
}

/// Hints that leave out no row.
const HARMLESS: [&str; 16] = [
    "NOLOCK",
    "READUNCOMMITTED",
    "READCOMMITTED",
    "READCOMMITTEDLOCK",
    "REPEATABLEREAD",
    "SERIALIZABLE",
    "HOLDLOCK",
    "ROWLOCK",
    "PAGLOCK",
    "TABLOCK",
    "TABLOCKX",
    "UPDLOCK",
    "XLOCK",
    "FORCESEEK",
    "FORCESCAN",
    "NOEXPAND",
];

fn is_hint(argument: &FunctionArg) -> bool {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(ident))) => {
            HARMLESS.contains(&ident.value.to_ascii_uppercase().as_str())
        }
        _ => false,
    }
}

/// Hints say how rows are found; those that leave out rows are refused.
fn hints(hints: &[Expr]) -> Outcome<()> {
    for hint in hints {
        let text = hint.to_string().to_ascii_uppercase();
        let index = text.starts_with("INDEX");
        if !index && !HARMLESS.contains(&text.as_str()) {
            return Err(Untranslated::new(format!("the hint {text}")));
        }
    }
    Ok(())
}

/// A table, view or common table expression by its name.
fn named(
    context: &mut Context<'_>,
    name: &ObjectName,
    alias: Option<&TableAlias>,
) -> Outcome<String> {
    let (schema, table) = name::parts(name)?;
    let columns = alias.map_or(&[][..], |alias| &alias.columns);
    let hint =
        |it: &TableAliasColumnDef| HARMLESS.contains(&it.name.value.to_ascii_uppercase().as_str());
    if !columns.iter().all(hint) {
        return Err(Untranslated::new("a table with names for its columns"));
    }
    let called = alias.map_or(table.as_str(), |alias| alias.name.value.as_str());
    if schema.is_none() {
        let found = context
            .ctes
            .iter()
            .rev()
            .find(|it| context::same(&it.name, &table));
        if let Some(cte) = found.cloned() {
            if cte.open {
                return Err(Untranslated::new(
                    "a recursion in a form that is not translated",
                ));
            }

            let called = name::see(context, called, None, cte.columns.into_iter())?;
            return Ok(format!("{} AS {called}", cte.sql));
        }
    }
    let relation = relation(context, schema.as_deref(), &table)?;
    let columns: Vec<_> = relation.columns.iter().map(context::Column::from).collect();
    context.reads.insert(relation.source.clone());
    let own = alias
        .is_none()
        .then(|| relation.source.split('.').next().unwrap_or_default());
    let called = name::see(context, called, own, columns.into_iter())?;
    Ok(format!("{} AS {called}", relation.sql))
}

/// A table or view of the target; a synonym stands for one.
fn relation<'a>(
    context: &mut Context<'a>,
    schema: Option<&str>,
    table: &str,
) -> Outcome<Relation<'a>> {
    let names = context.names;
    let own = schema.unwrap_or(context.schema);
    let at = |schema: &str| {
        names.relation(schema, table).or_else(|| {
            let (schema, table) = names.synonym(schema, table)?;
            names.relation(&schema, &table)
        })
    };
    if let Some(found) = at(own) {
        return Ok(found);
    }
    let elsewhere = schema.is_none() && context.schema != DEFAULT_SCHEMA;
    if elsewhere && let Some(found) = at(DEFAULT_SCHEMA) {
        context.fell_back = true;
        return Ok(found);
    }
    let full = match schema {
        Some(schema) => format!("{schema}.{table}"),
        None => table.to_owned(),
    };
    Err(Untranslated::new(format!(
        "the table or view {full}, which is not moved whole"
    )))
}
