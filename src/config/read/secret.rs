//! Passwords, and the commands that print them.

use crate::config::job::{Secret, SecretCommand};
use crate::config::keys::{CommandKeys, PASSWORD};
use crate::config::section::{Gathered, Section};

/// The command of these keys; `None` if the job has none.
pub(super) fn command(
    section: &mut Section,
    keys: &CommandKeys,
    g: &mut Gathered<'_>,
) -> Option<SecretCommand> {
    let words = section.command(keys.command, g);
    let timeout = section.duration(keys.timeout, g);
    let life = section.duration(keys.life, g);
    (!words.is_empty()).then(|| SecretCommand {
        key: section.path_of(keys.command),
        words,
        timeout,
        life,
    })
}

/// A password and the command that prints it, as far as they are written.
pub(super) fn password(
    section: &mut Section,
    g: &mut Gathered<'_>,
) -> (Option<Secret>, Option<SecretCommand>) {
    let written = section.secret("password", g);
    (written, command(section, &PASSWORD, g))
}
