//! A server with a listener, and clients of `graphql-transport-ws`.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use backend::{server::Listeners, transport::ConnectionLimits};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue, protocol::CloseFrame},
};

use super::TestApp;

/// How long a test waits for a message before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listener of a server under test, as `mftplus serve` has one. It is closed when it is dropped.
pub(crate) struct TestListener {
    pub(crate) address: SocketAddr,
    pub(crate) listeners: Listeners,
}

impl Drop for TestListener {
    fn drop(&mut self) {
        self.listeners.abort();
    }
}

impl TestApp {
    /// Listens on a free port.
    pub(crate) async fn listen(&self) -> TestListener {
        TestListener::of(self.router.clone(), ConnectionLimits::of_api(10_000)).await
    }
}

impl TestListener {
    /// Serves this router on a free port within these limits.
    pub(crate) async fn of(router: Router, limits: ConnectionLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let listeners = Listeners::new(router, limits);
        listeners.listen(listener);
        Self { address, listeners }
    }

    /// Opens a TCP connection and sends these bytes.
    pub(crate) async fn raw(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        stream
    }

    /// Opens a WebSocket with these subprotocols and headers.
    pub(crate) async fn connect(
        &self,
        protocol: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Subscriber, tungstenite::Error> {
        let mut request = format!("ws://{}/graphql/ws", self.address).into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(protocol).expect("a protocol"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a value"));
        }
        let (stream, _) = connect_async(request).await?;
        Ok(Subscriber { stream })
    }

    /// A socket that has not sent `connection_init`.
    pub(crate) async fn unauthenticated(&self) -> Subscriber {
        self.connect("graphql-transport-ws", &[]).await.expect("a socket")
    }

    /// A socket that has authenticated with this access token.
    pub(crate) async fn subscriber(&self, token: &str) -> Subscriber {
        let mut subscriber = self.unauthenticated().await;
        subscriber
            .send(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } }))
            .await;
        assert_eq!(subscriber.receive().await, json!({ "type": "connection_ack" }));
        subscriber
    }
}

/// A client of the socket.
pub(crate) struct Subscriber {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Subscriber {
    /// Sends a message.
    pub(crate) async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    /// Sends a text, which need not be a valid message.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("sent");
    }

    /// Sends a close frame.
    pub(crate) async fn close(&mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        self.stream.send(Message::Close(Some(frame))).await.expect("sent");
    }

    /// Begins an operation.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(&json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    /// Starts a state subscription whose document has the variable `$initial`, and waits until it is active: a second
    /// subscription with the same document asks for the snapshot and is answered after the first one is active. So there must be
    /// an object for the snapshot.
    pub(crate) async fn watch(&mut self, id: &str, query: &str) {
        let marker = format!("marker of {id}");
        for (id, initial) in [(id, false), (&marker, true)] {
            let payload = json!({ "query": query, "variables": { "initial": initial } });
            self.send(&json!({ "id": id, "type": "subscribe", "payload": payload })).await;
        }
        self.data(&marker).await;
        self.send(&json!({ "id": marker, "type": "complete" })).await;
        self.send(&json!({ "type": "ping" })).await;
        assert_eq!(self.receive().await, json!({ "type": "pong" }), "from here on the marker is gone");
    }

    /// The next message that is not a ping.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).expect("JSON");
                    if message["type"] != "ping" {
                        return message;
                    }
                }
                other => panic!("a message, not {other:?}"),
            }
        }
    }

    /// The data of the next message of an operation, which must have no errors.
    pub(crate) async fn data(&mut self, id: &str) -> Value {
        let mut frame = self.receive().await;
        assert_eq!((&frame["id"], &frame["type"]), (&json!(id), &json!("next")), "{frame}");
        assert_eq!(frame["payload"]["errors"], Value::Null, "{frame}");
        frame["payload"]["data"].take()
    }

    /// Skips messages until the server closes the socket, and returns the close code and the reason.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) => {}
                other => return reason(other),
            }
        }
    }

    /// The close code and the reason; fails if a message comes before.
    pub(crate) async fn receive_close(&mut self) -> (u16, String) {
        reason(self.next().await)
    }

    /// The text of the next message.
    pub(crate) async fn receive_text(&mut self) -> String {
        match self.next().await {
            Message::Text(text) => text.to_string(),
            other => panic!("a message, not {other:?}"),
        }
    }

    async fn next(&mut self) -> Message {
        let message = timeout(PATIENCE, self.stream.next()).await.expect("something comes in time");
        message.expect("the connection stands").expect("a message")
    }
}

fn reason(message: Message) -> (u16, String) {
    match message {
        Message::Close(Some(frame)) => (frame.code.into(), frame.reason.to_string()),
        other => panic!("a close with a reason, not {other:?}"),
    }
}
