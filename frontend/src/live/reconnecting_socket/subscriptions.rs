//! The subscriptions of the page. Each has a callback for updates, and one for gaps, which makes the page query again.

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;

use super::{super::protocol::ClientMessage, Feed, OnGap, OnResult, Subscription};
use crate::{
    api::Request,
    browser::{self, jitter},
};

/// Pause before a subscription that the server has ended is started again, in milliseconds.
const RESUBSCRIBE_AFTER: u64 = 5000;
/// The time in which the server sends the current states after a subscription has started, in milliseconds.
const SNAPSHOT_AFTER: u64 = 1000;

impl Feed {
    /// Subscribes as long as the current reactive owner lives. `on_update` gets each update; all updates of one
    /// animation frame are applied together. `on_gap` is called when updates may have been missed, and must query
    /// again. It is not called when the subscription starts on an open connection, because the page sends its query
    /// after the subscription.
    pub(crate) fn watch<T: 'static>(
        self,
        stream: Request<Option<T>>,
        on_update: impl Fn(T) + 'static,
        on_gap: impl Fn() + 'static,
    ) {
        let handled = stream.map(move |update| update.map(&on_update).is_some());
        self.add(handled, Rc::new(on_gap));
    }

    /// Like [`watch`](Self::watch), for objects that a query has returned. If the connection is open, `on_started` is
    /// called once, after the server has had time to send the current states.
    pub(crate) fn watch_found<T: 'static>(
        self,
        stream: Request<Option<T>>,
        on_update: impl Fn(T) + 'static,
        on_gap: impl Fn() + 'static,
        on_started: impl Fn() + 'static,
    ) {
        self.watch(stream, on_update, on_gap);
        if self.is_live() {
            later(SNAPSHOT_AFTER + jitter(SNAPSHOT_AFTER), on_started);
        }
    }

    /// Adds a subscription. The function is not generic over the type of the object, so that its code exists once. The
    /// stream's `read` returns false for a message that reports a gap.
    fn add(self, stream: Request<bool>, on_gap: OnGap) {
        let Request { text, read } = stream;
        let gap = Rc::clone(&on_gap);
        let on_result = move |result: &str| match read(result) {
            Ok(true) => {}
            Ok(false) => {
                let gap = Rc::clone(&gap);
                later(jitter(1500), move || gap());
            }
            Err(error) => leptos::logging::warn!("an update was not understood: {error}"),
        };
        let subscription = Subscription { operation: Rc::from(text), on_result: Rc::new(on_result), on_gap };
        let id = self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            inner.last_id += 1;
            let id = inner.last_id;
            inner.subscriptions.push((id, subscription.clone()));
            id
        });
        if self.is_live() {
            self.subscribe(id, &subscription, false);
        }
        on_cleanup(move || {
            self.inner.with_value(|inner| inner.borrow_mut().subscriptions.retain(|(known, _)| *known != id));
            self.send(&ClientMessage::Complete { id });
        });
    }

    /// Starts a subscription on the open connection. If `is_gap`, also calls its `on_gap` a little later, because
    /// changes since the last query were not received.
    pub(super) fn subscribe(self, id: u32, subscription: &Subscription, is_gap: bool) {
        self.inner.with_value(|inner| inner.borrow_mut().subscribed_at = browser::own_clock());
        self.send(&ClientMessage::Subscribe { id, operation: &subscription.operation });
        if is_gap {
            let on_gap = Rc::clone(&subscription.on_gap);
            later(200 + jitter(600), move || on_gap());
        }
    }

    /// Starts a subscription again after the server has ended it.
    pub(super) fn resubscribe_later(self, id: u32) {
        later(RESUBSCRIBE_AFTER + jitter(RESUBSCRIBE_AFTER), move || self.resubscribe(id));
    }

    fn resubscribe(self, id: u32) {
        let subscription = self.inner.with_value(|inner| inner.borrow().subscription(id).cloned());
        if let Some(subscription) = subscription
            && self.is_live()
        {
            self.subscribe(id, &subscription, true);
        }
    }

    /// Queues a result until the next animation frame. A hidden tab has no animation frames, so the result waits for
    /// the next [`tick`](Self::tick).
    pub(super) fn enqueue(self, on_result: OnResult, result: String) {
        let is_first = self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            inner.queue.push((on_result, result));
            inner.queue.len() == 1
        });
        if is_first && !browser::is_hidden() {
            request_animation_frame(move || {
                let observer = self.inner.with_value(|inner| inner.borrow().observer.clone());
                self.apply_observed(observer.as_ref());
            });
        }
    }

    /// Applies the queued results outside of an animation frame.
    pub(super) fn apply(self) {
        self.apply_observed(None);
    }

    fn apply_observed(self, observer: Option<&OnResult>) {
        let queue = self.inner.with_value(|inner| std::mem::take(&mut inner.borrow_mut().queue));
        for (on_result, result) in queue {
            on_result(&result);
            if let Some(observer) = observer {
                observer(&result);
            }
        }
    }

    /// Calls `observer` with each result that is applied in an animation frame, as long as the current reactive owner
    /// lives. There is only one observer: a new one replaces the last.
    pub(crate) fn observe(self, observer: impl Fn(&str) + 'static) {
        let set =
            move |observer: Option<OnResult>| self.inner.with_value(|inner| inner.borrow_mut().observer = observer);
        set(Some(Rc::new(observer)));
        on_cleanup(move || set(None));
    }

    /// When a subscription was last sent, in milliseconds since 1970 of this machine's clock. Changes that were
    /// committed before that may have been received late.
    pub(crate) fn subscribed_at(self) -> i64 {
        self.inner.with_value(|inner| inner.borrow().subscribed_at)
    }
}

pub(super) fn later(milliseconds: u64, act: impl FnOnce() + 'static) {
    set_timeout(act, Duration::from_millis(milliseconds));
}
