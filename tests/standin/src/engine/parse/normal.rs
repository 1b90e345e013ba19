//! Expressions as SQL Server keeps them in its catalog: `([Price]>=(0))`.

use sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, UnaryOperator, Value,
};

/// The whole definition, in its outer parentheses.
pub(crate) fn definition(expr: &Expr) -> String {
    let mut inner = expr;
    while let Expr::Nested(e) = inner {
        inner = e;
    }
    format!("({})", text(inner))
}

fn bracket(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// Sub-expressions; what has no rule here is printed as `sqlparser` prints it.
fn text(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(i) if i.value.eq_ignore_ascii_case("NULL") => "NULL".to_owned(),
        Expr::Identifier(i) => bracket(&i.value),
        Expr::CompoundIdentifier(parts) => parts
            .iter()
            .map(|p| bracket(&p.value))
            .collect::<Vec<_>>()
            .join("."),
        Expr::Value(v) => match &v.value {
            Value::Number(n, _) => format!("({n})"),
            Value::SingleQuotedString(s) => format!("'{}'", s.replace('\'', "''")),
            Value::NationalStringLiteral(s) => format!("N'{}'", s.replace('\'', "''")),
            Value::HexStringLiteral(h) => format!("0x{h}"),
            other => other.to_string(),
        },
        Expr::Nested(e) => match e.as_ref() {
            inner @ Expr::BinaryOp { .. } => format!("({})", text(inner)),
            inner => text(inner),
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match expr.as_ref() {
            Expr::Value(v) if matches!(v.value, Value::Number(..)) => format!("(-{})", v.value),
            other => format!("-{}", text(other)),
        },
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr,
        } => format!("NOT {}", text(expr)),
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::And | BinaryOperator::Or => {
                format!("{} {op} {}", text(left), text(right))
            }
            _ => format!("{}{op}{}", text(left), text(right)),
        },
        Expr::IsNull(e) => format!("{} IS NULL", text(e)),
        Expr::IsNotNull(e) => format!("{} IS NOT NULL", text(e)),
        Expr::Like {
            negated,
            expr,
            pattern,
            ..
        } => {
            format!(
                "{} {}like {}",
                text(expr),
                if *negated { "not " } else { "" },
                text(pattern)
            )
        }
        Expr::Between {
            expr,
            negated: false,
            low,
            high,
        } => {
            let e = text(expr);
            format!("{e}>={} AND {e}<={}", text(low), text(high))
        }
        Expr::InList {
            expr,
            list,
            negated: false,
        } => {
            // SQL Server turns the list around.
            let e = text(expr);
            list.iter()
                .rev()
                .map(|v| format!("{e}={}", text(v)))
                .collect::<Vec<_>>()
                .join(" OR ")
        }
        Expr::Function(f) => function(f),
        other => other.to_string(),
    }
}

fn function(f: &sqlparser::ast::Function) -> String {
    let name = f.name.to_string().to_lowercase();
    match &f.args {
        FunctionArguments::List(list) => {
            let args: Vec<String> = list
                .args
                .iter()
                .map(|a| match a {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => text(e),
                    other => other.to_string(),
                })
                .collect();
            format!("{name}({})", args.join(","))
        }
        _ => format!("{name}()"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parse::tokens::parse_expression;

    #[test]
    fn as_the_catalog_shows_it() {
        let shown = |sql: &str| definition(&parse_expression(sql).unwrap());
        assert_eq!(shown("0"), "((0))");
        assert_eq!(shown("(getdate())"), "(getdate())");
        assert_eq!(
            shown("Price >= 0 and a < 'x'"),
            "([Price]>=(0) AND [a]<'x')"
        );
        assert_eq!(shown("-1"), "((-1))");
        assert_eq!(shown("N'it''s'"), "(N'it''s')");
    }
}
