//! Subscribers: how soon a thousand of them see a scheduled PATCH, and how much memory five thousand idle ones take.
//!
//! They are compared with a bare axum server without any logic: a PATCH creates one text, which is sent to every
//! socket.

use std::{
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{
        Path, State,
        ws::{Message as Sent, Utf8Bytes, WebSocketUpgrade},
    },
    routing::{any, patch},
};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpListener, sync::broadcast, task::JoinSet};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{
    Options,
    load::Line,
    place::{self, Engine, Place, Reporter, Server},
    ratios::Ratio,
    usage::resident,
};

const SUBSCRIBERS: usize = 1_000;
const IDLE: usize = 5_000;
const PATCHES_PER_SECOND: usize = 20;

type Subscriber = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// What the subscribers received.
struct Seen {
    deliveries: usize,
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

pub(crate) fn run(options: &Options) -> Vec<Ratio> {
    println!("\nLive: {SUBSCRIBERS} subscribers, {PATCHES_PER_SECOND} PATCH/s, {} s", options.seconds.max(10));
    let place = Place::fresh(&Engine::Sqlite, "live");
    let reporters = place::agents(&place, 1);
    let product = || Server::product(&options.server, &place, "agent=1000000,graphql=1000000");
    let token = place::token(&options.server, &place);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut ours = Vec::new();
    let mut bare = Vec::new();
    for _ in 0..options.rounds {
        let server = product();
        ours.push(runtime.block_on(watched(&server, &token, &reporters[0], options)));
        drop(server);
        let server = Server::bare_live();
        bare.push(runtime.block_on(watched(&server, &token, &reporters[0], options)));
    }
    let (ours, bare) = (middle(ours), middle(bare));
    for (name, seen) in [("MFTPlus", &ours), ("bare axum", &bare)] {
        println!(
            "  {name:>9}: {} deliveries, {:.0}/s, p50 {:.1?}, p99 {:.1?}",
            seen.deliveries, seen.per_second, seen.p50, seen.p99
        );
    }
    let ratio = ours.p99.as_secs_f64() / bare.p99.as_secs_f64();
    println!("  p99: {ratio:.2}x of the bare server's");
    let server = product();
    let kept = runtime.block_on(kept(&server, &token));
    println!("  memory: {:.1} KiB for each of {IDLE} idle subscribers", kept / 1024.0);
    vec![Ratio::of_durations(format!("p99 to {SUBSCRIBERS} subscribers, beside a bare socket"), ratio)]
}

fn middle(mut rounds: Vec<Seen>) -> Seen {
    rounds.sort_by_key(|seen| seen.p99);
    rounds.swap_remove(rounds.len() / 2)
}

async fn subscriber(address: &str, token: &str) -> Subscriber {
    let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = connect_async(request).await.unwrap();
    let init = format!(r#"{{"type":"connection_init","payload":{{"Authorization":"Bearer {token}"}}}}"#);
    socket.send(Message::text(init)).await.unwrap();
    let ack = socket.next().await.unwrap().unwrap();
    assert!(ack.to_string().contains("connection_ack"), "{ack}");
    let query = "subscription { transferUpdated { resync transfer { id status progress bytesTransferred speed \
                 revision etaSeconds stalled agentName } } }";
    let subscribe = format!(r#"{{"id":"1","type":"subscribe","payload":{{"query":"{query}"}}}}"#);
    socket.send(Message::text(subscribe)).await.unwrap();
    socket
}

async fn subscribers(address: &str, token: &str, count: usize) -> Vec<Subscriber> {
    let mut all = Vec::with_capacity(count);
    while all.len() < count {
        let some = (count - all.len()).min(100);
        all.extend(futures_util::future::join_all((0..some).map(|_| subscriber(address, token))).await);
    }
    // A stream is open when its subscription was read; an answered ping comes after that.
    for socket in &mut all {
        socket.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
        while !socket.next().await.unwrap().unwrap().to_string().contains("pong") {}
    }
    all
}

async fn watched(server: &Server, token: &str, reporter: &Reporter, options: &Options) -> Seen {
    let count = PATCHES_PER_SECOND * usize::try_from(options.seconds.max(10)).unwrap();
    let sockets = subscribers(&server.address, token, SUBSCRIBERS).await;
    let start = Instant::now() + Duration::from_millis(200);
    let scheduled = move |step: usize| start + Duration::from_secs(1) * u32::try_from(step).unwrap() / 20;
    let (address, reporter) = (server.address.clone(), reporter.clone());
    let times = Arc::new(Mutex::new(Vec::with_capacity(count * SUBSCRIBERS)));
    let mut tasks = JoinSet::new();
    for mut socket in sockets {
        let times = Arc::clone(&times);
        tasks.spawn(async move {
            let mut own = Vec::with_capacity(count);
            while own.len() < count {
                let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(5), socket.next()).await else {
                    break;
                };
                let Message::Text(text) = message else { continue };
                let Some(step) = step(&text) else { continue };
                own.push(scheduled(step).elapsed());
                if step + 1 == count {
                    break;
                }
            }
            times.lock().unwrap().extend(own);
        });
    }
    let patching = thread::spawn(move || {
        let mut line = Line::open(&address);
        for step in 0..count {
            thread::sleep(scheduled(step).saturating_duration_since(Instant::now()));
            // The speed says which of the scheduled ones it is.
            let body = format!("{{\"bytesTransferred\":{},\"speed\":{}}}", 1_000_000 + step, step + 1);
            let path = format!("/api/transfers/{}", reporter.transfer);
            assert_eq!(line.request("PATCH", &path, &reporter.key, &body), 200, "{}", line.body());
        }
    });
    while tasks.join_next().await.is_some() {}
    patching.join().unwrap();
    let length = start.elapsed();
    let mut times = std::mem::take(&mut *times.lock().unwrap());
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let per_second = f64::from(u32::try_from(times.len()).unwrap()) / length.as_secs_f64();
    Seen { deliveries: times.len(), per_second, p50: at(50), p99: at(99) }
}

fn step(text: &str) -> Option<usize> {
    let message: Value = serde_json::from_str(text).ok()?;
    let speed = message["payload"]["data"]["transferUpdated"]["transfer"]["speed"].as_f64()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of ours")]
    let step = speed as usize;
    step.checked_sub(1)
}

/// The bytes of memory per idle subscriber.
async fn kept(server: &Server, token: &str) -> f64 {
    // The first few make what all share.
    let _first = subscribers(&server.address, token, 100).await;
    let before = resident(server.child.id());
    let _rest = subscribers(&server.address, token, IDLE).await;
    let grown = resident(server.child.id()).saturating_sub(before);
    f64::from(u32::try_from(grown / 1024).unwrap()) * 1024.0 / f64::from(u32::try_from(IDLE).unwrap())
}

/// Serves the bare socket.
pub(crate) async fn serve_bare() {
    let (sender, _) = broadcast::channel::<Utf8Bytes>(1024);
    let router = Router::new()
        .route("/graphql/ws", any(bare_socket))
        .route("/api/transfers/{id}", patch(bare_report))
        .with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("bare {}", listener.local_addr().unwrap());
    axum::serve(listener, router).await.unwrap();
}

async fn bare_report(State(all): State<broadcast::Sender<Utf8Bytes>>, Path(id): Path<String>, body: String) -> String {
    let report: Value = serde_json::from_str(&body).unwrap();
    let frame = format!(
        r#"{{"id":"1","type":"next","payload":{{"data":{{"transferUpdated":{{"resync":false,"transfer":{{"id":"{id}","status":"RUNNING","progress":0.1,"bytesTransferred":{},"speed":{},"revision":3,"etaSeconds":100,"stalled":false,"agentName":"agent-0"}}}}}}}}}}"#,
        report["bytesTransferred"], report["speed"]
    );
    drop(all.send(frame.into()));
    "{}".to_owned()
}

async fn bare_socket(
    State(all): State<broadcast::Sender<Utf8Bytes>>,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    let mut frames = all.subscribe();
    upgrade.protocols(["graphql-transport-ws"]).read_buffer_size(4096).on_upgrade(async move |mut socket| {
        loop {
            tokio::select! {
                frame = frames.recv() => {
                    let Ok(frame) = frame else { return };
                    if socket.send(Sent::Text(frame)).await.is_err() { return }
                }
                message = socket.recv() => {
                    let Some(Ok(Sent::Text(text))) = message else { return };
                    let answer = if text.contains("connection_init") {
                        r#"{"type":"connection_ack"}"#
                    } else if text.contains("ping") {
                        r#"{"type":"pong"}"#
                    } else {
                        continue;
                    };
                    if socket.send(Sent::Text(answer.into())).await.is_err() { return }
                }
            }
        }
    })
}
