//! TLS of the listeners: the handshake.

use std::{fmt, io, sync::Arc};

use anyhow::Result;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::ResolvesServerCert,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::transport::TlsSession;

/// How a listener speaks TLS.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl Tls {
    /// TLS with this certificate, for clients without a certificate.
    ///
    /// # Errors
    ///
    /// If the crypto provider supports no version of TLS.
    pub fn new(certificate: Arc<impl ResolvesServerCert + 'static>) -> Result<Self> {
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(certificate);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: Arc::new(config).into() })
    }

    /// Performs the handshake. `None` if it failed, which is counted and logged here.
    pub(super) async fn accept(&self, stream: TcpStream) -> Option<(TlsStream<TcpStream>, TlsSession)> {
        match self.acceptor.accept(stream).await {
            Ok(stream) => Some((stream, TlsSession)),
            Err(error) => {
                metrics::counter!("mftplus_tls_handshakes_failed_total", "reason" => reason(&error)).increment(1);
                tracing::debug!(error = &error as &dyn std::error::Error, "a TLS handshake failed");
                None
            }
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// The reason of a failed handshake, as a label.
fn reason(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(_)) => "refused_by_client",
        Some(rustls::Error::PeerIncompatible(_)) => "incompatible",
        Some(_) => "invalid",
        None => "disconnected",
    }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
