//! TLS towards https endpoints: which authorities are trusted, and what a refusal means.
//!
//! The authorities are those of the system (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded), or those of one file alone. A certificate that stands in
//! that file itself is taken as it is, so that one that signs itself, as small installations have, needs no authority. The name is checked in
//! every case; nothing turns that off. Absent: certificates of clients.

use std::{
    io,
    net::TcpStream,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
        InvalidMessage, RootCertStore, SignatureScheme,
        client::{
            WebPkiServerVerifier,
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
            verify_server_name,
        },
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _},
        server::ParsedCertificate,
    },
};

/// Whom we trust. Clones share what servers let us remember of earlier connections.
#[derive(Clone)]
pub(crate) struct Trust(Arc<ClientConfig>);

impl std::fmt::Debug for Trust {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Trust")
    }
}

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TrustError {
    #[error("{origin} {}: {wrong}", path.display())]
    File {
        origin: &'static str,
        path: PathBuf,
        wrong: String,
    },
    #[error(
        "this system has no certificates of authorities{why}; install its package ca-certificates, or name a file of them with --ca FILE.pem"
    )]
    System { why: String },
}

impl Trust {
    /// The authorities of the system.
    pub(crate) fn of_system() -> Result<Self, TrustError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = found.errors.first();
            return Err(TrustError::System {
                why: why.map_or_else(String::new, |error| format!(" ({error})")),
            });
        }
        Ok(Self::new(roots, Vec::new()))
    }

    /// Those of a file alone, which was named in such a way.
    pub(crate) fn of_file(origin: &'static str, path: &Path) -> Result<Self, TrustError> {
        let wrong = |wrong: String| TrustError::File {
            origin,
            path: path.to_owned(),
            wrong,
        };
        let bytes = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let certificates = CertificateDer::pem_slice_iter(&bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| wrong(format!("it is no PEM file of certificates: {error}")))?;
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates.iter().cloned());
        if added == 0 {
            return Err(wrong(
                "no certificate is in it; a PEM file has lines such as -----BEGIN CERTIFICATE-----"
                    .to_owned(),
            ));
        }
        Ok(Self::new(roots, certificates))
    }

    fn new(roots: RootCertStore, exactly: Vec<CertificateDer<'static>>) -> Self {
        let provider = Arc::new(ring::default_provider());
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = Verifier {
            chains: chains.build().expect("there are authorities, and no lists"),
            exactly,
        };
        let mut config = ClientConfig::builder_with_provider(provider as Arc<CryptoProvider>)
            .with_safe_default_protocol_versions()
            .expect("the provider has what TLS 1.2 and 1.3 need")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        // Servers that also speak HTTP/2 would choose it if nothing were said.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(Arc::new(config))
    }
}

/// Chains of authorities as usual, and certificates that were named themselves.
#[derive(Debug)]
struct Verifier {
    chains: Arc<WebPkiServerVerifier>,
    exactly: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.exactly.iter().any(|named| named == certificate) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.chains
            .verify_server_cert(certificate, between, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// How one endpoint is greeted, whatever proxy is in front of it.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// Whom we trust.
    pub(crate) trust: Trust,
    /// Who must be there: sent in the greeting, and looked for in the certificate.
    pub(crate) name: ServerName<'static>,
}

impl Tls {
    /// Greets over an open connection.
    pub(crate) async fn connect(
        &self,
        stream: tokio::net::TcpStream,
    ) -> io::Result<TlsStream<tokio::net::TcpStream>> {
        let connector = TlsConnector::from(self.trust.0.clone());
        connector.connect(self.name.clone(), stream).await
    }

    /// Greets once, and says in words what is wrong if that fails. Blocks for as long as the connection lets it.
    pub(crate) fn try_once(&self, stream: &mut TcpStream) -> Result<(), String> {
        let greeting = ClientConnection::new(self.trust.0.clone(), self.name.clone());
        let mut greeting = greeting.map_err(|error| error.to_string())?;
        while greeting.is_handshaking() {
            greeting
                .complete_io(stream)
                .map_err(|error| explain(&error))?;
        }
        Ok(())
    }
}

/// Whether it was TLS that failed, and not the connection below it.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    refusal(error).is_some()
}

fn refusal(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What a greeting that failed means, and what to do.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls has many more reasons, and will have others; they are shown in its words"
)]
pub(crate) fn explain(error: &io::Error) -> String {
    let Some(refusal) = refusal(error) else {
        return match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                "it did not answer the greeting of TLS in time; does it speak https?".to_owned()
            }
            _ => format!("it ended the greeting of TLS: {error}; does it speak https?"),
        };
    };
    match refusal {
        rustls::Error::InvalidCertificate(wrong) => certificate(wrong),
        rustls::Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => "what it says is no TLS; should the endpoint be http://?".to_owned(),
        rustls::Error::AlertReceived(alert) => {
            format!("it refused the greeting of TLS: {alert:?}; its log may say why")
        }
        other => format!("TLS cannot be agreed on: {other}"),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "rustls has many more reasons, and will have others; they are shown in its words"
)]
fn certificate(wrong: &CertificateError) -> String {
    match wrong {
        // The second: an authority of the same name has another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate comes from an authority that is not trusted here; name the file of that authority, or of the certificate itself, with --ca FILE.pem".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "its certificate is not for {} but for {}; write the endpoint with a name that the certificate has",
            expected.to_str(),
            presented.join(", ")
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired; it needs a new one, or the clock of this machine is wrong".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet; is the clock of this machine right?".to_owned()
        }
        other => format!(
            "its certificate is refused: {other}; if it is the right one, name the file of the certificate itself with --ca FILE.pem"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(error: rustls::Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let name = ServerName::try_from("here.example").expect("a name");
        let other_name = CertificateError::NotValidForNameContext {
            expected: name,
            presented: vec!["DnsName(\"there.example\")".to_owned()],
        };
        for (error, part) in [
            (tls(CertificateError::UnknownIssuer.into()), "--ca FILE.pem"),
            (
                tls(other_name.into()),
                "not for here.example but for DnsName(\"there.example\")",
            ),
            (tls(CertificateError::Expired.into()), "has expired"),
            (tls(CertificateError::Revoked.into()), "refused: "),
            (
                tls(InvalidMessage::InvalidContentType.into()),
                "should the endpoint be http://?",
            ),
            (
                io::ErrorKind::WouldBlock.into(),
                "in time; does it speak https?",
            ),
            (
                io::ErrorKind::UnexpectedEof.into(),
                "ended the greeting of TLS",
            ),
        ] {
            assert!(explain(&error).contains(part), "{}", explain(&error));
        }
        assert!(!is_refusal(&io::ErrorKind::ConnectionReset.into()));
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("ca.pem");
        let refused = || {
            let error = Trust::of_file("--ca", &path).expect_err("no certificates");
            error.to_string()
        };
        assert!(refused().contains("No such file"));
        std::fs::write(&path, "no PEM").expect("writable");
        assert!(
            refused().contains("no certificate is in it"),
            "{}",
            refused()
        );
        let broken = "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n";
        std::fs::write(&path, broken).expect("writable");
        assert!(refused().contains("no PEM file"), "{}", refused());
    }
}
