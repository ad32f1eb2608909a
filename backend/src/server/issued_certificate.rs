//! The certificate of the listener for client certificates if the operator chose none: signed by the server's own
//! authority, which agents trust anyway.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::time::interval;
use url::Url;

use super::tls::provider;
use crate::{
    clock::Clock,
    config::{ListenAddress, ServeSettings},
    ids::IdGenerator,
    service::{CertificateAuthority, Serial},
};

/// The age at which the certificate is replaced: two thirds of its validity.
const RENEWAL_AGE: TimeDelta = TimeDelta::days(60);
/// How often the age is checked.
const CHECK_INTERVAL: Duration = Duration::from_hours(1);

/// A certificate that the server issues to itself.
pub struct IssuedCertificate {
    authority: Arc<CertificateAuthority>,
    names: Vec<String>,
    clock: Clock,
    current: RwLock<Issued>,
}

struct Issued {
    certified: Arc<CertifiedKey>,
    issued_at: DateTime<Utc>,
}

impl IssuedCertificate {
    /// Issues a certificate for these names and addresses.
    ///
    /// # Errors
    ///
    /// An error if the authority cannot sign the certificate.
    pub fn issue(authority: Arc<CertificateAuthority>, names: Vec<String>, clock: Clock) -> Result<Arc<Self>> {
        let current = RwLock::new(issue(&authority, &names, clock.now())?);
        Ok(Arc::new(Self { authority, names, clock, current }))
    }

    /// Calls [`Self::renew`] every hour. The future never completes.
    pub async fn follow(self: Arc<Self>) {
        let mut ticks = interval(CHECK_INTERVAL);
        loop {
            ticks.tick().await;
            self.renew();
        }
    }

    /// Replaces the certificate if it was issued 60 days ago or earlier. If that fails, the current one stays in use
    /// and the error is logged.
    pub fn renew(&self) {
        let now = self.clock.now();
        let age = now - self.current.read().unwrap_or_else(PoisonError::into_inner).issued_at;
        if age.abs() < RENEWAL_AGE {
            return;
        }
        match issue(&self.authority, &self.names, now) {
            Ok(issued) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = issued;
                tracing::info!("the certificate of the listener for client certificates was renewed");
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "the certificate of the listener for client certificates cannot be renewed");
            }
        }
    }
}

impl ResolvesServerCert for IssuedCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).certified))
    }
}

impl fmt::Debug for IssuedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCertificate").field("names", &self.names).finish_non_exhaustive()
    }
}

fn issue(authority: &CertificateAuthority, names: &[String], now: DateTime<Utc>) -> Result<Issued> {
    let mut serial: Serial = [0; 16];
    IdGenerator::system().fill(&mut serial);
    let (certificate, key) = authority
        .issue_server(names.to_vec(), serial, now)
        .with_context(|| format!("no certificate can be issued for {}", names.join(", ")))?;
    let certified = CertifiedKey::from_der(vec![certificate], key, &provider())?;
    Ok(Issued { certified: Arc::new(certified), issued_at: now })
}

/// The names and addresses under which agents may reach this server: of this machine, of the listener, and of the public
/// URL.
pub(super) fn names(settings: &ServeSettings) -> Vec<String> {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let listener = settings.mtls_listen.as_ref().and_then(ListenAddress::host).unwrap_or_default();
    let public = settings.public_url.as_ref().and_then(|url| Url::parse(url.origin()).ok());
    let public = public.as_ref().and_then(Url::host_str).unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    for name in ["localhost", "127.0.0.1", "::1", machine.trim(), listener, public] {
        let name = name.trim_matches(['[', ']']);
        let is_usable = !name.is_empty() && name.is_ascii() && !matches!(name, "0.0.0.0" | "::");
        if is_usable && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}
