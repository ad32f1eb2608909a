//! The routes of attention items.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    ApiState,
    caller::UserCaller,
    envelope::{Answer, DeletedData, Reply, Success},
    extract::{Body, Id},
};
use crate::{
    ids::AttentionId,
    model::attention::{Attention, AttentionItem, SnoozeAttention},
};

/// An attention item.
#[derive(Serialize, ToSchema)]
pub(super) struct AttentionItemData {
    /// The item.
    item: AttentionItem,
}

/// Get what needs attention
///
/// Failures, silent agents, late runs and the like, grouped and ranked: at most 100 items. Customers see the items about
/// their agents and transfers. The answer may be a second old.
#[utoipa::path(get, path = "/api/attention", tag = "Attention", security(("bearer" = [])),
    responses((status = 200, description = "The items", body = Success<Attention>)))]
pub(super) async fn get_attention(State(api): State<ApiState>, UserCaller(actor): UserCaller) -> Answer<Attention> {
    Ok(Reply::ok(api.cp.get_attention(&actor).await?))
}

/// Snooze an attention item
///
/// The item is snoozed for all who see it. The snooze ends early if the severity of the item rises. Another snooze of the
/// item replaces it.
#[utoipa::path(post, path = "/api/attention/{id}/snooze", tag = "Attention", security(("bearer" = [])),
    params(("id" = AttentionId, Path, description = "The item's id")), request_body = SnoozeAttention,
    responses((status = 200, description = "The item", body = Success<AttentionItemData>)))]
pub(super) async fn snooze_attention(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<AttentionId>,
    body: Body<SnoozeAttention>,
) -> Answer<AttentionItemData> {
    let item = api.cp.snooze_attention(&actor, id, body.input).await?;
    Ok(Reply::ok(AttentionItemData { item }))
}

/// End the snooze of an attention item
#[utoipa::path(delete, path = "/api/attention/{id}/snooze", tag = "Attention", security(("bearer" = [])),
    params(("id" = AttentionId, Path, description = "The item's id")),
    responses((status = 200, description = "The item is not snoozed", body = Success<DeletedData>)))]
pub(super) async fn end_attention_snooze(
    State(api): State<ApiState>,
    UserCaller(actor): UserCaller,
    Id(id): Id<AttentionId>,
) -> Answer<DeletedData> {
    api.cp.end_attention_snooze(&actor, id).await?;
    Ok(Reply::ok(DeletedData { deleted: true }))
}
