//! `graphql-transport-ws`, to the letter of its protocol: this file owns the socket; what an operation is carried out by
//! is in [`operation`].

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_graphql_axum::GraphQLProtocol;
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use futures_util::SinkExt;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

mod operation;
pub(super) mod outbox;
mod plan;
mod protocol;
mod throttle;

pub(super) use protocol::Close;

use self::{
    outbox::{Frame, OperationNumber, Outbox},
    protocol::{ACK, ClientMessage, PROTOCOL, complete, pong, with_payload},
};
use super::{Graphql, context::Caller, fanout::Membership, sockets::Registration};
use crate::transport::{bearer, client_address, is_origin_allowed};

/// How long a client may take to introduce itself.
const INIT_PATIENCE: Duration = Duration::from_secs(10);
/// How often a client is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// How long a client may read nothing, or not answer.
const STALL_PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may take to hear why its socket is closed, and to close it too.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(2);
/// The largest message a client may send.
const MAX_MESSAGE: usize = 1024 * 1024;
/// The most operations at work on one socket.
const MAX_OPERATIONS: usize = 100;
/// Small, since most sockets are idle most of the time.
const READ_BUFFER: usize = 4096;

/// Upgrades to a socket, for pages that may ask.
pub(super) async fn upgrade(
    State(graphql): State<Graphql>,
    parts: Parts,
    _: GraphQLProtocol,
    upgrade: WebSocketUpgrade,
) -> Response {
    if !is_origin_allowed(&parts.headers, &graphql.settings.allowed_origins) {
        return (StatusCode::FORBIDDEN, "pages of this origin may not ask: see MFTPLUS_ALLOWED_ORIGINS")
            .into_response();
    }
    let address = client_address(&parts, &graphql.settings.trusted_proxies).to_string();
    upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(move |socket| async move {
            let is_ours = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
            let mut session = Session::new(graphql, address);
            let close = if is_ours { session.run(socket).await } else { Some((socket, Close::WRONG_PROTOCOL)) };
            // Its operations end now, whatever becomes of the farewell.
            drop(session);
            if let Some((mut socket, close)) = close {
                // A client that is gone needs no farewell, and one that does not read gets none.
                drop(timeout(FAREWELL_PATIENCE, bid_farewell(&mut socket, &close)).await);
            }
        })
}

/// Says why the socket is closed, and lets the client close it: what it sent and nobody read would otherwise reset the
/// connection before it has heard.
async fn bid_farewell(socket: &mut WebSocket, close: &Close) {
    if socket.send(close.message()).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

/// An operation at work.
struct Operation {
    id: String,
    /// Ends its task.
    end: CancellationToken,
    membership: Option<Membership>,
}

/// A socket and what goes on on it.
struct Session {
    graphql: Graphql,
    outbox: Arc<Outbox>,
    caller: Caller,
    registration: Option<Registration>,
    is_introduced: bool,
    operations: HashMap<OperationNumber, Operation>,
    next: u32,
}

/// What comes of a message.
type Outcome = Result<(), Close>;

impl Drop for Session {
    fn drop(&mut self) {
        for operation in self.operations.values() {
            operation.end.cancel();
        }
        self.outbox.shut();
    }
}

impl Session {
    fn new(graphql: Graphql, address: String) -> Self {
        Self {
            graphql,
            outbox: Arc::default(),
            caller: Caller { actor: None, address },
            registration: None,
            is_introduced: false,
            operations: HashMap::new(),
            next: 0,
        }
    }

    /// Serves until the client goes; or gives the socket back with the reason to close it.
    async fn run(&mut self, mut socket: WebSocket) -> Option<(WebSocket, Close)> {
        let (outbox, stop) = (Arc::clone(&self.outbox), self.graphql.settings.cp.stop().clone());
        let init_by = Instant::now() + INIT_PATIENCE;
        let (mut heard, mut ping_at) = (Instant::now(), Instant::now() + PING);
        let mut due: Option<Instant> = None;
        loop {
            let init_by = (!self.is_introduced).then_some(init_by);
            let wake = [init_by, due, Some(ping_at)].into_iter().flatten().min().unwrap_or(ping_at);
            tokio::select! {
                biased;
                () = stop.cancelled() => return Some((socket, Close::GOING_AWAY)),
                () = outbox.closing.notified() => {
                    let close = outbox.closed().unwrap_or(Close::INTERNAL);
                    return Some((socket, close));
                }
                message = socket.recv() => {
                    heard = Instant::now();
                    let text = match message {
                        Some(Err(error)) => {
                            let is_big = error.to_string().contains("too long") || error.to_string().contains("too big");
                            return Some((socket, if is_big { Close::TOO_BIG } else { Close::BROKEN }));
                        }
                        None | Some(Ok(Message::Close(_))) => return None,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                        Some(Ok(Message::Binary(_))) => {
                            return Some((socket, Close::bad_request("Invalid message: not a text")));
                        }
                        Some(Ok(Message::Text(text))) => text,
                    };
                    if let Err(close) = Box::pin(self.hear(text.as_str())).await {
                        return Some((socket, close));
                    }
                }
                () = outbox.filled.notified() => {
                    let (frames, next) = outbox.take(Instant::now());
                    due = next;
                    let sent = tokio::select! {
                        biased;
                        sent = timeout(STALL_PATIENCE, self.send(&mut socket, frames)) => sent,
                        // Whoever does not read must not keep what it has no right to any more.
                        () = stop.cancelled() => return Some((socket, Close::GOING_AWAY)),
                        () = outbox.closing.notified() => {
                            let close = outbox.closed().unwrap_or(Close::INTERNAL);
                            return Some((socket, close));
                        }
                    };
                    match sent {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => return None,
                        Err(_) => return Some((socket, Close::STALLED)),
                    }
                }
                () = sleep_until(wake) => {
                    let now = Instant::now();
                    if init_by.is_some_and(|by| by <= now) {
                        return Some((socket, Close::INIT_TIMEOUT));
                    }
                    if due.is_some_and(|due| due <= now) {
                        outbox.filled.notify_one();
                        due = None;
                    }
                    if ping_at <= now {
                        if now.duration_since(heard) > PING + STALL_PATIENCE {
                            return Some((socket, Close::STALLED));
                        }
                        ping_at = now + PING;
                        outbox.push(Frame::Message(r#"{"type":"ping"}"#.to_owned()));
                    }
                }
            }
        }
    }

    async fn hear(&mut self, text: &str) -> Outcome {
        match ClientMessage::read(text).map_err(Close::bad_request)? {
            ClientMessage::Init(payload) => self.introduce(payload).await,
            ClientMessage::Ping(payload) => {
                self.outbox.push(Frame::Message(pong(payload)));
                Ok(())
            }
            ClientMessage::Pong => Ok(()),
            ClientMessage::Subscribe(id, request) => self.begin(id, *request),
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

    async fn introduce(&mut self, payload: serde_json::Map<String, serde_json::Value>) -> Outcome {
        if std::mem::replace(&mut self.is_introduced, true) {
            return Err(Close::SECOND_INIT);
        }
        let is_named = |name: &&String| ["authorization", "x-api-key"].contains(&name.to_ascii_lowercase().as_str());
        if let Some(name) = payload.keys().find(is_named) {
            let token = payload.get(name).and_then(serde_json::Value::as_str).and_then(bearer);
            let token = token.ok_or(Close::FORBIDDEN)?;
            let admitted = self.graphql.sockets.admit(token, Arc::clone(&self.outbox)).await;
            let (actor, registration) = admitted.map_err(|_| Close::FORBIDDEN)?;
            self.caller.actor = Some(actor);
            self.registration = Some(registration);
        }
        self.outbox.push(Frame::Message(ACK.to_owned()));
        Ok(())
    }

    fn begin(&mut self, id: String, request: async_graphql::Request) -> Outcome {
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
        self.operations.insert(number, Operation { id, end: end.clone(), membership: None });
        let work = operation::Work {
            graphql: self.graphql.clone(),
            caller: self.caller.clone(),
            outbox: Arc::clone(&self.outbox),
            number,
        };
        self.graphql.settings.tasks.spawn(async move {
            // An operation that is ended meanwhile is no longer of interest.
            let _ = end.run_until_cancelled(Box::pin(work.carry_out(request))).await;
        });
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
        let mut sent = 0_u64;
        for frame in frames {
            let text = match frame {
                Frame::Message(text) => text,
                Frame::Next(number, payload) => match self.operations.get(&number) {
                    Some(operation) => with_payload("next", &operation.id, &payload),
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
                Frame::Joined(number, membership) => {
                    if let Some(operation) = self.operations.get_mut(&number) {
                        operation.membership = Some(membership);
                    }
                    continue;
                }
            };
            sent += 1;
            socket.feed(Message::Text(text.into())).await?;
        }
        if sent > 0 {
            metrics::counter!("mftplus_frames_sent_total").increment(sent);
            socket.flush().await?;
        }
        Ok(())
    }
}
