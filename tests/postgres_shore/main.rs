//! The target shore against a real PostgreSQL.

#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod comparing;
mod connecting;
mod copying;
mod finishing;
mod libpq;
mod locking;
mod making;
mod objects;
mod plans;
mod pooling;
mod sharing;
mod splitting;
mod stating;
mod suspended;
mod views;
