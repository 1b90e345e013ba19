//! Names to columns, operators to types: binds parsed expressions.

use std::sync::Arc;

use sqlparser::ast::{self, Expr};

use crate::engine::arithmetic::{Operator, result_type};
use crate::engine::collate;
use crate::engine::datatype::{self, is_binary, is_integer, is_text, precedence};
use crate::engine::error::{Result, clash, error, invalid_column, syntax, unsupported};
use crate::engine::expr::{Bound, Comparison, Env, Kind, Run, Ty};
use crate::engine::facts::Facts;
use crate::engine::function;
use crate::engine::parse::statement::{Name, TypeName};
use crate::engine::parse::tokens::{is_variable, parse_type};
use crate::engine::query::aggregate;
use crate::engine::query::plan::{Plan, SortKey};
use crate::engine::query::window::WindowCall;
use crate::engine::table::same_name;
use crate::engine::value::convert::How;
use crate::engine::value::{decimal, text};
use crate::types::{Collation, SqlType, Value};

/// A column that a query or table offers.
#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) t: Ty,
    pub(crate) identity: bool,
    pub(crate) computed: bool,
}

#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) alias: String,
    /// Schema and name, for columns qualified by them.
    pub(crate) name: Option<Name>,
    pub(crate) columns: Vec<Output>,
    pub(crate) start: usize,
}

/// The tables in sight at one level of nesting.
#[derive(Default, Clone)]
pub(crate) struct Scope {
    pub(crate) sources: Vec<Source>,
    /// An expression in here looked at a row outside.
    pub(crate) uses_outer: bool,
    /// Set while the select list of a grouped query is bound.
    pub(crate) grouping: Option<Grouping>,
    /// Set while window functions are allowed.
    pub(crate) windows: Option<Vec<WindowCall>>,
}

#[derive(Default, Clone)]
pub(crate) struct Grouping {
    pub(crate) groups: Vec<(Expr, Bound)>,
    pub(crate) calls: Vec<aggregate::Call>,
    /// The arguments of an aggregate are bound over the input again.
    pub(crate) inside: bool,
}

#[derive(Clone)]
pub(crate) struct CommonTable {
    pub(crate) name: String,
    pub(crate) plan: Plan,
    pub(crate) columns: Vec<Output>,
}

pub(crate) struct Binder<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) tables: Vec<CommonTable>,
    /// Variables are read row by row instead of once.
    pub(crate) live: bool,
}

impl<'a> Binder<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Binder<'a> {
        Binder {
            facts,
            scopes: vec![Scope::default()],
            tables: Vec::new(),
            live: false,
        }
    }

    pub(crate) fn scope(&mut self) -> &mut Scope {
        self.scopes.last_mut().expect("a binder always has a scope")
    }

    pub(crate) fn condition(&mut self, expr: &Expr) -> Result<Bound> {
        let bound = self.expr(expr)?;
        if is_condition(&bound) {
            return Ok(fold_constant(bound));
        }
        Err(error(
            4145,
            15,
            "An expression of non-boolean type specified in a context where a condition is expected.",
        ))
    }

    /// A value; a condition here is an error, as T-SQL has no boolean values.
    pub(crate) fn value(&mut self, expr: &Expr) -> Result<Bound> {
        let bound = self.expr(expr)?;
        if is_condition(&bound) {
            return Err(syntax(expr));
        }
        Ok(bound)
    }

    /// Binds a value and reads it at once; it may use variables and subqueries, but no columns.
    pub(crate) fn constant(&mut self, expr: &Expr) -> Result<(Value, Ty)> {
        let bound = self.value(expr)?;
        let run = Run::default();
        let value = bound.eval(&Env {
            row: &[],
            outer: None,
            run: &run,
        })?;
        Ok((value, bound.t))
    }

    pub(crate) fn expr(&mut self, expr: &Expr) -> Result<Bound> {
        if let Some(found) = self.grouped(expr)? {
            return Ok(found);
        }
        Ok(fold_constant(self.form(expr)?))
    }

    fn form(&mut self, expr: &Expr) -> Result<Bound> {
        match expr {
            Expr::Nested(e) => self.expr(e),
            Expr::Identifier(i) if is_variable(i) => self.variable(&i.value),
            Expr::Identifier(i) => {
                match function::bare(self.facts, &i.value, i.quote_style.is_some()) {
                    Some(found) if self.lookup(None, &i.value)?.is_none() => Ok(found),
                    _ => self.column(None, &i.value),
                }
            }
            Expr::CompoundIdentifier(parts) => {
                let mut names: Vec<String> = parts.iter().map(|p| p.value.clone()).collect();
                let column = names.pop().unwrap_or_default();
                self.column(Some(&Name::of(names)?), &column)
            }
            Expr::Value(v) => literal(&v.value),
            Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right),
            Expr::IsNull(e) => Ok(Bound::predicate(Kind::IsNull(Box::new(self.value(e)?)))),
            Expr::IsNotNull(e) => {
                let inner = Bound::predicate(Kind::IsNull(Box::new(self.value(e)?)));
                Ok(Bound::predicate(Kind::Not(Box::new(inner))))
            }
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let value = self.value(expr)?;
                let (low, high) = (self.value(low)?, self.value(high)?);
                let low = comparison(Comparison::Ge, value.clone(), low)?;
                let high = comparison(Comparison::Le, value, high)?;
                Ok(negate(
                    Bound::predicate(Kind::And(Box::new(low), Box::new(high))),
                    *negated,
                ))
            }
            Expr::InList {
                expr,
                list,
                negated,
            } => self.in_list(expr, list, *negated),
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => self.like(expr, pattern, escape_char.as_deref(), *negated),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Cast {
                kind,
                expr,
                data_type,
                ..
            } => {
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
            Expr::Collate { expr, collation } => {
                let mut bound = self.value(expr)?;
                let name = collation.to_string();
                let found = if name.eq_ignore_ascii_case("database_default") {
                    Arc::clone(&self.facts.current()?.collation)
                } else {
                    collate::find(&name)?
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
            Expr::Function(f) => self.function(f),
            Expr::Substring {
                expr,
                substring_from: Some(from),
                substring_for: Some(count),
                ..
            } => self.named("SUBSTRING", &[expr, from, count]),
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
            Expr::Prefixed { prefix, .. } => Err(syntax(prefix)),
            other => Err(unsupported(format!("the expression '{other}'"))),
        }
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

    fn variable(&mut self, name: &str) -> Result<Bound> {
        if name.starts_with("@@") {
            return function::global(self.facts, name);
        }
        let variable = self.facts.variable(name)?;
        let mut bound = Bound::constant(variable.value.clone(), variable.ty.clone());
        bound.t.nullable = true;
        if self.live {
            bound.kind = Kind::Variable(crate::engine::table::fold(name));
        }
        Ok(bound)
    }

    /// In a grouped query: a group's column, or an aggregate's.
    fn grouped(&mut self, expr: &Expr) -> Result<Option<Bound>> {
        let Some(grouping) = self.scope().grouping.as_ref().filter(|g| !g.inside) else {
            return Ok(None);
        };
        let groups = grouping.groups.clone();
        let shown = expr.to_string();
        let same_text = groups.iter().position(|(g, _)| g.to_string() == shown);
        let at = match (same_text, expr) {
            (Some(at), _) => Some(at),
            (None, Expr::Identifier(i)) if is_variable(i) => None,
            (None, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => {
                self.scope()
                    .grouping
                    .as_mut()
                    .expect("checked above")
                    .inside = true;
                let bound = self.form(expr);
                self.scope()
                    .grouping
                    .as_mut()
                    .expect("checked above")
                    .inside = false;
                let bound = bound?;
                let Kind::Column { depth: 0, at } = bound.kind else {
                    return Ok(Some(bound));
                };
                let found = groups.iter().position(|(_, g)| g.as_column() == Some(at));
                if found.is_none() {
                    let message = format!(
                        "Column '{shown}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause."
                    );
                    return Err(error(8120, 16, message));
                }
                found
            }
            _ => None,
        };
        Ok(at.map(|at| Bound {
            kind: Kind::Column { depth: 0, at },
            t: groups[at].1.t.clone(),
        }))
    }

    /// Finds a column: its depth, position and description.
    fn lookup(&self, table: Option<&Name>, column: &str) -> Result<Option<(usize, usize, Output)>> {
        for (depth, scope) in self.scopes.iter().rev().enumerate() {
            let mut found = None;
            for source in scope
                .sources
                .iter()
                .filter(|s| table.is_none_or(|t| is_called(s, t)))
            {
                for (i, output) in source
                    .columns
                    .iter()
                    .enumerate()
                    .filter(|(_, c)| same_name(&c.name, column))
                {
                    if found.is_some() {
                        return Err(error(209, 16, format!("Ambiguous column name '{column}'.")));
                    }
                    found = Some((depth, source.start + i, output.clone()));
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn column(&mut self, table: Option<&Name>, column: &str) -> Result<Bound> {
        let Some((depth, at, output)) = self.lookup(table, column)? else {
            return Err(match table {
                Some(t) => error(
                    4104,
                    16,
                    format!("The multi-part identifier \"{t}.{column}\" could not be bound."),
                ),
                None => invalid_column(column),
            });
        };
        let levels = self.scopes.len();
        for scope in &mut self.scopes[levels - depth..] {
            scope.uses_outer = true;
        }
        Ok(Bound {
            kind: Kind::Column { depth, at },
            t: output.t,
        })
    }

    fn unary(&mut self, op: ast::UnaryOperator, expr: &Expr) -> Result<Bound> {
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

    fn binary(&mut self, left: &Expr, op: &ast::BinaryOperator, right: &Expr) -> Result<Bound> {
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
            other => Err(unsupported(format!("the operator {other}"))),
        }
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<Bound> {
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

    fn like(
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

    fn case(
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
            nullable: inner.t.nullable || attempt,
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

    fn scalar(&mut self, query: &ast::Query) -> Result<Bound> {
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

    fn in_query(&mut self, expr: &Expr, query: &ast::Query, negated: bool) -> Result<Bound> {
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
        let Kind::Compare(_, l, r) = comparison(Comparison::Eq, value, inner)?.kind else {
            return Err(syntax("IN"));
        };
        let mut left = *l;
        if r.t.rank > left.t.rank {
            left.t.collation = r.t.collation.clone();
        }
        let plan = Plan::Project(Box::new(plan), vec![*r]);
        Ok(negate(
            Bound::predicate(Kind::InQuery(Box::new(left), Arc::new(plan), correlated)),
            negated,
        ))
    }

    /// Binds a query one level deeper; tells whether it looks at rows outside.
    pub(crate) fn subquery(&mut self, query: &ast::Query) -> Result<(Plan, Vec<Output>, bool)> {
        self.scopes.push(Scope::default());
        let bound = self.query(query);
        let scope = self.scopes.pop().expect("pushed above");
        let (plan, columns) = bound?;
        Ok((plan, columns, scope.uses_outer))
    }

    pub(crate) fn order_key(&mut self, key: &ast::OrderByExpr) -> Result<SortKey> {
        let expr = self.value(&key.expr)?;
        sortable(&expr)?;
        Ok(SortKey {
            expr,
            descending: is_descending(key),
        })
    }
}

pub(crate) fn is_descending(key: &ast::OrderByExpr) -> bool {
    matches!(key.options.sort, Some(ast::OrderBySort::Desc))
}

/// # Errors
/// 306 for the types that cannot be compared or sorted.
pub(crate) fn sortable(expr: &Bound) -> Result<()> {
    match expr.t.ty {
        SqlType::Text | SqlType::NText | SqlType::Image | SqlType::Xml => Err(error(
            306,
            16,
            "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.",
        )),
        _ => Ok(()),
    }
}

fn is_called(source: &Source, table: &Name) -> bool {
    if table.schema.is_none() && same_name(&source.alias, &table.name) {
        return true;
    }
    source.name.as_ref().is_some_and(|n| {
        same_name(&n.name, &table.name)
            && same_name(&source.alias, &n.name)
            && table
                .schema
                .as_ref()
                .is_none_or(|s| n.schema.as_ref().is_some_and(|m| same_name(m, s)))
    })
}

/// Conditions are told from bit values by their form.
pub(crate) fn is_condition(bound: &Bound) -> bool {
    matches!(
        bound.kind,
        Kind::Compare(..)
            | Kind::And(..)
            | Kind::Or(..)
            | Kind::Not(_)
            | Kind::IsNull(_)
            | Kind::Like { .. }
            | Kind::InList(..)
            | Kind::Exists(..)
            | Kind::InQuery(..)
    )
}

pub(crate) fn negate(bound: Bound, negated: bool) -> Bound {
    if negated {
        Bound::predicate(Kind::Not(Box::new(bound)))
    } else {
        bound
    }
}

/// Evaluates what needs no row now, so that ranges and styles see constants.
fn fold_constant(bound: Bound) -> Bound {
    let foldable =
        matches!(bound.kind, Kind::Convert { .. } | Kind::Arithmetic(..)) && bound.reads_nothing();
    if !foldable {
        return bound;
    }
    let run = Run::default();
    match bound.eval(&Env {
        row: &[],
        outer: None,
        run: &run,
    }) {
        Ok(value) => Bound {
            kind: Kind::Const(value),
            t: bound.t,
        },
        // The error belongs to the row that reaches it, if any does.
        Err(_) => bound,
    }
}

fn literal(value: &ast::Value) -> Result<Bound> {
    let text_type = |s: &str, unicode: bool| {
        let units: Arc<[u16]> = s.encode_utf16().collect();
        let n = units.len().max(1);
        let length = u16::try_from(n)
            .ok()
            .filter(|n| *n <= if unicode { 4000 } else { 8000 });
        let ty = if unicode {
            SqlType::NVarChar { length }
        } else {
            SqlType::VarChar { length }
        };
        let mut bound = Bound::constant(Value::Text(units), ty);
        bound.t.collation = Some(collate::default_collation());
        bound
    };
    match value {
        ast::Value::Number(n, _) => number(n),
        ast::Value::SingleQuotedString(s) => {
            let mut bound = text_type(s, false);
            if let Kind::Const(Value::Text(units)) = &bound.kind {
                let kept = collate::narrow(collate::default_collation().code_page, units);
                bound.kind = Kind::Const(Value::Text(kept));
            }
            Ok(bound)
        }
        ast::Value::NationalStringLiteral(s) => Ok(text_type(s, true)),
        ast::Value::HexStringLiteral(h) => {
            let bytes = text::parse_hex(h).ok_or_else(|| syntax(h))?;
            let length = u16::try_from(bytes.len().max(1))
                .ok()
                .filter(|n| *n <= 8000);
            Ok(Bound::constant(
                Value::Bytes(bytes.into()),
                SqlType::VarBinary { length },
            ))
        }
        ast::Value::Placeholder(p) if p.starts_with('$') => {
            let amount = if p.len() == 1 {
                Some((0, 0))
            } else {
                decimal::parse(&p[1..])
            };
            let (unscaled, scale) = amount.ok_or_else(|| syntax(p))?;
            let scaled = decimal::rescale(unscaled, scale, 4).and_then(|v| i64::try_from(v).ok());
            scaled
                .map(|m| Bound::constant(Value::Money(m), SqlType::Money))
                .ok_or_else(|| syntax(p))
        }
        ast::Value::Null => Ok(Bound::constant(Value::Null, SqlType::Int)),
        other => Err(unsupported(format!("the literal {other}"))),
    }
}

/// An integer, a decimal, or with an exponent a float.
fn number(digits: &str) -> Result<Bound> {
    if digits.contains(['e', 'E']) {
        let f: f64 = digits.parse().map_err(|_| syntax(digits))?;
        return if f.is_finite() {
            Ok(Bound::constant(Value::Float(f), SqlType::Float))
        } else {
            Err(syntax(digits))
        };
    }
    if let Ok(i) = digits.parse::<i32>() {
        return Ok(Bound::constant(Value::Int(i64::from(i)), SqlType::Int));
    }
    let too_large = || {
        error(
            1007,
            15,
            format!(
                "The number '{digits}' is out of the range for numeric representation (maximum precision 38)."
            ),
        )
    };
    let (unscaled, scale) = decimal::parse(digits).ok_or_else(too_large)?;
    let precision = (unscaled.unsigned_abs().to_string().len() as u8)
        .max(scale)
        .max(1);
    Ok(Bound::constant(
        Value::Decimal { unscaled, scale },
        SqlType::Decimal { precision, scale },
    ))
}

fn negative(bound: Bound) -> Result<Bound> {
    let zero = match &bound.t.ty {
        SqlType::Decimal { scale, .. } => Value::Decimal {
            unscaled: 0,
            scale: *scale,
        },
        SqlType::Float => Value::Float(-0.0),
        SqlType::Real => Value::Real(-0.0),
        SqlType::Money | SqlType::SmallMoney => Value::Money(0),
        t if is_integer(t) => Value::Int(0),
        other => {
            return Err(error(
                8117,
                16,
                format!(
                    "Operand data type {} is invalid for minus operator.",
                    datatype::name(other)
                ),
            ));
        }
    };
    let ty = bound.t.clone();
    let zero = Bound::constant(zero, ty.ty.clone());
    Ok(Bound {
        kind: Kind::Arithmetic(Operator::Subtract, Box::new(zero), Box::new(bound)),
        t: ty,
    })
}

pub(crate) fn convert_to(bound: Bound, ty: &SqlType) -> Bound {
    if bound.t.ty == *ty {
        return bound;
    }
    let t = Ty {
        ty: ty.clone(),
        nullable: bound.t.nullable,
        collation: bound.t.collation.clone(),
        rank: bound.t.rank,
    };
    let how = How {
        truncate: true,
        code_page: t.collation.as_ref().map(|c| c.code_page),
        ..How::default()
    };
    fold_constant(Bound {
        kind: Kind::Convert {
            inner: Box::new(bound),
            how,
            attempt: false,
        },
        t,
    })
}

/// The collation of two sides together and its rank.
///
/// # Errors
/// 468 when two columns, or two COLLATE clauses, disagree.
pub(crate) fn common_collation(
    l: &Ty,
    r: &Ty,
    operation: &str,
) -> Result<(Option<Arc<Collation>>, u8)> {
    match (&l.collation, &r.collation) {
        (Some(a), Some(b))
            if l.rank == r.rank && l.rank > 0 && !a.name.eq_ignore_ascii_case(&b.name) =>
        {
            let message = format!(
                "Cannot resolve the collation conflict between \"{}\" and \"{}\" in the {operation} operation.",
                b.name, a.name
            );
            Err(error(468, 16, message))
        }
        (Some(a), Some(b)) => Ok(if r.rank > l.rank {
            (Some(Arc::clone(b)), r.rank)
        } else {
            (Some(Arc::clone(a)), l.rank)
        }),
        (a, b) => Ok((a.clone().or_else(|| b.clone()), l.rank.max(r.rank))),
    }
}

/// The type that two sides of a comparison, CASE or UNION share.
pub(crate) fn common_type(l: &SqlType, r: &SqlType) -> Result<SqlType> {
    if l == r {
        return Ok(l.clone());
    }
    let (strong, weak) = if precedence(l) >= precedence(r) {
        (l, r)
    } else {
        (r, l)
    };
    let longest = |most: u16| match (datatype::length(l), datatype::length(r)) {
        (Some(a), Some(b)) => Some(a.max(b).min(most)),
        _ => None,
    };
    Ok(match strong {
        SqlType::Decimal {
            precision: p1,
            scale: s1,
        } => match weak {
            _ if is_text(weak) || is_binary(weak) => strong.clone(),
            _ => {
                let (p2, s2) = crate::engine::arithmetic::as_decimal(weak);
                let scale = (*s1).max(s2);
                let whole = (p1 - s1).max(p2 - s2);
                SqlType::Decimal {
                    precision: (whole + scale).min(38),
                    scale: scale.min(38 - whole.min(38)),
                }
            }
        },
        SqlType::NVarChar { .. } | SqlType::NChar { .. } if is_text(weak) => SqlType::NVarChar {
            length: longest(4000),
        },
        SqlType::VarChar { .. } if is_text(weak) => SqlType::VarChar {
            length: longest(8000),
        },
        SqlType::Char { .. } if is_text(weak) => SqlType::Char {
            length: longest(8000).unwrap_or(8000),
        },
        SqlType::VarBinary { .. } if is_binary(weak) => SqlType::VarBinary {
            length: longest(8000),
        },
        SqlType::UniqueIdentifier if is_text(weak) || is_binary(weak) => strong.clone(),
        SqlType::UniqueIdentifier | SqlType::Xml if !is_text(weak) => {
            return Err(clash(datatype::name(weak), datatype::name(strong)));
        }
        _ if datatype::is_temporal(strong)
            && matches!(
                strong,
                SqlType::Date
                    | SqlType::Time { .. }
                    | SqlType::DateTime2 { .. }
                    | SqlType::DateTimeOffset { .. }
            )
            && datatype::is_number(weak) =>
        {
            return Err(clash(datatype::name(weak), datatype::name(strong)));
        }
        _ => strong.clone(),
    })
}

/// A comparison with both sides brought to one type; a constant takes the column's type when that
/// loses nothing, so that an index can be used.
pub(crate) fn comparison(op: Comparison, l: Bound, r: Bound) -> Result<Bound> {
    sortable(&l).or_else(|e| {
        if matches!(l.t.ty, SqlType::Xml) {
            Err(e)
        } else {
            Ok(())
        }
    })?;
    let mut collation = None;
    if is_text(&l.t.ty) && is_text(&r.t.ty) {
        collation = Some(common_collation(&l.t, &r.t, "equal to")?);
    }
    let (l, r) = same_type(l, r)?;
    let (mut l, r) = (l, r);
    if let Some((Some(c), rank)) = collation {
        (l.t.collation, l.t.rank) = (Some(c), rank.max(r.t.rank));
    }
    Ok(Bound::predicate(Kind::Compare(
        op,
        Box::new(l),
        Box::new(r),
    )))
}

fn same_type(l: Bound, r: Bound) -> Result<(Bound, Bound)> {
    let (a, b) = (&l.t.ty, &r.t.ty);
    // These pairs hold the same kind of value.
    if is_integer(a) && is_integer(b)
        || is_text(a) && is_text(b)
        || is_binary(a) && is_binary(b)
        || datatype::is_money(a) && datatype::is_money(b)
    {
        return Ok((l, r));
    }
    if matches!(l.as_constant(), Some(Value::Null)) || matches!(r.as_constant(), Some(Value::Null))
    {
        return Ok((l, r));
    }
    if let Some(exact) = exact_constant(&r, a) {
        return Ok((l, exact));
    }
    if let Some(exact) = exact_constant(&l, b) {
        return Ok((exact, r));
    }
    let common = common_type(a, b)?;
    let bring = |side: Bound| {
        if side.t.ty == common {
            side
        } else {
            convert_to(side, &common)
        }
    };
    Ok((bring(l), bring(r)))
}

/// A numeric constant in the other side's type, when it is the same number there.
fn exact_constant(constant: &Bound, to: &SqlType) -> Option<Bound> {
    let (unscaled, scale) = match constant.as_constant()? {
        Value::Int(i) => (i128::from(*i), 0),
        Value::Decimal { unscaled, scale } => (*unscaled, *scale),
        _ => return None,
    };
    let value = match to {
        SqlType::Decimal { scale: target, .. } => {
            let there = decimal::rescale(unscaled, scale, *target)?;
            (decimal::rescale(there, *target, scale.max(*target))
                == decimal::rescale(unscaled, scale, scale.max(*target)))
            .then_some(Value::Decimal {
                unscaled: there,
                scale: *target,
            })?
        }
        t if is_integer(t) => {
            let there = decimal::rescale(unscaled, scale, 0)?;
            (decimal::rescale(there, 0, scale) == Some(unscaled)).then_some(())?;
            Value::Int(i64::try_from(there).ok()?)
        }
        _ => return None,
    };
    Some(Bound::constant(value, to.clone()))
}

/// An integer constant beside a decimal has just the digits it needs.
fn exact_literal(bound: Bound) -> Bound {
    match (bound.as_constant(), &bound.t.ty) {
        (Some(Value::Int(i)), SqlType::Int) => {
            let precision = i.unsigned_abs().to_string().len() as u8;
            Bound::constant(
                Value::Decimal {
                    unscaled: i128::from(*i),
                    scale: 0,
                },
                SqlType::Decimal {
                    precision,
                    scale: 0,
                },
            )
        }
        _ => bound,
    }
}

pub(crate) fn arithmetic(op: Operator, l: Bound, r: Bound) -> Result<Bound> {
    // An untyped NULL takes the other side's type.
    let null = |b: &Bound| matches!(b.as_constant(), Some(Value::Null)) && b.t.ty == SqlType::Int;
    let (l, r) = match (null(&l), null(&r)) {
        (true, false) => (Bound::constant(Value::Null, r.t.ty.clone()), r),
        (false, true) => {
            let ty = l.t.ty.clone();
            (l, Bound::constant(Value::Null, ty))
        }
        _ => (l, r),
    };
    let (l, r) = if matches!(r.t.ty, SqlType::Decimal { .. }) {
        (exact_literal(l), r)
    } else {
        (l, r)
    };
    let (l, r) = if matches!(l.t.ty, SqlType::Decimal { .. }) {
        (l, exact_literal(r))
    } else {
        (l, r)
    };
    let (ty, operand) = result_type(op, &l.t.ty, &r.t.ty)?;
    let nullable = l.t.nullable || r.t.nullable;
    let (collation, rank) = if is_text(&ty) {
        common_collation(&l.t, &r.t, "add")?
    } else {
        (None, 0)
    };
    let op = if is_text(&ty) || is_binary(&ty) {
        Operator::Concat
    } else {
        op
    };
    let bring = |side: Bound| match (&operand, &ty) {
        (Some(to), _) => convert_to(side, to),
        (None, SqlType::Decimal { .. }) if is_text(&side.t.ty) => convert_to(side, &ty),
        _ => side,
    };
    let (l, r) = (bring(l), bring(r));
    Ok(Bound {
        kind: Kind::Arithmetic(op, Box::new(l), Box::new(r)),
        t: Ty {
            ty,
            nullable,
            collation,
            rank,
        },
    })
}

/// CASE over results of several types.
pub(crate) fn choose(whens: Vec<(Bound, Bound)>, otherwise: Option<Bound>) -> Result<Bound> {
    let results = whens.iter().map(|(_, r)| r).chain(otherwise.as_ref());
    let t = union_type(results.map(|r| (&r.t, matches!(r.as_constant(), Some(Value::Null)))))?;
    let nullable = t.nullable || otherwise.is_none();
    let whens = whens
        .into_iter()
        .map(|(c, r)| (c, convert_to(r, &t.ty)))
        .collect();
    let otherwise = otherwise.map(|e| Box::new(convert_to(e, &t.ty)));
    Ok(Bound {
        kind: Kind::Case { whens, otherwise },
        t: Ty { nullable, ..t },
    })
}

/// The common type of many; untyped NULLs (the flag) say nothing about it.
pub(crate) fn union_type<'t>(types: impl Iterator<Item = (&'t Ty, bool)>) -> Result<Ty> {
    let mut found: Option<Ty> = None;
    let mut nullable = false;
    for (t, null) in types {
        nullable |= t.nullable;
        if null {
            continue;
        }
        found = Some(match found {
            None => t.clone(),
            Some(f) => {
                let (collation, rank) = if f.collation.is_some() && t.collation.is_some() {
                    common_collation(&f, t, "UNION")?
                } else {
                    (
                        f.collation.clone().or_else(|| t.collation.clone()),
                        f.rank.max(t.rank),
                    )
                };
                let ty = common_type(&f.ty, &t.ty)?;
                let collation = collation.filter(|_| datatype::has_collation(&ty));
                Ty {
                    ty,
                    nullable: false,
                    collation,
                    rank,
                }
            }
        });
    }
    let mut t = found.unwrap_or(Ty {
        ty: SqlType::Int,
        nullable: true,
        collation: None,
        rank: 0,
    });
    t.nullable = nullable;
    Ok(t)
}
