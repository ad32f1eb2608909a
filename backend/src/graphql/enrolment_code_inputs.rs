//! Inputs of enrolment codes.

use async_graphql::InputObject;
use serde::Serialize;

use crate::model::Instant;

/// Input for creating an enrolment code.
#[derive(Clone, Debug, Default, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateEnrolmentCodeInput {
    /// Expiry time of the code. If omitted, it does not expire.
    expires_at: Option<Instant>,
    /// Maximum number of agents that may register with the code. If omitted, there is no limit.
    max_uses: Option<i32>,
}
