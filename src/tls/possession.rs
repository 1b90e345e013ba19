//! Whether a server can be made to prove that it has the key of its certificate.
//!
//! A server shows its certificate to everyone; that it also has the key is shown by a signature in
//! the handshake. If that cannot be checked, the connection may lead to an attacker who copied it, and
//! a login must not be bound to the certificate (`postgres::tls::binding`).

use std::ops::RangeInclusive;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::alg_id::RSA_ENCRYPTION;
use rustls::server::ParsedCertificate;

use crate::tls::der::{self, BIT_STRING, INTEGER, SEQUENCE};

/// What `ring` verifies a signature by: its RSA is of 2048 to 8192 bits.
const RSA_BYTES: RangeInclusive<usize> = 256..=1024;

/// Whether a handshake signature by this certificate's key can be verified, which
/// [`crate::tls::any_certificate`] then insists on. It cannot if the certificate does not parse as one of
/// version 3 (PostgreSQL servers still carry version 1, and SQL Server makes forms of its own), and
/// if its key is of a kind or length that the provider does not know (older SQL Servers make
/// RSA keys of 1024 bits).
pub fn is_provable(
    certificate: &CertificateDer<'_>,
    algorithms: &WebPkiSupportedAlgorithms,
) -> bool {
    let Ok(parsed) = ParsedCertificate::try_from(certificate) else {
        return false;
    };
    let key = parsed.subject_public_key_info();
    let Some((kind, bits)) = split(&key) else {
        return false;
    };
    let mut known = algorithms.all.iter();
    known.any(|algorithm| algorithm.public_key_alg_id().as_ref() == kind)
        && (kind != RSA_ENCRYPTION.as_ref() || is_verifiable_rsa(bits))
}

/// Algorithm and bits of a SubjectPublicKeyInfo (RFC 5280, section 4.1).
fn split(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (key, _) = der::expect(SEQUENCE, key)?;
    let (kind, rest) = der::expect(SEQUENCE, key)?;
    let (bits, _) = der::expect(BIT_STRING, rest)?;
    // The first byte counts the bits that are not used.
    Some((kind, bits.get(1..)?))
}

/// RSAPublicKey (RFC 8017, A.1.1) begins with the modulus.
fn is_verifiable_rsa(bits: &[u8]) -> bool {
    let modulus = der::expect(SEQUENCE, bits).and_then(|(key, _)| der::expect(INTEGER, key));
    modulus.is_some_and(|(modulus, _)| {
        let zeros = modulus.iter().take_while(|byte| **byte == 0).count();
        RSA_BYTES.contains(&(modulus.len() - zeros))
    })
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring::default_provider;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    /// Self-signed by OpenSSL, of version 3.
    const RSA_1024: &str = "-----BEGIN CERTIFICATE-----
MIICIjCCAYugAwIBAgIUGCPBtxRbRrk/TCFfE20s2am8OR0wDQYJKoZIhvcNAQEL
BQAwIzEhMB8GA1UEAwwYU1NMX1NlbGZfU2lnbmVkX0ZhbGxiYWNrMB4XDTI2MTEy
MjA5MDQ1OVoXDTM2MTExOTA5MDQ1OVowIzEhMB8GA1UEAwwYU1NMX1NlbGZfU2ln
bmVkX0ZhbGxiYWNrMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCulaKx2vGo
dlKY0s91Aq8VJy5arsugVvvRhZTJKICnRj1Roux9sqgBLW5K5iiLbBkTg1JZS9q3
IPfpsG88/LWlnl2tOENcNUlvUL3YjlwrDhKhXs12fYx5dbjrb0EKVLXZj+GO0yx4
o703941TKI1WaRE1IbSSG3Km25y+XhsuQwIDAQABo1MwUTAdBgNVHQ4EFgQUiw77
Kr5RxjkUwWpcT81UjM+Qs1wwHwYDVR0jBBgwFoAUiw77Kr5RxjkUwWpcT81UjM+Q
s1wwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOBgQCptvo4wNPpgg60
Z3bFzAvmu/GFZVIXTlGiX0Z/uWTb3kXyTn7s4LQDtUpePPdaRg35IwFHVgIGI2+2
U2FVZO+QWq4fE9lnYK2Anlq6pkwvr/re8A6iOiQ3Jg7Tn5wyqWsYZXUDDoFu4sZ/
bmXo8BUK8zvJXMlOg/f5sXuccEYHiw==
-----END CERTIFICATE-----";
    const RSA_2048: &str = "-----BEGIN CERTIFICATE-----
MIIDJzCCAg+gAwIBAgIUAQG/cJMlifuAryEf+ynZHpTBUUMwDQYJKoZIhvcNAQEL
BQAwIzEhMB8GA1UEAwwYU1NMX1NlbGZfU2lnbmVkX0ZhbGxiYWNrMB4XDTI2MTEy
MjA5MDUwMFoXDTM2MTExOTA5MDUwMFowIzEhMB8GA1UEAwwYU1NMX1NlbGZfU2ln
bmVkX0ZhbGxiYWNrMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuhhT
qxC2gnPu6VRDifL3zgw/fwSqv8nZJ6Fb7/kqea6R8LmyPvOlb5akVVjDHpy9kNhs
14xiLuWL36qxDM7SlZRxN22sekltHKEOYbSYsusXzu8gTsKsT40jIrQ53G6QYulD
prFfkkWKD83gcsPvC5iiQyufECUf5xdXCvy7nmWEMXYhCMzHoMP8yyRozHq5RAVw
YVD9g0/gF2yXFodRuQPTMrHZq/yr3pbF+4bO3UGvZHqXlDA2pFxywXcgL7qm2OrY
Ptj6zFC8I0kGmZGKOZJ9n1RVgrN4tQygoAu8hPE8z9mLqe+oFRW1J+sy86yN0iwk
nWAXGV5O4BCRJ9ZjDQIDAQABo1MwUTAdBgNVHQ4EFgQUxfaJbXSEt+mkr2wI60n3
zh6Tn7IwHwYDVR0jBBgwFoAUxfaJbXSEt+mkr2wI60n3zh6Tn7IwDwYDVR0TAQH/
BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAYa/4+FVP8s62AZoaypQF0S/sYpVq
LZxh0JVczV9I/yi9RZh77a/wcDX4uay1DjUh9tyMoCm9CAj1RZYl1CU9h4Lz7nW6
xEjhxxLMJbmOCq7fVt9fN9VTP2WduRzXPr11vB3YbcNqZ9QxFARFdWDMMp537O/U
qGogej8VMocUKaQaCv3ZTNfXOWlcDpJwd6uZtcYPkM4dDCsmBFuAFEPBvXv58+Rr
zFDCV5VG7GM1y+TZsZQzdDtmcw1y73/ToagUZcEDd+TRD9hi3ZLbUChOl8o4noam
/Jmf/t/TEAOWPksgevI0Biqa8/pdCPkTfj6HNWJkwdyr/I7JwLsFB5dCHQ==
-----END CERTIFICATE-----";
    const P_521: &str = "-----BEGIN CERTIFICATE-----
MIIB9DCCAVagAwIBAgIUB209yiDH3IW2cJJmvxEFcWN/EZ0wCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAeFw0yNjExMjIwOTA1MDBaFw0zNjExMTkwOTA1MDBaMAwx
CjAIBgNVBAMMAWEwgZswEAYHKoZIzj0CAQYFK4EEACMDgYYABAAR6+N/HhHyxm5v
6dzuO0UPCPUnpJndIoAuL9r3joXYk8T5/XKWajHsgw3XbBl1o+vHfbBn2sx51hrf
tZzCD4rangDWD8U0Vt9TKvtkwil9RDn0dBT475DASEq+fKD/IwFvuOq6a++TkH2D
X5+xt+16ajw7+yr+DCpz3ahdYdjoXX++WKNTMFEwHQYDVR0OBBYEFCBm5jCZzMmi
PACrDS4J1eX2ZKAaMB8GA1UdIwQYMBaAFCBm5jCZzMmiPACrDS4J1eX2ZKAaMA8G
A1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDgYsAMIGHAkIBCNssRbF7ocp8nSWL
Q1sSKNChF8XM116hJLxJi5yhaxcH+rLp0g7I6//g7cXyX+inkz9TeO6WlAdVvfBf
ZK4AemsCQWKYkqfkybc6QwxXBKT9Hg3Jlgj/ZBFLiK9cccipsqEV091bWu3F2nkv
amXU1WYENmQD+EgQQeMdhKaNV1jJW3hn
-----END CERTIFICATE-----";

    /// RSAPublicKey with a modulus of this many bytes.
    fn rsa(bytes: u16) -> Vec<u8> {
        let [high, low] = bytes.to_be_bytes();
        let [outer_high, outer_low] = (bytes + 4).to_be_bytes();
        let head = [0x30, 0x82, outer_high, outer_low, 0x02, 0x82, high, low];
        [&head[..], &vec![0x80; bytes.into()]].concat()
    }

    #[test]
    fn a_signature_by_rsa_is_verified_from_2048_to_8192_bits() {
        let verified = [255, 256, 1024, 1025].map(|bytes| is_verifiable_rsa(&rsa(bytes)));
        assert_eq!(verified, [false, true, true, false]);
    }

    #[test]
    fn keys_that_no_signature_can_be_checked_by_are_known() {
        let algorithms = default_provider().signature_verification_algorithms;
        for (text, provable) in [(RSA_1024, false), (RSA_2048, true), (P_521, false)] {
            let certificate = CertificateDer::from_pem_slice(text.as_bytes()).unwrap();
            assert!(ParsedCertificate::try_from(&certificate).is_ok());
            assert_eq!(is_provable(&certificate, &algorithms), provable, "{text}");
        }
        let nothing = CertificateDer::from(vec![0x30, 0]);
        assert!(!is_provable(&nothing, &algorithms));
    }

    #[test]
    fn a_modulus_is_as_long_as_its_first_byte_that_is_not_zero() {
        let rsa = |zeros: usize, digits: usize| {
            let modulus = [vec![0; zeros], vec![0xc1; digits]].concat();
            let long = |tag: u8, contents: &[u8]| {
                let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
                [&[tag, 0x82][..], &length, contents].concat()
            };
            long(SEQUENCE, &long(INTEGER, &modulus))
        };
        assert!(is_verifiable_rsa(&rsa(1, 256)));
        assert!(!is_verifiable_rsa(&rsa(1, 255)));
        assert!(!is_verifiable_rsa(&rsa(129, 128)));
        assert!(!is_verifiable_rsa(&[]));
    }
}
