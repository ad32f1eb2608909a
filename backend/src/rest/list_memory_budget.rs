//! The memory budget of large lists. A list for which there is not enough memory waits instead of being refused.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    actor::Actor,
    error::{Error, Result},
    transport::CallerSemaphores,
};

/// The memory budget of all large lists, in bytes.
const BUDGET: usize = 256 * 1024 * 1024;
/// The number of bytes per permit of the budget.
pub(super) const PERMIT: usize = 1024;
/// The maximum number of large lists of one caller that are answered at once; further ones wait.
const LISTS_PER_CALLER: usize = 2;

/// The memory budget of large lists.
#[derive(Clone, Debug)]
pub struct ListBudget {
    bytes: Arc<Semaphore>,
    /// The number of permits for `bytes`.
    permits: usize,
    callers: CallerSemaphores,
}

impl Default for ListBudget {
    fn default() -> Self {
        Self::new(BUDGET)
    }
}

impl ListBudget {
    /// Creates a budget of this number of bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let permits = bytes / PERMIT;
        Self { bytes: Arc::new(Semaphore::new(permits)), permits, callers: CallerSemaphores::new(LISTS_PER_CALLER) }
    }

    /// Reserves the memory for a list of `items` items of at most `bytes_each` bytes, and waits until it is available.
    /// Must be called before the list is read from the database.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] if the semaphore is closed, which never happens.
    pub(super) async fn reserve(&self, actor: &Actor, items: u64, bytes_each: usize) -> Result<Share> {
        let of_caller = self.callers.of(&caller(actor)).acquire_owned().await.map_err(Error::internal)?;
        let each = bytes_each.div_ceil(PERMIT);
        // A list larger than the whole budget has it to itself.
        let permits = usize::try_from(items).unwrap_or(usize::MAX).saturating_mul(each).min(self.permits);
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        let held = Arc::clone(&self.bytes).acquire_many_owned(permits).await.map_err(Error::internal)?;
        Ok(Share { held, each, _of_caller: of_caller })
    }
}

/// The key of the caller for limits.
fn caller(actor: &Actor) -> String {
    match actor {
        Actor::Admin { user, .. } | Actor::Customer { user, .. } => user.to_string(),
        Actor::Agent { agent, .. } => agent.to_string(),
        Actor::System => String::new(),
    }
}

/// The memory that is reserved for an answer. It is released while the answer is written.
#[derive(Debug)]
pub(super) struct Share {
    held: OwnedSemaphorePermit,
    each: usize,
    _of_caller: OwnedSemaphorePermit,
}

impl Share {
    /// Reduces the reserved memory to that of this number of items.
    pub(super) fn shrink(&mut self, items: usize) {
        let surplus = self.held.num_permits().saturating_sub(items.saturating_mul(self.each));
        drop(self.held.split(surplus));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::ids::{SessionId, UserId};

    fn admin(number: u128) -> Actor {
        let id = uuid::Uuid::from_u128(number);
        Actor::Admin { user: UserId(id), session: SessionId(id) }
    }

    #[tokio::test]
    async fn a_caller_has_two_large_lists_at_once() {
        let budget = ListBudget::new(8 * PERMIT);
        let first = budget.reserve(&admin(1), 1, PERMIT).await.unwrap();
        let _second = budget.reserve(&admin(1), 1, PERMIT).await.unwrap();
        assert!(budget.reserve(&admin(1), 1, PERMIT).now_or_never().is_none(), "the third one waits");
        assert!(budget.reserve(&admin(2), 1, PERMIT).now_or_never().is_some(), "others do not");
        drop(first);
        assert!(budget.reserve(&admin(1), 1, PERMIT).now_or_never().is_some());
    }
}
