//! Client certificates: when the agent asks for one, and when not.

use anyhow::Context as _;
use chrono::{TimeDelta, Utc};

use super::{TestAgent, wait_until};
use crate::identity::Registration;
use crate::identity::certificate::{CertificateRequest, ClientCertificate};

impl TestAgent {
    fn certificate(&self) -> anyhow::Result<Option<ClientCertificate>> {
        let registration = Registration::load(&self.state_dir())?.context("a registration")?;
        Ok(ClientCertificate::load(&self.state_dir(), registration.agent_id))
    }

    /// Stores a certificate that expires after this time.
    fn store_certificate(&self, life: TimeDelta) -> anyhow::Result<()> {
        let registration = Registration::load(&self.state_dir())?.context("a registration")?;
        let request = CertificateRequest::generate(registration.agent_id)?;
        request.complete("a certificate".into(), Utc::now() + life).save(&self.state_dir())
    }
}

#[tokio::test]
async fn registering_gets_a_client_certificate_from_a_server_that_issues_them() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    assert!(agent.certificate()?.is_none());
    agent.server.change(|state| state.issues_certificates = true);
    agent.register(true).await?;
    let certificate = agent.certificate()?.context("a certificate")?;
    assert!(certificate.pem().contains("a certificate") && certificate.pem().contains("PRIVATE KEY"));
    let request = agent.server.change(|state| state.signing_requests.pop()).context("a request")?;
    assert!(request.as_str().is_some_and(|request| request.contains("BEGIN CERTIFICATE REQUEST")), "{request}");
    Ok(())
}

#[tokio::test]
async fn the_daemon_renews_a_certificate_that_expires_within_thirty_days() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    agent.server.change(|state| state.issues_certificates = true);
    agent.store_certificate(TimeDelta::days(29))?;
    let renewed = || {
        let certificate = agent.certificate().ok().flatten();
        certificate.is_some_and(|certificate| !certificate.is_due(Utc::now()))
    };
    agent.with_daemon(async || wait_until(renewed).await).await
}

#[tokio::test]
async fn the_daemon_renews_no_certificate_that_is_valid_for_longer() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    agent.server.change(|state| state.issues_certificates = true);
    agent.store_certificate(TimeDelta::days(31))?;
    let until_heartbeats =
        async || agent.server.wait_until("several heartbeats", |state| state.heartbeats.len() > 3).await;
    agent.with_daemon(until_heartbeats).await?;
    assert_eq!(agent.server.change(|state| state.signing_requests.len()), 0);
    Ok(())
}

#[tokio::test]
async fn the_daemon_works_on_if_the_server_issues_no_certificate() -> anyhow::Result<()> {
    let agent = TestAgent::start().await?;
    agent.store_certificate(TimeDelta::days(1))?;
    let asked = async || {
        agent.server.wait_until("a request", |state| !state.signing_requests.is_empty()).await?;
        let before = agent.server.change(|state| state.heartbeats.len());
        agent.server.wait_until("further heartbeats", |state| state.heartbeats.len() > before + 1).await
    };
    agent.with_daemon(asked).await
}
