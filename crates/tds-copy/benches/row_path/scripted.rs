//! A scripted server in memory that tiberius logs in to.

#![allow(dead_code, unreachable_pub)]

use std::time::Duration;

use tds_copy::tds::packet::{RESPONSE, frame_message};
use tiberius::{AuthMethod, Client, Config, EncryptionLevel};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use crate::wire::short_string;

/// PRELOGIN's answer: version 16.0.1000.0, encryption not supported (MS-TDS 2.2.6.5).
const PRELOGIN: [u8; 18] = [
    0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xFF, 16, 0, 0x03, 0xE8, 0, 0, 2,
];

fn login_ack() -> Vec<u8> {
    let mut body = vec![1, 0x74, 0, 0, 4];
    short_string(&mut body, "Microsoft SQL Server");
    body.extend_from_slice(&[16, 0, 0x03, 0xE8]);
    let mut bytes = vec![0xAD];
    bytes.extend_from_slice(&(body.len() as u16).to_le_bytes());
    bytes.extend(body);
    bytes.extend_from_slice(&[0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

async fn swallow_message(stream: &mut DuplexStream) {
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).await.unwrap();
        let length = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
        stream.read_exact(&mut vec![0; length]).await.unwrap();
        if header[1] & 1 != 0 {
            return;
        }
    }
}

async fn serve(mut stream: DuplexStream, payload: Vec<u8>, packet: usize) {
    for answer in [PRELOGIN.to_vec(), login_ack(), payload] {
        swallow_message(&mut stream).await;
        let mut bytes = Vec::new();
        frame_message(RESPONSE, &answer, packet, &mut bytes);
        stream.write_all(&bytes).await.unwrap();
    }
}

/// A client that is logged in to a server whose answer to the next statement is `payload`, in
/// packets of `packet` bytes.
pub async fn connect(
    payload: Vec<u8>,
    packet: usize,
) -> (Client<Compat<DuplexStream>>, JoinHandle<()>) {
    let (ours, theirs) = duplex(1 << 20);
    let server = tokio::spawn(serve(theirs, payload, packet));
    let mut config = Config::new();
    config.authentication(AuthMethod::sql_server("user", "password"));
    config.encryption(EncryptionLevel::NotSupported);
    config.command_timeout(Some(Duration::from_secs(300)));
    let client = Client::connect(config, ours.compat_write()).await.unwrap();
    (client, server)
}
