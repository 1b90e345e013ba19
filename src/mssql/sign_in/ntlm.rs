//! NTLMv2, the client's side (MS-NLMP): for servers in a workgroup, or where Kerberos cannot be had.
//!
//! The password never goes over the network, but whoever records the exchange can guess it offline, so TLS
//! should hide it; Microsoft is retiring the protocol.

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};

use super::login7::utf16;

const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";
// NegotiateFlags of MS-NLMP 2.2.2.5.
const UNICODE: u32 = 0x0000_0001;
const REQUEST_TARGET: u32 = 0x0000_0004;
const NTLM: u32 = 0x0000_0200;
const ALWAYS_SIGN: u32 = 0x0000_8000;
const EXTENDED_SESSION_SECURITY: u32 = 0x0008_0000;
const TARGET_INFO: u32 = 0x0080_0000;
const KEY_128: u32 = 0x2000_0000;
const KEY_56: u32 = 0x8000_0000;
const OFFERED: u32 = UNICODE
    | REQUEST_TARGET
    | NTLM
    | ALWAYS_SIGN
    | EXTENDED_SESSION_SECURITY
    | TARGET_INFO
    | KEY_128
    | KEY_56;

// AvId of MS-NLMP 2.2.2.1.
const AV_END: u16 = 0;
const AV_FLAGS: u16 = 6;
const AV_TIMESTAMP: u16 = 7;
const AV_TARGET_NAME: u16 = 9;
/// The AUTHENTICATE message holds a message integrity code.
const AV_FLAG_MIC: u32 = 2;
/// Bytes before the payload of AUTHENTICATE: header, six fields, flags, version, MIC.
const FIXED: usize = 88;
const MIC_AT: usize = 72;
/// A CHALLENGE has some hundred bytes.
const LONGEST_CHALLENGE: usize = 16 * 1024;

/// A Windows account and its password.
pub(super) struct Account<'a> {
    /// Empty for an account of the server's own.
    pub(super) domain: &'a str,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
}

/// What differs from one login to the next.
pub(super) struct Fresh {
    /// Eight random bytes.
    pub(super) challenge: [u8; 8],
    /// 100 ns since 1601, used if the server names no time.
    pub(super) time: u64,
}

/// The first message: what the client can do.
pub(super) fn negotiate() -> Vec<u8> {
    let mut message = Vec::with_capacity(32);
    message.extend_from_slice(SIGNATURE);
    message.extend_from_slice(&1u32.to_le_bytes());
    message.extend_from_slice(&OFFERED.to_le_bytes());
    // Neither domain nor workstation, which the server knows.
    message.extend_from_slice(&[0; 16]);
    message
}

/// The last message: the proof that the client has the password. `service` is the SPN, so that another
/// service cannot use the proof.
///
/// # Errors
/// `SourceProtocol`: the challenge is not one of NTLMv2.
pub(super) fn authenticate(
    account: &Account<'_>,
    challenge: &[u8],
    service: &str,
    fresh: &Fresh,
) -> Result<Vec<u8>> {
    let parsed = Challenge::parse(challenge).ok_or_else(|| {
        Error::new(
            Kind::SourceProtocol,
            "the server's NTLM challenge is malformed",
        )
    })?;
    let info = parsed.answered_info(service);
    let time = parsed.time().unwrap_or(fresh.time);
    let key = response_key(account);
    let proof = nt_proof(&key, &parsed.challenge, fresh.challenge, time, &info);
    let session_key = hmac_md5(&key[..], &[&proof[..16]]);
    // With a time in the challenge the LM answer is 24 zeros (MS-NLMP 3.1.5.1.2).
    let mut lan_manager = [0; 24];
    if parsed.time().is_none() {
        let answer = hmac_md5(&key[..], &[&parsed.challenge, &fresh.challenge]);
        lan_manager[..16].copy_from_slice(&answer[..]);
        lan_manager[16..].copy_from_slice(&fresh.challenge);
    }
    let mut message = vec![0; FIXED];
    message[..8].copy_from_slice(SIGNATURE);
    message[8..12].copy_from_slice(&3u32.to_le_bytes());
    let mut field = |at: usize, bytes: &[u8]| {
        let (length, offset) = (bytes.len() as u16, message.len() as u32);
        message[at..at + 2].copy_from_slice(&length.to_le_bytes());
        message[at + 2..at + 4].copy_from_slice(&length.to_le_bytes());
        message[at + 4..at + 8].copy_from_slice(&offset.to_le_bytes());
        message.extend_from_slice(bytes);
    };
    field(28, &utf16(account.domain));
    field(36, &utf16(account.user));
    field(44, &[]);
    field(12, &lan_manager);
    field(20, &proof);
    field(52, &[]);
    message[60..64].copy_from_slice(&(OFFERED & parsed.flags).to_le_bytes());
    let code = hmac_md5(&session_key[..], &[&negotiate(), challenge, &message]);
    message[MIC_AT..MIC_AT + 16].copy_from_slice(&code[..]);
    Ok(message)
}

/// What the server's CHALLENGE says.
struct Challenge {
    flags: u32,
    challenge: [u8; 8],
    /// Pairs of an id and its value, in the server's order.
    info: Vec<(u16, Vec<u8>)>,
}

impl Challenge {
    fn parse(message: &[u8]) -> Option<Self> {
        if message.len() > LONGEST_CHALLENGE || message.get(..8)? != SIGNATURE {
            return None;
        }
        let word = |at: usize| {
            Some(u32::from_le_bytes(
                message.get(at..at + 4)?.try_into().ok()?,
            ))
        };
        if word(8)? != 2 {
            return None;
        }
        let (length, offset) = (word(40)? as u16, word(44)? as usize);
        let info = message.get(offset..offset.checked_add(usize::from(length))?)?;
        Some(Self {
            flags: word(20)?,
            challenge: message.get(24..32)?.try_into().ok()?,
            info: pairs(info)?,
        })
    }

    fn time(&self) -> Option<u64> {
        let found = self.info.iter().find(|(id, _)| *id == AV_TIMESTAMP)?;
        Some(u64::from_le_bytes(found.1[..].try_into().ok()?))
    }

    /// The server's pairs, with the service and the promise of an integrity code.
    fn answered_info(&self, service: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut push = |id: u16, value: &[u8]| {
            bytes.extend_from_slice(&id.to_le_bytes());
            bytes.extend_from_slice(&(value.len() as u16).to_le_bytes());
            bytes.extend_from_slice(value);
        };
        for (id, value) in &self.info {
            if !matches!(*id, AV_FLAGS | AV_TARGET_NAME) {
                push(*id, value);
            }
        }
        push(AV_FLAGS, &AV_FLAG_MIC.to_le_bytes());
        push(AV_TARGET_NAME, &utf16(service));
        push(AV_END, &[]);
        bytes
    }
}

/// `None` if the list does not end.
fn pairs(mut bytes: &[u8]) -> Option<Vec<(u16, Vec<u8>)>> {
    let mut found = Vec::new();
    loop {
        let (head, rest) = bytes.split_first_chunk::<4>()?;
        let id = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        if id == AV_END {
            return Some(found);
        }
        found.push((id, rest.get(..length)?.to_vec()));
        bytes = &rest[length..];
    }
}

/// NTOWFv2 (MS-NLMP 3.3.2).
fn response_key(account: &Account<'_>) -> Zeroizing<[u8; 16]> {
    let hash: [u8; 16] = Md4::digest(utf16(account.password)).into();
    let hash = Zeroizing::new(hash);
    let name = format!("{}{}", upper(account.user), account.domain);
    hmac_md5(&hash[..], &[&utf16(&name)])
}

/// Upper case as Windows has it: one UTF-16 unit for one, so that a sharp s stays, and a dotless i too.
fn upper(text: &str) -> String {
    let one = |letter: char| {
        let mut upper = letter.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(only), None) if !matches!(letter, '\u{131}' | '\u{17f}') => only,
            _ => letter,
        }
    };
    text.chars().map(one).collect()
}

/// NTProofStr, then what it proves (MS-NLMP 3.3.2).
fn nt_proof(key: &[u8; 16], server: &[u8; 8], client: [u8; 8], time: u64, info: &[u8]) -> Vec<u8> {
    let mut proved = vec![1, 1, 0, 0, 0, 0, 0, 0];
    proved.extend_from_slice(&time.to_le_bytes());
    proved.extend_from_slice(&client);
    proved.extend_from_slice(&[0; 4]);
    proved.extend_from_slice(info);
    proved.extend_from_slice(&[0; 4]);
    let mut proof = hmac_md5(key, &[server, &proved]).to_vec();
    proof.extend_from_slice(&proved);
    proof
}

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 16]> {
    // HMAC pads or hashes a key of any length.
    let mut code = <Hmac<Md5> as KeyInit>::new_from_slice(key).expect("HMAC takes any key");
    for part in parts {
        code.update(part);
    }
    Zeroizing::new(code.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The account and challenges of MS-NLMP 4.2.1.
    const ACCOUNT: Account<'static> = Account {
        domain: "Domain",
        user: "User",
        password: "Password",
    };
    const CLIENT: [u8; 8] = [0xaa; 8];
    const SERVER: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The pairs of MS-NLMP 4.2.4: MsvAvNbDomainName "Domain", MsvAvNbComputerName "Server".
    fn info() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (id, text) in [(2u16, "Domain"), (1, "Server")] {
            bytes.extend_from_slice(&id.to_le_bytes());
            bytes.extend_from_slice(&12u16.to_le_bytes());
            bytes.extend_from_slice(&utf16(text));
        }
        bytes.extend_from_slice(&[0; 4]);
        bytes
    }

    #[test]
    fn keys_and_proof_are_those_of_the_specification() {
        // MS-NLMP 4.2.4.1.1, 4.2.4.2.2 and 4.2.4.1.2.
        let key = response_key(&ACCOUNT);
        assert_eq!(hex(&key[..]), "0c868a403bfd7a93a3001ef22ef02e3f");
        let proof = nt_proof(&key, &SERVER, CLIENT, 0, &info());
        assert_eq!(hex(&proof[..16]), "68cd0ab851e51c96aabc927bebef6a1c");
        let session_key = hmac_md5(&key[..], &[&proof[..16]]);
        assert_eq!(hex(&session_key[..]), "8de40ccadbc14a82f15cb0ad0de95ca3");
        // The LM answer of 4.2.4.2.1.
        let answer = hmac_md5(&key[..], &[&SERVER, &CLIENT]);
        assert_eq!(hex(&answer[..]), "86c35097ac9cec102554764a57cccc19");
    }

    #[test]
    fn a_letter_without_an_upper_case_of_one_unit_stays() {
        assert_eq!(upper("wei\u{df}\u{e9}\u{131}"), "WEI\u{df}\u{c9}\u{131}");
    }

    fn challenge(info: &[u8]) -> Vec<u8> {
        let mut message = vec![0; 48];
        message[..8].copy_from_slice(SIGNATURE);
        message[8] = 2;
        message[20..24].copy_from_slice(&OFFERED.to_le_bytes());
        message[24..32].copy_from_slice(&SERVER);
        message[40..42].copy_from_slice(&(info.len() as u16).to_le_bytes());
        message[44] = 48;
        message.extend_from_slice(info);
        message
    }

    const FRESH: Fresh = Fresh {
        challenge: CLIENT,
        time: 5,
    };

    #[test]
    fn the_answer_holds_the_service_and_the_servers_time() {
        let mut with_time = vec![7, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        with_time.extend_from_slice(&info());
        let service = "MSSQLSvc/sql01:1433";
        let message = authenticate(&ACCOUNT, &challenge(&with_time), service, &FRESH).unwrap();
        let text = String::from_utf8_lossy(&message).replace('\0', "");
        assert!(text.contains(service), "{text}");
        let at = u32::from_le_bytes(message[24..28].try_into().unwrap()) as usize;
        assert_eq!(message[at + 24..at + 32], [1, 2, 3, 4, 5, 6, 7, 8]);
        // No LM answer where the server names a time.
        let at = u32::from_le_bytes(message[16..20].try_into().unwrap()) as usize;
        assert_eq!(message[at..at + 24], [0; 24]);
        assert_ne!(message[MIC_AT..MIC_AT + 16], [0; 16]);
    }

    #[test]
    fn what_is_no_challenge_is_an_error() {
        let whole = challenge(&info());
        for end in 0..whole.len() {
            assert!(
                authenticate(&ACCOUNT, &whole[..end], "s", &FRESH).is_err(),
                "{end}"
            );
        }
        for damage in [8, 44, 47, 40, 41, 50] {
            let mut message = whole.clone();
            message[damage] = 0xff;
            assert!(
                authenticate(&ACCOUNT, &message, "s", &FRESH).is_err(),
                "{damage}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_an_error(bytes: Vec<u8>) {
            let _ = authenticate(&ACCOUNT, &bytes, "s", &FRESH);
        }
    }
}
