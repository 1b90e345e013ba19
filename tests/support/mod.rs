//! What the integration tests share: source servers, throw-away PostgreSQL clusters, jobs.

// Every test binary uses a part of this.
#![allow(dead_code, unreachable_pub)]
// A test that is skipped says so.
#![allow(clippy::print_stderr)]

pub mod certificate;
pub mod cluster;
pub mod job;
pub mod json_schema;
pub mod kdc;
pub mod old_server;
pub mod openmetrics;
pub mod pooler;
pub mod postgres;
pub mod programs;
pub mod proxy;
pub mod scenario;
pub mod source;
pub mod sshd;
