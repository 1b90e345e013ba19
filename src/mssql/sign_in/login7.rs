//! The login request (MS-TDS 2.2.6.4).
//!
//! The driver's own never reaches the server: it has no place for a ticket, and would keep a copy of the
//! password.

use zeroize::Zeroizing;

/// TDS 7.4, the newest that LOGIN7 names before TDS 8.
const TDS_7_4: u32 = 0x7400_0004;
/// Bytes of the fixed part, which ends with the table of offsets.
const FIXED: usize = 94;
/// `fUseDB` and `fDatabase`: a database that cannot be opened fails the login.
const FLAGS_1: u8 = 0x20 | 0x40;
/// `fLanguage` and `fODBC`: the session begins with the settings of the ANSI standard.
const FLAGS_2: u8 = 0x01 | 0x02;
const INTEGRATED_SECURITY: u8 = 0x80;
const READ_ONLY_INTENT: u8 = 0x20;
const UNKNOWN_COLLATIONS: u8 = 0x08;
const EXTENSION: u8 = 0x10;
/// The longest text of the request, in UTF-16 units.
const LONGEST_TEXT: usize = 128;
/// FEDAUTH of the feature extension, and the end of its list.
const FEDERATED: u8 = 0x02;
const LAST_FEATURE: u8 = 0xff;
/// `bFedAuthLibrary`: a security token, in the seven upper bits of the options.
const SECURITY_TOKEN: u8 = 0x01 << 1;

/// Who logs in, and where.
pub(super) struct Login7<'a> {
    /// Bytes that the client would like packets to have.
    pub(super) packet_size: u32,
    /// The client's machine, as the server lists it (`sys.dm_exec_sessions.host_name`).
    pub(super) client: &'a str,
    pub(super) program: &'a str,
    pub(super) server: &'a str,
    pub(super) database: &'a str,
    pub(super) read_only: bool,
    pub(super) proof: Proof<'a>,
}

/// What shows who the client is.
pub(super) enum Proof<'a> {
    Password {
        user: &'a str,
        password: &'a str,
    },
    /// The first token of an SSPI exchange.
    Integrated(&'a [u8]),
    /// An access token. `required` and `nonce` are from the server's PRELOGIN.
    Token {
        token: &'a str,
        required: bool,
        nonce: Option<[u8; 32]>,
    },
}

impl Login7<'_> {
    /// The payload of the request. Its bytes are overwritten when it is dropped.
    pub(super) fn payload(&self) -> Zeroizing<Vec<u8>> {
        let (user, password) = match self.proof {
            Proof::Password { user, password } => (user, obfuscated(password)),
            Proof::Integrated(_) | Proof::Token { .. } => ("", Zeroizing::default()),
        };
        let ticket = match self.proof {
            Proof::Integrated(ticket) => ticket,
            Proof::Password { .. } | Proof::Token { .. } => &[],
        };
        let features = self.features();
        // Never grown: a copy that is left behind would hold the password.
        let room =
            FIXED + 7 * 2 * LONGEST_TEXT + password.len() + ticket.len() + features.len() + 4;
        let mut data = Zeroizing::new(Vec::with_capacity(room));
        data.resize(FIXED, 0);
        data[4..8].copy_from_slice(&TDS_7_4.to_le_bytes());
        data[8..12].copy_from_slice(&self.packet_size.to_le_bytes());
        data[24] = FLAGS_1;
        data[25] = FLAGS_2;
        data[26] = if self.read_only { READ_ONLY_INTENT } else { 0 };
        data[27] = UNKNOWN_COLLATIONS;
        let entry = |data: &mut Vec<u8>, at: usize, bytes: &[u8], width: usize| {
            let offset = data.len() as u16;
            data[at..at + 2].copy_from_slice(&offset.to_le_bytes());
            let count = u16::try_from(bytes.len() / width).unwrap_or(u16::MAX);
            data[at + 2..at + 4].copy_from_slice(&count.to_le_bytes());
            data.extend_from_slice(bytes);
        };
        entry(&mut data, 36, &utf16(self.client), 2);
        entry(&mut data, 40, &utf16(user), 2);
        entry(&mut data, 44, &password, 2);
        entry(&mut data, 48, &utf16(self.program), 2);
        entry(&mut data, 52, &utf16(self.server), 2);
        // The features' place is known once everything before them is written.
        let extension = data.len();
        if !features.is_empty() {
            entry(&mut data, 56, &[0; 4], 1);
            data[27] |= EXTENSION;
        }
        entry(&mut data, 60, &[], 2);
        entry(&mut data, 64, &[], 2);
        entry(&mut data, 68, &utf16(self.database), 2);
        // 72 to 77: the client's network address, which nobody needs.
        if !ticket.is_empty() {
            data[25] |= INTEGRATED_SECURITY;
            // cbSSPILong counts where 16 bits do not.
            if ticket.len() >= usize::from(u16::MAX) {
                data[90..94].copy_from_slice(&(ticket.len() as u32).to_le_bytes());
            }
        }
        entry(&mut data, 82, &[], 2);
        entry(&mut data, 86, &[], 2);
        // Last, because it may be longer than what 16 bits can point behind.
        entry(&mut data, 78, ticket, 1);
        if !features.is_empty() {
            let place = (data.len() as u32).to_le_bytes();
            data[extension..extension + 4].copy_from_slice(&place);
            data.extend_from_slice(&features);
        }
        let length = data.len() as u32;
        data[..4].copy_from_slice(&length.to_le_bytes());
        data
    }

    /// The feature extension: an access token, if there is one.
    fn features(&self) -> Zeroizing<Vec<u8>> {
        let Proof::Token {
            token,
            required,
            nonce,
        } = self.proof
        else {
            return Zeroizing::default();
        };
        let token = utf16(token);
        let nonce = nonce.as_ref().map_or(&[][..], |nonce| nonce);
        let mut features = Zeroizing::new(Vec::with_capacity(token.len() + 64));
        features.push(FEDERATED);
        let length = 1 + 4 + token.len() + nonce.len();
        features.extend_from_slice(&(length as u32).to_le_bytes());
        features.push(SECURITY_TOKEN | u8::from(required));
        features.extend_from_slice(&(token.len() as u32).to_le_bytes());
        features.extend_from_slice(&token);
        features.extend_from_slice(nonce);
        features.push(LAST_FEATURE);
        features
    }
}

/// A text as TDS and NTLM have it. Never grown: a copy that is left behind would hold the password.
pub(super) fn utf16(text: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 2));
    for unit in text.encode_utf16() {
        bytes.extend_from_slice(&unit.to_le_bytes());
    }
    bytes
}

/// Each byte's halves change places, and are XORed with 0xA5. It hides nothing: TLS does.
fn obfuscated(password: &str) -> Zeroizing<Vec<u8>> {
    let mut bytes = utf16(password);
    for byte in bytes.iter_mut() {
        *byte = byte.rotate_left(4) ^ 0xa5;
    }
    bytes
}

/// Whether a text is one that the request can carry.
pub(super) fn fits(text: &str) -> bool {
    text.encode_utf16().count() <= LONGEST_TEXT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(proof: Proof<'_>) -> Vec<u8> {
        let login = Login7 {
            packet_size: 4096,
            client: "skostov1",
            program: "OSQL-32",
            server: "",
            database: "",
            read_only: false,
            proof,
        };
        login.payload().to_vec()
    }

    /// MS-TDS 4.2 for a login of version 7.2: texts and their places are the same, and what a client
    /// chooses (version, flags, time zone, client library) is this client's.
    #[test]
    fn texts_are_where_the_example_of_the_specification_has_them() {
        let sent = login(Proof::Password {
            user: "sa",
            password: "",
        });
        let texts = [
            (36, "skostov1", 0x5E),
            (40, "sa", 0x6E),
            (48, "OSQL-32", 0x72),
        ];
        for (at, text, place) in texts {
            let half = |at: usize| usize::from(u16::from_le_bytes([sent[at], sent[at + 1]]));
            assert_eq!((half(at), half(at + 2)), (place, text.len()), "{text}");
            assert_eq!(sent[place..place + text.len() * 2], utf16(text)[..]);
        }
        assert_eq!(sent[..4], (sent.len() as u32).to_le_bytes());
    }

    /// MS-TDS 2.2.6.4: 'a' is 0x61, its halves swapped 0x16, XOR 0xA5 gives 0xB3.
    #[test]
    fn a_password_is_obfuscated() {
        assert_eq!(obfuscated("a")[..], [0xb3, 0xa5]);
    }

    /// MS-TDS 2.2.6.4: `FeatureExt`, FEDAUTH with a security token and the server's nonce.
    #[test]
    fn a_token_is_the_last_part_of_the_request_and_its_place_is_named_by_the_extension() {
        let nonce = [9; 32];
        let sent = login(Proof::Token {
            token: "ab",
            required: true,
            nonce: Some(nonce),
        });
        let entry = usize::from(u16::from_le_bytes([sent[56], sent[57]]));
        let place = u32::from_le_bytes(sent[entry..entry + 4].try_into().unwrap()) as usize;
        let mut expected = vec![2, 41, 0, 0, 0, 3, 4, 0, 0, 0, b'a', 0, b'b', 0];
        expected.extend_from_slice(&nonce);
        expected.push(0xff);
        assert_eq!(sent[place..], expected);
        assert_eq!(
            (sent[27] & EXTENSION, sent[25] & INTEGRATED_SECURITY),
            (EXTENSION, 0)
        );
    }

    #[test]
    fn a_ticket_of_any_size_is_counted() {
        for size in [1, 65_534, 65_535, 70_000] {
            let ticket = vec![7; size];
            let sent = login(Proof::Integrated(&ticket));
            let short = usize::from(u16::from_le_bytes([sent[80], sent[81]]));
            let long = u32::from_le_bytes(sent[90..94].try_into().unwrap()) as usize;
            assert_eq!(if short == 65_535 { long } else { short }, size);
            let place = usize::from(u16::from_le_bytes([sent[78], sent[79]]));
            assert_eq!(sent[place..place + size], ticket[..]);
            assert_eq!(sent[25] & INTEGRATED_SECURITY, INTEGRATED_SECURITY);
        }
    }
}
