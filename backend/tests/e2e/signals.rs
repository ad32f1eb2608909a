//! How a server ends, and its reaction to signals that do not end it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::process::ExitStatusExt,
};

use reqwest::{Client, Method};
use rstest::rstest;
use serde_json::Value;

use crate::process::Server;

/// A connection on which these bytes were sent.
fn send(address: &str, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(bytes.as_bytes()).expect("sent");
    stream
}

async fn is_live(server: &Server) -> bool {
    let no_credentials = ("X-Nothing", "");
    server.ask(&Client::new(), Method::GET, "/api/health/live", no_credentials, &Value::Null).await.0 == 200
}

#[rstest]
#[case::interrupt("INT")]
#[case::terminate("TERM")]
#[case::quit("QUIT")]
#[tokio::test]
async fn a_server_ends_in_order_although_half_a_request_is_on_its_way(#[case] signal: &str) {
    let mut server = Server::start(&[]).await;
    let mut half = send(&server.address, "GET /api/he");
    assert!(is_live(&server).await);
    server.signal(signal);
    assert_eq!(server.ended().code(), Some(0));
    assert_eq!(half.read(&mut [0; 8]).unwrap_or(0), 0, "nothing was answered");
}

#[tokio::test]
async fn a_hangup_ends_nothing() {
    let mut server = Server::start(&[]).await;
    for _ in 0..3 {
        server.signal("HUP");
        assert!(is_live(&server).await);
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_a_server_at_once() {
    let mut server = Server::start(&[]).await;
    // Half a body keeps the end waiting for as long as it may take.
    let head =
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    let _half = send(&server.address, head);
    assert!(is_live(&server).await);
    server.signal("TERM");
    // Of two signals that wait together the system keeps one, so the second one is sent until it has arrived.
    let status = loop {
        server.signal("INT");
        if let Some(status) = server.has_ended() {
            break status;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((status.code(), status.signal()), (Some(130), None));
}
