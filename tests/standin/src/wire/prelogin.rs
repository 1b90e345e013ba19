//! PRELOGIN: option list, server version and the choice of encryption (MS-TDS 2.2.6.5).

use std::io;

use crate::wire::packet::invalid;

/// The server's version as PRELOGIN and LOGINACK show it: SQL Server 2022 CU, 16.0.4165.
pub(crate) const VERSION: [u8; 4] = [16, 0, 0x10, 0x45];

mod option {
    pub(super) const VERSION: u8 = 0x00;
    pub(super) const ENCRYPTION: u8 = 0x01;
    pub(super) const INSTANCE: u8 = 0x02;
    pub(super) const THREAD_ID: u8 = 0x03;
    pub(super) const MARS: u8 = 0x04;
    pub(super) const FED_AUTH_REQUIRED: u8 = 0x06;
    pub(super) const TERMINATOR: u8 = 0xFF;
}

/// B_FENCRYPTION of either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encryption {
    Off,
    On,
    NotSupported,
    Required,
}

impl Encryption {
    fn from_byte(byte: u8) -> Self {
        // The high bits (0x20 extended, 0x80 client certificate) ask for nothing offered here.
        match byte & 0x03 {
            0x00 => Self::Off,
            0x01 => Self::On,
            0x02 => Self::NotSupported,
            _ => Self::Required,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Off => 0x00,
            Self::On => 0x01,
            Self::NotSupported => 0x02,
            Self::Required => 0x03,
        }
    }
}

/// What this server insists on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// No TLS at all, as a server without a certificate.
    NotSupported,
    /// The client chooses: the login alone is encrypted, or everything. SQL Server's own default.
    #[default]
    Optional,
    /// Everything is encrypted ("Force Encryption").
    Required,
    /// TDS 8.0 only: TLS before the first TDS byte ("Force Strict Encryption").
    Strict,
}

/// What follows PRELOGIN on a TDS 7.x connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Plain,
    LoginOnly,
    Full,
    /// Answer, then close: the two sides cannot agree.
    Refuse,
}

/// The table of MS-TDS 2.2.6.5: the byte to answer and what follows.
pub(crate) fn negotiate(server: TlsMode, client: Encryption) -> (Encryption, Outcome) {
    use Encryption as E;
    match (server, client) {
        (TlsMode::NotSupported, E::Off | E::NotSupported) => (E::NotSupported, Outcome::Plain),
        (TlsMode::NotSupported, E::On | E::Required) => (E::NotSupported, Outcome::Refuse),
        (TlsMode::Optional, E::Off) => (E::Off, Outcome::LoginOnly),
        (TlsMode::Optional, E::NotSupported) => (E::NotSupported, Outcome::Plain),
        (TlsMode::Optional | TlsMode::Required, E::On | E::Required) => (E::On, Outcome::Full),
        (TlsMode::Required, E::Off) => (E::Required, Outcome::Full),
        (TlsMode::Required, E::NotSupported) | (TlsMode::Strict, _) => {
            (E::Required, Outcome::Refuse)
        }
    }
}

/// The client's options that matter to this server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PreLogin {
    pub(crate) encryption: Encryption,
    /// Sent and not empty: the client wants this instance.
    pub(crate) instance: Option<Vec<u8>>,
    /// The client sent FEDAUTHREQUIRED and expects it back.
    pub(crate) fed_auth: bool,
}

impl PreLogin {
    pub(crate) fn parse(payload: &[u8]) -> io::Result<Self> {
        let mut found = Self {
            encryption: Encryption::NotSupported,
            instance: None,
            fed_auth: false,
        };
        let mut at = 0;
        loop {
            let token = *payload
                .get(at)
                .ok_or_else(|| invalid("PRELOGIN without a terminator"))?;
            if token == option::TERMINATOR {
                return Ok(found);
            }
            let entry = payload
                .get(at..at + 5)
                .ok_or_else(|| invalid("PRELOGIN option cut"))?;
            let offset = usize::from(u16::from_be_bytes([entry[1], entry[2]]));
            let length = usize::from(u16::from_be_bytes([entry[3], entry[4]]));
            let data = payload
                .get(offset..offset + length)
                .ok_or_else(|| invalid("PRELOGIN data cut"))?;
            match token {
                option::ENCRYPTION => {
                    let byte = data
                        .first()
                        .ok_or_else(|| invalid("PRELOGIN ENCRYPTION is empty"))?;
                    found.encryption = Encryption::from_byte(*byte);
                }
                option::INSTANCE => {
                    let name: Vec<u8> = data.iter().copied().take_while(|b| *b != 0).collect();
                    found.instance = (!name.is_empty()).then_some(name);
                }
                option::FED_AUTH_REQUIRED => found.fed_auth = true,
                _ => {}
            }
            at += 5;
        }
    }
}

/// The server's PRELOGIN. `instance_wrong` is INSTVALIDITY 1: the client asked for another one.
pub(crate) fn answer(encryption: Encryption, instance_wrong: bool, fed_auth: bool) -> Vec<u8> {
    let version = [VERSION.as_slice(), &[0, 0]].concat();
    let mut options: Vec<(u8, Vec<u8>)> = vec![
        (option::VERSION, version),
        (option::ENCRYPTION, vec![encryption.byte()]),
        (option::INSTANCE, vec![u8::from(instance_wrong)]),
        (option::THREAD_ID, vec![]),
        (option::MARS, vec![0]),
    ];
    if fed_auth {
        options.push((option::FED_AUTH_REQUIRED, vec![0]));
    }
    let mut offset = options.len() * 5 + 1;
    let mut payload = Vec::with_capacity(64);
    for (token, data) in &options {
        payload.push(*token);
        payload.extend_from_slice(&(offset as u16).to_be_bytes());
        payload.extend_from_slice(&(data.len() as u16).to_be_bytes());
        offset += data.len();
    }
    payload.push(option::TERMINATOR);
    for (_, data) in options {
        payload.extend_from_slice(&data);
    }
    payload
}

#[cfg(test)]
#[path = "prelogin_tests.rs"]
mod tests;
