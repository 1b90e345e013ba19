//! A password or token for logins: written in the job, or printed by a command of the job.
//!
//! What a command printed is kept for its life, so connections that are opened together share one run. A
//! server that refuses it makes the command run once more: it may have been changed since.

mod run;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::config::job::{Secret, SecretCommand};
use crate::error::{Error, Kind, Result};

/// Where a secret comes from, and what is known of it. Clones share everything.
#[derive(Clone)]
pub struct Credential(Arc<Inner>);

struct Inner {
    origin: Origin,
    /// The kind of an error of the command.
    kind: Kind,
    /// Locked while the command runs: those who ask meanwhile wait for that run.
    last: Mutex<Last>,
}

enum Origin {
    Written(Secret),
    Printed(SecretCommand),
}

/// The last run of the command.
#[derive(Default)]
struct Last {
    printed: Option<(Secret, Instant)>,
    /// What the last run failed with, and when.
    failed: Option<(String, Instant)>,
}

impl Credential {
    /// The command's secret if there is a command, else the written one. Errors of the command are of
    /// `kind`. Runs nothing.
    pub fn new(written: &Secret, command: Option<&SecretCommand>, kind: Kind) -> Self {
        let origin = match command {
            Some(command) => Origin::Printed(command.clone()),
            None => Origin::Written(written.clone()),
        };
        Self(Arc::new(Inner {
            origin,
            kind,
            last: Mutex::default(),
        }))
    }

    /// The secret for a new connection. Runs the command if what it printed last is older than its life.
    /// Cancel safe: dropping the future ends the command.
    ///
    /// # Errors
    /// The kind that it was made with; everyone who waited for a run that failed gets the same.
    pub async fn get(&self) -> Result<Secret> {
        let command = match &self.0.origin {
            Origin::Written(secret) => return Ok(secret.clone()),
            Origin::Printed(command) => command,
        };
        let asked = Instant::now();
        let mut last = self.0.last.lock().await;
        if let Some((secret, at)) = &last.printed
            && at.elapsed() < command.life
        {
            return Ok(secret.clone());
        }
        let renewed = last.renew(command, asked).await;
        renewed.map_err(|text| Error::new(self.0.kind, text))
    }

    /// Another secret in place of one that the server refused; `None` if there is none to try.
    ///
    /// # Errors
    /// The kind that it was made with.
    pub async fn after_refusal(&self, refused: &Secret) -> Result<Option<Secret>> {
        let Origin::Printed(command) = &self.0.origin else {
            return Ok(None);
        };
        let asked = Instant::now();
        let mut last = self.0.last.lock().await;
        let secret = match &last.printed {
            // Another connection was refused as well, and has had the command run.
            Some((secret, at)) if secret != refused || *at >= asked => secret.clone(),
            _ => {
                let renewed = last.renew(command, asked).await;
                renewed.map_err(|text| Error::new(self.0.kind, text))?
            }
        };
        Ok((secret != *refused).then_some(secret))
    }

    /// How long [`Self::get`] may take.
    pub fn patience(&self) -> Duration {
        match &self.0.origin {
            Origin::Written(_) => Duration::ZERO,
            Origin::Printed(command) => command.timeout,
        }
    }
}

impl Last {
    /// Runs the command, unless a run failed after `asked`: that one's failure is given then.
    async fn renew(&mut self, command: &SecretCommand, asked: Instant) -> Result<Secret, String> {
        if let Some((text, at)) = &self.failed
            && *at >= asked
        {
            return Err(text.clone());
        }
        self.printed = None;
        let run = run::run(command).await;
        match &run {
            Ok(secret) => self.printed = Some((secret.clone(), Instant::now())),
            Err(text) => self.failed = Some((text.clone(), Instant::now())),
        }
        run
    }
}

#[cfg(test)]
mod tests;
