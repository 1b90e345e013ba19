//! One connection: login, then request after request until it ends.

use std::io;
use std::net::TcpStream;

use crate::fault::Plan;
use crate::server::Shared;
use crate::session::Session;
use crate::types::SqlError;
use crate::wire::handshake;
use crate::wire::packet::{self, Message, invalid, kind, status};
use crate::wire::prepared::{Prepared, Statement};
use crate::wire::quiet::Quiet;
use crate::wire::request::{self, Transaction, isolation_sql};
use crate::wire::response::{Outcome, Response};
use crate::wire::rpc::{self, Argument, Call, Procedure};
use crate::wire::token::{self, DoneKind, done, env};
use crate::wire::transport::Transport;
use crate::wire::writer::Writer;

/// The transaction descriptor that clients get and send back; one session has one transaction.
const DESCRIPTOR: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];
/// Rolls back what a deadlock victim has done.
const ROLLBACK: &str = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION";

/// Serves `socket` until the client leaves, an error ends it or the server stops.
pub(crate) fn serve(socket: TcpStream, shared: &Shared, spid: u16) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut transport = Transport::new(socket);
    let mut writer = Writer::new(4096, spid);
    let session = handshake::accept(&mut transport, &mut writer, shared);
    let Ok(Some(session)) = session else {
        transport.close();
        return session.map(drop);
    };
    let _logged_in = shared.counters.logged_in();
    let mut connection = Connection {
        transport,
        writer,
        session,
        prepared: Prepared::default(),
        shared,
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
            .map(|call| self.shared.faults.plan(&self.text_of(call)))
            .unwrap_or_default();
        let Self {
            transport,
            writer,
            session,
            prepared,
            shared,
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
                match run_call(call, session.as_mut(), prepared, shared, &mut response) {
                    Ok(handle) => output = handle,
                    Err(error) => fail(&mut response, &error),
                }
            }
            let output = output.map(|handle| (0, "", handle));
            response.end_call(index + 1 < count, output);
        }
        response.finish()
    }

    /// The statement a call runs, for faults that match by text.
    fn text_of(&self, call: &Call) -> String {
        let argument = |index: usize| call.arguments.get(index).and_then(Argument::text);
        match &call.procedure {
            Procedure::ExecuteSql => argument(0),
            Procedure::Prepare | Procedure::PrepExec => argument(2),
            Procedure::Execute => {
                let handle = call.arguments.first().and_then(Argument::int);
                handle
                    .and_then(|handle| self.prepared.get(handle).ok())
                    .map(|statement| statement.text.clone())
            }
            Procedure::Unprepare => None,
            Procedure::Other(name) => Some(name.clone()),
        }
        .unwrap_or_default()
    }

    fn transaction(&mut self, transaction: Transaction, reset: bool) -> io::Result<Outcome> {
        let statements = transaction_sql(&transaction);
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
            Some(_) => response.push(|out| transaction_changes(&transaction, out)),
        }
        response.finish()
    }
}

/// Runs one call; the handle is the output parameter of the procedures that prepare.
fn run_call(
    call: Call,
    session: &mut dyn Session,
    prepared: &mut Prepared,
    shared: &Shared,
    response: &mut Response<'_>,
) -> Result<Option<i32>, SqlError> {
    let mut arguments = call.arguments.into_iter();
    let name = match call.procedure {
        Procedure::ExecuteSql => {
            let text = text(arguments.next(), "@stmt")?;
            let declared = declared(arguments.next());
            let statement = Statement {
                text,
                parameters: declared,
            };
            execute(&statement, arguments.collect(), session, shared, response)?;
            return Ok(None);
        }
        Procedure::Prepare | Procedure::PrepExec => {
            arguments.next();
            let parameters = declared(arguments.next());
            let text = text(arguments.next(), "@stmt")?;
            let statement = Statement { text, parameters };
            let handle = prepared.add(statement.clone());
            if call.procedure == Procedure::PrepExec {
                execute(&statement, arguments.collect(), session, shared, response)?;
            }
            return Ok(Some(handle));
        }
        Procedure::Execute => {
            let statement = prepared.get(handle(arguments.next())?)?.clone();
            execute(&statement, arguments.collect(), session, shared, response)?;
            return Ok(None);
        }
        Procedure::Unprepare => {
            prepared.remove(handle(arguments.next())?)?;
            return Ok(None);
        }
        Procedure::Other(name) => name,
    };
    shared.counters.statement(&name);
    Err(SqlError {
        number: 2812,
        class: 16,
        state: 62,
        message: format!("Could not find stored procedure '{name}'."),
        line: 1,
    })
}

fn execute(
    statement: &Statement,
    arguments: Vec<Argument>,
    session: &mut dyn Session,
    shared: &Shared,
    response: &mut Response<'_>,
) -> Result<(), SqlError> {
    if arguments.iter().any(|argument| argument.output) {
        return Err(unsupported("output parameters of a statement"));
    }
    shared.counters.statement(&statement.text);
    let parameters = rpc::parameters(arguments, &statement.parameters);
    session.execute(&statement.text, &parameters, response);
    Ok(())
}

fn text(argument: Option<Argument>, name: &str) -> Result<String, SqlError> {
    let text = argument.and_then(|argument| argument.text());
    text.ok_or_else(|| {
        sql_error(
            214,
            &format!("Procedure expects parameter '{name}' of type 'ntext/nchar/nvarchar'."),
        )
    })
}

fn declared(argument: Option<Argument>) -> Vec<String> {
    argument
        .and_then(|argument| argument.text())
        .map_or_else(Vec::new, |text| rpc::declared_names(&text))
}

fn handle(argument: Option<Argument>) -> Result<i32, SqlError> {
    let handle = argument.and_then(|argument| argument.int());
    handle.ok_or_else(|| sql_error(214, "Procedure expects parameter '@handle' of type 'int'."))
}

/// The statements of a request; `None` when it is not supported.
fn transaction_sql(transaction: &Transaction) -> Option<Vec<String>> {
    let begin = |isolation: u8| {
        isolation_sql(isolation)
            .into_iter()
            .chain(["BEGIN TRANSACTION"])
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut statements = match transaction {
        Transaction::Begin { isolation } => return Some(begin(*isolation)),
        Transaction::Commit { .. } => vec!["COMMIT TRANSACTION".to_owned()],
        Transaction::Rollback { name, .. } if name.is_empty() => {
            vec!["ROLLBACK TRANSACTION".to_owned()]
        }
        Transaction::Rollback { name, .. } => {
            vec![format!("ROLLBACK TRANSACTION {}", quoted(name))]
        }
        Transaction::Save { name } => vec![format!("SAVE TRANSACTION {}", quoted(name))],
        Transaction::Unsupported { .. } => return None,
    };
    if let Transaction::Commit {
        again: Some(isolation),
    }
    | Transaction::Rollback {
        again: Some(isolation),
        ..
    } = transaction
    {
        statements.extend(begin(*isolation));
    }
    Some(statements)
}

fn quoted(name: &str) -> String {
    format!("[{}]", name.replace(']', "]]"))
}

/// The ENVCHANGE tokens of a request that succeeded.
fn transaction_changes(transaction: &Transaction, out: &mut Vec<u8>) {
    let again = match transaction {
        Transaction::Begin { .. } => true,
        Transaction::Commit { again } => {
            token::env_bytes(env::COMMIT_TRANSACTION, &[], &DESCRIPTOR, out);
            again.is_some()
        }
        // To a savepoint: the transaction goes on.
        Transaction::Rollback { name, .. } if !name.is_empty() => false,
        Transaction::Rollback { again, .. } => {
            token::env_bytes(env::ROLLBACK_TRANSACTION, &[], &DESCRIPTOR, out);
            again.is_some()
        }
        Transaction::Save { .. } | Transaction::Unsupported { .. } => false,
    };
    if again {
        token::env_bytes(env::BEGIN_TRANSACTION, &DESCRIPTOR, &[], out);
    }
}

fn fail(response: &mut Response<'_>, error: &SqlError) {
    // Whether the client is still there shows when the response is sent.
    let _ = crate::session::Sink::message(response, error);
}

fn unsupported(what: &str) -> SqlError {
    sql_error(40000, &format!("stand-in: {what} is not supported"))
}

fn sql_error(number: i32, message: &str) -> SqlError {
    SqlError {
        number,
        class: 16,
        state: 1,
        message: message.to_owned(),
        line: 1,
    }
}
