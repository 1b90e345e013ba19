//! The keys of a password: written, or printed by a command.

use super::{Key, Kind};

/// As `keys::secret::PASSWORD` of each side; `command`, `timeout` and `life` are its further keys.
pub(crate) struct CommandKeys {
    pub(crate) command: &'static str,
    pub(crate) timeout: &'static str,
    pub(crate) life: &'static str,
}

/// The keys of a command that prints the password.
pub(crate) const PASSWORD: CommandKeys = CommandKeys {
    command: "password_command",
    timeout: "password_command_timeout",
    life: "password_life",
};

pub(super) const fn password(example: &'static str, otherwise: &'static str) -> Key {
    Key::new(
        "password",
        Kind::Secret { example, otherwise },
        "may be empty (\"\")",
    )
}

pub(super) const COMMAND: Key = Key::new(
    PASSWORD.command,
    Kind::Command,
    "Used instead of password: a program and its arguments, without a shell, such as [pass, show, db/prod]. What it \
     prints on standard output, one line, is the password. Its arguments are visible in `ps`: put no secret there.",
);

// A cloud's command line program asks its service, and signs in again now and then.
pub(super) const TIMEOUT: Key = Key::duration(
    PASSWORD.timeout,
    30,
    "how long it may take; then it is ended, which is an error",
);

// An IAM token of RDS is taken for 15 minutes, one of Entra ID for an hour (AWS, "IAM database authentication";
// Microsoft, "Configurable token lifetimes").
pub(super) const LIFE: Key = Key::duration(
    PASSWORD.life,
    600,
    "A new connection runs password_command again if its password is older.",
);
