//! A rolling deployment: this version and the next one on one database and one Redis. The next version is this one with
//! an additional field and an additional kind of event (the feature `next-version`).

use std::env;

use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::process::Server;

/// A subscriber of transfers on one of the servers.
struct Subscriber(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Subscriber {
    async fn new(server: &Server, token: &str) -> Self {
        let mut request = format!("ws://{}/graphql/ws", server.address).into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
        let mut subscriber = Self(connect_async(request).await.expect("a socket").0);
        let payload = json!({ "Authorization": format!("Bearer {token}") });
        subscriber.send(&json!({ "type": "connection_init", "payload": payload })).await;
        let query = "subscription { transferUpdated { resync transfer { id status } } }";
        subscriber.send(&json!({ "id": "1", "type": "subscribe", "payload": { "query": query } })).await;
        subscriber
    }

    async fn send(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.expect("sent");
    }

    /// The transfer and the status in the next message; `None` for a resync.
    async fn receive(&mut self) -> Option<(String, String)> {
        loop {
            let message = self.0.next().await.expect("the connection stands").expect("a message");
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).expect("JSON");
            match message["type"].as_str() {
                Some("ping") => self.send(&json!({ "type": "pong" })).await,
                Some("next") => {
                    assert_eq!(message["payload"]["errors"], Value::Null, "{message}");
                    let update = &message["payload"]["data"]["transferUpdated"];
                    let word = |name: &str| update["transfer"][name].as_str().map(str::to_ascii_lowercase);
                    return word("id").zip(word("status"));
                }
                Some("connection_ack") => {}
                _ => panic!("{message}"),
            }
        }
    }

    /// Waits until this status arrives. On a busy machine it may be delivered late, after a resync.
    async fn expect_status(&mut self, place: &Place<'_>, id: &str, status: &str) {
        loop {
            let now = match self.receive().await {
                Some((of, now)) if of == id => now,
                Some(_) => continue,
                None => place.status(id).await,
            };
            if now == status {
                return;
            }
        }
    }
}

/// An agent or user of one of the servers.
struct Place<'a> {
    server: &'a Server,
    client: Client,
    token: String,
}

impl Place<'_> {
    async fn ask(&self, method: Method, path: &str, who: (&str, &str), body: &Value) -> Value {
        let (status, answer) = self.server.ask(&self.client, method, path, who, body).await;
        assert!((200..300).contains(&status), "{path}: {answer}");
        answer
    }

    async fn query(&self, query: &str) -> Value {
        let bearer = format!("Bearer {}", self.token);
        let who = ("authorization", bearer.as_str());
        let answer = self.ask(Method::POST, "/graphql", who, &json!({ "query": query })).await;
        assert_eq!(answer["errors"], Value::Null, "{answer}");
        answer["data"].clone()
    }

    async fn transfer(&self, key: &str) -> String {
        let body = json!({ "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local" });
        let made = self.ask(Method::POST, "/api/transfers", ("x-api-key", key), &body).await;
        made["data"]["transfer"]["id"].as_str().expect("an id").to_owned()
    }

    async fn status(&self, id: &str) -> String {
        let found = self.query(&format!("{{ transfer(id: \"{id}\") {{ status }} }}")).await;
        found["transfer"]["status"].as_str().expect("a status").to_ascii_lowercase()
    }

    async fn report(&self, key: &str, id: &str, status: &str) {
        let path = format!("/api/transfers/{id}");
        self.ask(Method::PATCH, &path, ("x-api-key", key), &json!({ "status": status })).await;
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL, Redis and a binary of the next version"]
async fn two_versions_hear_each_other_without_an_error_or_a_needless_question() {
    let next =
        env::var("MFTPLUS_TEST_NEXT_VERSION").expect("MFTPLUS_TEST_NEXT_VERSION names the next version's binary");
    let this = Server::start(&["--rate-limits", "off"]).await;
    let next = this.beside_as(&next).expect("PostgreSQL and Redis");
    let key = registered(&this).await;
    let token = this.run(&["token", "admin@localhost"]);
    let place = |server| Place { server, client: Client::new(), token: token.clone() };
    let (here, there) = (place(&this), place(&next));
    let (mut on_this, mut on_next) = (Subscriber::new(&this, &token).await, Subscriber::new(&next, &token).await);
    met(&here, &key, &mut on_next).await;
    met(&there, &key, &mut on_this).await;
    for _ in 0..5 {
        for (teller, listener, place) in [(&here, &mut on_next, &there), (&there, &mut on_this, &here)] {
            let id = teller.transfer(&key).await;
            listener.expect_status(place, &id, "queued").await;
            for status in ["running", "completed"] {
                teller.report(&key, &id, status).await;
                listener.expect_status(place, &id, status).await;
            }
        }
    }
    let log = "{ events(first: 100) { nodes { kind object { __typename id ... on Transfer { status } } } } }";
    let (ours, theirs) = (here.query(log).await, there.query(log).await);
    let kinds = |log: &Value| -> Vec<String> {
        let nodes = log["events"]["nodes"].as_array().expect("events");
        assert!(nodes.iter().all(|event| event["object"]["__typename"] != "UnknownObject"), "{log}");
        nodes.iter().filter_map(|event| event["kind"].as_str().map(ToOwned::to_owned)).collect()
    };
    assert_eq!(kinds(&ours).len(), kinds(&theirs).len(), "none is left out");
    assert!(kinds(&ours).iter().any(|kind| kind == "UNKNOWN"));
    assert!(kinds(&theirs).iter().any(|kind| kind == "TRANSFER_WEIGHED"));
    assert!(kinds(&theirs).iter().all(|kind| kind != "UNKNOWN"), "the next version knows all of them");
    let list = there.query("{ transfers(first: 100) { nodes { id weight } } }").await;
    assert!(!list["transfers"]["nodes"].as_array().expect("transfers").is_empty());
    for server in [&this, &next] {
        let log = server.log();
        assert!(!log.contains("ERROR") && !log.contains("could not be read"), "{log}");
    }
}

/// Reports until a subscriber receives it: from then on the servers are connected, and the subscription is active.
async fn met(teller: &Place<'_>, key: &str, listener: &mut Subscriber) {
    loop {
        let id = teller.transfer(key).await;
        while let Ok(state) = tokio::time::timeout(std::time::Duration::from_secs(2), listener.receive()).await {
            if state.is_some_and(|(of, _)| of == id) {
                return;
            }
        }
    }
}

/// The API key of a new agent.
async fn registered(server: &Server) -> String {
    server.run(&["customer", "add", "Acme"]);
    let code = server.run(&["enrol-code", "add", "--customer", "Acme"]);
    let body = json!({ "hostname": "edge-1", "os": "linux", "customerIdentifier": code });
    let client = Client::new();
    let (status, answer) = server.ask(&client, Method::POST, "/api/agents/register", ("X-Test", "1"), &body).await;
    assert_eq!(status, 201, "{answer}");
    answer["data"]["apiKey"].as_str().expect("a key").to_owned()
}
