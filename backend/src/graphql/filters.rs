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

/// A new customer.
#[derive(Clone, Debug, InputObject, Serialize)]
pub(super) struct CreateCustomerInput {
    /// What it is called: 1 to 255 characters.
    name: String,
}

/// What changes about a customer. What is left out stays.
#[derive(Clone, Debug, InputObject, Serialize)]
pub(super) struct UpdateCustomerInput {
    /// What it is called.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// Whether its users and agents are shut out.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    suspended: MaybeUndefined<bool>,
}

/// A new user.
#[derive(Clone, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateUserInput {
    /// The address they sign in with.
    email: String,
    /// Their password: 12 to 1,024 characters.
    password: String,
    /// What they may do.
    role: Role,
    /// Whose user they are; with the role `CUSTOMER` only, and then required.
    customer_id: Option<CustomerId>,
}

/// What changes about a user. What is left out stays.
#[derive(Clone, InputObject, Serialize)]
pub(super) struct UpdateUserInput {
    /// A new password: 12 to 1,024 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    password: MaybeUndefined<String>,
    /// What they may do from now on.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    role: MaybeUndefined<Role>,
    /// Whether they are shut out.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    suspended: MaybeUndefined<bool>,
}

/// What a new enrolment code is good for.
#[derive(Clone, Debug, Default, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateEnrolmentCodeInput {
    /// When it stops working; never, if left out.
    expires_at: Option<Instant>,
    /// How many agents may enrol with it; any number, if left out.
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
