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

/// A password that must be written, if only as an empty string, or a command that prints it, which is then
/// used.
pub(super) fn password(
    section: &mut Section,
    g: &mut Gathered<'_>,
) -> (Secret, Option<SecretCommand>) {
    let written = section.secret("password", g);
    let command = command(section, &PASSWORD, g);
    if written.is_none() && command.is_none() {
        section.problem("password", "is missing", g);
    }
    let used = written.filter(|_| command.is_none());
    (used.unwrap_or_default(), command)
}
