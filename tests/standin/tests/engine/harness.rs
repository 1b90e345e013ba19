//! A session whose results are text: rows as `a|b`, errors as `!number`, messages as `#text`.

use std::ops::ControlFlow;
use std::sync::Arc;

use standin::engine::{Engine, Options};
use standin::session::{Session, Sink};
use standin::types::{Column, SqlError, Value};

pub(crate) struct Db {
    pub(crate) engine: Arc<Engine>,
    session: Box<dyn Session>,
}

#[derive(Default)]
struct Lines(Vec<String>);

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bit(b) => u8::from(*b).to_string(),
        Value::Int(i) => i.to_string(),
        Value::Decimal { unscaled, scale } => {
            let digits = format!(
                "{:0>width$}",
                unscaled.abs(),
                width = usize::from(*scale) + 1
            );
            let (whole, fraction) = digits.split_at(digits.len() - usize::from(*scale));
            let sign = if *unscaled < 0 { "-" } else { "" };
            if fraction.is_empty() {
                format!("{sign}{whole}")
            } else {
                format!("{sign}{whole}.{fraction}")
            }
        }
        Value::Money(m) => format!("${}.{:04}", m / 10_000, (m % 10_000).abs()),
        Value::Text(t) => String::from_utf16_lossy(t),
        Value::Bytes(b) => b.iter().fold("0x".to_owned(), |s, b| format!("{s}{b:02X}")),
        other => format!("{other:?}"),
    }
}

impl Sink for Lines {
    fn columns(&mut self, _: &[Column]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn row(&mut self, values: &[Value]) -> ControlFlow<()> {
        self.0
            .push(values.iter().map(shown).collect::<Vec<_>>().join("|"));
        ControlFlow::Continue(())
    }
    fn encoded_rows(&mut self, _: &[u8], _: u64) -> ControlFlow<()> {
        panic!("these tests read values");
    }
    fn done(&mut self, _: Option<u64>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn message(&mut self, m: &SqlError) -> ControlFlow<()> {
        self.0.push(if m.class > 10 {
            format!("!{} {}", m.number, m.message)
        } else {
            format!("#{}", m.message)
        });
        ControlFlow::Continue(())
    }
    fn database_changed(&mut self, _: &str, _: &str) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl Db {
    /// A fresh server with a database `t` in use.
    pub(crate) fn new() -> Db {
        let engine = Engine::new(Options {
            cost_limit: 0,
            ..Options::default()
        });
        let session = engine.login("sa", "Passw0rd!", None).unwrap();
        let mut db = Db { engine, session };
        db.ok("CREATE DATABASE t");
        db.ok("USE t");
        db
    }

    pub(crate) fn other(&self) -> Db {
        let session = self.engine.login("sa", "Passw0rd!", Some("t")).unwrap();
        Db {
            engine: Arc::clone(&self.engine),
            session,
        }
    }

    /// Another session, of a login with less than everything.
    pub(crate) fn login(&self, user: &str, password: &str) -> Db {
        let session = self.engine.login(user, password, Some("t")).unwrap();
        Db {
            engine: Arc::clone(&self.engine),
            session,
        }
    }

    pub(crate) fn lines(&mut self, sql: &str) -> Vec<String> {
        let mut lines = Lines::default();
        self.session.execute(sql, &[], &mut lines);
        lines.0
    }

    /// All rows, separated by `;`.
    pub(crate) fn rows(&mut self, sql: &str) -> String {
        self.lines(sql).join("; ")
    }

    /// Runs what must give no error.
    pub(crate) fn ok(&mut self, sql: &str) {
        for line in self.lines(sql) {
            assert!(!line.starts_with('!'), "{sql}: {line}");
        }
    }

    /// The number of the first error.
    pub(crate) fn error(&mut self, sql: &str) -> i32 {
        let lines = self.lines(sql);
        let first = lines.iter().find_map(|l| l.strip_prefix('!'));
        first
            .unwrap_or_else(|| panic!("no error from {sql}: {lines:?}"))
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Runs a batch for a sink of the test's own.
    pub(crate) fn run(&mut self, sql: &str, sink: &mut dyn Sink) {
        self.session.execute(sql, &[], sink);
    }

    pub(crate) fn reset(&mut self) {
        self.session.reset();
    }
}

/// Checks that each query gives its text.
pub(crate) fn check(db: &mut Db, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (sql, expected) in cases {
        let found = db.rows(sql);
        if found != *expected {
            wrong.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
