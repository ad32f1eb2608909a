//! Live updates without any logic: each report becomes one text, which is sent to every socket.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{
        Path, State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    http::StatusCode,
    response::Response,
    routing::{any, patch},
};
use futures_util::SinkExt;
use serde::Deserialize;
use tokio::{sync::broadcast, time::sleep};
use uuid::Uuid;

/// The maximum number of texts that wait for a socket. Beyond that, the socket misses the oldest.
const CAPACITY: usize = 4096;
/// While more texts than this wait, reports are not answered, so that no socket misses a text.
const MAX_WAITING: usize = 512;
/// The maximum number of texts that are written at once.
const MAX_FRAMES: usize = 64;
/// The size of a socket's read buffer in bytes. It is small, because clients send little.
const READ_BUFFER: usize = 4096;

/// The channel through which the texts of reports reach all sockets.
type Texts = broadcast::Sender<Utf8Bytes>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    bytes_transferred: i64,
    speed: f64,
}

pub(super) fn router() -> Router {
    let (texts, _) = broadcast::channel::<Utf8Bytes>(CAPACITY);
    Router::new().route("/graphql/ws", any(open)).route("/api/transfers/{id}", patch(report)).with_state(texts)
}

async fn report(State(texts): State<Texts>, Path(id): Path<Uuid>, Json(report): Json<Report>) -> StatusCode {
    let Report { bytes_transferred: bytes, speed } = report;
    // The fields have the order of the document with which watchers subscribe.
    let text = format!(
        r#"{{"id":"1","type":"next","payload":{{"data":{{"transferUpdated":{{"resync":false,"transfer":{{"speed":{speed:?},"id":"{id}","status":"RUNNING","progress":0.1,"bytesTransferred":{bytes},"revision":3,"etaSeconds":100,"stalled":false,"agentName":"agent-0"}}}}}}}}}}"#
    );
    // Sending fails while no socket is open.
    drop(texts.send(text.into()));
    while texts.len() > MAX_WAITING {
        sleep(Duration::from_millis(1)).await;
    }
    StatusCode::NO_CONTENT
}

async fn open(State(texts): State<Texts>, upgrade: WebSocketUpgrade) -> Response {
    let texts = texts.subscribe();
    let upgrade = upgrade.protocols(["graphql-transport-ws"]).read_buffer_size(READ_BUFFER);
    upgrade.on_upgrade(|socket| async move {
        // Fails when the client hangs up.
        drop(serve(socket, texts).await);
    })
}

async fn serve(mut socket: WebSocket, mut texts: broadcast::Receiver<Utf8Bytes>) -> Result<(), axum::Error> {
    loop {
        tokio::select! {
            text = texts.recv() => {
                let Ok(text) = text else { continue };
                socket.feed(Message::Text(text)).await?;
                for _ in 1..MAX_FRAMES {
                    let Ok(text) = texts.try_recv() else { break };
                    socket.feed(Message::Text(text)).await?;
                }
                socket.flush().await?;
            }
            message = socket.recv() => {
                let Some(Message::Text(text)) = message.transpose()? else { return Ok(()) };
                let answer = if text.contains("connection_init") {
                    r#"{"type":"connection_ack"}"#
                } else if text.contains(r#""type":"ping""#) {
                    r#"{"type":"pong"}"#
                } else {
                    continue;
                };
                socket.send(Message::Text(answer.into())).await?;
            }
        }
    }
}
