//! The tokens of a response other than rows (MS-TDS 2.2.7).

use crate::types::SqlError;

/// `@@SERVERNAME` as messages carry it.
pub(crate) const SERVER_NAME: &str = "STANDIN";

/// DONE, DONEPROC and DONEINPROC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DoneKind {
    Batch,
    Procedure,
    InProcedure,
}

/// Status bits of DONE (MS-TDS 2.2.7.6).
pub(crate) mod done {
    pub(crate) const MORE: u16 = 0x0001;
    pub(crate) const ERROR: u16 = 0x0002;
    pub(crate) const COUNT: u16 = 0x0010;
    pub(crate) const ATTENTION: u16 = 0x0020;
}

/// ENVCHANGE types (MS-TDS 2.2.7.9).
pub(crate) mod env {
    pub(crate) const DATABASE: u8 = 1;
    pub(crate) const LANGUAGE: u8 = 2;
    pub(crate) const PACKET_SIZE: u8 = 4;
    pub(crate) const COLLATION: u8 = 7;
    pub(crate) const BEGIN_TRANSACTION: u8 = 8;
    pub(crate) const COMMIT_TRANSACTION: u8 = 9;
    pub(crate) const ROLLBACK_TRANSACTION: u8 = 10;
    pub(crate) const RESET_CONNECTION: u8 = 18;
}

pub(crate) fn push_done(kind: DoneKind, status: u16, command: u16, count: u64, out: &mut Vec<u8>) {
    out.push(match kind {
        DoneKind::Batch => 0xFD,
        DoneKind::Procedure => 0xFE,
        DoneKind::InProcedure => 0xFF,
    });
    out.extend_from_slice(&status.to_le_bytes());
    out.extend_from_slice(&command.to_le_bytes());
    out.extend_from_slice(&count.to_le_bytes());
}

/// ERROR from class 11 on, INFO below.
pub(crate) fn message(message: &SqlError, out: &mut Vec<u8>) {
    let token = if message.class > 10 { 0xAA } else { 0xAB };
    with_length(token, out, |out| {
        out.extend_from_slice(&message.number.to_le_bytes());
        out.push(message.state);
        out.push(message.class);
        // 4000 characters keep the token below its two-byte length; SQL Server cuts at 2047.
        let text: Vec<u16> = message.message.encode_utf16().take(4000).collect();
        out.extend_from_slice(&(text.len() as u16).to_le_bytes());
        out.extend(text.iter().flat_map(|unit| unit.to_le_bytes()));
        b_varchar(SERVER_NAME, out);
        b_varchar("", out);
        out.extend_from_slice(&message.line.to_le_bytes());
    });
}

/// ENVCHANGE with text values.
pub(crate) fn env_text(kind: u8, new: &str, old: &str, out: &mut Vec<u8>) {
    with_length(0xE3, out, |out| {
        out.push(kind);
        b_varchar(new, out);
        b_varchar(old, out);
    });
}

/// ENVCHANGE with binary values.
pub(crate) fn env_bytes(kind: u8, new: &[u8], old: &[u8], out: &mut Vec<u8>) {
    with_length(0xE3, out, |out| {
        out.push(kind);
        for value in [new, old] {
            out.push(value.len() as u8);
            out.extend_from_slice(value);
        }
    });
}

/// LOGINACK. `tds_version` as it stands in LOGIN7; it goes back in network order.
pub(crate) fn login_ack(tds_version: u32, server_version: [u8; 4], out: &mut Vec<u8>) {
    with_length(0xAD, out, |out| {
        // SQL_TSQL
        out.push(1);
        out.extend_from_slice(&tds_version.to_be_bytes());
        // SQL Server pads its name with two NUL characters (MS-TDS 4.4).
        b_varchar("Microsoft SQL Server\0\0", out);
        out.extend_from_slice(&server_version);
    });
}

/// SSPI: the server's token of a Windows login (MS-TDS 2.2.7.22).
pub(crate) fn sspi(token: &[u8], out: &mut Vec<u8>) {
    out.push(0xED);
    out.extend_from_slice(&(token.len() as u16).to_le_bytes());
    out.extend_from_slice(token);
}

/// FEATUREEXTACK with the acknowledged features (MS-TDS 2.2.7.11).
pub(crate) fn feature_ext_ack(features: &[(u8, &[u8])], out: &mut Vec<u8>) {
    out.push(0xAE);
    for (feature, data) in features {
        out.push(*feature);
        out.extend_from_slice(&(data.len() as u32).to_le_bytes());
        out.extend_from_slice(data);
    }
    out.push(0xFF);
}

pub(crate) fn return_status(status: i32, out: &mut Vec<u8>) {
    out.push(0x79);
    out.extend_from_slice(&status.to_le_bytes());
}

/// RETURNVALUE of an `int` output parameter (MS-TDS 2.2.7.18).
pub(crate) fn return_int(ordinal: u16, name: &str, value: i32, out: &mut Vec<u8>) {
    out.push(0xAC);
    out.extend_from_slice(&ordinal.to_le_bytes());
    b_varchar(name, out);
    // Status 1 (output parameter), UserType, Flags, INTN(4).
    out.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0x26, 4, 4]);
    out.extend_from_slice(&value.to_le_bytes());
}

fn with_length(token: u8, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(&[token, 0, 0]);
    let start = out.len();
    body(out);
    let length = (out.len() - start) as u16;
    out[start - 2..start].copy_from_slice(&length.to_le_bytes());
}

fn b_varchar(text: &str, out: &mut Vec<u8>) {
    let units: Vec<u16> = text.encode_utf16().take(255).collect();
    out.push(units.len() as u8);
    out.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::prelogin::VERSION;

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace()
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect()
    }

    #[test]
    fn database_change_is_the_one_of_the_specification() {
        let mut out = Vec::new();
        env_text(env::DATABASE, "master", "master", &mut out);
        // MS-TDS 4.4
        let expected = hex(
            "E3 1B 00 01 06 6D 00 61 00 73 00 74 00 65 00 72 00 06 6D 00 61 00 73 00 74 00 65 00 72 00",
        );
        assert_eq!(out, expected);
    }

    #[test]
    fn collation_change_is_the_one_of_the_specification() {
        let mut out = Vec::new();
        env_bytes(
            env::COLLATION,
            &[0x09, 0x04, 0xD0, 0x00, 0x34],
            &[],
            &mut out,
        );
        assert_eq!(out, hex("E3 08 00 07 05 09 04 D0 00 34 00"));
    }

    #[test]
    fn login_ack_is_the_one_of_the_specification_but_for_the_version() {
        let mut out = Vec::new();
        login_ack(0x7209_0002, VERSION, &mut out);
        let expected = hex(
            "AD 36 00 01 72 09 00 02 16 4D 00 69 00 63 00 72 00 6F 00 73 00 6F 00 66 00 74 00 20 00 53 00 51 00 4C 00 \
             20 00 53 00 65 00 72 00 76 00 65 00 72 00 00 00 00 00",
        );
        assert_eq!(out[..out.len() - 4], expected);
        assert_eq!(out[out.len() - 4..], VERSION);
    }

    #[test]
    fn procedure_ends_as_in_the_specification() {
        let mut out = Vec::new();
        push_done(
            DoneKind::InProcedure,
            done::MORE | done::COUNT,
            0xC1,
            1,
            &mut out,
        );
        return_status(0, &mut out);
        push_done(DoneKind::Procedure, 0, 0xE0, 0, &mut out);
        // MS-TDS 4.9
        let expected = hex(
            "FF 11 00 C1 00 01 00 00 00 00 00 00 00 79 00 00 00 00 FE 00 00 E0 00 00 00 00 00 00 00 00 00",
        );
        assert_eq!(out, expected);
    }
}
