//! The TLS session of a connection, as its requests see it.

use crate::actor::CertificateDigest;

/// An extension of each request that came over TLS which this server ends itself.
#[derive(Clone, Copy, Debug)]
pub struct TlsSession {
    /// The certificate of the client, signed by the authority of this server. Whether it was revoked is not known yet.
    pub client_certificate: Option<CertificateDigest>,
}
