//! The client certificate of this agent with its private key, in `certificate.json`, which only its owner can read.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::storage::state_file;

/// How long before it expires a certificate is renewed.
const RENEWAL: TimeDelta = TimeDelta::days(30);

/// A client certificate with its private key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClientCertificate {
    /// The agent that the certificate was issued to. After another registration, the certificate cannot be used.
    agent_id: Uuid,
    /// PEM.
    certificate: String,
    /// PEM.
    private_key: String,
    expires_at: DateTime<Utc>,
}

/// A new private key, and the certificate signing request for it.
pub(crate) struct CertificateRequest {
    agent_id: Uuid,
    private_key: String,
    csr: String,
}

impl CertificateRequest {
    /// Generates a private key and the signing request for a certificate of this agent.
    pub(crate) fn generate(agent_id: Uuid) -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, agent_id.to_string());
        let key = KeyPair::generate().context("no private key can be generated")?;
        let csr = params.serialize_request(&key)?.pem()?;
        Ok(Self { agent_id, private_key: key.serialize_pem(), csr })
    }

    /// The certificate signing request as PEM.
    pub(crate) fn csr(&self) -> &str {
        &self.csr
    }

    /// Combines the private key with the certificate that the server issued for it.
    pub(crate) fn complete(self, certificate: String, expires_at: DateTime<Utc>) -> ClientCertificate {
        ClientCertificate { agent_id: self.agent_id, certificate, private_key: self.private_key, expires_at }
    }
}

impl ClientCertificate {
    /// Reads the certificate of this agent in `state_dir`; `None` if it is missing, damaged, unreadable or that of
    /// another agent.
    pub(crate) fn load(state_dir: &Path, agent_id: Uuid) -> Option<Self> {
        let stored = state_file::read_stored::<Self>(&path(state_dir));
        let stored = stored.inspect_err(|error| tracing::warn!("the client certificate cannot be read: {error}"));
        stored.ok()?.content().filter(|certificate| certificate.agent_id == agent_id)
    }

    /// Writes the certificate into `state_dir`, atomically.
    pub(crate) fn save(&self, state_dir: &Path) -> anyhow::Result<()> {
        state_file::create_private_folder(state_dir)?;
        Ok(state_file::write_durably(&path(state_dir), self)?)
    }

    /// The certificate and its private key as PEM.
    pub(crate) fn pem(&self) -> String {
        format!("{}\n{}", self.certificate.trim_end(), self.private_key)
    }

    /// Whether the certificate has not expired at the time `now`.
    pub(crate) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        now < self.expires_at
    }

    /// Whether the certificate must be renewed: it has expired, or expires within 30 days.
    pub(crate) fn is_due(&self, now: DateTime<Utc>) -> bool {
        now >= self.expires_at - RENEWAL
    }

    /// The validity as a text for users: `valid until …` or `expired on …`, with the time in UTC.
    pub(crate) fn validity(&self, now: DateTime<Utc>) -> String {
        let end = self.expires_at.format("%Y-%m-%d %H:%M UTC");
        if self.is_valid(now) { format!("valid until {end}") } else { format!("expired on {end}") }
    }

    pub(crate) fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("certificate.json")
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use uuid::Uuid;

    use super::{CertificateRequest, ClientCertificate};

    fn certificate(agent: Uuid) -> anyhow::Result<ClientCertificate> {
        let end = DateTime::from_timestamp(1_777_122_000, 0).unwrap_or_default();
        Ok(CertificateRequest::generate(agent)?.complete("certificate\n".into(), end))
    }

    #[test]
    fn a_certificate_is_read_back_by_its_own_agent_only() -> anyhow::Result<()> {
        let dir = tempfile::tempdir()?;
        let agent = Uuid::new_v4();
        assert!(ClientCertificate::load(dir.path(), agent).is_none());
        let written = certificate(agent)?;
        written.save(dir.path())?;
        let read = ClientCertificate::load(dir.path(), agent).map(|read| (read.pem(), read.expires_at()));
        assert_eq!(read, Some((written.pem(), written.expires_at())));
        assert!(ClientCertificate::load(dir.path(), Uuid::new_v4()).is_none());
        std::fs::write(dir.path().join("certificate.json"), "{")?;
        assert!(ClientCertificate::load(dir.path(), agent).is_none(), "it is issued again");
        Ok(())
    }

    #[test]
    fn a_certificate_is_renewed_thirty_days_before_its_end() -> anyhow::Result<()> {
        let certificate = certificate(Uuid::new_v4())?;
        let end = certificate.expires_at();
        for (before, is_due, is_valid) in [(TimeDelta::days(31), false, true), (TimeDelta::days(30), true, true)] {
            assert_eq!((certificate.is_due(end - before), certificate.is_valid(end - before)), (is_due, is_valid));
        }
        assert!(certificate.is_due(end) && !certificate.is_valid(end));
        assert_eq!(certificate.validity(end - TimeDelta::days(31)), "valid until 2026-04-25 13:00 UTC");
        assert_eq!(certificate.validity(end), "expired on 2026-04-25 13:00 UTC");
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn the_private_key_can_be_read_by_its_owner_only_and_does_not_print_itself() -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir()?;
        let certificate = certificate(Uuid::new_v4())?;
        certificate.save(dir.path())?;
        let mode = std::fs::metadata(dir.path().join("certificate.json"))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(certificate.pem().contains("PRIVATE KEY") && !format!("{certificate:?}").contains("PRIVATE"));
        Ok(())
    }
}
