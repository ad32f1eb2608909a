//! One socket: who is at its other end, what it carries out, and when it is closed.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::extract::ws::{Message, WebSocket};
use futures_util::SinkExt;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    operation,
    protocol::{ACK, ClientMessage, complete, pong, with_payload},
    waiting::WaitingEntry,
};
use crate::{
    error::Error,
    graphql::{
        Graphql,
        close::Close,
        context::Caller,
        outbox::{Frame, OperationNumber, Outbox, SubscriberGuard},
        sockets::Registration,
    },
    transport::{Connection, RequestId, TOKEN_MISSING, bearer},
};

/// How long a client may take to introduce itself.
const INIT_PATIENCE: Duration = Duration::from_secs(10);
/// How often a client is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// How long a client may read nothing, or not answer.
const STALL_PATIENCE: Duration = Duration::from_secs(30);
/// The most operations at work on one socket.
const MAX_OPERATIONS: usize = 100;
/// The most messages that are heard of a client before it introduces itself, the introduction among them.
const MAX_EARLY: u8 = 16;

/// An operation at work.
struct Operation {
    id: String,
    /// Ends its task.
    end: CancellationToken,
    guard: Option<SubscriberGuard>,
}

/// A socket and what goes on on it.
pub(super) struct Session {
    graphql: Graphql,
    outbox: Arc<Outbox>,
    caller: Caller,
    registration: Option<Registration>,
    is_introduced: bool,
    /// How many messages came before the client introduced itself.
    early: u8,
    /// The entry among the sockets without a token, once the grace is over.
    waiting: Option<WaitingEntry>,
    connection: Option<Arc<Connection>>,
    operations: HashMap<OperationNumber, Operation>,
    next: u32,
}

/// What comes of a message.
type Outcome = Result<(), Close>;

/// Whether the client is still there.
enum Continues {
    Yes,
    No,
}

/// What a socket waits for.
enum Happening {
    /// A message, or the end of them.
    Message(Option<Result<Message, axum::Error>>),
    /// Something is to be sent.
    Filled,
    /// Something is due.
    Time,
}

/// When what is due.
struct Clocks {
    /// From then on the socket counts among those without a token; nothing once it does.
    waits_at: Option<Instant>,
    /// The client has to introduce itself until then.
    init_by: Instant,
    /// When the client is asked next whether it is there.
    ping_at: Instant,
    /// When something was last heard of it.
    heard: Instant,
    /// When a throttle lets something out.
    due: Option<Instant>,
}

impl Clocks {
    fn new(now: Instant, init_grace: Duration) -> Self {
        let (waits_at, init_by) = (Some(now + init_grace), now + INIT_PATIENCE);
        Self { waits_at, init_by, ping_at: now + PING, heard: now, due: None }
    }

    fn next(&self, session: &Session) -> Instant {
        let waits_at = self.waits_at.filter(|_| session.is_stranger());
        let init_by = (!session.is_introduced).then_some(self.init_by);
        [waits_at, init_by, self.due].into_iter().flatten().fold(self.ping_at, Instant::min)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for operation in self.operations.values() {
            operation.end.cancel();
        }
        self.outbox.shut();
    }
}

impl Session {
    pub(super) fn new(graphql: Graphql, address: String, connection: Option<Arc<Connection>>) -> Self {
        Self {
            graphql,
            outbox: Arc::default(),
            caller: Caller { actor: None, address },
            registration: None,
            is_introduced: false,
            early: 0,
            waiting: None,
            connection,
            operations: HashMap::new(),
            next: 0,
        }
    }

    /// Serves until the client goes; or gives the socket back with the reason to close it.
    pub(super) async fn run(&mut self, mut socket: WebSocket) -> Option<(WebSocket, Close)> {
        let (outbox, stop) = (Arc::clone(&self.outbox), self.graphql.settings.cp.stop().clone());
        let mut clocks = Clocks::new(Instant::now(), self.graphql.settings.init_grace);
        loop {
            let wake = clocks.next(self);
            // Whoever sends pings and reads no pongs is not listened to meanwhile.
            let is_listening = !outbox.is_crowded();
            let happening = tokio::select! {
                biased;
                () = stop.cancelled() => return Some((socket, Close::GOING_AWAY)),
                () = outbox.closing.notified() => return Some((socket, outbox.closed().unwrap_or(Close::INTERNAL))),
                // Which of these comes first is left to chance, so that none can keep the others waiting for ever.
                happening = async {
                    tokio::select! {
                        message = socket.recv(), if is_listening => Happening::Message(message),
                        () = outbox.filled.notified() => Happening::Filled,
                        () = sleep_until(wake) => Happening::Time,
                    }
                } => happening,
            };
            match happening {
                Happening::Message(message) => {
                    clocks.heard = Instant::now();
                    match Box::pin(self.take_in(message)).await {
                        Ok(Continues::Yes) => {}
                        Ok(Continues::No) => return None,
                        Err(close) => return Some((socket, close)),
                    }
                }
                Happening::Filled => {
                    let (frames, next) = outbox.take(Instant::now());
                    clocks.due = next;
                    let sent = tokio::select! {
                        biased;
                        sent = timeout(STALL_PATIENCE, self.send(&mut socket, frames)) => sent,
                        // Whoever does not read must not keep what it has no right to any more.
                        () = stop.cancelled() => return Some((socket, Close::GOING_AWAY)),
                        () = outbox.closing.notified() => {
                            return Some((socket, outbox.closed().unwrap_or(Close::INTERNAL)));
                        }
                    };
                    match sent {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return None,
                        Err(_) => return Some((socket, Close::STALLED)),
                    }
                }
                Happening::Time => {
                    if let Err(close) = self.tick(&mut clocks, Instant::now()) {
                        return Some((socket, close));
                    }
                }
            }
        }
    }

    /// Does what is due by now.
    fn tick(&mut self, clocks: &mut Clocks, now: Instant) -> Outcome {
        if self.is_stranger() && clocks.waits_at.is_some_and(|at| at <= now) {
            clocks.waits_at = None;
            self.waiting = Some(self.graphql.waiting.enter(self.caller.address.clone(), &self.outbox));
        }
        if !self.is_introduced && clocks.init_by <= now {
            return Err(Close::INIT_TIMEOUT);
        }
        if clocks.due.is_some_and(|due| due <= now) {
            self.outbox.filled.notify_one();
            clocks.due = None;
        }
        if clocks.ping_at <= now {
            if now.duration_since(clocks.heard) > PING + STALL_PATIENCE {
                return Err(Close::STALLED);
            }
            clocks.ping_at = now + PING;
            self.outbox.push(Frame::Message(r#"{"type":"ping"}"#.to_owned()));
        }
        Ok(())
    }

    /// Takes in what came from the client, if anything did.
    async fn take_in(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<Continues, Close> {
        if !self.is_introduced {
            self.early += 1;
            if self.early > MAX_EARLY {
                return Err(Close::bad_request("Too many messages before `connection_init`"));
            }
        }
        if let Some(connection) = &self.connection {
            connection.consumed();
        }
        match message {
            Some(Err(error)) => Err(Close::unreadable(&error)),
            None | Some(Ok(Message::Close(_))) => Ok(Continues::No),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Continues::Yes),
            Some(Ok(Message::Binary(_))) => Err(Close::bad_request("Invalid message: not a text")),
            Some(Ok(Message::Text(text))) => self.hear(text.as_str()).await.map(|()| Continues::Yes),
        }
    }

    async fn hear(&mut self, text: &str) -> Outcome {
        match ClientMessage::read(text).map_err(Close::bad_request)? {
            ClientMessage::Init(payload) => self.introduce(payload).await,
            ClientMessage::Ping(payload) => {
                self.outbox.push_pong(pong(payload));
                Ok(())
            }
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe(id, request) => self.begin(id, request),
            ClientMessage::Complete(id) => {
                let number =
                    self.operations.iter().find(|(_, operation)| operation.id == id).map(|(number, _)| *number);
                if let Some(number) = number {
                    self.end(number);
                }
                Ok(())
            }
        }
    }

    /// Whether its client has shown no token.
    const fn is_stranger(&self) -> bool {
        self.caller.actor.is_none()
    }

    async fn introduce(&mut self, payload: serde_json::Map<String, serde_json::Value>) -> Outcome {
        if std::mem::replace(&mut self.is_introduced, true) {
            return Err(Close::SECOND_INIT);
        }
        let is_named = |name: &&String| ["authorization", "x-api-key"].contains(&name.to_ascii_lowercase().as_str());
        if let Some(name) = payload.keys().find(is_named) {
            let token = payload.get(name).and_then(serde_json::Value::as_str).and_then(bearer);
            let admitted = match token {
                Some(token) => self.graphql.sockets.admit(token, Arc::clone(&self.outbox)).await,
                None => Err(TOKEN_MISSING),
            };
            match admitted {
                Ok((actor, registration)) => {
                    if self.connection.as_ref().is_some_and(|connection| !connection.authenticated(&actor)) {
                        return Err(Close::OVER_QUOTA);
                    }
                    self.caller.actor = Some(actor);
                    self.waiting = None;
                    self.registration = Some(registration);
                }
                Err(Error::Unauthenticated(_)) => return Err(self.turned_away().await),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a socket's token could not be checked");
                    return Err(Close::UNCHECKED);
                }
            }
        }
        self.outbox.push(Frame::Message(ACK.to_owned()));
        Ok(())
    }

    /// Counts a token that is not valid, by its address, like one that is sent over HTTP; and what its sender is told.
    async fn turned_away(&self) -> Close {
        match self.caller.count(&self.graphql.settings.cp).await {
            Ok(Some(verdict)) if verdict.exceeded => Close::TOO_MANY_FAILURES,
            _ => Close::FORBIDDEN,
        }
    }

    fn begin(&mut self, id: String, request: Result<Box<async_graphql::Request>, Error>) -> Outcome {
        if !self.is_introduced {
            return Err(Close::UNAUTHORIZED);
        }
        if self.operations.values().any(|operation| operation.id == id) {
            return Err(Close::duplicate(&id));
        }
        if self.operations.len() >= MAX_OPERATIONS {
            return Err(Close::bad_request("Too many operations at once on one socket"));
        }
        self.next += 1;
        let (number, end) = (OperationNumber(self.next), CancellationToken::new());
        self.operations.insert(number, Operation { id, end: end.clone(), guard: None });
        let work = operation::Work {
            graphql: self.graphql.clone(),
            caller: self.caller.clone(),
            outbox: Arc::clone(&self.outbox),
            number,
        };
        let work = RequestId::scope(RequestId::current(), Box::pin(work.carry_out(request)));
        let task = async move {
            // An operation that is ended meanwhile is no longer of interest.
            let _ = end.run_until_cancelled(work).await;
        };
        self.graphql.settings.tasks.spawn(task.in_current_span());
        Ok(())
    }

    fn end(&mut self, number: OperationNumber) {
        if let Some(operation) = self.operations.remove(&number) {
            operation.end.cancel();
            self.outbox.end(number);
            self.operations.shrink_to_fit();
        }
    }

    /// Writes all frames, and flushes once.
    async fn send(&mut self, socket: &mut WebSocket, frames: Vec<Frame>) -> Result<(), axum::Error> {
        let (mut sent, mut unwritten) = (0_u64, None);
        for frame in frames {
            let payload = frame.payload();
            let text = match frame {
                Frame::Message(text) => text,
                Frame::Next(number, payload) => match self.operations.get(&number) {
                    Some(operation) => with_payload("next", &operation.id, &payload),
                    None => continue,
                },
                Frame::Answer(number, payload, _place) => match self.operations.get(&number) {
                    Some(operation) => {
                        socket.feed(Message::Text(with_payload("next", &operation.id, &payload).into())).await?;
                        sent += 1;
                        let text = complete(&operation.id);
                        self.end(number);
                        text
                    }
                    None => continue,
                },
                Frame::Error(number, errors) => match self.operations.get(&number) {
                    Some(operation) => {
                        let text = with_payload("error", &operation.id, &errors);
                        self.end(number);
                        text
                    }
                    None => continue,
                },
                Frame::Complete(number) => match self.operations.get(&number) {
                    Some(operation) => {
                        let text = complete(&operation.id);
                        self.end(number);
                        text
                    }
                    None => continue,
                },
                Frame::Joined(number, guard) => {
                    if let Some(operation) = self.operations.get_mut(&number) {
                        operation.guard = Some(guard);
                    }
                    continue;
                }
            };
            sent += 1;
            socket.feed(Message::Text(text.into())).await?;
            // Only now the message before this one is written.
            drop(std::mem::replace(&mut unwritten, payload));
        }
        if sent > 0 {
            metrics::counter!("mftplus_frames_sent_total").increment(sent);
            socket.flush().await?;
        }
        drop(unwritten);
        Ok(())
    }
}
