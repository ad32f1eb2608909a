//! A server that listens, and a watcher's side of `graphql-transport-ws`.

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
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

use super::TestApp;

/// How long a test waits for what must come; it never does where all is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listener of a server under test, as `mftplus serve` has one; closed with its handle.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) listeners: Listeners,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.listeners.abort();
    }
}

impl TestApp {
    /// Listens on a free port.
    pub(crate) async fn listen(&self) -> Listening {
        Listening::of(self.router.clone(), ConnectionLimits::of_api(10_000)).await
    }
}

impl Listening {
    /// Serves this router on a free port within these limits.
    pub(crate) async fn of(router: Router, limits: ConnectionLimits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let listeners = Listeners::new(router, limits);
        listeners.listen(listener);
        Self { address, listeners }
    }

    /// A plain connection on which this has been sent.
    pub(crate) async fn raw(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        stream
    }

    /// A socket that asks for these protocols.
    pub(crate) async fn connect(
        &self,
        protocol: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Watcher, tungstenite::Error> {
        let mut request = format!("ws://{}/graphql/ws", self.address).into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(protocol).expect("a protocol"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a value"));
        }
        let (stream, _) = connect_async(request).await?;
        Ok(Watcher { stream })
    }

    /// A socket that has not introduced itself.
    pub(crate) async fn stranger(&self) -> Watcher {
        self.connect("graphql-transport-ws", &[]).await.expect("a socket")
    }

    /// A socket that has introduced itself with this token.
    pub(crate) async fn watcher(&self, token: &str) -> Watcher {
        let mut watcher = self.stranger().await;
        watcher
            .say(&json!({ "type": "connection_init", "payload": { "Authorization": format!("Bearer {token}") } }))
            .await;
        assert_eq!(watcher.hear().await, json!({ "type": "connection_ack" }));
        watcher
    }
}

/// A watcher.
pub(crate) struct Watcher {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Watcher {
    /// Sends a message.
    pub(crate) async fn say(&mut self, message: &Value) {
        self.say_text(&message.to_string()).await;
    }

    /// Sends a text, whatever it is.
    pub(crate) async fn say_text(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.expect("sent");
    }

    /// Begins an operation.
    pub(crate) async fn subscribe(&mut self, id: &str, query: &str) {
        self.say(&json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    /// Begins a state stream whose text takes `$initial`, and waits until it is at work: the same question is asked once
    /// more behind it, from the same group, for what there is. So there must be something.
    pub(crate) async fn watch(&mut self, id: &str, query: &str) {
        let fence = format!("fence of {id}");
        for (id, initial) in [(id, false), (&fence, true)] {
            let payload = json!({ "query": query, "variables": { "initial": initial } });
            self.say(&json!({ "id": id, "type": "subscribe", "payload": payload })).await;
        }
        self.data(&fence).await;
        self.say(&json!({ "id": fence, "type": "complete" })).await;
        self.say(&json!({ "type": "ping" })).await;
        assert_eq!(self.hear().await, json!({ "type": "pong" }), "from here on the fence is gone");
    }

    /// The next message; pings of the server are none.
    pub(crate) async fn hear(&mut self) -> Value {
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

    /// The data of the next frame of an operation, all of it without an error.
    pub(crate) async fn data(&mut self, id: &str) -> Value {
        let mut frame = self.hear().await;
        assert_eq!((&frame["id"], &frame["type"]), (&json!(id), &json!("next")), "{frame}");
        assert_eq!(frame["payload"]["errors"], Value::Null, "{frame}");
        frame["payload"]["data"].take()
    }

    /// With which code and for which reason the server closes the socket.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) => {}
                other => return reason(other),
            }
        }
    }

    /// With which code and for which reason the server closes the socket without a word before.
    pub(crate) async fn hear_close(&mut self) -> (u16, String) {
        reason(self.next().await)
    }

    /// The next message as its bytes stand.
    pub(crate) async fn hear_text(&mut self) -> String {
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
