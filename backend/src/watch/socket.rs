//! The client of a `graphql-transport-ws` socket, with the messages that `mftplus watch` needs.

use std::{collections::HashSet, time::Duration};

use futures_util::{SinkExt, StreamExt};
use mftplus_protocol::{
    characters::printable,
    error_code::Code,
    socket::{AfterClose, CloseCode, SUBPROTOCOL},
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        self, Message,
        client::IntoClientRequest,
        http::{HeaderValue, StatusCode},
        protocol::CloseFrame,
    },
};
use url::Url;

/// The timeout of the handshake, and the maximum time without a message of the server, which sends a ping every 30 s.
const PATIENCE: Duration = Duration::from_secs(75);

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The server refuses the client: another attempt is of no use.
    #[error("{0}")]
    Refused(String),
    /// The connection was lost: another attempt may succeed.
    #[error("{0}")]
    Lost(String),
}

/// A connection to the socket.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    open: HashSet<String>,
}

/// Reads the URL of a server, without a slash at its end.
///
/// # Errors
///
/// A message without the name of the setting, which the caller puts before it.
pub(super) fn server_url(text: &str) -> Result<String, &'static str> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or("must be the URL of a server, such as https://mft.example.com")?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must have no user, password, query or fragment");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Returns the address of the GraphQL socket of a server. `url` is the result of [`server_url`].
pub(super) fn address(url: &str) -> String {
    // http becomes ws, and https becomes wss.
    format!("ws{}/graphql/ws", url.strip_prefix("http").unwrap_or(url))
}

fn lost(error: impl std::fmt::Display) -> Ended {
    Ended::Lost(printable(&error.to_string()))
}

/// Why there is no connection: the answer would be the same next time, or the server is unavailable or overloaded.
fn not_connected(error: tungstenite::Error) -> Ended {
    match error {
        tungstenite::Error::Http(answer) => {
            let status = answer.status();
            if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                Ended::Lost(format!("the server answers {status}"))
            } else {
                Ended::Refused(format!("there is no socket of MFTPlus at this address: it answers {status}"))
            }
        }
        tungstenite::Error::Url(error) => Ended::Refused(error.to_string()),
        tungstenite::Error::Io(error) if is_without_tls(&error) => {
            Ended::Refused("the server does not speak TLS on this port; try http://".to_owned())
        }
        error => lost(error),
    }
}

/// Whether something else than TLS was received, such as the answer of an HTTP server.
fn is_without_tls(error: &std::io::Error) -> bool {
    let not_tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
    error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) == Some(&not_tls)
}

/// Why the server closed an established connection.
fn closed(frame: &CloseFrame) -> Ended {
    let reason = printable(&frame.reason);
    match CloseCode(frame.code.into()).after() {
        AfterClose::RenewToken => Ended::Refused(format!(
            "the server does not accept the token ({reason}): `mftplus token` on the server prints a new one, and \
             --email signs in with a password"
        )),
        AfterClose::GiveUp => Ended::Refused(reason),
        AfterClose::Reconnect => Ended::Lost(reason),
    }
}

/// The meaning of errors in an answer: the database of the server may be unavailable, or the rate limit exceeded.
fn failed(errors: &Value) -> Ended {
    let sentence = errors[0]["message"].as_str().unwrap_or("the server refuses the request");
    let sentence = printable(sentence);
    match errors[0]["extensions"]["code"].as_str().and_then(Code::from_name) {
        Some(Code::Unavailable | Code::RateLimited | Code::Internal) => Ended::Lost(sentence),
        _ => Ended::Refused(sentence),
    }
}

impl Socket {
    /// Connects to the socket at `url` and initialises the connection, with the token if there is one.
    ///
    /// # Errors
    ///
    /// [`Ended`] if the server is unavailable or refuses the token.
    pub(super) async fn open(url: &str, token: Option<&str>) -> Result<Self, Ended> {
        let mut request = url.into_client_request().map_err(|error| Ended::Refused(error.to_string()))?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let connected =
            timeout(PATIENCE, connect_async(request)).await.map_err(|_| lost("the server does not answer"))?;
        let (stream, _) = connected.map_err(not_connected)?;
        let mut socket = Self { stream, open: HashSet::new() };
        let payload = token.map_or(json!({}), |token| json!({ "Authorization": format!("Bearer {token}") }));
        socket.send(&json!({ "type": "connection_init", "payload": payload })).await?;
        loop {
            if socket.receive().await?["type"] == "connection_ack" {
                return Ok(socket);
            }
        }
    }

    /// Starts an operation: a subscription, or a query or mutation with a single answer.
    pub(super) async fn subscribe(&mut self, id: &str, query: &str, variables: &Value) -> Result<(), Ended> {
        self.open.insert(id.to_owned());
        let payload = json!({ "query": query, "variables": variables });
        self.send(&json!({ "id": id, "type": "subscribe", "payload": payload })).await
    }

    /// Ends an operation. Has no effect if the operation is not open.
    pub(super) async fn complete(&mut self, id: &str) -> Result<(), Ended> {
        if !self.open.remove(id) {
            return Ok(());
        }
        self.send(&json!({ "id": id, "type": "complete" })).await
    }

    /// Waits for the next answer. Returns the id of its operation, and its data.
    pub(super) async fn next(&mut self) -> Result<(String, Value), Ended> {
        loop {
            let mut message = self.receive().await?;
            let id = message["id"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str() {
                Some("next") => {
                    let mut payload = message["payload"].take();
                    if payload["errors"][0].is_object() {
                        return Err(failed(&payload["errors"]));
                    }
                    return Ok((id, payload["data"].take()));
                }
                Some("error") => return Err(failed(&message["payload"])),
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
            let message =
                timeout(PATIENCE, self.stream.next()).await.map_err(|_| lost("the server sent nothing for 75 s"))?;
            match message.ok_or_else(|| lost("the connection was closed"))?.map_err(lost)? {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).map_err(lost)?;
                    if message["type"] == "ping" {
                        self.send(&json!({ "type": "pong" })).await?;
                    }
                    return Ok(message);
                }
                Message::Close(Some(frame)) => return Err(closed(&frame)),
                Message::Close(None) => return Err(lost("the connection was closed")),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn the_socket_is_beside_the_api() {
        let address = |text: &str| server_url(text).map(|url| address(&url));
        assert_eq!(address("http://127.0.0.1:8080/").as_deref(), Ok("ws://127.0.0.1:8080/graphql/ws"));
        assert_eq!(address("https://fleet.example.com/mft").as_deref(), Ok("wss://fleet.example.com/mft/graphql/ws"));
    }

    #[rstest]
    #[case("fleet.example.com")]
    #[case(":8080")]
    #[case("127.0.0.1:8080")]
    #[case("http://")]
    #[case("http://fleet.example.com:99999")]
    #[case("ws://fleet.example.com")]
    #[case("https://user:password@fleet.example.com")]
    #[case("https://fleet.example.com/?x=1")]
    fn what_is_no_url_of_a_server_is_refused(#[case] text: &str) {
        assert!(server_url(text).is_err());
    }

    #[test]
    fn an_answer_without_tls_would_be_the_same_next_time() {
        let not_tls = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        let ended = not_connected(std::io::Error::new(std::io::ErrorKind::InvalidData, not_tls).into());
        assert!(is_final(&ended) && ended.to_string().contains("try http://"), "{ended}");
        let reset = not_connected(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into());
        assert!(!is_final(&reset), "{reset}");
    }

    fn is_final(ended: &Ended) -> bool {
        matches!(ended, Ended::Refused(_))
    }

    /// The result of opening a socket on a server that gives this answer.
    async fn opened(answer: &'static str) -> Ended {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}/graphql/ws", listener.local_addr().expect("its address"));
        let answering = async {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.expect("a request") > 0);
            stream.write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.expect("sent");
        };
        let ((), socket) = tokio::join!(answering, Socket::open(&url, None));
        socket.err().expect("no socket")
    }

    #[rstest]
    #[case("404 Not Found", true)]
    #[case("400 Bad Request", true)]
    #[case("403 Forbidden", true)]
    #[case("200 OK", true)]
    #[case("301 Moved Permanently", true)]
    #[case("429 Too Many Requests", false)]
    #[case("502 Bad Gateway", false)]
    #[case("503 Service Unavailable", false)]
    #[tokio::test]
    async fn an_answer_that_would_be_the_same_next_time_ends_it(#[case] answer: &'static str, #[case] ends: bool) {
        let ended = Box::pin(opened(answer)).await;
        assert_eq!(is_final(&ended), ends, "{ended}");
        assert!(ended.to_string().contains(&answer[..3]), "{ended}");
    }

    #[tokio::test]
    async fn a_server_that_is_away_may_come_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}/graphql/ws", listener.local_addr().expect("its address"));
        drop(listener);
        let ended = Socket::open(&url, None).await.err().expect("no socket");
        assert!(!is_final(&ended), "{ended}");
    }

    #[rstest]
    #[case("UNAVAILABLE", false)]
    #[case("RATE_LIMITED", false)]
    #[case("INTERNAL", false)]
    #[case("UNAUTHENTICATED", true)]
    #[case("INVALID", true)]
    fn a_fault_of_the_server_does_not_end_it(#[case] code: &str, #[case] ends: bool) {
        let ended = failed(&json!([{ "message": "it went wrong", "extensions": { "code": code } }]));
        assert_eq!((is_final(&ended), ended.to_string().as_str()), (ends, "it went wrong"));
    }

    #[rstest]
    #[case(1001, false)]
    #[case(1006, false)]
    #[case(1011, false)]
    #[case(1012, false)]
    #[case(1013, false)]
    #[case(4500, false)]
    #[case(4400, true)]
    #[case(4401, true)]
    #[case(4403, true)]
    #[case(4408, false)]
    #[case(4429, false)]
    fn a_code_says_whether_connecting_again_is_of_use(#[case] code: u16, #[case] ends: bool) {
        let ended = closed(&CloseFrame { code: code.into(), reason: "why".into() });
        assert_eq!(is_final(&ended), ends);
        assert!(ended.to_string().contains("why"), "{ended}");
    }

    #[test]
    fn what_the_server_says_is_one_bounded_line() {
        let ended = failed(&json!([{ "message": format!("a\n{}", "x".repeat(10_000)) }])).to_string();
        assert!(ended.starts_with("a\u{fffd}x") && ended.chars().count() < 600, "{ended}");
    }

    #[test]
    fn a_refused_token_says_how_to_get_another() {
        let ended = closed(&CloseFrame { code: 4403.into(), reason: "Forbidden".into() }).to_string();
        assert!(
            ended.contains("(Forbidden)") && ended.contains("`mftplus token`") && ended.contains("--email"),
            "{ended}"
        );
    }
}
