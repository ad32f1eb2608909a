//! `graphql-transport-ws`: the upgrade to a socket and the closing handshake. [`session`] holds the state of a socket,
//! [`operation`] executes one operation.

use std::{sync::Arc, time::Duration};

use async_graphql_axum::GraphQLProtocol;
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use tracing::{Instrument, Span};

mod operation;
mod plan;
mod protocol;
mod session;
mod unauthenticated;

pub(super) use unauthenticated::UnauthenticatedSockets;

use self::{protocol::PROTOCOL, session::Session};
use super::{Graphql, close::Close};
use crate::transport::{Connection, RequestId, client_address, rate_limit_key};

/// How long a client may take to receive the close frame and to close the socket.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The maximum size of a message of a client, in bytes.
const MAX_MESSAGE: usize = 1024 * 1024;
/// The buffer of a socket, in bytes: small, since most sockets are idle most of the time.
const READ_BUFFER: usize = 4096;

/// The error for a request without the subprotocol.
const WRONG_PROTOCOL: &str =
    "this WebSocket supports graphql-transport-ws only: request it with `Sec-WebSocket-Protocol: graphql-transport-ws`";
/// The error for a request without an upgrade, or with one that is not possible.
const NO_UPGRADE: &str = "send a WebSocket upgrade (RFC 6455, version 13) over HTTP/1.1 with GET";

/// Upgrades to a socket, for pages of allowed origins.
pub(super) async fn upgrade(
    State(graphql): State<Graphql>,
    parts: Parts,
    protocol: Result<GraphQLProtocol, StatusCode>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    if let Err(status) = protocol {
        return super::http::refuse_upgrade(status, WRONG_PROTOCOL);
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return super::http::refuse_upgrade(rejection.into_response().status(), NO_UPGRADE),
    };
    if !graphql.settings.origins.allows(&parts.headers, &parts.extensions) {
        return super::http::refuse_origin();
    }
    let address = rate_limit_key(client_address(&parts, &graphql.settings.trusted_proxies));
    let connection = parts.extensions.get::<Arc<Connection>>().cloned();
    // Log lines of the socket have the id of the request that opened it.
    let (id, span) = (RequestId::current(), Span::current());
    upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(move |socket| RequestId::scope(id, serve(graphql, address, connection, socket)).instrument(span))
}

/// Serves a socket until it is closed.
async fn serve(graphql: Graphql, address: String, connection: Option<Arc<Connection>>, socket: WebSocket) {
    let is_ours = socket.protocol().is_some_and(|protocol| protocol == PROTOCOL);
    let mut session = Session::new(graphql, address, connection);
    let close = if is_ours { session.run(socket).await } else { Some((socket, Close::WRONG_PROTOCOL)) };
    // Its operations end now, before the closing handshake.
    drop(session);
    if let Some((mut socket, close)) = close {
        // A client that does not read the close frame in time is disconnected.
        drop(timeout(CLOSE_TIMEOUT, close_handshake(&mut socket, &close)).await);
    }
}

/// Sends the close frame and reads until the client closes the socket. Unread messages would otherwise reset the
/// connection before the client has received the frame.
async fn close_handshake(socket: &mut WebSocket, close: &Close) {
    if socket.send(close.message()).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}
