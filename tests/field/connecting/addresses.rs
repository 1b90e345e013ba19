//! Where a server is, as people write it (F14).

use standin::server::ServerOptions;

use super::{job, stand_in};
use crate::support::postgres::Postgres;

/// F14: the forms of a `Data Source` are understood, port and all.
#[test]
fn a_server_is_found_however_its_address_is_written() {
    let server = stand_in(ServerOptions::default());
    let database = server.database("CREATE TABLE dbo.T (Id int NOT NULL PRIMARY KEY);");
    let target = Postgres::shared().database();
    let port = server.port;
    for host in [
        format!("127.0.0.1:{port}"),
        format!("127.0.0.1,{port}"),
        format!("tcp:localhost,{port}"),
        format!("(local),{port}"),
        // A port says more than an instance, which then needs no browser service.
        format!(r".\SHOP,{port}"),
    ] {
        let connection = format!("  host: '{host}'\n  encrypt: off\n");
        job(&connection, &database.name, &target, "").ends(&["check"], 0);
    }
    let connection = "  host: '(localdb)\\MSSQLLocalDB'\n  encrypt: off\n";
    let answer = job(connection, &database.name, &target, "").run(&["check"]);
    assert_eq!(answer.code, Some(2));
    answer.says(&["source.host: LocalDB"]);
}
