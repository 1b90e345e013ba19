//! Servers that are not reached, or refuse: as text, with the exit code and what to do.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use migrate::config::job::Target;
use socket2::{Domain, Socket, Type};
use standin::engine::{Engine, Options as EngineOptions};
use standin::server::{Server, ServerHandle, ServerOptions};
use standin::wire::TlsMode;

use crate::documented::documented;
use crate::errors::{changed, job_text};
use crate::support::certificate;
use crate::support::cluster::{Options, TLS_HOST, TLS_ONLY};
use crate::support::job::{Job, scalar};
use crate::support::old_server::{CLOSED, HANDSHAKE_FAILURE, old_server};
use crate::support::postgres::{Database, Postgres};
use crate::support::scenario::Scenario;
use crate::support::source::{PASSWORD, Source, USER};

const PLAIN: &str = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY);\n\
                     INSERT INTO dbo.T VALUES (1), (2);";

/// A job file for a source of which only host and port matter, because nobody gets further.
fn text_for(target: &Target) -> String {
    let source = Source::stand_in();
    let text = job_text(&source, "master", target);
    text.replacen(&format!("port: {}", source.port), "port: 1433", 1)
}

fn with_options(options: ServerOptions) -> ServerHandle {
    let engine = Engine::new(EngineOptions {
        logins: vec![(USER.into(), PASSWORD.into())],
        ..EngineOptions::default()
    });
    Server::with_engine(options, &engine).expect("the stand-in starts")
}

#[test]
fn a_source_without_a_route_is_given_up_in_time() {
    let target = Postgres::shared().database();
    let text = text_for(&target.target());
    // No TCP connection goes to everybody: the kernel itself says that the network is unreachable.
    let nowhere = changed(&text, "host: \"127.0.0.1\"", "host: 255.255.255.255");
    documented("source-no-route", &nowhere.run(&[]));
    // TEST-NET-1 (RFC 5737): dropped on the way, or answered for by what sits between.
    let dropped = changed(
        &text,
        "host: \"127.0.0.1\"",
        "connect_timeout: 2s\n  host: 192.0.2.1",
    );
    let began = Instant::now();
    let answer = dropped.run(&[]);
    assert!(began.elapsed() < Duration::from_secs(15));
    assert_eq!(answer.code, Some(3), "{}", answer.stderr);
    answer.says(&["192.0.2.1 port 1433"]);
}

/// A queue of connections that nobody takes and that is full: further ones get no answer at all.
#[test]
fn a_source_that_does_not_answer_is_given_up_in_time() {
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    full.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
        .expect("a port");
    full.listen(0).expect("a queue of one");
    let address = full
        .local_addr()
        .ok()
        .and_then(|address| address.as_socket())
        .expect("an address");
    let waiting: Vec<Socket> = (0..4)
        .map(|_| {
            let client = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            client.set_nonblocking(true).expect("a setting");
            // In progress, which is all that is wanted.
            let _ = client.connect(&address.into());
            client
        })
        .collect();
    std::thread::sleep(Duration::from_millis(100));
    let target = Postgres::shared().database();
    let text = text_for(&target.target());
    let silent = format!("connect_timeout: 2s\n  port: {}", address.port());
    let answer = changed(&text, "port: 1433", &silent).run(&[]);
    documented("source-no-answer", &answer);
    drop(waiting);
    // A port that takes the connection and says nothing.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let silent = format!("connect_timeout: 1s\n  port: {port}");
    documented(
        "source-silent",
        &changed(&text, "port: 1433", &silent).run(&[]),
    );
}

#[test]
fn a_named_instance_needs_a_browser_that_knows_it() {
    let target = Postgres::shared().database();
    let text = text_for(&target.target());
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let server = with_options(ServerOptions {
        instance: "SHOP".into(),
        browser: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
        ..ServerOptions::default()
    });
    let knowing = server.browser_address().expect("a browser").port();
    let asked = |instance: &str, port: u16| {
        let keys = format!("instance: {instance}\n  browser_port: {port}\n  connect_timeout: 2s");
        changed(&text, "port: 1433", &keys).run(&[])
    };
    let port = silent.local_addr().expect("an address").port();
    documented("source-browser", &asked("SHOP", port));
    // A browser says nothing of an instance that it does not know (MC-SQLR 3.2.5).
    documented("source-browser", &asked("OTHER", knowing));
    let found = asked("shop", knowing);
    assert!(!found.stderr.contains("Browser"), "{}", found.stderr);
    // An answer about another instance is not taken for one.
    let liar = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = liar.local_addr().expect("an address").port();
    let lies = std::thread::spawn(move || {
        let text = b"ServerName;A;InstanceName;OTHER;tcp;1433;;";
        let mut question = [0; 64];
        let (_, from) = liar.recv_from(&mut question).expect("a question");
        let head = [5, u8::try_from(text.len()).expect("short"), 0];
        liar.send_to(&[&head[..], text].concat(), from)
            .expect("an answer");
    });
    documented("source-browser-answer", &asked("SHOP", port));
    lies.join().expect("the browser");
}

#[test]
fn encryption_that_source_and_job_do_not_share() {
    let target = Postgres::shared().database();
    let text = text_for(&target.target());
    for (tls, encrypt, line) in [
        (TlsMode::NotSupported, "required", "source-no-tls"),
        (TlsMode::Required, "off", "source-forces-tls"),
        (TlsMode::NotSupported, "strict", "source-no-strict"),
    ] {
        let server = with_options(ServerOptions {
            tls,
            ..ServerOptions::default()
        });
        let text = text.replacen("encrypt: off", &format!("encrypt: {encrypt}"), 1);
        let port = format!("connect_timeout: 5s\n  port: {}", server.address().port());
        documented(line, &changed(&text, "port: 1433", &port).run(&[]));
    }
}

#[test]
fn a_source_from_before_the_ciphers_of_today_is_named() {
    let target = Postgres::shared().database();
    let text = text_for(&target.target()).replacen("encrypt: off", "encrypt: required", 1);
    let text = text.replacen(
        "port: 1433",
        "port: 1433\n  trust_server_certificate: true",
        1,
    );
    for (answer, line) in [
        (HANDSHAKE_FAILURE, "source-old-tls"),
        (CLOSED, "source-old-closed"),
    ] {
        let port = format!("port: {}", old_server(answer));
        documented(line, &changed(&text, "port: 1433", &port).run(&[]));
    }
}

#[test]
fn the_target_says_what_is_wrong_with_encryption() {
    let source = Source::shared();
    let database = source.database(PLAIN);
    let plain = Postgres::start(Options { tls: false });
    let target = plain.database();
    let text = text_of(&Job::new(&database, &target.target(), ""));
    let required = changed(&text, "sslmode: disable", "sslmode: require");
    documented("target-no-tls", &required.run(&[]));

    let secure = Postgres::start(Options { tls: true });
    let target = secure.database();
    let text = text_of(&Job::new(&database, &target.target(), ""));
    let other = certificate::make(TLS_HOST);
    let folder = Job::from_text("");
    let authority = folder.folder().join("other.pem");
    std::fs::write(&authority, other.authority).expect("a file");
    let with_ca = |text: &str, file: &std::path::Path| {
        let keys = format!(
            "sslmode: verify-full\n  ca_file: {}",
            scalar(&file.display().to_string())
        );
        changed(text, "sslmode: disable", &keys)
    };
    let untrusted = with_ca(&on_localhost(&text), &authority);
    documented("target-certificate", &untrusted.run(&[]));
    let misnamed = with_ca(&text, &target.ca_file());
    documented("target-certificate-name", &misnamed.run(&[]));
    let mut refused = target.target();
    refused.user = TLS_ONLY.into();
    documented("target-hba", &Job::new(&database, &refused, "").run(&[]));
    let trusted = with_ca(&on_localhost(&text), &target.ca_file());
    assert_eq!(trusted.run(&[]).code, Some(0));
}

/// The target's host, which is the second one of the file, by the name in its certificate.
fn on_localhost(text: &str) -> String {
    let (source, target) = text.split_once("target:").expect("a target");
    let target = target.replacen("\"127.0.0.1\"", "localhost", 1);
    format!("{source}target:{target}")
}

fn text_of(job: &Job) -> String {
    std::fs::read_to_string(&job.path).expect("the job file")
}

/// A role that may log in and nothing else.
struct Role<'a> {
    target: &'a Database<'a>,
    name: String,
}

impl<'a> Role<'a> {
    fn new(target: &'a Database<'a>) -> Self {
        let name = format!("plain_{}", target.name);
        target.sql(&format!("CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'"));
        Self { target, name }
    }

    fn settings(&self) -> Target {
        let mut settings = self.target.target();
        settings.user.clone_from(&self.name);
        settings.password = migrate::config::job::Secret::new(PASSWORD);
        settings
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.target.sql(&format!(
                "DROP OWNED BY {0} CASCADE; DROP ROLE {0}",
                self.name
            ));
        }
    }
}

#[test]
fn what_the_role_may_not_make_is_said() {
    let scenario = Scenario::loaded(PLAIN);
    let role = Role::new(&scenario.target);
    let job = Job::new(&scenario.source, &role.settings(), "");
    // Not even the schema of the state.
    documented("target-no-schema", &job.run(&[]));
    let name = &scenario.target.name;
    scenario.sql(&format!("GRANT CREATE ON DATABASE {name} TO {}", role.name));
    scenario.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    documented("target-no-table", &job.run(&[]));
    // The state is there now; a schema that the job names is not, and may not be made.
    scenario.sql(&format!(
        "REVOKE CREATE ON DATABASE {name} FROM {}",
        role.name
    ));
    let elsewhere = changed(
        &text_of(&job),
        "schemas: { dbo: public }",
        "schemas: { dbo: fresh }",
    );
    documented("target-no-schema", &elsewhere.run(&["--restart"]));
    scenario.sql(&format!(
        "GRANT CREATE, USAGE ON SCHEMA public TO {}",
        role.name
    ));
    assert_eq!(job.run(&["--restart"]).code, Some(0), "and then it works");
}

#[test]
fn a_table_that_is_there_is_protected() {
    let scenario = Scenario::loaded(PLAIN);
    scenario.sql("CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (77)");
    documented("target-exists", &scenario.job("").run(&[]));
    assert_eq!(scenario.value("SELECT sum(id) FROM public.t"), "77");
}

/// As many connections as the server has left after those it keeps for superusers, and one more.
#[test]
fn a_target_without_a_free_connection_says_how_many_it_takes() {
    let source = Source::shared();
    let database = source.database(PLAIN);
    let postgres = Postgres::start(Options { tls: false });
    postgres.sql("ALTER SYSTEM SET max_connections = 8");
    postgres.cluster().restart(false);
    let target = postgres.database();
    let role = Role::new(&target);
    target.sql(&format!("GRANT CREATE ON SCHEMA public TO {}", role.name));
    target.sql(&format!(
        "GRANT CREATE ON DATABASE {} TO {}",
        target.name, role.name
    ));
    let mut settings = role.settings();
    settings.pool.max_connections = 6;
    documented(
        "target-connections",
        &Job::new(&database, &settings, "").run(&[]),
    );
    settings.pool.max_connections = 3;
    Job::new(&database, &settings, "").ends(&[], 0);
}
