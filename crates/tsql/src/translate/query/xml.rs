//! `.value()` and `.nodes()` of xml columns, with plain paths, as XMLTABLE.

use sqlparser::ast::{
    Expr, Function, FunctionArg, Ident, ObjectName, TableAlias, Value as Literal,
};

use super::super::context::{Column, ColumnPath, Context};
use super::super::value::{self, Value};
use super::super::{Outcome, Untranslated, convert, parse, types};
use super::{arguments, name};
use crate::names::quote_ident;
use crate::schema::SqlType;
use crate::typemap::PgType;

/// The prefix of names in the default namespace, of which XPath 1.0 has none.
const DEFAULT: &str = "d0";

/// `column.value('path', 'type')`; `None` if the call is not a method of a column.
pub(in super::super) fn call(context: &mut Context<'_>, call: &Function) -> Option<Outcome<Value>> {
    let (column, method) = method(&call.name)?;
    let column = self::column(context, &column)?;
    if !matches!(column.ty, Some(SqlType::Xml)) {
        return None;
    }
    Some(match method.as_str() {
        "value" => of_value(context, &column, call),
        _ => Err(Untranslated::new(format!("the xml method {method}"))),
    })
}

/// The parts of a name before the last, which is a method.
fn method(name: &ObjectName) -> Option<(Vec<Ident>, String)> {
    let parts: Option<Vec<Ident>> = name.0.iter().map(|part| part.as_ident().cloned()).collect();
    let mut parts = parts?;
    let method = parts.pop()?.value;
    const METHODS: [&str; 5] = ["value", "nodes", "query", "exist", "modify"];
    (!parts.is_empty() && METHODS.contains(&method.as_str())).then_some((parts, method))
}

fn column(context: &mut Context<'_>, parts: &[Ident]) -> Option<Value> {
    let (table, name) = match parts {
        [name] => (None, name),
        [table, name] => (Some(table.value.as_str()), name),
        _ => return None,
    };
    let path = ColumnPath {
        schema: None,
        table,
        name: &name.value,
    };
    context.column(&path).ok()
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Literal::SingleQuotedString(text) | Literal::NationalStringLiteral(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn literals<const N: usize>(arguments: &[&Expr]) -> Outcome<[String; N]> {
    let texts = arguments.iter().map(|it| text(it));
    let texts: Option<Vec<String>> = texts.map(|it| it.map(str::to_owned)).collect();
    let texts = texts.and_then(|texts| texts.try_into().ok());
    texts.ok_or_else(|| Untranslated::new("an xml method with arguments that are not literals"))
}

fn of_value(context: &mut Context<'_>, column: &Value, call: &Function) -> Outcome<Value> {
    let [path, data_type] = literals(&arguments::arguments(call))?;
    let path = Path::parse(&path)?;
    let ty = types::parse(&parse::data_type(&data_type)?)?;
    let sql = format!(
        "(SELECT x.v FROM XMLTABLE({}{} PASSING {} COLUMNS v text PATH '.') AS x)",
        path.namespaces(),
        value::quote(&path.from(is_node(column))?),
        column.sql
    );
    let found = Value::atom(sql, SqlType::NVarChar { length: None });
    convert::converted(context, found, &ty)
}

/// A column of `.nodes()` holds one element, and paths begin at it.
fn is_node(column: &Value) -> bool {
    column.sql.ends_with(&format!(".{}", quote_ident(NODE)))
}

/// The column that `.nodes()` makes, in the target.
const NODE: &str = "\u{b7}node";

/// `column.nodes('path') AS table (column)`; `None` if the function is not a method.
pub(super) fn nodes(
    context: &mut Context<'_>,
    name: &ObjectName,
    args: &[FunctionArg],
    alias: Option<&TableAlias>,
) -> Option<Outcome<String>> {
    let (parts, method) = method(name)?;
    let column = column(context, &parts)?;
    if method != "nodes" || !matches!(column.ty, Some(SqlType::Xml)) {
        return None;
    }
    Some(placed(context, &column, args, alias))
}

fn placed(
    context: &mut Context<'_>,
    column: &Value,
    args: &[FunctionArg],
    alias: Option<&TableAlias>,
) -> Outcome<String> {
    let [path] = literals(&arguments::expressions(args))?;
    let path = Path::parse(&path)?;
    if !path.finds_elements() {
        return Err(Untranslated::new("nodes() of attributes or texts"));
    }
    let named = alias.map(|alias| (alias.name.value.clone(), name::column_names(alias)));
    let Some((called, Ok(names))) = named else {
        return Err(Untranslated::new("nodes() without a name for its column"));
    };
    let [name] = names.as_slice() else {
        return Err(Untranslated::new("nodes() without a name for its column"));
    };
    let sql = format!(
        "XMLTABLE({}{} PASSING {} COLUMNS {} xml PATH '.')",
        path.namespaces(),
        value::quote(&path.from(is_node(column))?),
        column.sql,
        quote_ident(NODE)
    );
    let column = Column {
        source: name.clone(),
        target: NODE.to_owned(),
        ty: SqlType::Xml,
        pg: PgType::Xml,
        collation: None,
        generated: false,
    };
    let called = name::see(context, &called, None, std::iter::once(column))?;
    Ok(format!("{sql} AS {called}"))
}

/// A path of XQuery that XPath 1.0 reads in the same way.
struct Path {
    /// Prefix and name.
    namespaces: Vec<(String, String)>,
    steps: String,
}

impl Path {
    fn parse(text: &str) -> Outcome<Self> {
        let mut namespaces = Vec::new();
        let mut rest = text.trim();
        let refused = || Untranslated::new("an XQuery expression that is more than a plain path");
        let mut default = false;
        while let Some(after) = rest.strip_prefix("declare ") {
            let (declaration, after) = after.split_once(';').ok_or_else(refused)?;
            let (what, uri) = declaration.split_once('"').ok_or_else(refused)?;
            let uri = uri.trim().strip_suffix('"').ok_or_else(refused)?;
            let what = what.trim();
            if what == "default element namespace" {
                default = true;
                namespaces.push((DEFAULT.to_owned(), uri.to_owned()));
            } else {
                let prefix = what
                    .strip_prefix("namespace ")
                    .and_then(|it| it.trim().strip_suffix('='));
                namespaces.push((
                    prefix.ok_or_else(refused)?.trim().to_owned(),
                    uri.to_owned(),
                ));
            }
            rest = after.trim_start();
        }
        let steps = prefixed(rest, default).ok_or_else(refused)?;
        Ok(Self { namespaces, steps })
    }

    fn namespaces(&self) -> String {
        if self.namespaces.is_empty() {
            return String::new();
        }
        let each = self
            .namespaces
            .iter()
            .map(|(prefix, uri)| format!("{} AS {}", value::quote(uri), quote_ident(prefix)));
        format!("XMLNAMESPACES({}), ", each.collect::<Vec<_>>().join(", "))
    }

    /// Paths begin at the document, or at the one element that a node is.
    fn from(&self, node: bool) -> Outcome<String> {
        let steps = &self.steps;
        if let Some(inner) = steps.strip_prefix('(')
            && let Some((inner, index)) = inner.split_once(')')
        {
            return Ok(format!("({}){index}", begun(inner, node)?));
        }
        begun(steps, node)
    }

    /// Whether it finds elements, which XMLTABLE can hand on.
    fn finds_elements(&self) -> bool {
        let last = self.steps.rsplit('/').next().unwrap_or_default();
        !last.starts_with('@') && !last.contains("text()") && !last.contains("node()")
    }
}

/// A node is cut out of its document here, so that nothing above it can be reached.
fn begun(steps: &str, node: bool) -> Outcome<String> {
    if steps.contains("..") || (node && steps.starts_with('/')) {
        return Err(Untranslated::new("an xml path to what is above a node"));
    }
    let root = if node { "/*" } else { "" };
    Ok(match steps.strip_prefix('.') {
        Some("") if node => root.to_owned(),
        Some("") => "/".to_owned(),
        Some(rest) => format!("{root}{rest}"),
        None if steps.starts_with('/') => steps.to_owned(),
        None => format!("{root}/{steps}"),
    })
}

/// The steps of a path, names in the default namespace with a prefix; `None` if it is more than
/// steps, attributes, positions and comparisons with literals.
fn prefixed(path: &str, default: bool) -> Option<String> {
    let mut made = String::new();
    let mut rest = path.trim();
    let mut before = ' ';
    let mut spaced = false;
    while let Some(first) = rest.chars().next() {
        if first.is_alphabetic() || first == '_' {
            // Words beside each other are operators and clauses of XQuery.
            if spaced && is_end(before) {
                return None;
            }
            let end = rest.find(|it| !is_name(it)).unwrap_or(rest.len());
            let name = &rest[..end];
            let after = rest[end..].chars().next();
            let function = after == Some('(');
            if function && !["text", "node"].contains(&name) {
                return None;
            }
            let plain = before != '@' && before != ':' && after != Some(':') && !function;
            if default && plain {
                made.push_str(DEFAULT);
                made.push(':');
            }
            made.push_str(name);
            rest = &rest[end..];
            before = 'a';
            spaced = false;
            continue;
        }
        if first == '"' {
            let end = rest[1..].find('"')? + 2;
            made.push_str(&rest[..end]);
            rest = &rest[end..];
            before = '"';
            spaced = false;
            continue;
        }
        if !"/@[]().*=: \t\r\n0123456789".contains(first) {
            return None;
        }
        spaced = first.is_whitespace();
        if !spaced {
            made.push(first);
            before = first;
        }
        rest = &rest[first.len_utf8()..];
    }
    (!made.is_empty()).then_some(made)
}

/// Whether a letter may be in a name, of which it is not the first.
fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.')
}

/// Whether an operand ends with a letter.
fn is_end(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '"' | ')' | ']' | '*' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_begin_at_the_document() {
        for (path, node, expected) in [
            ("(/a/b)[1]", false, "(/a/b)[1]"),
            ("a/b", false, "/a/b"),
            ("./a[1]", true, "/*/a[1]"),
            ("@id", true, "/*/@id"),
            (".", true, "/*"),
            (".//i", true, "/*//i"),
            (".//i", false, "//i"),
            ("(a/text())[1]", true, "(/*/a/text())[1]"),
            ("(/a[@k = \"x\"]/b.c)[1]", false, "(/a[@k=\"x\"]/b.c)[1]"),
            (
                "declare default element namespace \"u\"; /a/b[1]",
                false,
                "/d0:a/d0:b[1]",
            ),
            (
                "declare namespace p=\"u\"; (/p:a/@q)[1]",
                false,
                "(/p:a/@q)[1]",
            ),
        ] {
            let parsed = Path::parse(path).and_then(|it| it.from(node));
            assert_eq!(parsed.as_deref(), Ok(expected), "{path}");
        }
        for path in [
            "",
            "for $x in /a return $x",
            "count(/a)",
            "/a[b and c]",
            "sql:column(\"x\")",
            "if (/a) then 1 else 2",
            "declare namespace p=u; /p:a",
        ] {
            assert!(Path::parse(path).is_err(), "{path}");
        }
        for path in ["../@id", "/a/@id"] {
            let parsed = Path::parse(path).and_then(|it| it.from(true));
            assert!(parsed.is_err(), "{path}");
        }
    }
}
