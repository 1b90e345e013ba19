//! The statement translator: the body of a function as one of PL/pgSQL.
//!
//! Variables keep their names with the `@`, which no column has, and are declared once at the beginning, as
//! at the source a DECLARE within a loop or branch declares for the whole body.

mod select;
pub(super) mod variable;

use sqlparser::ast::Expr;

use super::context::Context;
use super::parse::statement::{Declaration, Statement, StatementKind};
use super::value::Value;
use super::{Outcome, Untranslated, condition, context, convert, expression, types};
use crate::schema::SqlType;
use crate::typemap::PgType;

/// Statements within statements; PostgreSQL's own parser goes deeper.
const DEEPEST: usize = 50;

/// A body on its way to text.
pub(super) struct Body<'c, 'a> {
    context: &'c mut Context<'a>,
    /// Type of the result, at the source and in the target.
    returns: (&'c SqlType, &'c PgType),
    /// Lines of DECLARE.
    declared: Vec<String>,
    lines: String,
    depth: usize,
    /// Loops over the rows of a SELECT so far, each of which has a record of its own.
    records: usize,
}

/// The text of a function's body. Its parameters are in the context, as variables with these initial values.
pub(super) fn body(
    context: &mut Context<'_>,
    returns: (&SqlType, &PgType),
    parameters: &[(String, PgType, String)],
    statements: &[Statement],
) -> Outcome<String> {
    let mut body = Body {
        context,
        returns,
        declared: Vec::new(),
        lines: String::new(),
        depth: 0,
        records: 0,
    };
    for (name, ty, value) in parameters {
        body.declared.push(format!("  {name} {ty} := {value};"));
    }
    body.all(statements)?;
    let declare = match body.declared.as_slice() {
        [] => String::new(),
        lines => format!("DECLARE\n{}\n", lines.join("\n")),
    };
    let sql = format!(
        "#variable_conflict use_column\n{declare}BEGIN\n{}END",
        body.lines
    );
    context::bounded(&sql)?;
    Ok(sql)
}

impl Body<'_, '_> {
    fn all(&mut self, statements: &[Statement]) -> Outcome<()> {
        if self.depth >= DEEPEST {
            return Err(Untranslated::new("statements nested more than 50 deep"));
        }
        self.depth += 1;
        let made = statements.iter().try_for_each(|one| self.statement(one));
        self.depth -= 1;
        made
    }

    fn statement(&mut self, statement: &Statement) -> Outcome<()> {
        let made = self.kind(&statement.kind);
        made.map_err(|error| error.at(statement.start))
    }

    fn kind(&mut self, kind: &StatementKind) -> Outcome<()> {
        match kind {
            StatementKind::Declare(declarations) => {
                declarations.iter().try_for_each(|one| self.declare(one))
            }
            StatementKind::Set { name, value } => {
                let value = expression::value(self.context, value)?;
                self.assign(name, value)
            }
            StatementKind::Assign { names, query } => self.select(names, query),
            StatementKind::If {
                condition,
                then,
                otherwise,
            } => self.branch(condition, then, otherwise.as_deref()),
            StatementKind::While { condition, body } => {
                let condition = condition::condition(self.context, condition)?;
                self.line(&format!("WHILE {} LOOP", condition.sql));
                self.all(std::slice::from_ref(body))?;
                self.line("END LOOP;");
                Ok(())
            }
            StatementKind::Block(statements) => {
                // Without a block of its own: its variables are those of the whole body.
                statements.iter().try_for_each(|one| self.statement(one))
            }
            StatementKind::Return(Some(value)) => self.give(value),
            StatementKind::Return(None) => Err(Untranslated::new("RETURN without a value")),
            StatementKind::Break => {
                self.line("EXIT;");
                Ok(())
            }
            StatementKind::Continue => {
                self.line("CONTINUE;");
                Ok(())
            }
            StatementKind::Other(what) => Err(Untranslated::new(what.clone())),
        }
    }

    fn declare(&mut self, declaration: &Declaration) -> Outcome<()> {
        let ty = types::parse(&declaration.data_type)?;
        let (name, pg) = variable::add(self.context, &declaration.name, &ty)?;
        self.declared.push(format!("  {name} {pg};"));
        match &declaration.value {
            None => Ok(()),
            Some(value) => {
                let value = expression::value(self.context, value)?;
                self.assign(&declaration.name, value)
            }
        }
    }

    /// `IF ... ELSE ...`; on both sides what is unknown is not true.
    fn branch(
        &mut self,
        condition: &Expr,
        then: &Statement,
        otherwise: Option<&Statement>,
    ) -> Outcome<()> {
        let condition = condition::condition(self.context, condition)?;
        self.line(&format!("IF {} THEN", condition.sql));
        self.all(std::slice::from_ref(then))?;
        if let Some(otherwise) = otherwise {
            self.line("ELSE");
            self.all(std::slice::from_ref(otherwise))?;
        }
        self.line("END IF;");
        Ok(())
    }

    fn give(&mut self, value: &Expr) -> Outcome<()> {
        let (ty, pg) = self.returns;
        let value = expression::value(self.context, value)?.kept()?;
        let value = convert::converted(self.context, value, ty)?;
        self.line(&format!("RETURN {};", value.cast(&pg.to_string())));
        Ok(())
    }

    /// A value into a variable, in exactly its type.
    fn assign(&mut self, name: &str, value: Value) -> Outcome<()> {
        let (variable, ty) = variable::find(self.context, name)?;
        let value = convert::converted(self.context, value.kept()?, &ty)?;
        self.line(&format!("{variable} := {};", value.sql));
        Ok(())
    }

    fn line(&mut self, text: &str) {
        // A line break may be part of a literal, so only the first line is set in.
        let room = "  ".repeat(self.depth);
        self.lines.push_str(&format!("{room}{text}\n"));
    }
}
