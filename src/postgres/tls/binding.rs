//! Channel binding: the hash of the server's certificate that SCRAM mixes into the login.
//!
//! With it, a login through a man in the middle fails even if the certificate is not checked.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

use crate::tls::der::{self, OBJECT_IDENTIFIER, SEQUENCE};

/// `tls-server-end-point` (RFC 5929, section 4.1) of a DER certificate: its hash by the digest of
/// its own signature, SHA-256 in place of MD5 and SHA-1.
///
/// `None` if the signature names no digest (Ed25519), which RFC 5929 leaves undefined, or one
/// that is not at hand. libpq ends the connection there unless `channel_binding=disable` is set. The
/// job file has no such setting, and a PostgreSQL server fails on such a certificate of its own as
/// soon as binding is chosen: so the login goes without, as with that setting.
pub(super) fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let algorithm = digest_of(signature_algorithm(certificate)?)?;
    Some(digest(algorithm, certificate).as_ref().to_vec())
}

/// The digest for a signature algorithm's object identifier.
fn digest_of(identifier: &[u8]) -> Option<&'static Algorithm> {
    match identifier {
        // 1.2.840.113549.1.1, RFC 8017: md5, sha1, sha256, sha384 and sha512WithRSAEncryption
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last] => match last {
            4 | 5 | 11 => Some(&SHA256),
            12 => Some(&SHA384),
            13 => Some(&SHA512),
            _ => None,
        },
        // 1.2.840.10045.4, RFC 5758: ecdsa-with-SHA1, and in .3 with SHA256, SHA384 and SHA512
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1] | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2] => {
            Some(&SHA256)
        }
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] => Some(&SHA384),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] => Some(&SHA512),
        _ => None,
    }
}

/// The object identifier in `Certificate.signatureAlgorithm` (RFC 5280, section 4.1).
/// `None` for bytes that are not a certificate.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (body, _) = der::expect(SEQUENCE, certificate)?;
    let (_, _, after_tbs) = der::element(body)?;
    let (algorithm, _) = der::expect(SEQUENCE, after_tbs)?;
    let (identifier, _) = der::expect(OBJECT_IDENTIFIER, algorithm)?;
    Some(identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SEQUENCE { SEQUENCE { INTEGER 1 }, SEQUENCE { OID }, BIT STRING }
    fn signed_by(identifier: &[u8]) -> Vec<u8> {
        let length = u8::try_from(identifier.len()).unwrap();
        let mut bytes = vec![
            0x30,
            length + 12,
            0x30,
            3,
            2,
            1,
            1,
            0x30,
            length + 2,
            6,
            length,
        ];
        bytes.extend_from_slice(identifier);
        bytes.extend_from_slice(&[3, 1, 0]);
        bytes
    }

    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
    const ECDSA: [u8; 6] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4];

    #[test]
    fn the_digest_is_that_of_the_signature() {
        for (family, last, length) in [
            (&RSA[..], &[4][..], Some(32)),
            (&RSA, &[5], Some(32)),
            (&RSA, &[11], Some(32)),
            (&RSA, &[12], Some(48)),
            (&RSA, &[13], Some(64)),
            // RSASSA-PSS names its digest elsewhere.
            (&RSA, &[10], None),
            (&ECDSA, &[1], Some(32)),
            (&ECDSA, &[3, 2], Some(32)),
            (&ECDSA, &[3, 3], Some(48)),
            (&ECDSA, &[3, 4], Some(64)),
            // Ed25519: 1.3.101.112
            (&[0x2b], &[0x65, 0x70], None),
        ] {
            let identifier = [family, last].concat();
            let certificate = signed_by(&identifier);
            assert_eq!(signature_algorithm(&certificate), Some(&identifier[..]));
            let hash = end_point(&certificate);
            assert_eq!(hash.map(|hash| hash.len()), length, "{identifier:x?}");
        }
    }

    #[test]
    fn broken_certificates_give_no_binding() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x84, 0xff], &[0x30, 0x05, 0x30]] {
            assert_eq!(end_point(bytes), None);
        }
    }
}
