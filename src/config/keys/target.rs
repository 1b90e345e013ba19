//! The keys of the section `target`.

use crate::config::job::SslMode;
use crate::config::keys::{Key, Kind, MOST_CONNECTIONS, Preset, Text};

pub(super) static TARGET: &[Key] = &[
    Key::new(
        "host",
        Kind::Text(Text::Required("pg01.example.com")),
        "name or address of the server",
    ),
    Key::number("port", 5432, (1, u16::MAX as u64), "TCP port of the server"),
    Key::new(
        "database",
        Kind::Text(Text::Required("stackoverflow")),
        "must exist",
    ),
    Key::new(
        "user",
        Kind::Text(Text::Required("migrator")),
        "a role that may log in",
    ),
    Key::new(
        "password",
        Kind::Secret("${PGPASSWORD}"),
        "may be empty (\"\")",
    ),
    Key::choice::<SslMode>(
        "sslmode",
        "verify-full",
        "disable: nothing notices bytes that change on the way; see source.encrypt.",
    ),
    Key::new(
        "ca_file",
        Kind::Path,
        "PEM; trusted instead of the system's authorities",
    ),
    Key::duration("connect_timeout", 15, "for one attempt"),
    Key::new("pool", Kind::Section(POOL), "Connections to PostgreSQL."),
    // An index build takes a core and maintenance memory of its own: half of the connections leave the other
    // half to loading.
    Key::number(
        "finish_connections",
        4,
        (1, MOST_CONNECTIONS),
        "How many tables get their keys and indexes at the same time, those with most to index first, while \
         other tables still load. Of the pool's connections; one is always left for loading.",
    ),
    // PostgreSQL's own 64 MiB make an index of some million rows sort on disk; with four builds at a time this
    // is 1 GiB of the server.
    Key::size(
        "maintenance_work_mem",
        Preset::Value(256 << 20),
        (1 << 20, 1 << 40),
        "For each index build, so up to finish_connections times this; the server's own setting if that is \
         larger.",
    ),
    Key::number(
        "parallel_maintenance_workers",
        2,
        (0, 1024),
        "For each index build. PostgreSQL decides by the table's size how many workers help (its \
         max_parallel_workers).",
    ),
    Key::new(
        "schemas",
        Kind::Names(&[("dbo", "public")]),
        "source schema -> target schema; others keep their name",
    ),
];

static POOL: &[Key] = &[
    // PostgreSQL loads with one core per COPY, so fewer writers than readers are enough.
    Key::number("max_connections", 8, (1, MOST_CONNECTIONS), "COPY writers")
        .env("MAX_PG_CONNECTIONS"),
    Key::duration(
        "acquire_timeout",
        30,
        "how long to wait for a free connection",
    ),
];
