//! Prints an expression, with parentheses by precedence.

use sqlparser::ast::{BinaryOperator, CastKind, CeilFloorKind, Expr, UnaryOperator, Value};

use crate::engine::parse::normal::word::{bracket, type_text, word};

/// How tightly an expression holds together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Atom,
}

pub(crate) fn bare(expr: &Expr) -> &Expr {
    let mut inner = expr;
    while let Expr::Nested(e) = inner {
        inner = e;
    }
    inner
}

pub(crate) fn rank(expr: &Expr) -> Rank {
    match bare(expr) {
        Expr::BinaryOp { op, .. } => match op {
            BinaryOperator::Or => Rank::Or,
            BinaryOperator::And => Rank::And,
            BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo => {
                Rank::Product
            }
            op if is_arithmetic(op) => Rank::Sum,
            _ => Rank::Comparison,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            ..
        } => Rank::Not,
        Expr::UnaryOp { .. } => Rank::Sign,
        Expr::Between { negated: true, .. } | Expr::InList { negated: true, .. } => Rank::Not,
        Expr::Between { .. } => Rank::And,
        Expr::InList { list, .. } if list.len() > 1 => Rank::Or,
        Expr::InList { .. } | Expr::IsNull(_) | Expr::IsNotNull(_) => Rank::Comparison,
        Expr::Like { negated, .. } => {
            if *negated {
                Rank::Not
            } else {
                Rank::Comparison
            }
        }
        _ => Rank::Atom,
    }
}

pub(crate) fn is_arithmetic(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        op,
        B::Plus
            | B::Minus
            | B::Multiply
            | B::Divide
            | B::Modulo
            | B::BitwiseAnd
            | B::BitwiseOr
            | B::BitwiseXor
    )
}

pub(crate) struct Printer {
    pub(super) filter: bool,
}

impl Printer {
    /// In parentheses when it holds together less tightly than `least`.
    pub(super) fn operand(&self, expr: &Expr, least: Rank) -> String {
        if rank(expr) < least {
            format!("({})", self.text(expr))
        } else {
            self.text(expr)
        }
    }

    /// A side of a comparison: arithmetic stands in parentheses.
    pub(super) fn side(&self, expr: &Expr) -> String {
        self.operand(expr, Rank::Sign)
    }

    /// Sub-expressions; what has no rule here is printed as `sqlparser` prints it.
    pub(super) fn text(&self, expr: &Expr) -> String {
        match bare(expr) {
            Expr::Identifier(i) if i.quote_style.is_none() => word(&i.value),
            Expr::Identifier(i) => bracket(&i.value),
            Expr::CompoundIdentifier(parts) => {
                let parts: Vec<_> = parts.iter().map(|p| bracket(&p.value)).collect();
                parts.join(".")
            }
            Expr::Value(v) => literal(&v.value),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::IsNull(e) => format!("{} IS NULL", self.side(e)),
            Expr::IsNotNull(e) => format!("{} IS NOT NULL", self.side(e)),
            Expr::Like {
                negated,
                expr,
                pattern,
                escape_char,
                ..
            } => {
                let not = if *negated { "NOT " } else { "" };
                let escape = escape_char
                    .as_ref()
                    .map(|e| format!(" escape {}", self.text(e)))
                    .unwrap_or_default();
                let (subject, pattern) = (self.side(expr), self.side(pattern));
                format!("{not}{subject} like {pattern}{escape}")
            }
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let e = self.side(expr);
                let both = format!("{e}>={} AND {e}<={}", self.side(low), self.side(high));
                negate(both, *negated, true)
            }
            Expr::InList {
                expr,
                list,
                negated,
            } => self.in_list(expr, list, *negated),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            other => self.call(other),
        }
    }

    pub(super) fn unary(&self, op: UnaryOperator, expr: &Expr) -> String {
        match (op, bare(expr)) {
            (UnaryOperator::Minus, Expr::Value(v)) if matches!(v.value, Value::Number(..)) => {
                format!("(-{}", literal(&v.value).trim_start_matches('('))
            }
            (UnaryOperator::Minus, _) => format!("-{}", self.operand(expr, Rank::Atom)),
            (UnaryOperator::Plus, _) => self.text(expr),
            (UnaryOperator::Not, _) => format!("NOT {}", self.operand(expr, Rank::Not)),
            (op, _) => format!("{op}{}", self.operand(expr, Rank::Atom)),
        }
    }

    pub(super) fn binary(&self, left: &Expr, op: &BinaryOperator, right: &Expr) -> String {
        match op {
            // A chain leans to the left; what is grouped on the right stays grouped.
            BinaryOperator::And => format!(
                "{} AND {}",
                self.operand(left, Rank::And),
                self.operand(right, Rank::Not)
            ),
            BinaryOperator::Or => format!(
                "{} OR {}",
                self.operand(left, Rank::Or),
                self.operand(right, Rank::And)
            ),
            op if is_arithmetic(op) => {
                let tighter = if matches!(
                    op,
                    BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo
                ) {
                    Rank::Sign
                } else {
                    Rank::Product
                };
                format!(
                    "{}{op}{}",
                    self.operand(left, tighter),
                    self.operand(right, tighter)
                )
            }
            op => format!("{}{op}{}", self.side(left), self.side(right)),
        }
    }

    pub(super) fn in_list(&self, expr: &Expr, list: &[Expr], negated: bool) -> String {
        let e = self.side(expr);
        if self.filter && list.len() > 1 {
            let items: Vec<String> = list.iter().map(|v| self.text(v)).collect();
            return negate(format!("{e} IN ({})", items.join(", ")), negated, true);
        }
        // SQL Server turns the list around.
        let equal: Vec<String> = list
            .iter()
            .rev()
            .map(|v| format!("{e}={}", self.side(v)))
            .collect();
        negate(equal.join(" OR "), negated, list.len() > 1)
    }

    pub(super) fn case(
        &self,
        operand: Option<&Expr>,
        conditions: &[sqlparser::ast::CaseWhen],
        otherwise: Option<&Expr>,
    ) -> String {
        let mut out = "case".to_owned();
        if let Some(operand) = operand {
            out.push_str(&format!(" {}", self.text(operand)));
        }
        for when in conditions {
            let (condition, result) = (self.text(&when.condition), self.text(&when.result));
            out.push_str(&format!(" when {condition} then {result}"));
        }
        if let Some(otherwise) = otherwise {
            out.push_str(&format!(" else {}", self.text(otherwise)));
        }
        out.push_str(" end");
        out
    }

    /// Calls, among them those that `sqlparser` has forms of their own for.
    pub(super) fn call(&self, expr: &Expr) -> String {
        match expr {
            Expr::Function(f) => self.function(f),
            Expr::Cast {
                kind,
                expr,
                data_type,
                ..
            } => {
                let (ty, inner) = (type_text(&data_type.to_string()), self.text(expr));
                if *kind == CastKind::TryCast {
                    format!("TRY_CAST({inner} AS {ty})")
                } else {
                    format!("CONVERT({ty},{inner})")
                }
            }
            Expr::Convert {
                is_try,
                expr,
                data_type,
                styles,
                ..
            } => {
                let name = if *is_try { "TRY_CONVERT" } else { "CONVERT" };
                let ty = data_type
                    .as_ref()
                    .map(|t| type_text(&t.to_string()))
                    .unwrap_or_default();
                let mut args = vec![ty, self.text(expr)];
                args.extend(styles.iter().map(|s| self.text(s)));
                format!("{name}({})", args.join(","))
            }
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for: Some(count),
                ..
            } => {
                let (e, from, count) = (self.text(expr), self.text(from), self.text(count));
                format!("substring({e},{from},{count})")
            }
            Expr::Trim {
                trim_where: None,
                trim_what: None,
                expr,
                ..
            } => format!("Trim({})", self.text(expr)),
            Expr::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime),
            } => format!("floor({})", self.text(expr)),
            Expr::Ceil {
                expr,
                field: CeilFloorKind::DateTimeField(sqlparser::ast::DateTimeField::NoDateTime),
            } => format!("ceiling({})", self.text(expr)),
            Expr::Collate { expr, collation } => {
                format!("{} collate {collation}", self.side(expr))
            }
            other => other.to_string(),
        }
    }
}

pub(crate) fn negate(condition: String, negated: bool, group: bool) -> String {
    match (negated, group) {
        (false, _) => condition,
        (true, true) => format!("NOT ({condition})"),
        (true, false) => format!("NOT {condition}"),
    }
}

pub(crate) fn literal(value: &Value) -> String {
    match value {
        Value::Number(n, _) if n.contains(['e', 'E']) => match n.parse::<f64>() {
            Ok(f) => format!("({})", exponent(f)),
            Err(_) => format!("({n})"),
        },
        Value::Number(n, _) => format!("({n})"),
        Value::Placeholder(amount) if amount.starts_with('$') => format!("({amount})"),
        Value::SingleQuotedString(s) => format!("'{}'", s.replace('\'', "''")),
        Value::NationalStringLiteral(s) => format!("N'{}'", s.replace('\'', "''")),
        Value::HexStringLiteral(h) => format!("0x{h}"),
        other => other.to_string(),
    }
}

/// A float as the C library prints it with `%.15e` on Windows: three digits of exponent.
pub(crate) fn exponent(f: f64) -> String {
    let shown = format!("{f:.15e}");
    let (digits, power) = shown.split_once('e').unwrap_or((&shown, "0"));
    let power: i32 = power.parse().unwrap_or(0);
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:03}", power.abs())
}
