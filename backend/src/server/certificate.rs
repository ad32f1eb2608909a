//! The server's certificate from files, which are read again when they change.

use std::{
    fmt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, Result};
use rustls::{
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use tokio::{sync::Mutex, time::interval};

use super::tls::provider;
use crate::config::CertificateFiles;

/// How often the files of the certificate are compared with what was read last.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// The TLS certificate that the server presents to its clients, read from files.
pub struct ServerCertificate {
    files: CertificateFiles,
    current: RwLock<Arc<CertifiedKey>>,
    /// What was read last: a digest of both files, or the reason why they could not be read.
    last_read: Mutex<Result<[u8; 32], String>>,
}

/// The contents of both files.
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl CertificateFiles {
    async fn read(&self) -> Result<Pem, String> {
        Ok(Pem { certificate: read(&self.certificate).await?, key: read(&self.key).await? })
    }

    fn certified(&self, pem: &Pem) -> Result<CertifiedKey, String> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| format!("{} contains no certificate in PEM", self.certificate.display()))?;
        let key = PrivateKeyDer::from_pem_slice(&pem.key);
        let key = key.map_err(|_| format!("{} contains no private key in PEM", self.key.display()))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                format!("{} is not the key of {}", self.key.display(), self.certificate.display())
            }
            other => format!("{} cannot be used: {other}", self.certificate.display()),
        })
    }
}

impl ServerCertificate {
    /// Reads the certificate and its private key from the files.
    ///
    /// # Errors
    ///
    /// A message that names the file that cannot be used, and the reason.
    pub async fn load(files: CertificateFiles) -> Result<Arc<Self>> {
        const SETTINGS: &str = "MFTPLUS_TLS_CERT and MFTPLUS_TLS_KEY";
        let pem = files.read().await.map_err(anyhow::Error::msg).context(SETTINGS)?;
        let certified = files.certified(&pem).map_err(anyhow::Error::msg).context(SETTINGS)?;
        let (current, last_read) = (RwLock::new(Arc::new(certified)), Mutex::new(Ok(pem.digest())));
        Ok(Arc::new(Self { files, current, last_read }))
    }

    /// Calls [`Self::reload`] every two seconds. The future never completes.
    pub async fn follow(self: Arc<Self>) {
        let mut ticks = interval(CHECK_INTERVAL);
        loop {
            ticks.tick().await;
            self.reload().await;
        }
    }

    /// Reads the files, and uses them from now on if they have changed and the key belongs to the certificate.
    /// Otherwise the current certificate stays in use, and the reason is logged once.
    pub async fn reload(&self) {
        let mut last_read = self.last_read.lock().await;
        let read = self.files.read().await;
        let found = read.as_ref().map(Pem::digest).map_err(Clone::clone);
        if found == *last_read {
            return;
        }
        *last_read = found;
        match read.and_then(|pem| self.files.certified(&pem)) {
            Ok(certified) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
                tracing::info!("the TLS certificate was replaced");
            }
            Err(problem) => tracing::warn!(problem, "the TLS certificate cannot be replaced: the current one remains"),
        }
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCertificate").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Pem {
    fn digest(&self) -> [u8; 32] {
        let lengths = [self.certificate.len(), self.key.len()].map(|length| (length as u64).to_be_bytes());
        let parts = [lengths.as_flattened(), &self.certificate, &self.key];
        parts.into_iter().fold(Sha256::new(), Sha256::chain_update).finalize().into()
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    tokio::fs::read(path).await.map_err(|error| format!("{} cannot be read: {error}", path.display()))
}
