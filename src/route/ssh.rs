//! One connection through the system's own `ssh -W`, which has the user's agent, configuration and known hosts.
//!
//! A process for each connection: each has a core for its encryption, nothing listens on this machine, and each ends
//! when its socket does, also if this process is killed: ssh then reads the end of its input, and passes it on.

use std::io;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::child::{Group, in_background, tail};
use crate::config::job::Ssh;

/// How long a tunnel may take to end after the connection in it: it has said why by then.
const ENDED_WITHIN: Duration = Duration::from_secs(2);

/// A process of ssh that carries one connection.
pub(super) struct Tunnel {
    /// What it said, once it has ended.
    ended: watch::Receiver<Option<String>>,
    /// For messages: the host that ssh logs in to.
    host: String,
}

impl Tunnel {
    /// What ssh said, if it has ended or does so now.
    pub(super) async fn why_ended(mut self) -> Option<String> {
        let ended = self.ended.wait_for(Option::is_some);
        let said = match tokio::time::timeout(ENDED_WITHIN, ended).await {
            Ok(Ok(said)) => said.clone()?,
            _ => return None,
        };
        Some(format!("the SSH tunnel by {} ended: {said}", self.host))
    }
}

/// Starts ssh with one end of a connection within this machine as its input and output; gives the other end.
///
/// # Errors
/// The system's: ssh cannot be started, or there is no socket.
pub(super) async fn open(ssh: &Ssh, host: &str, port: u16) -> io::Result<(TcpStream, Tunnel)> {
    let (ours, theirs) = pair().await?;
    let input = theirs.try_clone()?;
    let mut group = Group::start(
        command(ssh, host, port)
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(input)))
            .stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .stderr(Stdio::piped()),
    )?;
    let said = in_background(group.child().stderr.take(), tail);
    let (sender, ended) = watch::channel(None);
    tokio::spawn(async move {
        let status = group.ended().await;
        let said = match said.await {
            Ok(said) => said.lines(),
            Err(_) => String::new(),
        };
        let said = match (said.is_empty(), status) {
            (false, _) => said,
            (true, Ok(status)) => status.to_string(),
            (true, Err(cause)) => cause.to_string(),
        };
        tracing::debug!(said, "an SSH tunnel ended");
        sender.send_replace(Some(said));
    });
    let tunnel = Tunnel {
        ended,
        host: ssh.host.clone(),
    };
    Ok((ours, tunnel))
}

/// `BatchMode`: it asks for nothing, since no one may be there to answer. The two `ServerAlive` settings notice a
/// silent peer after a minute and a half.
fn command(ssh: &Ssh, host: &str, port: u16) -> Command {
    let to = if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    };
    let mut command = Command::new("ssh");
    command.args(["-T", "-o", "BatchMode=yes"]);
    command.args([
        "-o",
        "ServerAliveInterval=30",
        "-o",
        "ServerAliveCountMax=3",
    ]);
    command.args(["-W", &to]);
    if let Some(user) = &ssh.user {
        command.args(["-l", user]);
    }
    if let Some(port) = ssh.port {
        command.args(["-p", &port.to_string()]);
    }
    if let Some(file) = &ssh.identity_file {
        command.arg("-i").arg(file);
    }
    // What follows is no option, whatever it begins with.
    command.args(["--", &ssh.host]);
    command
}

/// Both ends of a connection over the loopback: the rest of the tool has TCP streams. Another process could connect
/// in between, so the end is taken that has our own address.
async fn pair() -> io::Result<(TcpStream, std::net::TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let ours = TcpStream::connect(listener.local_addr()?).await?;
    let address = ours.local_addr()?;
    loop {
        let (theirs, from) = listener.accept().await?;
        if from == address {
            let theirs = theirs.into_std()?;
            theirs.set_nonblocking(false)?;
            theirs.set_nodelay(true)?;
            return Ok((ours, theirs));
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[test]
    fn ssh_is_told_what_the_job_says_and_nothing_more() {
        let mut ssh = Ssh {
            host: "-oProxyCommand=x".into(),
            user: None,
            port: None,
            identity_file: None,
        };
        let arguments = |ssh: &Ssh, host: &str| {
            let command = command(ssh, host, 1433);
            let words = command.get_args();
            let words: Vec<_> = words
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            words.join(" ")
        };
        let plain = arguments(&ssh, "::1");
        assert!(
            plain.ends_with("-W [::1]:1433 -- -oProxyCommand=x"),
            "{plain}"
        );
        ssh.user = Some("jump".into());
        ssh.port = Some(2222);
        ssh.identity_file = Some("/k".into());
        let all = arguments(&ssh, "sql01");
        assert!(
            all.contains("-W sql01:1433 -l jump -p 2222 -i /k --"),
            "{all}"
        );
    }

    #[tokio::test]
    async fn both_ends_of_a_pair_are_one_connection() {
        let (mut ours, theirs) = pair().await.unwrap();
        theirs.set_nonblocking(true).unwrap();
        let mut theirs = TcpStream::from_std(theirs).unwrap();
        ours.write_all(b"there").await.unwrap();
        let mut read = [0; 5];
        theirs.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"there");
        drop(ours);
        assert_eq!(theirs.read(&mut read).await.unwrap(), 0);
    }
}
