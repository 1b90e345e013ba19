//! SELECT as a statement: results, assignments and SELECT INTO.

use std::cell::RefCell;
use std::sync::Arc;

use sqlparser::ast::{Query, SetExpr};

use crate::engine::control::told::{counted, finished};
use crate::engine::error::{Result, unsupported};
use crate::engine::eval::expr::Run;
use crate::engine::eval::flow::Stop;
use crate::engine::eval::plan::Plan;
use crate::engine::eval::run;
use crate::engine::model::facts::Facts;
use crate::engine::query::bind::{Binder, Output};
use crate::engine::query::direct::{Direct, Sent};
use crate::engine::query::source::name_of;
use crate::engine::query::{assign, governor, mask};
use crate::engine::session::outcome::{Flow, changing};
use crate::engine::session::sql_session::SqlSession;
use crate::engine::{datatype, dml, procedure};
use crate::session::Sink;
use crate::types::Column;
use crate::work::Ledger;

pub(super) fn query_statement(
    session: &mut SqlSession,
    query: &Query,
    sink: &mut dyn Sink,
) -> Result<Flow> {
    if let Some(names) = assign::variables(query)? {
        return assign_rows(session, query, &names, sink);
    }
    if let SetExpr::Select(select) = query.body.as_ref()
        && let Some(into) = &select.into
    {
        return select_into(session, query, into, sink);
    }
    let facts = session.facts();
    let (plan, columns) = Binder::new(&facts).query(query)?;
    let limit = session.settings.cost_limit;
    governor::allow(&plan, limit.unwrap_or(facts.options.cost_limit))?;
    drop(facts);
    let plan = mask::shown(plan, &columns);
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
        Some(direct) => direct.send(&columns, sink, &session.engine.ledger, &session.batch),
        None => send_rows(&plan, sink, &session.engine.ledger, &session.batch),
    };
    match sent {
        Err(Stop::Error(e)) => Err(e),
        Err(Stop::Enough) => Ok(Flow::Stop),
        Ok(sent) if sent.gone => Ok(Flow::Stop),
        Ok(sent) => Ok(counted(session, sent.rows, sink)),
    }
}

/// Sends the rows of a plan one by one; what that takes goes into `ledger`.
fn send_rows(
    plan: &Plan,
    sink: &mut dyn Sink,
    ledger: &Ledger,
    batch: &str,
) -> std::result::Result<Sent, Stop> {
    let mut sent = Sent {
        rows: 0,
        gone: false,
    };
    let sink = RefCell::new(sink);
    let watch = || sink.borrow_mut().poll();
    let run = Run::watched(&watch).counted(ledger, batch);
    let flow = run::run(plan, None, &run, &mut |row| {
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
    let watched = RefCell::new(&mut *sink);
    let watch = || watched.borrow_mut().poll();
    let engine = Arc::clone(&session.engine);
    let batch = Arc::clone(&session.batch);
    let run = Run::watched(&watch).counted(&engine.ledger, &batch);
    let count = assign::rows(Binder::new(&facts), query, names, &run)?;
    let variables = run.variables.take();
    drop(run);
    for (name, value) in variables {
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
        let plan = mask::shown(plan, &columns);
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
