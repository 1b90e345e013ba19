//! Runs batches: control flow, result sets, messages and errors.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlparser::ast::{Ident, Query, SelectItem, SetExpr};

use crate::engine::error::{Result, error, info, unsupported};
use crate::engine::expr::{Env, Run, Watch};
use crate::engine::facts::{Facts, Variable};
use crate::engine::parse::script;
use crate::engine::parse::statement::{Located, Statement};
use crate::engine::procedure;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::query::direct::{Direct, Sent};
use crate::engine::query::from::name_of;
use crate::engine::query::plan::Plan;
use crate::engine::query::run::{self, Stop};
use crate::engine::session::SqlSession;
use crate::engine::state::State;
use crate::engine::table::fold;
use crate::engine::value::convert::{How, convert};
use crate::engine::value::text;
use crate::engine::{datatype, ddl, dml};
use crate::session::Sink;
use crate::types::{Column, SqlError, SqlType, Value};

/// How a statement ended, for those around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    Break,
    Continue,
    Return,
    /// The client went away or asked to stop, or an error ends the batch.
    Stop,
}

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
        Statement::Query(query) => return query_statement(session, query, sink),
        Statement::Insert(insert) => {
            let changed = changing(session, sink, |facts, state, watch| {
                dml::insert(facts, state, insert, facts.identity_insert, watch)
            })?;
            if let Some(last) = changed.identity {
                session.identity.session = Some(last);
                session.identity.scope = Some(last);
            }
            return Ok(counted(session, changed.rows, sink));
        }
        Statement::Update(update) => {
            let changed = changing(session, sink, |facts, state, watch| {
                dml::update(facts, state, update, watch)
            })?;
            return Ok(counted(session, changed.rows, sink));
        }
        Statement::Delete(delete) => {
            let changed = changing(session, sink, |facts, state, watch| {
                dml::delete(facts, state, delete, watch)
            })?;
            return Ok(counted(session, changed.rows, sink));
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
        Statement::Return => return Ok(Flow::Return),
        Statement::Print(expr) => {
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
            message.line = located.line;
            let gone = sink.message(&message).is_break() || sink.done(None).is_break();
            return Ok(if gone { Flow::Stop } else { Flow::Next });
        }
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
            let facts = session.facts();
            let (value, t) = Binder::new(&facts).constant(expr)?;
            let time = convert(&value, &t.ty, &SqlType::Time { scale: 7 }, How::default())?;
            if let Value::Time(ticks) = time {
                let end = Instant::now() + Duration::from_nanos(ticks.saturating_mul(100));
                if wait(end, sink).is_break() {
                    return Ok(Flow::Stop);
                }
            }
        }
        Statement::Execute { procedure, args } => {
            return procedure::execute(session, procedure, args, sink);
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

/// Changes the state as [`SqlSession::change`], with an eye on the client.
pub(crate) fn changing<T>(
    session: &mut SqlSession,
    sink: &mut dyn Sink,
    change: impl FnOnce(&Facts, &mut State, &Watch<'_>) -> Result<T>,
) -> Result<T> {
    let sink = RefCell::new(sink);
    let watch = || sink.borrow_mut().poll();
    session.change(&watch, |facts, state| change(facts, state, &watch))
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

/// Statements without a result or a count.
fn quiet(
    session: &mut SqlSession,
    statement: &Statement,
    line: u32,
    sink: &mut dyn Sink,
) -> Result<()> {
    match statement {
        Statement::Declare(declarations) => {
            for d in declarations {
                let facts = session.facts();
                let (ty, ..) = facts.resolve_type(&d.ty, false)?;
                session.variables.insert(
                    fold(&d.name),
                    Variable {
                        ty,
                        value: Value::Null,
                    },
                );
                if let Some(value) = &d.value {
                    assign(session, &d.name, value)?;
                }
            }
            Ok(())
        }
        Statement::SetVariable { name, value } => assign(session, name, value),
        Statement::SetOption { words, on } => session.set_option(words, *on),
        Statement::SetIdentityInsert { table, on } => {
            procedure::identity_insert(session, table, *on)
        }
        Statement::CreateTable(create) => changing(session, sink, |f, s, _| {
            ddl::create_table(f, s, create).map(|_| ())
        }),
        Statement::CreateIndex(create) => {
            changing(session, sink, |f, s, _| ddl::create_index(f, s, create))
        }
        Statement::AlterIndex {
            index,
            table,
            rebuild,
        } => changing(session, sink, |f, s, _| {
            ddl::alter_index(f, s, index.as_deref(), table, *rebuild)
        }),
        Statement::AlterTable { table, change } => changing(session, sink, |f, s, _| {
            ddl::alter_table(f, s, table, change)
        }),
        Statement::DropTable { names, if_exists } => changing(session, sink, |f, s, _| {
            names
                .iter()
                .try_for_each(|n| ddl::drop_table(f, s, n, *if_exists))
        }),
        Statement::DropIndex {
            index,
            table,
            if_exists,
        } => changing(session, sink, |f, s, _| {
            ddl::drop_index(f, s, index, table, *if_exists)
        }),
        Statement::Truncate(table) => changing(session, sink, |f, s, _| dml::truncate(f, s, table)),
        Statement::Begin => {
            session.begin();
            Ok(())
        }
        Statement::Commit => session.commit(),
        Statement::Rollback(name) => session.rollback(name.as_deref()),
        Statement::Save(name) => session.save(name),
        Statement::Skipped { kind, name } => {
            let mut message = info(
                40_000,
                format!("The stand-in server skips {kind} '{name}'."),
            );
            message.line = line;
            let _ = sink.message(&message);
            Ok(())
        }
        Statement::NoEffect => Ok(()),
        other => changing(session, sink, |f, s, _| {
            procedure::server_statement(f, s, other)
        }),
    }
}

fn finished(sink: &mut dyn Sink) -> Flow {
    if sink.done(None).is_break() {
        Flow::Stop
    } else {
        Flow::Next
    }
}

fn counted(session: &mut SqlSession, rows: u64, sink: &mut dyn Sink) -> Flow {
    session.row_count = rows;
    let count = (!session.settings.no_count).then_some(rows);
    if sink.done(count).is_break() {
        Flow::Stop
    } else {
        Flow::Next
    }
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

fn test(session: &mut SqlSession, condition: &sqlparser::ast::Expr) -> Result<bool> {
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
    condition: &sqlparser::ast::Expr,
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
pub(crate) fn nested(
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

pub(crate) fn assign(
    session: &mut SqlSession,
    name: &str,
    value: &sqlparser::ast::Expr,
) -> Result<()> {
    let facts = session.facts();
    let ty = facts.variable(name)?.ty.clone();
    let (value, t) = Binder::new(&facts).constant(value)?;
    let how = How {
        truncate: true,
        order: facts.date_order,
        code_page: Some(1252),
        ..How::default()
    };
    let value = convert(&value, &t.ty, &ty, how)?;
    session.variables.insert(fold(name), Variable { ty, value });
    Ok(())
}

/// The variables that a `SELECT @a = ..., @b = ...` sets, if it is one.
fn assigned(query: &Query) -> Result<Option<Vec<String>>> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Ok(None);
    };
    let target =
        |i: &Ident| (i.quote_style.is_none() && i.value.starts_with('@')).then(|| i.value.clone());
    let names: Vec<Option<String>> = select
        .projection
        .iter()
        .map(|item| {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                target(alias)
            } else {
                None
            }
        })
        .collect();
    if names.iter().all(Option::is_none) {
        return Ok(None);
    }
    let all: Option<Vec<String>> = names.into_iter().collect();
    all.map(Some).ok_or_else(|| {
        error(141, 15, "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations.")
    })
}

fn query_statement(session: &mut SqlSession, query: &Query, sink: &mut dyn Sink) -> Result<Flow> {
    if let Some(names) = assigned(query)? {
        return assign_rows(session, query, &names, sink);
    }
    if let SetExpr::Select(select) = query.body.as_ref()
        && let Some(into) = &select.into
    {
        return select_into(session, query, into, sink);
    }
    let facts = session.facts();
    let (plan, columns) = Binder::new(&facts).query(query)?;
    drop(facts);
    let plan = match session.settings.row_limit {
        0 => plan,
        n => Plan::Limit {
            input: Box::new(plan),
            offset: 0,
            count: Some(n),
            ties: None,
        },
    };
    let columns = described(&columns);
    if sink.columns(&columns).is_break() {
        return Ok(Flow::Stop);
    }
    let sent = match Direct::of(&plan).filter(|_| sink.takes_encoded_rows()) {
        Some(direct) => direct.send(&columns, sink),
        None => send_rows(&plan, sink),
    };
    match sent {
        Err(Stop::Error(e)) => Err(e),
        Err(Stop::Enough) => Ok(Flow::Stop),
        Ok(sent) if sent.gone => Ok(Flow::Stop),
        Ok(sent) => Ok(counted(session, sent.rows, sink)),
    }
}

/// Sends the rows of a plan one by one.
fn send_rows(plan: &Plan, sink: &mut dyn Sink) -> std::result::Result<Sent, Stop> {
    let mut sent = Sent {
        rows: 0,
        gone: false,
    };
    let sink = RefCell::new(sink);
    let watch = || sink.borrow_mut().poll();
    let flow = run::run(plan, None, &Run::watched(&watch), &mut |row| {
        sent.rows += 1;
        if sink.borrow_mut().row(row).is_break() {
            sent.gone = true;
            return Err(Stop::Enough);
        }
        Ok(())
    });
    match flow {
        Err(Stop::Error(e)) => Err(Stop::Error(e)),
        _ => Ok(sent),
    }
}

fn described(columns: &[Output]) -> Vec<Column> {
    columns
        .iter()
        .map(|c| Column {
            name: c.name.clone(),
            ty: c.t.ty.clone(),
            nullable: c.t.nullable,
            identity: c.identity,
            computed: c.computed,
            collation: c
                .t
                .collation
                .clone()
                .filter(|_| datatype::has_collation(&c.t.ty)),
        })
        .collect()
}

fn assign_rows(
    session: &mut SqlSession,
    query: &Query,
    names: &[String],
    sink: &mut dyn Sink,
) -> Result<Flow> {
    let facts = session.facts();
    let mut types = Vec::new();
    for name in names {
        types.push(facts.variable(name)?.ty.clone());
    }
    let mut plain = query.clone();
    if let SetExpr::Select(select) = plain.body.as_mut() {
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { expr, .. } = item {
                *item = SelectItem::UnnamedExpr(expr.clone());
            }
        }
    }
    let mut binder = Binder::new(&facts);
    binder.live = true;
    let (plan, columns) = binder.query(&plain)?;
    let watched = RefCell::new(&mut *sink);
    let watch = || watched.borrow_mut().poll();
    let run = Run::watched(&watch);
    run.variables.replace(
        facts
            .variables
            .iter()
            .map(|(n, v)| (n.clone(), v.value.clone()))
            .collect(),
    );
    let how = How {
        truncate: true,
        order: facts.date_order,
        code_page: Some(1252),
        ..How::default()
    };
    let mut count = 0;
    let flow = run::run(&plan, None, &run, &mut |row| {
        count += 1;
        for (i, name) in names.iter().enumerate() {
            let value = convert(&row[i], &columns[i].t.ty, &types[i], how)?;
            run.variables.borrow_mut().insert(fold(name), value);
        }
        Ok(())
    });
    if let Err(Stop::Error(e)) = flow {
        return Err(e);
    }
    for (name, value) in run.variables.into_inner() {
        if let Some(variable) = session.variables.get_mut(&name) {
            variable.value = value;
        }
    }
    session.row_count = count;
    Ok(finished(sink))
}

fn select_into(
    session: &mut SqlSession,
    query: &Query,
    into: &sqlparser::ast::SelectInto,
    sink: &mut dyn Sink,
) -> Result<Flow> {
    let name = match into.targets.as_slice() {
        [sqlparser::ast::Expr::Identifier(i)] => name_of(&vec![i.clone()].into())?,
        [sqlparser::ast::Expr::CompoundIdentifier(parts)] => name_of(&parts.clone().into())?,
        _ => return Err(unsupported("this form of SELECT INTO")),
    };
    let mut plain = query.clone();
    if let SetExpr::Select(select) = plain.body.as_mut() {
        select.into = None;
    }
    let count = changing(session, sink, |facts, state, watch| {
        let (plan, columns) = Binder::new(facts).query(&plain)?;
        let rows = run::collect(&plan, None, &Run::watched(watch), None)?;
        procedure::create_from(facts, state, &name, &columns)?;
        let facts = Facts {
            state: Arc::new(state.clone()),
            ..facts.clone()
        };
        dml::load(&facts, state, &name, rows.into_iter())
    })?;
    Ok(counted(session, count, sink))
}
