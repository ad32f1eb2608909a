//! Saved views of the signed-in user: list, create, update, delete.

use cynic::{Id, MutationBuilder, QueryBuilder};

use super::{ById, ByIdFields, Request, schema};

/// A view of a list that the user has saved.
#[derive(Clone, Debug, PartialEq, cynic::QueryFragment)]
pub(crate) struct SavedView {
    pub(crate) id: Id,
    pub(crate) name: String,
    /// The list that the view is of: its address without the leading slash.
    pub(crate) page: String,
    /// The query parameters of the list's address.
    pub(crate) query: String,
    /// Whether the list opens with this view.
    pub(crate) is_default: bool,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query")]
struct ListViews {
    views: Vec<SavedView>,
}

/// A new view.
#[derive(cynic::InputObject)]
pub(crate) struct CreateViewInput {
    pub(crate) name: String,
    pub(crate) page: String,
    pub(crate) query: String,
}

/// The changes to a view.
#[derive(Default, cynic::InputObject)]
#[cynic(graphql_type = "UpdateViewInput")]
pub(crate) struct ViewChange {
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub(crate) is_default: Option<bool>,
}

#[derive(cynic::QueryVariables)]
struct CreateVariables {
    input: CreateViewInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateVariables")]
struct CreateView {
    #[arguments(input: $input)]
    create_view: SavedView,
}

#[derive(cynic::QueryVariables)]
struct UpdateVariables {
    id: Id,
    input: ViewChange,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateVariables")]
struct UpdateView {
    #[arguments(id: $id, input: $input)]
    update_view: SavedView,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ById")]
struct DeleteView {
    #[arguments(id: $id)]
    delete_view: Id,
}

/// All views of the user, of which there are at most 50.
pub(crate) fn list() -> Request<Vec<SavedView>> {
    Request::new(&ListViews::build(()), |found| Ok(found.views))
}

/// Saves a view.
pub(crate) fn create(input: CreateViewInput) -> Request<SavedView> {
    Request::new(&CreateView::build(CreateVariables { input }), |created| Ok(created.create_view))
}

/// Changes a view. Each list has at most one default view: making a view the default replaces the earlier one.
pub(crate) fn update(id: &str, input: ViewChange) -> Request<SavedView> {
    let operation = UpdateView::build(UpdateVariables { id: Id::new(id), input });
    Request::new(&operation, |updated| Ok(updated.update_view))
}

/// Deletes a view; returns its id.
pub(crate) fn delete(id: &str) -> Request<Id> {
    Request::new(&DeleteView::build(ById::new(id)), |deleted| Ok(deleted.delete_view))
}
