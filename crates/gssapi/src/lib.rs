//! The system's GSSAPI library (RFC 2743, RFC 2744), loaded when it is first used: security contexts by
//! Kerberos.
//!
//! Nothing is linked, so a program that never signs in by Kerberos needs no library, and one that does
//! says which package is missing. Both ends are here: [`Initiator`] is the client, [`Acceptor`] the
//! server. Calls may ask a key distribution centre over the network, and block: call them from a thread
//! that may wait.

#![deny(missing_docs)]

mod acceptor;
mod error;
mod initiator;
mod library;
mod raw;
mod step;

pub use acceptor::Acceptor;
pub use error::{Error, Kind};
pub use initiator::{Credentials, Initiator};
pub use library::{is_available, loaded};
pub use step::Step;
