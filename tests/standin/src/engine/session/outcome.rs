//! How a statement ends, and changes with an eye on the client.

use std::cell::RefCell;

use crate::engine::error::Result;
use crate::engine::eval::expr::Watch;
use crate::engine::model::facts::Facts;
use crate::engine::model::state::State;
use crate::engine::session::sql_session::SqlSession;
use crate::session::Sink;

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
