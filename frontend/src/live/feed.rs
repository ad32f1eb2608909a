//! The socket of this tab: it stays connected, carries every subscription on the page, and asks for fresh queries
//! whenever frames may have been missed.

mod subscriptions;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};

use super::{
    backoff::{self, Next},
    protocol::{self, Heard, Say},
    socket::{Happening, Socket},
};
use crate::{
    api::ApiError,
    base_path, browser,
    session::{Absence, Session},
    time::Instant,
};

/// Silence after which the server is asked whether it is still there, in milliseconds.
const ASK_AFTER: i64 = 20_000;
/// Silence after which the connection is given up, in milliseconds.
const GIVE_UP_AFTER: i64 = 30_000;

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
    operation: Rc<str>,
    on_answer: OnAnswer,
    on_gap: OnGap,
}

#[derive(Default)]
struct Inner {
    socket: Option<Socket>,
    /// Counts the sockets, so that an old one's last words are not taken for the new one's.
    generation: u32,
    /// The access token that the socket began with.
    token: String,
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
            inner.token = token;
            inner.heard_at = browser::now().0;
            inner.asked = false;
            inner.generation
        };
        self.link.set(Link::Connecting);
        let url = format!("{}{}", browser::origin().replacen("http", "ws", 1), base_path::href("/graphql/ws"));
        let opened = Socket::open(&url, protocol::SUBPROTOCOL, move |happening| {
            if self.inner.with_value(|inner| inner.borrow().generation) == generation {
                self.happened(happening);
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

    fn happened(self, happening: Happening) {
        match happening {
            Happening::Opened => {
                let token = self.inner.with_value(|inner| inner.borrow().token.clone());
                self.say(&Say::ConnectionInit { token: &token });
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
            Heard::Over { id } => self.begin_again(id),
            Heard::Ping => self.say(&Say::Pong),
            Heard::Noise => {}
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
            // This tab has renewed it already: only the socket still had the old one.
            Next::Renew if self.has_newer_token() => self.connect(),
            Next::Renew => {
                self.link.set(Link::Connecting);
                spawn_local(async move {
                    match self.session.renew().await {
                        Ok(()) => self.connect(),
                        Err(ApiError::SignedOut) => self.session.leave(Absence::Expired),
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

    fn has_newer_token(self) -> bool {
        self.session.token().is_some_and(|token| self.inner.with_value(|inner| inner.borrow().token != token))
    }

    fn say(self, message: &Say<'_>) {
        self.inner.with_value(|inner| {
            if let Some(socket) = &inner.borrow().socket {
                socket.send(&message.text());
            }
        });
    }
}
