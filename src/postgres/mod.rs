//! The target side: everything that talks to PostgreSQL.

pub mod connect;
pub mod copy;
pub mod counter;
pub mod ddl;
pub mod extensions;
pub mod finish;
pub mod finish_group;
pub mod lock;
pub mod objects;
pub mod pool;
pub mod rights;
pub mod scratch;
pub mod start_over;
pub mod state;
pub mod verify;

mod fault;
mod tls;
