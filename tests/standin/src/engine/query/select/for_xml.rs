//! FOR XML PATH: rows as elements, or as their bare text ("Use PATH Mode with FOR XML").

use std::sync::Arc;

use sqlparser::ast::{ForClause, ForXml};

use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::Ty;
use crate::engine::eval::plan::Plan;
use crate::engine::query::bind::Output;
use crate::engine::query::module::output;
use crate::engine::query::select::set::Bounded;
use crate::engine::value::convert::print;
use crate::engine::value::{decimal, text, xml};
use crate::engine::{collate, datatype};
use crate::types::{SqlType, Value};

/// Where the value of a column goes.
enum Place {
    /// In an element of that name.
    Element(String),
    Attribute(String),
    /// As text of the row.
    Text,
}

/// The rows of a query as one value.
pub(super) fn gathered((plan, columns): Bounded, clause: &ForClause) -> Result<Bounded> {
    let ForClause::Xml {
        for_xml: ForXml::Path(row),
        elements: false,
        binary_base64: false,
        root,
        r#type,
    } = clause
    else {
        return Err(unsupported(format!("'{clause}'")));
    };
    let row = row.clone().unwrap_or_else(|| "row".to_owned());
    let mut places = Vec::new();
    for column in &columns {
        let place = place(column)?;
        if row.is_empty() && matches!(place, Place::Attribute(_)) {
            return Err(error(
                6864,
                16,
                "Row tag omission (empty row tag name) cannot be used with attribute-centric FOR XML serialization.",
            ));
        }
        places.push((place, column.t.ty.clone()));
    }
    let root = root.clone();
    let gather = move |rows: &[Vec<Value>]| {
        if rows.is_empty() {
            return Ok(Value::Null);
        }
        let mut out = String::new();
        for values in rows {
            one_row(&row, &places, values, &mut out)?;
        }
        Ok(text::value(&match &root {
            Some(root) => format!("<{root}>{out}</{root}>"),
            None => out,
        }))
    };
    let (ty, collation) = if *r#type {
        (SqlType::Xml, None)
    } else {
        let plain = SqlType::NVarChar { length: None };
        (plain, Some(collate::default_collation()))
    };
    let t = Ty {
        ty,
        nullable: true,
        collation,
        rank: 0,
    };
    let columns = vec![output("XML_F52E2B61-18A1-11d1-B105-00805F49916B", t)];
    Ok((Plan::Gather(Box::new(plan), Arc::new(gather)), columns))
}

fn place(column: &Output) -> Result<Place> {
    let name = column.name.as_str();
    if name.is_empty() || name == "*" || name == "text()" {
        return Ok(Place::Text);
    }
    let (kind, bare): (fn(String) -> Place, &str) = match name.strip_prefix('@') {
        Some(bare) => (Place::Attribute, bare),
        None => (Place::Element, name),
    };
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    if !bare.chars().all(plain) || bare.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(unsupported(format!("FOR XML PATH with a column '{name}'")));
    }
    Ok(kind(bare.to_owned()))
}

fn one_row(
    row: &str,
    places: &[(Place, SqlType)],
    values: &[Value],
    out: &mut String,
) -> Result<()> {
    let mut attributes = String::new();
    let mut inner = String::new();
    for ((place, ty), value) in places.iter().zip(values) {
        // What is NULL is left out.
        if matches!(value, Value::Null) {
            continue;
        }
        let shown = shown(value, ty)?;
        match place {
            Place::Text => inner.push_str(&shown),
            Place::Element(name) => inner.push_str(&format!("<{name}>{shown}</{name}>")),
            Place::Attribute(name) => {
                let shown = shown.replace('"', "&quot;");
                attributes.push_str(&format!(" {name}=\"{shown}\""));
            }
        }
    }
    match (row.is_empty(), inner.is_empty()) {
        (true, _) => out.push_str(&inner),
        (false, true) => out.push_str(&format!("<{row}{attributes}/>")),
        (false, false) => out.push_str(&format!("<{row}{attributes}>{inner}</{row}>")),
    }
    Ok(())
}

/// A value as XML has it.
fn shown(value: &Value, ty: &SqlType) -> Result<String> {
    Ok(match (value, ty) {
        (Value::Text(units), SqlType::Xml) => text::to_string(units),
        (Value::Text(units), _) => xml::escape(&text::to_string(units)),
        (Value::Money(money), _) => decimal::to_text(i128::from(*money), 4),
        (Value::Int(_) | Value::Bit(_) | Value::Decimal { .. } | Value::Guid(_), _) => {
            text::to_string(&print(value, ty, None)?)
        }
        (_, ty) if datatype::is_temporal(ty) => text::to_string(&print(value, ty, Some(126))?),
        (_, ty) => {
            return Err(unsupported(format!("FOR XML of {}", datatype::name(ty))));
        }
    })
}
