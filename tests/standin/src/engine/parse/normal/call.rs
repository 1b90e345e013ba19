//! Function calls and type names as the catalog prints them.

use sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments};

use crate::engine::parse::normal::printer::Printer;
use crate::engine::parse::normal::word::bracket;

/// Functions whose first argument is a part of a date.
const WITH_PART: &[&str] = &[
    "dateadd",
    "datediff",
    "datediff_big",
    "datepart",
    "datename",
    "datetrunc",
];

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

impl Printer {
    /// A call of a function.
    pub(super) fn function(&self, f: &Function) -> String {
        let parts: Vec<&sqlparser::ast::Ident> =
            f.name.0.iter().filter_map(|p| p.as_ident()).collect();
        let args = arguments(f);
        let mut shown: Vec<String> = args.iter().map(|a| self.text(a)).collect();
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
                self.text(condition),
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
}
