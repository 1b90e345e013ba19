//! Functions of several statements ("CREATE FUNCTION": DECLARE, SET, SELECT that sets variables, control of
//! flow, RETURN): run for each call.

use std::sync::Arc;

use sqlparser::ast::Expr;

use crate::engine::error::{Result, error, unsupported};
use crate::engine::eval::expr::{Bound, Env, Kind, Run};
use crate::engine::model::facts::{Facts, Variable};
use crate::engine::model::name::fold;
use crate::engine::model::object::Parameter;
use crate::engine::parse::script;
use crate::engine::parse::statement::{Located, Statement};
use crate::engine::query::assign;
use crate::engine::query::bind::Binder;
use crate::engine::query::module::typed;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;
use crate::types::{SqlType, Value};

/// A loop of this many rounds in a test server has gone wrong.
const MOST_ROUNDS: u64 = 1_000_000;

/// Reads a body.
///
/// # Errors
/// 455 without a RETURN at its end, 443 and 444 for statements that no function may have, and 40001 for
/// those that are not run here.
pub(crate) fn statements(text: &str) -> Result<Vec<Located>> {
    let mut parsed = script::parse(text)?;
    let Some((Statement::Block(body), true)) =
        parsed.pop().map(|s| (s.statement, parsed.is_empty()))
    else {
        return Err(unsupported("a function's body other than BEGIN ... END"));
    };
    body.iter().try_for_each(allowed)?;
    match body.last().map(|s| &s.statement) {
        Some(Statement::Return(Some(_))) => Ok(body),
        _ => Err(error(
            455,
            16,
            "The last statement included within a function must be a return statement.",
        )),
    }
}

fn allowed(located: &Located) -> Result<()> {
    match &located.statement {
        Statement::Declare(_)
        | Statement::SetVariable { .. }
        | Statement::Return(Some(_))
        | Statement::Break
        | Statement::Continue => Ok(()),
        Statement::Block(statements) => statements.iter().try_for_each(allowed),
        Statement::While { body, .. } => allowed(body),
        Statement::If {
            then, otherwise, ..
        } => {
            allowed(then)?;
            otherwise.as_deref().map_or(Ok(()), allowed)
        }
        Statement::Query(query) => match assign::variables(query)? {
            Some(_) => Ok(()),
            None => Err(error(
                444,
                16,
                "Select statements included within a function cannot return data to a client.",
            )),
        },
        Statement::Print(_) | Statement::RaiseError(_) | Statement::Throw(_) => Err(error(
            443,
            16,
            "Invalid use of a side-effecting operator within a function.",
        )),
        _ => Err(unsupported("a function with a statement of this kind")),
    }
}

/// A function and what its body is bound with.
pub(crate) struct Routine {
    facts: Facts,
    schema: String,
    parameters: Vec<Parameter>,
    returns: SqlType,
}

/// What comes after a statement.
enum Next {
    Statement,
    Break,
    Continue,
    Returned(Value),
}

impl Routine {
    pub(crate) fn new(
        facts: Facts,
        schema: &str,
        parameters: Vec<Parameter>,
        returns: &SqlType,
    ) -> Result<Routine> {
        Ok(Routine {
            facts: Facts {
                variables: Default::default(),
                ..facts
            },
            schema: schema.to_owned(),
            parameters,
            returns: returns.clone(),
        })
    }

    /// A call over a row of its arguments.
    pub(crate) fn call(self, text: &str, args: &[Bound]) -> Result<Bound> {
        let body = statements(text)?;
        let t = typed(&self.facts, self.returns.clone())?;
        let columns = args.iter().enumerate().map(|(at, arg)| Bound {
            kind: Kind::Column { depth: 0, at },
            t: arg.t.clone(),
        });
        let columns = columns.collect();
        let call = move |values: &[Value]| self.run(&body, values);
        Ok(Bound {
            kind: Kind::Call(Arc::new(call), columns),
            t,
        })
    }

    fn run(&self, body: &[Located], values: &[Value]) -> Result<Value> {
        let mut frame = Frame {
            facts: self.facts.clone(),
            schema: &self.schema,
            returns: &self.returns,
        };
        for (parameter, value) in self.parameters.iter().zip(values) {
            let ty = parameter.ty.clone().unwrap_or(SqlType::Int);
            let value = value.clone();
            let variable = Variable { ty, value };
            frame
                .facts
                .variables
                .insert(fold(&parameter.name), variable);
        }
        match frame.all(body)? {
            Next::Returned(value) => Ok(value),
            _ => Ok(Value::Null),
        }
    }
}

/// One call.
struct Frame<'r> {
    facts: Facts,
    schema: &'r str,
    returns: &'r SqlType,
}

impl Frame<'_> {
    fn all(&mut self, statements: &[Located]) -> Result<Next> {
        for located in statements {
            match self.one(located)? {
                Next::Statement => {}
                other => return Ok(other),
            }
        }
        Ok(Next::Statement)
    }

    fn one(&mut self, located: &Located) -> Result<Next> {
        match &located.statement {
            Statement::Declare(declarations) => {
                for d in declarations {
                    let (ty, ..) = self.facts.resolve_type(&d.ty, false)?;
                    // A DECLARE in a loop declares once.
                    let variables = &mut self.facts.variables;
                    let value = Value::Null;
                    variables
                        .entry(fold(&d.name))
                        .or_insert(Variable { ty, value });
                    if let Some(value) = &d.value {
                        self.set(&d.name, value)?;
                    }
                }
            }
            Statement::SetVariable { name, value } => self.set(name, value)?,
            Statement::Query(query) => {
                let names = assign::variables(query)?.unwrap_or_default();
                let run = Run::default();
                assign::rows(self.binder(), query, &names, &run)?;
                for (name, value) in run.variables.take() {
                    if let Some(variable) = self.facts.variables.get_mut(&name) {
                        variable.value = value;
                    }
                }
            }
            Statement::If {
                condition,
                then,
                otherwise,
            } => {
                return match (self.holds(condition)?, otherwise) {
                    (true, _) => self.one(then),
                    (false, Some(otherwise)) => self.one(otherwise),
                    (false, None) => Ok(Next::Statement),
                };
            }
            Statement::While { condition, body } => return self.repeat(condition, body),
            Statement::Block(statements) => return self.all(statements),
            Statement::Return(Some(value)) => {
                return Ok(Next::Returned(self.value(value, self.returns)?));
            }
            Statement::Break => return Ok(Next::Break),
            Statement::Continue => return Ok(Next::Continue),
            _ => return Err(unsupported("a function with a statement of this kind")),
        }
        Ok(Next::Statement)
    }

    fn repeat(&mut self, condition: &Expr, body: &Located) -> Result<Next> {
        for _ in 0..MOST_ROUNDS {
            if !self.holds(condition)? {
                return Ok(Next::Statement);
            }
            match self.one(body)? {
                Next::Statement | Next::Continue => {}
                Next::Break => return Ok(Next::Statement),
                returned @ Next::Returned(_) => return Ok(returned),
            }
        }
        let what = format!("a WHILE loop of more than {MOST_ROUNDS} rounds");
        Err(unsupported(what))
    }

    fn binder(&self) -> Binder<'_> {
        let mut binder = Binder::new(&self.facts);
        binder.trusted = true;
        binder.home = Some(self.schema.to_owned());
        binder
    }

    fn holds(&self, condition: &Expr) -> Result<bool> {
        let bound = self.binder().condition(condition)?;
        let run = Run::default();
        let env = Env {
            row: &[],
            outer: None,
            run: &run,
        };
        Ok(bound.test(&env)? == Some(true))
    }

    fn value(&self, expr: &Expr, ty: &SqlType) -> Result<Value> {
        let (value, t) = self.binder().constant(expr)?;
        let how = How {
            truncate: true,
            order: self.facts.date_order,
            code_page: Some(self.facts.current()?.collation.code_page),
            ..How::default()
        };
        convert(&value, &t.ty, ty, how)
    }

    fn set(&mut self, name: &str, value: &Expr) -> Result<()> {
        let ty = self.facts.variable(name)?.ty.clone();
        let value = self.value(value, &ty)?;
        self.facts
            .variables
            .insert(fold(name), Variable { ty, value });
        Ok(())
    }
}
