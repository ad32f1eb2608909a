//! The attention items, which are kept while the user goes from page to page.

use leptos::prelude::*;

use crate::{
    api::attention::{self, Attention, AttentionItem},
    live::Feed,
    reactive_query::{Fetch, Stage},
};

/// The attention items that the user sees. A handle: copies share the same items.
#[derive(Clone, Copy)]
pub(crate) struct AttentionItems {
    latest: RwSignal<Option<Attention>>,
    fetch: Fetch<()>,
}

impl AttentionItems {
    /// Subscribes to the items as long as the current reactive owner lives.
    pub(crate) fn follow(feed: Feed) -> Self {
        let latest = RwSignal::new(None::<Attention>);
        let take = move |fresh: Attention| {
            // The answer to a query may be older than an update that has arrived meanwhile.
            let is_newer = latest.try_with_untracked(|known| known.as_ref().is_none_or(|known| known.at <= fresh.at));
            if is_newer == Some(true) {
                latest.set(Some(fresh));
            }
        };
        let fetch = Fetch::new(move || attention::get().map(take));
        feed.watch(attention::watch(), take, move || fetch.reload());
        Self { latest, fetch }
    }

    /// Applies `read` to the latest items; `None` before the first answer. Reactive.
    pub(crate) fn read<T>(self, read: impl FnOnce(&Attention) -> T) -> Option<T> {
        self.latest.with(|latest| latest.as_ref().map(read))
    }

    /// The snoozed items if `is_snoozed`, otherwise the items that are not snoozed, in the order of the server; `None`
    /// before the first answer. Reactive.
    pub(crate) fn list(self, is_snoozed: bool) -> Option<Vec<AttentionItem>> {
        self.read(|attention| {
            let wanted = attention.items.iter().filter(|item| item.snoozed_until.is_some() == is_snoozed);
            wanted.cloned().collect()
        })
    }

    /// The number of items that are not snoozed; `None` before the first answer. Reactive.
    pub(crate) fn count(self) -> Option<i32> {
        let count = self.read(|attention| attention.items.iter().filter(|item| item.snoozed_until.is_none()).count());
        count.map(|count| i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// The stage of the first query. Reactive.
    pub(crate) fn stage(self) -> Stage {
        self.fetch.stage()
    }

    /// Queries again.
    pub(crate) fn reload(self) {
        self.fetch.reload();
    }
}
