//! GROUP BY.
//!
//! Texts that the source's collation holds for equal are one group there and several values here:
//! rows are grouped by a key that is equal for them, and one of the values stands for the group,
//! as one does at the source.

use sqlparser::ast::{Expr, GroupByExpr, GroupByWithModifier};

use super::super::context::{Context, Group};
use super::super::types::Family;
use super::super::value::Value;
use super::super::{Outcome, Untranslated, collation_key, expression};
use crate::names::quote_ident;

/// `GROUP BY ...`, or nothing. From here on, expressions that are grouped by are the group's.
pub(super) fn group_by(context: &mut Context<'_>, group_by: &GroupByExpr) -> Outcome<String> {
    let GroupByExpr::Expressions(exprs, modifiers) = group_by else {
        return Err(Untranslated::new("GROUP BY ALL"));
    };
    if exprs.is_empty() && modifiers.is_empty() {
        return Ok(String::new());
    }
    let mut grouping = Grouping::default();
    let mut parts = Vec::with_capacity(exprs.len());
    for expr in exprs {
        parts.push(grouping.part(context, expr)?);
    }
    let mut list = parts.join(", ");
    for modifier in modifiers {
        let word = match modifier {
            GroupByWithModifier::Rollup => "ROLLUP",
            GroupByWithModifier::Cube => "CUBE",
            GroupByWithModifier::Totals | GroupByWithModifier::GroupingSets(_) => {
                return Err(Untranslated::new("GROUP BY with a modifier"));
            }
        };
        grouping.sets = true;
        list = format!("{word} ({list})");
    }
    let sets = grouping.sets;
    let level = context.level()?;
    level.grouping_sets = sets;
    for group in &mut grouping.groups {
        if sets && group.value.sql != group.sql {
            // In rows that are not grouped by it, it is NULL.
            let sql = format!(
                "CASE WHEN grouping({}) = 0 THEN {} END",
                group.key, group.value.sql
            );
            group.value = Value {
                sql,
                atom: false,
                ..group.value.clone()
            };
        }
    }
    level.groups = grouping.groups;
    Ok(format!("\nGROUP BY {list}"))
}

#[derive(Default)]
struct Grouping {
    groups: Vec<Group>,
    sets: bool,
}

impl Grouping {
    fn part(&mut self, context: &mut Context<'_>, expr: &Expr) -> Outcome<String> {
        let (word, sets) = match expr {
            Expr::Rollup(sets) => ("ROLLUP", sets),
            Expr::Cube(sets) => ("CUBE", sets),
            Expr::GroupingSets(sets) => ("GROUPING SETS", sets),
            Expr::Tuple(exprs) if exprs.is_empty() => {
                self.sets = true;
                return Ok("()".to_owned());
            }
            _ => return self.key(context, expr),
        };
        self.sets = true;
        let mut lists = Vec::with_capacity(sets.len());
        for set in sets {
            let mut keys = Vec::with_capacity(set.len());
            for expr in set {
                keys.push(self.part(context, expr)?);
            }
            lists.push(match keys.as_slice() {
                [one] => one.clone(),
                keys => format!("({})", keys.join(", ")),
            });
        }
        Ok(format!("{word} ({})", lists.join(", ")))
    }

    fn key(&mut self, context: &mut Context<'_>, expr: &Expr) -> Outcome<String> {
        let value = expression::value(context, expr)?.kept_or_column()?;
        if value.constant.is_some() {
            return Err(Untranslated::new("GROUP BY of a constant"));
        }
        let group = group(context, value)?;
        let key = group.key.clone();
        self.groups.push(group);
        Ok(key)
    }
}

/// What rows are grouped by for a value, and what stands for it then.
pub(super) fn group(context: &mut Context<'_>, value: Value) -> Outcome<Group> {
    let key = key(context, &value)?;
    let sql = value.sql.clone();
    let value = if key == sql {
        value
    } else {
        if value.family() == Family::Text {
            context.note(
                "texts that the collation holds for equal are one row or group: which of them \
                 stands for it is open on both sides",
            );
        }
        Value {
            sql: if value.family() == Family::Binary {
                format!("(array_agg({sql}))[1]")
            } else {
                format!("min({sql})")
            },
            atom: true,
            bare: None,
            ..value
        }
    };
    Ok(Group { sql, value, key })
}

/// The text that two values have in common exactly if the source holds them for equal: its own
/// text if PostgreSQL agrees on that.
pub(super) fn key(context: &mut Context<'_>, value: &Value) -> Outcome<String> {
    match value.family() {
        Family::Text | Family::Binary => collation_key::key(context, value),
        Family::Other => Err(Untranslated::new(format!("grouping by {}", value.shown()))),
        _ => Ok(value.sql.clone()),
    }
}

/// What stands for a value in a SELECT that groups by it.
pub(in super::super) fn of(context: &Context<'_>, value: &Value) -> Outcome<Option<Value>> {
    let Some((at, group)) = grouped(context, value) else {
        return Ok(None);
    };
    let innermost = at + 1 == context.levels.len();
    if !innermost && context.levels[at].grouping_sets && group.value.sql != group.sql {
        return Err(Untranslated::new(
            "a text of grouping sets in a subquery, where PostgreSQL does not know GROUPING of it",
        ));
    }
    Ok(Some(group.value.clone()))
}

/// The group that a value is, and the place of its SELECT among the levels. A level whose own
/// tables the value reads hides those around it.
pub(super) fn grouped<'c>(context: &'c Context<'_>, value: &Value) -> Option<(usize, &'c Group)> {
    if value.constant.is_some() {
        return None;
    }
    for (at, level) in context.levels.iter().enumerate().rev() {
        let whole = context.ungrouped != Some(at);
        let mut groups = level.groups.iter();
        if let Some(group) = groups.find(|group| whole && group.sql == value.sql) {
            return Some((at, group));
        }
        let own = level.columns.iter().any(|seen| {
            let alias = seen.alias.as_deref().map(quote_ident);
            alias.is_some_and(|alias| value.sql.contains(&format!("{alias}.")))
        });
        if own {
            return None;
        }
    }
    None
}
