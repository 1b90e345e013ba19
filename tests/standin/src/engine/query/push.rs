//! Equalities of columns from WHERE on their way into the joins below it, so that tables behind commas
//! are joined and not multiplied.
//!
//! Only equalities of two plain columns move: they convert nothing, so that no row fails earlier than
//! it would have.

use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::eval::plan::{Join, JoinKind, Plan};
use crate::engine::query::source::shifted;
use crate::engine::value::compare::Comparison;

/// The plan under the filter, as far as it stays one.
pub(super) fn filtered(plan: Plan, filter: Bound) -> Plan {
    let mut kept = Vec::new();
    let mut moved = Vec::new();
    divide(filter, &mut kept, &mut moved);
    let mut plan = plan;
    for equality in moved {
        match pushed(plan, equality) {
            (below, None) => plan = below,
            (below, Some(equality)) => {
                plan = below;
                kept.push(equality);
            }
        }
    }
    let rest = kept
        .into_iter()
        .reduce(|a, b| Bound::predicate(Kind::And(Box::new(a), Box::new(b))));
    match rest {
        Some(rest) => Plan::Filter(Box::new(plan), rest),
        None => plan,
    }
}

fn divide(condition: Bound, kept: &mut Vec<Bound>, moved: &mut Vec<Bound>) {
    match condition.kind {
        Kind::And(a, b) => {
            divide(*a, kept, moved);
            divide(*b, kept, moved);
        }
        _ if columns(&condition).is_some() => moved.push(condition),
        _ => kept.push(condition),
    }
}

/// The two columns of an equality of nothing else.
fn columns(condition: &Bound) -> Option<(usize, usize)> {
    match &condition.kind {
        Kind::Compare(Comparison::Eq, a, b) => Some((a.as_column()?, b.as_column()?)),
        _ => None,
    }
}

/// Puts an equality into the lowest join that has both its columns; gives back what stays above.
fn pushed(plan: Plan, equality: Bound) -> (Plan, Option<Bound>) {
    let Plan::Join(mut join) = plan else {
        return (plan, Some(equality));
    };
    let Some((a, b)) = columns(&equality).filter(|_| !join.lateral && join.kind == JoinKind::Inner)
    else {
        return (Plan::Join(join), Some(equality));
    };
    let left = join.widths.0;
    let stays = match (a < left, b < left) {
        (true, true) => {
            let (below, rest) = pushed(join.left, equality);
            join.left = below;
            rest
        }
        (false, false) => {
            let (below, rest) = pushed(join.right, shifted(equality, left));
            join.right = below;
            rest.map(|mut rest| {
                moved_right(&mut rest, left);
                rest
            })
        }
        (on_left, _) => {
            let Kind::Compare(_, a, b) = equality.kind else {
                return (Plan::Join(join), Some(equality));
            };
            let pair = if on_left {
                (*a, shifted(*b, left))
            } else {
                (*b, shifted(*a, left))
            };
            join.equal.push(pair);
            None
        }
    };
    // What no deeper join takes is a condition of this one.
    let Join { condition, .. } = join.as_mut();
    if let Some(stays) = stays {
        *condition = Some(match condition.take() {
            Some(before) => Bound::predicate(Kind::And(Box::new(before), Box::new(stays))),
            None => stays,
        });
    }
    (Plan::Join(join), None)
}

fn moved_right(condition: &mut Bound, by: usize) {
    condition.walk(&mut |e| {
        if let Kind::Column { depth: 0, at } = &mut e.kind {
            *at += by;
        }
    });
}
