//! LOGIN7: who logs in, to which database, with which features (MS-TDS 2.2.6.4).

use std::io;

use crate::wire::cursor::{Cursor, utf16};
use crate::wire::packet::invalid;

/// Bytes of the fixed part, offset table included.
const FIXED: usize = 94;

/// Feature ids of FEATUREEXT.
pub(crate) mod feature {
    pub(crate) const FED_AUTH: u8 = 0x02;
    pub(crate) const UTF8_SUPPORT: u8 = 0x0A;
    pub(crate) const TERMINATOR: u8 = 0xFF;
}

/// A login request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Login7 {
    /// Such as 0x74000004.
    pub(crate) tds_version: u32,
    /// As asked for; 0 is "the server's default".
    pub(crate) packet_size: u32,
    /// The client's machine and program, by its own account.
    pub(crate) host: String,
    pub(crate) program: String,
    pub(crate) user: String,
    pub(crate) password: String,
    /// Empty when the client leaves the choice to the server.
    pub(crate) database: String,
    /// SSPI: Windows authentication.
    pub(crate) integrated: bool,
    /// The first token of a Windows login.
    pub(crate) ticket: Vec<u8>,
    /// `None` without FEATUREEXT.
    pub(crate) features: Option<Features>,
}

impl Login7 {
    pub(crate) fn parse(payload: &[u8]) -> io::Result<Self> {
        let fixed = payload
            .get(..FIXED)
            .ok_or_else(|| invalid("LOGIN7 shorter than its fixed part"))?;
        let mut cursor = Cursor::new(fixed);
        let length = cursor.u32()? as usize;
        let payload = payload
            .get(..length)
            .ok_or_else(|| invalid("LOGIN7 shorter than it says"))?;
        let tds_version = cursor.u32()?;
        let packet_size = cursor.u32()?;
        let flags2 = fixed[25];
        let has_features = fixed[27] & 0x10 != 0;
        let features = if has_features {
            Some(features(payload, entry(fixed, 56))?)
        } else {
            None
        };
        let password = deobfuscate(data(payload, entry(fixed, 44), 2)?);
        Ok(Self {
            tds_version,
            packet_size,
            host: utf16(data(payload, entry(fixed, 36), 2)?),
            program: utf16(data(payload, entry(fixed, 48), 2)?),
            user: utf16(data(payload, entry(fixed, 40), 2)?),
            password: utf16(&password),
            database: utf16(data(payload, entry(fixed, 68), 2)?),
            integrated: flags2 & 0x80 != 0,
            ticket: ticket(payload, fixed)?.to_vec(),
            features,
        })
    }
}

/// Offset and count of the entry at `at` of the fixed part.
fn entry(fixed: &[u8], at: usize) -> (usize, usize) {
    let half = |at: usize| usize::from(u16::from_le_bytes([fixed[at], fixed[at + 1]]));
    (half(at), half(at + 2))
}

fn data(payload: &[u8], (offset, count): (usize, usize), width: usize) -> io::Result<&[u8]> {
    if count == 0 {
        return Ok(&[]);
    }
    payload
        .get(offset..offset + count * width)
        .ok_or_else(|| invalid("LOGIN7 field outside of the message"))
}

/// Each byte is rotated by four bits and XORed with 0xA5 (MS-TDS 2.2.6.4).
fn deobfuscate(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .map(|byte| (byte ^ 0xA5).rotate_left(4))
        .collect()
}

/// cbSSPI counts the token, unless it is 65,535: then cbSSPILong does.
fn ticket<'a>(payload: &'a [u8], fixed: &[u8]) -> io::Result<&'a [u8]> {
    let (offset, short) = entry(fixed, 78);
    let long = u32::from_le_bytes([fixed[90], fixed[91], fixed[92], fixed[93]]) as usize;
    let count = if short == usize::from(u16::MAX) && long > 0 {
        long
    } else {
        short
    };
    data(payload, (offset, count), 1)
}

/// Ids and data of the features that a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Features(Vec<(u8, Vec<u8>)>);

impl Features {
    pub(crate) fn has(&self, wanted: u8) -> bool {
        self.data(wanted).is_some()
    }

    pub(crate) fn data(&self, wanted: u8) -> Option<&[u8]> {
        let found = self.0.iter().find(|(id, _)| *id == wanted)?;
        Some(&found.1)
    }

    #[cfg(test)]
    pub(crate) fn without_data(ids: &[u8]) -> Self {
        Self(ids.iter().map(|id| (*id, Vec::new())).collect())
    }

    #[cfg(test)]
    pub(crate) fn drop_data(&mut self) {
        self.0.iter_mut().for_each(|(_, data)| data.clear());
    }
}

/// The extension entry points at the offset of the feature list.
fn features(payload: &[u8], extension: (usize, usize)) -> io::Result<Features> {
    let offset = data(payload, extension, 1)?;
    let offset = Cursor::new(offset).u32()? as usize;
    let list = payload
        .get(offset..)
        .ok_or_else(|| invalid("LOGIN7 features outside of the message"))?;
    let mut cursor = Cursor::new(list);
    let mut found = Vec::new();
    loop {
        match cursor.u8()? {
            feature::TERMINATOR => return Ok(Features(found)),
            id => {
                let length = cursor.u32()? as usize;
                found.push((id, cursor.take(length)?.to_vec()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MS-TDS 4.2, without the packet header.
    const EXAMPLE: [u8; 136] = [
        0x88, 0x00, 0x00, 0x00, 0x02, 0x00, 0x09, 0x72, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x07, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xE0, 0x03, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x09, 0x04, 0x00, 0x00, 0x5E, 0x00, 0x08, 0x00, 0x6E, 0x00, 0x02, 0x00, 0x72,
        0x00, 0x00, 0x00, 0x72, 0x00, 0x07, 0x00, 0x80, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00,
        0x80, 0x00, 0x04, 0x00, 0x88, 0x00, 0x00, 0x00, 0x88, 0x00, 0x00, 0x00, 0x00, 0x50, 0x8B,
        0xE2, 0xB7, 0x8F, 0x88, 0x00, 0x00, 0x00, 0x88, 0x00, 0x00, 0x00, 0x88, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x73, 0x00, 0x6B, 0x00, 0x6F, 0x00, 0x73, 0x00, 0x74, 0x00, 0x6F,
        0x00, 0x76, 0x00, 0x31, 0x00, 0x73, 0x00, 0x61, 0x00, 0x4F, 0x00, 0x53, 0x00, 0x51, 0x00,
        0x4C, 0x00, 0x2D, 0x00, 0x33, 0x00, 0x32, 0x00, 0x4F, 0x00, 0x44, 0x00, 0x42, 0x00, 0x43,
        0x00,
    ];

    #[test]
    fn parses_the_example_of_the_specification() {
        let login = Login7::parse(&EXAMPLE).unwrap();
        let expected = Login7 {
            tds_version: 0x7209_0002,
            packet_size: 4096,
            host: "skostov1".to_owned(),
            program: "OSQL-32".to_owned(),
            user: "sa".to_owned(),
            password: String::new(),
            database: String::new(),
            integrated: false,
            ticket: Vec::new(),
            features: None,
        };
        assert_eq!(login, expected);
    }

    #[test]
    fn every_cut_of_the_example_is_an_error() {
        for end in 0..EXAMPLE.len() {
            assert!(Login7::parse(&EXAMPLE[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn offsets_outside_are_errors() {
        for at in [40, 44, 68] {
            let mut bytes = EXAMPLE;
            bytes[at..at + 4].copy_from_slice(&[0xFF; 4]);
            assert!(Login7::parse(&bytes).is_err(), "entry at {at}");
        }
    }

    #[test]
    fn password_as_the_specification_obfuscates_it() {
        // 'a' is 0x61: halves swapped 0x16, XOR 0xA5 gives 0xB3; 0x00 gives 0xA5.
        assert_eq!(deobfuscate(&[0xB3, 0xA5]), [0x61, 0x00]);
    }
}
