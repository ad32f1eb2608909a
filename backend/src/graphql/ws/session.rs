//! The session of one socket: its caller, its operations, and when it is closed.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::{
    runtime::Handle,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

mod deadlines;
mod sending;

use self::deadlines::{Deadlines, PING_INTERVAL};
use super::{
    aborted, operation,
    protocol::{ACK, ClientMessage, pong},
    reader::Messages,
    unauthenticated::Entry,
};
use crate::{
    actor::Actor,
    error::Error,
    graphql::{
        Graphql,
        authenticated_sockets::Registration,
        close_codes::Close,
        context::Caller,
        outbound_queue::{OperationNumber, Outbound, OutboundQueue, SubscriberGuard},
        result_frames::Envelope,
    },
    transport::{Connection, RequestId, TOKEN_MISSING, bearer},
};

/// The maximum time without a read by the client, or between a ping and its pong.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum number of operations that run on one socket.
const MAX_OPERATIONS: usize = 100;
/// The maximum number of messages before the connection is initialised, `connection_init` included.
const MAX_MESSAGES_BEFORE_INIT: u8 = 16;

/// A running operation.
struct Operation {
    number: OperationNumber,
    id: Box<str>,
    /// The envelope of its results.
    envelope: Envelope,
    /// Cancels the task of the operation; `None` once a shared subscription delivers to it.
    end: Option<CancellationToken>,
    guard: Option<SubscriberGuard>,
}

/// The state of one socket.
pub(super) struct Session {
    graphql: Graphql,
    /// The runtime of requests, where the database is asked.
    requests: Handle,
    outbound: Arc<OutboundQueue>,
    caller: Caller,
    registration: Option<Registration>,
    is_initialised: bool,
    messages_before_init: u8,
    /// The entry among the unauthenticated sockets; `None` during the grace period.
    entry: Option<Entry>,
    connection: Option<Arc<Connection>>,
    /// The running operations. There are few, so that a list takes less memory than a map.
    operations: Vec<Operation>,
    next: u32,
}

/// The outcome of a message: the socket stays open, or is closed.
type Outcome = Result<(), Close>;

/// Whether the socket stays open, or its connection has ended.
enum Continues {
    Yes,
    No,
}

/// Why the task of a socket was woken.
enum Wakeup {
    /// A message arrived, or the stream of messages ended.
    Message(Option<Result<Message, SocketError>>),
    /// The outbound queue has messages.
    Filled,
    /// A deadline has passed.
    Time,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.operations.iter().for_each(Operation::cancel);
        self.outbound.shut();
    }
}

impl Operation {
    /// Ends the task of the operation.
    fn cancel(&self) {
        if let Some(end) = &self.end {
            end.cancel();
        }
    }

    /// Keeps the operation subscribed, whose task has ended.
    fn join(&mut self, guard: SubscriberGuard) {
        (self.guard, self.end) = (Some(guard), None);
    }
}

impl Session {
    pub(super) fn new(
        graphql: Graphql,
        requests: Handle,
        outbound: Arc<OutboundQueue>,
        address: String,
        connection: Option<Arc<Connection>>,
    ) -> Self {
        Self {
            graphql,
            requests,
            outbound,
            caller: Caller { actor: None, address },
            registration: None,
            is_initialised: false,
            messages_before_init: 0,
            entry: None,
            connection,
            operations: Vec::new(),
            next: 0,
        }
    }

    /// Serves the socket. Returns the reason to close it, which is also the answer to a close frame of the client; `None`
    /// if no close frame can be sent any more.
    pub(super) async fn run(&mut self, messages: &mut Messages) -> Option<Close> {
        let (outbound, stop) = (Arc::clone(&self.outbound), self.graphql.settings.cp.stop().clone());
        let abort = aborted(self.connection.as_deref());
        let mut deadlines = Deadlines::new(Instant::now(), self.graphql.settings.init_grace);
        loop {
            let wake = deadlines.next(self);
            // Nothing is read from a client that sends pings and reads no pongs.
            let is_listening = !outbound.is_backlogged();
            let wakeup = tokio::select! {
                biased;
                () = abort.cancelled() => return None,
                () = stop.cancelled() => return Some(Close::GOING_AWAY),
                () = outbound.closing.notified() => return Some(outbound.closed().unwrap_or(Close::INTERNAL)),
                // The inner select is not biased, so none of its branches starves the others.
                wakeup = async {
                    tokio::select! {
                        message = messages.next(), if is_listening => Wakeup::Message(message),
                        () = outbound.filled.notified() => Wakeup::Filled,
                        () = sleep_until(wake) => Wakeup::Time,
                    }
                } => wakeup,
            };
            match wakeup {
                Wakeup::Message(message) => {
                    deadlines.last_received = Instant::now();
                    // A span takes memory, so a socket that is idle has none.
                    let span = RequestId::current().map_or_else(Span::none, |request| request.span());
                    match Box::pin(self.receive(message).instrument(span)).await {
                        Ok(Continues::Yes) => {}
                        Ok(Continues::No) => return None,
                        Err(close) => return Some(close),
                    }
                }
                Wakeup::Filled => {
                    let (items, next) = outbound.drain(Instant::now());
                    deadlines.due = next;
                    let sent = tokio::select! {
                        biased;
                        sent = timeout(STALL_TIMEOUT, self.send(items)) => sent,
                        // A client that reads nothing is disconnected all the same when its token is revoked.
                        () = abort.cancelled() => return None,
                        () = stop.cancelled() => return Some(Close::GOING_AWAY),
                        () = outbound.closing.notified() => return Some(outbound.closed().unwrap_or(Close::INTERNAL)),
                    };
                    match sent {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return None,
                        Err(_) => return Some(Close::STALLED),
                    }
                }
                Wakeup::Time => {
                    if let Err(close) = self.tick(&mut deadlines, Instant::now()) {
                        return Some(close);
                    }
                }
            }
        }
    }

    /// Handles the deadlines that have passed.
    fn tick(&mut self, deadlines: &mut Deadlines, now: Instant) -> Outcome {
        if self.is_unauthenticated() && deadlines.counted_at.is_some_and(|at| at <= now) {
            deadlines.counted_at = None;
            self.entry = Some(self.graphql.unauthenticated.enter(self.caller.address.clone(), &self.outbound));
        }
        if !self.is_initialised && deadlines.init_by <= now {
            return Err(Close::INIT_TIMEOUT);
        }
        if deadlines.due.is_some_and(|due| due <= now) {
            self.outbound.filled.notify_one();
            deadlines.due = None;
        }
        if deadlines.ping_at <= now {
            if now.duration_since(deadlines.last_received) > PING_INTERVAL + STALL_TIMEOUT {
                return Err(Close::STALLED);
            }
            deadlines.ping_at = now + PING_INTERVAL;
            self.outbound.push(Outbound::Message(r#"{"type":"ping"}"#.to_owned()));
        }
        Ok(())
    }

    /// Handles a message of the client, or the end of the messages.
    async fn receive(&mut self, message: Option<Result<Message, SocketError>>) -> Result<Continues, Close> {
        if !self.is_initialised {
            self.messages_before_init += 1;
            if self.messages_before_init > MAX_MESSAGES_BEFORE_INIT {
                return Err(Close::bad_request("Too many messages before `connection_init`"));
            }
        }
        if let Some(connection) = &self.connection {
            connection.consumed();
        }
        match message {
            Some(Err(error)) => Err(Close::unreadable(&error)),
            None => Ok(Continues::No),
            // RFC 6455 requires an answer: without one, a browser takes the connection for lost.
            Some(Ok(Message::Close(frame))) => Err(Close::answer(frame.as_ref())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(Continues::Yes),
            Some(Ok(Message::Binary(_))) => Err(Close::bad_request("Invalid message: not a text")),
            Some(Ok(Message::Text(text))) => self.handle(text.as_str()).await.map(|()| Continues::Yes),
        }
    }

    async fn handle(&mut self, text: &str) -> Outcome {
        match ClientMessage::read(text).map_err(Close::bad_request)? {
            ClientMessage::Init(payload) => self.initialise(payload).await,
            ClientMessage::Ping(payload) => {
                self.outbound.push_pong(Outbound::Message(pong(payload)));
                Ok(())
            }
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe(id, request) => self.begin(id, request),
            ClientMessage::Complete(id) => {
                let number = self.operations.iter().find(|operation| *operation.id == *id).map(|known| known.number);
                if let Some(number) = number {
                    self.end(number);
                }
                Ok(())
            }
        }
    }

    /// Whether the client has sent no token.
    const fn is_unauthenticated(&self) -> bool {
        self.caller.actor.is_none()
    }

    async fn initialise(&mut self, payload: serde_json::Map<String, serde_json::Value>) -> Outcome {
        if std::mem::replace(&mut self.is_initialised, true) {
            return Err(Close::SECOND_INIT);
        }
        let is_named = |name: &&String| ["authorization", "x-api-key"].contains(&name.to_ascii_lowercase().as_str());
        if let Some(name) = payload.keys().find(is_named) {
            let token = payload.get(name).and_then(serde_json::Value::as_str).and_then(bearer);
            let admitted = match token {
                Some(token) => self.admit(token.to_owned()).await,
                None => Err(TOKEN_MISSING),
            };
            match admitted {
                Ok((actor, registration)) => {
                    if self.connection.as_ref().is_some_and(|connection| !connection.authenticated(&actor)) {
                        return Err(Close::OVER_QUOTA);
                    }
                    self.caller.actor = Some(actor);
                    self.entry = None;
                    self.registration = Some(registration);
                }
                Err(Error::Unauthenticated(_)) => return Err(self.refused_token().await),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a socket's token could not be checked");
                    return Err(Close::UNCHECKED);
                }
            }
        }
        self.outbound.push(Outbound::Message(ACK.to_owned()));
        Ok(())
    }

    async fn admit(&self, token: String) -> Result<(Actor, Registration), Error> {
        let (sockets, outbound) = (self.graphql.sockets.clone(), Arc::clone(&self.outbound));
        self.on_requests(async move { sockets.admit(&token, outbound).await }).await?
    }

    /// Counts an invalid token by the client's address, as HTTP does, and returns the reason to close the socket.
    async fn refused_token(&self) -> Close {
        let (caller, cp) = (self.caller.clone(), Arc::clone(&self.graphql.settings.cp));
        match self.on_requests(async move { caller.count(&cp).await }).await {
            Ok(Ok(Some(verdict))) if verdict.exceeded => Close::TOO_MANY_FAILURES,
            _ => Close::FORBIDDEN,
        }
    }

    /// Carries out work on the runtime of requests, and waits for it.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] if the work panics or the server stops.
    async fn on_requests<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Error> {
        let work = RequestId::scope(RequestId::current(), work).in_current_span();
        let work = self.graphql.settings.tasks.spawn_on(work, &self.requests);
        work.await.map_err(|_| Error::Unavailable("the server is shutting down"))
    }

    fn begin(&mut self, id: String, request: Result<Box<async_graphql::Request>, Error>) -> Outcome {
        if !self.is_initialised {
            return Err(Close::UNAUTHORIZED);
        }
        if self.operations.iter().any(|operation| *operation.id == *id) {
            return Err(Close::duplicate(&id));
        }
        if self.operations.len() >= MAX_OPERATIONS {
            return Err(Close::bad_request("Too many operations at once on one socket: complete some first"));
        }
        self.next += 1;
        let (number, end) = (OperationNumber(self.next), CancellationToken::new());
        let envelope = Envelope::new("next", &id);
        self.outbound.begin(number, envelope.clone());
        self.operations.reserve_exact(1);
        self.operations.push(Operation { number, id: id.into(), envelope, end: Some(end.clone()), guard: None });
        let work = operation::OperationTask {
            graphql: self.graphql.clone(),
            caller: self.caller.clone(),
            outbound: Arc::clone(&self.outbound),
            number,
        };
        let work = RequestId::scope(RequestId::current(), Box::pin(work.run(request)));
        let task = async move {
            // The output of a cancelled operation is dropped.
            let _ = end.run_until_cancelled(work).await;
        };
        self.graphql.settings.tasks.spawn_on(task.in_current_span(), &self.requests);
        Ok(())
    }

    fn operation(&self, number: OperationNumber) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.number == number)
    }

    fn end(&mut self, number: OperationNumber) {
        if let Some(index) = self.operations.iter().position(|operation| operation.number == number) {
            let operation = self.operations.swap_remove(index);
            operation.cancel();
            self.outbound.end(number);
            self.operations.shrink_to_fit();
        }
    }
}
