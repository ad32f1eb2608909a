//! The settings of connections to the server (proxy and TLS), and the causes of failed TLS handshakes.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use anyhow::Context as _;
use reqwest::{Certificate, ClientBuilder};
use rustls::{AlertDescription, InvalidMessage};

use crate::config::proxy::ProxyUrl;

/// The settings of connections to the server.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionSettings {
    /// The proxy for requests to the server; `None` means the one in the environment variable `HTTPS_PROXY`, if it is
    /// set.
    pub(crate) https_proxy: Option<ProxyUrl>,
    /// The file with the certificates (PEM) of the trusted authorities; `None` means those of the system.
    pub(crate) ca_file: Option<PathBuf>,
    /// The address of the server's listener for client certificates; `None` if the agent presents no certificate.
    pub(crate) mtls_server: Option<String>,
}

impl ConnectionSettings {
    /// Makes the client trust only the certificates in `ca_file`, if that is set. Fails if the file cannot be used.
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
    tls_errors(error).any(|error| matches!(error, rustls::Error::AlertReceived(alert) if is_about_certificates(*alert)))
}

/// Whether a request failed because the other side does not speak TLS, such as a plain HTTP server.
pub(crate) fn is_without_tls(error: &reqwest::Error) -> bool {
    let not_tls = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
    tls_errors(error).any(|error| *error == not_tls)
}

/// The TLS errors in the chain of causes of a failed request.
fn tls_errors(error: &reqwest::Error) -> impl Iterator<Item = &rustls::Error> {
    let first: &(dyn Error + 'static) = error;
    std::iter::successors(Some(first), |&error| error.source()).filter_map(tls_error)
}

/// The TLS error that `error` is or wraps. The error wrapped by an `io::Error` is not its source, so it is looked up
/// separately.
fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(outer) => tls_error(outer.get_ref()?),
        None => error.downcast_ref(),
    }
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
