//! Attention items: what an operator should look at. They are computed from the database and cached briefly for each
//! scope, so that many watchers cause no more queries than one.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{ControlPlane, pipelines::NamedAgents};
use crate::{
    actor::{Actor, Permission, Scope},
    clock::MonotonicInstant,
    error::Result,
    events::{Invalidation, Signal},
    ids::{CustomerId, PipelineId},
    model::attention::{self, Attention, AttentionActionType, AttentionItem},
};

mod agents;
mod runs;
mod snoozes;
mod transfers;

/// The minimum time for which items are cached.
const LIFETIME: TimeDelta = TimeDelta::seconds(1);
/// The minimum time for which items are cached that are expensive to find and seldom change.
const SLOW_LIFETIME: TimeDelta = TimeDelta::seconds(30);
/// Items are cached for at least this many times the time that finding them took, so that a large fleet is not read all
/// the time.
const LIFETIME_FACTOR: i32 = 20;
/// The approximate maximum number of scopes whose items are cached. A further scope replaces one that is seldom
/// watched.
const MAX_SCOPES: usize = 1_000;

/// The cached items of each scope, and the agents that the definitions of pipelines name.
#[derive(Debug)]
pub(super) struct AttentionCache {
    scopes: quick_cache::sync::Cache<Scope, Arc<ScopeCache>>,
    named_agents: Mutex<HashMap<PipelineId, NamedAgents>>,
    /// Whether the last attempt to store the ends of snoozes failed.
    has_unstored_ends: AtomicBool,
}

impl Default for AttentionCache {
    fn default() -> Self {
        Self {
            scopes: quick_cache::sync::Cache::new(MAX_SCOPES),
            named_agents: Mutex::default(),
            has_unstored_ends: AtomicBool::default(),
        }
    }
}

/// The items of one scope.
#[derive(Debug, Default)]
struct ScopeCache {
    /// The task that reads the items again holds this lock, so that other tasks wait for its result.
    kept: tokio::sync::Mutex<Kept>,
    /// How often an item was snoozed or its snooze was ended.
    snooze_changes: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    attention: Option<Entry<Attention>>,
    /// [`ScopeCache::snooze_changes`] before the snoozes of `attention` were read.
    snooze_changes: u64,
    /// Whether `attention` was read again before its time, for an item that was not in it.
    is_reread: bool,
    slow: Option<Entry<Vec<AttentionItem>>>,
}

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    read_at: MonotonicInstant,
    lifetime: TimeDelta,
}

impl<T> Entry<T> {
    fn valid(entry: Option<&Self>, now: MonotonicInstant) -> Option<Arc<T>> {
        let entry = entry.filter(|entry| now.since(entry.read_at) < entry.lifetime)?;
        Some(Arc::clone(&entry.value))
    }
}

impl AttentionCache {
    fn of(&self, scope: Scope) -> Arc<ScopeCache> {
        let Ok(cache) = self.scopes.get_or_insert_with(&scope, || Ok::<_, Infallible>(Arc::default()));
        cache
    }

    /// Marks the snoozes of the affected scopes as changed, so that the next call reads them again. The items stay
    /// cached, because finding them is expensive and users may snooze as often as they like.
    pub(super) fn invalidate(&self, invalidations: &[Invalidation]) {
        for invalidation in invalidations {
            if let Invalidation::Attention(customer) = invalidation {
                let concerned = [Some(Scope::All), customer.map(Scope::Customer)];
                // Not `get`, which would count as a use: the user who snoozes an item need not watch it.
                for cache in concerned.into_iter().flatten().filter_map(|scope| self.scopes.peek(&scope)) {
                    cache.snooze_changes.fetch_add(1, Ordering::AcqRel);
                }
            }
        }
    }

    /// Applies a signal of the bus: [`Self::invalidate`] for a message; a resync removes all cached items.
    pub(super) fn apply(&self, signal: &Signal) {
        match signal {
            Signal::Message(message) => self.invalidate(&message.invalidations),
            Signal::Resync => self.scopes.clear(),
        }
    }

    /// Locks and returns the agents that pipelines name, as far as they have been determined.
    pub(super) fn named_agents(&self) -> MutexGuard<'_, HashMap<PipelineId, NamedAgents>> {
        self.named_agents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ControlPlane {
    /// Returns the attention items about objects that the caller may see: at most 100, ranked. The items are cached:
    /// for a second or, if finding them takes long, for longer.
    ///
    /// # Errors
    ///
    /// [`crate::error::Error::Forbidden`] for agents.
    pub async fn get_attention(&self, actor: &Actor) -> Result<Attention> {
        let scope = actor.require(Permission::ViewAttention)?;
        let attention = self.current_attention(scope, |_| true).await?;
        let items = attention.items.iter().cloned().map(|item| permitted_item(actor, item));
        Ok(Attention { items: items.collect(), at: attention.at })
    }

    /// The items of a scope with their snoozes. Cached items are read again if `is_enough` is false for them, because
    /// another server may know an item that is new. Within [`LIFETIME`], that happens once.
    async fn current_attention(&self, scope: Scope, is_enough: impl Fn(&Attention) -> bool) -> Result<Arc<Attention>> {
        let cache = self.attention.of(scope);
        let mut kept = cache.kept.lock().await;
        // Before the snoozes are read, so that a change meanwhile is not missed.
        let snooze_changes = cache.snooze_changes.load(Ordering::Acquire);
        let now = self.clock.monotonic();
        let valid = kept.attention.as_ref().filter(|entry| {
            let age = now.since(entry.read_at);
            age < entry.lifetime && (is_enough(&entry.value) || age < LIFETIME && kept.is_reread)
        });
        let attention = match valid {
            Some(entry) if kept.snooze_changes == snooze_changes => return Ok(Arc::clone(&entry.value)),
            Some(entry) => {
                let mut attention = Attention::clone(&entry.value);
                self.apply_snoozes(self.now(), &mut attention.items).await?;
                attention::rank(&mut attention.items);
                let attention = Arc::new(attention);
                if let Some(entry) = &mut kept.attention {
                    entry.value = Arc::clone(&attention);
                }
                attention
            }
            None => {
                let is_reread = kept.attention.as_ref().is_some_and(|entry| now.since(entry.read_at) < LIFETIME);
                let attention = self.read_attention(scope, &mut kept).await?;
                kept.is_reread = is_reread;
                attention
            }
        };
        kept.snooze_changes = snooze_changes;
        Ok(attention)
    }

    async fn read_attention(&self, scope: Scope, kept: &mut Kept) -> Result<Arc<Attention>> {
        let (began, now) = (self.clock.monotonic(), self.now());
        let customer = match scope {
            Scope::Customer(customer) => Some(customer),
            Scope::All | Scope::Agent(_) => None,
        };
        let slow = if let Some(slow) = Entry::valid(kept.slow.as_ref(), began) {
            slow
        } else {
            let slow = Arc::new(self.slow_attention(customer, now).await?);
            kept.slow = Some(self.entry(Arc::clone(&slow), began, SLOW_LIFETIME));
            slow
        };
        let mut items = slow.to_vec();
        items.extend(self.failed_transfers(customer, now).await?);
        items.extend(self.stalled_transfers(customer, now).await?);
        items.extend(self.unhealthy_agents(customer, now).await?);
        // Customers do not see runs.
        if customer.is_none() {
            items.extend(self.unhealthy_runs(now).await?);
        }
        self.apply_snoozes(now, &mut items).await?;
        attention::rank(&mut items);
        let attention = Arc::new(Attention { items, at: now.into() });
        kept.attention = Some(self.entry(Arc::clone(&attention), began, LIFETIME));
        Ok(attention)
    }

    /// Items that are expensive to find and change seldom.
    async fn slow_attention(&self, customer: Option<CustomerId>, now: DateTime<Utc>) -> Result<Vec<AttentionItem>> {
        let mut items = self.ending_credentials(customer, now).await?;
        if customer.is_none() {
            items.extend(self.pipelines_that_cannot_run().await?);
        }
        Ok(items)
    }

    fn entry<T>(&self, value: Arc<T>, began: MonotonicInstant, lifetime: TimeDelta) -> Entry<T> {
        let read_at = self.clock.monotonic();
        Entry { value, read_at, lifetime: lifetime.max(read_at.since(began) * LIFETIME_FACTOR) }
    }
}

/// The item, without its action if the caller lacks the permission for it.
fn permitted_item(actor: &Actor, item: AttentionItem) -> AttentionItem {
    let AttentionItem { action, .. } = item;
    AttentionItem { action: action.filter(|action| actor.may(permission(action.kind))), ..item }
}

/// The number of rows, slots or agents of a group.
fn count<T>(group: &[T]) -> i64 {
    i64::try_from(group.len()).unwrap_or(i64::MAX)
}

/// The earliest time of a group, which has one at least.
fn earliest(times: impl Iterator<Item = DateTime<Utc>>) -> DateTime<Utc> {
    times.min().unwrap_or_default()
}

const fn permission(action: AttentionActionType) -> Permission {
    match action {
        AttentionActionType::CancelTransfers => Permission::CancelTransfer,
        AttentionActionType::RerunPipelineRun => Permission::RerunPipelineRun,
        AttentionActionType::RetryTransfers => Permission::RetryTransfer,
        AttentionActionType::RunJob => Permission::RunJob,
        AttentionActionType::RunPipeline => Permission::RunPipeline,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_scope_that_is_watched_stays_whatever_number_of_others_is_watched() {
        let cache = AttentionCache::default();
        let watched = cache.of(Scope::All);
        for number in 0..5_000 {
            cache.of(Scope::Customer(CustomerId(Uuid::from_u128(number))));
            assert!(Arc::ptr_eq(&cache.of(Scope::All), &watched), "after {number} others");
        }
        let kept = cache.scopes.len();
        assert!((MAX_SCOPES / 2..=MAX_SCOPES * 2).contains(&kept), "{kept} scopes are kept");
    }
}
