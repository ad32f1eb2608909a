//! What handlers of requests can know of the TLS session of their connection.

use crate::actor::CertificateDigest;

/// An extension of each request that arrived over a TLS connection to this server itself, not to a proxy.
#[derive(Clone, Copy, Debug)]
pub struct TlsSession {
    /// The digest of the client certificate, which a trusted authority has signed; `None` without one. Whether the
    /// certificate was revoked has not been checked.
    pub client_certificate: Option<CertificateDigest>,
}
