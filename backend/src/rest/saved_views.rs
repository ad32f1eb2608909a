//! The routes of saved views.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::UserCaller,
    envelope::{Answer, DeletedData, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, PrefersMinimal, Query},
    list_response::{List, ListAnswer, listed},
};
use crate::{
    actor::Permission,
    ids::SavedViewId,
    model::{
        PageRequest, Pagination,
        saved_view::{CreateView, SavedView, UpdateView},
    },
};

/// A saved view.
#[derive(Serialize, ToSchema)]
pub(super) struct ViewData {
    /// The view.
    view: SavedView,
}

/// A page of saved views.
#[derive(Serialize, ToSchema)]
pub(super) struct ViewsData {
    /// Views on this page.
    views: Vec<SavedView>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(ViewsData, "views", views: SavedView);

/// Save a view
///
/// A user may have 50 views. Only this user sees them.
#[utoipa::path(post, path = "/api/views", tag = "Views", security(("bearer" = [])), request_body = CreateView,
    responses((status = 201, description = "The view", body = Success<ViewData>)))]
pub(super) async fn create_view(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<CreateView>,
) -> Answer<ViewData> {
    let (who, input) = (actor.clone(), body.input);
    let create = |cp: super::Shared, claim: Option<_>| async move { cp.create_view(&who, input, claim.as_ref()).await };
    let view = api
        .cp
        .with_idempotency(&actor, Permission::ManageSavedViews, "create_view", key.as_deref(), &body.raw, create)
        .await?;
    Ok(Reply::created(ViewData { view }))
}

/// List saved views
///
/// Only those of the caller.
#[utoipa::path(get, path = "/api/views", tag = "Views", security(("bearer" = [])), params(super::openapi::Paging),
    responses((status = 200, description = "A page of views", body = Success<ViewsData>)))]
pub(super) async fn list_views(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Query(request): Query<PageRequest>,
) -> ListAnswer<ViewsData> {
    let page = api.cp.list_views(&actor, request).await?;
    Ok(List::small(ViewsData { pagination: page.pagination(), views: page.items }))
}

/// Change a saved view
#[utoipa::path(patch, path = "/api/views/{id}", tag = "Views", security(("bearer" = [])),
    params(("id" = SavedViewId, Path, description = "The view's id")), request_body = UpdateView,
    responses((status = 200, description = "The view", body = Success<ViewData>)))]
pub(super) async fn update_view(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<SavedViewId>,
    PrefersMinimal(is_minimal): PrefersMinimal,
    body: Body<UpdateView>,
) -> PreferredAnswer<ViewData> {
    let view = api.cp.update_view(&actor, id, body.input).await?;
    Ok(Preferred::new(ViewData { view }, is_minimal))
}

/// Delete a saved view
#[utoipa::path(delete, path = "/api/views/{id}", tag = "Views", security(("bearer" = [])),
    params(("id" = SavedViewId, Path, description = "The view's id")),
    responses((status = 200, description = "The view is deleted", body = Success<DeletedData>)))]
pub(super) async fn delete_view(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<SavedViewId>,
) -> Answer<DeletedData> {
    api.cp.delete_view(&actor, id).await?;
    Ok(Reply::ok(DeletedData { deleted: true }))
}
