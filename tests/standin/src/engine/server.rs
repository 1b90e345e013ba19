//! The engine as its callers see it: options, login, and loading without SQL.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, Weak};

use crate::engine::error::{Result, error};
use crate::engine::model::facts::{LastIdentity, Variable, user_of};
use crate::engine::model::name::{Name, fold};
use crate::engine::model::options::Options;
use crate::engine::model::state::{Database, State};
use crate::engine::model::table::{Generated, Generator};
use crate::engine::parse::script;
use crate::engine::parse::statement::Statement;
use crate::engine::session::gate::Gate;
use crate::engine::session::settings::Settings;
use crate::engine::session::shared::{Engine, now};
use crate::engine::session::sql_session::SqlSession;
use crate::engine::value::calendar::DAY;
use crate::engine::{collate, control, ddl, dml};
use crate::session::{Login, Parameter, Session, Sink};
use crate::types::{SqlError, SqlType, Value};
use crate::work::Ledger;

/// SQL Server Agent's tables in `msdb`, with the columns that tell jobs by name and database.
const JOBS: [&str; 2] = [
    "CREATE TABLE dbo.sysjobs (job_id uniqueidentifier NOT NULL, name nvarchar(128) NOT NULL)",
    "CREATE TABLE dbo.sysjobsteps (job_id uniqueidentifier NOT NULL, step_id int NOT NULL, database_name nvarchar(128) NULL)",
];

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
        self.open_session(user, known, database)
    }

    /// A session for an account of a domain or of Entra ID, which may do everything.
    ///
    /// # Errors
    /// 4060 for a database that does not exist.
    pub fn admit(&self, account: &str, database: Option<&str>) -> Result<Box<dyn Session>> {
        self.open_session(account, true, database)
    }

    /// `everywhere`: the login needs no user in the database.
    fn open_session(
        &self,
        user: &str,
        everywhere: bool,
        database: Option<&str>,
    ) -> Result<Box<dyn Session>> {
        let state = self.state();
        let database = database.filter(|d| !d.is_empty()).unwrap_or("master");
        // Only the system databases let a login in that has no user there.
        let open = |d: &Database| everywhere || d.id <= 4 || user_of(d, user).is_some();
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

    fn admit(
        &self,
        account: &str,
        database: Option<&str>,
    ) -> std::result::Result<Box<dyn Session>, SqlError> {
        Engine::admit(self, account, database)
    }
}

impl Session for SqlSession {
    fn execute(&mut self, batch: &str, parameters: &[Parameter], sink: &mut dyn Sink) {
        self.variables.clear();
        self.caught = None;
        self.catching.clear();
        for p in parameters {
            self.variables.insert(
                fold(&p.name),
                Variable {
                    ty: p.ty.clone(),
                    value: p.value.clone(),
                },
            );
        }
        self.batch = batch.into();
        control::batch(self, batch, sink);
    }

    fn reset(&mut self) {
        self.transaction = None;
        self.engine.gate.leave(self.id);
        self.settings = Settings::default();
        self.database.clone_from(&self.home);
        self.variables.clear();
        self.identity = LastIdentity::default();
        (self.row_count, self.last_error, self.caught) = (0, 0, None);
        self.drop_temporary();
    }

    fn database(&self) -> &str {
        &self.database
    }

    fn id(&self) -> Option<u16> {
        u16::try_from(self.id).ok()
    }
}
