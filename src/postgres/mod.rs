//! The target side: everything that talks to PostgreSQL.
//!
//! `connect` and `pool` give connections, `state` is schema `_migrate`, `copy` writes rows with
//! their checkpoints, `ddl` makes tables, `objects`, `finish` and `counter` what belongs to them,
//! `verify` reads rows back. `lock` is the job lock on a connection of its own. Nothing here
//! imports `mssql`. Statements name `pg_catalog` wherever a search path could hide a function.

pub mod connect;
pub mod copy;
pub mod counter;
pub mod ddl;
pub mod extensions;
pub mod facts;
pub mod finish;
pub mod finish_group;
pub mod lock;
pub mod member;
pub mod objects;
pub mod pool;
pub mod rights;
pub mod scratch;
pub mod script;
pub mod slots;
pub mod start_over;
pub mod state;
pub mod verify;

mod fault;
mod tls;
