//! The bridge between the buses of several servers: Redis pub/sub.
//!
//! One task publishes what is committed here, one receives what other servers publish. Each server also publishes a tick
//! every second, so that a connection that is dead without saying so is noticed: no news for three seconds is an outage.
//! An outage, and its end, are told as [`Signal::Resync`](super::Signal::Resync).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ::redis::{AsyncCommands, Client, aio::MultiplexedConnection};
use futures_util::StreamExt;
use mftplus_protocol::backoff::Backoff;
use serde::Serialize;
use tokio::{
    sync::{broadcast, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{
    Bus, LOCAL_QUEUE, Message, REMOTE_QUEUE, Remote, RemoteState,
    envelope::{Content, Envelope, read},
};
use crate::error::{Error, Result};

/// The channel of all servers on one database.
const CHANNEL: &str = "mftplus:events:";
const TICK: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(3);
/// The pauses between attempts to connect.
const PAUSES: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(2));
/// However much of what other versions say cannot be read, readers are not told more often to ask again.
const BETWEEN_CALLS: Duration = Duration::from_secs(10);

/// One end of the bridge.
struct Bridge {
    client: Client,
    channel: String,
    node: Uuid,
    bus: Bus,
    state: Arc<RemoteState>,
    stop: CancellationToken,
}

/// A bus that is shared with every server that names the same `realm` (the database they share) on this Redis.
///
/// # Errors
///
/// If the URL is wrong. Redis being away is not an error: the bridge connects when it is there.
pub fn connect(url: &str, realm: &str, node: Uuid, tasks: &TaskTracker, stop: &CancellationToken) -> Result<Bus> {
    let client = Client::open(url).map_err(Error::internal)?;
    let (queue, waiting) = mpsc::channel(REMOTE_QUEUE);
    let state = Arc::new(RemoteState::default());
    let remote = Remote { queue, state: Arc::clone(&state) };
    let bus = Bus { local: broadcast::channel(LOCAL_QUEUE).0, remote: Some(remote) };
    let bridge = Arc::new(Bridge {
        client,
        channel: format!("{CHANNEL}{realm}"),
        node,
        bus: bus.clone(),
        state,
        stop: stop.clone(),
    });
    tasks.spawn(Arc::clone(&bridge).publish(waiting));
    tasks.spawn(bridge.receive());
    Ok(bus)
}

impl Bridge {
    async fn publish(self: Arc<Self>, mut waiting: mpsc::Receiver<Arc<Message>>) {
        let mut line: Option<MultiplexedConnection> = None;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let content = tokio::select! {
                () = self.stop.cancelled() => return,
                message = waiting.recv() => match message {
                    Some(message) => Content::Message(message),
                    None => return,
                },
                _ = ticks.tick() => Content::Tick,
            };
            if line.is_none() && matches!(content, Content::Tick) {
                line = timeout(CONNECT, self.client.get_multiplexed_async_connection()).await.ok().and_then(Result::ok);
            }
            let is_tick = matches!(content, Content::Tick);
            let Some(connection) = &mut line else {
                if !is_tick {
                    self.state.has_lost.store(true, Ordering::Release);
                }
                continue;
            };
            // What was lost is made good before anything newer is told.
            let owes = self.state.has_lost.swap(false, Ordering::AcqRel);
            let told = !owes || self.send(connection, Content::<()>::Resync).await;
            if !told || !self.send(connection, content).await {
                line = None;
                self.state.has_lost.store(true, Ordering::Release);
            }
        }
    }

    async fn send<M: Serialize>(&self, line: &mut MultiplexedConnection, content: Content<M>) -> bool {
        let Ok(text) = serde_json::to_string(&Envelope::new(self.node, content)) else { return true };
        let sent = timeout(CONNECT, line.publish::<_, _, i64>(&self.channel, text)).await;
        matches!(sent, Ok(Ok(_)))
    }

    async fn receive(self: Arc<Self>) {
        let mut failures = 0_u32;
        loop {
            let outcome = tokio::select! {
                () = self.stop.cancelled() => return,
                outcome = self.listen() => outcome,
            };
            if self.state.is_connected.swap(false, Ordering::AcqRel) {
                failures = 0;
                self.bus.resync();
                let cause = outcome.err().map(|error| error.to_string());
                tracing::warn!(cause, "Redis is away: this server goes on alone until it is back");
            }
            failures = failures.saturating_add(1);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(PAUSES.delay(failures)) => {}
            }
        }
    }

    /// Receives until the connection ends or falls silent.
    async fn listen(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut line = timeout(CONNECT, self.client.get_async_pubsub()).await??;
        timeout(CONNECT, line.subscribe(&self.channel)).await??;
        let mut messages = line.on_message();
        let (mut owed, mut called_at) = (None, None);
        loop {
            let message = timeout(SILENCE, messages.next()).await?.ok_or("the connection was closed")?;
            // The first thing heard, be it our own tick, shows that messages arrive from here on.
            if !self.state.is_connected.swap(true, Ordering::AcqRel) {
                tracing::info!("connected to Redis");
                self.bus.resync();
            }
            let missed = match read(message.get_payload_bytes()) {
                Ok(heard) if heard.node == self.node => None,
                Ok(heard) => {
                    match heard.content {
                        Some(Content::Tick) | None => {}
                        Some(Content::Resync) => self.bus.resync(),
                        Some(Content::Message(message)) => self.bus.tell(super::Signal::Message(Arc::new(message))),
                    }
                    heard.missed.map(ToOwned::to_owned)
                }
                Err(error) => Some(error.to_string()),
            };
            owed = missed.or(owed);
            // Ticks come every second, so what is owed is told in time.
            if called_at.is_none_or(|at: Instant| at.elapsed() >= BETWEEN_CALLS)
                && let Some(reason) = owed.take()
            {
                called_at = Some(Instant::now());
                tracing::warn!(reason, "a message of another server could not be read");
                self.bus.resync();
            }
        }
    }
}
