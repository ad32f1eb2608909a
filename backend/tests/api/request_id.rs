//! Request ids: in the header of each answer, in each line of the log, and in the errors of GraphQL.

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpStream};
use uuid::Uuid;

use crate::support::{Log, TestApp, TestListener};

/// An answer as it was received.
struct Received {
    head: String,
    body: String,
}

impl Received {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).expect("a status")
    }

    /// The id in the header, which must occur once.
    fn id(&self) -> &str {
        let ids = self.head.lines().filter_map(|line| line.strip_prefix("X-Request-Id: "));
        let ids: Vec<&str> = ids.collect();
        assert_eq!(ids.len(), 1, "{}", self.head);
        ids[0]
    }

    /// The id in the first GraphQL error.
    fn id_of_the_error(&self) -> Value {
        let body: Value = serde_json::from_str(&self.body).expect("JSON");
        body["errors"][0]["extensions"]["requestId"].clone()
    }
}

/// Sends a request with this request line and these header lines.
async fn ask(listening: &TestListener, line: &str, headers: &str, body: &str) -> Received {
    let length = body.len();
    let common = format!("Host: x\r\nConnection: close\r\nContent-Length: {length}\r\n");
    receive(listening.raw(&format!("{line} HTTP/1.1\r\n{common}{headers}\r\n{body}")).await).await
}

async fn receive(mut stream: TcpStream) -> Received {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("the end of the head");
    Received { head: head.to_owned(), body: body.to_owned() }
}

fn is_made(id: &str) -> bool {
    Uuid::try_parse(id).is_ok_and(|id| id.get_version_num() == 7)
}

const JSON: &str = "Content-Type: application/json\r\n";

#[tokio::test]
async fn an_id_of_the_client_is_taken_and_one_that_is_not_valid_is_replaced() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let longest = "x".repeat(64);
    for id in ["a", "0199C1F0/edge:1=~", longest.as_str()] {
        let answer = ask(&listening, "GET /api/health/live", &format!("X-Request-ID: {id}\r\n"), "").await;
        assert_eq!((answer.status(), answer.id()), ("200", id));
    }
    let too_long = format!("X-Request-Id: {longest}x\r\n");
    let twice = "X-Request-Id: a\r\nX-Request-Id: b\r\n";
    for headers in
        ["", "X-Request-Id:\r\n", "X-Request-Id: a b\r\n", "X-Request-Id: a\tb\r\n", too_long.as_str(), twice]
    {
        let answer = ask(&listening, "GET /api/health/live", headers, "").await;
        assert_eq!((answer.status(), is_made(answer.id())), ("200", true), "{headers:?}");
    }
}

#[tokio::test]
async fn every_answer_has_the_id() {
    let app = TestApp::with(&["--rate-limits", "login=1"]).await;
    let listening = app.listen().await;
    let large = "x".repeat(1024 * 1024 + 1);
    for (line, headers, body, status) in [
        ("GET /openapi.json", "", "", "200"),
        ("POST /api/auth/login", JSON, "{}", "400"),
        ("POST /api/auth/login", JSON, "{}", "429"),
        ("GET /api/agents", "", "", "401"),
        ("GET /api/nothing", "", "", "404"),
        ("GET /nothing", "", "", "404"),
        ("DELETE /api/health", "", "", "405"),
        ("POST /api/agents/register", JSON, large.as_str(), "413"),
        ("POST /graphql", JSON, r#"{"query":"{ __typename }"}"#, "200"),
        ("OPTIONS /graphql", "Origin: https://other.example\r\nAccess-Control-Request-Method: POST\r\n", "", "403"),
        ("GET /graphql/ws", "", "", "400"),
    ] {
        let answer = ask(&listening, line, &format!("X-Request-Id: mine\r\n{headers}"), body).await;
        assert_eq!((answer.status(), answer.id()), (status, "mine"), "{line}");
    }
    // Before it is routed, a request without a host is refused.
    let refused =
        receive(listening.raw("GET / HTTP/1.1\r\nConnection: close\r\nX-Request-Id: mine\r\n\r\n").await).await;
    assert_eq!((refused.status(), refused.id()), ("400", "mine"));
    app.app.stop.cancel();
    let stopping = ask(&listening, "GET /api/health/ready", "", "").await;
    assert_eq!((stopping.status(), is_made(stopping.id())), ("503", true));
}

#[tokio::test]
async fn an_error_of_rest_holds_no_id_in_its_body() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let answer = ask(&listening, "GET /api/nothing", "X-Request-Id: mine\r\n", "").await;
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body, json!({ "success": false, "error": "route not found", "details": null }));
}

#[tokio::test]
async fn errors_of_graphql_name_the_request() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let listening = app.listen().await;
    let token = format!("{JSON}Authorization: Bearer {}\r\nX-Request-Id: mine\r\n", customer.token);
    let unknown = r#"{ transfer(id: \"0199c1f0-6c00-7000-8000-000000000001\") { id } }"#;
    // Long enough to be parsed on another thread.
    let long = format!("{{ me {{{}", " ".repeat(16 * 1024));
    for (document, status) in [(unknown, "200"), ("{ nothing }", "200"), ("{ me {", "200"), (long.as_str(), "200")] {
        let answer = ask(&listening, "POST /graphql", &token, &format!(r#"{{"query":"{document}"}}"#)).await;
        let expected = (status, "mine", json!("mine"));
        assert_eq!((answer.status(), answer.id(), answer.id_of_the_error()), expected, "{}", answer.body);
    }
    for (line, status) in [("GET /graphql", "400"), ("PUT /graphql", "405"), ("GET /graphql/ws", "400")] {
        let answer = ask(&listening, line, &token, "").await;
        assert_eq!((answer.status(), answer.id_of_the_error()), (status, json!("mine")), "{}", answer.body);
    }
    let anonymous = ask(&listening, "POST /graphql", JSON, r#"{"query":"{ me { id } }"}"#).await;
    assert_eq!(anonymous.id_of_the_error(), anonymous.id(), "an id that was made");
}

#[tokio::test]
async fn errors_on_a_socket_name_the_request_that_opened_it() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let listening = app.listen().await;
    let mut socket =
        listening.connect("graphql-transport-ws", &[("x-request-id", "socket-1")]).await.expect("a socket");
    let payload = json!({ "Authorization": format!("Bearer {}", customer.token) });
    socket.send(&json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(socket.receive().await, json!({ "type": "connection_ack" }));
    socket.subscribe("refused", "{ nothing }").await;
    let frame = socket.receive().await;
    assert_eq!(frame["payload"][0]["extensions"]["requestId"], "socket-1", "{frame}");
    socket.subscribe("failed", "{ transfer(id: \"0199c1f0-6c00-7000-8000-000000000001\") { id } }").await;
    let frame = socket.receive().await;
    assert_eq!(frame["payload"]["errors"][0]["extensions"]["requestId"], "socket-1", "{frame}");
}

#[tokio::test]
async fn an_upgrade_is_answered_with_its_id() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    let upgrade = "GET /graphql/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                   Sec-WebSocket-Protocol: graphql-transport-ws\r\nX-Request-Id: socket-1\r\n\r\n";
    let mut stream = listening.raw(upgrade).await;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the head of an answer"));
    }
    let answer = Received { head: String::from_utf8(head).expect("text"), body: String::new() };
    assert_eq!((answer.status(), answer.id()), ("101", "socket-1"));
}

#[tokio::test]
async fn each_line_of_a_request_in_the_log_has_its_id() {
    let app = TestApp::start().await;
    let customer = app.customer("acme").await;
    let listening = app.listen().await;
    let (log, logging) = Log::capture();
    ask(&listening, "GET /api/agents", "X-Request-Id: first\r\n", "").await;
    let made = ask(&listening, "GET /api/nothing", "", "").await;
    let customers = format!("{JSON}X-Request-Id: third\r\nAuthorization: Bearer {}\r\n", customer.token);
    ask(&listening, "POST /api/customers", &customers, r#"{"name":"another"}"#).await;
    drop(logging);
    let lines = log.lines("a request was refused");
    let ids: Vec<&Value> = lines.iter().map(|line| &line["spans"][0]["request.id"]).collect();
    assert_eq!(ids, [&json!("first"), &json!(made.id()), &json!("third")]);
}
