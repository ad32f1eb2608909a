//! Connections on a real listener: how long each may be idle, how many there may be, how they end, and the rules for
//! the header `Host`.

use std::time::Duration;

use backend::{graphql, transport::ConnectionLimits};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use crate::support::{Subscriber, TestApp, TestListener};

/// A time that is longer than any limit.
const FOR_EVER: Duration = Duration::from_mins(1);

/// A request for a socket.
const UPGRADE: &str = "GET /graphql/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";

/// Reads until the server closes or resets the connection.
async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes).await);
    String::from_utf8(bytes).expect("text")
}

/// Reads the headers of the next answer.
async fn head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.expect("an answer"));
    }
    String::from_utf8(bytes).expect("text")
}

/// Reads the headers of the next answer, and its body of the length that they give.
async fn answer(stream: &mut TcpStream) -> (String, String) {
    let head = head(stream).await;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    stream.read_exact(&mut body).await.expect("a body");
    (head, String::from_utf8(body).expect("text"))
}

/// Limits with which waiting clients are closed at once.
fn hasty() -> ConnectionLimits {
    let at_once = Duration::from_millis(1);
    ConnectionLimits { head: at_once, idle: at_once, ..ConnectionLimits::of_api(100) }
}

#[tokio::test]
async fn a_connection_that_sends_no_whole_head_is_closed() {
    let app = TestApp::start().await;
    let listening = TestListener::of(app.router.clone(), hasty()).await;
    for sent in ["", "GET /api/he", "GET /api/health HTTP/1.1\r\nHost: x\r\nX-A: "] {
        assert_eq!(to_the_end(&mut listening.raw(sent).await).await, "");
    }
}

#[tokio::test]
async fn a_connection_without_a_further_request_is_closed() {
    let app = TestApp::start().await;
    let limits = ConnectionLimits { head: Duration::from_mins(1), ..hasty() };
    let listening = TestListener::of(app.router.clone(), limits).await;
    let mut stream = listening.raw("GET /api/health/live HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let text = to_the_end(&mut stream).await;
    assert!(
        text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with(r#"{"success":true,"data":{"live":true}}"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_given_up() {
    let app = TestApp::start().await;
    let limits = ConnectionLimits { write_grace: Duration::from_millis(1), ..ConnectionLimits::of_api(100) };
    let listening = TestListener::of(app.router.clone(), limits).await;
    // More answers than the buffers of both sides hold, none of which is read.
    let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let _stream = listening.raw(&request).await;
    listening.listeners.connections().closed().await;
}

#[tokio::test]
async fn many_anonymous_connections_keep_out_neither_agents_nor_one_another() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let limits = ConnectionLimits { anonymous: 8, ..ConnectionLimits::of_api(16) };
    let listening = TestListener::of(app.router.clone(), limits).await;
    let request = format!("GET /api/agents/directives HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\n\r\n", agent.key);
    let mut known = listening.raw(&request).await;
    assert!(answer(&mut known).await.0.starts_with("HTTP/1.1 200 OK\r\n"));
    let mut subscriber = listening.subscriber(&customer.token).await;

    let mut anonymous_clients = Vec::new();
    for _ in 0..100 {
        anonymous_clients.push(listening.raw("GET /api/he").await);
    }
    // The first of them were closed for the last ones.
    for anonymous in &mut anonymous_clients[..80] {
        assert_eq!(to_the_end(anonymous).await, "");
    }
    let (head, _) = answer(&mut listening.raw("GET /api/health/live HTTP/1.1\r\nHost: x\r\n\r\n").await).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    known.write_all(request.as_bytes()).await.expect("sent");
    assert!(answer(&mut known).await.0.starts_with("HTTP/1.1 200 OK\r\n"), "the agent was not closed");
    subscriber.send(&json!({ "type": "ping" })).await;
    assert_eq!(subscriber.receive().await, json!({ "type": "pong" }), "nor was the subscriber");
    assert!(listening.listeners.connections().len() <= 16);
}

/// Sends an invalid message, and reads the close frame with which it is answered.
async fn offend(socket: &mut TcpStream) {
    // A text of one byte, under a mask of zeroes.
    socket.write_all(&[0x81, 0x81, 0, 0, 0, 0, b'x']).await.expect("sent");
    assert_eq!(socket.read_u8().await.expect("a frame"), 0x88);
    let length = socket.read_u8().await.expect("its length");
    socket.read_exact(&mut vec![0; usize::from(length)]).await.expect("its reason");
}

#[tokio::test]
async fn a_socket_that_waits_for_the_end_of_its_client_makes_room_at_once() {
    let app = TestApp::start().await;
    let limits = ConnectionLimits { anonymous: 2, ..ConnectionLimits::of_api(100) };
    let listening = TestListener::of(app.router.clone(), limits).await;
    let (mut oldest, mut other) = (listening.raw(UPGRADE).await, listening.raw(UPGRADE).await);
    for socket in [&mut oldest, &mut other] {
        assert!(head(socket).await.starts_with("HTTP/1.1 101 "));
    }
    // The clients answer no close frame. The time of the oldest one ends after that of the other.
    offend(&mut other).await;
    offend(&mut oldest).await;
    let _newest = listening.raw("GET /api/he").await;
    tokio::select! {
        biased;
        rest = to_the_end(&mut oldest) => assert_eq!(rest, ""),
        _ = to_the_end(&mut other) => panic!("the oldest one has kept its connection"),
    }
}

#[tokio::test]
async fn beyond_a_customer_s_quota_a_socket_is_refused_and_a_rest_connection_closed_after_its_answer() {
    let app = TestApp::start().await;
    let (customer, other) = (app.customer("acme").await, app.customer("other").await);
    let agent = app.agent(customer.id, "edge-1").await;
    let limits = ConnectionLimits { per_principal: 2, few_left: 100, ..ConnectionLimits::of_api(100) };
    let listening = TestListener::of(app.router.clone(), limits).await;
    let mut subscribers = [listening.subscriber(&customer.token).await, listening.subscriber(&customer.token).await];

    let mut refused = listening.unauthenticated().await;
    let payload = json!({ "Authorization": format!("Bearer {}", customer.token) });
    refused.send(&json!({ "type": "connection_init", "payload": payload })).await;
    let reason = "Too many open connections of this customer or administrator: close some, then connect again";
    assert_eq!(refused.receive_close().await, (1013, reason.to_owned()));
    drop(refused);
    let request = format!("GET /api/agents/directives HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\n\r\n", agent.key);
    let mut stream = listening.raw(&request).await;
    let (head, _) = answer(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("\r\nConnection: close\r\n"), "{head}");
    assert_eq!(to_the_end(&mut stream).await, "");

    let _other = listening.subscriber(&other.token).await;
    for subscriber in &mut subscribers {
        subscriber.send(&json!({ "type": "ping" })).await;
        assert_eq!(subscriber.receive().await, json!({ "type": "pong" }), "what was there before stays");
    }
    // One that closes makes room for the next one.
    let [closed, _held] = subscribers;
    drop(closed);
    while listening.listeners.connections().len() > 2 {
        tokio::task::yield_now().await;
    }
    let mut stream = listening.raw(&request).await;
    let (head, _) = answer(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !head.contains("\r\nConnection: close\r\n"), "{head}");
}

#[tokio::test]
async fn of_the_sockets_without_a_token_of_an_address_the_oldest_is_closed_beyond_fifty() {
    let app = TestApp::start().await;
    let settings = graphql::Settings { init_grace: Duration::ZERO, ..app.app.graphql(&app.settings) };
    let listening = TestListener::of(graphql::router(settings), ConnectionLimits::of_api(1000)).await;
    let mut waiting: Vec<Subscriber> = Vec::new();
    let token = app.customer("acme").await.token;
    let mut introduced = listening.subscriber(&token).await;
    for number in 0..51 {
        let mut anonymous = listening.unauthenticated().await;
        // A client that sends `connection_init` without a token stays anonymous.
        if number % 2 == 0 {
            anonymous.send(&json!({ "type": "connection_init" })).await;
            assert_eq!(anonymous.receive().await, json!({ "type": "connection_ack" }));
        }
        waiting.push(anonymous);
    }
    // Which of them was the first to wait is the machine's choice: exactly one of them has to go.
    let closes = waiting.iter_mut().map(|subscriber| Box::pin(subscriber.closed()));
    let ((code, reason), _, _) = futures_util::future::select_all(closes).await;
    assert_eq!((code, reason.as_str()), (4408, "Too many connections without a token from this address"));
    introduced.send(&json!({ "type": "ping" })).await;
    assert_eq!(introduced.receive().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn a_request_that_does_not_name_its_host_once_is_400() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    for hosts in ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n"] {
        for path in ["/api/health", "/graphql", "/"] {
            let mut stream = listening.raw(&format!("GET {path} HTTP/1.1\r\n{hosts}\r\n")).await;
            let (head, body) = answer(&mut stream).await;
            assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
            let body: Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(body, json!({ "success": false, "error": "send exactly one `Host` header", "details": null }));
        }
    }
    for host in ["a b", "a/b", "a@b", "<x>", "a:99999999", "a:b"] {
        let mut stream = listening.raw(&format!("GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        let head = answer(&mut stream).await.0;
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{host}: {head}");
    }
    for host in ["example.com", "example.com:", "127.0.0.1:80", "[::1]", "[::1]:8080"] {
        let head = head(&mut listening.raw(&format!("GET /api/health HTTP/1.1\r\nHost: {host}\r\n\r\n")).await).await;
        assert!(head.contains(" 200 OK\r\n"), "{host}: {head}");
    }
    for request in ["GET /api/health HTTP/1.1\r\nHost:\r\n\r\n", "GET /api/health HTTP/1.0\r\n\r\n"] {
        let head = head(&mut listening.raw(request).await).await;
        assert!(head.contains(" 200 OK\r\n"), "{head}");
    }
}

#[tokio::test]
async fn header_names_have_the_usual_case() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let head = head(&mut listening.raw(UPGRADE).await).await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    // Python's `gql` compares the name with its case.
    assert!(head.contains("\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"), "{head}");
    assert!(head.contains("\r\nUpgrade: websocket\r\n") && head.contains("\r\nConnection: "), "{head}");
}

#[tokio::test]
async fn a_wrong_subprotocol_is_refused_with_the_right_one() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let upgrade = "GET /graphql/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for protocol in ["", "Sec-WebSocket-Protocol: mqtt\r\n"] {
        let (head, body) = answer(&mut listening.raw(&format!("{upgrade}{protocol}\r\n")).await).await;
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(body.contains("graphql-transport-ws") && body.contains(r#""code":"INVALID""#), "{body}");
    }
    // Of several lines one is enough.
    let lines = "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n";
    let head = head(&mut listening.raw(&format!("{upgrade}{lines}\r\n")).await).await;
    assert!(
        head.starts_with("HTTP/1.1 101 ") && head.contains("\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"),
        "{head}"
    );
    let no_upgrade = "GET /graphql/ws HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    let (head, body) = answer(&mut listening.raw(no_upgrade).await).await;
    assert!(head.starts_with("HTTP/1.1 400 ") && body.contains("send a WebSocket upgrade"), "{head}{body}");
}

#[tokio::test]
async fn the_end_waits_for_requests_at_work_and_not_for_half_ones() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let agent = app.agent(customer.id, "edge-1").await;
    let listening = app.listen().await;
    let mut half = listening.raw("GET /api/he").await;
    let body_to_come =
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let mut half_body = listening.raw(body_to_come).await;
    let request = format!("GET /api/agents/directives?wait=60 HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\n\r\n", agent.key);
    let mut poll = listening.raw(&request).await;
    while listening.listeners.connections().len() < 3 {
        tokio::task::yield_now().await;
    }
    app.app.stop.cancel();
    let others = async {
        assert_eq!(to_the_end(&mut half).await, "");
        assert!(answer(&mut poll).await.0.starts_with("HTTP/1.1 200 OK\r\n"));
    };
    tokio::select! {
        _ = listening.listeners.close(Instant::now() + FOR_EVER) => panic!("half a body is left"),
        () = others => {}
    }
    assert!(!listening.listeners.close(Instant::now()).await, "half a body was left");
    assert_eq!(to_the_end(&mut half_body).await, "");
    listening.listeners.connections().closed().await;
    assert!(TcpStream::connect(listening.address).await.is_err(), "nothing listens any more");
}
