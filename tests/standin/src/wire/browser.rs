//! The SQL Server Browser: tells over UDP which port a named instance listens on (MC-SQLR).

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};

/// Requests (MC-SQLR 2.2.1 to 2.2.3).
const BROADCAST: u8 = 0x02;
const UNICAST: u8 = 0x03;
const INSTANCE: u8 = 0x04;
/// Answer (MC-SQLR 2.2.5).
const RESPONSE: u8 = 0x05;

/// The one instance that this browser knows.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) server: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) port: u16,
}

/// Answers until `stop` is set; the socket's read time-out says how often that is looked at.
pub(crate) fn serve(socket: &UdpSocket, instance: &Instance, stop: &AtomicBool) {
    let mut request = [0; 1024];
    while !stop.load(Ordering::SeqCst) {
        // Time-outs, and errors that an earlier answer to a closed port left behind.
        let Ok((length, client)) = socket.recv_from(&mut request) else {
            continue;
        };
        if let Some(answer) = answer(&request[..length], instance) {
            // A lost datagram is the client's to repeat.
            socket.send_to(&answer, client).ok();
        }
    }
}

/// `None`: silence, as for an instance that is not there.
fn answer(request: &[u8], instance: &Instance) -> Option<Vec<u8>> {
    match request {
        [BROADCAST | UNICAST, ..] => {}
        [INSTANCE, name @ ..] => {
            let name = name.split(|byte| *byte == 0).next()?;
            if !name.eq_ignore_ascii_case(instance.name.as_bytes()) {
                return None;
            }
        }
        _ => return None,
    }
    let Instance {
        server,
        name,
        version,
        port,
    } = instance;
    let text = format!(
        "ServerName;{server};InstanceName;{name};IsClustered;No;Version;{version};tcp;{port};;"
    );
    let length = u16::try_from(text.len()).ok()?.to_le_bytes();
    Some([&[RESPONSE], length.as_slice(), text.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_as_in_the_specification() {
        // MC-SQLR 4.2
        let instance = Instance {
            server: "ILSUNG1".to_owned(),
            name: "YUKONSTD".to_owned(),
            version: "9.00.1399.06".to_owned(),
            port: 57137,
        };
        let expected = b"\x05\x58\x00ServerName;ILSUNG1;InstanceName;YUKONSTD;IsClustered;No;Version;9.00.1399.06;tcp;57137;;";
        assert_eq!(
            answer(b"\x04YUKONSTD\0", &instance).as_deref(),
            Some(expected.as_slice())
        );
        assert_eq!(
            answer(b"\x04yukonstd\0", &instance).as_deref(),
            Some(expected.as_slice())
        );
        assert_eq!(answer(b"\x04OTHER\0", &instance), None);
        assert_eq!(answer(b"\x0f\x01YUKONSTD\0", &instance), None);
    }
}
