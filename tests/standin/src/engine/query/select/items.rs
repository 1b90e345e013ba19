//! The select list, GROUP BY and ORDER BY of one SELECT.

use sqlparser::ast::{self, Expr, Select, SelectItem, SelectItemQualifiedWildcardKind};

use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Kind};
use crate::engine::eval::plan::SortKey;
use crate::engine::eval::types::sortable;
use crate::engine::model::name::same_name;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::query::mask;
use crate::engine::query::select::set::position;
use crate::engine::query::source::{name_of, wildcard};

/// An item of the select list, bound.
pub(super) struct Item {
    pub(super) expr: Bound,
    pub(super) output: Output,
}

impl Binder<'_> {
    pub(super) fn items(&mut self, select: &Select) -> Result<Vec<Item>> {
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

    pub(super) fn item(&mut self, expr: &Expr, name: String) -> Result<Item> {
        let before = std::mem::take(&mut self.masked);
        let bound = self.value(expr);
        let masked = std::mem::replace(&mut self.masked, before);
        self.masked |= masked;
        let expr = bound?;
        let mut output = Output {
            name,
            t: expr.t.clone(),
            identity: false,
            computed: false,
            hidden: false,
            mask: masked.then(|| mask::DEFAULT.to_owned()),
            denied: None,
            internal: false,
        };
        if output.t.rank == 3 {
            return Err(error(
                457,
                16,
                "Implicit conversion of a value to its type cannot be performed because the collation is unresolved due to a collation conflict.",
            ));
        }
        if let (Some(at), None) = (expr.as_column(), &self.scope().grouping) {
            let source = self.scope().sources.iter().find_map(|s| {
                let within = at.checked_sub(s.start)?;
                s.columns.get(within).cloned()
            });
            if let Some(column) = source {
                (output.identity, output.computed) = (column.identity, column.computed);
                output.mask = column.mask;
                if output.name.is_empty() || same_name(&output.name, &column.name) {
                    output.name = column.name;
                }
            }
        }
        Ok(Item { expr, output })
    }

    pub(super) fn star(
        &mut self,
        of: Option<&crate::engine::model::name::Name>,
        items: &mut Vec<Item>,
    ) -> Result<()> {
        let columns = wildcard(self.scope(), of);
        if let Some(denied) = columns.iter().find_map(|(_, c)| c.denied.clone()) {
            return Err(denied);
        }
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
    pub(super) fn order_keys(
        &mut self,
        order: &[ast::OrderByExpr],
        items: &[Item],
    ) -> Result<Vec<(SortKey, Option<usize>)>> {
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
            let at = at.or_else(|| same_item(&found.expr, items));
            keys.push((found, at));
        }
        Ok(keys)
    }
}

/// The item of the select list that is the same column.
fn same_item(expr: &Bound, items: &[Item]) -> Option<usize> {
    let Kind::Column { depth, at } = expr.kind else {
        return None;
    };
    let same = |item: &Item| match item.expr.kind {
        Kind::Column { depth: d, at: a } => (d, a) == (depth, at),
        _ => false,
    };
    items.iter().position(same)
}
