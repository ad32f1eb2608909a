//! The TLS session of a connection, as its requests see it.

/// An extension of each request that came over TLS which this server ends itself.
#[derive(Clone, Copy, Debug)]
pub struct TlsSession;
