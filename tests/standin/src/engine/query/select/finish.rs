//! The last steps of a SELECT: window functions, DISTINCT, ORDER BY and TOP.

use sqlparser::ast::{Distinct, Select, TopQuantity};

use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::eval::plan::{Plan, SortKey, WindowCall};
use crate::engine::eval::types::{convert_to, sortable};
use crate::engine::query::bind::{Binder, Output};
use crate::engine::query::order;
use crate::engine::query::select::access::{Read, access, read_windows, sorted_and_trimmed};
use crate::engine::query::select::items::Item;
use crate::engine::query::select::set::Bounded;
use crate::engine::query::select::shape::{carried, limited, windowed};
use crate::types::{SqlType, Value};

impl Binder<'_> {
    pub(super) fn finish(
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
            places,
            mut windows,
            mut input_width,
        } = stages;
        let Top {
            count,
            ties,
            percent,
        } = self.top(select)?;
        refuse_ties(ties, &keys)?;
        let limited = |plan: Plan, paging, tied: Option<Vec<SortKey>>| match percent {
            Some(percent) => Plan::Percent(Box::new(plan), percent, tied),
            None => limited(plan, paging, tied),
        };
        if let Plan::Scan(scan) = plan {
            let whole = windows.is_empty() && select.distinct.is_none();
            let most = paging.1.or(count).filter(|_| whole);
            let most = most.map(|n| n.saturating_add(paging.0));
            let filter = filter.as_ref();
            plan = access(
                &scan,
                filter,
                most,
                &Read {
                    items: &items,
                    keys: &keys,
                    windows: &windows,
                },
            );
        }
        if !windows.is_empty() {
            (plan, input_width) = carried(plan, input_width, &mut items, &mut keys, &mut windows);
            plan = windowed(plan, windows);
        }
        let place = |b: &mut Bound| read_windows(b, input_width);
        items.iter_mut().for_each(|i| place(&mut i.expr));
        keys.iter_mut().for_each(|k| place(&mut k.expr));
        let mut sorted = keys.is_empty() || order::given(&plan).serves(&keys);
        if self.live && !sorted && by_columns(select, &keys) {
            plan = Plan::Sort(Box::new(plan), keys.clone());
            sorted = true;
        }
        let outputs: Vec<Output> = items.iter().map(|i| i.output.clone()).collect();
        let exprs: Vec<Bound> = items.into_iter().map(|i| i.expr).collect();
        let paging = (paging.0, paging.1.or(count));
        if matches!(select.distinct, Some(Distinct::Distinct)) {
            let (plan, keys) = distinct(plan, exprs, &outputs, (keys, &places))?;
            let tied = ties.then(|| keys.clone());
            let plan = if keys.is_empty() {
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
        Ok((
            sorted_and_trimmed(plan, exprs, keys, |plan, keys| {
                limited(plan, paging, ties.then_some(keys))
            }),
            outputs,
        ))
    }

    fn top(&mut self, select: &Select) -> Result<Top> {
        let mut found = Top {
            count: None,
            ties: false,
            percent: None,
        };
        let Some(top) = &select.top else {
            return Ok(found);
        };
        found.ties = top.with_ties;
        match &top.quantity {
            Some(TopQuantity::Constant(n)) if top.percent => found.percent = Some(*n as f64),
            Some(TopQuantity::Expr(e)) if top.percent => {
                let given = convert_to(self.value(e)?, &SqlType::Float);
                let Some(Value::Float(percent)) = given.as_constant() else {
                    return Err(unsupported(format!("TOP ({e}) PERCENT")));
                };
                found.percent = Some(*percent);
            }
            None => {}
            Some(TopQuantity::Constant(n)) => found.count = Some(*n),
            Some(TopQuantity::Expr(e)) => found.count = Some(self.row_count(e)?),
        }
        if found.percent.is_some_and(|p| !(0.0..=100.0).contains(&p)) {
            return Err(error(1031, 15, "Percent values must be between 0 and 100."));
        }
        // All rows, as a view has them that sorts by TOP 100 PERCENT.
        found.percent = found.percent.filter(|p| *p < 100.0);
        Ok(found)
    }
}

/// A select list that sets variables is computed row after row in the order of columns; in that of
/// expressions it may be computed before (KB 287515, "aggregate concatenation queries").
fn by_columns(select: &Select, keys: &[SortKey]) -> bool {
    select.distinct.is_none() && keys.iter().all(|k| k.expr.as_column().is_some())
}

/// TOP, as numbers.
struct Top {
    count: Option<u64>,
    ties: bool,
    percent: Option<f64>,
}

/// What is bound of a SELECT before its last steps.
pub(super) struct Stages {
    pub(super) plan: Plan,
    pub(super) filter: Option<Bound>,
    pub(super) items: Vec<Item>,
    pub(super) keys: Vec<SortKey>,
    /// Where in the select list each key stands, if it does.
    pub(super) places: Vec<Option<usize>>,
    pub(super) windows: Vec<WindowCall>,
    pub(super) input_width: usize,
}

fn refuse_ties(ties: bool, keys: &[SortKey]) -> Result<()> {
    if ties && keys.is_empty() {
        return Err(error(
            1062,
            15,
            "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause.",
        ));
    }
    Ok(())
}

/// Rows that differ. Only what is in the select list can be sorted by; `keys` come with their places
/// there.
fn distinct(
    plan: Plan,
    exprs: Vec<Bound>,
    outputs: &[Output],
    (keys, places): (Vec<SortKey>, &[Option<usize>]),
) -> Result<(Plan, Vec<SortKey>)> {
    for expr in &exprs {
        sortable(expr)?;
    }
    let types = outputs.iter().map(|o| o.t.clone()).collect();
    let plan = Plan::Distinct(Box::new(Plan::Project(Box::new(plan), exprs)), types);
    let keys = keys.into_iter().zip(places).map(|(key, place)| {
        let at = place.ok_or_else(|| {
            error(
                145,
                15,
                "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.",
            )
        })?;
        Ok(SortKey {
            expr: Bound {
                kind: Kind::Column { depth: 0, at },
                t: key.expr.t,
            },
            descending: key.descending,
        })
    });
    Ok((plan, keys.collect::<Result<_>>()?))
}
