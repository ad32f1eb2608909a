//! TLS to FTP servers: which certificates are trusted, and the settings of one control connection.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use suppaftp::tokio::AsyncRustlsConnector;
use suppaftp::tokio_rustls::TlsConnector;

/// The verifier of a server's certificate.
pub(super) type Verifier = Arc<dyn ServerCertVerifier>;

/// The versions of TLS in the order in which they are tried, each with a new connection.
///
/// Many servers accept a data connection only if it resumes the session of the control connection. In TLS 1.2 a session
/// is resumed any number of times. In TLS 1.3 each ticket is used once, and not every server sends as many as there are
/// data connections.
pub(super) static VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

/// Creates a verifier that trusts the certificates in `ca_file` (PEM); without it, those that this machine trusts.
pub(super) fn verifier(ca_file: Option<&[u8]>) -> Result<Verifier, String> {
    let provider: Arc<CryptoProvider> = Arc::new(default_provider());
    let Some(pem) = ca_file else {
        let verifier = rustls_platform_verifier::Verifier::new(provider);
        let verifier = verifier.map_err(|error| format!("{error}; name a CA file"))?;
        return Ok(Arc::new(verifier));
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("the CA file is not valid PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("the CA file contains an unusable certificate: {error}"))?;
    }
    if roots.is_empty() {
        return Err("the CA file contains no certificate in PEM form".to_owned());
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = builder.build().map_err(|error| error.to_string())?;
    Ok(verifier)
}

/// Creates the TLS connector of one control connection and its data connections. Each connector has its own store of
/// sessions, so a data connection can only resume the session of its own control connection.
pub(super) fn connector(
    verifier: &Verifier,
    version: &'static SupportedProtocolVersion,
) -> Result<AsyncRustlsConnector, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[version])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(verifier))
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)).into())
}

#[cfg(test)]
mod tests {
    use super::{VERSIONS, connector, verifier};

    #[test]
    fn a_ca_file_without_a_certificate_is_refused() {
        let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for text in [&b""[..], b"no PEM", garbage] {
            assert!(verifier(Some(text)).is_err());
        }
    }

    #[test]
    fn both_versions_of_tls_are_offered() -> anyhow::Result<()> {
        let pem = include_bytes!("tls/ca.pem");
        let verifier = verifier(Some(pem)).map_err(anyhow::Error::msg)?;
        for version in VERSIONS {
            connector(&verifier, version)?;
        }
        Ok(())
    }
}
