//! Servers that have no cipher of today, as a job without `source.tls: legacy` meets them (F2).

use super::job;
use crate::support::old_server::{CLOSED, HANDSHAKE_FAILURE, old_server};
use crate::support::postgres::Postgres;

/// F2: with an alert or without one, both say the same to an
/// operator, who cannot see the server's ciphers.
#[test]
fn an_old_server_is_named_with_the_ways_out() {
    let target = Postgres::shared().database();
    for (answer, first) in [
        (
            HANDSHAKE_FAILURE,
            "have no TLS version and cipher in common",
        ),
        (CLOSED, "ended the connection in the TLS handshake"),
    ] {
        let port = old_server(answer);
        for encrypt in ["required", "login_only"] {
            let connection = format!("  host: 127.0.0.1\n  port: {port}\n  encrypt: {encrypt}\n");
            let connection = format!("{connection}  trust_server_certificate: true\n");
            let answer = job(&connection, "master", &target, "").ends(&["run"], 3);
            answer.says(&[
                first,
                "Windows Server 2012 R2",
                "TLS 1.0",
                "source.tls: legacy",
                "source.encrypt: off",
            ]);
        }
    }
}
