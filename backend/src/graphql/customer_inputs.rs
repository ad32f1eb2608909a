//! Inputs of customers.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;

/// Input for creating a customer.
#[derive(Clone, Debug, InputObject, Serialize)]
pub(super) struct CreateCustomerInput {
    /// Name of the customer, 1 to 255 characters.
    name: String,
}

/// Changes to a customer. Omitted fields keep their values.
#[derive(Clone, Debug, InputObject, Serialize)]
pub(super) struct UpdateCustomerInput {
    /// New name, 1 to 255 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// `true` suspends the customer: its users cannot sign in and its agents are refused. `false` ends the suspension.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    suspended: MaybeUndefined<bool>,
}
