//! What a server's catalog says of a fixture, and its rows: of the stand-in with its SQL engine, or
//! of the server named in `MIGRATE_TEST_MSSQL` (`mssql://user:password@host:port`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use migrate::config::job::{
    ApplicationIntent, Consistency, Encrypt, Route, Secret, Source, SourcePool as PoolOptions, Tls,
    ValuePolicy, Values,
};
use migrate::error::Kind;
use migrate::mssql::pool::{Pooled, SourcePool};
use migrate::mssql::{catalog, cuts, read};
use standin::engine::{Engine, Options};
use standin::server::{Server, ServerHandle, ServerOptions};
use standin::session::{Login, Session};
use standin::types::SqlError;
use tds_copy::transcode::{ResultColumn, RowLayout};
use tsql::key::KeyValue;
use tsql::schema::{Column, Database, IndexRole, SqlType, Table};
use tsql::typemap::{TargetTypes, default_type};

const FIXTURE: &[&str] = &[
    "CREATE TABLE dbo.Orders (Id bigint IDENTITY(5, -3) NOT NULL CONSTRAINT PK_Orders PRIMARY KEY, \
     Note nvarchar(50) NULL, Body varchar(max), Amount decimal(12, 3), Twice AS (Id * 2), \
     Price money, Raw varbinary(8), Code char(5), Mark uniqueidentifier NOT NULL, \
     At datetime2(3), Hour time(2), Ratio float, Small real, Flag bit, Tiny tinyint, \
     Zoned datetimeoffset(5), Day date, Old datetime, Older smalldatetime)",
    "CREATE UNIQUE INDEX UX_Mark ON dbo.Orders (Mark DESC, Note) INCLUDE (Price)",
    "CREATE UNIQUE INDEX UX_Some ON dbo.Orders (Amount) WHERE Amount IS NOT NULL",
    "CREATE TABLE dbo.Heap (A int CONSTRAINT DF_A DEFAULT 7, B int NOT NULL, \
     CONSTRAINT UQ_B UNIQUE (B), CONSTRAINT CK_B CHECK (B <> 0))",
    "INSERT dbo.Heap (A, B) VALUES (NULL, 3), (7, -2147483648), (7, 2147483647)",
    "INSERT dbo.Orders (Note, Mark) VALUES ('a', NEWID()), ('b', NEWID())",
];

/// Where to connect, and the stand-in behind it, which lives as long as this value.
struct Target {
    source: Source,
    standin: Option<ServerHandle>,
}

struct EngineLogin(Arc<Engine>);

impl Login for EngineLogin {
    fn login(
        &self,
        user: &str,
        password: &str,
        database: Option<&str>,
    ) -> Result<Box<dyn Session>, SqlError> {
        self.0.login(user, password, database)
    }
}

fn target() -> Target {
    let (standin, named) = match std::env::var("MIGRATE_TEST_MSSQL") {
        Ok(named) => (None, named),
        Err(_) => {
            let options = Options {
                logins: vec![("sa".into(), "secret".into())],
                ..Options::default()
            };
            let login = Arc::new(EngineLogin(Engine::new(options)));
            let server = Server::start(ServerOptions::default(), login).unwrap();
            let named = format!("sa:secret@{}", server.address());
            (Some(server), named)
        }
    };
    let named = named.trim_start_matches("mssql://");
    let (login, address) = named.rsplit_once('@').expect("user:password@host:port");
    let (user, password) = login.split_once(':').expect("user:password");
    let (host, port) = address.rsplit_once(':').expect("host:port");
    let ca_file = std::env::var_os("MIGRATE_TEST_MSSQL_CA")
        .map(PathBuf::from)
        .filter(|_| standin.is_none());
    let source = Source {
        host: host.into(),
        port: Some(port.parse().expect("a port")),
        instance: None,
        browser_port: 1434,
        database: "master".into(),
        user: user.into(),
        password: Secret::new(password),
        password_command: None,
        auth: migrate::config::job::Auth::Sql,
        keytab: None,
        principal: None,
        spn: None,
        encrypt: match ca_file {
            Some(_) => Encrypt::Required,
            None => Encrypt::Off,
        },
        tls: Tls::Modern,
        trust_server_certificate: false,
        application_intent: ApplicationIntent::ReadWrite,
        ca_file,
        host_name_in_certificate: None,
        connect_timeout: Duration::from_secs(15),
        read_timeout: Duration::from_secs(60),
        first_row_timeout: Duration::from_secs(60),
        route: Route::Direct,
        pool: PoolOptions {
            max_connections: 2,
            min_connections: 1,
            acquire_timeout: Duration::from_secs(30),
            test_on_checkout: true,
            scope: migrate::config::job::PoolScope::Process,
        },
    };
    Target { source, standin }
}

/// Makes the fixture in a database of its own and opens a pool on it.
async fn fixture(master: &Source, name: &str) -> SourcePool {
    let pool = SourcePool::open(master, Consistency::Strict).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let known = connection
        .query(&format!(
            "SELECT name FROM sys.databases WHERE name = '{name}'"
        ))
        .await
        .unwrap();
    if !known.is_empty() {
        connection
            .execute(&format!("DROP DATABASE {name}"))
            .await
            .unwrap();
    }
    connection
        .execute(&format!("CREATE DATABASE {name}"))
        .await
        .unwrap();
    drop(connection);
    pool.close().await;
    let source = Source {
        database: name.into(),
        ..master.clone()
    };
    let pool = SourcePool::open(&source, Consistency::Strict)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    for statement in FIXTURE {
        connection.execute(statement).await.unwrap();
    }
    drop(connection);
    pool
}

/// Some servers fold names to lower case.
fn table<'a>(database: &'a Database, name: &str) -> &'a Table {
    let found = database
        .tables
        .iter()
        .find(|table| table.name.eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("{name} in {:?}", database.tables))
}

fn type_of(table: &Table, name: &str) -> SqlType {
    let mut columns = table.columns.iter();
    columns
        .find(|column| column.name.eq_ignore_ascii_case(name))
        .unwrap()
        .ty
        .clone()
}

#[tokio::test]
async fn the_catalog_tells_the_fixture() {
    let target = target();
    let master = &target.source;
    let pool = fixture(master, "shore_catalog").await;
    let database = catalog::load(&mut pool.acquire().await.unwrap())
        .await
        .unwrap();
    assert_eq!(database.name, "shore_catalog");
    assert!(!database.frozen && !database.version.is_empty());
    let orders = table(&database, "Orders");
    for (column, expected) in [
        ("Id", SqlType::BigInt),
        ("Note", SqlType::NVarChar { length: Some(50) }),
        ("Body", SqlType::VarChar { length: None }),
        (
            "Amount",
            SqlType::Decimal {
                precision: 12,
                scale: 3,
            },
        ),
        ("Price", SqlType::Money),
        ("Raw", SqlType::VarBinary { length: Some(8) }),
        ("Code", SqlType::Char { length: 5 }),
        ("Mark", SqlType::UniqueIdentifier),
        ("At", SqlType::DateTime2 { scale: 3 }),
        ("Hour", SqlType::Time { scale: 2 }),
        ("Ratio", SqlType::Float),
        ("Small", SqlType::Real),
        ("Flag", SqlType::Bit),
        ("Tiny", SqlType::TinyInt),
        ("Zoned", SqlType::DateTimeOffset { scale: 5 }),
        ("Day", SqlType::Date),
        ("Old", SqlType::DateTime),
        ("Older", SqlType::SmallDateTime),
    ] {
        assert_eq!(type_of(orders, column), expected, "{column}");
    }
    let id = &orders.columns[0];
    let identity = id.identity.as_ref().unwrap();
    assert_eq!(
        (identity.seed, identity.increment, identity.last_value),
        (5, -3, Some(2))
    );
    assert!(!id.nullable && orders.columns[1].nullable);
    assert!(orders.columns[4].computed.as_ref().unwrap().contains("2"));
    assert_eq!(orders.columns[2].code_page, Some(1252));

    let primary = orders
        .indexes
        .iter()
        .find(|index| index.role == IndexRole::PrimaryKey)
        .unwrap();
    assert!(primary.unique && primary.rowstore && primary.filter.is_none());
    assert_eq!(primary.key.len(), 1);
    let two = orders
        .indexes
        .iter()
        .find(|index| index.key.len() == 2)
        .unwrap();
    assert!(two.key[0].descending && !two.key[1].descending && two.unique);
    assert_eq!(two.included.len(), 1);
    let some = orders
        .indexes
        .iter()
        .find(|index| {
            index
                .key
                .iter()
                .any(|key| key.column.eq_ignore_ascii_case("Amount"))
        })
        .unwrap();
    assert!(
        some.filter.is_some(),
        "a filtered index is never taken for a key"
    );
    let constraint = &table(&database, "Heap").indexes;
    assert_eq!(constraint.len(), 1, "a heap is no index: {constraint:?}");
    assert_eq!(constraint[0].role, IndexRole::UniqueConstraint);
    assert!(constraint[0].filter.is_none());
    let others = table(&database, "Heap").others.iter();
    let mut others: Vec<_> = others.map(|other| other.kind.as_str()).collect();
    others.sort_unstable();
    assert_eq!(others, ["check", "default"]);
    pool.close().await;
}

async fn heap_rows(connection: &mut Pooled, database: &Database) -> u64 {
    let heap = table(database, "Heap");
    let column = |column: &Column| ResultColumn {
        name: column.name.clone(),
        source: column.ty.clone(),
        code_page: column.code_page,
        target_name: column.name.clone(),
        target: default_type(column, TargetTypes::default()).unwrap(),
    };
    let columns: Vec<_> = heap.columns.iter().map(column).collect();
    let values = Values {
        nul_characters: ValuePolicy::Error,
        unpaired_surrogates: ValuePolicy::Error,
        undecodable: ValuePolicy::Error,
        out_of_range: ValuePolicy::Error,
    };
    let layout = RowLayout::new(&columns, &[1], values).unwrap();
    let mut rows = read::open(connection, "SELECT A, B FROM dbo.Heap ORDER BY B", layout)
        .await
        .unwrap();
    let mut seen = 0;
    while let Some(batch) = rows.next_batch().await.unwrap() {
        seen += batch.rows;
        assert_eq!(batch.last_key, Some(vec![KeyValue::Int(2_147_483_647)]));
    }
    seen
}

#[tokio::test]
async fn rows_counts_and_transactions() {
    let target = target();
    let master = &target.source;
    let pool = fixture(master, "shore_rows").await;
    let mut connection = pool.acquire().await.unwrap();
    let database = catalog::load(&mut connection).await.unwrap();
    assert_eq!(heap_rows(&mut connection, &database).await, 3);
    let count = cuts::count(&mut connection, "SELECT COUNT_BIG(*) FROM dbo.Heap").await;
    assert_eq!(count.unwrap(), 3);
    let key = &table(&database, "Heap").columns[1..];
    let cuts = cuts::cut_points(
        &mut connection,
        "SELECT MAX(n.B) FROM (SELECT B, NTILE(2) OVER (ORDER BY B) AS part FROM dbo.Heap) AS n \
         GROUP BY n.part ORDER BY 1",
        key,
    );
    let expected = [[KeyValue::Int(3)], [KeyValue::Int(2_147_483_647)]];
    assert_eq!(cuts.await.unwrap(), expected);

    // The driver and the row stream both name the transaction that is open.
    connection.execute("BEGIN TRANSACTION").await.unwrap();
    connection
        .execute("DELETE FROM dbo.Heap WHERE B = 3")
        .await
        .unwrap();
    assert_eq!(heap_rows(&mut connection, &database).await, 2);
    let left = cuts::count(&mut connection, "SELECT COUNT_BIG(*) FROM dbo.Heap").await;
    assert_eq!(left.unwrap(), 2);
    connection.execute("ROLLBACK TRANSACTION").await.unwrap();
    assert_eq!(heap_rows(&mut connection, &database).await, 3);

    // A connection with an open transaction is not for the next one.
    connection.execute("BEGIN TRANSACTION").await.unwrap();
    drop(connection);
    assert_eq!(pool.metrics().open, 0);
    let error = pool
        .acquire()
        .await
        .unwrap()
        .query("SELECT x FROM dbo.NoSuchTable")
        .await;
    assert_eq!(error.unwrap_err().kind(), Kind::SourceQuery);
    pool.close().await;
}

#[tokio::test]
async fn every_consistency_has_a_session_that_reads() {
    let target = target();
    let master = &target.source;
    let prepared = fixture(master, "shore_levels").await;
    prepared.close().await;
    let source = Source {
        database: "shore_levels".into(),
        ..master.clone()
    };
    for consistency in [
        Consistency::Strict,
        Consistency::Snapshot,
        Consistency::DatabaseSnapshot,
        Consistency::Relaxed,
    ] {
        let pool = SourcePool::open(&source, consistency).await.unwrap();
        let mut connection = pool.acquire().await.unwrap();
        let database = catalog::load(&mut connection).await.unwrap();
        if consistency == Consistency::Snapshot && !database.snapshot_isolation {
            let refused = cuts::count(&mut connection, "SELECT COUNT_BIG(*) FROM dbo.Heap").await;
            assert_eq!(refused.unwrap_err().kind(), Kind::SourceConsistency);
        } else {
            let count = cuts::count(&mut connection, "SELECT COUNT_BIG(*) FROM dbo.Heap").await;
            assert_eq!(count.unwrap(), 3);
        }
        drop(connection);
        pool.close().await;
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_database() {
    let target = target();
    let master = &target.source;
    let mut wrong = master.clone();
    wrong.password = Secret::new("not it");
    let error = SourcePool::open(&wrong, Consistency::Strict)
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind(), Kind::SourceLogin, "{error:?}");
    let mut wrong = master.clone();
    wrong.database = "no_such_database".into();
    let error = SourcePool::open(&wrong, Consistency::Strict)
        .await
        .err()
        .unwrap();
    // SQL Server says 4060, which a database that is being opened answers too; others say 911.
    let kinds = [Kind::SourceDatabaseUnavailable, Kind::SourceDatabase];
    assert!(kinds.contains(&error.kind()), "{error:?}");
}

#[tokio::test]
async fn five_thousand_tables_are_read_in_as_many_statements_as_one() {
    let target = target();
    // A server of its own counts the statements; making so many tables on another takes too long.
    let Some(standin) = &target.standin else {
        return;
    };
    let pool = SourcePool::open(&target.source, Consistency::Strict)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    for hundred in 0..50 {
        let tables = (0..100).map(|one| {
            let name = hundred * 100 + one;
            format!(
                "CREATE TABLE dbo.T{name} (Id int NOT NULL PRIMARY KEY, A varchar(10), B money);"
            )
        });
        let script: String = tables.collect();
        connection.execute(&script).await.unwrap();
    }
    standin.counters().log_statements(true);
    let database = catalog::load(&mut connection).await.unwrap();
    let statements = standin.counters().statements().len();
    assert_eq!(database.tables.len(), 5000);
    assert!(
        database
            .tables
            .iter()
            .all(|table| table.columns.len() == 3 && table.indexes.len() == 1)
    );
    // One per catalog view, whatever the number of tables; the last of them ask for objects beside tables.
    assert!(statements <= 60, "{statements} statements");
    drop(connection);
    pool.close().await;
}
