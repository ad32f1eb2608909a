//! Webhook secrets: the secrets with which webhooks are signed.

use serde::{Deserialize, Serialize};

use super::Instant;
use crate::ids::{CustomerId, WebhookSecretId};

/// The secret that signs the webhooks of a customer or of the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct WebhookSecret {
    /// Id of the secret.
    pub id: WebhookSecretId,
    /// The secret. The answer that creates it contains the whole secret; later answers contain only its beginning.
    pub secret: String,
    /// Customer whose webhooks the secret signs; null for the platform's secret.
    pub customer_id: Option<CustomerId>,
    /// Time at which the secret was created. It replaced the one before at that time.
    pub created_at: Instant,
}
