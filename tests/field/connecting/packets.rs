//! What goes into one TLS record (F1).

use standin::server::ServerOptions;

use super::{job, stand_in};
use crate::support::postgres::Postgres;

/// Nearly as many columns as a table has (1,024), with names that make its statement longer than
/// 30,000 characters, and one whose filter lists 2,000 numbers.
fn script() -> String {
    let columns: Vec<_> = (0..1000)
        .map(|number| format!("a_column_with_a_name_of_some_length_{number} int NOT NULL"))
        .collect();
    let values = (1..1000).map(|number| format!(", {number}"));
    format!(
        "CREATE TABLE dbo.Wide ({});\nGO\nINSERT INTO dbo.Wide VALUES (0{});\nGO\n\
         CREATE TABLE dbo.Listed (Id int NOT NULL PRIMARY KEY);\nGO\n\
         INSERT INTO dbo.Listed VALUES (1), (2), (1999000), (1998001);\nGO\n",
        columns.join(", "),
        values.collect::<String>()
    )
}

/// 2,000 numbers of seven digits.
fn filter() -> String {
    let numbers: Vec<_> = (0..2000)
        .map(|number| (1_998_001 + number).to_string())
        .collect();
    format!("Id IN ({})", numbers.join(", "))
}

/// F1: SQL Server drops a connection without a word when a TLS record holds more than one packet or
/// is longer than the packet size, whatever the statement is long.
#[test]
fn a_long_statement_is_one_packet_to_a_tls_record() {
    for most_packet in [512, 4096, 8000, 16383] {
        let server = stand_in(ServerOptions {
            most_packet,
            ..ServerOptions::default()
        });
        let database = server.database(&script());
        for encrypt in ["required", "strict", "login_only"] {
            let target = Postgres::shared().database();
            let job = job(
                &format!(
                    "  host: {}\n  port: {}\n  encrypt: {encrypt}\n  \
                     trust_server_certificate: true\n",
                    server.host, server.port
                ),
                &database.name,
                &target,
                &format!(
                    "transfer: {{ retry: {{ attempts: 1 }} }}\n\
                     tables:\n  overrides:\n    dbo.Listed: {{ where: \"{}\" }}\n",
                    filter()
                ),
            );
            let counters = server.expect_stand_in().handle.counters();
            counters.log_statements(true);
            job.report(&[], 0);
            let longest = counters.statements().iter().map(String::len).max();
            assert!(longest > Some(30_000), "{longest:?} characters at most");
            let sums = "SELECT concat((SELECT sum(a_column_with_a_name_of_some_length_999) FROM wide), \
                        ' ', (SELECT sum(id) FROM listed))";
            assert_eq!(
                target.value(sums),
                "999 3997001",
                "{encrypt}, packets of {most_packet}"
            );
        }
    }
}
