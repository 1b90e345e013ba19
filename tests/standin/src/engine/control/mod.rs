//! Runs batches: control flow, result sets, messages and errors.

mod assign;
mod query;
mod quiet;
mod showplan;
pub(crate) mod told;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use sqlparser::ast::Expr;

use crate::engine::control::query::query_statement;
use crate::engine::control::quiet::quiet;
use crate::engine::control::told::{counted, finished};
use crate::engine::dml;
use crate::engine::error::{Result, info, unsupported};
use crate::engine::eval::expr::{Env, Run};
use crate::engine::model::facts::Variable;
use crate::engine::model::name::fold;
use crate::engine::parse::script;
use crate::engine::parse::statement::{Located, Statement};
use crate::engine::procedure::{self, Executed};
use crate::engine::query::bind::Binder;
use crate::engine::session::outcome::{Flow, changing};
use crate::engine::session::sql_session::SqlSession;
use crate::engine::value::convert::convert;
use crate::engine::value::convert::how::How;
use crate::engine::value::text;
use crate::session::Sink;
use crate::types::{SqlError, SqlType, Value};

/// Runs a whole batch.
pub(crate) fn batch(session: &mut SqlSession, sql: &str, sink: &mut dyn Sink) {
    match script::parse(sql) {
        Ok(statements) => {
            statements_of(session, &statements, sink);
        }
        Err(e) => {
            session.last_error = e.number;
            let _ = sink.message(&e);
            let _ = sink.done(None);
        }
    }
}

fn statements_of(session: &mut SqlSession, statements: &[Located], sink: &mut dyn Sink) -> Flow {
    for statement in statements {
        match one(session, statement, sink) {
            Flow::Next => {}
            other => return other,
        }
    }
    Flow::Next
}

/// Errors after which SQL Server does not go on with the batch.
fn ends_batch(e: &SqlError) -> bool {
    matches!(
        e.number,
        208 | 207 | 137 | 241 | 242 | 244 | 245 | 248 | 1205 | 4104 | 911 | 40_001
    ) || e.class >= 19
}

fn one(session: &mut SqlSession, located: &Located, sink: &mut dyn Sink) -> Flow {
    if session.settings.no_exec && !matches!(located.statement, Statement::SetOption { .. }) {
        return Flow::Next;
    }
    match statement(session, located, sink) {
        Ok(flow) => {
            let keeps = matches!(
                located.statement,
                Statement::If { .. }
                    | Statement::While { .. }
                    | Statement::Block(_)
                    | Statement::TryCatch { .. }
                    | Statement::RaiseError(_)
            );
            if !keeps {
                session.last_error = 0;
            }
            flow
        }
        Err(e) => failed(session, e, located.line, sink),
    }
}

fn failed(session: &mut SqlSession, mut e: SqlError, line: u32, sink: &mut dyn Sink) -> Flow {
    if e.line == 0 {
        e.line = line;
    }
    session.last_error = e.number;
    session.row_count = 0;
    // That the client stopped the batch is nothing to catch.
    let stopped = sink.poll().is_break();
    if !stopped && let Some(slot) = session.settings_catching() {
        *slot = Some(e);
        return Flow::Stop;
    }
    let ends = ends_batch(&e) || session.settings.abort;
    if session.settings.abort && session.transaction.is_some() {
        // The error told is the statement's; that there was a transaction was checked above.
        let _ = session.rollback(None);
    }
    let gone = sink.message(&e).is_break() || sink.done(None).is_break();
    if gone || ends { Flow::Stop } else { Flow::Next }
}

fn statement(session: &mut SqlSession, located: &Located, sink: &mut dyn Sink) -> Result<Flow> {
    match &located.statement {
        Statement::Query(query) if session.settings.show_plan => {
            return showplan::estimate(session, query, sink);
        }
        other if session.settings.show_plan && !matches!(other, Statement::SetOption { .. }) => {
            return Err(unsupported("SHOWPLAN_ALL of other statements than SELECT"));
        }
        Statement::Query(query) => return query_statement(session, query, sink),
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
            let rows = change(session, &located.statement, sink)?;
            return Ok(counted(session, rows, sink));
        }
        Statement::If {
            condition,
            then,
            otherwise,
        } => {
            let truth = test(session, condition)?;
            return Ok(match (truth, otherwise) {
                (true, _) => one(session, then, sink),
                (false, Some(other)) => one(session, other, sink),
                _ => Flow::Next,
            });
        }
        Statement::While { condition, body } => return repeat(session, condition, body, sink),
        Statement::Block(statements) => return Ok(statements_of(session, statements, sink)),
        Statement::TryCatch { body, handler } => return Ok(guarded(session, body, handler, sink)),
        Statement::Break => return Ok(Flow::Break),
        Statement::Continue => return Ok(Flow::Continue),
        Statement::Return(_) => return Ok(Flow::Return),
        Statement::Print(expr) => return print(session, expr, located.line, sink),
        Statement::RaiseError(args) => {
            let facts = session.facts();
            return procedure::raise(&facts, args)
                .and_then(|m| told(session, m, located.line, sink));
        }
        Statement::Throw(args) => {
            let facts = session.facts();
            let mut e = procedure::throw(&facts, args)?;
            e.line = located.line;
            failed(session, e, located.line, sink);
            return Ok(Flow::Stop);
        }
        Statement::WaitFor(expr) => {
            if wait_for(session, expr, sink)?.is_break() {
                return Ok(Flow::Stop);
            }
        }
        Statement::Execute { procedure, args } => {
            return match procedure::execute(session, procedure, args, sink)? {
                Executed::Ended(flow) => Ok(flow),
                Executed::Text { sql, variables } => nested(session, &sql, variables, sink),
            };
        }
        Statement::ExecuteText(expr) => {
            let facts = session.facts();
            let (value, _) = Binder::new(&facts).constant(expr)?;
            let sql = text::units(&value)
                .map(|u| text::to_string(u))
                .unwrap_or_default();
            return nested(session, &sql, Vec::new(), sink);
        }
        Statement::Use(name) => session.use_database(name, sink)?,
        other => quiet(session, other, located.line, sink)?,
    }
    Ok(finished(sink))
}

/// INSERT, UPDATE and DELETE; how many rows they changed.
fn change(session: &mut SqlSession, statement: &Statement, sink: &mut dyn Sink) -> Result<u64> {
    let changed = changing(session, sink, |facts, state, watch| match statement {
        Statement::Insert(insert) => {
            dml::insert(facts, state, insert, facts.identity_insert, watch)
        }
        Statement::Update(update) => dml::update(facts, state, update, watch),
        Statement::Delete(delete) => dml::delete(facts, state, delete, watch),
        _ => Err(unsupported("a change of this kind")),
    })?;
    if let Some(last) = changed.identity {
        session.identity.session = Some(last);
        session.identity.scope = Some(last);
    }
    Ok(changed.rows)
}

/// PRINT.
fn print(session: &mut SqlSession, expr: &Expr, line: u32, sink: &mut dyn Sink) -> Result<Flow> {
    let facts = session.facts();
    let (value, t) = Binder::new(&facts).constant(expr)?;
    let shown = convert(
        &value,
        &t.ty,
        &SqlType::NVarChar { length: Some(4000) },
        How {
            truncate: true,
            ..How::default()
        },
    )?;
    let shown = text::units(&shown)
        .map(|u| text::to_string(u))
        .unwrap_or_default();
    let mut message = info(0, shown);
    message.line = line;
    let gone = sink.message(&message).is_break() || sink.done(None).is_break();
    Ok(if gone { Flow::Stop } else { Flow::Next })
}

/// WAITFOR DELAY: `Break` if the client asked to stop.
fn wait_for(session: &mut SqlSession, expr: &Expr, sink: &mut dyn Sink) -> Result<ControlFlow<()>> {
    let facts = session.facts();
    let (value, t) = Binder::new(&facts).constant(expr)?;
    let time = convert(&value, &t.ty, &SqlType::Time { scale: 7 }, How::default())?;
    let Value::Time(ticks) = time else {
        return Ok(ControlFlow::Continue(()));
    };
    let end = Instant::now() + Duration::from_nanos(ticks.saturating_mul(100));
    Ok(wait(end, sink))
}

/// Sleeps until `end`, or until the client asks to stop.
fn wait(end: Instant, sink: &mut dyn Sink) -> ControlFlow<()> {
    /// How long an attention may go unseen.
    const STEP: Duration = Duration::from_millis(50);
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        sink.poll()?;
        std::thread::sleep(left.min(STEP));
    }
    ControlFlow::Continue(())
}

/// A message of RAISERROR: below class 11 it informs, above it is an error, but the batch goes on.
fn told(
    session: &mut SqlSession,
    mut message: SqlError,
    line: u32,
    sink: &mut dyn Sink,
) -> Result<Flow> {
    message.line = line;
    if message.class > 10 {
        return Ok(failed(session, message, line, sink));
    }
    let gone = sink.message(&message).is_break() || sink.done(None).is_break();
    Ok(if gone { Flow::Stop } else { Flow::Next })
}

fn test(session: &mut SqlSession, condition: &Expr) -> Result<bool> {
    let facts = session.facts();
    let bound = Binder::new(&facts).condition(condition)?;
    let run = Run::default();
    Ok(bound.test(&Env {
        row: &[],
        outer: None,
        run: &run,
    })? == Some(true))
}

/// WHILE; a loop of this many rounds in a test server has gone wrong.
const MOST_ROUNDS: u64 = 10_000_000;

fn repeat(
    session: &mut SqlSession,
    condition: &Expr,
    body: &Located,
    sink: &mut dyn Sink,
) -> Result<Flow> {
    for _ in 0..MOST_ROUNDS {
        if sink.poll().is_break() {
            return Ok(Flow::Stop);
        }
        if !test(session, condition)? {
            return Ok(Flow::Next);
        }
        match one(session, body, sink) {
            Flow::Next | Flow::Continue => {}
            Flow::Break => return Ok(Flow::Next),
            other => return Ok(other),
        }
    }
    Err(unsupported(format!(
        "a WHILE loop of more than {MOST_ROUNDS} rounds"
    )))
}

fn guarded(
    session: &mut SqlSession,
    body: &[Located],
    handler: &[Located],
    sink: &mut dyn Sink,
) -> Flow {
    session.catching.push(None);
    let flow = statements_of(session, body, sink);
    let caught = session.catching.pop().flatten();
    let Some(e) = caught else { return flow };
    let before = session.caught.replace(e);
    let flow = statements_of(session, handler, sink);
    session.caught = before;
    flow
}

/// Runs text as its own batch with its own variables (EXEC and `sp_executesql`).
fn nested(
    session: &mut SqlSession,
    sql: &str,
    variables: Vec<(String, Variable)>,
    sink: &mut dyn Sink,
) -> Result<Flow> {
    let statements = script::parse(sql)?;
    let kept = std::mem::take(&mut session.variables);
    session.variables = variables.into_iter().map(|(n, v)| (fold(&n), v)).collect();
    let flow = statements_of(session, &statements, sink);
    session.variables = kept;
    Ok(if flow == Flow::Return {
        Flow::Next
    } else {
        flow
    })
}
