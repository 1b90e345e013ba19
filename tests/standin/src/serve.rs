//! The server with the SQL engine behind it.

use std::sync::Arc;

use crate::engine::{ConnectionFacts, Engine};
use crate::server::{Server, ServerHandle, ServerOptions, StartError};
use crate::session::{Login, Session};
use crate::types::SqlError;
use crate::wire::shared::ConnectionInfo;
use crate::work::Work;

/// Lets users into an engine.
struct Door(Arc<Engine>);

impl Login for Door {
    fn login(
        &self,
        user: &str,
        password: &str,
        database: Option<&str>,
    ) -> Result<Box<dyn Session>, SqlError> {
        self.0.login(user, password, database)
    }

    fn admit(&self, account: &str, database: Option<&str>) -> Result<Box<dyn Session>, SqlError> {
        self.0.admit(account, database)
    }

    fn work(&self) -> (Work, Vec<(String, Work)>) {
        (self.0.work(), self.0.work_by_text())
    }

    fn reset_work(&self) {
        self.0.reset_work();
    }
}

impl Server {
    /// Serves `engine`, which from now on shows this server's connections in its views.
    pub fn with_engine(
        options: ServerOptions,
        engine: &Arc<Engine>,
    ) -> Result<ServerHandle, StartError> {
        let handle = Self::start(options, Arc::new(Door(Arc::clone(engine))))?;
        let connections = handle.connection_source();
        engine.set_connections(Box::new(move || {
            connections().into_iter().map(facts).collect()
        }));
        Ok(handle)
    }
}

fn facts(info: ConnectionInfo) -> ConnectionFacts {
    ConnectionFacts {
        session_id: info.session_id,
        login: info.login,
        host: info.host,
        program: info.program,
        database: info.database,
        client_address: info.client_address,
        packet_size: info.packet_size,
        encrypted: info.encrypted,
        auth_scheme: info.auth_scheme,
    }
}
