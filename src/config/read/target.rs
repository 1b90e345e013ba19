//! The section `target` of a job file, and what libpq's own settings say where it is silent.

use std::collections::BTreeMap;
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::config::job::{
    ClientCertificate, Place, Route, Secret, Target, TargetOptions, TargetPool,
};
use crate::config::keys;
use crate::config::libpq::Parameters;
use crate::config::libpq::passfile::{self, Login};
use crate::config::read::route::route;
use crate::config::read::secret;
use crate::config::scalars::number_in;
use crate::config::section::{Gathered, Section};

/// PostgreSQL documentation, `port`.
const DEFAULT_PORT: u16 = 5432;

pub(super) fn target(top: &mut Section, g: &mut Gathered<'_>) -> Target {
    let mut section = top.section("target", g);
    let libpq = libpq(&mut section, g);
    let mut places = places(&mut section, &libpq, g);
    let database = section.required_from("database", libpq.get("dbname"), g);
    let user = section.required_from("user", libpq.get("user"), g);
    let password_command = secret::command(&mut section, &keys::PASSWORD, g);
    let written = section.secret_from("password", libpq.get("password"), g);
    let file = password_file(&mut section, &libpq, g);
    for place in &mut places {
        let login = Login {
            host: &place.host,
            port: place.port,
            database: &database,
            user: &user,
        };
        if password_command.is_none() {
            place.password = password(login, written.as_ref(), file.as_ref());
        }
    }
    let first = places.remove(0);
    let options = options(&mut section, &libpq, places, g);
    let target = Target {
        host: first.host,
        port: first.port,
        database,
        user,
        password: first.password,
        password_command,
        sslmode: section.choice_from("sslmode", libpq.get("sslmode"), g),
        ca_file: ca_file(&mut section, &libpq, g),
        connect_timeout: section.duration_from("connect_timeout", libpq.get("connect_timeout"), g),
        options,
        pool: target_pool(&mut section, g),
        finish_connections: section.number("finish_connections", g),
        maintenance_work_mem: section.size("maintenance_work_mem", g),
        parallel_maintenance_workers: section.number("parallel_maintenance_workers", g),
        schemas: schemas(&mut section, g),
    };
    let on_this_machine = target.host.starts_with('/');
    if on_this_machine && !matches!(target.options.route, Route::Direct) {
        section.problem(
            "host",
            "is a Unix socket, which ssh and socks5 do not reach",
            g,
        );
    }
    section.finish(g);
    target
}

/// Everything that is set outside of the section's own keys.
fn libpq(section: &mut Section, g: &mut Gathered<'_>) -> Parameters {
    let connection = section.secret("connection", g);
    let service = section.optional("service", g);
    let connection = connection.as_ref().map(Secret::expose);
    match Parameters::gather(connection, service.as_deref(), g.env) {
        Ok(parameters) => parameters,
        Err(problems) => {
            for (key, message) in problems {
                section.problem(key, &message, g);
            }
            Parameters::default()
        }
    }
}

/// Hosts and ports: a list of one each at least. One port is that of every host.
fn places(section: &mut Section, libpq: &Parameters, g: &mut Gathered<'_>) -> Vec<Place> {
    let hosts = section.required_from("host", libpq.get("host"), g);
    let hosts: Vec<&str> = hosts.split(',').map(str::trim).collect();
    let ports = ports(section, libpq, g);
    if ports.len() != 1 && ports.len() != hosts.len() {
        section.problem("port", "there must be one port, or one for each host", g);
    }
    if hosts.len() > 1 && hosts.contains(&"") {
        section.problem("host", "a host of the list has no name", g);
    }
    let all = ports.iter().cycle();
    let places = hosts.iter().zip(all).map(|(host, port)| Place {
        host: (*host).to_owned(),
        port: *port,
        password: Secret::default(),
    });
    places.collect()
}

/// At least one.
fn ports(section: &mut Section, libpq: &Parameters, g: &mut Gathered<'_>) -> Vec<u16> {
    let Some(given) = section.outer("port", libpq.get("port")) else {
        return vec![section.number("port", g)];
    };
    let read = |text: &str| {
        let ports = text.split(',').map(|port| match port.trim() {
            // An empty place of libpq's list.
            "" => Ok(DEFAULT_PORT),
            port => {
                let number = number_in(port, &(1..=u64::from(u16::MAX)))?;
                u16::try_from(number).map_err(|error| error.to_string())
            }
        });
        let ports = ports.collect::<Result<Vec<u16>, String>>()?;
        Ok((ports, text.to_owned()))
    };
    let ports = section.read_outer("port", given, g, read);
    if ports.is_empty() {
        vec![DEFAULT_PORT]
    } else {
        ports
    }
}

/// The text of the password file, if there is one that may be used.
fn password_file(
    section: &mut Section,
    libpq: &Parameters,
    g: &mut Gathered<'_>,
) -> Option<Zeroizing<String>> {
    let named = section.optional_from("passfile", libpq.get("passfile"), g);
    let path = named.map(PathBuf::from).or_else(|| in_home(".pgpass", g))?;
    match passfile::read(&path) {
        Ok(text) => text,
        Err(message) => {
            section.problem("passfile", &message, g);
            None
        }
    }
}

fn in_home(name: &str, g: &Gathered<'_>) -> Option<PathBuf> {
    let home = (g.env)("HOME").filter(|home| !home.is_empty())?;
    Some(PathBuf::from(home).join(name))
}

/// The password that is written, or that which the file has for this login; empty if there is none.
fn password(
    login: Login<'_>,
    written: Option<&Secret>,
    file: Option<&Zeroizing<String>>,
) -> Secret {
    let found = match written {
        Some(written) => Some(written.clone()),
        None => file.and_then(|text| passfile::password(text, login)),
    };
    found.unwrap_or_default()
}

/// libpq's `system` is what holds without a file.
fn ca_file(section: &mut Section, libpq: &Parameters, g: &mut Gathered<'_>) -> Option<PathBuf> {
    let file = section.optional_from("ca_file", libpq.get("sslrootcert"), g);
    file.filter(|file| file != "system").map(PathBuf::from)
}

fn options(
    section: &mut Section,
    libpq: &Parameters,
    others: Vec<Place>,
    g: &mut Gathered<'_>,
) -> TargetOptions {
    TargetOptions {
        others,
        session_attrs: section.choice_from(
            "target_session_attrs",
            libpq.get("target_session_attrs"),
            g,
        ),
        certificate: certificate(section, libpq, g),
        channel_binding: section.choice_from("channel_binding", libpq.get("channel_binding"), g),
        application_name: section.optional_from(
            "application_name",
            libpq.get("application_name"),
            g,
        ),
        route: route(section, g),
        startup: section.optional_from("options", libpq.get("options"), g),
    }
}

/// libpq's own files are used if none is named and both are there.
fn certificate(
    section: &mut Section,
    libpq: &Parameters,
    g: &mut Gathered<'_>,
) -> Option<ClientCertificate> {
    let certificate = section.optional_from("sslcert", libpq.get("sslcert"), g);
    let key = section.optional_from("sslkey", libpq.get("sslkey"), g);
    let password = section.secret_from("sslpassword", libpq.get("sslpassword"), g);
    let own = |name: &str, g: &Gathered<'_>| {
        let path = in_home(".postgresql", g)?.join(name);
        path.is_file().then_some(path)
    };
    let named = certificate.is_some();
    let certificate = certificate
        .map(PathBuf::from)
        .or_else(|| own("postgresql.crt", g))?;
    let key = key.map(PathBuf::from).or_else(|| own("postgresql.key", g));
    let Some(key) = key else {
        if named {
            section.problem("sslkey", "is missing: sslcert has a private key", g);
        }
        return None;
    };
    Some(ClientCertificate {
        certificate,
        key,
        password: password.unwrap_or_default(),
    })
}
/// Schemas with an empty name are reported and dropped, so that the rest is still checked.
fn schemas(target: &mut Section, g: &mut Gathered<'_>) -> BTreeMap<String, String> {
    let mut schemas = target.names("schemas", g);
    schemas.retain(|source, schema| {
        let empty = source.is_empty() || schema.is_empty();
        if empty {
            target.problem("schemas", "a schema's name is not empty", g);
        }
        !empty
    });
    schemas
}

fn target_pool(target: &mut Section, g: &mut Gathered<'_>) -> TargetPool {
    let mut section = target.section("pool", g);
    let pool = TargetPool {
        max_connections: section.number("max_connections", g),
        acquire_timeout: section.duration("acquire_timeout", g),
    };
    section.finish(g);
    pool
}
