//! Connections to the server: proxy and TLS, and whether the server refused the client certificate of this agent.

use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use reqwest::{Certificate, ClientBuilder};
use rustls::AlertDescription;

use crate::config::proxy::ProxyUrl;

/// The settings of connections to the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionSettings {
    /// The proxy on the way to the server; without one, that of the environment is used.
    pub(crate) https_proxy: Option<ProxyUrl>,
    /// The file with the certificates (PEM) of the authorities that are trusted; those of the system if there is none.
    pub(crate) ca_file: Option<PathBuf>,
    /// The address of the server's listener for client certificates.
    pub(crate) mtls_server: Option<String>,
}

impl ConnectionSettings {
    /// Sets which certificates of the server are trusted.
    pub(crate) fn trust(&self, builder: ClientBuilder) -> anyhow::Result<ClientBuilder> {
        let Some(file) = &self.ca_file else { return Ok(builder) };
        let pem = std::fs::read(file).with_context(|| format!("ca-file {}: cannot be read", file.display()))?;
        let trusted = Certificate::from_pem_bundle(&pem).ok().filter(|certificates| !certificates.is_empty());
        let trusted = trusted.with_context(|| format!("ca-file {}: contains no certificate in PEM", file.display()))?;
        Ok(builder.tls_certs_only(trusted))
    }
}

/// Whether a request failed because the server did not accept the client certificate.
pub(crate) fn is_certificate_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = tls.or_else(|| error.downcast_ref()) {
            return is_about_certificates(*alert);
        }
        cause = error.source();
    }
    false
}

fn is_about_certificates(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::DecryptError
            | Alert::CertificateRequired
    )
}
