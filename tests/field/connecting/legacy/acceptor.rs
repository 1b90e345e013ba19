//! The TLS of an old server before the stand-in: a relay that ends TLS by OpenSSL and passes packets on.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVersion};
use openssl::x509::extension::BasicConstraints;
use openssl::x509::{X509, X509Builder, X509Name};

use crate::support::source::Source;

const PRELOGIN: u8 = 0x12;
const LOGIN7: u8 = 0x10;
/// Content type of application data (RFC 5246 6.2.1).
const APPLICATION_DATA: u8 = 0x17;

/// How a handshake that cannot succeed ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Alert,
    Close,
}

/// An RSA certificate with a common name alone, and its key.
pub(super) struct Identity {
    key: PKey<Private>,
    certificate: X509,
    authority: X509,
}

impl Identity {
    /// As SQL Server makes one for itself.
    pub(super) fn self_signed() -> Self {
        let key = key();
        let name = name("SSL_Self_Signed_Fallback");
        let certificate = certificate(&name, &name, &key, &key, false);
        Self {
            authority: certificate.clone(),
            certificate,
            key,
        }
    }

    pub(super) fn by_authority(common_name: &str) -> Self {
        let (authority_key, key) = (key(), key());
        let issuer = name("an old authority");
        Self {
            authority: certificate(&issuer, &issuer, &authority_key, &authority_key, true),
            certificate: certificate(&name(common_name), &issuer, &key, &authority_key, false),
            key,
        }
    }

    pub(super) fn certificate_pem(&self) -> String {
        pem(&self.certificate)
    }

    pub(super) fn authority_pem(&self) -> String {
        pem(&self.authority)
    }
}

fn pem(certificate: &X509) -> String {
    String::from_utf8(certificate.to_pem().expect("PEM")).expect("ASCII")
}

fn key() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key")
}

fn name(common_name: &str) -> X509Name {
    let mut name = X509Name::builder().expect("a name");
    name.append_entry_by_text("CN", common_name)
        .expect("a name");
    name.build()
}

fn certificate(
    subject: &X509Name,
    issuer: &X509Name,
    key: &PKey<Private>,
    signed_by: &PKey<Private>,
    authority: bool,
) -> X509 {
    let build = || {
        let mut builder = X509Builder::new()?;
        builder.set_version(2)?;
        let serial = BigNum::from_u32(if authority { 1 } else { 2 })?;
        builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
        builder.set_subject_name(subject)?;
        builder.set_issuer_name(issuer)?;
        builder.set_pubkey(key)?;
        builder.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
        builder.set_not_after(Asn1Time::days_from_now(30)?.as_ref())?;
        if authority {
            builder.append_extension(BasicConstraints::new().critical().ca().build()?)?;
        }
        builder.sign(signed_by, MessageDigest::sha256())?;
        Ok::<_, openssl::error::ErrorStack>(builder.build())
    };
    build().expect("a certificate")
}

/// Listens until the process ends.
pub(super) struct Acceptor {
    pub(super) port: u16,
    logins: Arc<AtomicUsize>,
}

impl Acceptor {
    pub(super) fn start(
        source: &Source,
        identity: &Identity,
        version: SslVersion,
        ciphers: &str,
        refusal: Refusal,
    ) -> Self {
        let build = || {
            let mut context = SslContextBuilder::new(SslMethod::tls_server())?;
            context.set_min_proto_version(Some(version))?;
            context.set_max_proto_version(Some(version))?;
            context.set_cipher_list(&format!("{ciphers}:@SECLEVEL=0"))?;
            context.set_private_key(&identity.key)?;
            context.set_certificate(&identity.certificate)?;
            Ok::<_, openssl::error::ErrorStack>(context.build())
        };
        let context = build().expect("OpenSSL takes it");
        let server = SocketAddr::from((Ipv4Addr::LOCALHOST, source.port));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let logins = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&logins);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (context, counted) = (context.clone(), Arc::clone(&counted));
                // How a connection ended is the tool's to say.
                std::thread::spawn(move || serve(socket, server, &context, refusal, &counted).ok());
            }
        });
        Self { port, logins }
    }

    /// Logins that came through.
    pub(super) fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }
}

/// One TDS packet; `None` at the end of the stream.
fn packet(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut packet = vec![0; 8];
    if stream.read(&mut packet[..1])? == 0 {
        return Ok(None);
    }
    stream.read_exact(&mut packet[1..])?;
    let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    packet.resize(length, 0);
    stream.read_exact(&mut packet[8..])?;
    Ok(Some(packet))
}

/// Where a PRELOGIN message has its encryption (MS-TDS 2.2.6.5).
fn encryption(prelogin: &mut [u8]) -> &mut u8 {
    let at = (8..)
        .step_by(5)
        .find(|at| prelogin[*at] == 1)
        .expect("an option for encryption");
    let offset = u16::from_be_bytes([prelogin[at + 1], prelogin[at + 2]]);
    &mut prelogin[8 + usize::from(offset)]
}

fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    context: &SslContext,
    refusal: Refusal,
    logins: &AtomicUsize,
) -> io::Result<()> {
    let mut server = TcpStream::connect(server)?;
    let mut prelogin = packet(&mut client)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    // The stand-in is told that there is no encryption, the client that there is what it asked for.
    let asked = std::mem::replace(encryption(&mut prelogin), 2);
    server.write_all(&prelogin)?;
    let mut answer = packet(&mut server)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    *encryption(&mut answer) = asked;
    client.write_all(&answer)?;
    let tunnel = Tunnel {
        socket: client.try_clone()?,
        wrapping: true,
        left: 0,
        out: Vec::new(),
        refusal,
        records: 0,
    };
    let mut tls = SslStream::new(Ssl::new(context)?, tunnel)?;
    if tls.accept().is_err() {
        if refusal == Refusal::Alert {
            tls.get_mut().send()?;
        }
        return Ok(());
    }
    tls.get_mut().send()?;
    tls.get_mut().wrapping = false;
    loop {
        let Some(request) = request(&mut tls)? else {
            return Ok(());
        };
        server.write_all(&request)?;
        if request[1] & 1 == 0 {
            continue;
        }
        if request[0] == LOGIN7 {
            logins.fetch_add(1, Ordering::SeqCst);
            if asked == 0 {
                return plain(client, server);
            }
        }
        loop {
            let answer = packet(&mut server)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            tls.write_all(&answer)?;
            if answer[1] & 1 == 1 {
                break;
            }
        }
    }
}

/// The next packet, which has to be a TLS record, and the record a packet.
fn request(tls: &mut SslStream<Tunnel>) -> io::Result<Option<Vec<u8>>> {
    let before = tls.get_ref().records;
    let mut bytes = vec![0; 32768];
    let count = tls.read(&mut bytes)?;
    bytes.truncate(count);
    if count == 0 {
        return Ok(None);
    }
    let records = tls.get_ref().records - before;
    let length = bytes
        .get(2..4)
        .map(|length| u16::from_be_bytes([length[0], length[1]]));
    if records != 1 || length.map(usize::from) != Some(count) {
        return Err(io::Error::other("a TLS record that is not one packet"));
    }
    Ok(Some(bytes))
}

/// After an encrypted login.
fn plain(mut client: TcpStream, mut server: TcpStream) -> io::Result<()> {
    let (mut back, mut answers) = (client.try_clone()?, server.try_clone()?);
    let answering = std::thread::spawn(move || {
        // The client's end ends it.
        io::copy(&mut answers, &mut back).ok();
        back.shutdown(std::net::Shutdown::Both).ok();
    });
    io::copy(&mut client, &mut server).ok();
    server.shutdown(std::net::Shutdown::Both).ok();
    answering
        .join()
        .map_err(|_| io::Error::other("the relay panicked"))
}

/// OpenSSL's view of the socket: payloads of PRELOGIN packets during the handshake.
struct Tunnel {
    socket: TcpStream,
    wrapping: bool,
    /// Payload bytes of the current packet not yet read.
    left: usize,
    /// Handshake bytes that were not sent yet.
    out: Vec<u8>,
    refusal: Refusal,
    /// Records of application data. OpenSSL reads the five bytes of a record's header by themselves.
    records: usize,
}

impl Tunnel {
    fn send(&mut self) -> io::Result<()> {
        let out = std::mem::take(&mut self.out);
        let chunks = out.chunks(4088);
        let last = chunks.len().saturating_sub(1);
        for (index, chunk) in chunks.enumerate() {
            let length = ((chunk.len() + 8) as u16).to_be_bytes();
            let status = u8::from(index == last);
            let header = [PRELOGIN, status, length[0], length[1], 0, 0, 1, 0];
            self.socket.write_all(&[&header, chunk].concat())?;
        }
        Ok(())
    }
}

impl Read for Tunnel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.wrapping {
            let count = self.socket.read(buffer)?;
            if buffer.len() == 5 && buffer[0] == APPLICATION_DATA {
                self.records += 1;
            }
            return Ok(count);
        }
        self.send()?;
        while self.left == 0 {
            let mut header = [0; 8];
            self.socket.read_exact(&mut header)?;
            self.left = usize::from(u16::from_be_bytes([header[2], header[3]])) - 8;
        }
        let most = buffer.len().min(self.left);
        let count = self.socket.read(&mut buffer[..most])?;
        self.left -= count;
        Ok(count)
    }
}

impl Write for Tunnel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.wrapping {
            self.out.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        // An alert would be flushed too.
        if self.refusal == Refusal::Alert {
            self.send()
        } else {
            Ok(())
        }
    }
}
