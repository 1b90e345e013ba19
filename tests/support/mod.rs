//! What the integration tests share: throw-away PostgreSQL clusters.

// Every test binary uses a part of this.
#![allow(dead_code, unreachable_pub)]

pub mod certificate;
pub mod cluster;
pub mod postgres;
