//! The totals of the fleet and the throughput of the last minutes, kept while the user goes from page to page.

use std::collections::VecDeque;

use leptos::prelude::*;

use crate::{
    api::fleet::{self, Fleet},
    format,
    live::Feed,
    reactive_query::{Fetch, Stage},
};

/// Seconds of throughput that are kept.
const HISTORY_SECONDS: usize = 180;

/// The totals. A handle: copies are the same totals.
#[derive(Clone, Copy)]
pub(crate) struct FleetTotals {
    latest: RwSignal<Option<Fleet>>,
    /// One sample per second; `None` for seconds without data.
    history: RwSignal<VecDeque<Option<f64>>>,
    fetch: Fetch<()>,
    feed: Feed,
}

impl FleetTotals {
    /// Subscribes to the totals as long as the current reactive owner lives.
    pub(crate) fn follow(feed: Feed) -> Self {
        let latest = RwSignal::new(None);
        let take = move |totals| {
            latest.try_set(Some(totals));
        };
        let fetch = Fetch::new(move || fleet::get().map(take));
        feed.watch(fleet::watch(), take, move || fetch.reload());
        Self { latest, history: RwSignal::new(VecDeque::new()), fetch, feed }
    }

    /// Applies `read` to the latest totals; `None` before the first answer. Reactive.
    pub(crate) fn read<T>(self, read: impl FnOnce(&Fleet) -> T) -> Option<T> {
        self.latest.with(|latest| latest.as_ref().map(read))
    }

    /// Calls a function when the number of agents changes, as long as the current reactive owner lives. Updates of
    /// agents do not tell that an agent has registered or was revoked.
    pub(crate) fn on_agents(self, act: impl Fn() + 'static) {
        let total = Memo::new(move |_| self.read(|fleet| fleet.agents.total));
        Effect::watch(
            move || total.get(),
            move |_, before, _| {
                // Not when the number becomes known for the first time.
                if before.copied().flatten().is_some() {
                    act();
                }
            },
            false,
        );
    }

    /// The stage of the first query. Reactive.
    pub(crate) fn stage(self) -> Stage {
        self.fetch.stage()
    }

    /// Throughput of the last minutes in bytes per second, one sample per second, oldest first; `None` where there were
    /// no data. Reactive.
    pub(crate) fn history(self) -> Vec<Option<f64>> {
        self.history.with(|history| history.iter().copied().collect())
    }

    /// The time range of the history, as text. Reactive.
    pub(crate) fn history_label(self) -> String {
        match self.history.with(VecDeque::len) {
            ..10 => "right now".to_owned(),
            seconds => format!("last {}", format::duration(i64::try_from(seconds).unwrap_or(i64::MAX))),
        }
    }

    /// Adds the current throughput to the history, or a gap while no updates arrive. The caller must call this once a
    /// second.
    pub(crate) fn sample(self) {
        let Some(speed) = self.latest.with_untracked(|latest| latest.as_ref().map(|fleet| fleet.bytes_per_second))
        else {
            return;
        };
        let sample = self.feed.is_up_to_date().then_some(speed);
        self.history.update(|history| {
            if history.len() == HISTORY_SECONDS {
                history.pop_front();
            }
            history.push_back(sample);
        });
    }
}
