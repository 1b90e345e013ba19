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

/// The keys of a command that prints an access token.
pub(crate) const TOKEN: CommandKeys = CommandKeys {
    command: "token_command",
    timeout: "token_command_timeout",
    life: "token_life",
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

pub(super) const TOKEN_TEXT: Key = Key::new(
    "token",
    Kind::Secret {
        example: "~",
        otherwise: "what token_command prints",
    },
    "For auth: token. It is not renewed: a run that lasts longer than the token needs token_command.",
);

pub(super) const TOKEN_COMMAND: Key = Key::new(
    TOKEN.command,
    Kind::Command,
    "As password_command, for auth: token, such as [az, account, get-access-token, --resource, \
     \"https://database.windows.net/\", --query, accessToken, --output, tsv].",
);

pub(super) const TOKEN_TIMEOUT: Key = Key::duration(
    TOKEN.timeout,
    30,
    "how long it may take; then it is ended, which is an error",
);

// A token of Entra ID lasts an hour and more (Microsoft, "Configurable token lifetimes"), and is looked at when
// a connection is opened.
pub(super) const TOKEN_LIFE: Key = Key::duration(
    TOKEN.life,
    600,
    "A new connection runs token_command again if its token is older.",
);
