//! Function calls and type names as the catalog prints them.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use crate::engine::parse::normal::{Printer, bracket, parse_type};

/// Functions whose first argument is a part of a date.
const WITH_PART: &[&str] = &[
    "dateadd",
    "datediff",
    "datediff_big",
    "datepart",
    "datename",
    "datetrunc",
];

/// A word without quotes: a column, or a function that is written without parentheses.
pub(super) fn word(name: &str) -> String {
    match name.to_ascii_uppercase().as_str() {
        "NULL" => "NULL".to_owned(),
        "CURRENT_TIMESTAMP" => "getdate()".to_owned(),
        "USER" | "CURRENT_USER" | "SESSION_USER" => "user_name()".to_owned(),
        "SYSTEM_USER" => "suser_sname()".to_owned(),
        _ => bracket(name),
    }
}

/// `[decimal](10,2)`.
pub(super) fn type_text(written: &str) -> String {
    let Ok(ty) = parse_type(written) else {
        return written.to_owned();
    };
    let name = match ty.name.to_ascii_lowercase().as_str() {
        "integer" => "int".to_owned(),
        "dec" => "decimal".to_owned(),
        "character" => "char".to_owned(),
        known if crate::engine::datatype::from_name(known, &[], true).is_some() => known.to_owned(),
        _ => ty.name.clone(),
    };
    if ty.args.is_empty() {
        return bracket(&name);
    }
    let args: Vec<String> = ty
        .args
        .iter()
        .map(|a| a.map_or_else(|| "max".to_owned(), |n| n.to_string()))
        .collect();
    format!("{}({})", bracket(&name), args.join(","))
}

fn arguments(f: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &f.args else {
        return Vec::new();
    };
    let exprs = list.args.iter().filter_map(|a| match a {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Some(e),
        _ => None,
    });
    exprs.collect()
}

/// The full name of a part of a date, whichever abbreviation was written.
fn part(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let full = match lower.as_str() {
        "yy" | "yyyy" => "year",
        "qq" | "q" => "quarter",
        "mm" | "m" => "month",
        "dy" | "y" => "dayofyear",
        "dd" | "d" => "day",
        "wk" | "ww" => "week",
        "dw" | "w" => "weekday",
        "hh" => "hour",
        "mi" | "n" => "minute",
        "ss" | "s" => "second",
        "ms" => "millisecond",
        "mcs" => "microsecond",
        "ns" => "nanosecond",
        "tz" => "tzoffset",
        other => other,
    };
    full.to_owned()
}

pub(super) fn function(printer: &Printer, f: &Function) -> String {
    let parts: Vec<&sqlparser::ast::Ident> = f.name.0.iter().filter_map(|p| p.as_ident()).collect();
    let args = arguments(f);
    let mut shown: Vec<String> = args.iter().map(|a| printer.text(a)).collect();
    // A user's function, or a method of a column.
    if parts.len() > 1 {
        let name: Vec<String> = parts.iter().map(|p| bracket(&p.value)).collect();
        return format!("{}({})", name.join("."), shown.join(","));
    }
    let name = parts
        .first()
        .map(|p| p.value.to_lowercase())
        .unwrap_or_default();
    match (name.as_str(), args.as_slice()) {
        ("next value for", _) => format!("NEXT VALUE FOR {}", shown.join("")),
        ("year" | "month" | "day", [_]) => format!("datepart({name},{})", shown[0]),
        ("iif", [condition, ..]) if shown.len() == 3 => format!(
            "case when {} then {} else {} end",
            printer.text(condition),
            shown[1],
            shown[2]
        ),
        (known, [Expr::Identifier(word), ..]) if WITH_PART.contains(&known) => {
            shown[0] = part(&word.value);
            format!("{known}({})", shown.join(","))
        }
        ("current_timestamp", []) => "getdate()".to_owned(),
        (known, _) => format!("{known}({})", shown.join(",")),
    }
}
