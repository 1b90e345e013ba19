//! Microsoft's driver, mssql-tds: rows to values, whose text stays UTF-16 unless it is asked for.

use std::hint::black_box;

use migrate::config::job::Source;
use mssql_tds::connection::client_context::ClientContext;
use mssql_tds::connection::tds_client::ResultSet;
use mssql_tds::connection_provider::tds_connection_provider::TdsConnectionProvider;
use mssql_tds::core::EncryptionSetting;
use mssql_tds::datatypes::column_values::ColumnValues;

use crate::{PACKET, Read, cpu};

/// The statement's rows, and what reading them took; with `utf8`, their text as `String`s.
pub async fn read(source: &Source, sql: &str, utf8: bool) -> Read {
    let address = format!("tcp:{},{}", source.host, source.port.unwrap_or(1433));
    let mut context = ClientContext::with_data_source(&address);
    context.user_name = source.user.clone();
    context.password = source.password.expose().to_owned();
    context.database = source.database.clone();
    context.packet_size = PACKET;
    context.encryption_options.mode = EncryptionSetting::PreferOff;
    context.encryption_options.trust_server_certificate = true;
    let provider = TdsConnectionProvider::new();
    let mut client = provider.create_client(context, &address, None).await?;
    if client.is_encrypted() {
        return Err("the server insists on TLS, which the other drivers do without here".into());
    }
    let before = cpu()?;
    client.execute(sql.to_owned(), ()).await?;
    let mut rows = 0;
    while let Some(row) = client.next_row().await? {
        rows += 1;
        if utf8 {
            decode(&row);
        }
        drop(black_box(row));
    }
    let spent = cpu()? - before;
    client.close_query().await?;
    client.close_connection().await?;
    Ok((rows, spent))
}

fn decode(row: &[ColumnValues]) {
    for value in row {
        if let ColumnValues::String(text) = value {
            drop(black_box(text.to_utf8_string()));
        }
    }
}
