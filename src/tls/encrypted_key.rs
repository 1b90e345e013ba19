//! Private keys that a passphrase encrypts: PKCS #8 with PBES2, as OpenSSL writes them (`BEGIN ENCRYPTED PRIVATE KEY`).
//!
//! RFC 5958, section 3, and RFC 8018, appendix A: PBKDF2 with HMAC-SHA, AES-CBC. rustls reads no encrypted keys.

use std::num::NonZeroU32;

use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
use ring::pbkdf2;
use zeroize::Zeroizing;

use crate::tls::der::{self, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};

/// 1.2.840.113549.1.5.13 and .12 (RFC 8018, appendix C).
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
/// 1.2.840.113549.2, below which each HMAC has a number.
const DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
/// 2.16.840.1.101.3.4.1, below which each mode of AES has a number.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

/// OpenSSL takes 2048; more than this would be a file that is made to keep us busy.
const MOST_ITERATIONS: u32 = 10_000_000;
const BLOCK: usize = 16;

/// Why a key was not decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecrypted {
    #[error(
        "it is encrypted in another way than PBES2 with AES-CBC and HMAC-SHA: `openssl pkcs8 -topk8 -v2 aes-256-cbc` \
         writes it so"
    )]
    Unsupported,
    #[error("the passphrase does not fit")]
    Passphrase,
}

/// How a key is encrypted.
struct Parameters<'a> {
    prf: pbkdf2::Algorithm,
    salt: &'a [u8],
    iterations: NonZeroU32,
    /// Bytes of the AES key.
    key_length: usize,
    /// First block of the chain.
    vector: [u8; BLOCK],
}

/// The PKCS #8 key inside of an EncryptedPrivateKeyInfo.
///
/// # Errors
/// [`Undecrypted`].
pub fn decrypt(encrypted: &[u8], passphrase: &str) -> Result<Zeroizing<Vec<u8>>, Undecrypted> {
    let (parameters, data) = read(encrypted).ok_or(Undecrypted::Unsupported)?;
    let mut key = Zeroizing::new([0; 32]);
    let key = &mut key[..parameters.key_length];
    let passphrase = passphrase.as_bytes();
    pbkdf2::derive(
        parameters.prf,
        parameters.iterations,
        parameters.salt,
        passphrase,
        key,
    );
    let mut plain = Zeroizing::new(data.to_vec());
    match parameters.key_length {
        16 => unchain::<aes::Aes128>(key, parameters.vector, &mut plain),
        24 => unchain::<aes::Aes192>(key, parameters.vector, &mut plain),
        _ => unchain::<aes::Aes256>(key, parameters.vector, &mut plain),
    }
    .ok_or(Undecrypted::Unsupported)?;
    unpad(&mut plain).ok_or(Undecrypted::Passphrase)?;
    // A wrong passphrase leaves a right padding once in 256.
    match der::expect(SEQUENCE, &plain) {
        Some((_, [])) => Ok(plain),
        _ => Err(Undecrypted::Passphrase),
    }
}

/// EncryptedPrivateKeyInfo; `None` for anything else than PBES2 with PBKDF2 and AES-CBC.
fn read(encrypted: &[u8]) -> Option<(Parameters<'_>, &[u8])> {
    let (info, _) = der::expect(SEQUENCE, encrypted)?;
    let (algorithm, rest) = der::expect(SEQUENCE, info)?;
    let (data, _) = der::expect(OCTET_STRING, rest)?;
    let (scheme, rest) = der::expect(OBJECT_IDENTIFIER, algorithm)?;
    if scheme != PBES2 {
        return None;
    }
    let (parts, _) = der::expect(SEQUENCE, rest)?;
    let (derivation, rest) = der::expect(SEQUENCE, parts)?;
    let (cipher, _) = der::expect(SEQUENCE, rest)?;
    let (kind, rest) = der::expect(OBJECT_IDENTIFIER, derivation)?;
    if kind != PBKDF2 {
        return None;
    }
    let (derivation, _) = der::expect(SEQUENCE, rest)?;
    let (salt, rest) = der::expect(OCTET_STRING, derivation)?;
    let (iterations, rest) = der::expect(INTEGER, rest)?;
    // The length of the key may follow; the cipher says it too.
    let rest = der::expect(INTEGER, rest).map_or(rest, |(_, rest)| rest);
    let prf = match der::expect(SEQUENCE, rest) {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some((prf, _)) => prf_of(der::expect(OBJECT_IDENTIFIER, prf)?.0)?,
    };
    let (mode, rest) = der::expect(OBJECT_IDENTIFIER, cipher)?;
    // AES-128-CBC, AES-192-CBC, AES-256-CBC (NIST, Computer Security Objects Register).
    let key_length = match mode.strip_prefix(AES)? {
        [2] => 16,
        [22] => 24,
        [42] => 32,
        _ => return None,
    };
    let (vector, _) = der::expect(OCTET_STRING, rest)?;
    let parameters = Parameters {
        prf,
        salt,
        iterations: NonZeroU32::new(number(iterations)?)?,
        key_length,
        vector: vector.try_into().ok()?,
    };
    Some((parameters, data))
}

/// 7 and 9 to 11 below [`DIGEST`] (RFC 8018, appendix B.1).
fn prf_of(identifier: &[u8]) -> Option<pbkdf2::Algorithm> {
    match identifier.strip_prefix(DIGEST)? {
        [7] => Some(pbkdf2::PBKDF2_HMAC_SHA1),
        [9] => Some(pbkdf2::PBKDF2_HMAC_SHA256),
        [10] => Some(pbkdf2::PBKDF2_HMAC_SHA384),
        [11] => Some(pbkdf2::PBKDF2_HMAC_SHA512),
        _ => None,
    }
}

/// At most [`MOST_ITERATIONS`].
fn number(digits: &[u8]) -> Option<u32> {
    if digits.len() > 5 {
        return None;
    }
    let digits = digits.iter();
    let number = digits.fold(0_u64, |sum, digit| sum << 8 | u64::from(*digit));
    let number = u32::try_from(number).ok()?;
    (number <= MOST_ITERATIONS).then_some(number)
}

/// CBC: each block is decrypted and combined with the encrypted one before it. `None` if there are no whole blocks.
fn unchain<C: BlockCipherDecrypt + KeyInit>(
    key: &[u8],
    mut before: [u8; BLOCK],
    data: &mut [u8],
) -> Option<()> {
    let cipher = C::new_from_slice(key).ok()?;
    if data.is_empty() || !data.len().is_multiple_of(BLOCK) {
        return None;
    }
    for chunk in data.chunks_exact_mut(BLOCK) {
        let encrypted: [u8; BLOCK] = (&*chunk).try_into().ok()?;
        let mut block = Array::try_from(&encrypted[..]).ok()?;
        cipher.decrypt_block(&mut block);
        for (byte, (plain, mask)) in chunk.iter_mut().zip(block.iter().zip(before)) {
            *byte = plain ^ mask;
        }
        before = encrypted;
    }
    Some(())
}

/// Each byte of the padding is its length (RFC 8018, section 6.1.1).
fn unpad(data: &mut Vec<u8>) -> Option<()> {
    let last = *data.last()?;
    let length = usize::from(last);
    let start = data.len().checked_sub(length)?;
    if length == 0 || length > BLOCK || data[start..].iter().any(|byte| *byte != last) {
        return None;
    }
    data.truncate(start);
    Some(())
}
