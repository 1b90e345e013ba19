//! F15 and the least version: what a session asks for, and what a server must be.

use std::ops::ControlFlow;

use standin::server::{Server, ServerOptions};
use standin::session::Sink;
use standin::types::{Column, SqlError, Value};

use super::{check, done, script, text};
use crate::documented::documented;
use crate::support::job::Job;
use crate::support::postgres::Postgres;
use crate::support::scenario::Scenario;
use crate::support::source::{PASSWORD, Source, USER};

/// The stand-in has the limit in every test; here it is shown to be in force.
#[test]
fn a_query_governor_does_not_keep_a_table_from_being_read() {
    let scenario = Scenario::on_stand_in(&script());
    let engine = &scenario.stand_in().engine;
    let login = engine.login(USER, PASSWORD, Some(&scenario.source.name));
    let mut session = login.expect("a login");
    let mut errors = Errors::default();
    session.execute("SELECT Id, V FROM dbo.T ORDER BY Id", &[], &mut errors);
    assert_eq!(errors.0, [8649], "a session that does not ask for more");
    let job = Job::from_text(&text(&scenario.source, &scenario.target.target()));
    done(&job.run(&[]), "the tool's sessions");
    check(&scenario.target);
}

/// The numbers of the errors that a session answers.
#[derive(Default)]
struct Errors(Vec<i32>);

impl Sink for Errors {
    fn columns(&mut self, _: &[Column]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, _: &[Value]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn encoded_rows(&mut self, _: &[u8], _: u64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn database_changed(&mut self, _: &str, _: &str) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn done(&mut self, _: Option<u64>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn message(&mut self, message: &SqlError) -> ControlFlow<()> {
        self.0.push(message.number);
        ControlFlow::Continue(())
    }
}

/// SQL Server 2008 R2 is 10.50, 2012 is 11.0; Azure SQL Database calls itself 12.0.
#[test]
fn a_server_before_2012_is_refused_with_its_version() {
    let scenario = Scenario::on_stand_in("CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY);");
    let plain = text(&scenario.source, &scenario.target.target());
    let serve = |version| {
        let options = ServerOptions {
            version,
            ..ServerOptions::default()
        };
        let server = Server::with_engine(options, &scenario.stand_in().engine);
        server.expect("the stand-in starts")
    };
    for (version, said) in [
        ([10, 50, 0x17, 0x70], "10.50.6000 (SQL Server 2008 R2)"),
        ([10, 0, 0x17, 0x70], "10.0.6000 (SQL Server 2008)"),
        ([9, 0, 0x13, 0x88], "9.0.5000 (SQL Server 2005)"),
    ] {
        let server = serve(version);
        let port = format!("port: {}", server.address().port());
        let text = plain.replacen(&format!("port: {}", scenario.server().port), &port, 1);
        for command in ["run", "plan"] {
            let answer = Job::from_text(&text).run(&[command]);
            let shown = answer.said();
            documented("source-version", &answer);
            assert!(shown.contains(said) && shown.contains("2012"), "{shown}");
        }
        assert_eq!(server.counters().snapshot().logins_failed, 0);
    }
    for version in [[11, 0, 0x08, 0x34], [12, 0, 0x07, 0xD0]] {
        let server = serve(version);
        let port = format!("port: {}", server.address().port());
        let text = plain.replacen(&format!("port: {}", scenario.server().port), &port, 1);
        done(
            &Job::from_text(&text).run(&["plan"]),
            &format!("{version:?}"),
        );
    }
}

/// F15: the name of the current database was read as one of several parts, and the answer was NULL.
#[test]
fn a_database_with_a_dot_or_a_bracket_in_its_name_has_its_permissions_looked_at() {
    let source = Source::stand_in();
    let target = Postgres::shared().database();
    let stand_in = source.expect_stand_in();
    for name in ["my.db", "a]b"] {
        let database = source.named(name, "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY);");
        let by_name = "SELECT COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', N'SELECT'), -1)";
        assert_eq!(database.number(by_name), -1, "{name} is no such database");
        stand_in.handle.counters().log_statements(true);
        done(
            &Job::from_text(&text(&database, &target.target())).run(&["plan"]),
            name,
        );
        let statements = stand_in.handle.counters().statements();
        let asked = statements
            .iter()
            .find(|sql| sql.contains("HAS_PERMS_BY_NAME"));
        assert_eq!(database.number(asked.expect("a question")), 1, "{name}");
        stand_in.handle.counters().log_statements(false);
    }
}
