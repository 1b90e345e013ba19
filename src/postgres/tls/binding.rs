//! Channel binding: the hash of the server's certificate that SCRAM mixes into the login.

use rustls::SupportedCipherSuite;
use rustls::crypto::ring::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384};

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// `tls-server-end-point` (RFC 5929, section 4.1) of a DER certificate: its hash by the digest of
/// its own signature, SHA-256 in place of MD5 and SHA-1. `None` where that digest is not at hand:
/// the login then goes without binding, as libpq's `channel_binding=prefer` does.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let suite = match signature_algorithm(certificate)? {
        // md5, sha1 and sha256WithRSAEncryption: 1.2.840.113549.1.1.{4,5,11}
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4 | 5 | 11] => TLS13_AES_128_GCM_SHA256,
        // sha384WithRSAEncryption: 1.2.840.113549.1.1.12
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12] => TLS13_AES_256_GCM_SHA384,
        // ecdsa-with-SHA1 and ecdsa-with-SHA256: 1.2.840.10045.4.{1, 3.2}
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => {
            TLS13_AES_128_GCM_SHA256
        }
        // ecdsa-with-SHA384: 1.2.840.10045.4.3.3
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => TLS13_AES_256_GCM_SHA384,
        _ => return None,
    };
    match suite {
        SupportedCipherSuite::Tls13(suite) => Some(
            suite
                .common
                .hash_provider
                .hash(certificate)
                .as_ref()
                .to_vec(),
        ),
        SupportedCipherSuite::Tls12(_) => None,
    }
}

/// The object identifier in `Certificate.signatureAlgorithm` (RFC 5280, section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (tag, body, _) = element(certificate)?;
    let (_, _, after_tbs) = (tag == SEQUENCE).then(|| element(body))??;
    let (tag, algorithm, _) = element(after_tbs)?;
    let (inner, identifier, _) = (tag == SEQUENCE).then(|| element(algorithm))??;
    (inner == OBJECT_IDENTIFIER).then_some(identifier)
}

/// Tag, contents and what follows of one DER element.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let digits = usize::from(first & 0x7f);
        if digits > 4 || digits > rest.len() {
            return None;
        }
        let (digits, rest) = rest.split_at(digits);
        let length = digits
            .iter()
            .fold(0_usize, |sum, &digit| sum << 8 | usize::from(digit));
        (length, rest)
    };
    let (contents, after) = rest.split_at_checked(length)?;
    Some((tag, contents, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_algorithm_behind_the_signed_part() {
        // SEQUENCE { SEQUENCE { INTEGER 1 }, SEQUENCE { OID ecdsa-with-SHA256 }, BIT STRING }
        let certificate = [
            0x30, 0x14, 0x30, 0x03, 0x02, 0x01, 0x01, 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x04, 0x03, 0x02, 0x03, 0x01, 0x00,
        ];
        assert_eq!(
            signature_algorithm(&certificate),
            Some(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2][..])
        );
        assert_eq!(end_point(&certificate).map(|hash| hash.len()), Some(32));
    }

    #[test]
    fn broken_certificates_give_no_binding() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x84, 0xff], &[0x30, 0x05, 0x30]] {
            assert_eq!(end_point(bytes), None);
        }
    }
}
