//! Client certificates of agents.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Instant, field_reader::raw_text, input_macro::input};

/// The maximum number of bytes of a certificate signing request.
pub const MAX_CSR: usize = 16 * 1024;

input! {
    /// Input for issuing a client certificate.
    #[derive(Clone, Debug, PartialEq, ToSchema)]
    #[schema(rename_all = "camelCase",
        example = json!({ "csr": "-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----\n" }))]
    pub struct IssueCertificate {
        /// Certificate signing request (PKCS#10, PEM), signed with the agent's private key: EC P-256 or P-384, Ed25519, or
        /// RSA with 2,048 to 8,192 bits. Only its public key is used. The server chooses subject, usage and validity.
        #[schema(min_length = 1, max_length = 16384)]
        csr: String = required("csr", &[], raw_text(MAX_CSR)),
    }
}

/// A client certificate that an agent may authenticate with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::SimpleObject)]
#[graphql(name = "AgentCertificate")]
pub struct KeptCertificate {
    /// Time at which the certificate was issued.
    pub issued_at: Instant,
    /// Time at which the certificate expires.
    pub expires_at: Instant,
}

/// A client certificate of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentCertificate {
    /// The certificate as PEM. Its subject has the agent's id as CN and the customer's id as O.
    #[schema(example = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n")]
    pub pem: String,
    /// Serial number in hexadecimal digits.
    #[schema(example = "5f0c3a1e9b7d4c2a8e6f1b3d5a7c9e0f")]
    pub serial_number: String,
    /// When the certificate expires.
    pub expires_at: Instant,
}
