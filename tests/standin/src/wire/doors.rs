//! Who may log in besides a SQL Server login.

use std::path::PathBuf;

use crate::types::SqlError;

/// Ways to log in besides a SQL Server login.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// Windows accounts that NTLM lets in.
    pub domain: Option<Domain>,
    /// The keys of the service, for tickets of Kerberos.
    pub keytab: Option<PathBuf>,
    /// Access tokens, each with the name of its user.
    pub tokens: Vec<(String, String)>,
    /// "Windows Authentication mode": a SQL Server login is refused.
    pub windows_only: bool,
    /// Lets every Windows login in without a token of its own, as somebody who has not the service's key.
    pub impostor: bool,
}

/// A Windows domain with its accounts.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Its NetBIOS name, as `CORP`.
    pub name: String,
    /// User and password of each account.
    pub accounts: Vec<(String, String)>,
}

/// 18452.
pub(crate) fn untrusted() -> SqlError {
    SqlError {
        number: 18452,
        class: 14,
        state: 1,
        message: "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication."
            .to_owned(),
        line: 1,
    }
}
