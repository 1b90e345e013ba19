//! Operators, CASE, CAST and subqueries in expressions.

use std::sync::Arc;

use sqlparser::ast::{self, Expr};

use crate::engine::arithmetic::Operator;
use crate::engine::collate;
use crate::engine::datatype::{self, is_integer, is_text};
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Quantified, Ty};
use crate::engine::eval::plan::Plan;
use crate::engine::eval::types::{
    arithmetic, choose, common_collation, comparison, convert_to, negate,
};
use crate::engine::model::name::TypeName;
use crate::engine::query::bind::Binder;
use crate::engine::query::bind::literal::{negative, number};
use crate::engine::value::compare::Comparison;
use crate::engine::value::convert::how::How;
use crate::engine::value::text;
use crate::types::{SqlType, Value};

impl<'a> Binder<'a> {
    pub(super) fn unary(&mut self, op: ast::UnaryOperator, expr: &Expr) -> Result<Bound> {
        match op {
            ast::UnaryOperator::Not => Ok(negate(self.condition(expr)?, true)),
            ast::UnaryOperator::Plus => self.value(expr),
            ast::UnaryOperator::Minus => {
                // `-2147483648` is an int although 2147483648 is not.
                if let Expr::Value(v) = expr
                    && let ast::Value::Number(n, _) = &v.value
                {
                    return number(&format!("-{n}"));
                }
                let bound = self.value(expr)?;
                negative(bound)
            }
            ast::UnaryOperator::BitwiseNot => {
                let bound = self.value(expr)?;
                let ty = bound.t.ty.clone();
                let all = match &ty {
                    SqlType::Bit => Value::Bit(true),
                    SqlType::TinyInt => Value::Int(255),
                    t if is_integer(t) => Value::Int(-1),
                    other => {
                        return Err(error(
                            8117,
                            16,
                            format!(
                                "Operand data type {} is invalid for '~' operator.",
                                datatype::name(other)
                            ),
                        ));
                    }
                };
                arithmetic(Operator::Xor, bound, Bound::constant(all, ty))
            }
            other => Err(unsupported(format!("the operator {other}"))),
        }
    }

    pub(super) fn binary(
        &mut self,
        left: &Expr,
        op: &ast::BinaryOperator,
        right: &Expr,
    ) -> Result<Bound> {
        use ast::BinaryOperator as B;
        if matches!(op, B::And | B::Or) {
            let (l, r) = (
                Box::new(self.condition(left)?),
                Box::new(self.condition(right)?),
            );
            return Ok(Bound::predicate(if *op == B::And {
                Kind::And(l, r)
            } else {
                Kind::Or(l, r)
            }));
        }
        let (l, r) = (self.value(left)?, self.value(right)?);
        match op {
            B::Eq => comparison(Comparison::Eq, l, r),
            B::NotEq => comparison(Comparison::Ne, l, r),
            B::Lt => comparison(Comparison::Lt, l, r),
            B::LtEq => comparison(Comparison::Le, l, r),
            B::Gt => comparison(Comparison::Gt, l, r),
            B::GtEq => comparison(Comparison::Ge, l, r),
            B::Plus => arithmetic(Operator::Add, l, r),
            B::Minus => arithmetic(Operator::Subtract, l, r),
            B::Multiply => arithmetic(Operator::Multiply, l, r),
            B::Divide => arithmetic(Operator::Divide, l, r),
            B::Modulo => arithmetic(Operator::Modulo, l, r),
            B::BitwiseAnd => arithmetic(Operator::And, l, r),
            B::BitwiseOr => arithmetic(Operator::Or, l, r),
            B::BitwiseXor => arithmetic(Operator::Xor, l, r),
            B::PGBitwiseShiftLeft | B::PGBitwiseShiftRight => {
                Err(unsupported(format!("the operator {op}")))
            }
            other => Err(syntax(other)),
        }
    }

    pub(super) fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<Bound> {
        let value = self.value(expr)?;
        let items = list
            .iter()
            .map(|i| self.value(i))
            .collect::<Result<Vec<_>>>()?;
        // All sides compare in the type with the highest precedence.
        let mut pairs = Vec::new();
        let mut plain = true;
        for item in items {
            let pair = comparison(Comparison::Eq, value.clone(), item)?;
            if let Kind::Compare(_, l, r) = &pair.kind {
                plain &= l.as_column() == value.as_column()
                    && l.as_column().is_some()
                    && r.as_constant().is_some();
            }
            pairs.push(pair);
        }
        if plain {
            let items = pairs.into_iter().filter_map(|p| {
                if let Kind::Compare(_, _, r) = p.kind {
                    Some(*r)
                } else {
                    None
                }
            });
            return Ok(negate(
                Bound::predicate(Kind::InList(Box::new(value), items.collect())),
                negated,
            ));
        }
        let any = pairs
            .into_iter()
            .reduce(|a, b| Bound::predicate(Kind::Or(Box::new(a), Box::new(b))));
        Ok(negate(any.ok_or_else(|| syntax("IN"))?, negated))
    }

    pub(super) fn like(
        &mut self,
        expr: &Expr,
        pattern: &Expr,
        escape: Option<&Expr>,
        negated: bool,
    ) -> Result<Bound> {
        let (subject, pattern) = (self.value(expr)?, self.value(pattern)?);
        let escape = match escape {
            Some(e) => text::units(&self.constant(e)?.0).and_then(|u| u.first().copied()),
            None => None,
        };
        let found = common_collation(&subject.t, &pattern.t, "like")?
            .0
            .unwrap_or_else(collate::default_collation);
        let as_text = |b: Bound| {
            if is_text(&b.t.ty) {
                b
            } else {
                convert_to(b, &SqlType::NVarChar { length: Some(4000) })
            }
        };
        let kind = Kind::Like {
            text: Box::new(as_text(subject)),
            pattern: Box::new(as_text(pattern)),
            escape,
            collation: found,
        };
        Ok(negate(Bound::predicate(kind), negated))
    }

    pub(super) fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[ast::CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Bound> {
        let operand = operand.map(|o| self.value(o)).transpose()?;
        let mut whens = Vec::new();
        for when in conditions {
            let condition = match &operand {
                Some(o) => {
                    let value = self.value(&when.condition)?;
                    comparison(Comparison::Eq, o.clone(), value)?
                }
                None => self.condition(&when.condition)?,
            };
            whens.push((condition, self.value(&when.result)?));
        }
        let otherwise = otherwise.map(|e| self.value(e)).transpose()?;
        choose(whens, otherwise)
    }

    pub(crate) fn cast(
        &mut self,
        expr: &Expr,
        to: &TypeName,
        style: Option<i32>,
        attempt: bool,
    ) -> Result<Bound> {
        let inner = self.value(expr)?;
        let (ty, ..) = self.facts.resolve_type(to, true)?;
        let mut t = Ty {
            nullable: inner.t.nullable || attempt || inner.as_constant().is_none(),
            ty,
            collation: None,
            rank: 0,
        };
        if datatype::has_collation(&t.ty) {
            (t.collation, t.rank) = match &inner.t.collation {
                Some(c) => (Some(Arc::clone(c)), inner.t.rank),
                None => (Some(Arc::clone(&self.facts.current()?.collation)), 0),
            };
        }
        let how = How {
            style,
            order: self.facts.date_order,
            code_page: t.collation.as_ref().map(|c| c.code_page),
            truncate: true,
        };
        Ok(Bound {
            kind: Kind::Convert {
                inner: Box::new(inner),
                how,
                attempt,
            },
            t,
        })
    }

    pub(super) fn scalar(&mut self, query: &ast::Query) -> Result<Bound> {
        let (plan, columns, correlated) = self.subquery(query)?;
        let [column] = columns.as_slice() else {
            return Err(error(
                116,
                16,
                "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
            ));
        };
        let t = Ty {
            nullable: true,
            ..column.t.clone()
        };
        Ok(Bound {
            kind: Kind::Scalar(Arc::new(plan), correlated),
            t,
        })
    }

    /// `left op ANY (query)`, and ALL.
    pub(super) fn quantified(
        &mut self,
        (left, right): (&Expr, &Expr),
        op: &ast::BinaryOperator,
        all: bool,
    ) -> Result<Bound> {
        use ast::BinaryOperator as B;
        let comparison = match op {
            B::Eq => Comparison::Eq,
            B::NotEq => Comparison::Ne,
            B::Lt => Comparison::Lt,
            B::LtEq => Comparison::Le,
            B::Gt => Comparison::Gt,
            B::GtEq => Comparison::Ge,
            other => return Err(syntax(other)),
        };
        let Expr::Subquery(query) = right else {
            return Err(syntax(right));
        };
        let (left, plan, correlated) = self.beside_query(comparison, left, query)?;
        Ok(Bound::predicate(Kind::Quantified(Box::new(Quantified {
            comparison,
            left,
            plan: Arc::new(plan),
            correlated,
            all,
        }))))
    }

    pub(super) fn in_query(
        &mut self,
        expr: &Expr,
        query: &ast::Query,
        negated: bool,
    ) -> Result<Bound> {
        let (left, plan, correlated) = self.beside_query(Comparison::Eq, expr, query)?;
        Ok(negate(
            Bound::predicate(Kind::InQuery(Box::new(left), Arc::new(plan), correlated)),
            negated,
        ))
    }

    /// A value and the rows of a query that it is compared with, in their common type.
    fn beside_query(
        &mut self,
        op: Comparison,
        expr: &Expr,
        query: &ast::Query,
    ) -> Result<(Bound, Plan, bool)> {
        let value = self.value(expr)?;
        let (plan, columns, correlated) = self.subquery(query)?;
        let [column] = columns.as_slice() else {
            return Err(error(
                116,
                16,
                "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
            ));
        };
        // Both sides in the common type, the query's by a projection.
        let inner = Bound {
            kind: Kind::Column { depth: 0, at: 0 },
            t: column.t.clone(),
        };
        let Kind::Compare(_, l, r) = comparison(op, value, inner)?.kind else {
            return Err(syntax(expr));
        };
        let mut left = *l;
        if r.t.rank > left.t.rank {
            left.t.collation = r.t.collation.clone();
        }
        Ok((left, Plan::Project(Box::new(plan), vec![*r]), correlated))
    }
}
