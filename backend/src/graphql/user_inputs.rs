//! Inputs of users.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;

use crate::{ids::CustomerId, model::account::Role};

/// Input for creating a user.
#[derive(Clone, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateUserInput {
    /// E-mail address with which the user signs in.
    email: String,
    /// Password, 12 to 1,024 characters.
    password: String,
    /// Role of the user.
    role: Role,
    /// Customer of the user. Required for the role `CUSTOMER`, not allowed for `ADMIN`.
    customer_id: Option<CustomerId>,
}

/// Changes to a user. Omitted fields keep their values.
#[derive(Clone, InputObject, Serialize)]
pub(super) struct UpdateUserInput {
    /// New password, 12 to 1,024 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    password: MaybeUndefined<String>,
    /// New role.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    role: MaybeUndefined<Role>,
    /// `true` suspends the user, who can then not sign in. `false` ends the suspension.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    suspended: MaybeUndefined<bool>,
}
