//! Customers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Instant,
    field_reader::{Fields, FromFields, boolean, text},
    input_macro::input,
};
use crate::ids::CustomerId;

/// A customer: an organisation with its own agents, transfers, pipelines and users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// Id of the customer.
    pub id: CustomerId,
    /// Name of the customer.
    #[schema(example = "Acme Logistics")]
    pub name: String,
    /// Whether the customer is suspended: its users cannot sign in and its agents are refused.
    pub suspended: bool,
    /// Time at which the customer was created.
    pub created_at: Instant,
}

/// Input for creating a customer.
#[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
#[schema(example = json!({ "name": "Acme Logistics" }))]
pub struct CreateCustomer {
    /// Name of the customer.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
}

impl FromFields for CreateCustomer {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        Some(Self { name: fields.required("name", &[], text(1, 255))? })
    }
}

input! {
    /// Changes to a customer. Omitted fields keep their values.
    #[derive(Clone, Debug, Default, PartialEq, Eq, ToSchema)]
    #[schema(example = json!({ "suspended": true }))]
    pub struct UpdateCustomer {
        /// New name.
        #[schema(nullable = false, min_length = 1, max_length = 255)]
        name: Option<String> = update("name", &[], text(1, 255)),
        /// `true` suspends the customer: its users cannot sign in and its agents are refused. `false` ends the
        /// suspension.
        #[schema(nullable = false)]
        suspended: Option<bool> = update("suspended", &[], boolean),
    }
}
