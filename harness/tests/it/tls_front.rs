//! Something that ends TLS in front of a server that speaks plain HTTP, with certificates made on the spot.

use std::{net::SocketAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

/// Listens until it is dropped.
pub(crate) struct TlsFront {
    pub(crate) address: SocketAddr,
    /// What makes its certificate good, as a PEM file has it.
    pub(crate) authority: String,
    _runtime: Runtime,
}

impl TlsFront {
    /// With a certificate for `localhost` from an authority of its own.
    pub(crate) fn start(behind: SocketAddr) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, key()).expect("a certificate");
        let own = key();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = params.signed_by(&own, &authority).expect("a certificate");
        Self::serve(behind, certificate.der().clone(), &own, authority.pem())
    }

    /// With a certificate that signs itself, as `openssl req -x509` makes them.
    pub(crate) fn signed_by_itself(behind: SocketAddr) -> Self {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = key();
        let certificate = params.self_signed(&own).expect("a certificate");
        Self::serve(behind, certificate.der().clone(), &own, certificate.pem())
    }

    fn serve(
        behind: SocketAddr,
        certificate: CertificateDer<'static>,
        key: &KeyPair,
        authority: String,
    ) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("it was just made");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("the key is that of the certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("threads");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("bound");
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Whoever does not trust us goes away, which is what some tests want.
                    let mut greeted = acceptor.accept(stream).await?;
                    let mut onwards = TcpStream::connect(behind).await?;
                    copy_bidirectional(&mut greeted, &mut onwards).await
                });
            }
        });
        Self {
            address,
            authority,
            _runtime: runtime,
        }
    }
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("randomness")
}
