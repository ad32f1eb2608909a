//! Snoozes of attention items: a user puts an item aside until a given time, or until its severity rises.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    actor::{Actor, Permission, Scope},
    error::{Error, Result},
    events::Invalidation,
    ids::AttentionId,
    model::attention::{Attention, AttentionItem, SnoozeAttention},
    service::ControlPlane,
    store::{
        attention::snoozes::{self, SnoozeRow},
        db::EnumText,
    },
};

/// The longest snooze.
const LONGEST: TimeDelta = TimeDelta::days(366);

impl ControlPlane {
    /// Snoozes an item for all users who see it, and returns the item. An earlier snooze of the item is replaced.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if the caller sees no such item, [`Error::Fields`] if
    /// `until` is not in the future, or more than 366 days from now.
    pub async fn snooze_attention(
        &self,
        actor: &Actor,
        id: AttentionId,
        input: SnoozeAttention,
    ) -> Result<AttentionItem> {
        let scope = actor.require(Permission::SnoozeAttention)?;
        let now = self.now();
        if input.until <= now || input.until > now + LONGEST {
            return Err(Error::field("until", "must be in the future, and at most 366 days from now"));
        }
        let attention = self.attention_with(scope, id).await?;
        let item = attention.items.iter().find(|item| item.id == id).ok_or(Error::NotFound("attention item"))?;
        let snooze = SnoozeRow {
            item_id: id,
            kind: EnumText(item.kind),
            customer_id: item.customer_id,
            severity: EnumText(item.severity),
            until: input.until,
            reason: input.reason.clone(),
        };
        let mut work = self.begin(actor).await?;
        let (by, at) = (work.actor.clone(), work.now);
        snoozes::save(&mut work.tx, &snooze, &by, at).await?;
        work.invalidate(Invalidation::Attention(item.customer_id));
        self.commit(work).await?;
        let snoozed_until = Some(input.until.into());
        let item = AttentionItem { snoozed_until, snooze_reason: Some(input.reason), ..item.clone() };
        Ok(super::permitted_item(actor, item))
    }

    /// Ends the snooze of an item. Changes nothing if the item is not snoozed.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for agents, [`Error::NotFound`] if the caller sees neither such an item nor its snooze.
    pub async fn end_attention_snooze(&self, actor: &Actor, id: AttentionId) -> Result<()> {
        let scope = actor.require(Permission::SnoozeAttention)?;
        let snooze = snoozes::find(&self.db, id).await?.filter(|snooze| is_visible(snooze, scope));
        let Some(snooze) = snooze else {
            let attention = self.attention_with(scope, id).await?;
            let is_known = attention.items.iter().any(|item| item.id == id);
            return if is_known { Ok(()) } else { Err(Error::NotFound("attention item")) };
        };
        let mut work = self.begin(actor).await?;
        snoozes::delete(&mut work.tx, id).await?;
        work.invalidate(Invalidation::Attention(snooze.customer_id));
        self.commit(work).await
    }

    /// The items of a scope. They are read again if no cached item has this id.
    async fn attention_with(&self, scope: Scope, id: AttentionId) -> Result<Arc<Attention>> {
        self.current_attention(scope, |attention| attention.items.iter().any(|item| item.id == id)).await
    }

    /// Sets `snoozed_until` and `snooze_reason` of the items that are snoozed and clears them on all others. Ends the
    /// snoozes of items whose severity has risen.
    pub(super) async fn apply_snoozes(&self, now: DateTime<Utc>, items: &mut [AttentionItem]) -> Result<()> {
        let ids: Vec<AttentionId> = items.iter().map(|item| item.id).collect();
        let found = snoozes::of_items(&self.db, &ids, now).await?;
        let mut found: HashMap<AttentionId, SnoozeRow> =
            found.into_iter().map(|snooze| (snooze.item_id, snooze)).collect();
        let mut ended = Vec::new();
        for item in items {
            (item.snoozed_until, item.snooze_reason) = (None, None);
            let Some(snooze) = found.remove(&item.id) else { continue };
            if item.severity <= snooze.severity.0 {
                item.snoozed_until = Some(snooze.until.into());
                item.snooze_reason = Some(snooze.reason);
            } else {
                ended.push(snooze);
            }
        }
        if !ended.is_empty() {
            // If that fails, they are not shown as snoozed all the same.
            self.log_ends(&self.end_snoozes(&ended).await);
        }
        Ok(())
    }

    /// Logs once that ends of snoozes cannot be stored, and once that they can be stored again: every reader tries to
    /// store them.
    fn log_ends(&self, outcome: &Result<()>) {
        let has_failed = outcome.is_err();
        if self.attention.has_unstored_ends.swap(has_failed, Ordering::Relaxed) == has_failed {
            return;
        }
        if let Err(error) = outcome {
            tracing::warn!(error = error as &dyn std::error::Error, "the end of a snooze was not stored");
        } else {
            tracing::info!("the ends of snoozes are stored again");
        }
    }

    /// Ends these snoozes in one transaction, since readers wait for it while the database cannot be written.
    async fn end_snoozes(&self, ended: &[SnoozeRow]) -> Result<()> {
        let mut work = self.begin(&Actor::System).await?;
        for snooze in ended {
            snoozes::end(&mut work.tx, snooze).await?;
        }
        self.commit(work).await
    }
}

/// Whether callers with this scope see the item of a snooze.
fn is_visible(snooze: &SnoozeRow, scope: Scope) -> bool {
    scope.covers(snooze.customer_id) && (scope == Scope::All || !snooze.kind.0.is_about_runs())
}
