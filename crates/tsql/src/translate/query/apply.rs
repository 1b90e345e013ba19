//! APPLY, rows of VALUES, and functions that return tables.

use sqlparser::ast::{FunctionArg, FunctionArgExpr, ObjectName, TableAlias, TableFactor, Values};

use super::super::context::{self, Column, Context, DEFAULT_SCHEMA};
use super::super::types::{self, Family};
use super::super::{Outcome, TableFunction, Untranslated, common, expression};
use super::{
    Body, Item, SelectBody, SetBody, arguments as call_arguments, from, name, query, typed_null,
    xml,
};
use crate::schema::SqlType;
use crate::typemap::PgType;

/// What stands on the right of APPLY: it sees the tables on the left.
pub(super) fn lateral(context: &mut Context<'_>, factor: &TableFactor) -> Outcome<String> {
    match factor {
        TableFactor::Derived {
            lateral: false,
            subquery,
            alias,
            sample: None,
        } => {
            let made = query(context, subquery)?;
            let (sql, called) = from::aliased(context, made, alias.as_ref())?;
            Ok(format!("LATERAL {sql} AS {called}"))
        }
        TableFactor::Table { args: Some(_), .. } | TableFactor::OpenJsonTable { .. } => {
            Ok(format!("LATERAL {}", from::factor(context, factor)?))
        }
        _ => Err(Untranslated::new(
            "APPLY of something other than a query or function",
        )),
    }
}

/// `VALUES (...), (...)`, as SELECTs that are put together.
pub(super) fn values(context: &mut Context<'_>, values: &Values) -> Outcome<Body> {
    let width = values.rows.first().map_or(0, |row| row.content.len());
    let mut columns: Vec<Vec<_>> = vec![Vec::with_capacity(values.rows.len()); width];
    for row in &values.rows {
        if row.content.len() != width {
            return Err(Untranslated::new("VALUES with rows of other lengths"));
        }
        for (column, expr) in columns.iter_mut().zip(&row.content) {
            column.push(expression::value(context, expr)?.kept()?);
        }
    }
    let mut typed = Vec::with_capacity(width);
    for column in columns {
        if column.iter().all(|it| it.ty.is_none()) {
            typed.push(
                column
                    .into_iter()
                    .map(|it| typed_null(it, &SqlType::Int))
                    .collect(),
            );
            continue;
        }
        let (converted, shape) = common::unified(context, column)?;
        let ty = shape.ty.clone().unwrap_or(SqlType::Int);
        let each = converted
            .into_iter()
            .map(|it| typed_null(it, &ty).in_collation_of(&shape));
        typed.push(each.collect::<Vec<_>>());
    }
    let mut body: Option<Body> = None;
    for at in 0..values.rows.len() {
        let items = typed
            .iter()
            .filter_map(|column| column.get(at))
            .map(|value| Item {
                name: None,
                value: value.clone(),
            });
        let row = Body::Select(SelectBody {
            head: "SELECT".to_owned(),
            items: items.collect(),
            tail: String::new(),
        });
        body = Some(match body {
            None => row,
            Some(rows) => Body::Set(SetBody {
                operator: "UNION ALL",
                left: Box::new(rows),
                right: Box::new(row),
            }),
        });
    }
    body.ok_or_else(|| Untranslated::new("VALUES without rows"))
}

/// A function that returns a table.
pub(super) fn function(
    context: &mut Context<'_>,
    name: &ObjectName,
    args: &[FunctionArg],
    alias: Option<&TableAlias>,
) -> Outcome<String> {
    if let Some(nodes) = xml::nodes(context, name, args, alias) {
        return nodes;
    }
    let (schema, table) = name::parts(name)?;
    let called = alias
        .map_or(table.as_str(), |alias| alias.name.value.as_str())
        .to_owned();
    let given = match alias {
        Some(alias) => name::column_names(alias)?,
        None => Vec::new(),
    };
    if schema.is_none() && table.eq_ignore_ascii_case("STRING_SPLIT") {
        let mut arguments = Vec::with_capacity(args.len());
        for arg in args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = arg else {
                return Err(Untranslated::new(format!("the arguments of {name}")));
            };
            arguments.push(expression::value(context, expr)?.kept()?);
        }
        let (sql, column) = string_split(&arguments)?;
        return placed(context, &called, sql, vec![column], &given);
    }
    let found = user(context, schema.as_deref(), &table);
    let function = found.ok_or_else(|| Untranslated::new(format!("the table function {name}")))?;
    let list = call_arguments::given(context, name, args, &function.parameters)?;
    let columns = function.relation.columns.iter().map(Column::from).collect();
    context.reads.insert(function.relation.source.clone());
    let sql = format!("{}({list})", function.relation.sql);
    placed(context, &called, sql, columns, &given)
}

fn user<'a>(context: &Context<'a>, schema: Option<&str>, name: &str) -> Option<TableFunction<'a>> {
    let names = context.names;
    let at = |schema: &str| {
        names.table_function(schema, name).or_else(|| {
            let (schema, name) = names.synonym(schema, name)?;
            names.table_function(&schema, &name)
        })
    };
    at(schema.unwrap_or(context.schema))
        .or_else(|| schema.is_none().then(|| at(DEFAULT_SCHEMA)).flatten())
}

fn placed(
    context: &mut Context<'_>,
    called: &str,
    sql: String,
    mut columns: Vec<Column>,
    given: &[String],
) -> Outcome<String> {
    if !given.is_empty() {
        if given.len() != columns.len() {
            return Err(Untranslated::new("a list of columns of another length"));
        }
        for (column, name) in columns.iter_mut().zip(given) {
            column.source.clone_from(name);
        }
    }
    let called = name::see(context, called, None, columns.into_iter())?;
    Ok(format!("{sql} AS {called}"))
}

/// `STRING_SPLIT (text, separator)`: of an empty text it makes one row.
fn string_split(arguments: &[super::Value]) -> Outcome<(String, Column)> {
    let [text, separator] = arguments else {
        return Err(Untranslated::new("STRING_SPLIT with an ordinal"));
    };
    let one = separator.as_text().filter(|it| it.chars().count() == 1);
    if text.family() != Family::Text || one.is_none() {
        return Err(Untranslated::new(
            "STRING_SPLIT with a separator that varies",
        ));
    }
    let split = format!("string_to_array({}, {})", text.sql, separator.sql);
    let sql = format!(
        "(SELECT u AS \"value\" FROM unnest(CASE WHEN {} = '' THEN ARRAY[''] ELSE {split} END) AS u)",
        text.operand()
    );
    let ty = text
        .ty
        .clone()
        .unwrap_or(SqlType::NVarChar { length: None });
    let column = Column {
        source: "value".to_owned(),
        target: "value".to_owned(),
        ty: types::text_type(types::is_national(&ty), types::length(&ty).map(u32::from)),
        pg: PgType::Text,
        collation: text.collation.as_ref().map(|it| it.name.clone()),
        generated: false,
    };
    context::bounded(&sql)?;
    Ok((sql, column))
}
