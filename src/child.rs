//! A child process in a process group of its own, which is ended with its owner.
//!
//! A group of its own: a Ctrl-C at the terminal stops the tool in its own order and not its children first,
//! and what a child has started ends with it.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// How often it is asked whether the child has ended, and how soon the first time.
const LOOK: Duration = Duration::from_millis(50);
const FIRST_LOOK: Duration = Duration::from_millis(2);

/// A child that runs, or has ended. Dropping it ends it and what it has started.
pub struct Group {
    child: Child,
    /// It has ended and was waited for.
    status: Option<ExitStatus>,
}

impl Group {
    /// Starts the command.
    ///
    /// # Errors
    /// The system's.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        Ok(Self {
            child,
            status: None,
        })
    }

    /// The child itself, for its pipes.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// How it ended; `None` while it runs.
    ///
    /// # Errors
    /// The system's.
    pub fn try_ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
        }
        Ok(self.status)
    }

    /// Waits until it has ended. Cancel safe.
    ///
    /// # Errors
    /// The system's.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let mut pause = FIRST_LOOK;
        loop {
            if let Some(status) = self.try_ended()? {
                return Ok(status);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK);
        }
    }

    /// Ends the child and what it has started, whether or not the child itself has ended.
    pub fn end(&mut self) {
        let group = format!("kill -KILL -{}", self.child.id());
        let killed = Command::new("sh")
            .arg("-c")
            .arg(group)
            .stderr(Stdio::null())
            .status();
        if self.status.is_some() {
            return;
        }
        if !killed.is_ok_and(|status| status.success()) {
            tracing::warn!(pid = self.child.id(), "a child process could not be ended");
        }
        // Only so that it does not stay a zombie: how it ended is known.
        self.status = self.child.wait().ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.status.is_none() {
            self.end();
        }
    }
}

/// What is kept of what a child says: its end, which says most.
const KEPT: usize = 4096;

/// What a child wrote, and whether a part of it is missing. It may hold a secret.
pub struct Written {
    pub bytes: Zeroizing<Vec<u8>>,
    pub cut: bool,
}

impl Written {
    /// Its lines in one. A first line whose beginning is missing is left out, since it may be the end of a secret.
    pub fn lines(&self) -> String {
        let text = Zeroizing::new(String::from_utf8_lossy(&self.bytes).into_owned());
        let whole = match (self.cut, text.split_once('\n')) {
            (false, _) => text.as_str(),
            (true, Some((_, rest))) => rest,
            (true, None) => "",
        };
        let lines = whole.lines().map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        lines.join("; ").chars().map(clean).collect()
    }
}

/// Reads a child's pipe on a thread of its own, which ends with the pipe.
pub fn in_background<R: Read + Send + 'static>(
    pipe: Option<R>,
    read: fn(R) -> Written,
) -> oneshot::Receiver<Written> {
    let (sender, receiver) = oneshot::channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            // No one waits any more if the child took too long.
            let _ = sender.send(read(pipe));
        });
    }
    receiver
}

/// Reads to the end and keeps the last part.
pub fn tail<R: Read>(mut pipe: R) -> Written {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * KEPT));
    let mut part = Zeroizing::new([0; KEPT]);
    let mut cut = false;
    loop {
        match pipe.read(&mut part[..]) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&part[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
        if bytes.len() > KEPT {
            let surplus = bytes.len() - KEPT;
            bytes.drain(..surplus);
            cut = true;
        }
    }
    Written { bytes, cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).stdin(Stdio::null());
        command
    }

    #[tokio::test]
    async fn how_it_ended_is_told_again_and_again() {
        let mut group = Group::start(&mut sh("exit 7")).unwrap();
        for _ in 0..2 {
            assert_eq!(group.ended().await.unwrap().code(), Some(7));
        }
    }

    #[test]
    fn what_it_has_started_ends_with_it() {
        let folder = std::env::temp_dir().join(format!("migrate-child-{}", std::process::id()));
        let script = format!(
            "sleep 60 & echo $! >{0}; mv {0} {0}.pid; wait",
            folder.display()
        );
        let pid = folder.with_extension("pid");
        let group = Group::start(&mut sh(&script)).unwrap();
        let grandchild = loop {
            if let Ok(text) = std::fs::read_to_string(&pid) {
                break text.trim().to_owned();
            }
            thread::sleep(FIRST_LOOK);
        };
        drop(group);
        std::fs::remove_file(&pid).unwrap();
        // Its parent is gone: it is a zombie at most until the system's first process has looked.
        let state = |pid: &str| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit(") ")
                .next()
                .and_then(|rest| rest.chars().next())
        };
        for _ in 0..500 {
            if !matches!(state(&grandchild), Some('S' | 'R')) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("{grandchild} still runs");
    }
}
