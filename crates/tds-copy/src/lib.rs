//! Turns the rows of a TDS response into rows of COPY BINARY in one pass, without I/O.

#![deny(missing_docs)]

pub mod error;
pub mod tds;
pub mod transcode;
