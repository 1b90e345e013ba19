//! `(SELECT ',' + name ... FOR XML PATH (''))`, which puts texts together.

use sqlparser::ast::{AccessExpr, Expr, ForClause, ForXml, Function, Query, SetExpr};

use super::super::context::{Context, Level};
use super::super::types::Family;
use super::super::value::Value;
use super::super::{Outcome, Untranslated, convert};
use super::{arguments, order, select};
use crate::schema::SqlType;

/// What becomes of `<`, `>` and `&`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Markup {
    /// They are entities in the text of the xml.
    Escaped,
    /// `.value()` reads them as they were.
    Read,
}

/// A query in brackets that ends with FOR XML PATH; `None` for any other.
pub(super) fn concatenated(context: &mut Context<'_>, query: &Query) -> Option<Outcome<Value>> {
    let typed = xml(query)?;
    if typed {
        return Some(Err(Untranslated::new("FOR XML ..., TYPE as a value")));
    }
    Some(texts(context, query, Markup::Escaped))
}

/// `(SELECT ... FOR XML PATH (''), TYPE).value('.', 'nvarchar(max)')`.
pub(in super::super) fn read(
    context: &mut Context<'_>,
    root: &Expr,
    chain: &[AccessExpr],
) -> Outcome<Value> {
    let refused = || Untranslated::new("an access to a part of a value");
    let mut root = root;
    while let Expr::Nested(inner) = root {
        root = inner;
    }
    let (Expr::Subquery(query), [AccessExpr::Dot(Expr::Function(call))]) = (root, chain) else {
        return Err(refused());
    };
    if xml(query) != Some(true) || !whole(call) {
        return Err(refused());
    }
    texts(context, query, Markup::Read)
}

/// Whether a method reads all of the text, as one without a limit.
fn whole(call: &Function) -> bool {
    let texts: Vec<String> = arguments::arguments(call)
        .iter()
        .map(|it| it.to_string())
        .collect();
    let plain = |text: &str| {
        text.trim_start_matches('N')
            .trim_matches('\'')
            .to_ascii_lowercase()
    };
    let is_value = arguments::name(call).as_deref() == Some("VALUE");
    match texts.as_slice() {
        [path, ty] => {
            let path = plain(path);
            let all = [
                ".",
                "(.)[1]",
                "text()[1]",
                "(text())[1]",
                "(./text())[1]",
                "./text()[1]",
            ];
            let ty = plain(ty).replace(' ', "");
            is_value
                && all.contains(&path.as_str())
                && ["nvarchar(max)", "varchar(max)"].contains(&ty.as_str())
        }
        _ => false,
    }
}

/// Whether a query ends with `FOR XML PATH ('')`, and with TYPE.
fn xml(query: &Query) -> Option<bool> {
    match query.for_clause.as_ref()? {
        ForClause::Xml {
            for_xml: ForXml::Path(Some(name)),
            elements: false,
            binary_base64: false,
            root: None,
            r#type,
        } if name.is_empty() => Some(*r#type),
        _ => None,
    }
}

fn texts(context: &mut Context<'_>, query: &Query, markup: Markup) -> Outcome<Value> {
    let (SetExpr::Select(text), None) = (&*query.body, &query.with) else {
        return Err(Untranslated::new("FOR XML PATH of more than a SELECT"));
    };
    if text.top.is_some() || query.fetch.is_some() || query.limit_clause.is_some() {
        return Err(Untranslated::new("FOR XML PATH with TOP or OFFSET"));
    }
    context.levels.push(Level::default());
    let made = aggregated(context, query, text, markup);
    context.levels.pop();
    made
}

fn aggregated(
    context: &mut Context<'_>,
    query: &Query,
    text: &sqlparser::ast::Select,
    markup: Markup,
) -> Outcome<Value> {
    let (body, unique) = select::unordered(context, text)?;
    let [item] = body.items.as_slice() else {
        return Err(Untranslated::new("FOR XML PATH of several columns"));
    };
    let named = item.name.as_deref();
    if named.is_some_and(|name| !name.eq_ignore_ascii_case("text()") && name != "*") {
        return Err(Untranslated::new(
            "FOR XML PATH of a column with a name, which is an element",
        ));
    }
    let grouped = unique || !context.level()?.groups.is_empty();
    let by = query.order_by.as_ref();
    let by = by.ok_or_else(|| {
        Untranslated::new("FOR XML PATH without ORDER BY, whose order is not certain")
    })?;
    if grouped {
        return Err(Untranslated::new("FOR XML PATH with DISTINCT or GROUP BY"));
    }
    let keys = order::keys_of(context, by, &body.items)?;
    let max = SqlType::NVarChar { length: None };
    let value = match item.value.family() {
        Family::Text => item.value.clone(),
        _ => convert::converted(context, item.value.clone(), &max)?,
    };
    let text = match markup {
        Markup::Read => value.sql.clone(),
        Markup::Escaped => format!(
            "replace(replace(replace(replace({}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), \
             chr(13), '&#x0D;')",
            value.sql
        ),
    };
    let sql = format!(
        "(SELECT string_agg({text}, '' ORDER BY {keys}){})",
        body.tail
    );
    Ok(Value::atom(sql, max).in_collation_of(&value))
}
