//! Common tables, recursive ones too ("WITH common_table_expression").

use std::sync::atomic::{AtomicUsize, Ordering};

use sqlparser::ast::{Cte, Expr, Query, SetExpr, SetOperator, SetQuantifier, Value};
use sqlparser::tokenizer::Token;

use crate::engine::datatype;
use crate::engine::error::{Result, error};
use crate::engine::eval::plan::{Plan, Recursive};
use crate::engine::model::name::same_name;
use crate::engine::parse::expression::MAX_RECURSION;
use crate::engine::parse::tokens::Tokens;
use crate::engine::query::bind::{Binder, CommonTable, Output};
use crate::engine::query::select::set::{Bounded, all, united};
use crate::engine::query::source::named;

impl Binder<'_> {
    pub(super) fn common_table(&mut self, table: &Cte) -> Result<CommonTable> {
        let name = table.alias.name.value.clone();
        let members = members(&table.query);
        let (plan, columns) = if members.len() > 1 && table.query.with.is_none() {
            self.recursive(table, &members)?
        } else {
            let (plan, mut columns, correlated) = self.subquery_in_place(&table.query)?;
            self.scope().uses_outer |= correlated;
            named(&mut columns, &table.alias)?;
            (plan, columns)
        };
        Ok(CommonTable {
            name,
            plan,
            columns,
        })
    }

    /// A common table of UNION ALL, whose later members may name it.
    fn recursive(&mut self, table: &Cte, members: &[&SetExpr]) -> Result<Bounded> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = &table.alias.name.value;
        let mut anchors: Vec<Bounded> = Vec::new();
        let mut found = Vec::new();
        let mut columns: Vec<Output> = Vec::new();
        for member in members {
            if anchors.is_empty() || !mentions(member, name) {
                anchors.push(self.member(member)?);
                continue;
            }
            if columns.is_empty() {
                columns = united(&anchors)?;
                named(&mut columns, &table.alias)?;
                // The rows of the recursive members may be NULL in any column.
                columns.iter_mut().for_each(|c| c.t.nullable = true);
            }
            self.tables.push(CommonTable {
                name: name.clone(),
                plan: Plan::Working(id),
                columns: columns.clone(),
            });
            let bound = self.member(member);
            self.tables.pop();
            let (plan, outputs) = bound?;
            refuse_other_types(name, &columns, &outputs)?;
            found.push(plan);
        }
        if columns.is_empty() {
            columns = united(&anchors)?;
            named(&mut columns, &table.alias)?;
        }
        let anchor = all(anchors, &columns);
        if found.is_empty() {
            return Ok((anchor, columns));
        }
        let recursive = Recursive {
            id,
            anchor,
            members: found,
            most: self.max_recursion,
        };
        Ok((Plan::Recursive(Box::new(recursive)), columns))
    }

    fn member(&mut self, member: &SetExpr) -> Result<Bounded> {
        let (plan, columns, correlated) = self.nested(|b| b.body(member))?;
        self.scope().uses_outer |= correlated;
        Ok((plan, columns))
    }
}

/// # Errors
/// 205 and 240: the recursive members have the anchor's columns and their exact types.
fn refuse_other_types(name: &str, columns: &[Output], outputs: &[Output]) -> Result<()> {
    if columns.len() != outputs.len() {
        return Err(error(
            205,
            16,
            "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.",
        ));
    }
    for (column, output) in columns.iter().zip(outputs) {
        let collation = |o: &Output| {
            o.t.collation
                .as_ref()
                .filter(|_| datatype::has_collation(&o.t.ty))
                .map(|c| c.name.to_lowercase())
        };
        if column.t.ty != output.t.ty || collation(column) != collation(output) {
            let message = format!(
                "Types don't match between the anchor and the recursive part in column \"{}\" of recursive query \"{name}\".",
                column.name
            );
            return Err(error(240, 16, message));
        }
    }
    Ok(())
}

/// The queries that UNION ALL joins at the top.
fn members(query: &Query) -> Vec<&SetExpr> {
    let mut found = Vec::new();
    let mut open = vec![query.body.as_ref()];
    while let Some(body) = open.pop() {
        match body {
            SetExpr::SetOperation {
                left,
                op: SetOperator::Union,
                set_quantifier: SetQuantifier::All,
                right,
            } => open.extend([right.as_ref(), left.as_ref()]),
            other => found.push(other),
        }
    }
    if query.order_by.is_some() || query.fetch.is_some() || query.limit_clause.is_some() {
        found.truncate(1);
    }
    found
}

/// Whether a member reads from the common table.
fn mentions(member: &SetExpr, name: &str) -> bool {
    let text = member.to_string();
    let Ok(tokens) = Tokens::new(&text) else {
        return false;
    };
    let mut before: Option<Token> = None;
    for token in tokens.folded() {
        if let Token::Word(w) = &token
            && same_name(&w.value, name)
            && before.is_some_and(|b| begins_table(&b))
        {
            return true;
        }
        before = Some(token);
    }
    false
}

/// A table's name follows FROM, JOIN, APPLY, a comma or a parenthesis.
fn begins_table(token: &Token) -> bool {
    match token {
        Token::Comma | Token::LParen => true,
        Token::Word(w) => matches!(w.value.as_str(), "from" | "join" | "apply"),
        _ => false,
    }
}

/// OPTION (MAXRECURSION n), as the statement was read.
pub(super) fn max_recursion(query: &Query) -> Option<u64> {
    let settings = query.settings.as_ref()?;
    let setting = settings.iter().find(|s| s.key.value == MAX_RECURSION)?;
    match &setting.value {
        Expr::Value(v) => match &v.value {
            Value::Number(n, _) => n.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
