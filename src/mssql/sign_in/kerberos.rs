//! Kerberos, the client's side: tickets and tokens come from the system's library.

use std::time::Duration;

use gssapi::{Credentials, Initiator};

use crate::error::{Error, Kind, Result};

/// The client's end of one login.
pub(super) struct Kerberos {
    /// `None` while a step is being made.
    initiator: Option<Initiator>,
    service: String,
    /// The server has shown that it is the service.
    over: bool,
}

impl Kerberos {
    /// Begins a login at the service of this principal, and gives the first token.
    ///
    /// # Errors
    /// `SourceLogin`: no library, no ticket, no such service. `SourceNotReady`: no key distribution
    /// centre answers.
    pub(super) async fn begin(
        service: String,
        credentials: Credentials,
    ) -> Result<(Self, Vec<u8>)> {
        let name = service.clone();
        let made = blocking(move || {
            let mut initiator = Initiator::new(&name, &credentials)?;
            let step = initiator.step(None)?;
            Ok((initiator, step))
        });
        let (initiator, step) = made.await?.map_err(|error| refused(&service, &error))?;
        let login = Self {
            initiator: Some(initiator),
            service,
            over: step.done,
        };
        Ok((login, step.token))
    }

    /// Whether client and server have shown each other who they are.
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// Takes the server's token; gives the next one, empty after the last.
    ///
    /// # Errors
    /// As for [`Self::begin`]; a server that cannot show that it is the service is one of them.
    pub(super) async fn step(&mut self, received: &[u8]) -> Result<Vec<u8>> {
        let Some(mut initiator) = self.initiator.take() else {
            return Err(Error::new(Kind::Internal, "a Kerberos login was given up"));
        };
        let received = received.to_vec();
        let made = blocking(move || {
            let step = initiator.step(Some(&received))?;
            Ok((initiator, step))
        });
        let (initiator, step) = made
            .await?
            .map_err(|error| refused(&self.service, &error))?;
        self.initiator = Some(initiator);
        self.over = step.done;
        Ok(step.token)
    }
}

/// How long a call of the library may take. Its thread cannot be stopped, so it may live on after that.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a call of the library on a thread that may block, because it may ask the network.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::result::Result<T, gssapi::Error> + Send + 'static,
) -> Result<std::result::Result<T, gssapi::Error>> {
    let done = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(work)).await;
    let done = done.map_err(|_| {
        let (kind, advice) = meaning(gssapi::Kind::NoCentre);
        let waited = PATIENCE.as_secs();
        Error::new(
            kind,
            format!("no key distribution centre answered within {waited} s"),
        )
        .advise(advice)
    })?;
    done.map_err(|cause| Error::new(Kind::Internal, "a Kerberos call ended early").because(cause))
}

fn refused(service: &str, error: &gssapi::Error) -> Error {
    let (kind, advice) = meaning(error.kind());
    Error::new(kind, format!("no Kerberos login at {service}: {error}")).advise(advice)
}

/// What each kind asks of the user.
fn meaning(kind: gssapi::Kind) -> (Kind, &'static str) {
    use gssapi::Kind as Gss;
    match kind {
        Gss::NoLibrary => (
            Kind::SourceLogin,
            "install the package, or use source.auth: ntlm or sql.",
        ),
        Gss::NoCredentials => (
            Kind::SourceLogin,
            "run `kinit` as the user who runs migrate (`klist` shows the ticket; KRB5CCNAME says where it is), \
             or set source.keytab.",
        ),
        Gss::Expired => (
            Kind::SourceLogin,
            "run `kinit` again; for long runs set source.keytab, or renew the ticket from outside.",
        ),
        Gss::ClockSkew => (
            Kind::SourceLogin,
            "set this machine's clock by the domain controllers' (NTP): Kerberos allows 5 minutes.",
        ),
        Gss::UnknownService => (
            Kind::SourceLogin,
            "the name must be the one that is registered: on the server's domain `setspn -L <service account>` lists \
             it. Write source.host as the full name, or the SPN as source.spn.",
        ),
        Gss::UnknownClient => (
            Kind::SourceLogin,
            "check source.principal and its realm: the domain does not know this account.",
        ),
        Gss::Revoked => (
            Kind::SourceLogin,
            "the account is locked, disabled or has ended: ask the domain's administrator.",
        ),
        Gss::PasswordExpired => (
            Kind::SourceLogin,
            "change the account's password, and make the keytab again.",
        ),
        Gss::WrongKey => (
            Kind::SourceLogin,
            "the password was changed after the keytab was made: make it again (`ktpass`, `ktutil`).",
        ),
        Gss::Keytab => (
            Kind::SourceLogin,
            "`klist -k <keytab>` shows whose keys it holds; source.principal says which of them is used; /etc/krb5.conf must \
             know its realm.",
        ),
        Gss::NoCentre => (
            Kind::SourceNotReady,
            "check the realm in /etc/krb5.conf, and that port 88 of a domain controller is reachable.",
        ),
        Gss::Other => (
            Kind::SourceLogin,
            "KRB5_TRACE=/dev/stderr shows what the library tried.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_keytab_that_is_not_there_is_named_with_what_to_do() {
        let credentials = Credentials::Keytab {
            path: "/nonexistent/migrate.keytab".into(),
            principal: None,
        };
        let begun = Kerberos::begin("MSSQLSvc/sql01:1433".to_owned(), credentials).await;
        let Err(error) = begun else {
            panic!("a login without a key");
        };
        let text = error.to_string();
        assert_eq!(error.kind(), Kind::SourceLogin);
        assert!(text.contains("/nonexistent/migrate.keytab"), "{text}");
        assert!(text.contains("MSSQLSvc/sql01:1433"), "{text}");
    }
}
