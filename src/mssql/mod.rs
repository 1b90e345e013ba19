//! Everything that talks to SQL Server: pool, connections, catalog, and the reading of rows.

mod address;
mod browser;
pub mod catalog;
mod connect;
mod connection;
mod control;
pub mod cuts;
mod encrypted;
mod fault;
pub mod large_rows;
#[cfg(feature = "legacy-tls")]
mod legacy;
mod outgoing;
pub mod pool;
mod prelogin;
pub mod read;
mod response;
mod tls;
mod transport;
mod tunnel;

pub use connection::Connection;
pub use control::ControlRow;
