//! The source shore against the stand-in's real wire: logins, errors, pool and control queries.

mod connect;
mod errors;
mod live;
mod pool;
mod read;
mod scripted;
