//! Certificates for tests, and clients that trust them.

use std::path::Path;

use axum::Router;
use backend::{
    config::CertificateFiles,
    server::{Listeners, certificate::ServerCertificate, tls::Tls},
    transport::ConnectionLimits,
};
use rcgen::{CertificateParams, CertifiedKey, KeyPair};
use serde_json::json;
use tokio::net::TcpListener;

use super::{TestApp, TestListener, app::TestAgent};

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
        self.builder().build().expect("a client")
    }

    /// The same client with a certificate of its own.
    pub(crate) fn client_as(&self, identity: reqwest::Identity) -> reqwest::Client {
        self.builder().identity(identity).build().expect("a client")
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes()).expect("a certificate");
        reqwest::Client::builder().tls_certs_only([root]).no_proxy()
    }
}

/// The private key of an agent.
pub(crate) struct AgentKey(pub(crate) KeyPair);

impl AgentKey {
    pub(crate) fn generate() -> Self {
        Self(KeyPair::generate().expect("a key"))
    }

    /// A signing request for this key, as PEM.
    pub(crate) fn csr(&self) -> String {
        let params = CertificateParams::new(Vec::<String>::new()).expect("parameters");
        params.serialize_request(&self.0).and_then(|request| request.pem()).expect("a request")
    }

    /// This key and its certificate, as an HTTP client takes them.
    pub(crate) fn identity(&self, certificate: &str) -> reqwest::Identity {
        let pem = format!("{certificate}{}", self.0.serialize_pem());
        reqwest::Identity::from_pem(pem.as_bytes()).expect("a certificate with its key")
    }
}

impl TestApp {
    /// A server that accepts client certificates, without rate limits.
    pub(crate) async fn with_authority() -> Self {
        Self::with(&["--rate-limits", "off", "--mtls-listen", "127.0.0.1:0"]).await
    }

    /// Issues a client certificate to an agent, and returns it as PEM.
    pub(crate) async fn certificate(&self, agent: &TestAgent, key: &AgentKey) -> String {
        let path = format!("/api/agents/{}/certificate", agent.id);
        let answer = self.key(&agent.key).post(&path, &json!({ "csr": key.csr() })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body["data"]["certificate"]["pem"].as_str().expect("a certificate").to_owned()
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
