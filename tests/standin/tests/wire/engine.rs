//! The engine behind the wire: what only the two together can show.

use standin::engine::{Engine, Options};
use standin::server::{Server, ServerOptions};

use crate::client::{Client, Login, Token};
use crate::script::PASSWORD;

#[test]
fn a_client_reads_what_it_wrote_and_its_session_carries_one_number() {
    let logins = vec![("sa".to_owned(), PASSWORD.to_owned())];
    let engine = Engine::new(Options {
        logins,
        ..Options::default()
    });
    let server = Server::with_engine(ServerOptions::default(), &engine).unwrap();
    let (mut client, _) = Client::login(server.address(), &Login::default()).unwrap();
    let script = "CREATE TABLE dbo.t (n int NOT NULL PRIMARY KEY, t nvarchar(20) NULL); \
                  INSERT INTO dbo.t VALUES (2, NULL), (1, N'x')";
    client.batch(script).unwrap();
    let tokens = client.batch("SELECT n, t FROM dbo.t ORDER BY n").unwrap();
    assert_eq!(tokens[..3], [Token::Columns, Token::Row(1), Token::Row(2)]);
    let spid = server.connections()[0].session_id;
    let errors = client.batch(&format!("IF @@SPID <> {spid} RAISERROR('another', 16, 1)"));
    assert!(
        !errors
            .unwrap()
            .iter()
            .any(|token| matches!(token, Token::Error(_)))
    );
}
