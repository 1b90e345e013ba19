//! The procedures that clients run statements with: sp_executesql, sp_prepexec and their kin.

use crate::session::Session;
use crate::types::SqlError;
use crate::wire::prepared::{Prepared, Statement};
use crate::wire::response::Response;
use crate::wire::rpc::{self, Argument, Call, Procedure};
use crate::wire::shared::Shared;

/// The statement a call runs, for faults that match by text.
pub(crate) fn statement_text(call: &Call, prepared: &Prepared) -> String {
    let argument = |index: usize| call.arguments.get(index).and_then(Argument::text);
    match &call.procedure {
        Procedure::ExecuteSql => argument(0),
        Procedure::Prepare | Procedure::PrepExec => argument(2),
        Procedure::Execute => {
            let handle = call.arguments.first().and_then(Argument::int);
            handle
                .and_then(|handle| prepared.get(handle).ok())
                .map(|statement| statement.text.clone())
        }
        Procedure::Unprepare => None,
        Procedure::Other(name) => Some(name.clone()),
    }
    .unwrap_or_default()
}

/// Runs one call; the handle is the output parameter of the procedures that prepare.
pub(crate) fn run(
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

pub(crate) fn unsupported(what: &str) -> SqlError {
    sql_error(40000, &format!("stand-in: {what} is not supported"))
}

pub(crate) fn sql_error(number: i32, message: &str) -> SqlError {
    SqlError {
        number,
        class: 16,
        state: 1,
        message: message.to_owned(),
        line: 1,
    }
}
