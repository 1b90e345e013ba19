//! NTLMv2, the server's side (MS-NLMP 3.2).

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;

use crate::types::SqlError;
use crate::wire::cursor::utf16;
use crate::wire::doors::{Domain, untrusted};

const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// NTLMSSP_NEGOTIATE_: UNICODE, NTLM, ALWAYS_SIGN, EXTENDED_SESSIONSECURITY, TARGET_INFO, 128, 56; and
/// NTLMSSP_REQUEST_TARGET with NTLMSSP_TARGET_TYPE_DOMAIN (MS-NLMP 2.2.2.5).
const FLAGS: u32 = 0x0000_0001
    | 0x0000_0004
    | 0x0000_0200
    | 0x0000_8000
    | 0x0001_0000
    | 0x0008_0000
    | 0x0080_0000
    | 0x2000_0000
    | 0x8000_0000;
const AV_FLAGS: u16 = 6;
const MIC_AT: usize = 72;
/// 100 ns from 1601 to 1970.
const SINCE_1601: u128 = 116_444_736_000_000_000;

/// Whether a client's first token is NTLM's NEGOTIATE.
pub(crate) fn is_negotiate(token: &[u8]) -> bool {
    token.starts_with(SIGNATURE) && token.get(8) == Some(&1)
}

/// The CHALLENGE message.
pub(crate) fn challenge(domain: &Domain) -> Vec<u8> {
    let name = units(&domain.name);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = since_1970.unwrap_or_default().as_nanos() / 100 + SINCE_1601;
    let mut info = Vec::new();
    let time = (time as u64).to_le_bytes();
    let pairs: [(u16, &[u8]); 4] = [(2, &name), (1, &units("STANDIN")), (7, &time), (0, &[])];
    for (id, value) in pairs {
        info.extend_from_slice(&id.to_le_bytes());
        info.extend_from_slice(&(value.len() as u16).to_le_bytes());
        info.extend_from_slice(value);
    }
    let mut message = vec![0; 56];
    message[..8].copy_from_slice(SIGNATURE);
    message[8] = 2;
    let mut field = |at: usize, bytes: &[u8]| {
        let (length, offset) = ((bytes.len() as u16).to_le_bytes(), message.len() as u32);
        message[at..at + 2].copy_from_slice(&length);
        message[at + 2..at + 4].copy_from_slice(&length);
        message[at + 4..at + 8].copy_from_slice(&offset.to_le_bytes());
        message.extend_from_slice(bytes);
    };
    field(12, &name);
    field(40, &info);
    message[20..24].copy_from_slice(&FLAGS.to_le_bytes());
    let random = RandomState::new().hash_one(());
    message[24..32].copy_from_slice(&random.to_le_bytes());
    message
}

/// Checks the AUTHENTICATE message; gives the account's name.
///
/// # Errors
/// 18452 for another domain, or what is no NTLMv2; 18456 for a wrong password.
pub(crate) fn accept(
    domain: &Domain,
    negotiate: &[u8],
    challenge: &[u8],
    message: &[u8],
) -> Result<String, SqlError> {
    let proof = Proof::parse(message).ok_or_else(untrusted)?;
    let theirs = proof.domain.split('.').next().unwrap_or_default();
    if !theirs.eq_ignore_ascii_case(&domain.name) {
        return Err(untrusted());
    }
    let name = format!("{}\\{}", domain.name, proof.user);
    let mut accounts = domain.accounts.iter();
    let account = accounts.find(|(user, _)| user.eq_ignore_ascii_case(&proof.user));
    let Some((_, password)) = account else {
        return Err(refused(&name));
    };
    let key = hmac_md5(
        &Md4::digest(units(password)),
        &[&units(&(upper(&proof.user) + &proof.domain))],
    );
    let (shown, proved) = proof.response.split_at(16);
    if hmac_md5(&key, &[&challenge[24..32], proved]) != shown {
        return Err(refused(&name));
    }
    if promises_code(proved) {
        let session_key = hmac_md5(&key, &[shown]);
        let mut blank = message.to_vec();
        let code = message.get(MIC_AT..MIC_AT + 16).ok_or_else(untrusted)?;
        blank[MIC_AT..MIC_AT + 16].fill(0);
        if hmac_md5(&session_key, &[negotiate, challenge, &blank]) != code {
            return Err(untrusted());
        }
    }
    Ok(name)
}

/// What AUTHENTICATE says.
struct Proof {
    domain: String,
    user: String,
    /// NTProofStr and what it proves.
    response: Vec<u8>,
}

impl Proof {
    fn parse(message: &[u8]) -> Option<Self> {
        if !message.starts_with(SIGNATURE) || message.get(8) != Some(&3) {
            return None;
        }
        let field = |at: usize| {
            let head = message.get(at..at + 8)?;
            let length = usize::from(u16::from_le_bytes([head[0], head[1]]));
            let offset = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
            message.get(offset..offset.checked_add(length)?)
        };
        let response = field(20)?.to_vec();
        // An NTLMv1 response has 24 bytes.
        (response.len() > 24 + 28).then_some(())?;
        Some(Self {
            domain: utf16(field(28)?),
            user: utf16(field(36)?),
            response,
        })
    }
}

/// Whether MsvAvFlags announces an integrity code (MS-NLMP 2.2.2.1).
fn promises_code(proved: &[u8]) -> bool {
    let mut rest = proved.get(28..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<4>() {
        let id = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let Some(value) = after.get(..length) else {
            return false;
        };
        match id {
            0 => return false,
            AV_FLAGS => return value.first().is_some_and(|byte| byte & 2 != 0),
            _ => rest = &after[length..],
        }
    }
    false
}

fn refused(name: &str) -> SqlError {
    SqlError {
        number: 18456,
        class: 14,
        state: 1,
        message: format!("Login failed for user '{name}'."),
        line: 1,
    }
}

/// As Windows: one UTF-16 unit becomes one, so that a sharp s stays.
fn upper(text: &str) -> String {
    let one = |letter: char| {
        let mut upper = letter.to_uppercase();
        upper
            .next()
            .filter(|_| upper.next().is_none())
            .unwrap_or(letter)
    };
    text.chars().map(one).collect()
}

fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut code = <Hmac<Md5> as KeyInit>::new_from_slice(key).expect("HMAC takes any key");
    for part in parts {
        code.update(part);
    }
    code.finalize().into_bytes().to_vec()
}

fn units(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
