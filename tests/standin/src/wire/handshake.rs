//! From the first byte of a connection to its login: PRELOGIN, TLS, LOGIN7.

use std::io;

use crate::counters::Open;
use crate::fault::{Action, class_of};
use crate::session::Session;
use crate::types::SqlError;
use crate::wire::cursor::utf16;
use crate::wire::encode::DEFAULT_COLLATION;
use crate::wire::login7::{Login7, feature};
use crate::wire::packet::{self, Message, invalid, kind, status};
use crate::wire::prelogin::{self, Outcome, PreLogin, TlsMode};
use crate::wire::response::database_message;
use crate::wire::shared::{ConnectionInfo, MOST_PACKET, Shared};
use crate::wire::token::{self, DoneKind, done, env};
use crate::wire::transport::Transport;
use crate::wire::windows::{self, Account};
use crate::wire::writer::Writer;

/// First byte of a TLS handshake record (RFC 8446 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// The protocol versions spoken, as LOGIN7 has them.
const TDS_7_3B: u32 = 0x730B_0003;
const TDS_7_4: u32 = 0x7400_0004;
const TDS_8_0: u32 = 0x0800_0000;

const LANGUAGE: &str = "us_english";

/// Packet sizes (MS-TDS 2.2.6.4; the cap under TLS is the size of a TLS record).
const DEFAULT_PACKET: u32 = packet::DEFAULT_PACKET as u32;
const LEAST_PACKET: u32 = 512;
const MOST_PACKET_TLS: u32 = 16383;

/// A session, and its place in the counters.
pub(crate) struct LoggedIn<'a> {
    pub(crate) session: Box<dyn Session>,
    pub(crate) open: Open<'a>,
    pub(crate) info: ConnectionInfo,
}

/// The connection below a login.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Number of the connection since the server started.
    pub(crate) number: u64,
    pub(crate) address: String,
}

/// The smallest session id of a user, as in SQL Server.
const FIRST_SPID: u64 = 51;

impl Peer {
    /// `most_packet`: where a proxy before the server allows less than the server.
    fn info(
        &self,
        login: &Login7,
        session: &dyn Session,
        encrypted: bool,
        most_packet: u32,
    ) -> ConnectionInfo {
        let counted = (FIRST_SPID + self.number % 32_000) as u16;
        ConnectionInfo {
            session_id: session.id().unwrap_or(counted),
            login: login.user.clone(),
            host: login.host.clone(),
            program: login.program.clone(),
            database: session.database().to_owned(),
            client_address: self.address.clone(),
            packet_size: packet_size(login.packet_size, encrypted).min(most_packet),
            encrypted,
            auth_scheme: "SQL",
        }
    }
}

/// Brings a connection to its login. `None`: it was refused, and told so where TDS can tell.
pub(crate) fn accept<'a>(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &'a Shared,
    peer: &Peer,
) -> io::Result<Option<LoggedIn<'a>>> {
    let Some(login_only) = prelogin(transport, writer, shared)? else {
        return Ok(None);
    };
    let message = read_login(transport, login_only)?;
    if message.kind != kind::LOGIN7 {
        return Err(invalid("LOGIN7 expected"));
    }
    let login = Login7::parse(&message.payload)?;
    if login_only {
        transport.drop_tls();
    }
    match shared.faults.login() {
        Some(Action::RefuseLogin(number)) => {
            return refuse(transport, writer, shared, &[login_fault(number, &login)]);
        }
        Some(_) => {
            transport.cut();
            return Ok(None);
        }
        None => {}
    }
    let session = match check(&login) {
        Ok(()) => admit(transport, writer, shared, &login)?,
        Err(error) => Err(error),
    };
    match session {
        Ok((session, account)) => {
            // Counted before the client knows, so that a client that is in is a client counted.
            let open = shared.counters.logged_in();
            let encrypted = transport.is_encrypted();
            let mut info = peer.info(&login, session.as_ref(), encrypted, shared.most_packet);
            (info.login, info.auth_scheme) = (account.name, account.scheme);
            shared.set_info(peer.number, info.clone());
            welcome(transport, writer, shared, &login, &info)?;
            Ok(Some(LoggedIn {
                session,
                open,
                info,
            }))
        }
        Err(error) if error.number == 4060 => refuse(
            transport,
            writer,
            shared,
            &[error, failed_login(18456, 1, &login.user)],
        ),
        Err(error) => refuse(transport, writer, shared, &[error]),
    }
}

/// PRELOGIN and TLS; tells whether TLS ends with the login. `None` when the two sides disagree.
fn prelogin(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &Shared,
) -> io::Result<Option<bool>> {
    let strict = transport.peek_plain()? == Some(TLS_HANDSHAKE);
    if strict {
        if shared.tls_mode == TlsMode::NotSupported {
            return Ok(None);
        }
        transport.start_strict(shared.tls.strict())?;
    }
    let message = packet::read_message(transport)?;
    if message.kind != kind::PRELOGIN {
        return Err(invalid("PRELOGIN expected"));
    }
    let client = PreLogin::parse(&message.payload)?;
    let (answer, outcome) = if strict {
        // The option means nothing in TDS 8.0; the client's own choice goes back.
        (client.encryption, Outcome::Plain)
    } else {
        prelogin::negotiate(shared.tls_mode, client.encryption)
    };
    let instance_wrong = client
        .instance
        .as_ref()
        .is_some_and(|name| !shared.is_instance(name));
    writer.begin(None);
    writer.payload = prelogin::answer(answer, instance_wrong, client.fed_auth);
    writer.finish(transport, &shared.counters)?;
    match outcome {
        Outcome::Refuse => return Ok(None),
        Outcome::Plain => {}
        Outcome::LoginOnly | Outcome::Full => transport.start_tunnelled(shared.tls.tunnelled())?,
    }
    Ok(Some(outcome == Outcome::LoginOnly))
}

/// LOGIN7.
fn read_login(transport: &mut Transport, login_only: bool) -> io::Result<Message> {
    if !login_only {
        return packet::read_message(transport);
    }
    let mut payload = Vec::new();
    loop {
        let header = packet::read_packet(transport, &mut payload)?;
        if header.status & status::END_OF_MESSAGE != 0 {
            return Ok(Message {
                kind: header.kind,
                status: header.status,
                payload,
            });
        }
        // Only the first packet is encrypted (SqlClient, "Removing encryption post 1st packet is a hard-coded
        // agreement between client and server").
        if transport.is_encrypted() {
            transport.drop_tls();
        }
    }
}

fn check(login: &Login7) -> Result<(), SqlError> {
    if login.tds_version != TDS_8_0 && login.tds_version < TDS_7_3B {
        let message = "The login packet used to open the connection is structurally invalid: this server speaks TDS \
                       7.3B, 7.4 and 8.0."
            .to_owned();
        return Err(SqlError {
            number: 17832,
            class: 20,
            state: 2,
            message,
            line: 1,
        });
    }
    Ok(())
}

/// A session and whose it is, or why there is none.
type Admission = Result<(Box<dyn Session>, Account), SqlError>;

/// Finds out who the client is, and opens its session.
fn admit(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &Shared,
    login: &Login7,
) -> io::Result<Admission> {
    let database = (!login.database.is_empty()).then_some(login.database.as_str());
    let account = if login.integrated {
        windows::exchange(transport, writer, shared, login)?
    } else if let Some(data) = federated(login) {
        token_account(shared, data)
    } else if shared.doors.windows_only {
        // The text of a server whose mode is Windows Authentication (MSSQLSERVER_18456, state 58).
        Err(failed_login(18456, 1, &login.user))
    } else {
        let session = shared.login.login(&login.user, &login.password, database);
        let (name, scheme) = (login.user.clone(), "SQL");
        return Ok(session.map(|session| (session, Account { name, scheme })));
    };
    Ok(account.and_then(|account| {
        let session = shared.login.admit(&account.name, database)?;
        Ok((session, account))
    }))
}

fn federated(login: &Login7) -> Option<&[u8]> {
    login.features.as_ref()?.data(feature::FED_AUTH)
}

/// The account of an access token: options, the token's length, the token (MS-TDS 2.2.6.4, FEDAUTH). The lowest
/// bit of the options must say what the server's PRELOGIN said: 0.
fn token_account(shared: &Shared, data: &[u8]) -> Result<Account, SqlError> {
    const SECURITY_TOKEN: u8 = 0x01 << 1;
    let refused = || failed_login(18456, 1, "<token-identified principal>");
    let (head, token) = data.split_first_chunk::<5>().ok_or_else(refused)?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if head[0] != SECURITY_TOKEN || token.len() != length {
        return Err(refused());
    }
    let token = utf16(token);
    let mut tokens = shared.doors.tokens.iter();
    let (_, name) = tokens
        .find(|(known, _)| *known == token)
        .ok_or_else(refused)?;
    Ok(Account {
        name: name.clone(),
        scheme: "SQL",
    })
}

/// The messages of a successful login, in the order SQL Server sends them.
fn welcome(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &Shared,
    login: &Login7,
    info: &ConnectionInfo,
) -> io::Result<()> {
    let (database, packet_size) = (info.database.as_str(), info.packet_size);
    let tds_version = if login.tds_version == TDS_8_0 {
        TDS_8_0
    } else {
        login.tds_version.min(TDS_7_4)
    };
    writer.begin(None);
    writer.set_spid(info.session_id);
    let out = &mut writer.payload;
    token::env_text(env::DATABASE, database, "master", out);
    token::message(&database_message(database), out);
    token::env_bytes(env::COLLATION, &DEFAULT_COLLATION, &[], out);
    token::env_text(env::LANGUAGE, LANGUAGE, "", out);
    token::message(&language_message(), out);
    token::login_ack(tds_version, shared.version, out);
    if let Some(features) = &login.features {
        let known: &[(u8, &[u8])] = &[(feature::FED_AUTH, &[]), (feature::UTF8_SUPPORT, &[1])];
        let acknowledged: Vec<_> = known
            .iter()
            .copied()
            .filter(|(id, _)| features.has(*id))
            .collect();
        token::feature_ext_ack(&acknowledged, out);
    }
    let new = packet_size.to_string();
    token::env_text(env::PACKET_SIZE, &new, &DEFAULT_PACKET.to_string(), out);
    token::push_done(DoneKind::Batch, 0, 0, 0, out);
    // This answer still goes in packets of the old size.
    writer.finish(transport, &shared.counters)?;
    writer.set_packet_size(packet_size as usize);
    transport.set_packet_size(packet_size as usize);
    Ok(())
}

fn packet_size(asked: u32, encrypted: bool) -> u32 {
    let most = if encrypted {
        MOST_PACKET_TLS
    } else {
        MOST_PACKET
    };
    match asked {
        0 => DEFAULT_PACKET,
        asked => asked.clamp(LEAST_PACKET, most),
    }
}

/// Sends the errors; the connection is then to be closed.
fn refuse<'a>(
    transport: &mut Transport,
    writer: &mut Writer,
    shared: &'a Shared,
    errors: &[SqlError],
) -> io::Result<Option<LoggedIn<'a>>> {
    shared.counters.login_failed();
    writer.begin(None);
    for error in errors {
        token::message(error, &mut writer.payload);
    }
    token::push_done(DoneKind::Batch, done::ERROR, 0, 0, &mut writer.payload);
    writer.finish(transport, &shared.counters)?;
    Ok(None)
}

fn failed_login(number: i32, state: u8, user: &str) -> SqlError {
    SqlError {
        number,
        class: 14,
        state,
        message: format!("Login failed for user '{user}'."),
        line: 1,
    }
}

/// A refused login by request, in the words of the errors that clients know.
fn login_fault(number: i32, login: &Login7) -> SqlError {
    let mut error = failed_login(number, 1, &login.user);
    error.class = class_of(number);
    match number {
        4060 => {
            error.message = format!(
                "Cannot open database \"{}\" requested by the login. The login failed.",
                login.database
            );
        }
        18456 => {}
        number => error.message = format!("Login refused by request with error {number}."),
    }
    error
}

/// INFO 5703.
fn language_message() -> SqlError {
    let message = format!("Changed language setting to {LANGUAGE}.");
    SqlError {
        number: 5703,
        class: 0,
        state: 1,
        message,
        line: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::packet_size;

    #[test]
    fn packet_size_is_clamped() {
        assert_eq!(packet_size(0, false), 4096);
        assert_eq!(packet_size(100, false), 512);
        assert_eq!(packet_size(65536, false), 32767);
        assert_eq!(packet_size(32767, true), 16383);
        assert_eq!(packet_size(8000, true), 8000);
    }
}
