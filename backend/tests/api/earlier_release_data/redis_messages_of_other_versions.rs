//! Messages of servers of other versions over Redis.

use std::fs;

use backend::{
    events::{Reader, Signal},
    model::event::{Event, Kind, Object},
};
use redis::AsyncCommands;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{RELEASES, folder, text};
use crate::support::{OwnRedis, TestApp, app::TestDatabase, connected};

/// A server, and a server of another version that shares its Redis.
struct Neighbours {
    server: TestApp,
    reader: Reader,
    line: redis::aio::MultiplexedConnection,
    channel: String,
    _redis: OwnRedis,
}

impl Neighbours {
    async fn meet() -> Self {
        Self::meet_with(&["--rate-limits", "off"]).await
    }

    async fn meet_with(flags: &[&str]) -> Self {
        let database = TestDatabase::shared().await;
        let redis = OwnRedis::start().await;
        let server = TestApp::on(&database.with_redis(Some(&redis.url())), flags).await;
        connected(&server).await;
        let mut line =
            redis::Client::open(redis.url()).expect("a URL").get_multiplexed_async_connection().await.expect("Redis");
        let channels: Vec<String> = redis::cmd("PUBSUB")
            .arg("CHANNELS")
            .arg("mftplus:events:*")
            .query_async(&mut line)
            .await
            .expect("channels");
        let reader = server.cp().bus().read();
        let mut met = Self { server, reader, line, channel: channels[0].clone(), _redis: redis };
        // Once this message arrives, those about the connection have arrived as well.
        met.send(&message(&json!([]))).await;
        while !matches!(met.receive().await, Signal::Message(_)) {}
        met
    }

    /// Sends a message as the other server.
    async fn send(&mut self, message: &str) {
        let receivers: i64 = self.line.publish(&self.channel, message).await.expect("published");
        assert_eq!(receivers, 1);
    }

    async fn receive(&mut self) -> Signal {
        self.reader.next().await.expect("a bus")
    }

    /// The events of the next message.
    async fn events(&mut self) -> Vec<Event> {
        match self.receive().await {
            Signal::Message(message) => message.events.clone(),
            Signal::Resync => panic!("a needless call to ask again"),
        }
    }
}

fn message(events: &Value) -> String {
    json!({ "node": Uuid::nil(), "addedLater": 1, "message": { "events": events, "forget": ["moods"], "more": {} } })
        .to_string()
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn every_message_of_an_earlier_release_is_read() {
    let mut neighbours = Neighbours::meet().await;
    for release in RELEASES {
        let lines = fs::read_to_string(folder(release).join("messages.jsonl")).expect("kept messages");
        let mut kinds = 0;
        for line in lines.lines() {
            let said: Value = serde_json::from_str(line).expect("JSON");
            let Some(events) = said["message"]["events"].as_array() else { continue };
            neighbours.send(line).await;
            let received = neighbours.events().await;
            let words = |events: &[Event]| events.iter().map(|event| json!(event.kind)).collect::<Vec<_>>();
            assert_eq!(words(&received), events.iter().map(|event| event["kind"].clone()).collect::<Vec<_>>());
            assert!(received.iter().all(|event| !matches!(event.object, Object::Unknown(_))), "{line}");
            kinds += received.len();
        }
        assert!(kinds > 30, "{release}: {kinds}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn what_a_newer_server_adds_causes_no_resync() {
    let mut neighbours = Neighbours::meet().await;
    let lines = fs::read_to_string(folder(RELEASES[0]).join("messages.jsonl")).expect("kept messages");
    let said = lines.lines().filter(|line| line.contains("\"transferCreated\""));
    let said: Value = said.map(|line| serde_json::from_str(line).expect("JSON")).next().expect("a message");
    let mut event = said["message"]["events"][0].clone();
    event["object"]["view"]["weight"] = json!(5);
    event["object"]["view"]["network"]["colour"] = json!("red");
    event["mood"] = json!("good");
    event["kind"] = json!("transferWeighed");
    let transfer = text(&event["object"]["view"]["id"]).to_owned();
    let invoice = json!({
        "number": 8, "kind": "invoiceSent", "at": "2026-04-25T13:00:00Z", "actor": "system",
        "object": { "type": "invoice", "view": {} },
    });
    neighbours.send(&message(&json!([event, invoice]))).await;
    let received = neighbours.events().await;
    let [weighed, sent] = &received[..] else { panic!("{received:?}") };
    assert_eq!((weighed.kind, weighed.object.id().to_string()), (Kind::Unknown, transfer), "its object is known");
    assert_eq!((sent.kind, sent.number), (Kind::Unknown, Some(8)), "so that it does not count as lost");
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn what_cannot_be_read_at_all_is_one_call_to_ask_again_and_spoils_nothing_else() {
    let mut neighbours = Neighbours::meet().await;
    let unread = message(&json!([{ "number": 1, "kind": "agentHeard", "object": { "type": "agent", "view": 7 } }]));
    neighbours.send(&unread).await;
    assert_eq!(neighbours.events().await[0].number, Some(1));
    assert!(matches!(neighbours.receive().await, Signal::Resync));
    for said in ["no JSON", "{}", &unread] {
        neighbours.send(said).await;
    }
    assert_eq!(neighbours.events().await[0].number, Some(1), "one call in ten seconds is enough");
    neighbours.send(&message(&json!([]))).await;
    assert_eq!(neighbours.events().await, []);
    drop(neighbours.server);
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_counter_that_another_version_keeps_otherwise_is_one_counter_less() {
    let mut neighbours = Neighbours::meet_with(&[]).await;
    let keys = async |neighbours: &mut Neighbours| -> Vec<String> {
        redis::cmd("KEYS").arg("mftplus:limit:*").query_async(&mut neighbours.line).await.expect("keys")
    };
    let (first, second) = (neighbours.server.admin().await, neighbours.server.admin().await);
    assert_eq!(first.get("/api/agents").await.status, 200);
    let key = keys(&mut neighbours).await.pop().expect("a counter");
    // What versions have in common: the name, which begins as that of the channel does, and a number that goes away.
    let realm = neighbours.channel.replace("events", "limit");
    assert!(key.starts_with(&format!("{realm}:")), "{key}");
    let count: i64 = neighbours.line.get(&key).await.expect("a number");
    let left: i64 = neighbours.line.ttl(&key).await.expect("a time");
    assert!(count == 1 && (1..=60).contains(&left), "{count} {left}");
    let _: () = neighbours.line.del(&key).await.expect("gone");
    let _: () = neighbours.line.lpush(&key, "of another version").await.expect("a list");
    assert_eq!(first.get("/api/agents").await.status, 200);
    assert_eq!(second.get("/api/agents").await.status, 200);
    assert_eq!(keys(&mut neighbours).await.len(), 2, "Redis counts the others");
}
