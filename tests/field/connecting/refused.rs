//! Every way not to get in: what `check` says, and what it advises.

use std::process::Command;

use standin::server::{Doors, ServerOptions};
use standin::wire::{Domain, TlsMode};

use super::windows::{Realm, answer, keytab, spn};
use super::{PemFile, job_as, stand_in};
use crate::support::job::{Answer, scalar};
use crate::support::postgres::Postgres;
use crate::support::source::{PASSWORD, USER};

/// A login that is refused: what is tried, and words of the message and of the advice.
struct Refused {
    what: &'static str,
    lines: String,
    words: &'static [&'static str],
}

/// Runs `check` with these lines of the source, in an environment that `prepare` makes, and looks for the
/// words in its answer.
fn refuses(refused: &Refused, prepare: impl Fn(&mut Command)) {
    let Refused { what, lines, words } = refused;
    let target = Postgres::shared().database();
    let transfer = "transfer: { retry: { at_start: 1s } }\n";
    let job = job_as(lines, "master", &target, transfer);
    let mut command = job.command(&["check"]);
    prepare(&mut command);
    let answer = answer(&mut command);
    // `check` wraps its lines.
    let said = answer.said();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        matches!(answer.code, Some(2 | 3)),
        "{what}: {:?} {said}",
        answer.code
    );
    for word in *words {
        assert!(said.contains(word), "{what}: no {word:?} in {said}");
    }
    assert!(!said.contains(PASSWORD), "{what}: {said}");
    assert!(!said.contains("not supported"), "{what}: {said}");
    no_debug_text(what, &answer);
}

/// No `Debug` output of a Rust type, as `Other(OtherError(CaUsedAsEndEntity))`.
fn no_debug_text(what: &str, answer: &Answer) {
    for text in ["Error(", "Some(", "Os {", "Custom {", "Error {"] {
        assert!(
            !answer.said().contains(text),
            "{what}: {text} in {}",
            answer.said()
        );
    }
}

fn sql(user: &str, password: &str) -> String {
    format!(
        "  user: {}\n  password: {}\n",
        scalar(user),
        scalar(password)
    )
}

#[test]
fn a_sql_login_that_is_refused_is_told_what_to_do() {
    let server = stand_in(ServerOptions::default());
    let place = format!(
        "  host: localhost\n  port: {}\n  encrypt: off\n",
        server.port
    );
    let faults = server.expect_stand_in().handle.faults();
    let plain = |what, words| Refused {
        what,
        lines: place.clone() + &sql(USER, PASSWORD),
        words,
    };
    for (number, refused) in [
        (
            18456,
            plain(
                "disabled on the server",
                &["18456", "source.user and source.password", "state 58"],
            ),
        ),
        (
            18470,
            plain(
                "a disabled login",
                &["18470", "the login is disabled", "ALTER LOGIN"],
            ),
        ),
        (
            18486,
            plain("a locked login", &["18486", "unlock the login"]),
        ),
        (
            18487,
            plain("an expired password", &["18487", "change its password"]),
        ),
        (
            18488,
            plain(
                "a password to be changed",
                &["18488", "change its password"],
            ),
        ),
        (
            18452,
            plain(
                "Windows logins only",
                &["18452", "source.auth to kerberos or ntlm"],
            ),
        ),
        (
            40615,
            plain("Azure's firewall", &["40615", "firewall rules"]),
        ),
        (
            4060,
            plain("another database", &["4060", "source.database"]),
        ),
    ] {
        faults.add(
            format!("refuse-login:number={number},times=forever")
                .parse()
                .expect("a fault"),
        );
        refuses(&refused, |_| {});
        faults.clear();
    }
    for refused in [
        Refused {
            what: "a wrong password",
            lines: place.clone() + &sql(USER, "not-the-password"),
            words: &[
                "18456",
                "Login failed for user 'sa'",
                "check source.user and source.password",
            ],
        },
        Refused {
            what: "no password",
            lines: format!("{place}  user: sa\n"),
            words: &["source.password", "is missing"],
        },
        Refused {
            what: "no user",
            lines: format!("{place}  password: x\n"),
            words: &["source.user", "is missing", "source.auth"],
        },
        Refused {
            what: "a Windows account at a server without a domain",
            lines: format!("{place}  auth: ntlm\n{}", sql("CORP\\bob", PASSWORD)),
            words: &[
                "18452",
                "does not trust the account's domain",
                "Extended Protection",
            ],
        },
    ] {
        refuses(&refused, |_| {});
    }
}

#[test]
fn a_certificate_or_a_port_that_does_not_fit_is_told_what_to_do() {
    let server = stand_in(ServerOptions::default());
    let other = stand_in(ServerOptions::default());
    let without = stand_in(ServerOptions {
        tls: TlsMode::NotSupported,
        ..ServerOptions::default()
    });
    let strict = stand_in(ServerOptions {
        tls: TlsMode::Strict,
        ..ServerOptions::default()
    });
    let foreign = PemFile::with(other.expect_stand_in().handle.ca_pem());
    let own = PemFile::with(server.expect_stand_in().handle.ca_pem());
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("a port").port()
    };
    let lines = |host: &str, port: u16, more: &str| {
        format!(
            "  host: {host}\n  port: {port}\n{more}{}",
            sql(USER, PASSWORD)
        )
    };
    for refused in [
        Refused {
            what: "an authority that is not known",
            lines: lines("localhost", server.port, ""),
            words: &["certificate", "source.ca_file"],
        },
        Refused {
            what: "another server's authority",
            lines: lines("localhost", server.port, &foreign.line()),
            words: &["certificate", "source.ca_file"],
        },
        Refused {
            what: "a name that the certificate does not have",
            lines: lines(
                "localhost",
                server.port,
                &(own.line() + "  host_name_in_certificate: sql01\n"),
            ),
            words: &["sql01 was expected"],
        },
        Refused {
            what: "a server without TLS",
            lines: lines("localhost", without.port, ""),
            words: &[
                "the server offers no TLS",
                "install a certificate",
                "source.encrypt: off",
            ],
        },
        Refused {
            what: "a server that forces strict encryption",
            lines: lines("localhost", strict.port, &own.line()),
            words: &["strict"],
        },
        Refused {
            what: "a port where nobody listens",
            lines: lines("127.0.0.1", closed, ""),
            words: &["127.0.0.1", "refused"],
        },
        Refused {
            what: "a name that is not known",
            lines: lines("sql01.invalid", 1433, ""),
            words: &["sql01.invalid"],
        },
    ] {
        refuses(&refused, |_| {});
    }
}

#[test]
fn a_kerberos_login_that_fails_is_told_what_to_do() {
    let Some(mut realm) = Realm::start() else {
        return;
    };
    let alice = realm.kdc.keytab("alice");
    let check = |realm: &Realm, what, more: String, words| {
        let lines = realm.lines(&more);
        refuses(&Refused { what, lines, words }, |command| {
            realm.kdc.environment(command);
        });
    };
    check(
        &realm,
        "no ticket",
        spn(),
        &["kinit", "source.keytab", "MSSQLSvc/localhost:1433"],
    );
    realm.kdc.kinit(&alice, "alice", "1s");
    std::thread::sleep(std::time::Duration::from_millis(2100));
    check(&realm, "an expired ticket", spn(), &["expired", "kinit"]);
    realm.kdc.kinit(&alice, "alice", "1h");
    check(
        &realm,
        "a name that is not registered",
        "  spn: MSSQLSvc/sql01.example.com:1433\n".into(),
        &["MSSQLSvc/sql01.example.com:1433", "setspn", "source.spn"],
    );
    check(
        &realm,
        "another realm",
        "  spn: MSSQLSvc/localhost:1433@OTHER.EXAMPLE\n".into(),
        &["OTHER.EXAMPLE", "source.spn"],
    );
    realm.kdc.service("MSSQLSvc/other:1433");
    check(
        &realm,
        "a ticket for another service",
        "  spn: MSSQLSvc/other:1433\n".into(),
        &["18452", "belongs to another account", "setspn -Q"],
    );
    check(
        &realm,
        "a keytab that is not there",
        spn() + "  keytab: /nonexistent/alice.keytab\n",
        &["/nonexistent/alice.keytab", "klist -k"],
    );
    check(
        &realm,
        "a keytab of somebody else",
        spn() + &keytab(&alice, "bob"),
        &["klist -k", "source.principal"],
    );
    realm.kdc.user("gone", "gone-password");
    let gone = realm.kdc.keytab("gone");
    realm.kdc.administer("delprinc -force gone");
    check(
        &realm,
        "an account that is gone",
        spn() + &keytab(&gone, "gone"),
        &["source.principal"],
    );
    realm.kdc.user("locked", "locked-password");
    let locked = realm.kdc.keytab("locked");
    realm.kdc.administer("modprinc -allow_tix locked");
    check(
        &realm,
        "a locked account",
        spn() + &keytab(&locked, "locked"),
        &["locked, disabled"],
    );
    realm.kdc.user("old", "old-password");
    let old = realm.kdc.keytab("old");
    realm.kdc.administer("modprinc -pwexpire yesterday old");
    check(
        &realm,
        "an expired password",
        spn() + &keytab(&old, "old"),
        &["change the account's password"],
    );
    realm.kdc.user("changed", "first-password");
    let changed = realm.kdc.keytab("changed");
    realm.kdc.administer("cpw -pw second-password changed");
    check(
        &realm,
        "a keytab from before a change of the password",
        spn() + &keytab(&changed, "changed"),
        &["after the keytab was made"],
    );
    realm.kdc.stop();
    realm.kdc.forget_tickets();
    check(
        &realm,
        "no KDC",
        spn() + &keytab(&alice, "alice"),
        &["/etc/krb5.conf", "port 88"],
    );
}

/// Whoever answers instead of the server has not its key, and so cannot finish the exchange of tokens.
#[test]
fn a_server_that_does_not_show_who_it_is_gets_nothing() {
    let Some(realm) = Realm::start() else {
        return;
    };
    let alice = realm.kdc.keytab("alice");
    realm.kdc.kinit(&alice, "alice", "1h");
    let impostor = stand_in(ServerOptions {
        doors: Doors {
            impostor: true,
            ..Doors::default()
        },
        ..ServerOptions::default()
    });
    let place = format!(
        "  host: localhost\n  port: {}\n  encrypt: off\n",
        impostor.port
    );
    for (what, login) in [
        ("Kerberos", "  auth: kerberos\n".to_owned() + &spn()),
        (
            "NTLM",
            "  auth: ntlm\n".to_owned() + &sql("CORP\\bob", PASSWORD),
        ),
    ] {
        let words = &["without showing that it is the server"][..];
        let lines = place.clone() + &login;
        refuses(&Refused { what, lines, words }, |command| {
            realm.kdc.environment(command);
        });
    }
}

#[test]
fn a_windows_password_or_a_token_that_is_refused_is_told_what_to_do() {
    let server = stand_in(ServerOptions {
        doors: Doors {
            domain: Some(Domain {
                name: "CORP".into(),
                accounts: vec![("bob".into(), PASSWORD.into())],
            }),
            tokens: vec![("good".into(), "alice".into())],
            windows_only: true,
            ..Doors::default()
        },
        ..ServerOptions::default()
    });
    let authority = PemFile::with(server.expect_stand_in().handle.ca_pem());
    let place = format!(
        "  host: localhost\n  port: {}\n{}",
        server.port,
        authority.line()
    );
    let ntlm = |user| format!("{place}  auth: ntlm\n{}", sql(user, PASSWORD));
    let token = |token: &str| format!("{place}  auth: token\n  token: {}\n", scalar(token));
    for refused in [
        Refused {
            what: "a SQL login where there are Windows logins only",
            lines: place.clone() + &sql(USER, PASSWORD),
            words: &["18456", "state 58", "source.auth"],
        },
        Refused {
            what: "a wrong password of an account",
            lines: format!("{place}  auth: ntlm\n{}", sql("CORP\\bob", "not-it")),
            words: &["18456", "'CORP\\bob'", "CREATE LOGIN", "FROM WINDOWS"],
        },
        Refused {
            what: "an unknown account",
            lines: ntlm("CORP\\carol"),
            words: &["18456", "'CORP\\carol'"],
        },
        Refused {
            what: "an account of another domain",
            lines: ntlm("OTHER\\bob"),
            words: &[
                "18452",
                "does not trust the account's domain",
                "Extended Protection",
            ],
        },
        Refused {
            what: "a token of another tenant",
            lines: token("bad"),
            words: &[
                "18456",
                "<token-identified principal>",
                "the server's tenant",
                "FROM EXTERNAL PROVIDER",
            ],
        },
        Refused {
            what: "a token that has ended",
            // {"aud":"https://database.windows.net/","exp":100}
            lines: token(
                "e30.eyJhdWQiOiJodHRwczovL2RhdGFiYXNlLndpbmRvd3MubmV0LyIsImV4cCI6MTAwfQ.x",
            ),
            words: &["the access token ended", "source.token_command"],
        },
        Refused {
            what: "a token for another service",
            // {"aud":"https://management.azure.com/","exp":99999999999}
            lines: token(
                "e30.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQuYXp1cmUuY29tLyIsImV4cCI6OTk5OTk5OTk5OTl9.x",
            ),
            words: &[
                "for https://management.azure.com/",
                "az account get-access-token",
            ],
        },
        Refused {
            what: "no token",
            lines: format!("{place}  auth: token\n"),
            words: &["source.token", "is missing"],
        },
        Refused {
            what: "a token without TLS",
            lines: token("good") + "  encrypt: off\n",
            words: &["source.auth", "needs verified TLS"],
        },
        Refused {
            what: "a principal without a keytab",
            lines: format!("{place}  auth: kerberos\n  principal: bob\n"),
            words: &["source.principal", "source.keytab"],
        },
        Refused {
            what: "a token to a server that nobody verified",
            lines: token("good") + "  trust_server_certificate: true\n",
            words: &["source.auth", "needs verified TLS"],
        },
    ] {
        refuses(&refused, |_| {});
    }
}
