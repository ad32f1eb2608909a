//! Certificates for tests, and clients that trust them.

use std::path::Path;

use axum::Router;
use backend::{
    config::CertificateFiles,
    server::{Listeners, certificate::ServerCertificate, tls::Tls},
    transport::ConnectionLimits,
};
use rcgen::CertifiedKey;
use tokio::net::TcpListener;

use super::TestListener;

/// A certificate that signs itself, with its key; both as PEM.
pub(crate) struct TestCertificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl TestCertificate {
    /// A certificate of a server on this machine. It is valid at any time.
    pub(crate) fn of_server() -> Self {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
                .expect("a certificate");
        Self { certificate: cert.pem(), key: signing_key.serialize_pem() }
    }

    /// Writes both files into a folder, over those that are there.
    pub(crate) fn write(&self, folder: &Path) -> CertificateFiles {
        let files = CertificateFiles { certificate: folder.join("server.pem"), key: folder.join("server.key") };
        std::fs::write(&files.certificate, &self.certificate).expect("written");
        std::fs::write(&files.key, &self.key).expect("written");
        files
    }

    /// An HTTP client that trusts this certificate and no other.
    pub(crate) fn client(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes()).expect("a certificate");
        reqwest::Client::builder().tls_certs_only([root]).no_proxy().build().expect("a client")
    }
}

impl TestListener {
    /// Serves this router over TLS on a free port within these limits.
    pub(crate) async fn of_tls(router: Router, limits: ConnectionLimits, tls: Tls) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let listeners = Listeners::new(router, limits);
        listeners.listen_tls(listener, tls);
        Self { address, listeners }
    }
}

/// TLS with the certificate in these files.
pub(crate) async fn tls_of(files: CertificateFiles) -> Tls {
    Tls::new(ServerCertificate::load(files).await.expect("a certificate")).expect("TLS")
}
