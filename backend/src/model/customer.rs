//! Customers and the codes by which their agents enrol.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Instant,
    fields::{Fields, FromFields, boolean, instant, integer, text},
    input::input,
};
use crate::ids::{CustomerId, EnrolmentCodeId};

/// Somebody with a fleet of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// Their id.
    pub id: CustomerId,
    /// Their name.
    #[schema(example = "Acme Logistics")]
    pub name: String,
    /// Whether they, their users and their agents are shut out.
    pub suspended: bool,
    /// When they were made.
    pub created_at: Instant,
}

/// What is said to make a customer.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(example = json!({ "name": "Acme Logistics" }))]
pub struct CreateCustomer {
    /// Their name.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
}

impl FromFields for CreateCustomer {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { name: fields.required("name", &[], text(1, 255))? })
    }
}

input! {
    /// What may change about a customer.
    #[derive(Clone, Debug, Default, PartialEq, Eq, ToSchema)]
    #[schema(example = json!({ "suspended": true }))]
    pub struct UpdateCustomer {
        /// A new name.
        #[schema(nullable = false, min_length = 1, max_length = 255)]
        name: Option<String> = update("name", &[], text(1, 255)),
        /// Shut out, or let in again.
        #[schema(nullable = false)]
        suspended: Option<bool> = update("suspended", &[], boolean),
    }
}

/// A code that lets agents register for a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
#[graphql(complex)]
pub struct EnrolmentCode {
    /// Its id.
    pub id: EnrolmentCodeId,
    /// The code: in full in the answer that made it, later only how it begins.
    #[schema(example = "mft_ec_4fT9…")]
    pub code: String,
    /// For whom agents register with it.
    pub customer_id: CustomerId,
    /// When it stops working.
    #[schema(required)]
    pub expires_at: Option<Instant>,
    /// How many agents may register with it.
    #[schema(required, minimum = 1, maximum = 2_147_483_647, example = 10)]
    pub max_uses: Option<i64>,
    /// How many agents have registered with it.
    #[schema(minimum = 0, example = 0)]
    pub uses: i64,
}

/// The most agents a code may be limited to: what an `Int` of GraphQL holds.
pub const MAX_USES: i64 = i32::MAX as i64;

input! {
    /// What is said to make an enrolment code.
    #[derive(Clone, Debug, Default, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase", example = json!({ "maxUses": 10 }))]
    pub struct CreateEnrolmentCode {
        /// When it stops working; never, if absent.
        #[schema(value_type = Option<Instant>)]
        expires_at: Option<DateTime<Utc>> = optional("expiresAt", &[], instant),
        /// How many agents may register with it; any number, if absent.
        #[schema(minimum = 1, maximum = 2_147_483_647)]
        max_uses: Option<i64> = optional("maxUses", &[], integer(1, MAX_USES)),
    }
}
