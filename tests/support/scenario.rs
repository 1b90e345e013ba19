//! A source database, an empty target database, and jobs that move the one to the other.

use std::sync::Arc;

use standin::fault::Faults;

use super::job::Job;
use super::postgres::{Database, Postgres, Rows};
use super::source::{Source, SourceDatabase, StandIn};

/// What most tests begin with. Both databases are dropped with it.
pub struct Scenario {
    pub source: SourceDatabase,
    pub target: Database<'static>,
}

impl Scenario {
    /// With what the `GO`-separated T-SQL script makes, on the server that `MIGRATE_TEST_MSSQL` names or
    /// on the stand-in of all tests.
    pub fn loaded(script: &str) -> Self {
        Self::of(Source::shared().database(script))
    }

    /// The same, or `None` from a server that lacks what the script needs
    /// ([`Source::database_if_supported`]).
    pub fn if_supported(script: &str) -> Option<Self> {
        let database = Source::shared().database_if_supported(script)?;
        Some(Self::of(database))
    }

    /// The same on a stand-in of its own, whose faults and counters concern no other test.
    pub fn on_stand_in(script: &str) -> Self {
        Self::of(Source::stand_in().database(script))
    }

    fn of(source: SourceDatabase) -> Self {
        Self {
            source,
            target: Postgres::shared().database(),
        }
    }

    /// A job with further top-level keys, as YAML.
    pub fn job(&self, more: &str) -> Job {
        Job::new(&self.source, &self.target.target(), more)
    }

    /// Runs T-SQL at the source.
    pub fn script(&self, script: &str) {
        self.source.script(script);
    }

    /// Runs statements at the target.
    pub fn sql(&self, sql: &str) -> Rows {
        self.target.sql(sql)
    }

    /// The one value that a query gives at the target; NULL is an empty string.
    pub fn value(&self, sql: &str) -> String {
        self.target.value(sql)
    }

    pub fn server(&self) -> &Arc<Source> {
        &self.source.server
    }

    pub fn stand_in(&self) -> &StandIn {
        self.server().expect_stand_in()
    }

    pub fn faults(&self) -> &Faults {
        self.stand_in().handle.faults()
    }

    /// Lets something go wrong at the stand-in, as `standin::fault::FaultSpec` writes it.
    pub fn fault(&self, fault: impl AsRef<str>) {
        let fault = fault.as_ref().parse().expect("a fault");
        self.faults().add(fault);
    }

    pub fn clear_faults(&self) {
        self.faults().clear();
    }
}
