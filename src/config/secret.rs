//! A secret of the job, and a command that prints one.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

/// A string that neither `Debug` nor `Display` shows, and whose memory is overwritten when it is dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Keeps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself; for a login and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A command that prints a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretCommand {
    /// The key that has it, for messages: `source.password_command`.
    pub key: String,
    /// The program, as `PATH` finds it, and its arguments. At least the program.
    pub words: Vec<String>,
    /// How long it may take.
    pub timeout: Duration,
    /// How long what it printed is used for new connections.
    pub life: Duration,
}
