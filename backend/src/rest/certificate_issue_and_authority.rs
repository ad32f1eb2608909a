//! Client certificates over REST.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::AgentCaller,
    envelope::{Answer, Failure, Reply, Success},
    extract::{Body, Id},
};
use crate::{
    ids::AgentId,
    model::certificate::{AgentCertificate, IssueCertificate},
};

/// A new client certificate.
#[derive(Serialize, ToSchema)]
pub(super) struct CertificateData {
    /// The certificate.
    certificate: AgentCertificate,
}

/// Get the certificate authority
///
/// The certificates, as PEM and without the envelope, of the authorities that sign the client certificates of agents. The
/// first one also signs the certificate of the listener for client certificates if the operator chose none. If this server
/// accepts no client certificates, the answer is 404.
#[utoipa::path(get, path = "/api/ca", tag = "Agents", security(()),
    responses((status = 200, description = "The certificates", body = String, content_type = "application/pem-certificate-chain")))]
pub(super) async fn get_certificate_authority(State(api): State<ApiState>) -> Result<Response, Failure> {
    let pem = api.cp.get_certificate_authority()?;
    let content_type = HeaderValue::from_static("application/pem-certificate-chain");
    Ok(([(header::CONTENT_TYPE, content_type)], pem).into_response())
}

/// Issue a client certificate
///
/// An agent sends a signing request for itself and gets a certificate that is valid for 90 days, with which it
/// authenticates on the listener for client certificates, with or without its API key. Its certificates remain valid beside
/// the new one, of several the newest three. With an API key that a newer one has replaced, the answer is 403. If this
/// server accepts no client certificates, it is 404.
#[utoipa::path(post, path = "/api/agents/{id}/certificate", tag = "Agents", security(("apiKey" = [])),
    params(("id" = AgentId, Path, description = "The agent's id")), request_body = IssueCertificate,
    responses((status = 201, description = "The certificate", body = Success<CertificateData>)))]
pub(super) async fn issue_agent_certificate(
    State(api): State<ApiState>,
    AgentCaller(actor): AgentCaller,
    Id(id): Id<AgentId>,
    body: Body<IssueCertificate>,
) -> Answer<CertificateData> {
    let certificate = api.cp.issue_agent_certificate(&actor, id, &body.input).await?;
    Ok(Reply::created(CertificateData { certificate }))
}
