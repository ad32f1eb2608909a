//! The bridge between the buses of several servers: Redis pub/sub.
//!
//! One task publishes the commits of this server, another one receives those of the other servers. Each server also
//! publishes a tick every second, so that a dead connection is detected: three seconds without a message are an outage.
//! Every reader receives [`Signal::Resync`](super::Signal::Resync) at the start and at the end of an outage.

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
    redis_message_format::{Content, Envelope, read},
};
use crate::error::{Error, Result};

/// The prefix of the channel; the realm of the servers follows.
const CHANNEL: &str = "mftplus:events:";
/// How often this server publishes a tick.
const TICK: Duration = Duration::from_secs(1);
/// The time without a message after which the connection counts as dead.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(3);
/// The timeout of a connection, a subscription or a publication.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The delays between attempts to connect.
const RECONNECT_DELAYS: Backoff = Backoff::doubling(Duration::from_millis(50), Duration::from_secs(2));
/// The minimum time between two resyncs because messages of other versions cannot be read.
const RESYNC_INTERVAL: Duration = Duration::from_secs(10);

/// The connection of this server to the channel.
struct Bridge {
    client: Client,
    channel: String,
    node: Uuid,
    bus: Bus,
    state: Arc<RemoteState>,
    stop: CancellationToken,
}

/// Creates a bus that is shared with every server that uses the same `realm` on this Redis, and starts its tasks.
/// Servers on one database have the same realm; `node` is the id of this server.
///
/// # Errors
///
/// An error if the URL is not valid. It is not an error if Redis does not answer: the bridge connects later.
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
        let mut open: Option<MultiplexedConnection> = None;
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
            if open.is_none() && matches!(content, Content::Tick) {
                let connecting = timeout(CONNECT_TIMEOUT, self.client.get_multiplexed_async_connection());
                open = connecting.await.ok().and_then(Result::ok);
            }
            let is_tick = matches!(content, Content::Tick);
            let Some(connection) = &mut open else {
                if !is_tick {
                    self.state.has_lost.store(true, Ordering::Release);
                }
                continue;
            };
            // The resync for lost messages precedes every later message.
            let has_lost = self.state.has_lost.swap(false, Ordering::AcqRel);
            let is_resynced = !has_lost || self.send(connection, Content::<()>::Resync).await;
            if !is_resynced || !self.send(connection, content).await {
                open = None;
                self.state.has_lost.store(true, Ordering::Release);
            }
        }
    }

    /// Publishes a message; false if Redis did not accept it in time.
    async fn send<M: Serialize>(&self, connection: &mut MultiplexedConnection, content: Content<M>) -> bool {
        let Ok(text) = serde_json::to_string(&Envelope::new(self.node, content)) else { return true };
        let sent = timeout(CONNECT_TIMEOUT, connection.publish::<_, _, i64>(&self.channel, text)).await;
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
                tracing::warn!(
                    cause,
                    "Redis is not available: this server exchanges no messages with others until it is"
                );
            }
            failures = failures.saturating_add(1);
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = sleep(RECONNECT_DELAYS.delay(failures)) => {}
            }
        }
    }

    /// Receives messages until the connection ends or no message arrives for [`SILENCE_TIMEOUT`].
    async fn listen(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut subscription = timeout(CONNECT_TIMEOUT, self.client.get_async_pubsub()).await??;
        timeout(CONNECT_TIMEOUT, subscription.subscribe(&self.channel)).await??;
        let mut messages = subscription.on_message();
        let (mut unread, mut resynced_at) = (None, None);
        loop {
            let message = timeout(SILENCE_TIMEOUT, messages.next()).await?.ok_or("the connection was closed")?;
            // The first message, even this server's own tick, shows that messages arrive from now on.
            if !self.state.is_connected.swap(true, Ordering::AcqRel) {
                tracing::info!("connected to Redis");
                self.bus.resync();
            }
            let missed = match read(message.get_payload_bytes()) {
                Ok(received) if received.node == self.node => None,
                Ok(received) => {
                    match received.content {
                        Some(Content::Tick) | None => {}
                        Some(Content::Resync) => self.bus.resync(),
                        Some(Content::Message(message)) => self.bus.notify(super::Signal::Message(Arc::new(message))),
                    }
                    received.missed.map(ToOwned::to_owned)
                }
                Err(error) => Some(error.to_string()),
            };
            unread = missed.or(unread);
            // A tick arrives every second, so a resync that had to wait is sent in time.
            if resynced_at.is_none_or(|at: Instant| at.elapsed() >= RESYNC_INTERVAL)
                && let Some(reason) = unread.take()
            {
                resynced_at = Some(Instant::now());
                tracing::warn!(reason, "a message of another server could not be read");
                self.bus.resync();
            }
        }
    }
}
