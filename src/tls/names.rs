//! The names that a certificate carries, and whether its common name is the one that is expected.
//!
//! rustls checks names in subjectAltName itself. This reads the common name, which it ignores and
//! older servers still rely on, and lists names for messages. A certificate that does not parse has
//! no names.

use rustls::pki_types::{CertificateDer, ServerName};

use crate::tls::der::{self, OBJECT_IDENTIFIER, SEQUENCE};

// Tags of X.509 (RFC 5280 4.1 and A.1) and of its strings (X.680 8.6).
const SET: u8 = 0x31;
const EXTENSIONS: u8 = 0xa3;
const OCTET_STRING: u8 = 0x04;
const VERSION: u8 = 0xa0;
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
const BMP_STRING: u8 = 0x1e;
/// id-ce-subjectAltName, 2.5.29.17.
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// id-at-commonName, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// Host names and addresses of a certificate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Names in its subjectAltName.
    alternative: Vec<String>,
    /// Common name of its subject.
    common: Vec<String>,
}

impl Names {
    /// What cannot be read names nothing.
    pub(super) fn from_certificate(certificate: &CertificateDer<'_>) -> Self {
        let mut names = Self::default();
        read(certificate, &mut names);
        names
    }

    /// Whether the common name is the expected one. It counts only if there is no alternative
    /// name (RFC 6125 6.4.4): SQL Server asks for no more than a common name, and older authorities
    /// give no more (sql-docs, "Certificate requirements for SQL Server").
    pub(super) fn common_name_fits(&self, expected: &ServerName<'_>) -> bool {
        let expected = expected.to_str();
        self.alternative.is_empty() && self.common.iter().any(|name| fits(name, &expected))
    }

    /// For messages: the alternative names, or the common ones if there are none.
    pub(super) fn shown(self) -> Vec<String> {
        if self.alternative.is_empty() {
            self.common
        } else {
            self.alternative
        }
    }
}

/// Compared without case; `*` stands for the whole first label (RFC 6125 6.4.3).
fn fits(name: &str, expected: &str) -> bool {
    let expected = expected.trim_end_matches('.');
    match (name.strip_prefix("*."), expected.split_once('.')) {
        (Some(domain), Some((label, rest))) => {
            !label.is_empty() && domain.contains('.') && domain.eq_ignore_ascii_case(rest)
        }
        _ => name.eq_ignore_ascii_case(expected),
    }
}

/// TBSCertificate: version, serial number, signature, issuer, validity, subject, key, extensions.
fn read(certificate: &[u8], names: &mut Names) -> Option<()> {
    let (certificate, _) = der::expect(SEQUENCE, certificate)?;
    let (mut rest, _) = der::expect(SEQUENCE, certificate)?;
    if let Some((_, after)) = der::expect(VERSION, rest) {
        rest = after;
    }
    for _ in 0..4 {
        (_, _, rest) = der::element(rest)?;
    }
    let (subject, mut rest) = der::expect(SEQUENCE, rest)?;
    common_names(subject, &mut names.common);
    while let Some((tag, contents, after)) = der::element(rest) {
        if tag == EXTENSIONS {
            alternative_names(contents, &mut names.alternative);
        }
        rest = after;
    }
    Some(())
}

/// The common names of an X.501 Name: a sequence of sets of attributes (RFC 5280 4.1.2.4).
fn common_names(mut subject: &[u8], names: &mut Vec<String>) {
    while let Some((mut parts, after)) = der::expect(SET, subject) {
        while let Some((part, next)) = der::expect(SEQUENCE, parts) {
            if let Some((COMMON_NAME, value)) = der::expect(OBJECT_IDENTIFIER, part)
                && let Some((tag, text, _)) = der::element(value)
            {
                names.push(string(tag, text));
            }
            parts = next;
        }
        subject = after;
    }
}

/// UTF-16 of a BMPString, anything else as UTF-8; what does not decode becomes U+FFFD.
fn string(tag: u8, text: &[u8]) -> String {
    if tag == BMP_STRING {
        let units = text
            .chunks_exact(2)
            .map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
        return char::decode_utf16(units)
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
    }
    String::from_utf8_lossy(text).into_owned()
}

/// Looks for the extension subjectAltName among all extensions.
fn alternative_names(extensions: &[u8], names: &mut Vec<String>) {
    let Some((mut extensions, _)) = der::expect(SEQUENCE, extensions) else {
        return;
    };
    while let Some((extension, after)) = der::expect(SEQUENCE, extensions) {
        extensions = after;
        let Some((ALTERNATIVE_NAME, mut value)) = der::expect(OBJECT_IDENTIFIER, extension) else {
            continue;
        };
        // A BOOLEAN says before the value whether the extension is critical.
        while let Some((tag, contents, next)) = der::element(value) {
            if tag == OCTET_STRING {
                general_names(contents, names);
            }
            value = next;
        }
    }
}

/// DNS names and IP addresses of GeneralNames (RFC 5280 4.2.1.6); its other forms name no host.
fn general_names(value: &[u8], names: &mut Vec<String>) {
    let Some((mut value, _)) = der::expect(SEQUENCE, value) else {
        return;
    };
    while let Some((tag, contents, after)) = der::element(value) {
        match (tag, contents.len()) {
            (DNS_NAME, _) => names.push(String::from_utf8_lossy(contents).into_owned()),
            (IP_ADDRESS, 4) => names.extend(address::<4>(contents)),
            (IP_ADDRESS, 16) => names.extend(address::<16>(contents)),
            _ => {}
        }
        value = after;
    }
}

/// An address of four or sixteen bytes, as text.
fn address<const N: usize>(contents: &[u8]) -> Option<String>
where
    std::net::IpAddr: From<[u8; N]>,
{
    let bytes: [u8; N] = contents.try_into().ok()?;
    Some(std::net::IpAddr::from(bytes).to_string())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, DnValue, KeyPair};

    use super::*;

    fn certificate(alternative: &[&str], common: Option<DnValue>) -> CertificateDer<'static> {
        let names: Vec<_> = alternative.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "Shop");
            params.distinguished_name.push(DnType::CommonName, common);
        }
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    fn name(text: &str) -> ServerName<'_> {
        ServerName::try_from(text).unwrap()
    }

    #[test]
    fn the_names_of_a_certificate_are_found_in_both_places() {
        let both = certificate(
            &["sql01.corp.example", "10.0.0.7", "::1"],
            Some("sql01".into()),
        );
        let names = Names::from_certificate(&both);
        assert_eq!(names.alternative, ["sql01.corp.example", "10.0.0.7", "::1"]);
        assert_eq!(names.common, ["sql01"]);
        let wide = DnValue::BmpString("sql01".try_into().unwrap());
        assert_eq!(
            Names::from_certificate(&certificate(&[], Some(wide))).shown(),
            ["sql01"]
        );
        let printable = DnValue::PrintableString("sql02".try_into().unwrap());
        assert_eq!(
            Names::from_certificate(&certificate(&[], Some(printable))).shown(),
            ["sql02"]
        );
    }

    #[test]
    fn a_common_name_counts_only_without_an_alternative_one() {
        let alone = Names::from_certificate(&certificate(&[], Some("SQL01.corp.example".into())));
        assert!(alone.common_name_fits(&name("sql01.corp.example")));
        assert!(!alone.common_name_fits(&name("sql02.corp.example")));
        let beside =
            Names::from_certificate(&certificate(&["other.example"], Some("sql01".into())));
        assert!(!beside.common_name_fits(&name("sql01")));
    }

    #[test]
    fn a_wildcard_is_one_whole_label() {
        for (name, expected, fitting) in [
            ("*.corp.example", "sql01.corp.example", true),
            ("*.corp.example", "a.sql01.corp.example", false),
            ("*.corp.example", "corp.example", false),
            ("*.example", "corp.example", false),
            ("sql*.corp.example", "sql01.corp.example", false),
            ("10.0.0.7", "10.0.0.7", true),
        ] {
            assert_eq!(fits(name, expected), fitting, "{name} for {expected}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_name_something_or_nothing(bytes: Vec<u8>) {
            let names = Names::from_certificate(&CertificateDer::from(bytes));
            assert!(names.alternative.len() + names.common.len() < 1 << 16);
        }
    }
}
