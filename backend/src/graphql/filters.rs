//! Filters and inputs as GraphQL takes them. They become the fields of a REST body or query, so that one validation holds
//! for both doors.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;
use serde_json::Value;

use crate::{
    error::{Error, Result},
    ids::CustomerId,
    model::{FromFields, Instant, account::Role, transfer::TransferFilter},
};

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

/// Input for creating an enrolment code.
#[derive(Clone, Debug, Default, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateEnrolmentCodeInput {
    /// Expiry time of the code. If omitted, it does not expire.
    expires_at: Option<Instant>,
    /// Maximum number of agents that may register with the code. If omitted, there is no limit.
    max_uses: Option<i32>,
}

/// Reads an input as the fields of a body are read.
///
/// # Errors
///
/// [`Error::Fields`] with all that is wrong.
pub(super) fn read<T: FromFields>(input: &impl Serialize) -> Result<T> {
    let Value::Object(fields) = serde_json::to_value(input).map_err(Error::internal)? else {
        return Err(Error::internal("an input that is no object"));
    };
    T::read(fields)
}

/// Reads a filter of transfers.
///
/// # Errors
///
/// [`Error::Fields`] with all that is wrong.
pub(super) fn read_transfer_filter(filter: Option<TransferFilter>) -> Result<TransferFilter> {
    let filter = filter.unwrap_or_default();
    let checked: TransferFilter = read(&filter)?;
    let status = filter.status.map(|mut status| {
        status.sort_unstable_by_key(|status| *status as u8);
        status.dedup();
        status
    });
    Ok(TransferFilter { status, job_run_id: filter.job_run_id, ..checked })
}
