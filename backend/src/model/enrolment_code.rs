//! Enrolment codes, with which machines register as agents of a customer.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Instant,
    field_reader::{instant, integer},
    input_macro::input,
};
use crate::ids::{CustomerId, EnrolmentCodeId};

/// A secret with which machines register as agents of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct EnrolmentCode {
    /// Id of the enrolment code.
    pub id: EnrolmentCodeId,
    /// The code. The answer that creates it contains the whole code; later answers contain only its beginning.
    #[schema(example = "mft_ec_4fT9…")]
    pub code: String,
    /// Customer whose agents register with this code.
    pub customer_id: CustomerId,
    /// Time at which the code expires; null if it does not.
    #[schema(required)]
    pub expires_at: Option<Instant>,
    /// Maximum number of agents that may register with the code; null if there is no limit.
    #[schema(required, minimum = 1, maximum = 2_147_483_647, example = 10)]
    pub max_uses: Option<i64>,
    /// Number of agents that have registered with the code.
    #[schema(minimum = 0, example = 0)]
    pub uses: i64,
}

/// The maximum of `maxUses` of an enrolment code: the largest `Int` of GraphQL.
pub const MAX_USES: i64 = i32::MAX as i64;

input! {
    /// Input for creating an enrolment code.
    #[derive(Clone, Debug, Default, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({ "maxUses": 10 }))]
    pub struct CreateEnrolmentCode {
        /// Expiry time of the code. If omitted, it does not expire.
        #[schema(value_type = Option<Instant>)]
        expires_at: Option<DateTime<Utc>> = optional("expiresAt", &[], instant),
        /// Maximum number of agents that may register with the code. If omitted, there is no limit.
        #[schema(minimum = 1, maximum = 2_147_483_647)]
        max_uses: Option<i64> = optional("maxUses", &[], integer(1, MAX_USES)),
    }
}
