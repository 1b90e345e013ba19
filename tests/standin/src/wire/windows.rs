//! Windows logins: the server's side of the SSPI exchange after LOGIN7 (MS-TDS 3.3.5.2).
//!
//! Kerberos tickets are checked by the system's library against a keytab, NTLMv2 proofs against the accounts
//! that the server was given.

use std::io;

use gssapi::Acceptor;

use crate::types::SqlError;
use crate::wire::doors::untrusted;
use crate::wire::login7::Login7;
use crate::wire::ntlm;
use crate::wire::packet::{self, invalid, kind};
use crate::wire::shared::Shared;
use crate::wire::token;
use crate::wire::transport::Transport;
use crate::wire::writer::Writer;

/// Who a login is, and how it was shown (`sys.dm_exec_connections.auth_scheme`).
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) scheme: &'static str,
}

/// Talks with the client until it has shown who it is, or is refused.
pub(crate) fn exchange(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &Shared,
    login: &Login7,
) -> io::Result<Result<Account, SqlError>> {
    if shared.doors.impostor {
        let (name, scheme) = ("nobody".to_owned(), "KERBEROS");
        return Ok(Ok(Account { name, scheme }));
    }
    match (&shared.doors.domain, &shared.doors.keytab) {
        (Some(domain), _) if ntlm::is_negotiate(&login.ticket) => {
            let challenge = ntlm::challenge(domain);
            let proof = ask(transport, writer, shared, &challenge)?;
            let name = ntlm::accept(domain, &login.ticket, &challenge, &proof);
            let scheme = "NTLM";
            Ok(name.map(|name| Account { name, scheme }))
        }
        (_, Some(keytab)) if !ntlm::is_negotiate(&login.ticket) => {
            let Ok(acceptor) = Acceptor::new(keytab) else {
                return Ok(Err(untrusted()));
            };
            kerberos(transport, writer, shared, login, acceptor)
        }
        _ => Ok(Err(untrusted())),
    }
}

fn kerberos(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &Shared,
    login: &Login7,
    mut acceptor: Acceptor,
) -> io::Result<Result<Account, SqlError>> {
    let mut ticket = login.ticket.clone();
    loop {
        let Ok(step) = acceptor.step(&ticket) else {
            return Ok(Err(untrusted()));
        };
        if step.done {
            // The last token is a message of its own, and the answer to the login another
            // (mssql-jdbc, `SQLServerConnection.LogonProcessor`).
            if !step.token.is_empty() {
                send(transport, writer, shared, &step.token)?;
            }
            let Ok(principal) = acceptor.client() else {
                return Ok(Err(untrusted()));
            };
            let name = account_of(&principal);
            let scheme = "KERBEROS";
            return Ok(Ok(Account { name, scheme }));
        }
        ticket = ask(transport, writer, shared, &step.token)?;
    }
}

/// `alice@EXAMPLE.COM` is `EXAMPLE\alice`, as a domain is called by the first part of its name.
fn account_of(principal: &str) -> String {
    let (user, realm) = principal.split_once('@').unwrap_or((principal, ""));
    let domain = realm.split('.').next().unwrap_or_default();
    format!("{domain}\\{user}")
}

fn send(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &Shared,
    token: &[u8],
) -> io::Result<()> {
    writer.begin(None);
    token::sspi(token, &mut writer.payload);
    writer.finish(transport, &shared.counters)
}

/// Sends a token and reads the client's next one.
fn ask(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &Shared,
    token: &[u8],
) -> io::Result<Vec<u8>> {
    send(transport, writer, shared, token)?;
    let message = packet::read_message(transport)?;
    if message.kind != kind::SSPI {
        return Err(invalid("a token of the Windows login expected"));
    }
    Ok(message.payload)
}

#[cfg(test)]
mod tests {
    use super::account_of;

    #[test]
    fn a_principal_is_an_account_of_its_domain() {
        assert_eq!(account_of("alice@TEST.EXAMPLE"), "TEST\\alice");
        assert_eq!(account_of("alice"), "\\alice");
    }
}
