//! Certificates for servers under test.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};

/// An authority and a server certificate of it, all PEM.
pub struct Certificates {
    pub authority: String,
    pub server: String,
    pub server_key: String,
    /// For logins as [`CLIENT`].
    pub client: String,
    pub client_key: String,
}

/// The common name of the client's certificate.
pub const CLIENT: &str = "by_certificate";

/// Makes a certificate for one host name, signed by an authority of its own.
pub fn make(host: &str) -> Certificates {
    let authority_key = KeyPair::generate().expect("a key for the authority");
    let mut authority = CertificateParams::new(Vec::<String>::new()).expect("no names to refuse");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "migrate test authority");
    let signed = authority
        .self_signed(&authority_key)
        .expect("the authority's certificate");
    let issuer = Issuer::new(authority, authority_key);
    let server_key = KeyPair::generate().expect("a key for the server");
    let server = CertificateParams::new(vec![host.to_owned()])
        .expect("a valid host name")
        .signed_by(&server_key, &issuer)
        .expect("the server's certificate");
    let client_key = KeyPair::generate().expect("a key for the client");
    let mut client = CertificateParams::new(Vec::<String>::new()).expect("no names to refuse");
    client.distinguished_name = DistinguishedName::new();
    client.distinguished_name.push(DnType::CommonName, CLIENT);
    let client = client
        .signed_by(&client_key, &issuer)
        .expect("the client's certificate");
    Certificates {
        authority: signed.pem(),
        server: server.pem(),
        server_key: server_key.serialize_pem(),
        client: client.pem(),
        client_key: client_key.serialize_pem(),
    }
}
