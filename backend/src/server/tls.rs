//! TLS of the listeners: the handshake, with or without client certificates.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Result;
use rustls::{
    CertificateError, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::UnixTime,
    server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier},
    time_provider::TimeProvider,
};
use sha2::{Digest, Sha256};
use tokio::{net::TcpStream, time::Instant};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::{
    actor::CertificateDigest,
    clock::Clock,
    service::{CertificateAuthority, LogThrottle},
    transport::TlsSession,
};

/// The TLS configuration of a listener.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    /// Bounds the log lines about refused client certificates.
    refused: Arc<LogThrottle>,
}

/// The time by which the validity of client certificates is judged.
#[derive(Debug)]
struct ServerTime(Clock);

impl Tls {
    /// TLS with `certificate` as the server's certificate. Clients need none.
    ///
    /// # Errors
    ///
    /// If the crypto provider supports no version of TLS.
    pub fn new(certificate: Arc<impl ResolvesServerCert + 'static>) -> Result<Self> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        Ok(Self::with(builder.with_no_client_auth().with_cert_resolver(certificate)))
    }

    /// TLS with `certificate` as the server's certificate. A client must present a certificate that `authority` has
    /// signed and that has not expired according to `clock`. Whether the client certificate was revoked is checked with
    /// each request.
    ///
    /// # Errors
    ///
    /// If the crypto provider supports no version of TLS, or the authority has a certificate that cannot be used.
    pub fn mutual(
        certificate: Arc<impl ResolvesServerCert + 'static>,
        authority: &CertificateAuthority,
        clock: Clock,
    ) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in authority.certificates() {
            roots.add(certificate.clone())?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build()?;
        let builder = ServerConfig::builder_with_details(provider(), Arc::new(ServerTime(clock)));
        let builder = builder.with_safe_default_protocol_versions()?.with_client_cert_verifier(verifier);
        let mut config = builder.with_cert_resolver(certificate);
        // The certificate of a resumed session would not be verified again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self::with(config))
    }

    fn with(mut config: ServerConfig) -> Self {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self { acceptor: Arc::new(config).into(), refused: Arc::default() }
    }

    /// Performs the handshake. `None` if it failed, which is counted and logged here.
    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
    ) -> Option<(TlsStream<TcpStream>, TlsSession)> {
        match self.acceptor.accept(stream).await {
            Ok(stream) => {
                let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let digest = certificate.map(|certificate| CertificateDigest(Sha256::digest(certificate).into()));
                Some((stream, TlsSession { client_certificate: digest }))
            }
            Err(error) => {
                self.note(&error, peer);
                None
            }
        }
    }

    fn note(&self, error: &io::Error, peer: SocketAddr) {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
        let Some(reason) = cause.and_then(refusal) else {
            metrics::counter!("mftplus_tls_handshakes_failed_total", "reason" => failure(cause)).increment(1);
            tracing::debug!(error = error as &dyn std::error::Error, "a TLS handshake failed");
            return;
        };
        metrics::counter!("mftplus_client_certificates_refused_total", "reason" => reason).increment(1);
        if let Some(others) = self.refused.permit(Instant::now()) {
            let error: &dyn std::error::Error = error;
            tracing::warn!(error, reason, %peer, others, "a client certificate was refused");
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl TimeProvider for ServerTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().timestamp()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// The reason why a client certificate was refused, as a label; `None` if the handshake failed for another reason.
fn refusal(error: &rustls::Error) -> Option<&'static str> {
    use CertificateError as Problem;
    let problem = match error {
        rustls::Error::NoCertificatesPresented => return Some("none"),
        rustls::Error::InvalidCertificate(problem) => problem,
        _ => return None,
    };
    Some(match problem {
        Problem::Expired
        | Problem::ExpiredContext { .. }
        | Problem::NotValidYet
        | Problem::NotValidYetContext { .. } => "expired",
        Problem::UnknownIssuer | Problem::BadSignature => "other_authority",
        _ => "invalid",
    })
}

/// Why a handshake failed, as a label.
const fn failure(error: Option<&rustls::Error>) -> &'static str {
    match error {
        Some(rustls::Error::AlertReceived(_)) => "refused_by_client",
        Some(rustls::Error::PeerIncompatible(_)) => "incompatible",
        Some(_) => "invalid",
        None => "disconnected",
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
