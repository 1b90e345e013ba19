//! Names to columns, operators to types: binds parsed expressions.

pub(crate) mod column;
mod form;
mod literal;
mod operator;

use std::sync::Arc;

use sqlparser::ast::{self, Expr};

use crate::engine::datatype;
use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::eval::constant::fold_constant;
use crate::engine::eval::expr::{Bound, Env, Kind, Run, Ty};
use crate::engine::eval::plan::{AggregateCall, Plan, SortKey, WindowCall};
use crate::engine::eval::types::{comparison, is_condition, negate, sortable};
use crate::engine::function;
use crate::engine::model::facts::Facts;
use crate::engine::model::name::Name;
use crate::engine::parse::check::refuse_order;
use crate::engine::parse::word::is_variable;
use crate::engine::query::bind::literal::literal;
use crate::engine::value::compare::Comparison;
use crate::types::{SqlError, Value};

/// A column that a query or table offers.
#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) t: Ty,
    pub(crate) identity: bool,
    pub(crate) computed: bool,
    /// Left out of `SELECT *`.
    pub(crate) hidden: bool,
    /// The function that masks its values for this user.
    pub(crate) mask: Option<String>,
    /// Why this user may not read it.
    pub(crate) denied: Option<SqlError>,
    /// A graph column that no query may name.
    pub(crate) internal: bool,
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
    pub(crate) calls: Vec<AggregateCall>,
    /// The arguments of an aggregate are bound over the input again.
    pub(crate) inside: bool,
    /// Which of the groups each grouping set has; none without ROLLUP and its like.
    pub(crate) sets: Vec<Vec<usize>>,
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
    /// Sequences whose next value was asked for.
    pub(crate) numbered: Vec<i32>,
    /// Reads what the user may not: the predicate of a security policy, a view's tables.
    pub(crate) trusted: bool,
    /// A masked column was named since this was last set to false.
    pub(crate) masked: bool,
    /// OPTION (MAXRECURSION n).
    pub(crate) max_recursion: u64,
    /// The schema of the module whose body this is: names without a schema are found there first.
    pub(crate) home: Option<String>,
}

impl<'a> Binder<'a> {
    pub(crate) fn new(facts: &'a Facts) -> Binder<'a> {
        Binder {
            facts,
            scopes: vec![Scope::default()],
            tables: Vec::new(),
            live: false,
            numbered: Vec::new(),
            trusted: false,
            masked: false,
            max_recursion: 100,
            home: None,
        }
    }

    /// The name with the schema it is found in, which may be that of the module at hand.
    pub(crate) fn at_home(&self, name: &Name) -> Name {
        let there = |home: &&String| {
            let database = self.facts.database_of(name);
            database.is_ok_and(|d| d.object_id(home, &name.name).is_some())
        };
        match self.home.as_ref().filter(there) {
            Some(home) if name.schema.is_none() => Name {
                schema: Some(home.clone()),
                ..name.clone()
            },
            _ => name.clone(),
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
        if reads_row(&bound) {
            return Err(unsupported(format!(
                "'{expr}' where a constant is expected"
            )));
        }
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

    pub(super) fn form(&mut self, expr: &Expr) -> Result<Bound> {
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
                if let Some(found) = self.property(parts)? {
                    return Ok(found);
                }
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
            other => self.form_conversion(other),
        }
    }

    fn variable(&mut self, name: &str) -> Result<Bound> {
        if name.starts_with("@@") {
            return function::global(self.facts, name);
        }
        if let Some(parameter) = self.column_if(None, name)? {
            return Ok(parameter);
        }
        let variable = self.facts.variable(name)?;
        let mut bound = Bound::constant(variable.value.clone(), variable.ty.clone());
        bound.t.nullable = true;
        // Coercible, in the database's collation.
        bound.t.collation = datatype::has_collation(&variable.ty)
            .then(|| self.facts.current().map(|d| Arc::clone(&d.collation)))
            .transpose()?;
        if self.live {
            bound.kind = Kind::Variable(crate::engine::model::name::fold(name));
        }
        Ok(bound)
    }

    /// Binds a query one level deeper; tells whether it looks at rows outside.
    pub(crate) fn subquery(&mut self, query: &ast::Query) -> Result<(Plan, Vec<Output>, bool)> {
        refuse_order(query)?;
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

/// Whether a row is needed to know the value.
fn reads_row(bound: &Bound) -> bool {
    let mut found = false;
    bound.clone().walk(&mut |e| {
        found |= matches!(
            e.kind,
            Kind::Column { .. }
                | Kind::Scalar(_, true)
                | Kind::Exists(_, true)
                | Kind::InQuery(_, _, true)
        );
    });
    found
}

pub(crate) fn is_descending(key: &ast::OrderByExpr) -> bool {
    matches!(key.options.sort, Some(ast::OrderBySort::Desc))
}
