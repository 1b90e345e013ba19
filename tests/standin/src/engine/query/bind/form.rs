//! Expressions by their forms: conversions, calls and subqueries.

use std::sync::Arc;

use sqlparser::ast::{self, Expr};

use crate::engine::datatype::{self, is_text};
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::eval::types::{comparison, negate};
use crate::engine::parse::tokens::parse_type;
use crate::engine::query::bind::Binder;
use crate::engine::value::compare::Comparison;
use crate::engine::{collate, function};
use crate::types::Value;

impl Binder<'_> {
    /// Conversions, and what [`Binder::form_call`] knows.
    pub(super) fn form_conversion(&mut self, expr: &Expr) -> Result<Bound> {
        match expr {
            Expr::Cast {
                kind,
                expr,
                data_type,
                ..
            } => {
                if matches!(kind, ast::CastKind::DoubleColon | ast::CastKind::SafeCast) {
                    return Err(syntax("::"));
                }
                let attempt = matches!(kind, ast::CastKind::TryCast);
                self.cast(expr, &parse_type(&data_type.to_string())?, None, attempt)
            }
            Expr::Convert {
                is_try,
                expr,
                data_type,
                styles,
                ..
            } => {
                let ty = data_type.as_ref().ok_or_else(|| syntax(expr))?;
                let style = styles.first().map(|s| self.style(s)).transpose()?.flatten();
                self.cast(expr, &parse_type(&ty.to_string())?, style, *is_try)
            }
            Expr::Collate { expr, collation } => self.collate(expr, &collation.to_string()),
            other => self.form_call(other),
        }
    }

    /// Functions and subqueries.
    fn form_call(&mut self, expr: &Expr) -> Result<Bound> {
        match expr {
            Expr::Function(f) => self.function(f),
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for: Some(count),
                ..
            } => self.named("SUBSTRING", &[expr, from, count]),
            Expr::AtTimeZone {
                timestamp,
                time_zone,
            } => {
                let (value, zone) = (self.value(timestamp)?, self.value(time_zone)?);
                function::parts::at_time_zone(&value, &zone)
            }
            Expr::CompoundFieldAccess { root, access_chain } => self.xml_chain(root, access_chain),
            Expr::IsDistinctFrom(l, r) => self.distinct_from(l, r, false),
            Expr::IsNotDistinctFrom(l, r) => self.distinct_from(l, r, true),
            Expr::Trim {
                trim_where,
                trim_what: Some(what),
                expr,
                ..
            } => {
                let (subject, set) = (self.value(expr)?, self.value(what)?);
                let sides = match trim_where {
                    Some(ast::TrimWhereField::Leading) => (true, false),
                    Some(ast::TrimWhereField::Trailing) => (false, true),
                    Some(ast::TrimWhereField::Both) | None => (true, true),
                };
                function::string::change::trim_of(&subject, &set, sides)
            }
            Expr::Trim {
                trim_where: None,
                trim_what: None,
                expr,
                trim_characters: None,
            } => self.named("TRIM", &[expr]),
            Expr::Floor { expr, .. } => self.named("FLOOR", &[expr]),
            Expr::Ceil { expr, .. } => self.named("CEILING", &[expr]),
            Expr::Subquery(q) => self.scalar(q),
            Expr::Exists { subquery, negated } => {
                let (plan, _, correlated) = self.subquery(subquery)?;
                Ok(negate(
                    Bound::predicate(Kind::Exists(Arc::new(plan), correlated)),
                    *negated,
                ))
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => self.in_query(expr, subquery, *negated),
            Expr::AnyOp {
                left,
                compare_op,
                right,
                ..
            } => self.quantified((left, right), compare_op, false),
            Expr::AllOp {
                left,
                compare_op,
                right,
            } => self.quantified((left, right), compare_op, true),
            Expr::Prefixed { prefix, .. } => Err(syntax(prefix)),
            Expr::ILike { .. } | Expr::SimilarTo { .. } | Expr::RLike { .. } => Err(syntax("LIKE")),
            Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_) => Err(syntax("IS")),
            other => Err(unsupported(format!("the expression '{other}'"))),
        }
    }

    /// Whether two values differ, where NULL differs from all but NULL.
    fn distinct_from(&mut self, l: &Expr, r: &Expr, same: bool) -> Result<Bound> {
        let (l, r) = (self.value(l)?, self.value(r)?);
        let null = |b: &Bound| Box::new(Bound::predicate(Kind::IsNull(Box::new(b.clone()))));
        let both = Bound::predicate(Kind::And(null(&l), null(&r)));
        let one = Bound::predicate(Kind::Or(null(&l), null(&r)));
        let none = Box::new(negate(one, true));
        let equal = Box::new(comparison(Comparison::Eq, l, r)?);
        // Unknown only with a NULL, which the part before it has made false.
        let alike = Bound::predicate(Kind::And(none, equal));
        let alike = Bound::predicate(Kind::Or(Box::new(both), Box::new(alike)));
        Ok(negate(alike, !same))
    }

    /// `expr COLLATE name`.
    fn collate(&mut self, expr: &Expr, name: &str) -> Result<Bound> {
        let mut bound = self.value(expr)?;
        let found = if name.eq_ignore_ascii_case("database_default") {
            Arc::clone(&self.facts.current()?.collation)
        } else {
            collate::find(name)?
        };
        if !is_text(&bound.t.ty) {
            return Err(error(
                447,
                16,
                format!(
                    "Expression type {} is invalid for COLLATE clause.",
                    datatype::name(&bound.t.ty)
                ),
            ));
        }
        (bound.t.collation, bound.t.rank) = (Some(found), 2);
        Ok(bound)
    }

    fn named(&mut self, name: &str, args: &[&Expr]) -> Result<Bound> {
        let bound = args
            .iter()
            .map(|a| self.value(a))
            .collect::<Result<Vec<_>>>()?;
        function::call(self.facts, name, bound)
    }

    fn style(&mut self, expr: &Expr) -> Result<Option<i32>> {
        Ok(match self.constant(expr)?.0 {
            Value::Int(i) => Some(i as i32),
            _ => None,
        })
    }
}
