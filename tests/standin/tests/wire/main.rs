//! The server's wire against a bare client, with a scripted session in place of the engine.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod client;
mod engine;
mod fault;
mod login;
mod request;
mod script;
mod specification;

use std::sync::Arc;

use standin::server::{Server, ServerHandle, ServerOptions};

use client::{Client, Login};
use script::{Script, Scripted};

/// A server and what its sessions were asked.
fn start(options: ServerOptions) -> (ServerHandle, Arc<Script>) {
    let script = Arc::new(Script::default());
    let server = Server::start(options, Arc::new(Scripted(Arc::clone(&script)))).unwrap();
    (server, script)
}

fn connect(server: &ServerHandle) -> Client {
    Client::login(server.address(), &Login::default())
        .unwrap()
        .0
}
