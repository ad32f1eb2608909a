//! `graphql-transport-ws`, to the letter of its protocol: how a socket begins and ends. What goes on on it is in
//! [`session`], what an operation is carried out by in [`operation`].

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
mod waiting;

pub(super) use waiting::Waiting;

use self::{protocol::PROTOCOL, session::Session};
use super::{Graphql, close::Close};
use crate::transport::{Connection, RequestId, client_address, rate_limit_key};

/// How long a client may take to hear why its socket is closed, and to close it too.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(2);
/// The largest message a client may send.
const MAX_MESSAGE: usize = 1024 * 1024;
/// Small, since most sockets are idle most of the time.
const READ_BUFFER: usize = 4096;

/// What a client is told that asks for no subprotocol of GraphQL.
const WRONG_PROTOCOL: &str =
    "this WebSocket speaks graphql-transport-ws: ask for it with `Sec-WebSocket-Protocol: graphql-transport-ws`";
/// What a client is told that does not ask for an upgrade, or for one that is not possible.
const NO_UPGRADE: &str = "send a WebSocket upgrade (RFC 6455, version 13) over HTTP/1.1 with GET";

/// Upgrades to a socket, for pages that may ask.
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
    // What goes on on the socket belongs to the request that opened it.
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
    // Its operations end now, whatever becomes of the farewell.
    drop(session);
    if let Some((mut socket, close)) = close {
        // A client that is gone needs no farewell, and one that does not read gets none.
        drop(timeout(FAREWELL_PATIENCE, bid_farewell(&mut socket, &close)).await);
    }
}

/// Says why the socket is closed, and lets the client close it: what it sent and nobody read would otherwise reset the
/// connection before it has heard.
async fn bid_farewell(socket: &mut WebSocket, close: &Close) {
    if socket.send(close.message()).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}
