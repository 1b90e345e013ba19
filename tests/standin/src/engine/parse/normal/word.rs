//! Words and type names as the catalog prints them.

use crate::engine::parse::tokens::parse_type;

/// A word without quotes: a column, or a function that is written without parentheses.
pub(crate) fn word(name: &str) -> String {
    match name.to_ascii_uppercase().as_str() {
        "NULL" => "NULL".to_owned(),
        "CURRENT_TIMESTAMP" => "getdate()".to_owned(),
        "USER" | "CURRENT_USER" | "SESSION_USER" => "user_name()".to_owned(),
        "SYSTEM_USER" => "suser_sname()".to_owned(),
        _ => bracket(name),
    }
}

/// `[decimal](10,2)`.
pub(crate) fn type_text(written: &str) -> String {
    let Ok(ty) = parse_type(written) else {
        return written.to_owned();
    };
    let name = match ty.name.to_ascii_lowercase().as_str() {
        "integer" => "int".to_owned(),
        "dec" => "decimal".to_owned(),
        "character" => "char".to_owned(),
        known if crate::engine::type_name::from_name(known, &[], true).is_some() => {
            known.to_owned()
        }
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

pub(crate) fn bracket(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}
