//! SELECT: from the parsed query to a plan with named, typed columns.

use sqlparser::ast::{
    self, Distinct, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, GroupByExpr, LimitClause, OrderByKind, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier, TopQuantity, WindowType,
};

use crate::engine::datatype::{self, is_integer};
use crate::engine::error::{Result, argument_count, error, syntax, unsupported};
use crate::engine::expr::{Bound, Kind, Ty};
use crate::engine::function;
use crate::engine::query::aggregate::{self, Aggregate};
use crate::engine::query::bind::{
    Binder, CommonTable, Grouping, Output, convert_to, sortable, union_type,
};
use crate::engine::query::from::{name_of, wildcard};
use crate::engine::query::plan::{Plan, SetKind, SortKey};
use crate::engine::query::seek;
use crate::engine::query::window::{self, Window, WindowCall};
use crate::engine::table::same_name;
use crate::types::{SqlType, Value};

/// An item of the select list, bound.
struct Item {
    expr: Bound,
    output: Output,
}

type Bounded = (Plan, Vec<Output>);

impl Binder<'_> {
    /// Binds a whole query in the current scope.
    pub(crate) fn query(&mut self, query: &Query) -> Result<Bounded> {
        if query.for_clause.is_some() {
            return Err(unsupported("FOR XML and FOR JSON"));
        }
        let known = self.tables.len();
        if let Some(with) = &query.with {
            for table in &with.cte_tables {
                let (plan, mut columns, correlated) = self.subquery_in_place(&table.query)?;
                self.scope().uses_outer |= correlated;
                for (column, name) in columns.iter_mut().zip(&table.alias.columns) {
                    column.name = name.name.value.clone();
                }
                self.tables.push(CommonTable {
                    name: table.alias.name.value.clone(),
                    plan,
                    columns,
                });
            }
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
    fn body(&mut self, body: &SetExpr) -> Result<Bounded> {
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
    fn nested(
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
        self.nested(|b| b.query(query))
    }

    fn set_operation(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        quantifier: SetQuantifier,
        right: &SetExpr,
    ) -> Result<Bounded> {
        let (left, l) = self.body(left)?;
        let (right, r) = self.body(right)?;
        if l.len() != r.len() {
            return Err(error(
                205,
                16,
                "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
            ));
        }
        let mut columns = l.clone();
        for (column, other) in columns.iter_mut().zip(&r) {
            column.t = union_type([(&column.t, false), (&other.t, false)].into_iter())?;
            column.identity = false;
        }
        let types: Vec<Ty> = columns.iter().map(|c| c.t.clone()).collect();
        let (left, right) = (converted(left, &l, &types), converted(right, &r, &types));
        let all = matches!(quantifier, SetQuantifier::All);
        let plan = match op {
            SetOperator::Union if all => Plan::Union(vec![left, right]),
            SetOperator::Union => Plan::Distinct(Box::new(Plan::Union(vec![left, right])), types),
            SetOperator::Except | SetOperator::Intersect if !all => {
                let kind = if op == SetOperator::Except {
                    SetKind::Except
                } else {
                    SetKind::Intersect
                };
                Plan::SetOperation {
                    kind,
                    left: Box::new(left),
                    right: Box::new(right),
                    types,
                }
            }
            other => return Err(unsupported(format!("{other} ALL"))),
        };
        Ok((plan, columns))
    }

    fn values(&mut self, values: &ast::Values) -> Result<Bounded> {
        let mut rows = Vec::new();
        for row in &values.rows {
            rows.push(
                row.content
                    .iter()
                    .map(|e| self.value(e))
                    .collect::<Result<Vec<_>>>()?,
            );
        }
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|r| r.len() != width) {
            return Err(error(
                10709,
                16,
                "The number of columns for each row in a table value constructor must be the same.",
            ));
        }
        let mut columns = Vec::new();
        for i in 0..width {
            let t = union_type(
                rows.iter()
                    .map(|r| (&r[i].t, matches!(r[i].as_constant(), Some(Value::Null)))),
            )?;
            columns.push(Output {
                name: String::new(),
                t,
                identity: false,
                computed: false,
            });
        }
        let convert = |row: Vec<Bound>| {
            row.into_iter()
                .zip(&columns)
                .map(|(b, c)| convert_to(b, &c.t.ty))
                .collect()
        };
        Ok((
            Plan::Values(rows.into_iter().map(convert).collect()),
            columns,
        ))
    }

    /// ORDER BY after a set operation: names or positions of the result.
    fn order_outputs(
        &mut self,
        plan: Plan,
        columns: &[Output],
        order: &[ast::OrderByExpr],
    ) -> Result<Plan> {
        if order.is_empty() {
            return Ok(plan);
        }
        let mut keys = Vec::new();
        for key in order {
            let at = position(&key.expr, columns).ok_or_else(|| {
                error(104, 16, "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.")
            })?;
            let expr = Bound {
                kind: Kind::Column { depth: 0, at },
                t: columns[at].t.clone(),
            };
            keys.push(SortKey {
                expr,
                descending: crate::engine::query::bind::is_descending(key),
            });
        }
        Ok(Plan::Sort(Box::new(plan), keys))
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
            Some(filter) if !simple_scan || grouped => {
                plan = filtered(plan, filter, grouped);
                None
            }
            other => other,
        };
        self.group(select, grouped)?;
        self.scope().windows = Some(Vec::new());
        let items = self.items(select)?;
        let keys = self.order_keys(order, &items)?;
        let having = select
            .having
            .as_ref()
            .map(|h| self.condition(h))
            .transpose()?;
        let windows = self.scope().windows.take().unwrap_or_default();
        let input_width = self.input_width();
        if let Some(grouping) = self.scope().grouping.take() {
            let scalar = grouping.groups.is_empty();
            let groups: Vec<Bound> = grouping.groups.into_iter().map(|(_, b)| b).collect();
            let input = narrowed(plan, &groups, &grouping.calls);
            plan = Plan::Aggregate(Box::new(Aggregate {
                input,
                groups,
                calls: grouping.calls,
                scalar,
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

    fn finish(
        &mut self,
        select: &Select,
        stages: Stages,
        paging: (u64, Option<u64>),
    ) -> Result<Bounded> {
        let Stages {
            mut plan,
            filter,
            mut items,
            mut keys,
            windows,
            input_width,
        } = stages;
        let mut sorted = keys.is_empty();
        if let Plan::Scan(scan) = plan {
            let wanted = if windows.is_empty() {
                keys.clone()
            } else {
                windows[0].order.clone()
            };
            let (mut scan, ordered) = seek::plan(&scan.table, filter.as_ref(), &wanted);
            scan.key_only = reads_key_only(&scan, filter.as_ref(), &items, &keys, &windows);
            sorted =
                keys.is_empty() || (windows.is_empty() && ordered && select.distinct.is_none());
            plan = Plan::Scan(Box::new(scan));
            if !windows.is_empty() {
                plan = windowed(plan, windows, ordered);
            }
        } else if !windows.is_empty() {
            plan = windowed(plan, windows, false);
        }
        let place = |b: &mut Bound| {
            b.walk(&mut |e| {
                if let Kind::Window(k) = e.kind {
                    e.kind = Kind::Column {
                        depth: 0,
                        at: input_width + k,
                    };
                }
            });
        };
        items.iter_mut().for_each(|i| place(&mut i.expr));
        keys.iter_mut().for_each(|k| place(&mut k.expr));
        let outputs: Vec<Output> = items.iter().map(|i| i.output.clone()).collect();
        let mut exprs: Vec<Bound> = items.into_iter().map(|i| i.expr).collect();
        let (count, ties) = self.top(select)?;
        let paging = (paging.0, paging.1.or(count));
        if matches!(select.distinct, Some(Distinct::Distinct)) {
            for expr in &exprs {
                sortable(expr)?;
            }
            plan = Plan::Project(Box::new(plan), exprs.clone());
            plan = Plan::Distinct(
                Box::new(plan),
                outputs.iter().map(|o| o.t.clone()).collect(),
            );
            let keys = self.distinct_keys(keys, &exprs)?;
            let tied = ties.then(|| keys.clone());
            plan = if keys.is_empty() {
                plan
            } else {
                Plan::Sort(Box::new(plan), keys)
            };
            return Ok((limited(plan, paging, tied), outputs));
        }
        if sorted {
            let tied = ties.then(|| keys.clone());
            plan = limited(plan, paging, tied);
            return Ok((Plan::Project(Box::new(plan), exprs), outputs));
        }
        // The sort sees the result columns, and behind them what else it needs.
        let width = exprs.len();
        for key in &mut keys {
            let t = key.expr.t.clone();
            let at = exprs.len();
            let expr = std::mem::replace(
                &mut key.expr,
                Bound {
                    kind: Kind::Column { depth: 0, at },
                    t,
                },
            );
            exprs.push(expr);
        }
        let tied = ties.then(|| keys.clone());
        plan = Plan::Sort(Box::new(Plan::Project(Box::new(plan), exprs)), keys);
        Ok((
            Plan::Trim(Box::new(limited(plan, paging, tied)), width),
            outputs,
        ))
    }

    /// After DISTINCT only what is in the select list can be sorted by.
    fn distinct_keys(&self, keys: Vec<SortKey>, exprs: &[Bound]) -> Result<Vec<SortKey>> {
        let missing = || {
            error(
                145,
                15,
                "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.",
            )
        };
        keys.into_iter()
            .map(|key| {
                let same = |e: &Bound| match (&e.kind, &key.expr.kind) {
                    (Kind::Column { depth: a, at: b }, Kind::Column { depth: c, at: d }) => {
                        (a, b) == (c, d)
                    }
                    _ => false,
                };
                let at = exprs.iter().position(same).ok_or_else(missing)?;
                let expr = Bound {
                    kind: Kind::Column { depth: 0, at },
                    t: key.expr.t.clone(),
                };
                Ok(SortKey {
                    expr,
                    descending: key.descending,
                })
            })
            .collect()
    }

    fn top(&mut self, select: &Select) -> Result<(Option<u64>, bool)> {
        let Some(top) = &select.top else {
            return Ok((None, false));
        };
        if top.percent {
            return Err(unsupported("TOP ... PERCENT"));
        }
        let count = match &top.quantity {
            None => None,
            Some(TopQuantity::Constant(n)) => Some(*n),
            Some(TopQuantity::Expr(e)) => Some(self.row_count(e)?),
        };
        Ok((count, top.with_ties))
    }

    fn is_grouped(&self, select: &Select, order: &[ast::OrderByExpr]) -> bool {
        let by = match &select.group_by {
            GroupByExpr::Expressions(list, _) => !list.is_empty(),
            GroupByExpr::All(_) => true,
        };
        by || select.having.is_some()
            || select.projection.iter().any(|i| match i {
                SelectItem::UnnamedExpr(e) | SelectItem::ExprWithAlias { expr: e, .. } => {
                    has_aggregate(e)
                }
                _ => false,
            })
            || order.iter().any(|o| has_aggregate(&o.expr))
    }

    fn group(&mut self, select: &Select, grouped: bool) -> Result<()> {
        let list = match &select.group_by {
            GroupByExpr::Expressions(list, modifiers) if modifiers.is_empty() => list,
            other => return Err(unsupported(format!("'{other}'"))),
        };
        if !grouped {
            return Ok(());
        }
        let mut groups = Vec::new();
        for expr in list {
            if matches!(
                expr,
                Expr::Rollup(_) | Expr::Cube(_) | Expr::GroupingSets(_)
            ) {
                return Err(unsupported(format!("'{expr}'")));
            }
            let bound = self.value(expr)?;
            sortable(&bound)?;
            groups.push((expr.clone(), bound));
        }
        self.scope().grouping = Some(Grouping {
            groups,
            ..Grouping::default()
        });
        Ok(())
    }

    fn items(&mut self, select: &Select) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) => self.star(None, &mut items)?,
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => {
                    self.star(Some(&name_of(name)?), &mut items)?;
                }
                SelectItem::UnnamedExpr(expr) => {
                    let name = match expr {
                        Expr::Identifier(i) if !i.value.starts_with('@') => i.value.clone(),
                        Expr::CompoundIdentifier(parts) => {
                            parts.last().map(|p| p.value.clone()).unwrap_or_default()
                        }
                        _ => String::new(),
                    };
                    let item = self.item(expr, name)?;
                    items.push(item);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let item = self.item(expr, alias.value.clone())?;
                    items.push(item);
                }
                other => return Err(unsupported(format!("the select item '{other}'"))),
            }
        }
        Ok(items)
    }

    fn item(&mut self, expr: &Expr, name: String) -> Result<Item> {
        let expr = self.value(expr)?;
        let mut output = Output {
            name,
            t: expr.t.clone(),
            identity: false,
            computed: false,
        };
        if output.t.rank == 3 {
            return Err(error(
                457,
                16,
                "Implicit conversion of a value to its type cannot be performed because the collation is unresolved due to a collation conflict.",
            ));
        }
        if let (Some(at), None) = (expr.as_column(), &self.scope().grouping) {
            let source = wildcard(self.scope(), None)
                .into_iter()
                .find(|(i, _)| *i == at);
            if let Some((_, column)) = source {
                (output.identity, output.computed) = (column.identity, column.computed);
                if output.name.is_empty() || same_name(&output.name, &column.name) {
                    output.name = column.name;
                }
            }
        }
        Ok(Item { expr, output })
    }

    fn star(
        &mut self,
        of: Option<&crate::engine::parse::statement::Name>,
        items: &mut Vec<Item>,
    ) -> Result<()> {
        let columns = wildcard(self.scope(), of);
        if columns.is_empty() {
            return Err(match of {
                Some(n) => error(
                    107,
                    15,
                    format!(
                        "The column prefix '{n}' does not match with a table name or alias name used in the query."
                    ),
                ),
                None => error(263, 16, "Must specify table to select from."),
            });
        }
        if let Some(grouping) = &self.scope().grouping {
            let groups = grouping.groups.clone();
            for (at, output) in columns {
                let found = groups.iter().position(|(_, g)| g.as_column() == Some(at)).ok_or_else(|| {
                    error(8120, 16, format!("Column '{}' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.", output.name))
                })?;
                items.push(Item {
                    expr: Bound {
                        kind: Kind::Column {
                            depth: 0,
                            at: found,
                        },
                        t: output.t.clone(),
                    },
                    output,
                });
            }
            return Ok(());
        }
        for (at, output) in columns {
            items.push(Item {
                expr: Bound {
                    kind: Kind::Column { depth: 0, at },
                    t: output.t.clone(),
                },
                output,
            });
        }
        Ok(())
    }

    /// ORDER BY: positions and aliases of the select list first, then any expression.
    fn order_keys(&mut self, order: &[ast::OrderByExpr], items: &[Item]) -> Result<Vec<SortKey>> {
        let outputs: Vec<Output> = items.iter().map(|i| i.output.clone()).collect();
        let mut keys = Vec::new();
        for key in order {
            let named = matches!(&key.expr, Expr::Identifier(_) | Expr::Value(_));
            let at = if named {
                position(&key.expr, &outputs)
            } else {
                None
            };
            let mut found = match at {
                Some(at) => SortKey {
                    expr: items[at].expr.clone(),
                    descending: crate::engine::query::bind::is_descending(key),
                },
                None => self.order_key(key)?,
            };
            sortable(&found.expr)?;
            if let Kind::Const(_) = found.expr.kind
                && at.is_none()
                && !matches!(key.expr, Expr::Identifier(_) | Expr::Subquery(_))
            {
                return Err(error(
                    408,
                    16,
                    "A constant expression was encountered in the ORDER BY list.",
                ));
            }
            found.expr.t.nullable = true;
            keys.push(found);
        }
        Ok(keys)
    }

    /// A function call: aggregate, window, or scalar.
    pub(crate) fn function(&mut self, f: &Function) -> Result<Bound> {
        let name = name_of(&f.name)?.name.to_uppercase();
        let (args, distinct, separator_order) = arguments(f)?;
        if let Some(over) = &f.over {
            return self.window(&name, &args, distinct, over);
        }
        if let Some(kind) = aggregate_of(&name) {
            return self.aggregate(kind, &name, &args, distinct, &separator_order);
        }
        if let Some(found) = function::special(self, &name, &args)? {
            return Ok(found);
        }
        let bound = args
            .iter()
            .map(|a| a.ok_or_else(|| syntax("*")).and_then(|e| self.value(e)))
            .collect::<Result<Vec<_>>>()?;
        function::call(self.facts, &name, bound)
    }

    fn aggregate(
        &mut self,
        kind: aggregate::Function,
        name: &str,
        args: &[Option<&Expr>],
        distinct: bool,
        order: &[ast::OrderByExpr],
    ) -> Result<Bound> {
        if self.scope().grouping.as_ref().is_none_or(|g| g.inside) {
            return Err(error(
                147,
                15,
                "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list.",
            ));
        }
        self.scope()
            .grouping
            .as_mut()
            .expect("checked above")
            .inside = true;
        let call = self.call(kind, name, args, distinct, order);
        let grouping = self.scope().grouping.as_mut().expect("checked above");
        grouping.inside = false;
        let (call, t) = call?;
        let at = grouping.groups.len() + grouping.calls.len();
        grouping.calls.push(call);
        Ok(Bound {
            kind: Kind::Column { depth: 0, at },
            t,
        })
    }

    fn call(
        &mut self,
        kind: aggregate::Function,
        name: &str,
        args: &[Option<&Expr>],
        distinct: bool,
        order: &[ast::OrderByExpr],
    ) -> Result<(aggregate::Call, Ty)> {
        let int = if name == "COUNT_BIG" {
            SqlType::BigInt
        } else {
            SqlType::Int
        };
        let plain = |ty: SqlType, nullable| Ty {
            ty,
            nullable,
            collation: None,
            rank: 0,
        };
        if args == [None] && kind == aggregate::Function::Count {
            let call = aggregate::Call {
                function: aggregate::Function::CountRows,
                arg: None,
                distinct: false,
                ty: int.clone(),
                separator: None,
                order: Vec::new(),
            };
            return Ok((call, plain(int, false)));
        }
        let Some(Some(first)) = args.first() else {
            return Err(argument_count(name, 1));
        };
        let mut arg = self.value(first)?;
        let mut separator = None;
        if kind == aggregate::Function::StringAgg {
            let Some(Some(by)) = args.get(1) else {
                return Err(argument_count(name, 2));
            };
            separator = Some(self.constant(by)?.0);
            if !datatype::is_text(&arg.t.ty) {
                arg = convert_to(arg, &SqlType::NVarChar { length: Some(4000) });
            }
        } else if args.len() != 1 {
            return Err(argument_count(name, 1));
        }
        if kind != aggregate::Function::Count {
            sortable(&arg)?;
        }
        let t = aggregate_type(kind, &arg, &int)?;
        let order = order
            .iter()
            .map(|o| {
                Ok((
                    self.value(&o.expr)?,
                    crate::engine::query::bind::is_descending(o),
                ))
            })
            .collect::<Result<_>>()?;
        Ok((
            aggregate::Call {
                function: kind,
                arg: Some(arg),
                distinct,
                ty: t.ty.clone(),
                separator,
                order,
            },
            t,
        ))
    }

    fn window(
        &mut self,
        name: &str,
        args: &[Option<&Expr>],
        distinct: bool,
        over: &WindowType,
    ) -> Result<Bound> {
        let WindowType::WindowSpec(spec) = over else {
            return Err(unsupported("named windows"));
        };
        if self.scope().windows.is_none() {
            return Err(error(
                4108,
                15,
                "Windowed functions can only appear in the SELECT or ORDER BY clauses.",
            ));
        }
        let partition = spec
            .partition_by
            .iter()
            .map(|e| self.value(e))
            .collect::<Result<Vec<_>>>()?;
        let mut order = spec
            .order_by
            .iter()
            .map(|o| self.order_key(o))
            .collect::<Result<Vec<_>>>()?;
        order.iter_mut().for_each(|k| k.expr.t.nullable = true);
        let bigint = Ty {
            ty: SqlType::BigInt,
            nullable: true,
            collation: None,
            rank: 0,
        };
        let (function, t) = match name {
            "ROW_NUMBER" => (window::Function::RowNumber, bigint),
            "RANK" => (window::Function::Rank, bigint),
            "DENSE_RANK" => (window::Function::DenseRank, bigint),
            "NTILE" => {
                let Some(Some(n)) = args.first() else {
                    return Err(argument_count(name, 1));
                };
                (window::Function::Ntile(self.value(n)?), bigint)
            }
            "LAG" | "LEAD" => self.offset(name, args)?,
            _ => {
                let kind = aggregate_of(name)
                    .ok_or_else(|| unsupported(format!("the window function {name}")))?;
                let (call, t) = self.call(kind, name, args, distinct, &[])?;
                (window::Function::Aggregate(call), t)
            }
        };
        if order.is_empty() && !matches!(function, window::Function::Aggregate(_)) {
            return Err(error(
                4112,
                15,
                format!("The function '{name}' must have an OVER clause with ORDER BY."),
            ));
        }
        let (by_rows, whole) = frame(spec.window_frame.as_ref())?;
        let windows = self.scope().windows.as_mut().expect("checked above");
        windows.push(WindowCall {
            function,
            partition,
            order,
            by_rows,
            whole,
        });
        Ok(Bound {
            kind: Kind::Window(windows.len() - 1),
            t,
        })
    }

    fn offset(&mut self, name: &str, args: &[Option<&Expr>]) -> Result<(window::Function, Ty)> {
        let Some(Some(value)) = args.first() else {
            return Err(argument_count(name, 1));
        };
        let value = self.value(value)?;
        let by = match args.get(1) {
            Some(Some(e)) => match self.constant(e)?.0 {
                Value::Int(n) => n,
                _ => return Err(syntax(name)),
            },
            _ => 1,
        };
        let default = match args.get(2) {
            Some(Some(e)) => Some(convert_to(self.value(e)?, &value.t.ty)),
            _ => None,
        };
        let t = Ty {
            nullable: true,
            ..value.t.clone()
        };
        let by = if name == "LEAD" { -by } else { by };
        Ok((window::Function::Offset { value, by, default }, t))
    }
}

/// What is bound of a SELECT before its last steps.
struct Stages {
    plan: Plan,
    filter: Option<Bound>,
    items: Vec<Item>,
    keys: Vec<SortKey>,
    windows: Vec<WindowCall>,
    input_width: usize,
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

/// Puts the filter on a plan; a scan takes it in as key ranges.
fn filtered(plan: Plan, filter: Bound, seekable: bool) -> Plan {
    match plan {
        Plan::Scan(scan) if seekable => {
            Plan::Scan(Box::new(seek::plan(&scan.table, Some(&filter), &[]).0))
        }
        other => Plan::Filter(Box::new(other), filter),
    }
}

/// Under an aggregate, a generated table makes no more than its key when that is all it needs.
fn narrowed(plan: Plan, groups: &[Bound], calls: &[aggregate::Call]) -> Plan {
    let Plan::Scan(mut scan) = plan else {
        return plan;
    };
    let exprs = groups
        .iter()
        .chain(calls.iter().filter_map(|c| c.arg.as_ref()))
        .chain(scan.filter.as_ref());
    scan.key_only = only_key(&scan, exprs);
    Plan::Scan(scan)
}

fn only_key<'e>(
    scan: &crate::engine::query::plan::Scan,
    exprs: impl Iterator<Item = &'e Bound>,
) -> bool {
    let Some(generated) = &scan.table.generated else {
        return false;
    };
    let mut used = Vec::new();
    for expr in exprs {
        if expr.columns(&mut used).is_none() {
            return false;
        }
    }
    used.iter().all(|c| *c == generated.key)
}

fn reads_key_only(
    scan: &crate::engine::query::plan::Scan,
    filter: Option<&Bound>,
    items: &[Item],
    keys: &[SortKey],
    windows: &[WindowCall],
) -> bool {
    if windows.iter().any(|w| {
        !w.partition.is_empty()
            || !matches!(
                w.function,
                window::Function::RowNumber | window::Function::Ntile(_)
            )
    }) {
        return false;
    }
    let exprs = items
        .iter()
        .map(|i| &i.expr)
        .chain(keys.iter().map(|k| &k.expr))
        .chain(filter);
    only_key(
        scan,
        exprs.chain(windows.iter().flat_map(|w| w.order.iter().map(|k| &k.expr))),
    )
}

/// Streams when the rows come in the windows' one order.
fn windowed(input: Plan, calls: Vec<WindowCall>, ordered: bool) -> Plan {
    let same_order = |c: &WindowCall| {
        c.order.len() == calls[0].order.len()
            && c.order.iter().zip(&calls[0].order).all(|(a, b)| {
                a.descending == b.descending
                    && a.expr.as_column().is_some()
                    && a.expr.as_column() == b.expr.as_column()
            })
    };
    let ordered = ordered
        && calls.iter().all(|c| {
            c.partition.is_empty()
                && same_order(c)
                && matches!(
                    c.function,
                    window::Function::RowNumber | window::Function::Ntile(_)
                )
        });
    Plan::Window(Box::new(Window {
        input,
        calls,
        ordered,
    }))
}

fn limited(plan: Plan, (offset, count): (u64, Option<u64>), ties: Option<Vec<SortKey>>) -> Plan {
    if offset == 0 && count.is_none() {
        return plan;
    }
    Plan::Limit {
        input: Box::new(plan),
        offset,
        count,
        ties,
    }
}

fn converted(plan: Plan, from: &[Output], to: &[Ty]) -> Plan {
    if from.iter().zip(to).all(|(f, t)| f.t.ty == t.ty) {
        return plan;
    }
    let column = |at: usize, f: &Output| Bound {
        kind: Kind::Column { depth: 0, at },
        t: f.t.clone(),
    };
    let exprs = from
        .iter()
        .enumerate()
        .zip(to)
        .map(|((i, f), t)| convert_to(column(i, f), &t.ty))
        .collect();
    Plan::Project(Box::new(plan), exprs)
}

/// The result column that an ORDER BY item names, by position or name.
fn position(expr: &Expr, columns: &[Output]) -> Option<usize> {
    match expr {
        Expr::Value(v) => match &v.value {
            ast::Value::Number(n, _) => n
                .parse::<usize>()
                .ok()?
                .checked_sub(1)
                .filter(|i| *i < columns.len()),
            _ => None,
        },
        Expr::Identifier(i) => columns.iter().position(|c| same_name(&c.name, &i.value)),
        _ => None,
    }
}

/// Arguments (`None` is `*`), DISTINCT, and the order within the group.
type Arguments<'f> = (Vec<Option<&'f Expr>>, bool, Vec<ast::OrderByExpr>);

fn arguments(f: &Function) -> Result<Arguments<'_>> {
    let list = match &f.args {
        FunctionArguments::None => return Ok((Vec::new(), false, Vec::new())),
        FunctionArguments::Subquery(_) => {
            return Err(unsupported(format!("a query as argument of {}", f.name)));
        }
        FunctionArguments::List(list) => list,
    };
    let mut args = Vec::new();
    for arg in &list.args {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => args.push(Some(e)),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => args.push(None),
            other => return Err(unsupported(format!("the argument '{other}'"))),
        }
    }
    let mut order = f.within_group.clone();
    for clause in &list.clauses {
        match clause {
            FunctionArgumentClause::OrderBy(keys) => order.extend(keys.iter().cloned()),
            other => return Err(unsupported(format!("'{other}'"))),
        }
    }
    let distinct = matches!(
        list.duplicate_treatment,
        Some(ast::DuplicateTreatment::Distinct)
    );
    Ok((args, distinct, order))
}

fn aggregate_of(name: &str) -> Option<aggregate::Function> {
    Some(match name {
        "COUNT" | "COUNT_BIG" => aggregate::Function::Count,
        "SUM" => aggregate::Function::Sum,
        "AVG" => aggregate::Function::Avg,
        "MIN" => aggregate::Function::Min,
        "MAX" => aggregate::Function::Max,
        "STRING_AGG" => aggregate::Function::StringAgg,
        "CHECKSUM_AGG" => aggregate::Function::ChecksumAgg,
        _ => return None,
    })
}

/// Whether an aggregate without OVER is in the expression, subqueries aside.
fn has_aggregate(expr: &Expr) -> bool {
    let mut found = false;
    any_function(expr, &mut |f| {
        let name = f.name.to_string().to_uppercase();
        found |= f.over.is_none() && aggregate_of(&name).is_some();
    });
    found
}

fn any_function(expr: &Expr, f: &mut dyn FnMut(&Function)) {
    let mut each = |e: &Expr| any_function(e, f);
    match expr {
        Expr::Function(call) => {
            f(call);
            if let FunctionArguments::List(list) = &call.args {
                for arg in &list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) = arg {
                        any_function(e, f);
                    }
                }
            }
            if let Some(WindowType::WindowSpec(spec)) = &call.over {
                spec.partition_by.iter().for_each(|e| any_function(e, f));
                spec.order_by.iter().for_each(|o| any_function(&o.expr, f));
            }
        }
        Expr::Nested(e)
        | Expr::UnaryOp { expr: e, .. }
        | Expr::Cast { expr: e, .. }
        | Expr::Convert { expr: e, .. }
        | Expr::Collate { expr: e, .. }
        | Expr::IsNull(e)
        | Expr::IsNotNull(e)
        | Expr::Floor { expr: e, .. }
        | Expr::Ceil { expr: e, .. }
        | Expr::Trim { expr: e, .. }
        | Expr::InSubquery { expr: e, .. } => each(e),
        Expr::BinaryOp { left, right, .. } => {
            each(left);
            each(right);
        }
        Expr::Between {
            expr, low, high, ..
        } => [expr, low, high].into_iter().for_each(|e| each(e)),
        Expr::Like { expr, pattern, .. } => {
            each(expr);
            each(pattern);
        }
        Expr::InList { expr, list, .. } => {
            each(expr);
            list.iter().for_each(each);
        }
        Expr::Substring {
            expr,
            substring_from,
            substring_for,
            ..
        } => {
            each(expr);
            substring_from
                .iter()
                .chain(substring_for)
                .for_each(|e| each(e));
        }
        Expr::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            operand.iter().chain(else_result).for_each(|e| each(e));
            for when in conditions {
                each(&when.condition);
                each(&when.result);
            }
        }
        _ => {}
    }
}

/// "SUM" and "AVG (Transact-SQL)", return types.
fn aggregate_type(kind: aggregate::Function, arg: &Bound, int: &SqlType) -> Result<Ty> {
    use aggregate::Function as F;
    let plain = |ty: SqlType| Ty {
        ty,
        nullable: true,
        collation: None,
        rank: 0,
    };
    Ok(match kind {
        F::CountRows | F::Count => Ty {
            nullable: false,
            ..plain(int.clone())
        },
        F::ChecksumAgg => plain(SqlType::Int),
        F::StringAgg => {
            let ty = match &arg.t.ty {
                t if datatype::is_unicode(t) && datatype::length(t).is_none() => {
                    SqlType::NVarChar { length: None }
                }
                t if datatype::is_unicode(t) => SqlType::NVarChar { length: Some(4000) },
                t if datatype::length(t).is_none() => SqlType::VarChar { length: None },
                _ => SqlType::VarChar { length: Some(8000) },
            };
            Ty {
                ty,
                nullable: true,
                ..arg.t.clone()
            }
        }
        F::Min | F::Max if arg.t.ty == SqlType::Bit => {
            let name = if kind == F::Min { "min" } else { "max" };
            return Err(error(
                8117,
                16,
                format!("Operand data type bit is invalid for {name} operator."),
            ));
        }
        F::Min | F::Max => Ty {
            nullable: true,
            ..arg.t.clone()
        },
        F::Sum | F::Avg => plain(match &arg.t.ty {
            SqlType::BigInt => SqlType::BigInt,
            t if is_integer(t) => SqlType::Int,
            SqlType::Decimal { scale, .. } if kind == F::Sum => SqlType::Decimal {
                precision: 38,
                scale: *scale,
            },
            SqlType::Decimal { scale, .. } => SqlType::Decimal {
                precision: 38,
                scale: (*scale).max(6),
            },
            SqlType::Money | SqlType::SmallMoney => SqlType::Money,
            SqlType::Float | SqlType::Real => SqlType::Float,
            other => {
                let name = if kind == F::Sum { "sum" } else { "avg" };
                return Err(error(
                    8117,
                    16,
                    format!(
                        "Operand data type {} is invalid for {name} operator.",
                        datatype::name(other)
                    ),
                ));
            }
        }),
    })
}

/// The frame: by rows or by peers, up to the current row or the whole partition.
fn frame(frame: Option<&ast::WindowFrame>) -> Result<(bool, bool)> {
    use ast::WindowFrameBound as B;
    let Some(frame) = frame else {
        return Ok((false, false));
    };
    let by_rows = matches!(frame.units, ast::WindowFrameUnits::Rows);
    match (&frame.start_bound, frame.end_bound.as_ref()) {
        (B::Preceding(None), Some(B::Following(None))) => Ok((by_rows, true)),
        (B::Preceding(None), None | Some(B::CurrentRow)) => Ok((by_rows, false)),
        _ => Err(unsupported("this window frame")),
    }
}
