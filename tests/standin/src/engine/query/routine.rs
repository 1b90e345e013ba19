//! Calls of users' functions: scalar ones, and inline table functions.

use std::sync::Arc;

use sqlparser::ast::{self, Expr, FunctionArg, FunctionArgExpr};

use crate::engine::error::{Result, error, invalid_object, unsupported};
use crate::engine::eval::expr::{Bound, Kind, Ty};
use crate::engine::eval::plan::Plan;
use crate::engine::eval::types::{choose, convert_to};
use crate::engine::model::name::Name;
use crate::engine::model::object::{Body, Module, ModuleKind, Parameter};
use crate::engine::model::state::Database;
use crate::engine::query::bind::Binder;
use crate::engine::query::module::{self, taken, typed};
use crate::engine::query::run_body::Routine;
use crate::engine::query::source::rename;
use crate::types::Value;

impl<'a> Binder<'a> {
    fn module(&self, name: &Name) -> Option<(&'a Arc<Database>, &'a Arc<Module>)> {
        let name = self.target(&self.at_home(name));
        let database = self.facts.database_of(&name).ok()?;
        let id = database.object_id(name.schema.as_deref().unwrap_or("dbo"), &name.name)?;
        database.modules.get(&id).map(|module| (database, module))
    }

    /// A scalar function's call, if the name is that of one.
    pub(super) fn scalar_call(&mut self, name: &Name, args: &[&Expr]) -> Result<Option<Bound>> {
        let found = self.module(name);
        let Some((database, module)) = found.filter(|(_, m)| m.kind == ModuleKind::ScalarFunction)
        else {
            return Ok(None);
        };
        let inside = self.facts.within(database)?;
        let returns = module.returns.clone().ok_or_else(|| invalid_object(name))?;
        let t = typed(&inside, returns)?;
        let args = self.arguments_of(module, args)?;
        let body = match &module.body {
            Body::Expression(expr) => {
                let schema = database.schema_name(module.schema_id).unwrap_or("dbo");
                module::expression(&inside, schema, &module.parameters, expr)?
            }
            Body::Statements(text) => {
                let schema = database.schema_name(module.schema_id).unwrap_or("dbo");
                let parameters: Vec<Parameter> = taken(&module.parameters).cloned().collect();
                Routine::new(inside, schema, parameters, &t.ty)?.call(text, &args)?
            }
            Body::Refused(e) => {
                let refused = format!("running the function '{name}' ({})", e.message);
                refusing(refused, Vec::new(), t.clone())
            }
            Body::Query(_) | Body::None => return Err(invalid_object(name)),
        };
        let mut body = convert_to(body, &t.ty);
        if module.made_with.null_on_null_input {
            body = unless_null(body, &args)?;
        }
        (body.t.collation, body.t.rank) = (t.collation.clone(), t.rank);
        Ok(Some(Bound {
            kind: Kind::Invoke(args, Arc::new(body)),
            t,
        }))
    }

    pub(super) fn is_table_function(&self, name: &Name) -> bool {
        let table = |m: &Module| {
            matches!(
                m.kind,
                ModuleKind::InlineFunction | ModuleKind::TableFunction
            )
        };
        self.module(name).is_some_and(|(_, m)| table(m))
    }

    /// A table function in FROM.
    pub(super) fn table_function(
        &mut self,
        name: &Name,
        args: &[FunctionArg],
        alias: Option<&ast::TableAlias>,
        start: usize,
    ) -> Result<(Plan, usize)> {
        let Some((database, module)) = self.module(name).filter(|_| self.is_table_function(name))
        else {
            return Err(invalid_object(name));
        };
        let query = match &module.body {
            Body::Query(query) => query,
            Body::Refused(e) => {
                return Err(unsupported(format!(
                    "running the function '{name}' ({})",
                    e.message
                )));
            }
            Body::Expression(_) | Body::Statements(_) | Body::None => {
                return Err(invalid_object(name));
            }
        };
        let inside = self.facts.within(database)?;
        let schema = database.schema_name(module.schema_id).unwrap_or("dbo");
        let (plan, columns) = module::query(&inside, schema, &module.parameters, query)?;
        let (plan, mut columns) = module::recorded(module, plan, columns)?;
        let exprs = plain(args)?;
        let kept = std::mem::take(self.scope());
        let arguments = self.arguments_of(module, &exprs);
        let used = std::mem::replace(self.scope(), kept);
        self.scope().uses_outer |= used.uses_outer;
        let plan = Plan::Invoke(arguments?, Arc::new(plan));
        if let Some(alias) = alias {
            rename(&mut columns, alias);
        }
        let called = alias.map_or(&name.name, |a| &a.name.value).clone();
        let width = columns.len();
        self.enter(called, None, columns, start);
        Ok((plan, width))
    }

    /// The arguments in the types of the parameters; the word DEFAULT is the parameter's own.
    fn arguments_of(&mut self, module: &Module, args: &[&Expr]) -> Result<Vec<Bound>> {
        let parameters: Vec<&Parameter> = taken(&module.parameters).collect();
        if args.len() != parameters.len() {
            let (number, word) = if args.len() > parameters.len() {
                (
                    8144,
                    "Procedure or function has too many arguments specified",
                )
            } else {
                (
                    313,
                    "An insufficient number of arguments were supplied for the procedure or function",
                )
            };
            return Err(error(number, 16, format!("{word}: {}.", module.name)));
        }
        let bind = |(arg, parameter): (&&Expr, &Parameter)| {
            let ty = parameter.ty.as_ref();
            let ty = ty.ok_or_else(|| unsupported("a table as an argument of a function"))?;
            let given = match (&parameter.default, is_default(arg)) {
                (Some(default), true) => self.value(default)?,
                (None, true) => Bound::constant(Value::Null, ty.clone()),
                (_, false) => self.value(arg)?,
            };
            let mut given = convert_to(given, ty);
            given.t = typed(self.facts, ty.clone())?;
            Ok(given)
        };
        args.iter().zip(parameters).map(bind).collect()
    }
}

fn is_default(arg: &Expr) -> bool {
    matches!(arg, Expr::Identifier(i) if i.quote_style.is_none() && i.value.eq_ignore_ascii_case("DEFAULT"))
}

/// RETURNS NULL ON NULL INPUT: the body is not looked at when an argument is NULL.
fn unless_null(body: Bound, args: &[Bound]) -> Result<Bound> {
    let is_null = |(at, arg): (usize, &Bound)| {
        let column = Bound {
            kind: Kind::Column { depth: 0, at },
            t: arg.t.clone(),
        };
        Bound::predicate(Kind::IsNull(Box::new(column)))
    };
    let null = Bound::constant(Value::Null, body.t.ty.clone());
    let whens = args.iter().enumerate().map(is_null);
    let whens = whens.map(|condition| (condition, null.clone())).collect();
    choose(whens, Some(body))
}

/// The expressions of a call.
pub(crate) fn plain(args: &[FunctionArg]) -> Result<Vec<&Expr>> {
    let expression = |arg| match arg {
        &FunctionArg::Unnamed(FunctionArgExpr::Expr(ref expr)) => Ok(expr),
        other => Err(unsupported(format!("the argument '{other}'"))),
    };
    args.iter().map(expression).collect()
}

/// A call that is NULL for a NULL argument and otherwise an error that names what is not run here.
pub(crate) fn refusing(what: String, args: Vec<Bound>, t: Ty) -> Bound {
    let call = Arc::new(move |values: &[Value]| {
        if values.iter().any(|v| matches!(v, Value::Null)) {
            return Ok(Value::Null);
        }
        Err(unsupported(&what))
    });
    Bound {
        kind: Kind::Call(call, args),
        t,
    }
}
