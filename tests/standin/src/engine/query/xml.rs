//! Methods of xml: value(), query(), exist() and nodes(), with plain paths ("xml Data Type Methods").

use std::sync::Arc;

use sqlparser::ast::{self, AccessExpr, Expr};

use crate::engine::datatype;
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Ty};
use crate::engine::eval::types::convert_to;
use crate::engine::function::argument::{strict, units_of};
use crate::engine::model::name::Name;
use crate::engine::parse::tokens::parse_type;
use crate::engine::query::bind::Binder;
use crate::engine::query::expand::{Made, whole};
use crate::engine::query::module::output;
use crate::engine::query::select::call::arguments;
use crate::engine::query::source::name_of;
use crate::engine::value::xml_path::Path;
use crate::engine::value::{text, xml};
use crate::types::{SqlType, Value};

impl Binder<'_> {
    /// `column.nodes('path')`: one row for each node, as the XML of it.
    pub(super) fn nodes(&mut self, column: &[String], args: &[&Expr]) -> Result<Made> {
        let (column, table) = column.split_last().ok_or_else(|| syntax("nodes"))?;
        let table = if table.is_empty() {
            None
        } else {
            Some(Name::of(table.to_vec())?)
        };
        let value = self.column(table.as_ref(), column)?;
        let [path] = args else {
            return Err(syntax("nodes"));
        };
        let path = plain_path(&units_of(&self.constant(path)?.0))?;
        let t = Ty {
            ty: SqlType::Xml,
            nullable: false,
            collation: None,
            rank: 0,
        };
        Ok(Made {
            args: vec![value],
            rows: Arc::new(move |v| {
                if matches!(v[0], Value::Null) {
                    return Ok(Vec::new());
                }
                let root = document(&units_of(&v[0]), &path)?;
                let rows = path.find(&root).into_iter().map(|found| {
                    let node = xml::node(&found);
                    let node = node
                        .ok_or_else(|| unsupported("nodes() of something other than an element"))?;
                    Ok(vec![text::value(&node)])
                });
                rows.collect()
            }),
            columns: vec![output("", t)],
        })
    }

    /// `column.value(...)` and its like; `None` for every other call.
    pub(crate) fn xml_call(
        &mut self,
        name: &ast::ObjectName,
        args: &[Option<&Expr>],
    ) -> Result<Option<Bound>> {
        let Some((column, method)) = method_of(name)? else {
            return Ok(None);
        };
        let table = column.schema.clone().map(|name| Name {
            database: None,
            schema: None,
            name,
        });
        let Some(value) = self.column_if(table.as_ref(), &column.name)? else {
            return Ok(None);
        };
        if value.t.ty != SqlType::Xml {
            return Ok(None);
        }
        let args: Option<Vec<&Expr>> = args.iter().copied().collect();
        let args = args.ok_or_else(|| syntax("*"))?;
        xml_method(self, value, &method, &args).map(Some)
    }

    /// `(query).value(...)`: methods of something other than a column.
    pub(crate) fn xml_chain(&mut self, root: &Expr, chain: &[AccessExpr]) -> Result<Bound> {
        let mut value = self.value(root)?;
        for access in chain {
            let AccessExpr::Dot(Expr::Function(call)) = access else {
                return Err(syntax("."));
            };
            if value.t.ty != SqlType::Xml {
                return Err(error(
                    258,
                    15,
                    format!("Cannot call methods on {}.", datatype::name(&value.t.ty)),
                ));
            }
            let args: Option<Vec<&Expr>> = arguments(call)?.0.into_iter().collect();
            let args = args.ok_or_else(|| syntax("*"))?;
            value = xml_method(self, value, &call.name.to_string(), &args)?;
        }
        Ok(value)
    }
}

/// # Errors
/// Refuses anything but a plain path, by its text.
fn plain_path(path: &str) -> Result<Path> {
    Path::parse(path).ok_or_else(|| unsupported(format!("the XML path '{path}'")))
}

/// The element that a path begins at.
fn document(text: &str, path: &Path) -> Result<xml::Element> {
    let (root, node) = xml::context(text).ok_or_else(|| unsupported("this XML"))?;
    if node && path.absolute {
        return Err(unsupported("a path from the root of a node"));
    }
    Ok(root)
}

/// `xml.value('path', 'type')`, `query('path')` and `exist('path')` of a value.
fn xml_method(
    binder: &mut Binder<'_>,
    value: Bound,
    method: &str,
    args: &[&Expr],
) -> Result<Bound> {
    let [path, ..] = args else {
        return Err(syntax(method));
    };
    let path_text = units_of(&binder.constant(path)?.0);
    let path = plain_path(&path_text)?;
    let (ty, find): (SqlType, fn(Vec<xml::Found<'_>>) -> Value) = match (method, args) {
        ("value", [_, ty]) => {
            if !path.single() {
                let message = format!(
                    "XQuery [value()]: 'value()' requires a singleton (or empty sequence), found operand of type 'xdt:untypedAtomic *' in '{path_text}'."
                );
                return Err(error(2389, 16, message));
            }
            let named = parse_type(&units_of(&binder.constant(ty)?.0))?;
            let (ty, ..) = binder.facts.resolve_type(&named, true)?;
            let found = read(value, path, SqlType::NVarChar { length: None }, |found| {
                found
                    .first()
                    .map_or(Value::Null, |f| text::value(&f.text()))
            });
            let collation = datatype::has_collation(&ty)
                .then(|| binder.facts.current().map(|d| Arc::clone(&d.collation)))
                .transpose()?;
            let mut converted = convert_to(found, &ty);
            converted.t.collation = collation;
            return Ok(converted);
        }
        ("query", [_]) => (SqlType::Xml, |found| {
            text::value(&found.iter().map(xml::Found::written).collect::<String>())
        }),
        ("exist", [_]) => (SqlType::Bit, |found| Value::Bit(!found.is_empty())),
        _ => return Err(unsupported(format!("the method '{method}'"))),
    };
    Ok(read(value, path, ty, find))
}

fn read(
    value: Bound,
    path: Path,
    ty: SqlType,
    find: impl Fn(Vec<xml::Found<'_>>) -> Value + Send + Sync + 'static,
) -> Bound {
    let t = whole(ty);
    strict(vec![value], t, move |v| {
        let root = document(&units_of(&v[0]), &path)?;
        Ok(find(path.find(&root)))
    })
}

/// The parts of a called name that say which column's method it is.
fn method_of(name: &ast::ObjectName) -> Result<Option<(Name, String)>> {
    let name = name_of(name)?;
    let method = name.name.clone();
    let known = matches!(method.as_str(), "value" | "query" | "exist");
    let column = name.schema.clone().filter(|_| known);
    Ok(column.map(|column| {
        let table = name.database.clone();
        let column = Name {
            database: None,
            schema: table,
            name: column,
        };
        (column, method)
    }))
}
