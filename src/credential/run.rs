//! Runs a command that prints a secret. Its standard error is shown, its output never.

use std::io::Read;
use std::process::{Command, Stdio};

use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::child::{Group, Written, in_background, tail};
use crate::config::job::{Secret, SecretCommand};

/// Far more than a token of any kind has: a Kerberos one with the largest list of groups has 64 KiB.
const LONGEST: usize = 128 * 1024;

/// Runs the command and gives the line that it printed.
///
/// # Errors
/// A text that names the key of the command, and has what it said on standard error.
pub(super) async fn run(command: &SecretCommand) -> Result<Secret, String> {
    let program = &command.words[0];
    let failed = |what: String| format!("{}: {program} {what}", command.key);
    let mut group = Group::start(
        Command::new(program)
            .args(&command.words[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    )
    .map_err(|cause| failed(format!("cannot be started: {cause}")))?;
    let output = in_background(group.child().stdout.take(), read_head);
    let said = in_background(group.child().stderr.take(), tail);
    // Both ends are read to their end: a program that the command has started may still write.
    let ended = timeout(command.timeout, async {
        let status = group.ended().await;
        (status, output.await, said.await)
    });
    let Ok((status, Ok(output), Ok(said))) = ended.await else {
        group.end();
        let limit = command.timeout.as_secs_f32();
        return Err(failed(format!(
            "took longer than {limit} s ({}_timeout) and was ended",
            command.key
        )));
    };
    let status = status.map_err(|cause| failed(format!("was lost: {cause}")))?;
    let said = shown(&said, &output.bytes);
    if !status.success() {
        let said = if said.is_empty() {
            "nothing on standard error".to_owned()
        } else {
            said
        };
        return Err(failed(format!("ended with {status} and said: {said}")));
    }
    if !said.is_empty() {
        tracing::warn!(key = command.key, said, "a command for a secret said");
    }
    line(&output).map_err(|what| failed(what.to_owned()))
}

/// The beginning, into memory that is never moved and is overwritten at its end. What follows is read and
/// dropped, so that the command does not wait.
fn read_head<R: Read>(mut pipe: R) -> Written {
    let mut bytes = Zeroizing::new(vec![0; LONGEST]);
    let mut length = 0;
    while length < LONGEST {
        match pipe.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    bytes.truncate(length);
    let more = tail(pipe).bytes.len();
    Written {
        bytes,
        cut: more > 0,
    }
}

/// What it said, without what it printed: a script that echoes its commands would show it.
fn shown(said: &Written, output: &[u8]) -> String {
    let output = Zeroizing::new(String::from_utf8_lossy(output).into_owned());
    let secrets = output.lines().map(str::trim);
    let secrets = secrets.filter(|line| !line.is_empty());
    secrets.fold(said.lines(), |said, secret| said.replace(secret, "***"))
}

/// The one line of the output. The error completes the program's name, and says nothing of the output.
fn line(output: &Written) -> Result<Secret, &'static str> {
    if output.cut {
        return Err("printed more than 128 KiB: its output must be the secret alone");
    }
    let text = std::str::from_utf8(&output.bytes)
        .map_err(|_| "printed something that is not UTF-8: its output must be the secret alone")?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err("printed nothing: its output must be the secret");
    }
    if text.contains(['\n', '\r', '\0']) {
        return Err(
            "printed more than one line: its output must be the secret alone, not JSON or a table",
        );
    }
    Ok(Secret::new(text))
}
