//! The TDS protocol as a server speaks it: framing, TLS, login, requests, responses.

pub mod code_page;
pub mod encode;
pub(crate) mod shared;
pub mod tls;

pub(crate) mod browser;
pub(crate) mod call;
pub mod collation;
pub(crate) mod connection;
pub(crate) mod cursor;
pub(crate) mod decode;
pub(crate) mod doors;
pub(crate) mod handshake;
pub(crate) mod login7;
pub(crate) mod ntlm;
pub(crate) mod packet;
pub(crate) mod prelogin;
pub(crate) mod prepared;
pub(crate) mod quiet;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod rpc;
pub(crate) mod token;
pub(crate) mod transaction;
pub(crate) mod transport;
pub(crate) mod windows;
pub(crate) mod writer;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod specification_tests;

pub use crate::wire::doors::{Domain, Doors};
pub use crate::wire::prelogin::TlsMode;
