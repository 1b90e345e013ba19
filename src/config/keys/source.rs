//! The keys of the section `source`.

use crate::config::job::{ApplicationIntent, Auth, Encrypt, PoolScope, Tls};
use crate::config::keys::{Key, Kind, MOST_CONNECTIONS, Text, route, secret};

pub(super) static SOURCE: &[Key] = &[
    Key::new(
        "host",
        Kind::Text(Text::Required("sql01.example.com")),
        "also tcp:sql01,1433, sql01:1433, sql01\\SHOP, [::1], (local) and .",
    ),
    Key::optional_number(
        "port",
        "1433, or the port that the browser service gives for the instance",
        (1, u16::MAX as u64),
        "TCP port of the server",
    ),
    Key::new(
        "instance",
        Kind::Text(Text::Optional),
        "such as SQLEXPRESS; a port, if given, is used instead",
    ),
    // MC-SQLR 2.1.
    Key::number(
        "browser_port",
        1434,
        (1, u16::MAX as u64),
        "UDP port of the SQL Server Browser service",
    ),
    Key::new(
        "database",
        Kind::Text(Text::Required("StackOverflow2013")),
        "must exist",
    ),
    Key::choice::<Auth>(
        "auth",
        "sql",
        "How to log in; docs/connecting.md. sql: user and password of a SQL Server login. kerberos: a Windows \
         account by its ticket, without a password here. ntlm: a Windows account, user: DOMAIN\\name and password. \
         token: an access token of Microsoft Entra ID, over verified TLS only.",
    ),
    Key::new(
        "user",
        Kind::Text(Text::Given {
            example: "${MSSQL_USER}",
            otherwise: "none for auth: kerberos and token",
        }),
        "a SQL Server login, or DOMAIN\\name for auth: ntlm",
    ),
    secret::password("${MSSQL_PASSWORD}", "what password_command prints"),
    secret::COMMAND,
    secret::TIMEOUT,
    secret::LIFE,
    secret::TOKEN_TEXT,
    secret::TOKEN_COMMAND,
    secret::TOKEN_TIMEOUT,
    secret::TOKEN_LIFE,
    Key::new(
        "keytab",
        Kind::Path,
        "For auth: kerberos: tickets are got, and got again, by a key of this file. Without it the ticket cache \
         (`kinit`, KRB5CCNAME) must hold one.",
    ),
    Key::new(
        "principal",
        Kind::Text(Text::Other("the first of the keytab")),
        "whose key of the keytab, such as svc-migrate@EXAMPLE.COM",
    ),
    Key::new(
        "spn",
        Kind::Text(Text::Other("MSSQLSvc/host:port")),
        "The service principal name of the server for auth: kerberos and ntlm, if host is not the name that it is \
         registered under.",
    ),
    Key::choice::<Encrypt>(
        "encrypt",
        "required",
        "strict is TDS 8. off: nothing notices bytes that change on the way over plain TCP. They are loaded as \
         they arrive, and `verify: checksums`, which compares what was sent, passes. `migrate verify --level \
         checksums` finds them.",
    ),
    Key::choice::<Tls>(
        "tls",
        "modern",
        "legacy: TLS 1.0 to 1.2 with old ciphers, for SQL Server on Windows Server 2012 R2 and older. Only in \
         the released image and builds with the feature legacy-tls; for encrypt: required and login_only.",
    ),
    Key::boolean(
        "trust_server_certificate",
        false,
        "true accepts any certificate: for test servers",
    ),
    Key::choice::<ApplicationIntent>(
        "application_intent",
        "read_write",
        "read_only: the listener of an availability group sends the run to a readable secondary. The next run \
         of the job may use another replica, because a checkpoint knows the database by its own GUID.",
    ),
    Key::new(
        "ca_file",
        Kind::Path,
        "PEM; trusted instead of the system's authorities. Or the server's own certificate, whose name is then \
         not checked",
    ),
    Key::new(
        "host_name_in_certificate",
        Kind::Text(Text::Optional),
        "if the certificate names something other than host",
    ),
    // Azure's advice for its databases, which may have to be woken first (azure-docs, "Troubleshoot common
    // connection errors").
    Key::duration(
        "connect_timeout",
        30,
        "For one attempt. All addresses of the host are tried at once. A paused Azure database takes long.",
    ),
    // Longer than any scan pauses on a busy server, shorter than a night.
    Key::duration(
        "read_timeout",
        300,
        "if no byte arrives for this long, the read is tried again",
    ),
    // A cold table of 100 GB, read or counted to its end before the first row: 30 MB/s.
    Key::duration(
        "first_row_timeout",
        3600,
        "As read_timeout, before the first row of a statement: it may be deep in a table that is not in memory.",
    ),
    route::SSH,
    route::SOCKS5,
    Key::new("pool", Kind::Section(POOL), "Connections to SQL Server."),
];

static POOL: &[Key] = &[
    // A dozen readers kept a 16-core SQL Server busy in the measurements that this tool grew out of; 24 and
    // 36 were slower.
    Key::number(
        "max_connections",
        12,
        (1, MOST_CONNECTIONS),
        "One cap for the whole process, for any number of tables and partitions: in one measured migration, \
         twice the connections made it 20 % slower. `migrate tune` measures yours.",
    )
    .env("MAX_MSSQL_CONNECTIONS"),
    Key::choice::<PoolScope>(
        "scope",
        "process",
        "cluster: max_connections holds for all processes of the job together (`migrate run --join`), and must be \
         the same in each; docs/many-processes.md. Of min_connections one is opened then.",
    ),
    Key::optional_number(
        "min_connections",
        "max_connections / 4, at least 1",
        (0, MOST_CONNECTIONS),
        "opened at start",
    ),
    // Two minutes of queueing are still work, not a fault.
    Key::duration(
        "acquire_timeout",
        120,
        "Long, because partitions are meant to queue for connections.",
    )
    .env("MAX_MSSQL_ACQUIRE_TIMEOUT"),
    Key::boolean(
        "test_on_checkout",
        true,
        "one round trip, so that no dead connection is used",
    ),
];
