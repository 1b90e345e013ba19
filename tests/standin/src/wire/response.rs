//! The answer to one request: turns what the engine reports into tokens, packets and faults.

mod fault;

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::counters::Counters;
use crate::fault::{Plan, RowFault};
use crate::session::Sink;
use crate::types::{Column, SqlError, Value};
use crate::wire::encode::Layout;
use crate::wire::token::{self, DoneKind, done, env};
use crate::wire::transport::Transport;
use crate::wire::writer::Writer;

/// CurCmd of a SELECT, as every result set is reported.
const SELECT: u16 = 0xC1;
/// CurCmd of the end of a procedure.
const EXECUTE: u16 = 0xE0;
/// How often a silent statement may look for one.
const POLL_STEP: Duration = Duration::from_millis(50);

/// Why a response ended before the engine was done.
#[derive(Debug)]
enum Stop {
    /// The client asked for it.
    Attention,
    /// The client is gone, or a fault made it look so.
    Lost(io::Error),
    /// A fault's error ends the response.
    Error,
}

/// A DONE that is held back until it is known whether more follows.
#[derive(Debug, Clone, Copy)]
struct Held {
    status: u16,
    command: u16,
    count: u64,
}

/// One request's answer.
pub(crate) struct Response<'a> {
    transport: &'a mut Transport,
    writer: &'a mut Writer,
    counters: &'a Counters,
    /// The token that ends a statement: DONE in a batch, DONEINPROC in a call.
    kind: DoneKind,
    layout: Option<Layout>,
    in_result: bool,
    held: Option<Held>,
    /// An error since the last DONE.
    failed: bool,
    /// An error in the current call.
    call_failed: bool,
    stop: Option<Stop>,
    fatal: bool,
    deadlocked: bool,
    rows: u64,
    rows_counted: u64,
    faults: Vec<RowFault>,
    polled: Instant,
}

/// What the connection must do after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The session was a deadlock victim by a fault: its transaction is to be rolled back.
    pub(crate) deadlocked: bool,
    /// An error of class 20 or more ends the connection.
    pub(crate) fatal: bool,
}

impl<'a> Response<'a> {
    pub(crate) fn new(
        transport: &'a mut Transport,
        writer: &'a mut Writer,
        counters: &'a Counters,
        plan: Plan,
        kind: DoneKind,
    ) -> Self {
        writer.begin(plan.cut);
        Self {
            transport,
            writer,
            counters,
            kind,
            layout: None,
            in_result: false,
            held: None,
            failed: false,
            call_failed: false,
            stop: None,
            fatal: false,
            deadlocked: false,
            rows: 0,
            rows_counted: 0,
            faults: plan.rows,
            polled: Instant::now(),
        }
    }

    /// The faults at row 0; `Break` when the batch is not to run.
    pub(crate) fn start(&mut self) -> ControlFlow<()> {
        self.faults_before(None)
    }

    /// Tokens that belong to no statement, such as ENVCHANGE.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.release(done::MORE);
        write(&mut self.writer.payload);
    }

    /// Ends one call of an RPC request.
    pub(crate) fn end_call(&mut self, more: bool, output: Option<(u16, &str, i32)>) {
        if self
            .stop
            .as_ref()
            .is_some_and(|stop| !matches!(stop, Stop::Error))
        {
            return;
        }
        self.hold_failure();
        let status = i32::from(self.call_failed);
        let error = if self.call_failed { done::ERROR } else { 0 };
        let more = if more { done::MORE } else { 0 };
        self.push(|out| {
            token::return_status(status, out);
            if let Some((ordinal, name, value)) = output {
                token::return_int(ordinal, name, value, out);
            }
            token::push_done(DoneKind::Procedure, error | more, EXECUTE, 0, out);
        });
        self.call_failed = false;
    }

    /// Ends the response and sends what is left of it.
    pub(crate) fn finish(mut self) -> io::Result<Outcome> {
        match self.stop.take() {
            Some(Stop::Lost(error)) => return Err(error),
            Some(Stop::Attention) => {
                self.counters.attention();
                self.push(|out| token::push_done(DoneKind::Batch, done::ATTENTION, 0, 0, out));
            }
            Some(Stop::Error) | None if self.kind == DoneKind::Batch => {
                self.hold_failure();
                self.held.get_or_insert(Held {
                    status: 0,
                    command: 0,
                    count: 0,
                });
                self.release(0);
            }
            // A fault has ended a call whose end_call came before; nothing is left to say.
            Some(Stop::Error) | None => {}
        }
        self.count_rows();
        self.writer.finish(self.transport, self.counters)?;
        Ok(Outcome {
            deadlocked: self.deadlocked,
            fatal: self.fatal,
        })
    }

    /// An error without a DONE of its own gets one.
    fn hold_failure(&mut self) {
        if self.failed {
            self.hold(None);
        }
    }

    fn hold(&mut self, count: Option<u64>) {
        self.release(done::MORE);
        let mut status = if count.is_some() { done::COUNT } else { 0 };
        if self.failed {
            status |= done::ERROR;
        }
        // Which statement it was is not told to the wire; clients use the command for SELECT only.
        let command = if self.in_result { SELECT } else { 0 };
        self.held = Some(Held {
            status,
            command,
            count: count.unwrap_or(0),
        });
        self.failed = false;
        self.in_result = false;
    }

    /// Writes the DONE that was held back.
    fn release(&mut self, more: u16) {
        if let Some(held) = self.held.take() {
            // DONEINPROC is always followed by DONEPROC.
            let more = if self.kind == DoneKind::Batch {
                more
            } else {
                done::MORE
            };
            token::push_done(
                self.kind,
                held.status | more,
                held.command,
                held.count,
                &mut self.writer.payload,
            );
        }
    }

    fn count_rows(&mut self) {
        self.counters.sent_rows(self.rows - self.rows_counted);
        self.rows_counted = self.rows;
    }

    /// Sends when enough is waiting, and then looks for an attention.
    fn flush_when_due(&mut self) -> ControlFlow<()> {
        if !self.writer.is_due() {
            return self.going_on();
        }
        self.count_rows();
        match self.writer.flush(self.transport, self.counters) {
            Ok(()) => self.look_for_attention(),
            Err(error) => self.break_with(Stop::Lost(error)),
        }
    }

    fn look_for_attention(&mut self) -> ControlFlow<()> {
        self.polled = Instant::now();
        match self.transport.poll_attention() {
            Ok(false) => self.going_on(),
            Ok(true) => self.break_with(Stop::Attention),
            Err(error) => self.break_with(Stop::Lost(error)),
        }
    }

    fn going_on(&self) -> ControlFlow<()> {
        if self.stop.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn break_with(&mut self, stop: Stop) -> ControlFlow<()> {
        self.stop.get_or_insert(stop);
        ControlFlow::Break(())
    }

    fn write_message(&mut self, message: &SqlError) {
        self.release(done::MORE);
        token::message(message, &mut self.writer.payload);
        if message.class > 10 {
            self.failed = true;
            self.call_failed = true;
        }
        self.fatal |= message.class >= 20;
    }
}

impl Sink for Response<'_> {
    fn columns(&mut self, columns: &[Column]) -> ControlFlow<()> {
        self.going_on()?;
        self.release(done::MORE);
        let layout = Layout::new(columns);
        self.writer.payload.extend_from_slice(layout.metadata());
        self.layout = Some(layout);
        self.in_result = true;
        self.going_on()
    }

    fn row(&mut self, values: &[Value]) -> ControlFlow<()> {
        self.going_on()?;
        let Some(layout) = &self.layout else {
            return self.message(&internal_error("row without columns"));
        };
        let start = self.writer.payload.len();
        if let Err(mismatch) = layout.encode_row(values, &mut self.writer.payload) {
            self.write_message(&internal_error(&mismatch.to_string()));
            return self.break_with(Stop::Error);
        }
        if self.fault_is_due() {
            let row = self.writer.payload.split_off(start);
            self.faults_before(Some(&row))?;
            self.writer.payload.extend_from_slice(&row);
        }
        self.rows += 1;
        self.flush_when_due()
    }

    fn takes_encoded_rows(&self) -> bool {
        true
    }

    fn encoded_rows(&mut self, tokens: &[u8], rows: u64) -> ControlFlow<()> {
        self.going_on()?;
        let first_fault = self.faults.last().map_or(u64::MAX, |fault| fault.row);
        if self.rows + rows <= first_fault {
            self.writer.payload.extend_from_slice(tokens);
            self.rows += rows;
            return self.flush_when_due();
        }
        let mut rest = tokens;
        while !rest.is_empty() {
            let Some(length) = self
                .layout
                .as_ref()
                .and_then(|layout| layout.row_length(rest))
            else {
                self.write_message(&internal_error(
                    "encoded rows that are not rows of this result",
                ));
                return self.break_with(Stop::Error);
            };
            let (row, after) = rest.split_at(length);
            self.faults_before(Some(row))?;
            self.writer.payload.extend_from_slice(row);
            self.rows += 1;
            rest = after;
        }
        self.flush_when_due()
    }

    fn done(&mut self, count: Option<u64>) -> ControlFlow<()> {
        // The faults of a result that has exactly as many rows.
        self.faults_before(None)?;
        self.hold(count);
        self.flush_when_due()
    }

    fn message(&mut self, message: &SqlError) -> ControlFlow<()> {
        self.going_on()?;
        self.write_message(message);
        self.flush_when_due()
    }

    fn database_changed(&mut self, from: &str, to: &str) -> ControlFlow<()> {
        // Even after a break: the session is in the other database now.
        self.push(|out| {
            token::env_text(env::DATABASE, to, from, out);
            token::message(&database_message(to), out);
        });
        self.going_on()
    }

    fn poll(&mut self) -> ControlFlow<()> {
        if self.stop.is_some() || self.polled.elapsed() < POLL_STEP {
            return self.going_on();
        }
        self.look_for_attention()
    }
}

/// INFO 5701.
pub(crate) fn database_message(database: &str) -> SqlError {
    let message = format!("Changed database context to '{database}'.");
    SqlError {
        number: 5701,
        class: 0,
        state: 2,
        message,
        line: 0,
    }
}

fn internal_error(what: &str) -> SqlError {
    let message = format!("stand-in: {what}");
    SqlError {
        number: 50000,
        class: 16,
        state: 1,
        message,
        line: 0,
    }
}
