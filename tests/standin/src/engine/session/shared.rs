//! The state that all sessions share: readers take a snapshot, writers take turns.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::engine::error::Result;
use crate::engine::model::facts::{Facts, LastIdentity};
use crate::engine::model::options::{ConnectionFacts, Connections, Options};
use crate::engine::model::state::State;
use crate::engine::session::gate::Gate;
use crate::engine::value::calendar::{DAY, SECOND};
use crate::engine::value::temporal::DateOrder;
use crate::work::{Ledger, Work};

/// All databases of the stand-in. Readers take a snapshot, writers take turns.
pub struct Engine {
    /// Itself, for the sessions to hold.
    pub(crate) me: Weak<Engine>,
    pub(crate) options: Arc<Options>,
    pub(crate) published: RwLock<Arc<State>>,
    pub(crate) gate: Gate,
    pub(crate) sessions: AtomicU64,
    /// What SELECT statements have touched.
    pub(crate) ledger: Ledger,
    pub(crate) connections: RwLock<Option<Connections>>,
}

/// UTC now, as days since 0001-01-01 and 100 ns ticks.
pub(crate) fn now() -> (i32, u64) {
    /// 1970-01-01 as days since 0001-01-01.
    const DAYS_1970: u64 = 719_162;
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let ticks = since.as_secs() * SECOND + u64::from(since.subsec_nanos()) / 100;
    ((DAYS_1970 + ticks / DAY) as i32, ticks % DAY)
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// What SELECT statements that have ended have touched, since the start or [`Engine::reset_work`].
    pub fn work(&self) -> Work {
        self.ledger.total()
    }

    /// The same by the text of the batch, most rows touched first.
    pub fn work_by_text(&self) -> Vec<(String, Work)> {
        self.ledger.by_text()
    }

    /// Begins to count again.
    pub fn reset_work(&self) {
        self.ledger.reset();
    }

    /// Changes `@@SERVERNAME`, as a failover to another replica does: databases stay what they are.
    pub fn rename_server(&self, name: &str) {
        let renamed = self.change(|_, after| {
            after.server_name = Some(name.into());
            Ok(())
        });
        debug_assert!(renamed.is_ok(), "nothing in it fails");
    }

    /// Where `sys.dm_exec_sessions` comes from.
    pub fn set_connections(&self, connections: Connections) {
        *self
            .connections
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Some(connections);
    }

    pub(crate) fn connections(&self) -> Vec<ConnectionFacts> {
        let source = self
            .connections
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        source.as_ref().map(|f| f()).unwrap_or_default()
    }

    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(
            &self
                .published
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(crate) fn publish(&self, state: Arc<State>) {
        *self
            .published
            .write()
            .unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// What holds outside of any session.
    pub(crate) fn facts(&self, state: Arc<State>, database: &str) -> Facts {
        Facts {
            options: Arc::clone(&self.options),
            state,
            database: database.to_owned(),
            user: "sa".to_owned(),
            spid: 0,
            now: now(),
            transactions: 0,
            row_count: 0,
            last_error: 0,
            identity: LastIdentity::default(),
            variables: BTreeMap::new(),
            date_order: DateOrder::default(),
            connections: Arc::default(),
            caught: None,
            identity_insert: None,
            isolation: 2,
            lock_timeout: -1,
            ansi_nulls: true,
            quoted_identifier: true,
            nesting: 0,
        }
    }

    /// Changes the state as one writer; nothing is published when `change` fails.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&Arc<State>, &mut State) -> Result<T>,
    ) -> Result<T> {
        const LOADER: u64 = 0;
        self.gate.enter(LOADER, None, &|| true);
        let before = self.state();
        let mut after = State::clone(&before);
        let result = change(&before, &mut after);
        if result.is_ok() {
            self.publish(Arc::new(after));
        }
        self.gate.leave(LOADER);
        result
    }
}
