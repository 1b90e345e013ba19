//! One connection: login, then request after request until it ends.

use std::io;
use std::net::TcpStream;

use crate::fault::Plan;
use crate::session::Session;
use crate::types::SqlError;
use crate::wire::call::{self, sql_error, unsupported};
use crate::wire::handshake::{self, LoggedIn, Peer};
use crate::wire::packet::{self, Message, invalid, kind, status};
use crate::wire::prepared::Prepared;
use crate::wire::quiet::Quiet;
use crate::wire::request;
use crate::wire::response::{Outcome, Response};
use crate::wire::rpc::{self, Call};
use crate::wire::shared::{ConnectionInfo, Shared};
use crate::wire::token::{self, DoneKind, done, env};
use crate::wire::transaction::{self, Transaction};
use crate::wire::transport::Transport;
use crate::wire::writer::Writer;

/// Rolls back what a deadlock victim has done.
const ROLLBACK: &str = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION";

/// Serves `socket` until the client leaves, an error ends it or the server stops.
pub(crate) fn serve(socket: TcpStream, shared: &Shared, number: u64) -> io::Result<()> {
    let address = socket.peer_addr()?.ip().to_string();
    let peer = Peer { number, address };
    socket.set_nodelay(true)?;
    let mut transport = Transport::new(socket);
    let mut writer = Writer::new(packet::DEFAULT_PACKET);
    let logged_in = handshake::accept(&mut transport, &mut writer, shared, &peer);
    let Ok(Some(LoggedIn {
        session,
        open: _open,
        info,
    })) = logged_in
    else {
        transport.close();
        return logged_in.map(drop);
    };
    let mut connection = Connection {
        transport,
        writer,
        session,
        prepared: Prepared::default(),
        shared,
        number,
        info,
    };
    let result = connection.run();
    connection.transport.close();
    result
}

struct Connection<'a> {
    transport: Transport,
    writer: Writer,
    session: Box<dyn Session>,
    prepared: Prepared,
    shared: &'a Shared,
    number: u64,
    info: ConnectionInfo,
}

impl Connection<'_> {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let message = match packet::read_message(&mut self.transport) {
                Ok(message) => message,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            };
            let outcome = self.request(&message)?;
            if outcome.deadlocked {
                self.session.execute(ROLLBACK, &[], &mut Quiet::default());
            }
            if self.info.database != self.session.database() {
                self.session.database().clone_into(&mut self.info.database);
                self.shared.set_info(self.number, self.info.clone());
            }
            if outcome.fatal {
                return Ok(());
            }
        }
    }

    fn request(&mut self, message: &Message) -> io::Result<Outcome> {
        if message.kind == kind::ATTENTION {
            // It came after the response it was meant for.
            self.shared.counters.attention();
            return self.single_done(done::ATTENTION);
        }
        if message.status & status::IGNORE != 0 {
            return self.single_done(done::ERROR);
        }
        let reset =
            message.status & (status::RESET_CONNECTION | status::RESET_CONNECTION_SKIP_TRAN) != 0;
        if reset {
            self.shared.counters.reset();
            self.session.reset();
        }
        match message.kind {
            kind::BATCH => self.batch(&request::batch_text(&message.payload)?, reset),
            kind::RPC => self.rpc(rpc::parse(&message.payload), reset),
            kind::TRANSACTION => self.transaction(Transaction::parse(&message.payload)?, reset),
            kind::BULK_LOAD => {
                let mut response = self.response(Plan::default(), DoneKind::Batch, false);
                fail(&mut response, &unsupported("bulk load"));
                response.finish()
            }
            _ => Err(invalid("packet type that no request has")),
        }
    }

    fn response(&mut self, plan: Plan, kind: DoneKind, reset: bool) -> Response<'_> {
        let mut response = Response::new(
            &mut self.transport,
            &mut self.writer,
            &self.shared.counters,
            plan,
            kind,
        );
        if reset {
            response.push(|out| token::env_bytes(env::RESET_CONNECTION, &[], &[], out));
        }
        response
    }

    fn single_done(&mut self, status: u16) -> io::Result<Outcome> {
        self.writer.begin(None);
        token::push_done(DoneKind::Batch, status, 0, 0, &mut self.writer.payload);
        self.writer
            .finish(&mut self.transport, &self.shared.counters)?;
        Ok(Outcome {
            deadlocked: false,
            fatal: false,
        })
    }

    fn batch(&mut self, text: &str, reset: bool) -> io::Result<Outcome> {
        self.shared.counters.batch(text);
        let plan = self.shared.faults.plan(text);
        // The response borrows the connection's parts one by one, so that the session stays free.
        let Self {
            transport,
            writer,
            session,
            shared,
            ..
        } = self;
        let mut response =
            Response::new(transport, writer, &shared.counters, plan, DoneKind::Batch);
        if reset {
            response.push(|out| token::env_bytes(env::RESET_CONNECTION, &[], &[], out));
        }
        if response.start().is_continue() {
            session.execute(text, &[], &mut response);
        }
        response.finish()
    }

    fn rpc(&mut self, calls: io::Result<Vec<Call>>, reset: bool) -> io::Result<Outcome> {
        self.shared.counters.rpc();
        let calls = match calls {
            Ok(calls) => calls,
            // The message is whole, so the stream is in step: a parameter that cannot be taken is
            // an error of this request alone.
            Err(error) => {
                let mut response = self.response(Plan::default(), DoneKind::Batch, reset);
                fail(
                    &mut response,
                    &sql_error(
                        8023,
                        &format!("The incoming RPC protocol stream is incorrect: {error}."),
                    ),
                );
                return response.finish();
            }
        };
        let plan = calls
            .first()
            .map(|call| {
                self.shared
                    .faults
                    .plan(&call::statement_text(call, &self.prepared))
            })
            .unwrap_or_default();
        let Self {
            transport,
            writer,
            session,
            prepared,
            shared,
            ..
        } = self;
        let mut response = Response::new(
            transport,
            writer,
            &shared.counters,
            plan,
            DoneKind::InProcedure,
        );
        if reset {
            response.push(|out| token::env_bytes(env::RESET_CONNECTION, &[], &[], out));
        }
        let going_on = response.start().is_continue();
        let count = calls.len();
        for (index, call) in calls.into_iter().enumerate() {
            let mut output = None;
            if going_on {
                match call::run(call, session.as_mut(), prepared, shared, &mut response) {
                    Ok(handle) => output = handle,
                    Err(error) => fail(&mut response, &error),
                }
            }
            let output = output.map(|handle| (0, "", handle));
            response.end_call(index + 1 < count, output);
        }
        response.finish()
    }

    fn transaction(&mut self, transaction: Transaction, reset: bool) -> io::Result<Outcome> {
        let statements = transaction::statements(&transaction);
        let mut quiet = Quiet::default();
        for statement in statements.iter().flatten() {
            self.shared.counters.statement(statement);
            self.session.execute(statement, &[], &mut quiet);
        }
        let mut response = self.response(Plan::default(), DoneKind::Batch, reset);
        match &statements {
            None => fail(&mut response, &unsupported("distributed transactions")),
            Some(_) if !quiet.errors.is_empty() => quiet
                .errors
                .iter()
                .for_each(|error| fail(&mut response, error)),
            Some(_) => response.push(|out| transaction::changes(&transaction, out)),
        }
        response.finish()
    }
}

fn fail(response: &mut Response<'_>, error: &SqlError) {
    // Whether the client is still there shows when the response is sent.
    let _ = crate::session::Sink::message(response, error);
}
