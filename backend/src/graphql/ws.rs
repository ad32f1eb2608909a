//! `graphql-transport-ws`: the upgrade to a socket and the closing handshake. [`session`] holds the state of a socket,
//! [`operation`] executes one operation.

use std::{future::poll_fn, sync::Arc, time::Duration};

use async_graphql_axum::GraphQLProtocol;
use axum::{
    extract::State,
    http::{StatusCode, request::Parts},
    response::Response,
};
use futures_util::StreamExt;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncReadExt, runtime::Handle, time::timeout};
use tokio_util::sync::CancellationToken;

mod frame_boundaries;
mod handshake;
mod operation;
mod operation_plan;
mod protocol;
mod reader;
mod session;
mod unauthenticated;

pub(super) use unauthenticated::UnauthenticatedSockets;

use self::{
    handshake::{Handshake, offers_ours},
    reader::Messages,
    session::Session,
};
use super::{
    Graphql,
    close_codes::Close,
    outbound_queue::{OutboundQueue, SocketWriter},
};
use crate::transport::{Connection, RequestId, client_address, rate_limit_key};

/// How long a client may take to receive the close frame and to close the socket.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The number of bytes that are read at once of what is no message any more.
const UNREADABLE: usize = 8 * 1024;

/// The error for a request without the subprotocol.
const WRONG_PROTOCOL: &str =
    "this WebSocket supports graphql-transport-ws only: request it with `Sec-WebSocket-Protocol: graphql-transport-ws`";
/// The error for a request without an upgrade, or with one that is not possible.
const NO_UPGRADE: &str = "send a WebSocket upgrade (RFC 6455, version 13) over HTTP/1.1 with GET";

/// Upgrades a request to a socket, and refuses pages of origins that are not allowed.
pub(super) async fn upgrade(
    State(graphql): State<Graphql>,
    protocol: Result<GraphQLProtocol, StatusCode>,
    mut parts: Parts,
) -> Response {
    // The extractor reads the first line of the header only.
    if let Err(status) = protocol
        && !offers_ours(&parts.headers)
    {
        return super::http::refuse_upgrade(status, WRONG_PROTOCOL);
    }
    let handshake = match Handshake::of(&mut parts) {
        Ok(handshake) => handshake,
        Err(status) => return super::http::refuse_upgrade(status, NO_UPGRADE),
    };
    if !graphql.settings.origins.allows(&parts.headers, &parts.extensions) {
        return super::http::refuse_origin();
    }
    let address = rate_limit_key(client_address(&parts, &graphql.settings.trusted_proxies));
    let connection = parts.extensions.get::<Arc<Connection>>().cloned();
    let response = handshake.response();
    let Handshake { upgrade, is_ours, .. } = handshake;
    let (tasks, deliveries) = (graphql.settings.tasks.clone(), graphql.settings.deliveries.runtime());
    let requests = Handle::current();
    let serving = async move {
        // A client that hangs up before the upgrade gets no socket.
        if let Ok(upgraded) = upgrade.await {
            serve(graphql, requests, address, connection, upgraded, is_ours).await;
        }
    };
    // Log lines of the socket have the id of the request that opened it.
    tasks.spawn_on(RequestId::scope(RequestId::current(), serving), &deliveries);
    response
}

/// Serves a socket until it is closed.
async fn serve(
    graphql: Graphql,
    requests: Handle,
    address: String,
    connection: Option<Arc<Connection>>,
    upgraded: Upgraded,
    is_ours: bool,
) {
    let (reading, writing) = tokio::io::split(TokioIo::new(upgraded));
    let outbound = Arc::new(OutboundQueue::new(SocketWriter::new(writing), graphql.fanout.next_shard()));
    let mut messages = Messages::new(reading, Arc::clone(&outbound));
    let mut session = Session::new(graphql, requests, Arc::clone(&outbound), address, connection.clone());
    let close = if is_ours { session.run(&mut messages).await } else { Some(Close::WRONG_PROTOCOL) };
    let writer = outbound.take_writer();
    // Its operations end now, before the closing handshake.
    drop(session);
    if let (Some(close), Some(writer)) = (close, writer) {
        // A client that does not read the close frame in time is disconnected.
        let closing = timeout(CLOSE_TIMEOUT, close_handshake(&mut messages, writer, &close, connection.as_deref()));
        // Unless the limits of connections have closed this one to make room for another: then it ends at once.
        aborted(connection.as_deref()).run_until_cancelled(closing).await;
    }
}

/// The token with which the limits of connections close this one.
fn aborted(connection: Option<&Connection>) -> CancellationToken {
    connection.map_or_else(CancellationToken::new, |open| open.closing().clone())
}

/// Sends the close frame and reads until the client closes the socket. What is not read would otherwise reset the
/// connection before the client has received the frame.
async fn close_handshake(
    messages: &mut Messages,
    mut writer: SocketWriter,
    close: &Close,
    connection: Option<&Connection>,
) {
    writer.push(close.frame());
    if poll_fn(|context| writer.poll_send(context)).await.is_err() {
        return;
    }
    let mut is_readable = !close.is_of_unreadable();
    while is_readable {
        match messages.next().await {
            Some(Ok(_)) => {}
            Some(Err(_)) => is_readable = false,
            None => return,
        }
    }
    // The close frame of the client cannot be found any more, so only this shows it that the server has ended.
    drop(poll_fn(|context| writer.poll_shutdown(context)).await);
    let mut bytes = vec![0; UNREADABLE];
    loop {
        // No message grows here, so none becomes too large for a client without a token.
        if let Some(connection) = connection {
            connection.consumed();
        }
        let Some(unread) = messages.bytes() else { return };
        match unread.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
