//! Joins and APPLY.

use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor, TableWithJoins};

use crate::engine::error::{Result, syntax, unsupported};
use crate::engine::eval::expr::Bound;
use crate::engine::eval::plan::{Join, JoinKind, Plan};
use crate::engine::query::bind::{Binder, Scope, Source};
use crate::engine::query::source::{shifted, split};

impl Binder<'_> {
    /// Binds all of FROM; the sources enter the scope. Without FROM there is one empty row.
    pub(crate) fn from(&mut self, from: &[TableWithJoins]) -> Result<Plan> {
        let mut plan: Option<(Plan, usize)> = None;
        for item in from {
            plan = Some(match plan {
                None => self.joined(item, 0)?,
                // Inner and left joins may as well start from all that stands before the comma.
                Some(left) if !item.joins.iter().any(keeps_right) => {
                    let right = self.factor(&item.relation, left.1)?;
                    self.joins(&item.joins, crossed(left, right), (0, 0))?
                }
                Some(left) => {
                    let right = self.joined(item, left.1)?;
                    crossed(left, right)
                }
            });
        }
        Ok(plan.map_or(Plan::One, |(p, _)| p))
    }

    /// A table with its joins: plan and number of columns. Columns count from `start`.
    pub(super) fn joined(&mut self, item: &TableWithJoins, start: usize) -> Result<(Plan, usize)> {
        let first = self.scope().sources.len();
        let left = self.factor(&item.relation, start)?;
        self.joins(&item.joins, left, (start, first))
    }

    /// Joins onto a plan whose columns count from `start` and whose sources are those from `first` on.
    fn joins(
        &mut self,
        joins: &[ast::Join],
        left: (Plan, usize),
        (start, first): (usize, usize),
    ) -> Result<(Plan, usize)> {
        let (mut plan, mut width) = left;
        for join in joins {
            let before = self.scope().sources.len();
            let (kind, constraint) = match &join.join_operator {
                JoinOperator::Join(c) | JoinOperator::Inner(c) => (JoinKind::Inner, Some(c)),
                JoinOperator::Left(c) | JoinOperator::LeftOuter(c) => (JoinKind::Left, Some(c)),
                JoinOperator::Right(c) | JoinOperator::RightOuter(c) => (JoinKind::Right, Some(c)),
                JoinOperator::FullOuter(c) => (JoinKind::Full, Some(c)),
                JoinOperator::CrossJoin(_) => (JoinKind::Inner, None),
                JoinOperator::CrossApply | JoinOperator::OuterApply => {
                    let kind = if matches!(join.join_operator, JoinOperator::OuterApply) {
                        JoinKind::Left
                    } else {
                        JoinKind::Inner
                    };
                    if start > 0 {
                        return Err(unsupported(
                            "APPLY behind a comma together with RIGHT or FULL JOIN",
                        ));
                    }
                    (plan, width) = self.apply(plan, width, &join.relation, kind)?;
                    self.may_be_missing(kind, first, before);
                    continue;
                }
                _ => return Err(syntax("JOIN")),
            };
            let (right, right_width) = self.factor(&join.relation, start + width)?;
            let condition = match constraint {
                Some(JoinConstraint::On(on)) => Some(self.condition(on)?),
                None => None,
                // T-SQL has no NATURAL and no USING, and an ON for every such join.
                Some(_) => return Err(syntax("JOIN")),
            };
            if start > 0
                && condition
                    .as_ref()
                    .is_some_and(Bound::has_correlated_subquery)
            {
                return Err(unsupported("a subquery in a join behind a comma"));
            }
            self.may_be_missing(kind, first, before);
            let widths = (width, right_width);
            let (equal, condition) = split(
                condition.map(|c| shifted(c, start)),
                width,
                width + right_width,
            );
            plan = Plan::Join(Box::new(Join {
                left: plan,
                right,
                kind,
                condition,
                equal,
                widths,
                lateral: false,
            }));
            width += right_width;
        }
        Ok((plan, width))
    }

    /// The columns of the side that an outer join fills with NULL can be NULL from now on: the sources
    /// from `first` on are the left side, those from `right` on the right one.
    fn may_be_missing(&mut self, kind: JoinKind, first: usize, right: usize) {
        let sources = &mut self.scope().sources;
        let filled = match kind {
            JoinKind::Inner => return,
            JoinKind::Left => right..sources.len(),
            JoinKind::Right => first..right,
            JoinKind::Full => first..sources.len(),
        };
        for column in sources[filled].iter_mut().flat_map(|s| &mut s.columns) {
            column.t.nullable = true;
        }
    }

    fn apply(
        &mut self,
        left: Plan,
        width: usize,
        relation: &TableFactor,
        kind: JoinKind,
    ) -> Result<(Plan, usize)> {
        // The right side sees the left's columns as those of an enclosing query.
        self.scopes.push(Scope::default());
        let bound = self.factor(relation, 0);
        let inner = self.scopes.pop();
        let (right, right_width) = bound?;
        for source in inner.into_iter().flat_map(|scope| scope.sources) {
            let start = source.start + width;
            self.scope().sources.push(Source { start, ..source });
        }
        let widths = (width, right_width);
        let join = Join {
            left,
            right,
            kind,
            condition: None,
            equal: Vec::new(),
            widths,
            lateral: true,
        };
        Ok((Plan::Join(Box::new(join)), width + right_width))
    }
}

/// Every row of one side with every row of the other.
fn crossed(left: (Plan, usize), right: (Plan, usize)) -> (Plan, usize) {
    let widths = (left.1, right.1);
    let join = Join {
        left: left.0,
        right: right.0,
        kind: JoinKind::Inner,
        condition: None,
        equal: Vec::new(),
        widths,
        lateral: false,
    };
    (Plan::Join(Box::new(join)), widths.0 + widths.1)
}

/// Whether the join keeps the rows of its right side.
fn keeps_right(join: &ast::Join) -> bool {
    matches!(
        join.join_operator,
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
    )
}
