//! The source shore against the stand-in's real wire: logins, errors, pool and control queries.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it is"
)]

mod connect;
mod errors;
mod live;
mod pool;
mod read;
mod scripted;
