//! The open sockets whose client sent a token. A socket whose token is no longer valid is closed within a second. The
//! actor and the expiry time of the token are kept, but not the token itself.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tokio_util::task::TaskTracker;

use super::{close_codes::Close, outbound_queue::OutboundQueue};
use crate::{
    actor::Actor,
    error::Error,
    events::{Invalidation, Reader, Signal},
    service::ControlPlane,
};

/// How often the server looks for expired tokens. At the same time it checks the tokens that could not be checked
/// before; while other servers cannot be reached, it checks all tokens.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// The maximum number of tokens that are checked at once: more would leave no database connection for requests.
const MAX_CHECKS: usize = 4;

/// The open sockets of this server whose client sent a token.
#[derive(Clone)]
pub(super) struct AuthenticatedSockets(Arc<Registry>);

struct Registry {
    cp: Arc<ControlPlane>,
    tasks: TaskTracker,
    open: Mutex<Open>,
    emptied: Notify,
}

#[derive(Default)]
struct Open {
    by_number: HashMap<u64, Arc<OpenSocket>>,
    next: u64,
    is_watched: bool,
}

/// A socket with what its token said.
struct OpenSocket {
    actor: Actor,
    /// The expiry time of the token.
    expires_at: DateTime<Utc>,
    outbound: Arc<OutboundQueue>,
    /// Whether the token could not be checked when it had to be.
    needs_recheck: AtomicBool,
}

impl OpenSocket {
    fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.timestamp() <= now.timestamp()
    }
}

/// The entry of a socket in [`AuthenticatedSockets`]. Dropping the entry removes the socket.
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

impl AuthenticatedSockets {
    pub(super) fn new(cp: Arc<ControlPlane>, tasks: &TaskTracker) -> Self {
        let (open, emptied) = (Mutex::default(), Notify::new());
        Self(Arc::new(Registry { cp, tasks: tasks.clone(), open, emptied }))
    }

    /// Authenticates a socket by its token and adds it to the open sockets. From then on, the socket is closed when its
    /// token is no longer valid.
    ///
    /// # Errors
    ///
    /// [`Error::Unauthenticated`] if the token is not valid.
    pub(super) async fn admit(
        &self,
        token: &str,
        outbound: Arc<OutboundQueue>,
    ) -> Result<(Actor, Registration), Error> {
        let registry = &self.0;
        let (actor, expires_at) = registry.cp.authenticate_token(token).await?;
        let needs_recheck = AtomicBool::new(false);
        let socket = Arc::new(OpenSocket { actor: actor.clone(), expires_at, outbound, needs_recheck });
        // Added and watched under one lock: the task ends only while there is no socket.
        let number = {
            let mut open = registry.open();
            if !open.is_watched {
                open.is_watched = true;
                let (watching, reader) = (Arc::clone(registry), registry.cp.bus().read());
                registry.tasks.spawn(async move { watching.watch(reader).await });
            }
            open.next += 1;
            let number = open.next;
            open.by_number.insert(number, Arc::clone(&socket));
            number
        };
        let registration = Registration { registry: Arc::clone(registry), number };
        // A change between the authentication and the entry was not noticed.
        registry.check(&socket).await;
        Ok((actor, registration))
    }
}

impl Registry {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the bus for as long as there are sockets.
    async fn watch(&self, mut bus: Reader) {
        let mut ticks = interval(CHECK_INTERVAL);
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
                    // The task that invalidates the cache may receive this signal later.
                    self.cp.invalidate(&signal);
                    match &signal {
                        Signal::Resync => self.check_all(|_| true).await,
                        // Most messages are about agents and concern no socket.
                        Signal::Message(message) if !message.invalidations.iter().any(may_concern_sockets) => {}
                        Signal::Message(message) => {
                            let is_concerned =
                                |actor: &Actor| message.invalidations.iter().any(|what| concerns(what, actor));
                            self.check_all(|socket| is_concerned(&socket.actor)).await;
                        }
                    }
                }
                _ = ticks.tick() => {
                    self.close_expired();
                    let is_cut_off = !self.cp.bus().is_connected();
                    self.check_all(|socket| is_cut_off || socket.needs_recheck.load(Ordering::Relaxed)).await;
                }
            }
        }
    }

    fn close_expired(&self) {
        let now = self.cp.now();
        for socket in self.open().by_number.values().filter(|socket| socket.has_expired(now)) {
            socket.outbound.close(Close::EXPIRED);
        }
    }

    async fn check_all(&self, concerned: impl Fn(&OpenSocket) -> bool) {
        let sockets: Vec<Arc<OpenSocket>> =
            self.open().by_number.values().filter(|socket| concerned(socket)).cloned().collect();
        let checks = stream::iter(sockets);
        checks.for_each_concurrent(MAX_CHECKS, |socket| async move { self.check(&socket).await }).await;
    }

    /// Closes a socket whose token is no longer valid, or belongs to another actor than before.
    async fn check(&self, socket: &OpenSocket) {
        let Some((user, session)) = socket.actor.session() else { return };
        match self.cp.authenticate_session(user, session, socket.expires_at).await {
            Ok(actor) if actor == socket.actor => {}
            Ok(_) => socket.outbound.close(Close::FORBIDDEN),
            Err(Error::Unauthenticated(_)) => {
                let has_expired = socket.has_expired(self.cp.now());
                socket.outbound.close(if has_expired { Close::EXPIRED } else { Close::FORBIDDEN });
            }
            // While the store is not available the token is checked again later.
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a token could not be checked");
                return socket.needs_recheck.store(true, Ordering::Relaxed);
            }
        }
        socket.needs_recheck.store(false, Ordering::Relaxed);
    }
}

const fn may_concern_sockets(what: &Invalidation) -> bool {
    match what {
        Invalidation::Session(_) | Invalidation::User(_) | Invalidation::Customer(_) => true,
        Invalidation::AgentKeys(_)
        | Invalidation::Directives(_)
        | Invalidation::Attention(_)
        | Invalidation::Schedules => false,
    }
}

fn concerns(what: &Invalidation, actor: &Actor) -> bool {
    let (user, session, customer) = match actor {
        Actor::Admin { user, session } => (user, session, None),
        Actor::Customer { user, session, customer } => (user, session, Some(customer)),
        Actor::Agent { .. } | Actor::System => return false,
    };
    match what {
        Invalidation::Session(ended) => ended == session,
        Invalidation::User(changed) => changed == user,
        Invalidation::Customer(changed) => Some(changed) == customer,
        Invalidation::AgentKeys(_)
        | Invalidation::Directives(_)
        | Invalidation::Attention(_)
        | Invalidation::Schedules => false,
    }
}
