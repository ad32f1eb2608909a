//! Saved views: the filters and columns of a page of the dashboard, which a user has given a name.

use mftplus_protocol::characters;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    Instant,
    field_reader::{Check, boolean, raw_text, text},
    input_macro::input,
    redaction,
};
use crate::ids::SavedViewId;

/// The maximum number of views of a user.
pub const MAX_VIEWS: u64 = 50;
/// The longest query text, in bytes.
const MAX_QUERY: usize = 2048;

/// A view of a page of the dashboard that a user has saved. Only this user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, async_graphql::SimpleObject)]
#[serde(rename_all = "camelCase")]
pub struct SavedView {
    /// Id of the view.
    pub id: SavedViewId,
    /// Name of the view.
    #[schema(example = "Failed at the partner")]
    pub name: String,
    /// Page of the dashboard that the view belongs to.
    #[schema(example = "transfers")]
    pub page: String,
    /// Query text of the page's URL: filters, order and columns.
    #[schema(example = "status=failed&q=partner")]
    pub query: String,
    /// Whether the dashboard opens the page with this view. At most one view of a page.
    pub is_default: bool,
    /// Time at which the view was saved.
    pub created_at: Instant,
    /// Time of the last change.
    pub updated_at: Instant,
}

/// The query text of a URL, in which other characters than visible ones are encoded.
fn query_text(value: Value) -> Check<String> {
    let query = raw_text(MAX_QUERY)(value)?;
    characters::check(&query, characters::is_forbidden_in_paths)?;
    redaction::check_query(&query)?;
    Ok(query)
}

input! {
    /// Input for saving a view.
    #[derive(Clone, Debug, PartialEq, Eq, ToSchema)]
    #[schema(example = json!({ "name": "Failed at the partner", "page": "transfers", "query": "status=failed&q=partner" }))]
    pub struct CreateView {
        /// Name of the view.
        #[schema(min_length = 1, max_length = 100)]
        name: String = required("name", &[], text(1, 100)),
        /// Page of the dashboard that the view belongs to.
        #[schema(min_length = 1, max_length = 64)]
        page: String = required("page", &[], text(1, 64)),
        /// Query text of the page's URL, at most 2,048 bytes.
        #[schema(max_length = 2048)]
        query: String = required("query", &[], query_text),
    }
}

input! {
    /// Changes to a saved view. Omitted fields keep their values.
    #[derive(Clone, Debug, Default, PartialEq, Eq, ToSchema)]
    #[schema(rename_all = "camelCase")]
    #[schema(example = json!({ "name": "Failed" }))]
    pub struct UpdateView {
        /// New name.
        #[schema(nullable = false, min_length = 1, max_length = 100)]
        name: Option<String> = update("name", &[], text(1, 100)),
        /// New page.
        #[schema(nullable = false, min_length = 1, max_length = 64)]
        page: Option<String> = update("page", &[], text(1, 64)),
        /// New query text, at most 2,048 bytes.
        #[schema(nullable = false, max_length = 2048)]
        query: Option<String> = update("query", &[], query_text),
        /// Whether the dashboard opens the page with this view. `true` replaces the earlier default view of the page.
        #[schema(nullable = false)]
        is_default: Option<bool> = update("isDefault", &[], boolean),
    }
}
