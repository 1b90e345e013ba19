//! Reads one message of the server, before the driver or a row stream does.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use tds_copy::tds::packet::{HEADER_LENGTH, Header, RESPONSE};

/// The payload of the server's next message, of at most `longest` bytes.
///
/// # Errors
/// `InvalidData`: it is longer, or not TDS. Otherwise what the stream says.
pub(super) async fn read_message<S: AsyncRead + Unpin>(
    stream: &mut S,
    longest: usize,
) -> io::Result<Vec<u8>> {
    let mut payload = Vec::new();
    loop {
        let mut header = [0; HEADER_LENGTH];
        stream.read_exact(&mut header).await?;
        let header = Header::parse(header).map_err(|_| not_tds())?;
        let start = payload.len();
        let end = start + usize::from(header.length) - HEADER_LENGTH;
        if header.kind != RESPONSE || end > longest {
            return Err(not_tds());
        }
        payload.resize(end, 0);
        stream.read_exact(&mut payload[start..]).await?;
        if header.is_last() {
            return Ok(payload);
        }
    }
}

fn not_tds() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is not TDS")
}
