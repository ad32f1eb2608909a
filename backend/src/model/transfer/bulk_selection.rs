//! The selection of the transfers that one request changes.

use std::collections::HashSet;

use serde_json::Value;
use utoipa::ToSchema;

use super::TransferFilter;
use crate::{
    error::{Error, Result},
    ids::TransferId,
    model::field_reader::{Check, Fields, FromFields, id},
};

/// The maximum number of transfers that one request changes.
pub const MAX_SELECTED: usize = 500;

/// Selects the transfers to change: by their ids, or by a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum TransferSelection {
    /// The transfers with these ids, each once.
    Ids(Vec<TransferId>),
    /// The transfers of a filter.
    Filter(Box<TransferFilter>),
}

/// The selection as REST describes it. Either `ids` or `filter` is required.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "ids": ["0199c1f0-6c00-7000-8000-000000000001"] }))]
pub struct SelectTransfers {
    /// Ids of the transfers.
    #[schema(min_items = 1, max_items = 500)]
    pub ids: Option<Vec<TransferId>>,
    /// Filter of the transfers: the filters of `GET /api/transfers` as fields, at least one, and no other field. It may
    /// select at most 500 transfers.
    #[schema(value_type = Option<Object>, example = json!({ "status": "failed", "q": "quota" }))]
    pub filter: Option<TransferFilter>,
}

impl FromFields for SelectTransfers {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let ids = fields.optional("ids", &[], ids);
        let filter = fields.optional("filter", &[], filter);
        Some(Self { ids: ids?, filter: filter? })
    }
}

fn ids(value: Value) -> Check<Vec<TransferId>> {
    let Value::Array(ids) = value else { return Err("must be an array of ids".to_owned()) };
    ids.into_iter().map(id::<TransferId>).collect::<Check<_>>().map_err(|_| "must be an array of UUIDs".to_owned())
}

fn filter(value: Value) -> Check<TransferFilter> {
    let Value::Object(fields) = value else { return Err("must be an object".to_owned()) };
    let mut fields = Fields::new(fields);
    let filter = TransferFilter::from_fields(&mut fields);
    // A misspelt filter would select transfers that the user did not mean.
    fields.refuse_unread("is not a filter of transfers");
    fields.finish(filter).map_err(|error| error.to_string())
}

impl SelectTransfers {
    /// Checks the input, and converts it into a selection.
    ///
    /// # Errors
    ///
    /// [`Error::Fields`] unless there are either 1 to 500 ids or a filter with a condition.
    pub fn selection(self) -> Result<TransferSelection> {
        match (self.ids, self.filter) {
            (Some(_), Some(_)) => Err(Error::field("filter", "cannot be given together with `ids`")),
            (None, None) => Err(Error::field("ids", "is required unless there is a `filter`")),
            (None, Some(filter)) if filter.is_empty() => Err(Error::field("filter", "give at least one field")),
            (None, Some(filter)) => Ok(TransferSelection::Filter(Box::new(filter))),
            (Some(mut ids), None) => {
                if !(1..=MAX_SELECTED).contains(&ids.len()) {
                    return Err(Error::field("ids", format!("must be an array of 1 to {MAX_SELECTED} ids")));
                }
                let mut seen = HashSet::new();
                ids.retain(|id| seen.insert(*id));
                Ok(TransferSelection::Ids(ids))
            }
        }
    }
}
