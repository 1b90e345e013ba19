//! What users of libpq set beside a job: a connection string, a service, environment variables, a password file.
//!
//! PostgreSQL documentation, "Parameter Key Words" (34.1.2) and "Environment Variables" (34.15). A key of the job
//! wins over the connection string, that over the service, that over the environment. What would weaken or change a
//! connection and is not supported is refused by name, never ignored.

mod file;
pub(crate) mod passfile;
mod service;
mod uri;

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::config::setting::Origin;
use crate::config::substitute::Lookup;

/// A parameter's value from outside of the job's own keys.
pub(crate) struct Given {
    pub(crate) text: Zeroizing<String>,
    pub(crate) origin: Origin,
    /// Who gave it, for messages: `PGSSLMODE`, or `sslmode` with the place that has it.
    pub(crate) name: String,
}

/// By libpq's names.
#[derive(Default)]
pub(crate) struct Parameters(BTreeMap<String, Given>);

/// What becomes of a parameter of libpq.
enum Use {
    /// A key of the job reads it.
    Read,
    /// It makes no difference here.
    Ignored,
    /// Only these values, which ask for nothing.
    Only(&'static [&'static str]),
    Refused,
}

/// Name, environment variable if it has one, and use.
type Known = (&'static str, Option<&'static str>, Use);

static KNOWN: &[Known] = &[
    ("host", Some("PGHOST"), Use::Read),
    ("port", Some("PGPORT"), Use::Read),
    ("dbname", Some("PGDATABASE"), Use::Read),
    ("user", Some("PGUSER"), Use::Read),
    ("password", Some("PGPASSWORD"), Use::Read),
    ("passfile", Some("PGPASSFILE"), Use::Read),
    ("sslmode", Some("PGSSLMODE"), Use::Read),
    ("sslrootcert", Some("PGSSLROOTCERT"), Use::Read),
    ("sslcert", Some("PGSSLCERT"), Use::Read),
    ("sslkey", Some("PGSSLKEY"), Use::Read),
    ("sslpassword", None, Use::Read),
    ("channel_binding", Some("PGCHANNELBINDING"), Use::Read),
    ("application_name", Some("PGAPPNAME"), Use::Read),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT"), Use::Read),
    ("options", Some("PGOPTIONS"), Use::Read),
    (
        "target_session_attrs",
        Some("PGTARGETSESSIONATTRS"),
        Use::Read,
    ),
    ("fallback_application_name", None, Use::Ignored),
    // The tool keeps its connections alive in its own way, and always sends UTF-8.
    ("client_encoding", Some("PGCLIENTENCODING"), Use::Ignored),
    ("keepalives", None, Use::Ignored),
    ("keepalives_idle", None, Use::Ignored),
    ("keepalives_interval", None, Use::Ignored),
    ("keepalives_count", None, Use::Ignored),
    ("tcp_user_timeout", None, Use::Ignored),
    ("sslcompression", Some("PGSSLCOMPRESSION"), Use::Ignored),
    ("krbsrvname", Some("PGKRBSRVNAME"), Use::Ignored),
    ("gsslib", Some("PGGSSLIB"), Use::Ignored),
    (
        "gssencmode",
        Some("PGGSSENCMODE"),
        Use::Only(&["disable", "prefer"]),
    ),
    (
        "sslnegotiation",
        Some("PGSSLNEGOTIATION"),
        Use::Only(&["postgres"]),
    ),
    (
        "load_balance_hosts",
        Some("PGLOADBALANCEHOSTS"),
        Use::Only(&["disable"]),
    ),
    ("sslsni", Some("PGSSLSNI"), Use::Only(&["1"])),
    ("sslcertmode", Some("PGSSLCERTMODE"), Use::Only(&["allow"])),
    (
        "ssl_min_protocol_version",
        Some("PGSSLMINPROTOCOLVERSION"),
        Use::Only(&["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ),
    (
        "ssl_max_protocol_version",
        Some("PGSSLMAXPROTOCOLVERSION"),
        Use::Only(&["TLSv1.3"]),
    ),
    ("hostaddr", Some("PGHOSTADDR"), Use::Refused),
    ("require_auth", Some("PGREQUIREAUTH"), Use::Refused),
    ("requirepeer", Some("PGREQUIREPEER"), Use::Refused),
    ("requiressl", Some("PGREQUIRESSL"), Use::Refused),
    ("sslcrl", Some("PGSSLCRL"), Use::Refused),
    ("sslcrldir", Some("PGSSLCRLDIR"), Use::Refused),
    ("gssdelegation", Some("PGGSSDELEGATION"), Use::Only(&["0"])),
    ("replication", None, Use::Only(&["false", "off", "0", "no"])),
];

impl Parameters {
    /// Gathers them. `connection` and `service` are the job's; a service may also be named by the connection
    /// string or by `PGSERVICE`.
    ///
    /// # Errors
    /// What is wrong, with the job's key that has it. No message has a value.
    pub(crate) fn gather(
        connection: Option<&str>,
        service: Option<&str>,
        env: Lookup<'_>,
    ) -> Result<Self, Vec<(&'static str, String)>> {
        let mut gathered = Gathering::default();
        let mut named = service.map(str::to_owned);
        if let Some(text) = connection {
            let of_connection = gathered.connection(text);
            named = named.or(of_connection);
        }
        if let Some(service) = named.or_else(|| variable(env, "PGSERVICE")) {
            gathered.service(&service, env);
        }
        gathered.environment(env);
        if gathered.problems.is_empty() {
            Ok(gathered.parameters)
        } else {
            Err(gathered.problems)
        }
    }

    /// The parameter's value, if it is given.
    pub(crate) fn get(&self, name: &str) -> Option<&Given> {
        self.0.get(name)
    }
}

/// A variable that is set to nothing is not set.
fn variable(env: Lookup<'_>, name: &str) -> Option<String> {
    let value = env(name)?.into_string().ok()?;
    (!value.is_empty()).then_some(value)
}

/// What was gathered so far: the first who gives a parameter wins.
#[derive(Default)]
struct Gathering {
    parameters: Parameters,
    /// Each with the job's key that it is about.
    problems: Vec<(&'static str, String)>,
}

impl Gathering {
    /// Gives the service that the string names.
    fn connection(&mut self, text: &str) -> Option<String> {
        let parameters = match uri::parse(text) {
            Ok(parameters) => parameters,
            Err(what) => {
                self.problems.push(("connection", what.to_owned()));
                return None;
            }
        };
        let mut service = None;
        // The last one of a name wins.
        for (name, value) in parameters.into_iter().rev() {
            if name == "service" {
                service.get_or_insert(value.to_string());
                continue;
            }
            let given = Given {
                text: value,
                origin: Origin::Connection,
                name: format!("`{name}` of target.connection"),
            };
            self.put("connection", &name, given);
        }
        service
    }

    fn service(&mut self, service: &str, env: Lookup<'_>) {
        match service::parameters(service, env) {
            Ok(parameters) => {
                for (name, value) in parameters {
                    let given = Given {
                        text: value,
                        origin: Origin::Service,
                        name: format!("`{name}` of service `{service}`"),
                    };
                    self.put("service", &name, given);
                }
            }
            Err(what) => self.problems.push(("service", what)),
        }
    }

    fn environment(&mut self, env: Lookup<'_>) {
        for (name, from, _) in KNOWN {
            if let Some(from) = *from
                && let Some(value) = variable(env, from)
            {
                let given = Given {
                    text: Zeroizing::new(value),
                    origin: Origin::Environment(from),
                    name: from.to_owned(),
                };
                self.put("host", name, given);
            }
        }
    }

    /// Keeps a parameter, or says why it cannot be. `key` is that of the job which the problem is told of.
    fn put(&mut self, key: &'static str, name: &str, given: Given) {
        if self.parameters.0.contains_key(name) {
            return;
        }
        let found = KNOWN.iter().find(|(known, _, _)| *known == name);
        let why = match found.map(|(_, _, used)| used) {
            Some(Use::Read) => {
                self.parameters.0.insert(name.to_owned(), given);
                return;
            }
            Some(Use::Ignored) => return,
            Some(Use::Only(values)) if values.contains(&given.text.as_str()) => return,
            Some(Use::Only(_)) if name == "gssencmode" => {
                "asks for Kerberos, which this version does not have for PostgreSQL"
            }
            Some(Use::Only(_)) => "has a value that is not supported",
            Some(Use::Refused) => "is a parameter of libpq that is not supported",
            None => "is not a parameter of libpq",
        };
        self.problems.push((key, format!("{} {why}", given.name)));
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn env(name: &str) -> Option<OsString> {
        match name {
            "PGHOST" => Some("env".into()),
            "PGUSER" => Some("env user".into()),
            "PGPORT" => Some("".into()),
            _ => None,
        }
    }

    #[test]
    fn the_connection_string_wins_over_the_environment() {
        let found = Parameters::gather(Some("postgresql://uri:5433/shop"), None, &env);
        let Ok(found) = found else {
            panic!("it is right")
        };
        let shown = |name: &str| found.get(name).map(|given| given.text.as_str());
        assert_eq!(shown("host"), Some("uri"));
        assert_eq!(shown("port"), Some("5433"));
        assert_eq!(shown("user"), Some("env user"));
        assert_eq!(shown("password"), None);
        assert_eq!(
            found.get("user").map(|given| given.origin),
            Some(Origin::Environment("PGUSER"))
        );
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name_and_without_its_value() {
        for (query, part) in [
            ("gssencmode=require", "asks for Kerberos"),
            (
                "require_auth=s3cret",
                "`require_auth` of target.connection is a parameter of libpq that",
            ),
            ("sslnegotiation=s3cret", "value that is not supported"),
            (
                "colour=s3cret",
                "`colour` of target.connection is not a parameter",
            ),
            ("service=none", "service `none` is not in any file"),
        ] {
            let text = format!("postgresql://h?{query}");
            let problems = Parameters::gather(Some(&text), None, &|_| None).err();
            let problems = problems.unwrap_or_default();
            assert_eq!(problems.len(), 1, "{query}");
            assert!(problems[0].1.contains(part), "{}", problems[0].1);
            assert!(!problems[0].1.contains("s3cret"), "{}", problems[0].1);
        }
        let quiet =
            "postgresql://h?gssencmode=prefer&keepalives=1&ssl_min_protocol_version=TLSv1.2";
        assert!(Parameters::gather(Some(quiet), None, &|_| None).is_ok());
        let kerberos = |name: &str| (name == "PGGSSENCMODE").then(|| OsString::from("require"));
        assert!(Parameters::gather(None, None, &kerberos).is_err());
    }
}
