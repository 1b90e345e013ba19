//! What the server knows: clocks, new identifiers, sequences, logins.
//!
//! None of them is immutable. What names a login, a user or a database names those of the target,
//! with a note.

use sqlparser::ast::{Expr, Function, Ident};

use super::Call;
use crate::schema::SqlType;
use crate::translate::context::Context;
use crate::translate::convert;
use crate::translate::value::{Clock, Value, quote};
use crate::translate::{Outcome, Untranslated, Volatility};

#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "GETDATE",
    "CURRENT_TIMESTAMP",
    "SYSDATETIME",
    "GETUTCDATE",
    "SYSUTCDATETIME",
    "SYSDATETIMEOFFSET",
    "NEWID",
    "NEWSEQUENTIALID",
    "ORIGINAL_LOGIN",
    "SUSER_SNAME",
    "SUSER_NAME",
    "SYSTEM_USER",
    "CURRENT_USER",
    "SESSION_USER",
    "USER_NAME",
    "DB_NAME",
    "APP_NAME",
];

/// Names that stand without brackets and are never columns.
pub(super) const RESERVED: &[&str] = &[
    "CURRENT_TIMESTAMP",
    "CURRENT_USER",
    "SESSION_USER",
    "SYSTEM_USER",
    "USER",
];

pub(super) fn call(context: &mut Context<'_>, call: &Call<'_>) -> Option<Outcome<Value>> {
    let precise = SqlType::DateTime2 { scale: 7 };
    let read = match call.name {
        "GETDATE" | "CURRENT_TIMESTAMP" => clock(context, Clock::Local, SqlType::DateTime),
        "SYSDATETIME" => clock(context, Clock::Local, precise),
        "GETUTCDATE" => clock(context, Clock::Utc, SqlType::DateTime),
        "SYSUTCDATETIME" => clock(context, Clock::Utc, precise),
        "SYSDATETIMEOFFSET" => clock(context, Clock::Offset, SqlType::DateTimeOffset { scale: 7 }),
        "NEWID" | "NEWSEQUENTIALID" => Ok(new_id(context, call.name)),
        "ORIGINAL_LOGIN" | "SUSER_SNAME" | "SUSER_NAME" | "SYSTEM_USER" => {
            Ok(login(context, call.name))
        }
        "CURRENT_USER" | "SESSION_USER" | "USER" | "USER_NAME" => Ok(named(
            context,
            "current_user::text",
            "the user is the role of the target; the source often has dbo",
        )),
        "DB_NAME" => Ok(named(
            context,
            "current_database()::text",
            "the name of the database is that of the target",
        )),
        "APP_NAME" => Ok(named(
            context,
            "current_setting('application_name')",
            "the name of the application is the session's application_name",
        )),
        _ => return None,
    };
    match call.arguments {
        [] => Some(read),
        _ => Some(Err(call.refused("arguments"))),
    }
}

fn clock(context: &mut Context<'_>, clock: Clock, ty: SqlType) -> Outcome<Value> {
    context.at_least(Volatility::Stable);
    if clock == Clock::Local {
        context.note(
            "the time of day is that of the session's TimeZone; the source uses that of its \
             server",
        );
    }
    convert::clock(clock, ty)
}

/// `@@DATEFIRST`, by which queries undo the setting.
pub(super) fn date_first(context: &Context<'_>) -> Outcome<Value> {
    context.only_read("@@DATEFIRST")?;
    Ok(Value::int(7))
}

fn new_id(context: &mut Context<'_>, name: &str) -> Value {
    context.at_least(Volatility::Volatile);
    if name == "NEWSEQUENTIALID" {
        context.note("new identifiers are random; the source makes each larger than the last");
    }
    Value::atom("gen_random_uuid()", SqlType::UniqueIdentifier)
}

fn named(context: &mut Context<'_>, sql: &str, note: &str) -> Value {
    context.at_least(Volatility::Stable);
    context.note(note);
    Value::atom(sql, SqlType::NVarChar { length: Some(128) })
}

fn login(context: &mut Context<'_>, name: &str) -> Value {
    context.at_least(Volatility::Stable);
    context.note("the login is that of the target");
    let sql = match name {
        "ORIGINAL_LOGIN" => "session_user::text",
        _ => "current_user::text",
    };
    // Logins are sysname; a role's name has at most 63 bytes.
    Value::atom(sql, SqlType::NVarChar { length: Some(128) })
}

/// `NEXT VALUE FOR [schema].[sequence]`, which the parser was given as a call.
pub(super) fn next_value(context: &mut Context<'_>, call: &Function) -> Outcome<Value> {
    let arguments = super::arguments(call)?;
    let parts: Vec<&Ident> = match arguments.as_slice() {
        [Expr::Identifier(name)] => vec![name],
        [Expr::CompoundIdentifier(parts)] => parts.iter().collect(),
        _ => {
            return Err(Untranslated::new(
                "NEXT VALUE FOR something other than a name",
            ));
        }
    };
    let (schema, name) = match parts.as_slice() {
        [name] => (None, name),
        [schema, name] => (Some(schema.value.as_str()), name),
        _ => return Err(Untranslated::new("a sequence of another database")),
    };
    let sequence = context.names.sequence(schema, &name.value).ok_or_else(|| {
        Untranslated::new(format!("the sequence {}, which is not moved", name.value))
    })?;
    context.at_least(Volatility::Volatile);
    let sql = format!("nextval({})", quote(&sequence));
    Ok(Value::atom(sql, SqlType::BigInt))
}
