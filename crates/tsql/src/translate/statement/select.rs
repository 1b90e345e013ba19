//! `SELECT @a = ..., @b = ...`.

use sqlparser::ast::{Expr, Query, SelectItem, SetExpr};

use super::super::query::{self, Rows};
use super::super::value::Value;
use super::super::{Outcome, Untranslated, expression};
use super::{Body, variable};
use crate::names::quote_ident;
use crate::schema::SqlType;

impl Body<'_, '_> {
    pub(super) fn select(&mut self, names: &[String], query: &Query) -> Outcome<()> {
        let mut variables = Vec::with_capacity(names.len());
        for name in names {
            let found = variable::find(self.context, name)?;
            if variables.contains(&found) {
                return Err(Untranslated::new(format!(
                    "a SELECT that sets {name} twice"
                )));
            }
            variables.push(found);
        }
        if let Some(values) = without_rows(query) {
            return self.each(names, &variables, &values);
        }
        let types: Vec<SqlType> = variables.iter().map(|(_, ty)| ty.clone()).collect();
        let (made, rows) = query::rows(self.context, query, &types)?;
        let columns: Vec<String> = (1..=variables.len()).map(|at| format!("c{at}")).collect();
        let sql = made.sql(&columns)?;
        let set = |text: &str| variables.iter().any(|(name, _)| text.contains(name));
        if !set(&sql) {
            self.rows(&variables, &sql, rows);
            return Ok(());
        }
        self.accumulated(names, &variables, query)
    }

    /// Without FROM: each variable in turn.
    fn each(
        &mut self,
        names: &[String],
        variables: &[(String, SqlType)],
        values: &[&Expr],
    ) -> Outcome<()> {
        let mut made = Vec::with_capacity(values.len());
        for expr in values {
            made.push(expression::value(self.context, expr)?);
        }
        independent(variables, &made)?;
        for (name, value) in names.iter().zip(made) {
            self.assign(name, value)?;
        }
        Ok(())
    }

    /// Rows that say by themselves what the variables become.
    fn rows(&mut self, variables: &[(String, SqlType)], sql: &str, rows: Rows) {
        let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
        if rows == Rows::One {
            let sql = sql.replacen("SELECT ", &format!("SELECT INTO {} ", names.join(", ")), 1);
            self.line(&format!("{sql};"));
            return;
        }
        let record = self.record();
        let column = |at: usize| format!("{record}.\"c{}\"", at + 1);
        let read = quote_ident(&format!("@read {}", self.records));
        if rows == Rows::Any {
            self.declared.push(format!("  {read} boolean;"));
            self.line(&format!("{read} := false;"));
        }
        self.line(&format!("FOR {record} IN {sql} LOOP"));
        self.depth += 1;
        if rows == Rows::Any {
            let differs = variables.iter().enumerate().map(|(at, (name, ty))| {
                let exactly = super::super::types::family(ty) == super::super::types::Family::Text;
                let collate = if exactly { " COLLATE \"C\"" } else { "" };
                format!("{name}{collate} IS DISTINCT FROM {}{collate}", column(at))
            });
            let differs: Vec<String> = differs.collect();
            self.line(&format!("IF {read} AND ({}) THEN", differs.join(" OR ")));
            self.line(&format!(
                "  RAISE EXCEPTION USING ERRCODE = 'cardinality_violation', MESSAGE = '{SEVERAL}';"
            ));
            self.line("END IF;");
            self.line(&format!("{read} := true;"));
        }
        for (at, name) in names.iter().enumerate() {
            self.line(&format!("{name} := {};", column(at)));
        }
        self.depth -= 1;
        self.line("END LOOP;");
        if rows == Rows::Any {
            self.context.note(
                "SELECT @a = ... fails if it has several different rows; the source takes the last one, in no \
                 certain order",
            );
        }
    }

    /// `SELECT @a = @a + ...`: each row adds to what the one before it left.
    fn accumulated(
        &mut self,
        names: &[String],
        variables: &[(String, SqlType)],
        query: &Query,
    ) -> Outcome<()> {
        let record = self.record();
        let (made, values) = query::accumulated(self.context, query, record.trim_matches('"'))?;
        independent(variables, &values)?;
        let columns = made.body.items().len();
        let columns: Vec<String> = (1..=columns).map(|at| format!("c{at}")).collect();
        let sql = made.sql(&columns)?;
        if variables.iter().any(|(name, _)| sql.contains(name)) {
            return Err(Untranslated::new(
                "a SELECT whose rows depend on a variable that it sets",
            ));
        }
        self.line(&format!("FOR {record} IN {sql} LOOP"));
        self.depth += 1;
        for (name, value) in names.iter().zip(values) {
            self.assign(name, value)?;
        }
        self.depth -= 1;
        self.line("END LOOP;");
        self.context.note(
            "SELECT @a = @a + ... ORDER BY adds the rows in their order, which the source does and does not \
             promise",
        );
        Ok(())
    }

    /// Another record, declared; no variable of the source has a blank in its name.
    fn record(&mut self) -> String {
        self.records += 1;
        let record = quote_ident(&format!("@row {}", self.records));
        self.declared.push(format!("  {record} record;"));
        record
    }
}

/// What a function fails with.
const SEVERAL: &str = "a SELECT that sets variables has several different rows, of which the source takes \
                       the last one in no certain order";

/// The expressions of a SELECT that reads no table and has no condition.
fn without_rows(query: &Query) -> Option<Vec<&Expr>> {
    let SetExpr::Select(select) = &*query.body else {
        return None;
    };
    let plain = select.from.is_empty()
        && select.selection.is_none()
        && select.having.is_none()
        && select.top.is_none()
        && query.order_by.is_none();
    let each = select.projection.iter().map(|item| match item {
        SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    });
    each.collect::<Option<Vec<_>>>().filter(|_| plain)
}

/// Refuses a value that needs a variable which the same SELECT sets before it or after it.
fn independent(variables: &[(String, SqlType)], values: &[Value]) -> Outcome<()> {
    for (at, value) in values.iter().enumerate() {
        let mut others = variables
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at);
        if others.any(|(_, (name, _))| value.sql.contains(name)) {
            return Err(Untranslated::new(
                "a SELECT that sets a variable and uses it for another",
            ));
        }
    }
    Ok(())
}
