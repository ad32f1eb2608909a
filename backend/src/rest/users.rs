//! The routes of users.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::{UserCaller, UserCreator, UserLister},
    envelope::{Answer, Preferred, PreferredAnswer, Reply, Success},
    extract::{Body, Id, IdempotencyKey, PrefersMinimal, Query},
    list_response::{List, ListAnswer, listed},
    session::UserData,
};
use crate::{
    actor::Permission,
    ids::UserId,
    model::{
        PageRequest, Pagination,
        account::{CreateUser, UpdateUser, User, UserFilter},
    },
};

/// A page of users.
#[derive(Serialize, ToSchema)]
pub(super) struct UsersData {
    /// Users on this page.
    users: Vec<User>,
    /// Position of the page.
    pagination: Pagination,
}

listed!(UsersData, "users", users: User);

/// Create a user
#[utoipa::path(post, path = "/api/users", tag = "Users", security(("bearer" = [])), request_body = CreateUser,
    responses((status = 201, description = "The user", body = Success<UserData>)))]
pub(super) async fn create_user(
    State(api): State<ApiState>,
    UserCreator(actor): UserCreator,
    IdempotencyKey(key): IdempotencyKey,
    body: Body<CreateUser>,
) -> Answer<UserData> {
    let (who, input) = (actor.clone(), body.input);
    let create = |cp: super::Shared, claim: Option<_>| async move { cp.create_user(&who, input, claim.as_ref()).await };
    let user = api
        .cp
        .with_idempotency(&actor, Permission::CreateUser, "create_user", key.as_deref(), &body.raw, create)
        .await?;
    Ok(Reply::created(UserData { user }))
}

/// List users
#[utoipa::path(get, path = "/api/users", tag = "Users", security(("bearer" = [])),
    params(super::openapi::Paging, UserFilter),
    responses((status = 200, description = "A page of users", body = Success<UsersData>)))]
pub(super) async fn list_users(
    State(api): State<ApiState>,
    UserLister(actor): UserLister,
    Query((request, filter)): Query<(PageRequest, UserFilter)>,
) -> ListAnswer<UsersData> {
    let page = api.cp.list_users(&actor, &filter, request).await?;
    Ok(List::small(UsersData { pagination: page.pagination(), users: page.items }))
}

/// Change a user's password, role or suspension
///
/// A new password, a new role or a suspension ends the user's sessions at once.
#[utoipa::path(patch, path = "/api/users/{id}", tag = "Users", security(("bearer" = [])),
    params(("id" = UserId, Path, description = "The user's id")), request_body = UpdateUser,
    responses((status = 200, description = "The user", body = Success<UserData>)))]
pub(super) async fn update_user(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<UserId>,
    PrefersMinimal(is_minimal): PrefersMinimal,
    body: Body<UpdateUser>,
) -> PreferredAnswer<UserData> {
    let user = api.cp.update_user(&actor, id, body.input).await?;
    Ok(Preferred::new(UserData { user }, is_minimal))
}
