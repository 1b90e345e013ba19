//! Views made at the source, migrated by the tool, and read in full on both sides.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use serde_json::Value;

use super::data;
use crate::support::scenario::Scenario;

/// Stands for NULL in a row's text.
const NULL: &str = "\u{2205}";

/// One view of a test: its name, and the query behind `AS`.
pub struct View {
    pub name: String,
    pub query: String,
    /// A CREATE FUNCTION that comes before.
    pub function: Option<String>,
}

/// What became of a view.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The source takes no such view, or cannot read it.
    Unread(String),
    /// The tool does not translate it; the report says why.
    Refused(String),
    /// Both sides read the same rows and types; how many rows.
    Equal(usize),
    /// They do not.
    Different(String),
}

/// A column of a view in the source's catalog.
struct Column {
    name: String,
    ty: String,
    length: i32,
    precision: i32,
    scale: i32,
}

/// Makes the views, migrates the database, and compares. One outcome for each view, in order.
pub fn compare(views: &[View]) -> Vec<Outcome> {
    let scenario = Scenario::loaded(&data::script());
    let functions: Vec<String> = views.iter().filter_map(|it| it.function.clone()).collect();
    for refused in scenario
        .source
        .attempts(&functions)
        .iter()
        .filter_map(|it| it.as_ref().err())
    {
        eprintln!("a function that the source does not take: {refused}");
    }
    let made: Vec<String> = views
        .iter()
        .map(|view| format!("CREATE VIEW dbo.[{}] AS {}", view.name, view.query))
        .collect();
    let taken = scenario.source.attempts(&made);
    let catalog = columns(&scenario);
    let queries: Vec<String> = views
        .iter()
        .map(|view| match catalog.get(&view.name) {
            Some(columns) => source_query(&view.name, columns),
            None => "SELECT 0, CONVERT(nvarchar(10), N'')".into(),
        })
        .collect();
    let answers = scenario.source.answers(&queries);
    let job = scenario.job("schema: { views: try, collations: icu }");
    let report = job.run(&["run", "--output", "json"]).json();
    let refused = omissions(&report);
    let unmade = unmade(&report);
    let types = target_types(&scenario);
    let of_view = |at: usize| {
        let view = &views[at];
        if let Err(error) = &taken[at] {
            return Outcome::Unread(error.clone());
        }
        if let Some(reason) = refused.get(&view.name) {
            return Outcome::Refused(reason.clone());
        }
        if let Some(reason) = unmade.get(&view.name) {
            return Outcome::Different(format!("PostgreSQL does not take it: {reason}"));
        }
        let Some(columns) = catalog.get(&view.name) else {
            return Outcome::Unread("it records no columns of the view".into());
        };
        match &answers[at] {
            Err(error) => Outcome::Unread(error.clone()),
            Ok(rows) => {
                let target = types.get(&view.name).map_or(&[][..], Vec::as_slice);
                judge(&scenario, view, columns, (target, rows))
            }
        }
    };
    (0..views.len()).map(of_view).collect()
}

fn judge(
    scenario: &Scenario,
    view: &View,
    columns: &[Column],
    (target, rows): (&[String], &[Option<String>]),
) -> Outcome {
    if target.len() != columns.len() {
        let there = target.len();
        return Outcome::Different(format!("{} columns, {there} at the target", columns.len()));
    }
    for (column, target) in columns.iter().zip(target) {
        if !fits(column, target) {
            let Column {
                name,
                ty,
                length,
                precision,
                scale,
            } = column;
            return Outcome::Different(format!(
                "column {name}: {ty} ({length}, {precision}, {scale}) is {target}"
            ));
        }
    }
    let query = target_query(&view.name, columns);
    let reading = AssertUnwindSafe(|| scenario.target.sql(&query));
    let read = std::panic::catch_unwind(reading);
    let read = match read {
        Ok(rows) => rows,
        Err(panic) => {
            let said = panic.downcast_ref::<String>();
            let said = said.map_or("a panic", String::as_str);
            return Outcome::Different(format!("cannot be read at the target: {said}"));
        }
    };
    let mut got: Vec<Option<String>> = read.into_iter().map(|mut row| row.remove(0)).collect();
    let mut expected = rows.to_vec();
    got.sort();
    expected.sort();
    if got == expected {
        return Outcome::Equal(got.len());
    }
    let only = |these: &[Option<String>], those: &[Option<String>]| {
        let mut rest = those.to_vec();
        let mut only = Vec::new();
        for row in these {
            match rest.iter().position(|other| other == row) {
                Some(at) => drop(rest.swap_remove(at)),
                None => only.extend(row.clone()),
            }
        }
        only.truncate(3);
        only
    };
    Outcome::Different(format!(
        "only at the source ({} rows): {:?}; only at the target ({} rows): {:?}",
        expected.len(),
        only(&expected, &got),
        got.len(),
        only(&got, &expected)
    ))
}

/// What the run left out; a run without a report of that has failed.
fn listed(report: &Value) -> &[Value] {
    let list = report["omissions"].as_array();
    list.unwrap_or_else(|| panic!("the run failed: {report}"))
}

fn omissions(report: &Value) -> BTreeMap<String, String> {
    let list = listed(report);
    let views = list.iter().filter_map(|omission| {
        let object = omission["object"].as_str()?.strip_prefix("view ")?;
        Some((object.to_owned(), omission["reason"].as_str()?.to_owned()))
    });
    views.collect()
}

/// Views that the tool translated and PostgreSQL did not take.
fn unmade(report: &Value) -> BTreeMap<String, String> {
    let list = listed(report);
    let views = list.iter().filter(|omission| omission["object"] == "view");
    let views = views.filter_map(|omission| {
        let name = omission["table"].as_str()?.strip_prefix("dbo.")?;
        Some((name.to_owned(), omission["reason"].as_str()?.to_owned()))
    });
    views.collect()
}

fn columns(scenario: &Scenario) -> BTreeMap<String, Vec<Column>> {
    let rows = scenario.source.texts(
        "SELECT CONVERT(nvarchar(128), v.name), CONVERT(nvarchar(128), c.name), \
         CONVERT(nvarchar(128), t.name), CONVERT(nvarchar(9), c.max_length), \
         CONVERT(nvarchar(9), c.precision), CONVERT(nvarchar(9), c.scale) \
         FROM sys.views AS v JOIN sys.columns AS c ON c.object_id = v.object_id \
         JOIN sys.types AS t ON t.user_type_id = c.system_type_id \
         ORDER BY v.name, c.column_id",
        6,
    );
    let mut columns: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    for row in rows {
        let mut cells = row.into_iter().map(Option::unwrap_or_default);
        let mut text = || cells.next().unwrap_or_default();
        let view = text();
        let (name, ty) = (text(), text());
        let mut number = || text().parse().expect("a number");
        let column = Column {
            name,
            ty,
            length: number(),
            precision: number(),
            scale: number(),
        };
        columns.entry(view).or_default().push(column);
    }
    columns
}

fn target_types(scenario: &Scenario) -> BTreeMap<String, Vec<String>> {
    let rows = scenario.sql(
        "SELECT c.relname, format_type(a.atttypid, a.atttypmod) FROM pg_class c \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
         WHERE c.relkind = 'v' AND c.relnamespace = 'public'::regnamespace \
         ORDER BY c.relname, a.attnum",
    );
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mut row in rows {
        let ty = row.remove(1).unwrap_or_default();
        types
            .entry(row.remove(0).unwrap_or_default())
            .or_default()
            .push(ty);
    }
    types
}

/// Whether a type of the target is what docs/types.md gives for the source's. Text may be longer.
fn fits(column: &Column, target: &str) -> bool {
    let (precision, scale) = (column.precision, column.scale.min(6));
    let expected = match column.ty.as_str() {
        "bit" => "boolean".into(),
        "tinyint" | "smallint" => "smallint".into(),
        "int" => "integer".into(),
        "decimal" | "numeric" => format!("numeric({precision},{scale})", scale = column.scale),
        "money" => "numeric(19,4)".into(),
        "smallmoney" => "numeric(10,4)".into(),
        "float" => "double precision".into(),
        "datetime" => "timestamp(3) without time zone".into(),
        "smalldatetime" => "timestamp(0) without time zone".into(),
        "datetime2" => format!("timestamp({scale}) without time zone"),
        "datetimeoffset" => format!("timestamp({scale}) with time zone"),
        "time" => format!("time({scale}) without time zone"),
        "uniqueidentifier" => "uuid".into(),
        "varbinary" | "binary" => "bytea".into(),
        "char" | "nchar" => {
            return target.starts_with("char") || target == "text";
        }
        "varchar" | "nvarchar" => {
            return target == "text" || target.starts_with("character varying");
        }
        same => same.to_owned(),
    };
    target == expected
}

fn source_query(view: &str, columns: &[Column]) -> String {
    let cells: Vec<String> = columns.iter().map(source_text).collect();
    format!("SELECT 0, {} FROM dbo.[{view}]", cells.join(" + N'|' + "))
}

fn target_query(view: &str, columns: &[Column]) -> String {
    let cells: Vec<String> = columns.iter().map(target_text).collect();
    format!(
        "SELECT {} FROM public.\"{view}\"",
        cells.join(" || '|' || ")
    )
}

/// A column as text at the source, in a form of which the documentation of CONVERT tells.
fn source_text(column: &Column) -> String {
    let name = format!("[{}]", column.name);
    let text = match column.ty.as_str() {
        "money" | "smallmoney" => format!("CONVERT(nvarchar(60), {name}, 2)"),
        "float" | "real" => {
            format!("CONVERT(nvarchar(60), CONVERT(decimal(28, 6), {name}))")
        }
        "date" => format!("CONVERT(nvarchar(60), {name}, 23)"),
        "smalldatetime" => format!("CONVERT(nvarchar(60), {name}, 120)"),
        "datetime" | "datetime2" => {
            format!("CONVERT(nvarchar(60), {name}, 121)")
        }
        "varbinary" | "binary" => format!("CONVERT(nvarchar(4000), {name}, 2)"),
        "char" | "nchar" => format!("RTRIM({name})"),
        "varchar" | "nvarchar" => name,
        _ => format!("CONVERT(nvarchar(60), {name})"),
    };
    format!("ISNULL(CONVERT(nvarchar(4000), {text}), N'{NULL}')")
}

/// The same at the target.
fn target_text(column: &Column) -> String {
    let name = format!("\"{}\"", column.name.to_lowercase());
    let text = match column.ty.as_str() {
        "bit" => format!("{name}::integer::text"),
        "float" | "real" => format!("round({name}::numeric, 6)::text"),
        "date" => format!("to_char({name}, 'YYYY-MM-DD')"),
        "datetime" => format!("to_char({name}, 'YYYY-MM-DD HH24:MI:SS.MS')"),
        "smalldatetime" => format!("to_char({name}, 'YYYY-MM-DD HH24:MI:SS')"),
        "datetime2" => {
            let kept = match column.scale {
                0 => 19,
                digits => 20 + digits,
            };
            format!("rpad(left(to_char({name}, 'YYYY-MM-DD HH24:MI:SS.US'), {kept}), {kept}, '0')")
        }
        "uniqueidentifier" => format!("upper({name}::text)"),
        "varbinary" | "binary" => format!("upper(encode({name}, 'hex'))"),
        "char" | "nchar" => format!("rtrim({name}::text)"),
        _ => format!("{name}::text"),
    };
    format!("coalesce({text}, '{NULL}')")
}
