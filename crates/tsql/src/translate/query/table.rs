//! A query in the place of a table.

use super::super::context::{Column, Context, Visible};
use super::super::{Outcome, Untranslated};
use super::{Body, Item, Made, SelectBody, declared, shown_type, typed_null};
use crate::names::quote_ident;
use crate::schema::SqlType;

/// The alias of a query that is wrapped only to be ordered, limited or converted.
const WRAPPER: &str = "\u{b7}q";

/// `(query) AS alias`, and its columns; `given` are the names after the alias, if there are any.
pub(super) fn derived(
    context: &Context<'_>,
    mut made: Made,
    given: &[String],
) -> Outcome<(Made, Vec<Column>)> {
    without_untyped_nulls(&mut made.body)?;
    let mut items = made.body.items().to_vec();
    if !given.is_empty() {
        if given.len() != items.len() {
            return Err(Untranslated::new("a list of columns of another length"));
        }
        for (item, name) in items.iter_mut().zip(given) {
            item.name = Some(name.clone());
        }
    }
    let columns = super::columns(context, &items)?;
    Ok((made, columns))
}

/// The text of a query as a table, without its alias.
pub(super) fn sql(made: &Made, columns: &[Column]) -> Outcome<String> {
    let names: Vec<String> = columns.iter().map(|column| column.target.clone()).collect();
    Ok(format!("({})", made.sql(&names)?))
}

/// A query as a SELECT of all of its columns.
pub(super) fn wrapped(context: &mut Context<'_>, made: Made) -> Outcome<Body> {
    let (select, _) = around(context, made)?;
    Ok(Body::Select(select))
}

/// A SELECT of all columns of a query, and the alias that it has there, quoted. Its columns are
/// called `c1`, `c2` and so on.
pub(super) fn around(context: &mut Context<'_>, made: Made) -> Outcome<(SelectBody, String)> {
    around_as(context, made, WRAPPER)
}

/// [`around`] with another alias, beside one.
pub(super) fn around_as(
    context: &mut Context<'_>,
    mut made: Made,
    alias: &str,
) -> Outcome<(SelectBody, String)> {
    without_untyped_nulls(&mut made.body)?;
    let mut items = Vec::new();
    let mut names = Vec::new();
    for (at, item) in made.body.items().iter().enumerate() {
        let target = format!("c{}", at + 1);
        let ty = item.value.ty.clone().unwrap_or(SqlType::Int);
        let pg = shown_type(&item.value);
        let pg = pg.ok_or_else(|| Untranslated::new(format!("a column of type {ty}")))?;
        let column = Column {
            source: item.name.clone().unwrap_or_else(|| target.clone()),
            target: target.clone(),
            ty,
            pg,
            collation: item.value.collation.as_ref().map(|it| it.name.clone()),
            generated: false,
        };
        names.push(target);
        items.push(Item {
            name: item.name.clone(),
            value: context.read(&Visible {
                table: None,
                schema: None,
                alias: Some(alias.to_owned()),
                column,
            })?,
        });
    }
    let alias = quote_ident(alias);
    let select = SelectBody {
        head: "SELECT".to_owned(),
        items,
        tail: format!("\nFROM ({}) AS {alias}", made.sql(&names)?),
    };
    Ok((select, alias))
}

/// The select list of a derived table: an untyped NULL there is an `int`, and what has digits has
/// those of its type, as the columns that it makes are said to have.
pub(super) fn without_untyped_nulls(body: &mut Body) -> Outcome<()> {
    body.each_item(&mut |_, item| {
        item.value = declared(typed_null(item.value.clone(), &SqlType::Int));
        Ok(())
    })
}
