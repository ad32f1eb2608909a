//! Reads the inputs and filters of GraphQL as the fields of a REST body or query, so that one validation holds for both
//! APIs.

use serde::Serialize;
use serde_json::Value;

use crate::{
    error::{Error, Result},
    model::{FromFields, transfer::TransferFilter},
};

/// Reads an input like the fields of a REST body.
///
/// # Errors
///
/// [`Error::Fields`] with all errors.
pub(super) fn read<T: FromFields>(input: &impl Serialize) -> Result<T> {
    let Value::Object(fields) = serde_json::to_value(input).map_err(Error::internal)? else {
        return Err(Error::internal("an input that is not an object"));
    };
    T::read(fields)
}

/// Reads a filter of transfers.
///
/// # Errors
///
/// [`Error::Fields`] with all errors.
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
