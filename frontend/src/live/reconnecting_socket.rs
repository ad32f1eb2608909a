//! The connection of this tab. It reconnects, carries all subscriptions of the page, and makes the page query again
//! whenever updates may have been missed.

mod subscriptions;

use std::{cell::RefCell, rc::Rc, time::Duration};

use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*, task::spawn_local};
use mftplus_protocol::socket::CloseCode;

use self::subscriptions::later;
use super::{
    protocol::{self, ClientMessage, ServerMessage},
    reconnect::{self, Reconnect},
    socket::{Socket, SocketEvent},
};
use crate::{api::ApiError, base_path, browser, session::Session, time::Instant};

/// Time without a message after which a ping is sent, in milliseconds.
const PING_AFTER: i64 = 20_000;
/// Time without a message after which the connection is closed, in milliseconds.
const GIVE_UP_AFTER: i64 = 30_000;
/// The maximum time that queries wait for the first connection.
const HOLD: Duration = Duration::from_millis(400);
/// The time after a reconnect in which repeated queries get their results, in milliseconds.
const CATCH_UP: u64 = 1000;

/// The state of the connection, for the indicator in the top bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    /// No connection is wanted: no user is signed in, or the session has expired.
    Off,
    /// The socket opens, or a new token is requested.
    Connecting,
    /// Updates arrive as they happen.
    Live,
    /// The socket is closed; the next attempt to connect is at this time.
    Waiting(Instant),
    /// This machine has no network.
    Offline,
}

type OnResult = Rc<dyn Fn(&str)>;
type OnGap = Rc<dyn Fn()>;

#[derive(Clone)]
struct Subscription {
    operation: Rc<str>,
    on_result: OnResult,
    on_gap: OnGap,
}

#[derive(Default)]
struct Inner {
    socket: Option<Socket>,
    /// The number of sockets so far, so that late events of an earlier socket are ignored.
    generation: u32,
    /// The access token that the current socket was opened with.
    token: String,
    failures: u32,
    last_message_at: i64,
    ping_sent: bool,
    retry: Option<TimeoutHandle>,
    /// The subscriptions with their ids. A list, because a page has only a few, and the code for a map would be large.
    subscriptions: Vec<(u32, Subscription)>,
    last_id: u32,
    queue: Vec<(OnResult, String)>,
    /// The queries that wait until the subscriptions of their page have been sent.
    held: Vec<Box<dyn FnOnce()>>,
    /// Whether queries wait: from the first attempt to connect until it succeeds or fails, but at most for [`HOLD`].
    is_holding: bool,
    /// Whether the page shows results of queries that were sent while no subscriptions were active, so that updates may
    /// have been missed.
    may_have_missed: bool,
    /// Called with each result that is applied in an animation frame, after the subscription's own callback.
    observer: Option<OnResult>,
    /// When a subscription was last sent, in milliseconds since 1970 of this machine's clock.
    subscribed_at: i64,
}

impl Inner {
    fn subscription(&self, id: u32) -> Option<&Subscription> {
        self.subscriptions.iter().find(|(known, _)| *known == id).map(|(_, subscription)| subscription)
    }
}

/// The connection over which live updates arrive. A handle: copies share the same connection.
#[derive(Clone, Copy)]
pub(crate) struct Feed {
    inner: StoredValue<Rc<RefCell<Inner>>, LocalStorage>,
    state: RwSignal<ConnectionState>,
    /// The time since which no updates arrive; `None` while they do, or before the first attempt to connect has ended.
    lost_at: RwSignal<Option<Instant>>,
    session: Session,
}

impl Feed {
    /// A connection that is not open yet.
    pub(crate) fn new(session: Session) -> Self {
        Self {
            inner: StoredValue::new_local(Rc::default()),
            state: RwSignal::new(ConnectionState::Off),
            lost_at: RwSignal::new(None),
            session,
        }
    }

    /// The time since which the page has no new data; `None` while it is up to date. Reactive.
    pub(crate) fn lost_at(self) -> Option<Instant> {
        self.lost_at.get()
    }

    /// Whether updates arrive now. Not reactive.
    fn is_live(self) -> bool {
        self.state.get_untracked() == ConnectionState::Live
    }

    /// Whether the page has the current state of the server. Not reactive.
    pub(crate) fn is_up_to_date(self) -> bool {
        self.is_live() && self.lost_at.with_untracked(Option::is_none)
    }

    /// Calls `send`, which sends a query, after the subscriptions of its page have been sent. So no change between them
    /// is missed, and the query need not be repeated. Waits only during the first attempt to connect, at most for
    /// [`HOLD`]. If there is no connection then, the subscriptions report a gap when they start.
    pub(crate) fn after_subscribing(self, send: impl FnOnce() + 'static) {
        let is_live = self.is_live();
        let send = self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            if inner.is_holding {
                inner.held.push(Box::new(send));
                return None;
            }
            inner.may_have_missed |= !is_live;
            Some(Box::new(send) as Box<dyn FnOnce()>)
        });
        if let Some(send) = send {
            send();
        }
    }

    /// Sends the waiting queries without waiting any longer for the connection.
    fn stop_holding(self) {
        let held = self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            let was_holding = std::mem::take(&mut inner.is_holding);
            inner.may_have_missed |= was_holding;
            std::mem::take(&mut inner.held)
        });
        for send in held {
            send();
        }
    }

    /// Records that updates no longer arrive, or that connecting has failed. If the connection was silent before it
    /// closed, it counts as lost since its last message. An earlier loss is not overwritten.
    fn lose(self) {
        let state = self.state.get_untracked();
        if !matches!(state, ConnectionState::Live | ConnectionState::Connecting) {
            return;
        }
        self.inner.with_value(|inner| inner.borrow_mut().may_have_missed = true);
        if self.lost_at.with_untracked(Option::is_none) {
            let now = browser::now().0;
            let last = self.inner.with_value(|inner| inner.borrow().last_message_at);
            let was_silent = state == ConnectionState::Live && now - last > PING_AFTER;
            self.lost_at.set(Some(Instant(if was_silent { last } else { now })));
        }
    }

    /// The state of the connection. Reactive.
    pub(crate) fn state(self) -> ConnectionState {
        self.state.get()
    }

    /// Connects now, without waiting for the next attempt.
    pub(crate) fn connect(self) {
        let Some(token) = self.session.token() else { return self.disconnect() };
        let inner = self.inner.get_value();
        let (generation, holds) = {
            let mut inner = inner.borrow_mut();
            inner.generation += 1;
            if let Some(retry) = inner.retry.take() {
                retry.clear();
            }
            inner.token = token;
            inner.last_message_at = browser::now().0;
            inner.ping_sent = false;
            inner.is_holding = !inner.may_have_missed;
            (inner.generation, inner.is_holding)
        };
        if holds {
            set_timeout(move || self.stop_holding(), HOLD);
        }
        self.state.set(ConnectionState::Connecting);
        let url = format!("{}{}", browser::origin().replacen("http", "ws", 1), base_path::href("/graphql/ws"));
        let opened = Socket::open(&url, protocol::SUBPROTOCOL, move |event| {
            if self.inner.with_value(|inner| inner.borrow().generation) == generation {
                self.on_event(event);
            }
        });
        match opened {
            Ok(socket) => drop(inner.borrow_mut().socket.replace(socket)),
            Err(_) => self.on_close(CloseCode::LOST),
        }
    }

    /// To be called when the tab gets the focus or the network is back: applies queued updates, and connects without
    /// waiting.
    pub(crate) fn wake(self) {
        self.apply();
        if matches!(self.state.get_untracked(), ConnectionState::Waiting(_) | ConnectionState::Offline) {
            self.connect();
        }
    }

    /// Closes the connection until [`connect`](Self::connect) is called, and discards queued updates.
    pub(crate) fn disconnect(self) {
        self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            inner.generation += 1;
            inner.failures = 0;
            inner.socket = None;
            inner.queue.clear();
            inner.held.clear();
            inner.is_holding = false;
            inner.may_have_missed = false;
            if let Some(retry) = inner.retry.take() {
                retry.clear();
            }
        });
        self.lost_at.set(None);
        self.state.set(ConnectionState::Off);
    }

    /// To be called when the machine has lost its network: closes the connection. The content of the page stays.
    pub(crate) fn go_offline(self) {
        self.suspend(ConnectionState::Offline);
    }

    /// Closes the connection until the user has signed in again. The content of the page stays.
    pub(crate) fn wait_for_sign_in(self) {
        self.suspend(ConnectionState::Off);
    }

    fn suspend(self, state: ConnectionState) {
        self.lose();
        self.stop_holding();
        let lost_at = self.lost_at.get_untracked();
        self.disconnect();
        self.inner.with_value(|inner| inner.borrow_mut().may_have_missed = true);
        self.lost_at.set(lost_at);
        self.state.set(state);
    }

    /// Sends a ping after [`PING_AFTER`] without a message, and closes the connection after [`GIVE_UP_AFTER`]. Also
    /// applies updates that wait for an animation frame, because a hidden tab has none. The caller must call this about
    /// once a second.
    pub(crate) fn tick(self) {
        self.apply();
        if !matches!(self.state.get_untracked(), ConnectionState::Live | ConnectionState::Connecting) {
            return;
        }
        let inner = self.inner.get_value();
        let silence = browser::now().0 - inner.borrow().last_message_at;
        if silence > GIVE_UP_AFTER {
            self.on_close(CloseCode::LOST);
        } else if silence > PING_AFTER && !inner.borrow().ping_sent {
            inner.borrow_mut().ping_sent = true;
            self.send(&ClientMessage::Ping);
        }
    }

    fn on_event(self, event: SocketEvent) {
        match event {
            SocketEvent::Opened => {
                let token = self.inner.with_value(|inner| inner.borrow().token.clone());
                self.send(&ClientMessage::ConnectionInit { token: &token });
            }
            SocketEvent::Message(text) => self.on_message(&text),
            SocketEvent::Closed(code) => self.on_close(code),
        }
    }

    fn on_message(self, text: &str) {
        let inner = self.inner.get_value();
        {
            let mut inner = inner.borrow_mut();
            inner.last_message_at = browser::now().0;
            inner.ping_sent = false;
        }
        match protocol::parse(text) {
            ServerMessage::Ack => {
                let (subscriptions, held, is_gap, generation) = {
                    let mut inner = inner.borrow_mut();
                    inner.failures = 0;
                    inner.is_holding = false;
                    let held = std::mem::take(&mut inner.held);
                    let is_gap = std::mem::take(&mut inner.may_have_missed);
                    (inner.subscriptions.clone(), held, is_gap, inner.generation)
                };
                self.state.set(ConnectionState::Live);
                for (id, subscription) in &subscriptions {
                    self.subscribe(*id, subscription, is_gap);
                }
                for send in held {
                    send();
                }
                if self.lost_at.with_untracked(Option::is_some) {
                    later(CATCH_UP, move || {
                        // Not if this connection was lost meanwhile, even if there is a new one.
                        let is_same = self.inner.with_value(|inner| inner.borrow().generation == generation);
                        if is_same && self.is_live() {
                            self.lost_at.set(None);
                        }
                    });
                }
            }
            ServerMessage::Next { id, result } => {
                let on_result = inner.borrow().subscription(id).map(|subscription| Rc::clone(&subscription.on_result));
                if let Some(on_result) = on_result {
                    self.enqueue(on_result, result.to_owned());
                }
            }
            ServerMessage::Complete { id } => self.resubscribe_later(id),
            ServerMessage::Ping => self.send(&ClientMessage::Pong),
            ServerMessage::Other => {}
        }
    }

    fn on_close(self, code: CloseCode) {
        self.lose();
        self.stop_holding();
        let failures = self.inner.with_value(|inner| {
            let mut inner = inner.borrow_mut();
            inner.generation += 1;
            inner.socket = None;
            let failures = inner.failures;
            inner.failures += 1;
            failures
        });
        match reconnect::after_close(code, failures, browser::random(), browser::is_hidden()) {
            // This tab has a newer token already; the socket was opened with the old one.
            Reconnect::Renew if self.has_newer_token() => self.connect(),
            Reconnect::Renew => {
                self.state.set(ConnectionState::Connecting);
                spawn_local(async move {
                    match self.session.renew().await {
                        Ok(()) => self.connect(),
                        Err(ApiError::SignedOut) => self.session.expire(),
                        Err(_) => self.on_close(CloseCode::LOST),
                    }
                });
            }
            Reconnect::Wait(delay) => {
                let millis = i64::try_from(delay.as_millis()).unwrap_or(0);
                self.state.set(ConnectionState::Waiting(Instant(browser::now().0 + millis)));
                let retry = set_timeout_with_handle(move || self.connect(), delay).ok();
                self.inner.with_value(|inner| inner.borrow_mut().retry = retry);
            }
        }
    }

    fn has_newer_token(self) -> bool {
        self.session.token().is_some_and(|token| self.inner.with_value(|inner| inner.borrow().token != token))
    }

    fn send(self, message: &ClientMessage<'_>) {
        self.inner.with_value(|inner| {
            if let Some(socket) = &inner.borrow().socket {
                socket.send(&message.text());
            }
        });
    }
}
