//! The section `target` of a job file, and its defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::fields::Overridable;
use crate::config::job::{SslMode, Target, TargetPool};
use crate::config::read::MOST_CONNECTIONS;
use crate::config::section::{Gathered, Section};

/// PostgreSQL loads with one core per COPY, so fewer writers than readers are enough.
const TARGET_CONNECTIONS: usize = 8;
/// An index build takes a core and maintenance memory of its own: half of the target's connections
/// leave the other half to loading.
const FINISH_CONNECTIONS: usize = 4;
/// PostgreSQL's own 64 MiB make an index of some million rows sort on disk; with four builds at a
/// time this is 1 GiB of the server.
const MAINTENANCE_MEMORY: u64 = 256 << 20;
const TARGET_ACQUIRE: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(15);

pub(super) fn target(top: &mut Section, g: &mut Gathered<'_>) -> Target {
    let mut section = top.section("target", g);
    let target = Target {
        host: section.required("host", g),
        port: section.number("port", 5432, 1..=u16::MAX, g),
        database: section.required("database", g),
        user: section.required("user", g),
        password: section.secret("password", g),
        sslmode: section.choice("sslmode", SslMode::VerifyFull, g),
        ca_file: section.path("ca_file", g),
        connect_timeout: section.duration("connect_timeout", CONNECT, None, g),
        pool: target_pool(&mut section, g),
        finish_connections: section.number(
            "finish_connections",
            FINISH_CONNECTIONS,
            1..=MOST_CONNECTIONS,
            g,
        ),
        maintenance_work_mem: section.size(
            "maintenance_work_mem",
            MAINTENANCE_MEMORY,
            1 << 20..=1 << 40,
            g,
        ),
        parallel_maintenance_workers: section.number(
            "parallel_maintenance_workers",
            2,
            0..=1024,
            g,
        ),
        schemas: schemas(&mut section, g),
    };
    section.finish(g);
    target
}

/// `dbo` goes to `public` unless the job says otherwise.
fn schemas(target: &mut Section, g: &mut Gathered<'_>) -> BTreeMap<String, String> {
    let mut schemas = target.names("schemas", &[("dbo", "public")], g);
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
        max_connections: section.number_or_env(
            Overridable::new("max_connections", "MAX_PG_CONNECTIONS"),
            TARGET_CONNECTIONS,
            1..=MOST_CONNECTIONS,
            g,
        ),
        acquire_timeout: section.duration("acquire_timeout", TARGET_ACQUIRE, None, g),
    };
    section.finish(g);
    pool
}
