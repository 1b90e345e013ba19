//! The engine as its callers see it: options, login, and loading without SQL.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::engine::error::{Result, error};
use crate::engine::facts::{Facts, LastIdentity, user_of};
use crate::engine::gate::Gate;
use crate::engine::parse::script;
use crate::engine::parse::statement::{Name, Statement};
use crate::engine::session::SqlSession;
use crate::engine::state::{Database, State};
use crate::engine::table::{Generated, Generator, fold};
use crate::engine::value::calendar::{DAY, SECOND};
use crate::engine::value::temporal::DateOrder;
use crate::engine::work::{Ledger, Work};
use crate::engine::{collate, ddl, dml};
use crate::session::{Login, Session};
use crate::types::{SqlError, SqlType, Value};

/// How the server calls itself and whom it lets in.
#[derive(Debug, Clone)]
pub struct Options {
    /// `@@SERVERNAME`.
    pub server_name: String,
    /// Logins and their passwords; names compare without regard to case.
    pub logins: Vec<(String, String)>,
    /// `query governor cost limit` in seconds; 0 is no limit. A second is a thousand rows here.
    pub cost_limit: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            server_name: "standin".to_owned(),
            logins: vec![("sa".to_owned(), "Passw0rd!".to_owned())],
            cost_limit: 1,
        }
    }
}

impl Options {
    /// `@@VERSION`.
    pub(crate) fn version_text(&self) -> String {
        format!(
            "Microsoft SQL Server 2022 (RTM) - {} (X64) \n\tStand-in for tests of migrate\n\tDeveloper Edition (64-bit) on Linux",
            crate::engine::PRODUCT_VERSION
        )
    }
}

/// SQL Server Agent's tables in `msdb`, with the columns that tell jobs by name and database.
const JOBS: [&str; 2] = [
    "CREATE TABLE dbo.sysjobs (job_id uniqueidentifier NOT NULL, name nvarchar(128) NOT NULL)",
    "CREATE TABLE dbo.sysjobsteps (job_id uniqueidentifier NOT NULL, step_id int NOT NULL, database_name nvarchar(128) NULL)",
];

/// A row of `sys.dm_exec_sessions` and `sys.dm_exec_connections`, as the wire knows it.
#[derive(Debug, Clone)]
pub struct ConnectionFacts {
    pub session_id: u16,
    pub login: String,
    pub host: String,
    pub program: String,
    pub database: String,
    pub client_address: String,
    pub packet_size: u32,
    pub encrypted: bool,
}

/// Tells the connections of the moment.
pub type Connections = Box<dyn Fn() -> Vec<ConnectionFacts> + Send + Sync>;

/// All databases of the stand-in. Readers take a snapshot, writers take turns.
pub struct Engine {
    /// Itself, for the sessions to hold.
    me: Weak<Engine>,
    pub(crate) options: Arc<Options>,
    published: RwLock<Arc<State>>,
    pub(crate) gate: Gate,
    sessions: AtomicU64,
    /// What SELECT statements have touched.
    pub(crate) ledger: Ledger,
    connections: RwLock<Option<Connections>>,
}

impl Engine {
    /// An engine with the system databases.
    pub fn new(options: Options) -> Arc<Engine> {
        let mut state = State {
            next_database: 5,
            ..State::default()
        };
        for (id, name) in [(1, "master"), (2, "tempdb"), (3, "model"), (4, "msdb")] {
            let (days, ticks) = now();
            let created = days as u64 * DAY + ticks;
            state.databases.insert(
                name.to_owned(),
                Arc::new(Database::new(
                    id,
                    name,
                    collate::default_collation(),
                    created,
                )),
            );
        }
        let engine = Arc::new_cyclic(|me| Engine {
            me: Weak::clone(me),
            options: Arc::new(options),
            published: RwLock::new(Arc::new(state)),
            gate: Gate::default(),
            sessions: AtomicU64::new(51),
            ledger: Ledger::default(),
            connections: RwLock::new(None),
        });
        for table in JOBS {
            let made = engine.load_table("msdb", table, std::iter::empty());
            debug_assert!(made.is_ok(), "{table}");
        }
        engine
    }

    /// Logs in to a database (`None`: `master`).
    ///
    /// # Errors
    /// 18456 for a wrong user or password, 4060 for a database that does not exist.
    pub fn login(
        &self,
        user: &str,
        password: &str,
        database: Option<&str>,
    ) -> Result<Box<dyn Session>> {
        let state = self.state();
        let made = state.logins.get(&fold(user)).map(String::as_str) == Some(password);
        let known = self
            .options
            .logins
            .iter()
            .any(|(u, p)| u.eq_ignore_ascii_case(user) && p == password);
        if !known && !made {
            return Err(error(18456, 14, format!("Login failed for user '{user}'.")));
        }
        let database = database.filter(|d| !d.is_empty()).unwrap_or("master");
        // Only the system databases let a login in that has no user there.
        let open = |d: &Database| known || d.id <= 4 || user_of(d, user).is_some();
        let found = state.database(database).ok().filter(|d| open(d));
        let Some(found) = found.map(|d| d.name.clone()) else {
            let message = format!(
                "Cannot open database \"{database}\" requested by the login. The login failed."
            );
            return Err(error(4060, 11, message));
        };
        let id = self.sessions.fetch_add(1, Ordering::Relaxed);
        let engine = self
            .me
            .upgrade()
            .expect("who calls a method holds the engine");
        Ok(Box::new(SqlSession::new(
            engine,
            id,
            user.to_owned(),
            found,
        )))
    }

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

    /// Adds rows whose values are already of their columns' types; returns how many.
    ///
    /// # Errors
    /// As INSERT, except that foreign keys are not looked up.
    pub fn bulk_load(
        &self,
        database: &str,
        schema: &str,
        table: &str,
        rows: impl Iterator<Item = Vec<Value>>,
    ) -> Result<u64> {
        let name = Name {
            database: Some(database.to_owned()),
            schema: Some(schema.to_owned()),
            name: table.to_owned(),
        };
        self.change(|before, after| {
            dml::load(
                &self.facts(Arc::clone(before), database),
                after,
                &name,
                rows,
            )
        })
    }

    /// Creates a table from its CREATE TABLE and fills it with rows whose values are already of the
    /// columns' types; returns how many.
    ///
    /// # Errors
    /// Those of the DDL and of INSERT.
    pub fn load_table(
        &self,
        database: &str,
        ddl: &str,
        rows: impl Iterator<Item = Vec<Value>>,
    ) -> Result<u64> {
        let parsed = script::parse(ddl)?;
        let [Statement::CreateTable(create)] =
            parsed.iter().map(|l| &l.statement).collect::<Vec<_>>()[..]
        else {
            return Err(error(
                40_001,
                16,
                "A table is loaded with its one CREATE TABLE statement.",
            ));
        };
        self.change(|before, after| {
            ddl::create_table(&self.facts(Arc::clone(before), database), after, create)?;
            let facts = self.facts(Arc::new(after.clone()), database);
            dml::load(&facts, after, &create.name, rows)
        })
    }

    /// Makes a table whose row `i` is computed from its ordinal. `ddl` is its CREATE TABLE with one
    /// ascending clustered int or bigint key, which must be the ordinal plus one.
    ///
    /// # Errors
    /// Those of the DDL, or 40001 when the table has no such key.
    pub fn add_generated_table(
        &self,
        database: &str,
        ddl: &str,
        rows: u64,
        generator: Generator,
    ) -> Result<()> {
        let unfit = || {
            error(
                40_001,
                16,
                "A generated table needs one ascending clustered int or bigint key.",
            )
        };
        let parsed = script::parse(ddl)?;
        let [only] = parsed.as_slice() else {
            return Err(unfit());
        };
        let Statement::CreateTable(create) = &only.statement else {
            return Err(unfit());
        };
        self.change(|before, after| {
            let facts = self.facts(Arc::clone(before), database);
            let object_id = ddl::create_table(&facts, after, create)?;
            let place = facts.place(&create.name);
            let owner = after.database_mut(place.database.as_deref().unwrap_or(database))?;
            let table = owner.table_mut(object_id).expect("created above");
            let Some([(id, false)]) = table.clustered().map(|i| i.keys.as_slice()) else {
                return Err(unfit());
            };
            let key = table.position(*id);
            if !matches!(table.columns[key].ty, SqlType::Int | SqlType::BigInt) {
                return Err(unfit());
            }
            if let Some(identity) = &mut Arc::make_mut(&mut table.columns)[key].identity {
                identity.last = i64::try_from(rows).ok().filter(|rows| *rows > 0);
            }
            table.generated = Some(Generated {
                rows,
                make: generator,
                key,
            });
            Ok(())
        })
    }
}

impl Login for Engine {
    fn login(
        &self,
        user: &str,
        password: &str,
        database: Option<&str>,
    ) -> std::result::Result<Box<dyn Session>, SqlError> {
        Engine::login(self, user, password, database)
    }
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
