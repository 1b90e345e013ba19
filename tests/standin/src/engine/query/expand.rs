//! Tables that are made of a value: OPENJSON, STRING_SPLIT and the nodes of an XML.

use std::sync::Arc;

use sqlparser::ast::{Expr, OpenJsonTableColumn, TableAlias, TableFactor};

use crate::engine::collate;
use crate::engine::datatype;
use crate::engine::error::{Result, error};
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::eval::plan::{Expansion, Plan};
use crate::engine::function::argument::{as_text, integer_of, units_of};
use crate::engine::model::name::same_name;
use crate::engine::parse::tokens::parse_type;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::query::module::output;
use crate::engine::query::routine::plain;
use crate::engine::query::source::rename;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;
use crate::engine::value::json::{self, Json, Kind};
use crate::engine::value::text;
use crate::types::{SqlType, Value};

/// What makes the rows, of which values, and their columns.
pub(super) struct Made {
    pub(super) args: Vec<Bound>,
    pub(super) rows: Expansion,
    pub(super) columns: Vec<Output>,
}

impl Binder<'_> {
    /// A table that is made of a value; `None` for every other.
    pub(super) fn expanded(
        &mut self,
        factor: &TableFactor,
        start: usize,
    ) -> Result<Option<(Plan, usize)>> {
        let kept = std::mem::take(self.scope());
        let made = self.made(factor);
        let used = std::mem::replace(self.scope(), kept);
        self.scope().uses_outer |= used.uses_outer;
        let Some((mut made, alias)) = made? else {
            return Ok(None);
        };
        if let Some(alias) = alias {
            rename(&mut made.columns, alias);
        }
        let called = alias.map_or_else(String::new, |a| a.name.value.clone());
        let width = made.columns.len();
        self.enter(called, None, made.columns, start);
        Ok(Some((Plan::Expand(made.args, made.rows), width)))
    }

    fn made<'f>(
        &mut self,
        factor: &'f TableFactor,
    ) -> Result<Option<(Made, Option<&'f TableAlias>)>> {
        match factor {
            TableFactor::OpenJsonTable {
                json_expr,
                json_path,
                columns,
                alias,
            } => {
                let path = json_path.clone().map(Expr::Value);
                let made = self.open_json(json_expr, path.as_ref(), columns)?;
                Ok(Some((made, alias.as_ref())))
            }
            TableFactor::Table {
                name,
                args: Some(args),
                alias,
                ..
            } => {
                let parts: Vec<String> = name
                    .0
                    .iter()
                    .filter_map(|p| p.as_ident().map(|i| i.value.clone()))
                    .collect();
                let made = match parts.as_slice() {
                    [one] if same_name(one, "STRING_SPLIT") => {
                        self.string_split(&plain(&args.args)?)?
                    }
                    [column @ .., method] if !column.is_empty() && method == "nodes" => {
                        self.nodes(column, &plain(&args.args)?)?
                    }
                    _ => return Ok(None),
                };
                Ok(Some((made, alias.as_ref())))
            }
            _ => Ok(None),
        }
    }

    fn open_json(
        &mut self,
        json: &Expr,
        path: Option<&Expr>,
        listed: &[OpenJsonTableColumn],
    ) -> Result<Made> {
        let json = as_text(&self.value(json)?);
        let path = match path {
            Some(path) => as_text(&self.value(path)?),
            None => Bound::constant(text::value("$"), SqlType::NVarChar { length: Some(1) }),
        };
        if listed.is_empty() {
            return Ok(Made {
                args: vec![json, path],
                rows: Arc::new(|v| keys_and_values(&v[0], &v[1])),
                columns: plain_columns(),
            });
        }
        let collation = Arc::clone(&self.facts.current()?.collation);
        let mut columns = Vec::new();
        let mut shape = Vec::new();
        for column in listed {
            let (ty, ..) = self
                .facts
                .resolve_type(&parse_type(&column.r#type.to_string())?, false)?;
            if column.as_json && ty != (SqlType::NVarChar { length: None }) {
                return Err(error(
                    13618,
                    16,
                    "AS JSON option can be specified only for column of nvarchar(max) type in WITH clause.",
                ));
            }
            let own = format!("$.\"{}\"", column.name.value.replace('"', "\\\""));
            let path = json::Path::parse(column.path.as_deref().unwrap_or(&own))?;
            let t = Ty {
                collation: datatype::has_collation(&ty).then(|| Arc::clone(&collation)),
                ty: ty.clone(),
                nullable: true,
                rank: 1,
            };
            columns.push(output(&column.name.value, t));
            shape.push(Field {
                path,
                ty,
                as_json: column.as_json,
            });
        }
        Ok(Made {
            args: vec![json, path],
            rows: Arc::new(move |v| objects(&v[0], &v[1], &shape)),
            columns,
        })
    }

    fn string_split(&mut self, args: &[&Expr]) -> Result<Made> {
        let (subject, separator, numbered) = match args {
            [s, by] => (s, by, false),
            [s, by, on] => (s, by, integer_of(&self.constant(on)?.0) != 0),
            _ => return Err(crate::engine::error::argument_count("STRING_SPLIT", 2)),
        };
        let (subject, separator) = (
            as_text(&self.value(subject)?),
            as_text(&self.value(separator)?),
        );
        let unicode = datatype::is_unicode(&subject.t.ty) || datatype::is_unicode(&separator.t.ty);
        let length = datatype::length(&subject.t.ty);
        let ty = if unicode {
            SqlType::NVarChar {
                length: length.map(|n| n.min(4000)),
            }
        } else {
            SqlType::VarChar { length }
        };
        let t = Ty {
            ty,
            nullable: false,
            ..subject.t.clone()
        };
        let mut columns = vec![output("value", t)];
        if numbered {
            columns.push(output("ordinal", whole(SqlType::BigInt)));
        }
        Ok(Made {
            args: vec![subject, separator],
            rows: Arc::new(move |v| split(&v[0], &v[1], numbered)),
            columns,
        })
    }
}

pub(super) fn whole(ty: SqlType) -> Ty {
    Ty {
        ty,
        nullable: true,
        collation: None,
        rank: 0,
    }
}

/// `key`, `value` and `type` ("OPENJSON", the default schema).
fn plain_columns() -> Vec<Output> {
    let worded = |length| Ty {
        ty: SqlType::NVarChar { length },
        nullable: length.is_none(),
        collation: collate::find("Latin1_General_BIN2").ok(),
        rank: 1,
    };
    vec![
        output("key", worded(Some(4000))),
        output("value", worded(None)),
        output("type", whole(SqlType::TinyInt)),
    ]
}

/// The value at the path of a text, with the text's characters; `None` where there is nothing.
fn at_path(text: &Value, path: &Value) -> Result<Option<(Vec<char>, Json)>> {
    if matches!(text, Value::Null) || matches!(path, Value::Null) {
        return Ok(None);
    }
    let chars: Vec<char> = units_of(text).chars().collect();
    let root = json::parse(&chars)?;
    let path = json::Path::parse(&units_of(path))?;
    let found = path.find(&root)?.cloned();
    Ok(found.map(|found| (chars, found)))
}

fn keys_and_values(text: &Value, path: &Value) -> Result<Vec<Vec<Value>>> {
    let Some((chars, found)) = at_path(text, path)? else {
        return Ok(Vec::new());
    };
    let row = |key: String, item: &Json| {
        let shown = if item.is_scalar() {
            item.scalar(&chars)
        } else {
            Some(item.written(&chars))
        };
        vec![
            text::value(&key),
            shown.map_or(Value::Null, |s| text::value(&s)),
            Value::Int(item.type_number()),
        ]
    };
    Ok(match &found.kind {
        Kind::Array(items) => (0..)
            .zip(items)
            .map(|(n, item): (usize, _)| row(n.to_string(), item))
            .collect(),
        Kind::Object(items) => items
            .iter()
            .map(|(key, item)| row(key.clone(), item))
            .collect(),
        _ => Vec::new(),
    })
}

/// A column of OPENJSON WITH.
struct Field {
    path: json::Path,
    ty: SqlType,
    as_json: bool,
}

fn objects(text: &Value, path: &Value, shape: &[Field]) -> Result<Vec<Vec<Value>>> {
    let Some((chars, found)) = at_path(text, path)? else {
        return Ok(Vec::new());
    };
    let one = [found.clone()];
    let items: &[Json] = match &found.kind {
        Kind::Array(items) => items,
        Kind::Object(_) => &one,
        _ => &[],
    };
    let row = |item: &Json| shape.iter().map(|field| field.of(item, &chars)).collect();
    items.iter().map(row).collect()
}

impl Field {
    fn of(&self, item: &Json, chars: &[char]) -> Result<Value> {
        let Some(found) = self.path.find(item)? else {
            return Ok(Value::Null);
        };
        if self.as_json {
            return Ok(if found.is_scalar() {
                Value::Null
            } else {
                text::value(&found.written(chars))
            });
        }
        if !found.is_scalar() {
            return Ok(Value::Null);
        }
        let Some(shown) = found.scalar(chars) else {
            return Ok(Value::Null);
        };
        let from = SqlType::NVarChar { length: None };
        let how = How {
            truncate: true,
            ..How::default()
        };
        convert(&text::value(&shown), &from, &self.ty, how)
    }
}

fn split(subject: &Value, separator: &Value, numbered: bool) -> Result<Vec<Vec<Value>>> {
    let separator = text::units(separator)
        .filter(|u| u.len() == 1)
        .ok_or_else(|| {
            error(
                214,
                16,
                "Procedure expects parameter 'separator' of type 'nchar(1)/nvarchar(1)'.",
            )
        })?;
    let Some(subject) = text::units(subject) else {
        return Ok(Vec::new());
    };
    let pieces = subject.split(|unit| *unit == separator[0]);
    let rows = (1..).zip(pieces).map(|(n, piece)| {
        let mut row = vec![Value::Text(piece.into())];
        if numbered {
            row.push(Value::Int(n));
        }
        row
    });
    Ok(rows.collect())
}
