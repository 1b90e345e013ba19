//! OPENJSON, with a schema and without one.

use sqlparser::ast::{
    Expr, OpenJsonTableColumn, TableAlias, TableFactor, Value as Literal, ValueWithSpan,
};

use super::super::context::{Column, Context};
use super::super::types::{self, Family};
use super::super::value::{self, Value};
use super::super::{Outcome, Untranslated, convert, expression, json_path};
use super::name;
use crate::names::quote_ident;
use crate::schema::SqlType;
use crate::typemap::PgType;

/// `OPENJSON (text, path) WITH (...) AS alias`: an array's elements, or an object by itself.
pub(super) fn open(context: &mut Context<'_>, factor: &TableFactor) -> Outcome<String> {
    let TableFactor::OpenJsonTable {
        json_expr,
        json_path,
        columns,
        alias,
    } = factor
    else {
        return Err(Untranslated::new("OPENJSON in another form"));
    };
    let document = document(context, json_expr, json_path.as_ref())?;
    if columns.is_empty() {
        let called = see(context, alias.as_ref(), properties())?;
        return Ok(format!("{} AS {called}", of_properties(&document)));
    }
    let mut items = Vec::with_capacity(columns.len());
    let mut seen = Vec::with_capacity(columns.len());
    for column in columns {
        let (sql, column) = one(context, column)?;
        items.push(format!("{sql} AS {}", quote_ident(&column.target)));
        seen.push(column);
    }
    let rows = "json_array_elements(CASE json_typeof(d.v) WHEN 'array' THEN d.v WHEN 'object' THEN \
         json_build_array(d.v) END)";
    let sql = format!(
        "(SELECT {} FROM (SELECT {document} AS v) AS d CROSS JOIN LATERAL {rows} AS e(v))",
        items.join(", ")
    );
    let called = see(context, alias.as_ref(), seen)?;
    Ok(format!("{sql} AS {called}"))
}

fn document(
    context: &mut Context<'_>,
    expr: &Expr,
    path: Option<&ValueWithSpan>,
) -> Outcome<String> {
    let text = expression::value(context, expr)?.kept()?;
    if text.family() != Family::Text {
        return Err(Untranslated::new(format!("OPENJSON of {}", text.shown())));
    }
    let document = format!("{}::json", text.operand());
    Ok(match path.map(|path| &path.value) {
        None => document,
        Some(Literal::SingleQuotedString(path) | Literal::NationalStringLiteral(path)) => {
            json_path::found(&document, path)?
        }
        Some(_) => return Err(Untranslated::new("OPENJSON with a path that varies")),
    })
}

fn see(
    context: &mut Context<'_>,
    alias: Option<&TableAlias>,
    columns: Vec<Column>,
) -> Outcome<String> {
    if alias.is_some_and(|alias| !alias.columns.is_empty()) {
        return Err(Untranslated::new("OPENJSON with names for its columns"));
    }
    let called = alias.map_or("OPENJSON", |alias| alias.name.value.as_str());
    name::see(context, called, None, columns.into_iter())
}

/// A column of the schema that WITH gives.
fn one(context: &mut Context<'_>, column: &OpenJsonTableColumn) -> Outcome<(String, Column)> {
    let name = &column.name.value;
    let ty = types::parse(&column.r#type)?;
    let target = context.names.view_column(name);
    let target = target.ok_or_else(|| Untranslated::new(format!("a column named {name:?}")))?;
    let found = match &column.path {
        Some(path) => json_path::found("e.v", path)?,
        None => format!("e.v -> {}", value::quote(name)),
    };
    let found = format!("({found})");
    let composite = format!("json_typeof({found}) IN ('object', 'array')");
    let text = if column.as_json {
        format!("(CASE WHEN {composite} THEN {found}::text END)")
    } else {
        format!("(CASE WHEN NOT {composite} THEN {found} #>> '{{}}' END)")
    };
    let sql = match types::family(&ty) {
        Family::Text => match types::length(&ty) {
            // Error 13625 of a strict path, "would be truncated", is NULL in lax mode.
            Some(room) => format!("(CASE WHEN length({text}) <= {room} THEN {text} END)"),
            None => text,
        },
        _ => {
            let text = Value::atom(text, SqlType::NVarChar { length: None });
            convert::converted(context, text, &ty)?.sql
        }
    };
    let pg = types::natural(&ty).unwrap_or(PgType::Text);
    let collation = context.default_collation.as_ref().map(|it| it.name.clone());
    let collation = collation.filter(|_| types::family(&ty) == Family::Text);
    Ok((
        sql,
        Column {
            source: name.clone(),
            target,
            ty,
            pg,
            collation,
            generated: false,
        },
    ))
}

/// `key`, `value` and `type` ("OPENJSON (Transact-SQL)", Return value).
fn properties() -> Vec<Column> {
    let text = |length| SqlType::NVarChar { length };
    let column = |name: &str, ty: SqlType, pg: PgType| Column {
        source: name.to_owned(),
        target: name.to_owned(),
        collation: matches!(ty, SqlType::NVarChar { .. }).then(|| "Latin1_General_BIN2".to_owned()),
        ty,
        pg,
        generated: false,
    };
    vec![
        column("key", text(Some(4_000)), PgType::Text),
        column("value", text(None), PgType::Text),
        column("type", SqlType::Int, PgType::Integer),
    ]
}

fn of_properties(document: &str) -> String {
    format!(
        "(SELECT e.k AS \"key\", CASE json_typeof(e.v) WHEN 'null' THEN NULL WHEN 'string' THEN e.v \
         #>> '{{}}' ELSE e.v::text END AS \"value\", CASE json_typeof(e.v) WHEN 'null' THEN 0 WHEN \
         'string' THEN 1 WHEN 'number' THEN 2 WHEN 'boolean' THEN 3 WHEN 'array' THEN 4 ELSE 5 END \
         AS \"type\" FROM (SELECT {document} AS v) AS d CROSS JOIN LATERAL (SELECT p.key AS k, \
         p.value AS v FROM json_each(CASE json_typeof(d.v) WHEN 'object' THEN d.v END) AS p UNION \
         ALL SELECT (a.n - 1)::text, a.v FROM json_array_elements(CASE json_typeof(d.v) WHEN \
         'array' THEN d.v END) WITH ORDINALITY AS a(v, n)) AS e)"
    )
}
