//! Windows accounts and access tokens: `source.auth` other than `sql`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use standin::server::{Doors, ServerOptions};
use standin::wire::Domain;

use super::{PemFile, job_as, stand_in};
use crate::support::job::{Answer, Job, scalar};
use crate::support::kdc::{Kdc, REALM};
use crate::support::postgres::Postgres;
use crate::support::source::{PASSWORD, Source};

/// The service's principal, whatever port a test's server gets.
const SERVICE: &str = "MSSQLSvc/localhost:1433";
const TABLE: &str = "CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY, V nvarchar(20) NULL);\n\
                     INSERT INTO dbo.T SELECT value, N'row' FROM GENERATE_SERIES(1, 5000);\n";

/// A KDC with alice, and a server that takes her tickets.
pub(super) struct Realm {
    pub(super) kdc: Kdc,
    pub(super) server: Arc<Source>,
}

impl Realm {
    pub(super) fn start() -> Option<Self> {
        let kdc = Kdc::start()?;
        kdc.user("alice", "alice-password");
        kdc.service(SERVICE);
        let server = stand_in(ServerOptions {
            doors: Doors {
                keytab: Some(kdc.keytab(SERVICE)),
                ..Doors::default()
            },
            ..ServerOptions::default()
        });
        Some(Self { kdc, server })
    }

    /// The lines of a job's source; `more` are further ones.
    pub(super) fn lines(&self, more: &str) -> String {
        format!(
            "  host: localhost\n  port: {}\n  encrypt: off\n  auth: kerberos\n{more}",
            self.server.port
        )
    }

    pub(super) fn ends(&self, job: &Job, arguments: &[&str]) -> Answer {
        let mut command = job.command(arguments);
        self.kdc.environment(&mut command);
        answer(&mut command)
    }
}

/// What a command says, without the breaks of its lines.
pub(super) fn answer(command: &mut Command) -> Answer {
    let output = command.output().expect("the tool runs");
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(super) fn spn() -> String {
    format!("  spn: {}\n", scalar(SERVICE))
}

pub(super) fn keytab(file: &Path, principal: &str) -> String {
    format!(
        "  keytab: {}\n  principal: {}\n",
        scalar(&file.to_string_lossy()),
        scalar(principal)
    )
}

/// A ticket of `kinit`, and one that the tool gets by a keytab, bring a whole database over; `check` says
/// who came in by which door.
#[test]
fn a_windows_account_logs_in_by_its_ticket_or_its_keytab() {
    let Some(realm) = Realm::start() else {
        return;
    };
    let alice = realm.kdc.keytab("alice");
    realm.kdc.kinit(&alice, "alice", "10h");
    let database = realm.server.database(TABLE);
    let principal = format!("alice@{REALM}");
    for more in [spn(), spn() + &keytab(&alice, &principal)] {
        let target = Postgres::shared().database();
        let job = job_as(&realm.lines(&more), &database.name, &target, "");
        let checked = realm.ends(&job, &["check"]);
        assert_eq!(checked.code, Some(0), "{}", checked.said());
        assert!(
            checked.stdout.contains("TEST\\alice (KERBEROS)"),
            "{}",
            checked.stdout
        );
        let ran = realm.ends(&job, &[]);
        assert_eq!(ran.code, Some(0), "{}", ran.said());
        assert_eq!(target.value("SELECT count(*) FROM public.t"), "5000");
        realm.kdc.forget_tickets();
    }
}

/// A login is asked for with every new connection: a ticket that ended since is got again.
#[test]
fn tickets_that_end_during_a_run_are_got_again() {
    let Some(realm) = Realm::start() else {
        return;
    };
    realm.kdc.administer("modprinc -maxlife 2sec alice");
    let alice = realm.kdc.keytab("alice");
    let database = realm.server.database(TABLE);
    let target = Postgres::shared().database();
    let more = spn() + &keytab(&alice, "alice");
    let transfer = "transfer: { retry: { initial_backoff: 50ms } }\n";
    let job = job_as(&realm.lines(&more), &database.name, &target, transfer);
    let faults = realm.server.expect_stand_in().handle.faults();
    faults.add(
        "stall:rows=1000,for=4s,match=FROM [dbo].[T]"
            .parse()
            .expect("a fault"),
    );
    faults.add(
        "drop:rows=2000,match=FROM [dbo].[T]"
            .parse()
            .expect("a fault"),
    );
    let ran = realm.ends(&job, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.said());
    assert!(faults.fired() > 1);
    assert_eq!(
        target.value("SELECT count(DISTINCT id) FROM public.t"),
        "5000"
    );
}

fn domain() -> Doors {
    Doors {
        domain: Some(Domain {
            name: "CORP".into(),
            accounts: vec![("bob".into(), PASSWORD.into())],
        }),
        ..Doors::default()
    }
}

#[test]
fn a_windows_account_logs_in_by_its_password_under_every_encryption() {
    let server = stand_in(ServerOptions {
        doors: domain(),
        ..ServerOptions::default()
    });
    let authority = PemFile::with(server.expect_stand_in().handle.ca_pem());
    let database = server.database(TABLE);
    for encrypt in ["required", "strict", "login_only", "off"] {
        let target = Postgres::shared().database();
        let connection = format!(
            "  host: localhost\n  port: {}\n  encrypt: {encrypt}\n{}  auth: ntlm\n  user: 'CORP\\Bob'\n  \
             password: {}\n",
            server.port,
            authority.line(),
            scalar(PASSWORD)
        );
        let job = job_as(&connection, &database.name, &target, "");
        let checked = job.ends(&["check"], 0);
        assert!(
            checked.stdout.contains("CORP\\Bob (NTLM)"),
            "{}",
            checked.stdout
        );
        job.ends(&[], 0);
        assert_eq!(target.value("SELECT count(*) FROM public.t"), "5000");
    }
}

/// FreeTDS logs in to the stand-in by the same ticket and the same password, so that it is no private
/// agreement of the tool and the stand-in.
#[test]
fn another_client_logs_in_by_the_same_ticket_and_password() {
    let Some(realm) = Realm::start() else {
        return;
    };
    let alice = realm.kdc.keytab("alice");
    realm.kdc.kinit(&alice, "alice", "10h");
    let server = stand_in(ServerOptions {
        doors: domain(),
        ..ServerOptions::default()
    });
    for (port, login, expected) in [
        (realm.server.port, ["", ""], "TEST\\alice\tKERBEROS"),
        (server.port, ["CORP\\bob", PASSWORD], "CORP\\bob\tNTLM"),
    ] {
        let Some(said) = ask_by_freetds(&realm.kdc, port, login) else {
            return;
        };
        assert!(said.contains(expected), "{said}");
    }
}

/// What `tsql` is told about its own login; `None`, said on stderr, where it is not installed.
fn ask_by_freetds(kdc: &Kdc, port: u16, [user, password]: [&str; 2]) -> Option<String> {
    use std::io::Write as _;
    let folder = kdc.cache().parent().expect("a folder").to_owned();
    let configuration = format!(
        "[stand-in]\n host = localhost\n port = {port}\n tds version = 7.4\n use ntlmv2 = yes\n spn = {SERVICE}\n"
    );
    let file = folder.join("freetds.conf");
    std::fs::write(&file, configuration).expect("a file");
    let mut command = Command::new("tsql");
    kdc.environment(&mut command)
        .env("FREETDSCONF", &file)
        .args(["-S", "stand-in", "-U", user, "-P", password])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI needs tsql (apt-get install freetds-bin)"
        );
        eprintln!("SKIPPED: no tsql here (apt-get install freetds-bin)");
        return None;
    };
    let question = "SELECT ORIGINAL_LOGIN(), CONNECTIONPROPERTY('auth_scheme')\nGO\n";
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(question.as_bytes()).expect("a question");
    drop(stdin);
    Some(ended(child))
}

fn ended(child: Child) -> String {
    let output = child.wait_with_output().expect("the client ends");
    let (said, complained) = (output.stdout, output.stderr);
    format!(
        "{}{}",
        String::from_utf8_lossy(&said),
        String::from_utf8_lossy(&complained)
    )
}

/// A token goes with the request as it is; which file or command it comes from is the job's choice.
#[test]
fn an_access_token_logs_in_over_verified_tls() {
    // As long as one of Microsoft's, so that the request takes several packets.
    let token = "header.claims.".to_owned() + &"s".repeat(6000);
    let server = stand_in(ServerOptions {
        doors: Doors {
            tokens: vec![(token.clone(), "alice@example.com".into())],
            ..Doors::default()
        },
        ..ServerOptions::default()
    });
    let authority = PemFile::with(server.expect_stand_in().handle.ca_pem());
    let database = server.database(TABLE);
    let from_file = PemFile::with(&format!("{token}\n"));
    let file = from_file.0.display().to_string();
    for (encrypt, from) in [
        ("required", format!("token: '${{file:{file}}}'")),
        ("strict", format!("token_command: [cat, {}]", scalar(&file))),
    ] {
        let target = Postgres::shared().database();
        let connection = format!(
            "  host: localhost\n  port: {}\n  encrypt: {encrypt}\n{}  auth: token\n  {from}\n",
            server.port,
            authority.line()
        );
        let job = job_as(&connection, &database.name, &target, "");
        let checked = job.ends(&["check"], 0);
        assert!(
            checked.stdout.contains("alice@example.com"),
            "{}",
            checked.stdout
        );
        let ran = job.ends(&[], 0);
        assert!(!ran.said().contains(&token));
        assert_eq!(target.value("SELECT count(*) FROM public.t"), "5000");
    }
}

/// Of a request of several packets the first alone is encrypted under `login_only`.
#[test]
fn a_login_of_several_packets_gets_in_under_every_encryption() {
    let password = "p".repeat(5000);
    let server = stand_in(ServerOptions {
        doors: Doors {
            domain: Some(Domain {
                name: "CORP".into(),
                accounts: Vec::new(),
            }),
            ..Doors::default()
        },
        ..ServerOptions::default()
    });
    let authority = PemFile::with(server.expect_stand_in().handle.ca_pem());
    for encrypt in ["required", "strict", "login_only", "off"] {
        let target = Postgres::shared().database();
        let lines = format!(
            "  host: localhost\n  port: {}\n  encrypt: {encrypt}\n{}  user: sa\n  password: {password}\n",
            server.port,
            authority.line()
        );
        let checked = job_as(&lines, "master", &target, "").run(&["check"]);
        // It is the wrong one, which the server says when it has read the whole request.
        assert!(
            checked.said().contains("18456"),
            "{encrypt}: {}",
            checked.said()
        );
    }
}

/// What a new connection asks is asked within the job's time.
#[test]
fn a_centre_that_does_not_answer_is_waited_for_no_longer_than_a_server() {
    let Some(mut realm) = Realm::start() else {
        return;
    };
    let alice = realm.kdc.keytab("alice");
    realm.kdc.stop();
    let target = Postgres::shared().database();
    let lines = realm.lines(&(spn() + &keytab(&alice, "alice") + "  connect_timeout: 5s\n"));
    let job = job_as(
        &lines,
        "master",
        &target,
        "transfer: { retry: { at_start: 1s } }\n",
    );
    let begun = std::time::Instant::now();
    let checked = realm.ends(&job, &["check"]);
    assert_eq!(checked.code, Some(3), "{}", checked.said());
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}
