//! A session that plays a script, so that the wire is tested without the engine.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use standin::session::{Login, Parameter, Session, Sink};
use standin::types::{Column, SqlError, SqlType, Value};
use standin::wire::encode::Layout;

pub(crate) const PASSWORD: &str = "Pässw0rd!";

/// What the sessions of a server were asked.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) executed: Mutex<Vec<String>>,
    pub(crate) parameters: Mutex<Vec<Parameter>>,
}

impl Script {
    pub(crate) fn executed(&self) -> Vec<String> {
        self.executed.lock().unwrap().clone()
    }
}

/// Shares the script with the server.
pub(crate) struct Scripted(pub(crate) Arc<Script>);

impl Login for Scripted {
    fn login(
        &self,
        user: &str,
        password: &str,
        database: Option<&str>,
    ) -> Result<Box<dyn Session>, SqlError> {
        let error = |number, class, message: &str| SqlError {
            number,
            class,
            state: 1,
            message: message.to_owned(),
            line: 1,
        };
        if (user, password) != ("sa", PASSWORD) {
            return Err(error(18456, 14, "Login failed for user."));
        }
        if database.is_some_and(|database| database == "nowhere") {
            return Err(error(
                4060,
                11,
                "Cannot open database \"nowhere\" requested by the login. The login failed.",
            ));
        }
        Ok(Box::new(Player(Arc::clone(&self.0))))
    }
}

struct Player(Arc<Script>);

pub(crate) fn columns() -> Vec<Column> {
    let column = |name: &str, ty, nullable| Column {
        name: name.to_owned(),
        ty,
        nullable,
        identity: false,
        computed: false,
        collation: None,
    };
    vec![
        column("n", SqlType::Int, false),
        column("t", SqlType::NVarChar { length: Some(20) }, true),
    ]
}

pub(crate) fn row(n: i64) -> Vec<Value> {
    let text = if n % 3 == 0 {
        Value::Null
    } else {
        Value::Text(format!("row {n}").encode_utf16().collect())
    };
    vec![Value::Int(n), text]
}

impl Session for Player {
    /// `rows N`, `encoded N`, `fail`, `two`, `use`, `silent` (until attention); anything else is a statement without rows.
    fn execute(&mut self, batch: &str, parameters: &[Parameter], sink: &mut dyn Sink) {
        self.0.executed.lock().unwrap().push(batch.to_owned());
        self.0
            .parameters
            .lock()
            .unwrap()
            .extend_from_slice(parameters);
        // A break ends the script as it ends a batch; there is nothing to tidy up.
        let _ = play(batch, sink);
    }

    fn reset(&mut self) {
        self.0.executed.lock().unwrap().push("<reset>".to_owned());
    }

    fn database(&self) -> &str {
        "master"
    }
}

fn play(batch: &str, sink: &mut dyn Sink) -> ControlFlow<()> {
    let (verb, count) = batch.split_once(' ').unwrap_or((batch, "0"));
    let count = count.parse().unwrap_or(0);
    match verb {
        "rows" => {
            sink.columns(&columns())?;
            for n in 0..count {
                sink.row(&row(n))?;
            }
            sink.done(Some(count as u64))
        }
        "encoded" => {
            let columns = columns();
            sink.columns(&columns)?;
            let layout = Layout::new(&columns);
            let mut tokens = Vec::new();
            for n in 0..count {
                layout.encode_row(&row(n), &mut tokens).unwrap();
            }
            sink.encoded_rows(&tokens, count as u64)?;
            sink.done(Some(count as u64))
        }
        "fail" => {
            let message = "Invalid object name 'x'.".to_owned();
            sink.message(&SqlError {
                number: 208,
                class: 16,
                state: 1,
                message,
                line: 1,
            })
        }
        "two" => {
            sink.done(Some(7))?;
            sink.done(None)
        }
        "silent" => {
            while sink.poll().is_continue() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            ControlFlow::Break(())
        }
        "use" => sink.database_changed("master", "other"),
        _ => sink.done(None),
    }
}
