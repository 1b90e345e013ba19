//! A session: settings, variables, the open transaction, and reading and changing the state.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::error::{Result, cancelled, error};
use crate::engine::eval::expr::Watch;
use crate::engine::model::facts::{Facts, LastIdentity, SNAPSHOT, Variable};
use crate::engine::model::name::fold;
use crate::engine::model::state::State;
use crate::engine::session::settings::Settings;
use crate::engine::session::shared::{Engine, now};
use crate::engine::session::transaction::Transaction;
use crate::session::Sink;
use crate::types::SqlError;

pub(crate) struct SqlSession {
    pub(crate) engine: Arc<Engine>,
    pub(crate) id: u64,
    pub(crate) user: String,
    /// The database of the login, for resets.
    pub(crate) home: String,
    pub(crate) database: String,
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) row_count: u64,
    pub(crate) last_error: i32,
    pub(crate) identity: LastIdentity,
    pub(crate) caught: Option<SqlError>,
    pub(crate) settings: Settings,
    /// One slot for each TRY block around the statement at hand.
    pub(crate) catching: Vec<Option<SqlError>>,
    /// The batch at hand, under whose text its work is counted.
    pub(crate) batch: Arc<str>,
}

impl SqlSession {
    pub(crate) fn new(engine: Arc<Engine>, id: u64, user: String, database: String) -> SqlSession {
        SqlSession {
            engine,
            id,
            user,
            home: database.clone(),
            database,
            variables: BTreeMap::new(),
            transaction: None,
            row_count: 0,
            last_error: 0,
            identity: LastIdentity::default(),
            caught: None,
            settings: Settings::default(),
            catching: Vec::new(),
            batch: "".into(),
        }
    }

    /// Where an error goes inside TRY.
    pub(crate) fn settings_catching(&mut self) -> Option<&mut Option<SqlError>> {
        self.catching.last_mut()
    }

    /// The state that a statement reads.
    fn visible(&mut self) -> Arc<State> {
        let Some(transaction) = &mut self.transaction else {
            return self.engine.state();
        };
        if let Some(work) = &transaction.work {
            return Arc::clone(work);
        }
        if self.settings.isolation != SNAPSHOT {
            return self.engine.state();
        }
        Arc::clone(
            transaction
                .snapshot
                .get_or_insert_with(|| self.engine.state()),
        )
    }

    /// What the next statement is bound with.
    pub(crate) fn facts(&mut self) -> Facts {
        let state = self.visible();
        self.facts_with(state)
    }

    fn facts_with(&self, state: Arc<State>) -> Facts {
        Facts {
            options: Arc::clone(&self.engine.options),
            state,
            database: self.database.clone(),
            user: self.user.clone(),
            spid: u16::try_from(self.id).unwrap_or(u16::MAX),
            now: now(),
            transactions: self.transaction.as_ref().map_or(0, |t| t.depth),
            row_count: self.row_count,
            last_error: self.last_error,
            identity: self.identity.clone(),
            variables: self.variables.clone(),
            date_order: self.settings.date_order,
            connections: Arc::new(self.engine.connections()),
            caught: self.caught.clone(),
            identity_insert: self.settings.identity_insert.as_ref().map(|(_, id)| *id),
            isolation: self.settings.isolation,
            lock_timeout: self.settings.lock_timeout,
            ansi_nulls: self.settings.ansi_nulls,
            quoted_identifier: self.settings.quoted_identifier,
            nesting: 0,
        }
    }

    fn enter_gate(&self, watch: &Watch<'_>) -> Result<()> {
        let limit = u64::try_from(self.settings.lock_timeout)
            .ok()
            .map(Duration::from_millis);
        let stopped = Cell::new(false);
        let waits = || {
            stopped.set(watch().is_break());
            !stopped.get()
        };
        if self.engine.gate.enter(self.id, limit, &waits) {
            return Ok(());
        }
        if stopped.get() {
            return Err(cancelled());
        }
        Err(error(1222, 16, "Lock request time out period exceeded."))
    }

    /// Changes the state: all of `change` or nothing of it. Waits for its turn as long as the client
    /// behind `watch` does.
    pub(crate) fn change<T>(
        &mut self,
        watch: &Watch<'_>,
        change: impl FnOnce(&Facts, &mut State) -> Result<T>,
    ) -> Result<T> {
        if self.settings.implicit && self.transaction.is_none() {
            self.transaction = Some(Transaction::new());
        }
        self.enter_gate(watch)?;
        let base = match &self.transaction {
            Some(Transaction {
                work: Some(work), ..
            }) => Ok(Arc::clone(work)),
            Some(Transaction {
                snapshot: Some(snapshot),
                ..
            }) => unchanged(snapshot, self.engine.state(), &self.database),
            _ => Ok(self.engine.state()),
        };
        let result = base.and_then(|base| {
            let facts = self.facts_with(Arc::clone(&base));
            let mut after = State::clone(&base);
            drop(base);
            let value = change(&facts, &mut after)?;
            Ok((value, Arc::new(after)))
        });
        match (result, &mut self.transaction) {
            (Ok((value, after)), Some(transaction)) => {
                transaction.work = Some(after);
                Ok(value)
            }
            (Ok((value, after)), None) => {
                self.engine.publish(after);
                self.engine.gate.leave(self.id);
                Ok(value)
            }
            (Err(e), transaction) => {
                if transaction.as_ref().is_none_or(|t| t.work.is_none()) {
                    self.engine.gate.leave(self.id);
                }
                Err(e)
            }
        }
    }

    pub(crate) fn begin(&mut self) {
        match &mut self.transaction {
            Some(t) => t.depth += 1,
            None => self.transaction = Some(Transaction::new()),
        }
    }

    pub(crate) fn commit(&mut self) -> Result<()> {
        let Some(transaction) = &mut self.transaction else {
            return Err(error(
                3902,
                16,
                "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            ));
        };
        transaction.depth -= 1;
        if transaction.depth > 0 {
            return Ok(());
        }
        if let Some(work) = transaction.work.take() {
            self.engine.publish(work);
        }
        self.transaction = None;
        self.engine.gate.leave(self.id);
        Ok(())
    }

    pub(crate) fn rollback(&mut self, savepoint: Option<&str>) -> Result<()> {
        let Some(transaction) = &mut self.transaction else {
            return Err(error(
                3903,
                16,
                "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.",
            ));
        };
        if let Some(name) = savepoint
            && let Some((_, work)) = transaction
                .savepoints
                .iter()
                .rev()
                .find(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            transaction.work = work
                .clone()
                .or_else(|| transaction.work.as_ref().map(|_| self.engine.state()));
            return Ok(());
        }
        self.transaction = None;
        self.engine.gate.leave(self.id);
        Ok(())
    }

    pub(crate) fn save(&mut self, name: &str) -> Result<()> {
        let Some(transaction) = &mut self.transaction else {
            return Err(error(
                628,
                16,
                "Cannot issue SAVE TRANSACTION when there is no active transaction.",
            ));
        };
        transaction
            .savepoints
            .push((name.to_owned(), transaction.work.clone()));
        Ok(())
    }

    /// `USE`.
    pub(crate) fn use_database(&mut self, name: &str, sink: &mut dyn Sink) -> Result<()> {
        let found = self.facts().state.database(name)?.name.clone();
        let before = std::mem::replace(&mut self.database, found.clone());
        // The client's going away shows at the next thing it is told.
        let _ = sink.database_changed(&before, &found);
        Ok(())
    }
}

/// The published state, if nobody changed the database since the snapshot.
fn unchanged(snapshot: &State, published: Arc<State>, database: &str) -> Result<Arc<State>> {
    let name = fold(database);
    match (
        snapshot.databases.get(&name),
        published.databases.get(&name),
    ) {
        (Some(a), Some(b)) if Arc::ptr_eq(a, b) => Ok(published),
        _ => Err(error(
            3960,
            16,
            format!(
                "Snapshot isolation transaction aborted due to update conflict in database '{database}'. Retry the transaction or change the isolation level for the update/delete statement."
            ),
        )),
    }
}

impl SqlSession {
    /// Drops this session's temporary tables.
    pub(crate) fn drop_temporary(&mut self) {
        let suffix = format!("_{:012X}", self.id as u16);
        let mine = |name: &str| {
            name.starts_with('#') && !name.starts_with("##") && name.ends_with(&suffix)
        };
        let any = self
            .engine
            .state()
            .database("tempdb")
            .is_ok_and(|d| d.tables.values().any(|t| mine(&t.name)));
        if !any {
            return;
        }
        let dropped = self.engine.change(|_, after| {
            let tempdb = after.database_mut("tempdb")?;
            let gone: Vec<i32> = tempdb
                .tables
                .values()
                .filter(|t| mine(&t.name))
                .map(|t| t.object_id)
                .collect();
            tempdb.tables.retain(|id, _| !gone.contains(id));
            Arc::make_mut(&mut tempdb.names).retain(|_, id| !gone.contains(id));
            Ok(())
        });
        debug_assert!(dropped.is_ok(), "tempdb always exists");
    }
}

impl Drop for SqlSession {
    fn drop(&mut self) {
        self.transaction = None;
        self.engine.gate.leave(self.id);
        self.drop_temporary();
    }
}
