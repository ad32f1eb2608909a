//! The users who watch the transfers of the fleet.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::fill::Fleet;

const FIELDS: &str = "{ resync transfer { id status progress bytesTransferred speed revision etaSeconds stalled } }";

/// Subscribes every user to transfers, and counts the messages that they receive in `delivered`. The subscriptions end
/// when the returned tasks are dropped.
pub(super) async fn start(addresses: &[String], fleet: &Fleet, delivered: &Arc<AtomicUsize>) -> JoinSet<()> {
    let customers = fleet.customers.iter().map(|token| (token, format!("subscription {{ transferUpdated {FIELDS} }}")));
    let throttled = format!("subscription {{ transferUpdated(throttleMs: 1000) {FIELDS} }}");
    let admins = fleet.admins.iter().map(|token| (token, throttled.clone()));
    let mut tasks = JoinSet::new();
    for (number, (token, query)) in customers.chain(admins).enumerate() {
        let mut socket = subscribe(&addresses[number % addresses.len()], token, &query).await;
        let delivered = Arc::clone(delivered);
        tasks.spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                let Message::Text(text) = message else { continue };
                if text.contains("\"next\"") {
                    delivered.fetch_add(1, Ordering::Relaxed);
                } else {
                    assert!(text.contains("\"ping\""), "{text}");
                    socket.send(Message::text(r#"{"type":"pong"}"#)).await.unwrap();
                }
            }
        });
    }
    tasks
}

async fn subscribe(address: &str, token: &str, query: &str) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = connect_async(request).await.unwrap();
    let init = format!(r#"{{"type":"connection_init","payload":{{"Authorization":"Bearer {token}"}}}}"#);
    socket.send(Message::text(init)).await.unwrap();
    let ack = socket.next().await.unwrap().unwrap();
    assert!(ack.to_string().contains("connection_ack"), "{ack}");
    let subscribe = format!(r#"{{"id":"1","type":"subscribe","payload":{{"query":"{query}"}}}}"#);
    socket.send(Message::text(subscribe)).await.unwrap();
    socket
}
