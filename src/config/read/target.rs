//! The section `target` of a job file.

use std::collections::BTreeMap;

use crate::config::job::{Target, TargetPool};
use crate::config::section::{Gathered, Section};

pub(super) fn target(top: &mut Section, g: &mut Gathered<'_>) -> Target {
    let mut section = top.section("target", g);
    let target = Target {
        host: section.required("host", g),
        port: section.number("port", g),
        database: section.required("database", g),
        user: section.required("user", g),
        password: section.secret("password", g),
        sslmode: section.choice("sslmode", g),
        ca_file: section.path("ca_file", g),
        connect_timeout: section.duration("connect_timeout", g),
        pool: target_pool(&mut section, g),
        finish_connections: section.number("finish_connections", g),
        maintenance_work_mem: section.size("maintenance_work_mem", g),
        parallel_maintenance_workers: section.number("parallel_maintenance_workers", g),
        schemas: schemas(&mut section, g),
    };
    section.finish(g);
    target
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
