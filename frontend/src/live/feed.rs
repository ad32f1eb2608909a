//! The socket of this tab: it stays connected, carries every subscription on the page, and asks for fresh queries
//! whenever frames may have been missed.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use cynic::StreamingOperation;
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    backoff::{self, Next},
    jitter,
    protocol::{self, Credentials, Heard, Say},
    socket::{Happening, Socket},
};
use crate::{
    api::{self, ApiError},
    browser,
    session::Session,
    time::Instant,
};

/// Silence after which the server is asked whether it is still there, in milliseconds.
const ASK_AFTER: i64 = 20_000;
/// Silence after which the connection is given up, in milliseconds.
const GIVE_UP_AFTER: i64 = 30_000;
/// Pause before an operation that the server has ended is begun again, in milliseconds.
const BEGIN_AGAIN_AFTER: u64 = 5000;

/// How the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Not wanted: nobody is signed in.
    Off,
    /// On its way.
    Connecting,
    /// Frames come as they happen.
    Live,
    /// Broken; the next try is at this time.
    Waiting(Instant),
    /// This machine has no network.
    Offline,
}

type OnAnswer = Rc<dyn Fn(&str)>;
type OnGap = Rc<dyn Fn()>;

#[derive(Clone)]
struct Watch {
    request: Rc<RawValue>,
    on_answer: OnAnswer,
    on_gap: OnGap,
}

#[derive(Default)]
struct Inner {
    socket: Option<Socket>,
    /// Counts the sockets, so that an old one's last words are not taken for the new one's.
    generation: u32,
    failures: u32,
    heard_at: i64,
    asked: bool,
    retry: Option<TimeoutHandle>,
    watches: BTreeMap<u32, Watch>,
    last_id: u32,
    queue: Vec<(OnAnswer, String)>,
}

/// The connection. A handle: copies are the same connection.
#[derive(Clone, Copy)]
pub(crate) struct Feed {
    inner: StoredValue<Rc<RefCell<Inner>>, LocalStorage>,
    link: RwSignal<Link>,
    session: Session,
}

impl Feed {
    /// A connection that is not wanted yet.
    pub(crate) fn new(session: Session) -> Self {
        Self { inner: StoredValue::new_local(Rc::default()), link: RwSignal::new(Link::Off), session }
    }

    /// How the connection is. Reactive.
    pub(crate) fn link(self) -> Link {
        self.link.get()
    }

    /// Connects now, without waiting for the next try.
    pub(crate) fn connect(self) {
        let Some(token) = self.session.token() else { return self.disconnect() };
        let inner = self.inner.get_value();
        let generation = {
            let mut inner = inner.borrow_mut();
            inner.generation += 1;
            if let Some(retry) = inner.retry.take() {
                retry.clear();
            }
            inner.heard_at = browser::now().0;
            inner.asked = false;
            inner.generation
        };
        self.link.set(Link::Connecting);
        let url = format!("{}/graphql/ws", browser::origin().replacen("http", "ws", 1));
        let opened = Socket::open(&url, protocol::SUBPROTOCOL, move |happening| {
            if self.inner.with_value(|inner| inner.borrow().generation) == generation {
                self.happened(happening, &token);
            }
        });
        match opened {
            Ok(socket) => drop(inner.borrow_mut().socket.replace(socket)),
            Err(_) => self.closed(1006),
        }
    }

    /// Somebody looks again, or the network is back: catches up, and does not wait for the next try.
    pub(crate) fn wake(self) {
        self.apply();
        if matches!(self.link.get_untracked(), Link::Waiting(_) | Link::Offline) {
            self.connect();
        }
    }

    /// Closes the connection until it is wanted again.
    pub(crate) fn disconnect(self) {
        self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            inner.generation += 1;
            inner.failures = 0;
            inner.socket = None;
            inner.queue.clear();
            if let Some(retry) = inner.retry.take() {
                retry.clear();
            }
        });
        self.link.set(Link::Off);
    }

    /// The machine's network went away.
    pub(crate) fn lose_network(self) {
        self.disconnect();
        self.link.set(Link::Offline);
    }

    /// Notices silence. To be called about once a second.
    pub(crate) fn listen(self) {
        if !matches!(self.link.get_untracked(), Link::Live | Link::Connecting) {
            return;
        }
        let inner = self.inner.get_value();
        let silence = browser::now().0 - inner.borrow().heard_at;
        if silence > GIVE_UP_AFTER {
            self.closed(1006);
        } else if silence > ASK_AFTER && !inner.borrow().asked {
            inner.borrow_mut().asked = true;
            self.say(&Say::Ping);
        }
    }

    /// Watches a stream as long as the current owner lives. `on_update` gets each frame, all those of one animation
    /// frame together; nothing in a frame, and `on_gap`, mean that it is time to query again.
    pub(crate) fn watch<T, V, U>(
        self,
        operation: &StreamingOperation<T, V>,
        into_update: fn(T) -> Option<U>,
        on_update: impl Fn(U) + 'static,
        on_gap: impl Fn() + 'static,
    ) where
        T: DeserializeOwned + 'static,
        V: Serialize,
        U: 'static,
    {
        let Ok(request) = serde_json::value::to_raw_value(operation) else { return };
        let on_gap: OnGap = Rc::new(on_gap);
        let gap = Rc::clone(&on_gap);
        let on_answer = move |answer: &str| match api::decode::<T>(answer).map(into_update) {
            Ok(Some(update)) => on_update(update),
            Ok(None) => {
                let gap = Rc::clone(&gap);
                later(jitter(1500), move || gap());
            }
            Err(error) => leptos::logging::warn!("a frame was not understood: {error:?}"),
        };
        let watch = Watch { request: Rc::from(request), on_answer: Rc::new(on_answer), on_gap };
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
            self.say(&Say::Complete { id: &id.to_string() });
        });
    }

    fn happened(self, happening: Happening, token: &str) {
        match happening {
            Happening::Opened => {
                let authorization = format!("Bearer {token}");
                self.say(&Say::ConnectionInit { payload: Credentials { authorization: &authorization } });
            }
            Happening::Message(text) => self.heard(&text),
            Happening::Closed(code) => self.closed(code),
        }
    }

    fn heard(self, text: &str) {
        let inner = self.inner.get_value();
        {
            let mut inner = inner.borrow_mut();
            inner.heard_at = browser::now().0;
            inner.asked = false;
        }
        match protocol::hear(text) {
            Heard::Ack => {
                inner.borrow_mut().failures = 0;
                self.link.set(Link::Live);
                let watches = inner.borrow().watches.clone();
                for (id, watch) in &watches {
                    self.begin(*id, watch);
                }
            }
            Heard::Next { id, answer } => {
                let on_answer = inner.borrow().watches.get(&id).map(|watch| Rc::clone(&watch.on_answer));
                if let Some(on_answer) = on_answer {
                    self.enqueue(on_answer, answer.to_owned());
                }
            }
            Heard::Over { id } => later(BEGIN_AGAIN_AFTER + jitter(BEGIN_AGAIN_AFTER), move || self.begin_again(id)),
            Heard::Ping => self.say(&Say::Pong),
            Heard::Noise => {}
        }
    }

    /// Begins a stream, and queries once it surely runs: what changed in between was seen by neither.
    fn begin(self, id: u32, watch: &Watch) {
        self.say(&Say::Subscribe { id: &id.to_string(), payload: &watch.request });
        let on_gap = Rc::clone(&watch.on_gap);
        later(300 + jitter(1200), move || on_gap());
    }

    fn begin_again(self, id: u32) {
        let watch = self.inner.with_value(|inner| inner.borrow().watches.get(&id).cloned());
        if let Some(watch) = watch
            && self.link.get_untracked() == Link::Live
        {
            self.begin(id, &watch);
        }
    }

    fn closed(self, code: u16) {
        let failures = self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            inner.generation += 1;
            inner.socket = None;
            let failures = inner.failures;
            inner.failures += 1;
            failures
        });
        match backoff::after_close(code, failures, browser::chance()) {
            Next::Renew => {
                self.link.set(Link::Connecting);
                spawn_local(async move {
                    match self.session.renew().await {
                        Ok(()) => self.connect(),
                        Err(ApiError::SignedOut) => self.session.leave(true),
                        Err(_) => self.closed(1006),
                    }
                });
            }
            Next::Wait(pause) => {
                self.link.set(Link::Waiting(Instant(browser::now().0 + i64::try_from(pause).unwrap_or(0))));
                let retry = set_timeout_with_handle(move || self.connect(), Duration::from_millis(pause)).ok();
                self.inner.with_value(|inner| inner.borrow_mut().retry = retry);
            }
        }
    }

    fn say(self, message: &Say<'_>) {
        self.inner.with_value(|inner| {
            if let Some(socket) = &inner.borrow().socket {
                socket.send(&message.text());
            }
        });
    }

    /// Keeps a frame until the browser draws next. A hidden tab draws nothing: there a second has to do.
    fn enqueue(self, on_answer: OnAnswer, answer: String) {
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

    fn apply(self) {
        let queue = self.inner.with_value(|inner| std::mem::take(&mut inner.borrow_mut().queue));
        for (on_answer, answer) in queue {
            on_answer(&answer);
        }
    }
}

fn later(milliseconds: u64, act: impl Fn() + 'static) {
    set_timeout(act, Duration::from_millis(milliseconds));
}
