//! The client's end of a security context.

#![allow(unsafe_code, reason = "calls into the C library")]

use std::path::{Path, PathBuf};
use std::ptr;

use crate::error::{Error, Kind};
use crate::library::{Context, Held, Library, Name, library};
use crate::raw::{Buffer, CONTINUE_NEEDED, INITIATE, KERBEROS, MUTUAL_AND_SEQUENCE, Oid};
use crate::step::Step;

/// Whose tickets the client shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Those of the ticket cache, which `kinit` filled (`KRB5CCNAME`).
    Cache,
    /// Tickets that the library gets by a key of this file, and gets again before they end.
    Keytab {
        /// The keytab file.
        path: PathBuf,
        /// Whose key, as `svc-migrate@EXAMPLE.COM`; `None` takes the file's first.
        principal: Option<String>,
    },
}

/// The client's end of a security context by Kerberos, with mutual authentication.
pub struct Initiator {
    library: &'static Library,
    context: Context,
    service: Name,
    credentials: Held,
}

// The library's objects may be used by any thread, one at a time.
unsafe impl Send for Initiator {}

impl Initiator {
    /// A context for the service of this principal, as `MSSQLSvc/sql01.example.com:1433`, with or
    /// without a realm. Blocks: tickets for a keytab are asked for here.
    ///
    /// # Errors
    /// No library, no tickets, or no key.
    pub fn new(service: &str, credentials: &Credentials) -> Result<Self, Error> {
        let library = library()?;
        let credentials = match credentials {
            Credentials::Cache => Held::none(library),
            Credentials::Keytab { path, principal } => {
                if let Err(cause) = std::fs::File::open(path) {
                    let path = path.display();
                    return Err(Error::new(Kind::Keytab, format!("keytab {path}: {cause}")));
                }
                let store = [
                    ("client_keytab", path.to_string_lossy().into_owned()),
                    ("ccache", cache(path, principal.as_deref())),
                ];
                let acquired = library.acquire(principal.as_deref(), INITIATE, &store);
                acquired.map_err(|error| without_key(path, principal.as_deref(), error))?
            }
        };
        Ok(Self {
            library,
            context: Context {
                library,
                handle: ptr::null_mut(),
            },
            service: library.principal(service)?,
            credentials,
        })
    }

    /// Makes the first token, or takes the server's and makes the next. Blocks: the ticket for the
    /// service is asked for here.
    ///
    /// # Errors
    /// No ticket for the service, or a token that is not the server's.
    pub fn step(&mut self, received: Option<&[u8]>) -> Result<Step, Error> {
        let mechanism = Oid::new(KERBEROS);
        let input = Buffer::lent(received.unwrap_or_default());
        let (mut minor, mut output) = (0, Buffer::empty());
        // Pointers are to locals and to what this object holds; the context is made or moved on.
        let major = unsafe {
            (self.library.init_context)(
                &mut minor,
                self.credentials.handle,
                &mut self.context.handle,
                self.service.handle,
                &mechanism,
                MUTUAL_AND_SEQUENCE,
                0,
                ptr::null(),
                &input,
                ptr::null_mut(),
                &mut output,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        let token = self.library.take(output);
        let checked = self.library.check(major, minor);
        let major = checked.map_err(|error| match (received, error.kind()) {
            // A token under another key is not the service's; the client's own key was right before.
            (Some(_), Kind::WrongKey) => Error {
                kind: Kind::Other,
                ..error
            },
            _ => error,
        })?;
        Ok(Step {
            token,
            done: major & CONTINUE_NEEDED == 0,
        })
    }
}

/// A cache in memory for the tickets of one principal.
fn cache(keytab: &Path, principal: Option<&str>) -> String {
    format!(
        "MEMORY:{} {}",
        keytab.display(),
        principal.unwrap_or_default()
    )
}

/// Without a key the library looks for tickets, and says that it found none.
fn without_key(path: &Path, principal: Option<&str>, error: Error) -> Error {
    if error.kind() != Kind::NoCredentials {
        return error;
    }
    let (path, whose) = (path.display(), principal.unwrap_or("any principal"));
    Error::new(
        Kind::Keytab,
        format!("keytab {path} gave no ticket of {whose} ({error})"),
    )
}
