//! What the client is told at the end of a statement.

use crate::engine::error::info;
use crate::engine::session::outcome::Flow;
use crate::engine::session::sql_session::SqlSession;
use crate::session::Sink;

/// Tells what was passed over; a client that went away is noticed by the next statement.
pub(crate) fn told_only(sink: &mut dyn Sink, text: String, line: u32) {
    let mut message = info(40_000, text);
    message.line = line;
    let _ = sink.message(&message);
}

pub(crate) fn finished(sink: &mut dyn Sink) -> Flow {
    if sink.done(None).is_break() {
        Flow::Stop
    } else {
        Flow::Next
    }
}

pub(crate) fn counted(session: &mut SqlSession, rows: u64, sink: &mut dyn Sink) -> Flow {
    session.row_count = rows;
    let count = (!session.settings.no_count).then_some(rows);
    if sink.done(count).is_break() {
        Flow::Stop
    } else {
        Flow::Next
    }
}
