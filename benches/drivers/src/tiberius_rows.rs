//! tiberius: rows to values, text to UTF-8.

use std::hint::black_box;

use futures::TryStreamExt;
use migrate::config::job::Source;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, QueryItem};
use tokio::net::TcpStream;
use tokio_util::compat::TokioAsyncWriteCompatExt;

use crate::{PACKET, Read, cpu};

/// The statement's rows, and what reading them took.
pub async fn read(source: &Source, sql: &str) -> Read {
    let mut config = Config::new();
    config.authentication(AuthMethod::sql_server(
        &source.user,
        source.password.expose(),
    ));
    config.encryption(EncryptionLevel::NotSupported);
    config.database(&source.database);
    config.packet_size(PACKET.into());
    let socket = TcpStream::connect((&*source.host, source.port.unwrap_or(1433))).await?;
    socket.set_nodelay(true)?;
    let mut client = Client::connect(config, socket.compat_write()).await?;
    let before = cpu()?;
    let mut stream = client.simple_query(sql).await?;
    let mut rows = 0;
    while let Some(item) = stream.try_next().await? {
        if let QueryItem::Row(row) = item {
            rows += 1;
            drop(black_box(row));
        }
    }
    drop(stream);
    let spent = cpu()? - before;
    client.close().await?;
    Ok((rows, spent))
}
