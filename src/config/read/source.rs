//! The section `source` of a job file.
//!
//! `host` may hold port and instance as well. What is written in two places must agree, since one
//! of the two would otherwise have no effect.

use crate::config::host;
use crate::config::job::{Auth, Encrypt, Route, Secret, SecretCommand, Source, SourcePool, Tls};
use crate::config::keys::TOKEN;
use crate::config::read::route::route;
use crate::config::read::secret::{command, password};
use crate::config::section::{Gathered, Section};

pub(super) fn source(top: &mut Section, g: &mut Gathered<'_>) -> Source {
    let mut section = top.section("source", g);
    let auth = section.choice("auth", g);
    let (password, password_command) = secret(auth, &mut section, g);
    let mut source = Source {
        host: section.required("host", g),
        port: section.optional_number("port", g),
        instance: section.optional("instance", g),
        browser_port: section.number("browser_port", g),
        database: section.required("database", g),
        auth,
        user: user(auth, &mut section, g),
        password,
        password_command,
        keytab: section.path("keytab", g),
        principal: section.optional("principal", g),
        spn: section.optional("spn", g),
        encrypt: section.choice("encrypt", g),
        tls: section.choice("tls", g),
        trust_server_certificate: section.boolean("trust_server_certificate", g),
        application_intent: section.choice("application_intent", g),
        ca_file: section.path("ca_file", g),
        host_name_in_certificate: section.optional("host_name_in_certificate", g),
        connect_timeout: section.duration("connect_timeout", g),
        read_timeout: section.duration("read_timeout", g),
        first_row_timeout: section.duration("first_row_timeout", g),
        route: route(&mut section, g),
        pool: source_pool(&mut section, g),
    };
    source_place(&mut source, &section, g);
    source_tls(&source, &section, g);
    source_route(&source, &section, g);
    source_auth(&source, &section, g);
    section.finish(g);
    source
}

/// The user that `auth` asks for; empty if it asks for none.
fn user(auth: Auth, section: &mut Section, g: &mut Gathered<'_>) -> String {
    let user = section.optional("user", g).unwrap_or_default();
    match auth {
        Auth::Sql | Auth::Ntlm if user.is_empty() => section.problem(
            "user",
            "is missing; for a Windows account or an access token set source.auth",
            g,
        ),
        Auth::Ntlm if user.ends_with('\\') => section.problem("user", "names no account", g),
        Auth::Sql | Auth::Ntlm | Auth::Kerberos | Auth::Token => {}
    }
    user
}

/// The password or the token that `auth` asks for, or the command that prints it.
fn secret(
    auth: Auth,
    section: &mut Section,
    g: &mut Gathered<'_>,
) -> (Secret, Option<SecretCommand>) {
    let (password, password_command) = password(section, g);
    let token = section.secret("token", g);
    let token_command = command(section, &TOKEN, g);
    let (written, command, key) = match auth {
        Auth::Sql | Auth::Ntlm => (password, password_command, "password"),
        Auth::Token => (token, token_command, "token"),
        Auth::Kerberos => return (Secret::default(), None),
    };
    if written.is_none() && command.is_none() {
        section.problem(key, "is missing", g);
    }
    let used = written.filter(|_| command.is_none());
    (used.unwrap_or_default(), command)
}

/// A token is worth as much as a password, and is sent as it is.
fn source_auth(source: &Source, section: &Section, g: &mut Gathered<'_>) {
    let verified = matches!(source.encrypt, Encrypt::Required | Encrypt::Strict)
        && !source.trust_server_certificate;
    if source.principal.is_some() && source.keytab.is_none() {
        section.problem(
            "principal",
            "chooses a key of source.keytab, which is missing; of a ticket cache the ticket decides",
            g,
        );
    }
    if source.auth == Auth::Token && !verified {
        section.problem(
            "auth",
            "`token` needs verified TLS: `encrypt: required` or `strict`, and no trust_server_certificate",
            g,
        );
    }
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

/// Refuses `tls: legacy` if it could not hold: in a build without it, under TDS 8, or without TLS.
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

/// The browser service is asked by UDP, which neither SSH nor this use of a proxy carries.
fn source_route(source: &Source, section: &Section, g: &mut Gathered<'_>) {
    let straight = matches!(source.route, Route::Direct);
    if !straight && source.instance.is_some() && source.port.is_none() {
        let message =
            "is missing: through ssh or socks5 the port of an instance cannot be asked for";
        section.problem("port", message, g);
    }
}

/// By default a quarter of the cap is opened at start, at least one connection.
fn source_pool(source: &mut Section, g: &mut Gathered<'_>) -> SourcePool {
    let mut section = source.section("pool", g);
    let max_connections: usize = section.number("max_connections", g);
    let default = (max_connections as u64 / 4).max(1);
    let mut min_connections = section.number_or("min_connections", default, g);
    if min_connections > max_connections {
        // If the environment lowered the cap under what the file warms up, the cap holds.
        if section.overridden("max_connections", g) {
            min_connections = max_connections;
            section.correct("min_connections", max_connections.to_string(), g);
        } else {
            section.problem("min_connections", "is more than max_connections", g);
        }
    }
    let pool = SourcePool {
        max_connections,
        scope: section.choice("scope", g),
        min_connections,
        acquire_timeout: section.duration("acquire_timeout", g),
        test_on_checkout: section.boolean("test_on_checkout", g),
    };
    section.finish(g);
    pool
}
