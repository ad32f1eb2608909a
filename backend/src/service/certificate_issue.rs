//! Client certificates: the authority that signs them, and their issue to agents.

use sha2::{Digest as _, Sha256};

use super::{
    ControlPlane, Work,
    certificate_authority::{CertificateAuthority, Serial, hex, pem, requested_key},
};
use crate::{
    actor::{Actor, KeyDigest, Permission, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::AgentId,
    model::{
        certificate::{AgentCertificate, IssueCertificate},
        event::{Kind, Object},
    },
    store,
};

impl ControlPlane {
    /// Whether agents can authenticate with client certificates.
    #[must_use]
    pub const fn accepts_certificates(&self) -> bool {
        self.authority.is_some()
    }

    /// Returns the certificates of the authority as PEM.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if this server has no authority.
    pub fn get_certificate_authority(&self) -> Result<String> {
        Ok(self.authority()?.certificates().iter().map(pem).collect())
    }

    /// Issues a client certificate to the calling agent. Of the agent's earlier certificates, the newest ones remain
    /// valid, so that it has three at most.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] if the caller is not an agent or its API key was replaced by a newer one;
    /// [`Error::NotFound`] if `id` is another agent, or if this server has no authority.
    pub async fn issue_agent_certificate(
        &self,
        actor: &Actor,
        id: AgentId,
        input: &IssueCertificate,
    ) -> Result<AgentCertificate> {
        let own = actor.require_agent(Permission::IssueAgentCertificate)?;
        if own != id {
            return Err(Error::NotFound("agent"));
        }
        let authority = self.authority()?;
        let public_key = requested_key(&input.csr).map_err(|problem| Error::field("csr", problem))?;
        let mut work = self.begin(actor).await?;
        let row = store::agents::find(&mut work.tx, Scope::Agent(own), id).await?.ok_or(Error::NotFound("agent"))?;
        if let Actor::Agent { key: Some(key), .. } = actor {
            require_latest_key(&mut work, id, key).await?;
        }
        let serial = self.serial();
        let issued = authority.issue_client(&public_key, id, row.customer_id, serial, work.now);
        let issued = issued.map_err(Error::internal)?;
        if issued.expires_at <= work.now {
            return Err(Error::internal("the certificate authority has expired"));
        }
        let digest: [u8; 32] = Sha256::digest(&issued.der).into();
        let serial_number = hex(serial);
        store::agent_certificates::keep_newest(&mut work.tx, id, work.now).await?;
        store::agent_certificates::insert(&mut work.tx, id, &digest, &serial_number, work.now, issued.expires_at)
            .await?;
        // Some certificates may have been removed.
        work.invalidate(Invalidation::AgentKeys(id));
        work.note(Kind::AgentCertificateIssued, Object::Agent(row.into()));
        self.commit(work).await?;
        Ok(AgentCertificate { pem: pem(&issued.der), serial_number, expires_at: issued.expires_at.into() })
    }

    fn authority(&self) -> Result<&CertificateAuthority> {
        self.authority.as_deref().ok_or(Error::NotFound("certificate authority"))
    }

    fn serial(&self) -> Serial {
        let mut serial = [0; 16];
        self.ids.fill(&mut serial);
        serial
    }
}

/// An error if this API key of an agent was replaced by a newer one, used or not: a certificate outlives the overlap.
async fn require_latest_key(work: &mut Work, agent: AgentId, key: &KeyDigest) -> Result<()> {
    store::api_keys::lock_keys(&mut work.tx, agent).await?;
    let state = store::api_keys::key_state(&mut work.tx, &key.0, work.now).await?;
    if state.ok_or(Error::Unauthenticated("this API key is no longer valid"))?.is_replaced {
        return Err(Error::Forbidden(
            "this API key was replaced by a newer one: request a certificate with that one, or with a new key",
        ));
    }
    Ok(())
}
