//! Every open socket with the token it lives by: one whose token is no longer valid is closed within a second.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::task::TaskTracker;

use super::{close::Close, outbox::Outbox};
use crate::{
    actor::Actor,
    error::Error,
    events::{Forget, Reader, Signal},
    service::{ControlPlane, Credentials},
};

/// How often the clock is looked at, and those tokens of which it is not known whether they are still valid: all of them
/// while other servers are not heard.
const LOOK: Duration = Duration::from_millis(500);
/// How many tokens are checked at once: more would leave no connection to those who ask.
const CHECKS: usize = 4;

/// The open sockets of this server.
#[derive(Clone)]
pub(super) struct Sockets(Arc<Registry>);

struct Registry {
    cp: Arc<ControlPlane>,
    tasks: TaskTracker,
    open: Mutex<Open>,
    emptied: Notify,
}

#[derive(Default)]
struct Open {
    by_number: HashMap<u64, Arc<Held>>,
    next: u64,
    is_watched: bool,
}

/// What a socket lives by.
struct Held {
    token: Box<str>,
    actor: Actor,
    /// Second at which the token expires.
    expires_at: i64,
    outbox: Arc<Outbox>,
    /// Whether the token could not be checked when it had to be.
    is_doubtful: AtomicBool,
}

/// A socket's entry, removed when it is dropped.
pub(super) struct Registration {
    registry: Arc<Registry>,
    number: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut open = self.registry.open();
        open.by_number.remove(&self.number);
        if open.by_number.is_empty() {
            open.by_number.shrink_to_fit();
            self.registry.emptied.notify_one();
        }
    }
}

impl Sockets {
    pub(super) fn new(cp: Arc<ControlPlane>, tasks: &TaskTracker) -> Self {
        let (open, emptied) = (Mutex::default(), Notify::new());
        Self(Arc::new(Registry { cp, tasks: tasks.clone(), open, emptied }))
    }

    /// Lets a socket in with its token, and has it closed when the token ends.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the token is not valid.
    pub(super) async fn admit(&self, token: &str, outbox: Arc<Outbox>) -> Result<(Actor, Registration), Error> {
        let registry = &self.0;
        let clearance = registry.cp.authenticate(Credentials::Token(token)).await?;
        let expires_at = clearance.expires_at.map_or(i64::MAX, |at| at.timestamp());
        let held = Held {
            token: token.into(),
            actor: clearance.actor.clone(),
            expires_at,
            outbox,
            is_doubtful: AtomicBool::new(false),
        };
        let held = Arc::new(held);
        // Entered and watched at once: the watch ends only while nobody is entered.
        let number = {
            let mut open = registry.open();
            if !open.is_watched {
                open.is_watched = true;
                let (watching, reader) = (Arc::clone(registry), registry.cp.bus().read());
                registry.tasks.spawn(async move { watching.watch(reader).await });
            }
            open.next += 1;
            let number = open.next;
            open.by_number.insert(number, Arc::clone(&held));
            number
        };
        let registration = Registration { registry: Arc::clone(registry), number };
        // What changed between the answer and the entry was heard by nobody.
        registry.check(&held).await;
        Ok((clearance.actor, registration))
    }
}

impl Registry {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches for as long as there are sockets.
    async fn watch(&self, mut bus: Reader) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.cp.stop().cancelled() => return,
                () = self.emptied.notified() => {
                    let mut open = self.open();
                    if open.by_number.is_empty() {
                        open.is_watched = false;
                        return;
                    }
                }
                signal = bus.next() => {
                    let Some(signal) = signal else { return };
                    // Others who read the bus may not have forgotten yet.
                    self.cp.forget(&signal);
                    match &signal {
                        Signal::Resync => self.check_all(|_| true).await,
                        // Most messages are about agents: no socket is looked at for them.
                        Signal::Message(message) if !message.forget.iter().any(may_concern_sockets) => {}
                        Signal::Message(message) => {
                            self.check_all(|held| message.forget.iter().any(|what| concerns(what, &held.actor))).await;
                        }
                    }
                }
                _ = ticks.tick() => {
                    self.close_expired();
                    let is_cut_off = !self.cp.bus().is_connected();
                    self.check_all(|held| is_cut_off || held.is_doubtful.load(Ordering::Relaxed)).await;
                }
            }
        }
    }

    fn close_expired(&self) {
        let now = self.cp.now().timestamp();
        for held in self.open().by_number.values().filter(|held| held.expires_at <= now) {
            held.outbox.close(Close::EXPIRED);
        }
    }

    async fn check_all(&self, concerned: impl Fn(&Held) -> bool) {
        let held: Vec<Arc<Held>> = self.open().by_number.values().filter(|held| concerned(held)).cloned().collect();
        let checks = stream::iter(held);
        checks.for_each_concurrent(CHECKS, |held| async move { self.check(&held).await }).await;
    }

    /// Closes a socket whose token is not valid any more, or stands for another than it did.
    async fn check(&self, held: &Held) {
        match self.cp.authenticate(Credentials::Token(&held.token)).await {
            Ok(clearance) if clearance.actor == held.actor => {}
            Ok(_) => held.outbox.close(Close::FORBIDDEN),
            Err(Error::Unauthenticated(_)) => {
                let has_expired = held.expires_at <= self.cp.now().timestamp();
                held.outbox.close(if has_expired { Close::EXPIRED } else { Close::FORBIDDEN });
            }
            // Whether it is valid cannot be told while the store is away: the next look may.
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a token could not be checked");
                return held.is_doubtful.store(true, Ordering::Relaxed);
            }
        }
        held.is_doubtful.store(false, Ordering::Relaxed);
    }
}

const fn may_concern_sockets(what: &Forget) -> bool {
    match what {
        Forget::Session(_) | Forget::User(_) | Forget::Customer(_) => true,
        Forget::AgentKeys(_) | Forget::Directives(_) | Forget::Schedules => false,
    }
}

fn concerns(what: &Forget, actor: &Actor) -> bool {
    let (user, session, customer) = match actor {
        Actor::Admin { user, session } => (user, session, None),
        Actor::Customer { user, session, customer } => (user, session, Some(customer)),
        Actor::Agent { .. } | Actor::System => return false,
    };
    match what {
        Forget::Session(ended) => ended == session,
        Forget::User(changed) => changed == user,
        Forget::Customer(changed) => Some(changed) == customer,
        Forget::AgentKeys(_) | Forget::Directives(_) | Forget::Schedules => false,
    }
}
