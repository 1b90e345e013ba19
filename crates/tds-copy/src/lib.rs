//! Turns the rows of a TDS response into rows of COPY BINARY in one pass, without I/O.

pub mod error;
pub mod tds;
pub mod transcode;
