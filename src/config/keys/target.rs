//! The keys of the section `target`.

use crate::config::job::{ChannelBinding, SessionAttrs, SslMode};
use crate::config::keys::{Key, Kind, MOST_CONNECTIONS, Preset, Text, route, secret};

pub(super) static TARGET: &[Key] = &[
    Key::new(
        "host",
        Kind::Text(Text::Given {
            example: "pg01.example.com",
            otherwise: "PGHOST",
        }),
        "name or address of the server, or the folder of its Unix socket; several, as pg01,pg02, are tried in this \
         order",
    ),
    Key::number(
        "port",
        5432,
        (1, u16::MAX as u64),
        "TCP port of the server; PGPORT",
    ),
    Key::new(
        "database",
        Kind::Text(Text::Given {
            example: "stackoverflow",
            otherwise: "PGDATABASE",
        }),
        "must exist",
    ),
    Key::new(
        "user",
        Kind::Text(Text::Given {
            example: "migrator",
            otherwise: "PGUSER",
        }),
        "a role that may log in",
    ),
    secret::password(
        "${PGPASSWORD}",
        "what password_command prints, else PGPASSWORD, else that of passfile",
    ),
    secret::COMMAND,
    secret::TIMEOUT,
    secret::LIFE,
    Key::new(
        "passfile",
        Kind::Text(Text::Other("PGPASSFILE, else ~/.pgpass")),
        "libpq's password file; ignored if others than its owner may read it",
    ),
    Key::new(
        "connection",
        Kind::Secret {
            example: "~",
            otherwise: "none",
        },
        "libpq's URI, as postgresql://migrator@pg01,pg02/shop?target_session_attrs=read-write: for what the other keys \
         do not say. It may have a password, so it is never shown.",
    ),
    Key::new(
        "service",
        Kind::Text(Text::Other("PGSERVICE")),
        "a section of pg_service.conf: for what the other keys and connection do not say",
    ),
    Key::choice::<SslMode>(
        "sslmode",
        "verify-full",
        "PGSSLMODE. disable: nothing notices bytes that change on the way; see source.encrypt.",
    ),
    Key::new(
        "ca_file",
        Kind::Text(Text::Other("PGSSLROOTCERT, else the system's authorities")),
        "PEM file; trusted instead of the system's authorities",
    ),
    Key::new(
        "sslcert",
        Kind::Text(Text::Other(
            "PGSSLCERT, else ~/.postgresql/postgresql.crt if it is there",
        )),
        "PEM file of the client certificate, with its chain: for `cert` in pg_hba.conf",
    ),
    Key::new(
        "sslkey",
        Kind::Text(Text::Other(
            "PGSSLKEY, else ~/.postgresql/postgresql.key if it is there",
        )),
        "PEM file of its private key, which only its owner may read",
    ),
    Key::new(
        "sslpassword",
        Kind::Secret {
            example: "~",
            otherwise: "none",
        },
        "the passphrase of sslkey, if it is encrypted",
    ),
    Key::choice::<ChannelBinding>(
        "channel_binding",
        "prefer",
        "PGCHANNELBINDING. require: no login without SCRAM that is bound to the server's certificate, so that no one in \
         the middle can log in.",
    ),
    Key::choice::<SessionAttrs>(
        "target_session_attrs",
        "any",
        "PGTARGETSESSIONATTRS. read-write: of several hosts, the first that takes writes",
    ),
    Key::new(
        "application_name",
        Kind::Text(Text::Other("PGAPPNAME, else migrate")),
        "in pg_stat_activity",
    ),
    Key::new(
        "options",
        Kind::Text(Text::Other("PGOPTIONS")),
        "for the server's process, as -c work_mem=64MB",
    ),
    Key::duration(
        "connect_timeout",
        15,
        "PGCONNECT_TIMEOUT; for one attempt at one host",
    ),
    route::SSH,
    route::SOCKS5,
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
