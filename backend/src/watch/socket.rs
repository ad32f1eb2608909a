//! A client's side of `graphql-transport-ws`, as far as watching needs it.

use std::{collections::HashSet, time::Duration};

use anyhow::{Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

/// How long the server may take to answer a handshake, and how long it may be silent: it sends a ping every 30 s.
const PATIENCE: Duration = Duration::from_secs(75);

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The server does not want us: trying again is of no use.
    #[error("{0}")]
    Refused(String),
    /// It broke: trying again may help.
    #[error("{0}")]
    Lost(String),
}

/// A connection.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    open: HashSet<String>,
}

/// The address of the socket on a server.
///
/// # Errors
///
/// If the URL is none of HTTP.
pub(super) fn address(url: &str) -> Result<String> {
    let url = url.trim_end_matches('/');
    match url.split_once("://") {
        Some(("http", rest)) if !rest.is_empty() => Ok(format!("ws://{rest}/graphql/ws")),
        Some(("https", rest)) if !rest.is_empty() => Ok(format!("wss://{rest}/graphql/ws")),
        _ => bail!("--url: `{url}` must be of the form http://host:port or https://host"),
    }
}

fn lost(error: impl std::fmt::Display) -> Ended {
    Ended::Lost(error.to_string())
}

impl Socket {
    /// Connects and introduces itself.
    ///
    /// # Errors
    ///
    /// [`Ended`], if the server is away or refuses the token.
    pub(super) async fn open(url: &str, token: Option<&str>) -> Result<Self, Ended> {
        let mut request = url.into_client_request().map_err(|error| Ended::Refused(error.to_string()))?;
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (stream, _) = timeout(PATIENCE, connect_async(request)).await.map_err(lost)?.map_err(lost)?;
        let mut socket = Self { stream, open: HashSet::new() };
        let payload = token.map_or(json!({}), |token| json!({ "Authorization": format!("Bearer {token}") }));
        socket.send(&json!({ "type": "connection_init", "payload": payload })).await?;
        loop {
            if socket.receive().await?["type"] == "connection_ack" {
                return Ok(socket);
            }
        }
    }

    /// Asks for a stream, or for a single answer.
    pub(super) async fn subscribe(&mut self, id: &str, query: &str, variables: &Value) -> Result<(), Ended> {
        self.open.insert(id.to_owned());
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload })).await
    }

    /// Ends a stream.
    pub(super) async fn complete(&mut self, id: &str) -> Result<(), Ended> {
        if !self.open.remove(id) {
            return Ok(());
        }
        self.send(&json!({ "id": id, "type": "complete" })).await
    }

    /// The next answer: whose it is, and its data.
    pub(super) async fn next(&mut self) -> Result<(String, Value), Ended> {
        loop {
            let mut message = self.receive().await?;
            let id = message["id"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str() {
                Some("next") => {
                    let mut payload = message["payload"].take();
                    if let Some(error) = payload["errors"][0]["message"].as_str() {
                        return Err(Ended::Refused(error.to_owned()));
                    }
                    return Ok((id, payload["data"].take()));
                }
                Some("error") => {
                    let sentence =
                        message["payload"][0]["message"].as_str().unwrap_or("the server refuses the question");
                    return Err(Ended::Refused(sentence.to_owned()));
                }
                Some("complete") if self.open.remove(&id) => return Err(lost("the server ended the stream")),
                _ => {}
            }
        }
    }

    async fn send(&mut self, message: &Value) -> Result<(), Ended> {
        self.stream.send(Message::text(message.to_string())).await.map_err(lost)
    }

    async fn receive(&mut self) -> Result<Value, Ended> {
        loop {
            let message = timeout(PATIENCE, self.stream.next()).await.map_err(|_| lost("the server is silent"))?;
            match message.ok_or_else(|| lost("the connection was closed"))?.map_err(lost)? {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).map_err(lost)?;
                    if message["type"] == "ping" {
                        self.send(&json!({ "type": "pong" })).await?;
                    }
                    return Ok(message);
                }
                Message::Close(Some(frame)) => {
                    let reason = frame.reason.to_string();
                    let is_refusal = matches!(u16::from(frame.code), 4400..=4499);
                    return Err(if is_refusal { Ended::Refused(reason) } else { Ended::Lost(reason) });
                }
                Message::Close(None) => return Err(lost("the connection was closed")),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_is_beside_the_api() {
        assert_eq!(address("http://127.0.0.1:8080/").ok().as_deref(), Some("ws://127.0.0.1:8080/graphql/ws"));
        assert_eq!(address("https://fleet.example.com").ok().as_deref(), Some("wss://fleet.example.com/graphql/ws"));
        assert!(address("fleet.example.com").is_err());
    }
}
