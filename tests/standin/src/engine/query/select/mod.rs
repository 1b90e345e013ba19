//! SELECT: from the parsed query to a plan with named, typed columns.

pub(crate) mod access;
pub(crate) mod call;
mod common;
mod finish;
mod for_xml;
mod group;
mod items;
mod method;
mod set;
mod shape;
mod user;
pub(crate) mod window;

use sqlparser::ast::{self, Expr, LimitClause, OrderByKind, Query, Select, SetExpr};

use crate::engine::error::{Result, error, syntax, unsupported};
use crate::engine::eval::expr::Bound;
use crate::engine::eval::plan::{Aggregate, Plan};
use crate::engine::parse::check::refuse_order;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::query::push;
use crate::engine::query::select::common::max_recursion;
use crate::engine::query::select::finish::Stages;
use crate::engine::query::select::set::Bounded;
use crate::engine::query::select::shape::{at_edge, limited, narrowed, sought};
use crate::types::Value;

impl Binder<'_> {
    /// Binds a whole query in the current scope.
    pub(crate) fn query(&mut self, query: &Query) -> Result<Bounded> {
        if let Some(clause) = &query.for_clause {
            let mut rows = query.clone();
            rows.for_clause = None;
            return for_xml::gathered(self.query(&rows)?, clause);
        }
        let known = self.tables.len();
        if let Some(most) = max_recursion(query) {
            self.max_recursion = most;
        }
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let common = self.common_table(table)?;
            self.tables.push(common);
        }
        let order: &[ast::OrderByExpr] = match query.order_by.as_ref().map(|o| &o.kind) {
            Some(OrderByKind::Expressions(keys)) => keys,
            Some(OrderByKind::All(_)) => return Err(unsupported("ORDER BY ALL")),
            None => &[],
        };
        let paging = self.paging(query)?;
        let bound = match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, order, paging),
            body => {
                let (plan, columns) = self.body(body)?;
                let plan = self.order_outputs(plan, &columns, order)?;
                Ok((limited(plan, paging, None), columns))
            }
        };
        self.tables.truncate(known);
        bound
    }

    /// OFFSET and FETCH as numbers.
    fn paging(&mut self, query: &Query) -> Result<(u64, Option<u64>)> {
        let mut paging = (0, None);
        match &query.limit_clause {
            None => {}
            Some(LimitClause::LimitOffset {
                limit: None,
                offset: Some(offset),
                ..
            }) => {
                paging.0 = self.row_count(&offset.value)?;
            }
            Some(_) => return Err(syntax("LIMIT")),
        }
        if let Some(fetch) = &query.fetch {
            let quantity = fetch
                .quantity
                .as_ref()
                .map(|q| self.row_count(q))
                .transpose()?;
            paging.1 = Some(quantity.unwrap_or(1));
        }
        Ok(paging)
    }

    fn row_count(&mut self, expr: &Expr) -> Result<u64> {
        match self.constant(expr)?.0 {
            Value::Int(n) => u64::try_from(n).map_err(|_| {
                error(
                    10742,
                    15,
                    "The offset specified in a OFFSET clause may not be negative.",
                )
            }),
            _ => Err(error(
                1060,
                15,
                "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.",
            )),
        }
    }

    /// A query body that is not a plain SELECT with the query's own ORDER BY.
    pub(super) fn body(&mut self, body: &SetExpr) -> Result<Bounded> {
        match body {
            SetExpr::Select(select) => {
                let (plan, columns, correlated) =
                    self.nested(|b| b.select(select, &[], (0, None)))?;
                self.scope().uses_outer |= correlated;
                Ok((plan, columns))
            }
            SetExpr::Query(query) => {
                let (plan, columns, correlated) = self.subquery_in_place(query)?;
                self.scope().uses_outer |= correlated;
                Ok((plan, columns))
            }
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => self.set_operation(left, *op, *set_quantifier, right),
            SetExpr::Values(values) => self.values(values),
            other => Err(unsupported(format!("the query '{other}'"))),
        }
    }

    /// Binds with a scope that replaces the current one, for one branch of a set operation.
    pub(crate) fn nested(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Result<Bounded>,
    ) -> Result<(Plan, Vec<Output>, bool)> {
        let kept = std::mem::take(self.scope());
        let bound = bind(self);
        let used = std::mem::replace(self.scope(), kept);
        let (plan, columns) = bound?;
        Ok((plan, columns, used.uses_outer))
    }

    /// Binds a query that runs as part of the current one, seeing only what is outside of it.
    pub(super) fn subquery_in_place(&mut self, query: &Query) -> Result<(Plan, Vec<Output>, bool)> {
        refuse_order(query)?;
        self.nested(|b| b.query(query))
    }

    fn select(
        &mut self,
        select: &Select,
        order: &[ast::OrderByExpr],
        paging: (u64, Option<u64>),
    ) -> Result<Bounded> {
        refuse(select)?;
        let mut plan = self.from(&select.from)?;
        let filter = select
            .selection
            .as_ref()
            .map(|s| self.condition(s))
            .transpose()?;
        let grouped = self.is_grouped(select, order);
        let simple_scan = matches!(plan, Plan::Scan(_));
        let filter = match filter {
            Some(filter) if !simple_scan => {
                plan = push::filtered(plan, filter);
                None
            }
            other => other,
        };
        self.group(select, grouped)?;
        self.scope().windows = Some(Vec::new());
        let items = self.items(select)?;
        let (keys, places) = self.order_keys(order, &items)?.into_iter().unzip();
        let having = select
            .having
            .as_ref()
            .map(|h| self.condition(h))
            .transpose()?;
        let windows = self.scope().windows.take().unwrap_or_default();
        let input_width = self.input_width();
        if let Some(grouping) = self.scope().grouping.take() {
            let scalar = grouping.groups.is_empty() && grouping.sets.is_empty();
            let groups: Vec<Bound> = grouping.groups.into_iter().map(|(_, b)| b).collect();
            plan = sought(plan, filter.as_ref(), &groups, &grouping.calls);
            if scalar {
                plan = at_edge(plan, filter.as_ref(), &grouping.calls);
            }
            let input = narrowed(plan, &groups, &grouping.calls);
            plan = Plan::Aggregate(Box::new(Aggregate {
                input,
                groups,
                calls: grouping.calls,
                scalar,
                sets: grouping.sets,
            }));
        }
        if let Some(having) = having {
            plan = Plan::Filter(Box::new(plan), having);
        }
        self.finish(
            select,
            Stages {
                plan,
                filter,
                items,
                keys,
                places,
                windows,
                input_width,
            },
            paging,
        )
    }

    /// The number of columns of the rows that window functions see.
    fn input_width(&mut self) -> usize {
        let scope = self.scope();
        match &scope.grouping {
            Some(g) => g.groups.len() + g.calls.len(),
            None => scope
                .sources
                .iter()
                .map(|s| s.start + s.columns.len())
                .max()
                .unwrap_or(0),
        }
    }
}

fn refuse(select: &Select) -> Result<()> {
    let odd = !select.lateral_views.is_empty()
        || select.qualify.is_some()
        || !select.named_window.is_empty()
        || !select.connect_by.is_empty();
    if odd {
        Err(unsupported("this form of SELECT"))
    } else {
        Ok(())
    }
}
