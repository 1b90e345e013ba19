//! Everything that talks to SQL Server: pool, connections, catalog, and the reading of rows.
//!
//! `pipeline` uses four faces: `pool` for connections, `catalog` for the schema, `cuts` for cut
//! points and counts, `read` for rows. Nothing here imports `postgres`, and no connection exists
//! outside the pool. The order of a connection's layers is TCP, `tunnel`, TLS (`encrypted`),
//! `transport`, and on top of it either tiberius or a row stream.

mod address;
mod browser;
pub mod catalog;
mod connect;
mod connection;
mod control;
pub mod cuts;
mod encrypted;
pub mod facts;
mod fault;
pub mod large_rows;
#[cfg(feature = "legacy-tls")]
mod legacy;
mod message;
mod outgoing;
pub mod pool;
mod prelogin;
pub mod read;
mod response;
mod sign_in;
mod tls;
mod transport;
mod tunnel;

pub use connection::Connection;
pub use control::ControlRow;
