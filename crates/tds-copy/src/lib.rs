//! Turns the rows of a TDS response into rows of COPY BINARY in one pass, without I/O.
//!
//! The caller owns sockets and time: it gives bytes to a [`transcode::RowReader`] and gets
//! [`transcode::Batch`]es, ready to be sent as the body of `COPY ... (FORMAT binary)`. A value is
//! never built in between; bytes go from one buffer to the other.
//!
//! [`tds`] is the protocol and knows nothing of PostgreSQL; [`transcode`] knows both. Whatever
//! bytes come, nothing panics, and memory is bounded by the longest row.

#![deny(missing_docs)]

pub mod error;
pub mod tds;
pub mod transcode;
