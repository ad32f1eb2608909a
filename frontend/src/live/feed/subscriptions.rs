//! The streams that the socket carries: their frames, and what is asked anew when some may have been missed.

use std::{rc::Rc, time::Duration};

use leptos::prelude::*;

use super::{super::protocol::Say, Feed, Link, OnAnswer, OnGap, Watch};
use crate::{
    api::Request,
    browser::{self, jitter},
};

/// Pause before an operation that the server has ended is begun again, in milliseconds.
const BEGIN_AGAIN_AFTER: u64 = 5000;

impl Feed {
    /// Watches a stream as long as the current owner lives. `on_update` gets each frame, all those of one animation
    /// frame together; nothing in a frame, and `on_gap`, mean that it is time to query again.
    pub(crate) fn watch<T: 'static>(
        self,
        stream: Request<Option<T>>,
        on_update: impl Fn(T) + 'static,
        on_gap: impl Fn() + 'static,
    ) {
        let told = stream.map(move |update| update.map(&on_update).is_some());
        self.follow(told, Rc::new(on_gap));
    }

    /// Follows a stream whose frames say whether they told something: so this is there once, and not for every stream.
    fn follow(self, stream: Request<bool>, on_gap: OnGap) {
        let Request { text, read } = stream;
        let gap = Rc::clone(&on_gap);
        let on_answer = move |answer: &str| match read(answer) {
            Ok(true) => {}
            Ok(false) => {
                let gap = Rc::clone(&gap);
                later(jitter(1500), move || gap());
            }
            Err(error) => leptos::logging::warn!("a frame was not understood: {error}"),
        };
        let watch = Watch { operation: Rc::from(text), on_answer: Rc::new(on_answer), on_gap };
        let id = self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            inner.last_id += 1;
            let id = inner.last_id;
            inner.watches.insert(id, watch.clone());
            id
        });
        if self.link.get_untracked() == Link::Live {
            self.begin(id, &watch);
        }
        on_cleanup(move || {
            self.inner.with_value(|inner| drop(inner.borrow_mut().watches.remove(&id)));
            self.say(&Say::Complete { id });
        });
    }

    /// Begins a stream, and queries once it surely runs: what changed in between was seen by neither.
    pub(super) fn begin(self, id: u32, watch: &Watch) {
        self.say(&Say::Subscribe { id, operation: &watch.operation });
        let on_gap = Rc::clone(&watch.on_gap);
        later(300 + jitter(1200), move || on_gap());
    }

    /// Begins a stream again that the server has ended.
    pub(super) fn begin_again(self, id: u32) {
        later(BEGIN_AGAIN_AFTER + jitter(BEGIN_AGAIN_AFTER), move || self.begin_now(id));
    }

    fn begin_now(self, id: u32) {
        let watch = self.inner.with_value(|inner| inner.borrow().watches.get(&id).cloned());
        if let Some(watch) = watch
            && self.link.get_untracked() == Link::Live
        {
            self.begin(id, &watch);
        }
    }

    /// Keeps a frame until the browser draws next. A hidden tab draws nothing: there a second has to do.
    pub(super) fn enqueue(self, on_answer: OnAnswer, answer: String) {
        let is_first = self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            inner.queue.push((on_answer, answer));
            inner.queue.len() == 1
        });
        if is_first && browser::is_hidden() {
            later(1000, move || self.apply());
        } else if is_first {
            request_animation_frame(move || self.apply());
        }
    }

    /// Passes on what has come.
    pub(super) fn apply(self) {
        let queue = self.inner.with_value(|inner| std::mem::take(&mut inner.borrow_mut().queue));
        for (on_answer, answer) in queue {
            on_answer(&answer);
        }
    }
}

fn later(milliseconds: u64, act: impl FnOnce() + 'static) {
    set_timeout(act, Duration::from_millis(milliseconds));
}
