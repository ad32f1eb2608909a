//! Inputs of saved views.

use async_graphql::{InputObject, MaybeUndefined};
use serde::Serialize;

/// Input for saving a view.
#[derive(Clone, Debug, InputObject, Serialize)]
pub(super) struct CreateViewInput {
    /// Name of the view, 1 to 100 characters.
    name: String,
    /// Page of the dashboard that the view belongs to, 1 to 64 characters.
    page: String,
    /// Query text of the page's URL, at most 2,048 bytes.
    query: String,
}

/// Changes to a saved view. Omitted fields keep their values.
#[derive(Clone, Debug, InputObject, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UpdateViewInput {
    /// New name, 1 to 100 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    name: MaybeUndefined<String>,
    /// New page, 1 to 64 characters.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    page: MaybeUndefined<String>,
    /// New query text, at most 2,048 bytes.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    query: MaybeUndefined<String>,
    /// Whether the dashboard opens the page with this view. `true` replaces the earlier default view of the page.
    #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
    is_default: MaybeUndefined<bool>,
}
