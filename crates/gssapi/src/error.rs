//! What the library answered instead of a context.

use std::fmt;

/// Why a login by Kerberos failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The system has no GSSAPI library, or an old one.
    NoLibrary,
    /// No ticket: `kinit` was not run, or its cache is elsewhere.
    NoCredentials,
    /// The ticket's time is over.
    Expired,
    /// The clocks of client, server and key distribution centre differ too much.
    ClockSkew,
    /// The centre does not know the service: no such SPN, or in another realm.
    UnknownService,
    /// The centre does not know the client's principal.
    UnknownClient,
    /// The client's account is locked, disabled or past its end.
    Revoked,
    /// The password of the client's account is past its end.
    PasswordExpired,
    /// The key of the client's account is not the keytab's: the password was changed since.
    WrongKey,
    /// The keytab cannot be read, or has no key for the principal.
    Keytab,
    /// No key distribution centre answers, or none is known for the realm.
    NoCentre,
    /// Everything else; the library's own words say what.
    Other,
}

/// An error of the library, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

impl Error {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

/// The kind of a status. `minor` is Kerberos's own code, from its table of errors (`krb5_err.et` of MIT
/// Kerberos), whose first code is -1765328384; the library hands it on as it is.
pub(crate) fn kind(major: u32, minor: u32) -> Kind {
    const BASE: i64 = -1_765_328_384;
    match i64::from(minor.cast_signed()) - BASE {
        1 | 18 => Kind::Revoked,
        23 => Kind::PasswordExpired,
        24 | 31 | 210 => Kind::WrongKey,
        32 => Kind::Expired,
        37 => Kind::ClockSkew,
        6 => Kind::UnknownClient,
        // 8: the SPN belongs to two accounts.
        7 | 8 => Kind::UnknownService,
        154 | 156 | 220 => Kind::NoCentre,
        181 => Kind::Keytab,
        141 | 143 | 195 => Kind::NoCredentials,
        _ => routine(major),
    }
}

/// The kind of a routine error of GSSAPI (RFC 2744 3.9.1).
fn routine(major: u32) -> Kind {
    match (major >> 16) & 0xff {
        7 => Kind::NoCredentials,
        11 => Kind::Expired,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of `krb5.h`.
    #[test]
    fn codes_of_kerberos_have_their_kind_whatever_gssapi_made_of_them() {
        for (code, expected) in [
            (-1_765_328_347, Kind::ClockSkew),
            (-1_765_328_377, Kind::UnknownService),
            (-1_765_328_378, Kind::UnknownClient),
            (-1_765_328_366, Kind::Revoked),
            (-1_765_328_361, Kind::PasswordExpired),
            (-1_765_328_360, Kind::WrongKey),
            (-1_765_328_352, Kind::Expired),
            (-1_765_328_243, Kind::NoCredentials),
            (-1_765_328_189, Kind::NoCredentials),
            (-1_765_328_203, Kind::Keytab),
            (-1_765_328_228, Kind::NoCentre),
            (-1_765_328_230, Kind::NoCentre),
            (0, Kind::Other),
        ] {
            assert_eq!(kind(13 << 16, i32::cast_unsigned(code)), expected, "{code}");
        }
        assert_eq!(kind(7 << 16, 0), Kind::NoCredentials);
        assert_eq!(kind(11 << 16, 100_001), Kind::Expired);
    }
}
