//! The section `source` of a job file, and its defaults.

use std::time::Duration;

use crate::config::fields::Overridable;
use crate::config::host;
use crate::config::job::{ApplicationIntent, Encrypt, Source, SourcePool, Tls};
use crate::config::read::MOST_CONNECTIONS;
use crate::config::section::{Gathered, Section};

/// A dozen readers kept a 16-core SQL Server busy in the measurements that this tool grew out of;
/// 24 and 36 were slower.
const SOURCE_CONNECTIONS: usize = 12;
/// Readers queue for the pool by design; two minutes of queueing are still work, not a fault.
const SOURCE_ACQUIRE: Duration = Duration::from_secs(120);
/// What Azure advises for its databases, which may have to be woken first (azure-docs,
/// "Troubleshoot common connection errors").
const SOURCE_CONNECT: Duration = Duration::from_secs(30);
/// Longer than any scan pauses on a busy server, shorter than a night.
const READ: Duration = Duration::from_secs(300);
/// A cold table of 100 GB, read or counted to its end before the first row: 30 MB/s.
const FIRST_ROW: Duration = Duration::from_secs(3600);
/// SQL Server Browser (MC-SQLR 2.1).
const BROWSER_PORT: u16 = 1434;

pub(super) fn source(top: &mut Section, g: &mut Gathered<'_>) -> Source {
    let mut section = top.section("source", g);
    let mut source = Source {
        host: section.required("host", g),
        port: section.optional_number("port", 1..=u16::MAX, g),
        instance: section.optional("instance", g),
        browser_port: section.number("browser_port", BROWSER_PORT, 1..=u16::MAX, g),
        database: section.required("database", g),
        user: section.required("user", g),
        password: section.secret("password", g),
        encrypt: section.choice("encrypt", Encrypt::Required, g),
        tls: section.choice("tls", Tls::Modern, g),
        trust_server_certificate: section.boolean("trust_server_certificate", false, g),
        application_intent: section.choice("application_intent", ApplicationIntent::ReadWrite, g),
        ca_file: section.path("ca_file", g),
        host_name_in_certificate: section.optional("host_name_in_certificate", g),
        connect_timeout: section.duration("connect_timeout", SOURCE_CONNECT, None, g),
        read_timeout: section.duration("read_timeout", READ, None, g),
        first_row_timeout: section.duration("first_row_timeout", FIRST_ROW, None, g),
        pool: source_pool(&mut section, g),
    };
    source_place(&mut source, &section, g);
    source_tls(&source, &section, g);
    section.finish(g);
    source
}

/// A port and an instance may be written with the host, and must then not contradict their own keys.
fn source_place(source: &mut Source, section: &Section, g: &mut Gathered<'_>) {
    if source.host.is_empty() {
        return;
    }
    let written = match host::read(&source.host) {
        Ok(written) => written,
        Err(message) => return section.problem("host", message, g),
    };
    if let Some(port) = written.port {
        if source.port.is_some_and(|other| other != port) {
            section.problem("port", "is not the port that source.host names", g);
        }
        source.port = Some(port);
        section.given_elsewhere("port", port.to_string(), g);
    }
    if let Some(instance) = written.instance {
        let other = source.instance.as_ref();
        if other.is_some_and(|other| !other.eq_ignore_ascii_case(&instance)) {
            section.problem("instance", "is not the instance that source.host names", g);
        }
        section.given_elsewhere("instance", instance.clone(), g);
        source.instance = Some(instance);
    }
    section.given_elsewhere("host", written.host.clone(), g);
    source.host = written.host;
}

fn source_tls(source: &Source, section: &Section, g: &mut Gathered<'_>) {
    if source.tls == Tls::Modern {
        return;
    }
    match source.encrypt {
        _ if !cfg!(feature = "legacy-tls") => section.problem(
            "tls",
            "`legacy` is not in this build of migrate: use the released image, or build it with \
             `--features legacy-tls`",
            g,
        ),
        Encrypt::Strict => section.problem(
            "tls",
            "`legacy` is for old servers; a server that speaks `encrypt: strict` is not one",
            g,
        ),
        Encrypt::Off => section.problem("tls", "`legacy` says nothing under `encrypt: off`", g),
        Encrypt::Required | Encrypt::LoginOnly => {}
    }
}

fn source_pool(source: &mut Section, g: &mut Gathered<'_>) -> SourcePool {
    let mut section = source.section("pool", g);
    let max_connections = section.number_or_env(
        Overridable::new("max_connections", "MAX_MSSQL_CONNECTIONS"),
        SOURCE_CONNECTIONS,
        1..=MOST_CONNECTIONS,
        g,
    );
    let default = (max_connections / 4).max(1);
    let mut min_connections = section.number("min_connections", default, 0..=MOST_CONNECTIONS, g);
    if min_connections > max_connections {
        // Where the environment lowered the cap under what the file warms up, the cap holds.
        if section.overridden("max_connections", g) {
            min_connections = max_connections;
            section.correct("min_connections", max_connections.to_string(), g);
        } else {
            section.problem("min_connections", "is more than max_connections", g);
        }
    }
    let pool = SourcePool {
        max_connections,
        min_connections,
        acquire_timeout: section.duration(
            "acquire_timeout",
            SOURCE_ACQUIRE,
            Some("MAX_MSSQL_ACQUIRE_TIMEOUT"),
            g,
        ),
        test_on_checkout: section.boolean("test_on_checkout", true, g),
    };
    section.finish(g);
    pool
}
