//! The secrets that webhooks are signed with.

use serde::{Deserialize, Serialize};

use super::Instant;
use crate::ids::{CustomerId, WebhookSecretId};

/// What the webhooks of a customer, or of the platform, are signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct WebhookSecret {
    /// Its id.
    pub id: WebhookSecretId,
    /// The secret: in full in the answer that made it, later only how it begins.
    pub secret: String,
    /// Whose webhooks are signed with it; nothing for the platform's own.
    pub customer_id: Option<CustomerId>,
    /// When it was made. The one before works no more.
    pub created_at: Instant,
}
