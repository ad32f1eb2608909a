//! Tests of requests and responses.

use anyhow::Context as _;
use axum::http::StatusCode;
use mftplus_protocol::characters::{MAX_SHOWN, is_unprintable};
use reqwest::Method;
use reqwest::header::{DATE, HeaderMap, HeaderValue};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{ApiError, HttpClient, MAX_BODY, MINIMAL, Success, explain};
use crate::config::ConfigError;
use crate::server::connection_settings::ConnectionSettings;

#[test]
fn the_clock_of_the_server_counts_if_that_of_this_machine_is_far_from_it() -> anyhow::Result<()> {
    let client = HttpClient::new("http://127.0.0.1:1", &ConnectionSettings::default())?;
    let early = HeaderValue::from_static("Thu, 01 Jan 1970 00:16:40 GMT");
    client.observe_time(&[(DATE, early)].into_iter().collect());
    assert_eq!(client.now().timestamp() / 60, 1000 / 60);
    let present = chrono::Utc::now();
    let date = present.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let server_time: HeaderMap = [(DATE, HeaderValue::from_str(&date)?)].into_iter().collect();
    client.observe_time(&server_time);
    assert!((client.now() - present).num_seconds().abs() < 60);
    Ok(())
}

#[tokio::test]
async fn a_body_above_the_limit_is_not_read() -> anyhow::Result<()> {
    let message = refusal(StatusCode::OK, vec![b' '; MAX_BODY + 1]).await?.to_string();
    assert!(message.contains("answered 200: the response has more than 16 MiB"), "{message}");
    Ok(())
}

#[tokio::test]
async fn only_the_envelope_of_the_api_refuses_a_key() -> anyhow::Result<()> {
    for (body, is_of_the_api) in [
        (json!({"success": false, "error": "unknown API key", "details": null}), true),
        (json!({"error": "invalid_token"}), false),
        (json!({"success": true, "error": "sign in"}), false),
        (json!("sign in"), false),
    ] {
        let error = refusal(StatusCode::UNAUTHORIZED, body.to_string().into_bytes()).await?;
        assert_eq!(error.is_fatal(), is_of_the_api, "{body}: {error}");
        assert_eq!(error.is_temporary(), !is_of_the_api, "{body}: {error}");
    }
    Ok(())
}

/// The error for a response with this status and body.
async fn refusal(status: StatusCode, body: Vec<u8>) -> anyhow::Result<ApiError> {
    let app = axum::Router::new().fallback(move || async move { (status, body) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let client = HttpClient::new(&format!("http://{}", listener.local_addr()?), &ConnectionSettings::default())?;
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let error = client.send::<u8>(client.request(Method::GET, "/")).await.err();
    serving.abort();
    error.context("the response is no error")
}

#[tokio::test]
async fn the_text_of_an_error_is_one_line_and_controls_no_terminal() -> anyhow::Result<()> {
    let error = "a\n2026-01-01T00:00:00Z ERROR b\r\u{1b}[2J\u{2028}c\u{202e}d\u{85}e";
    for details in [json!(null), json!({ "fields": { error: [error] } }), json!({ "reason": "duplicateInstance" })] {
        let body = json!({ "success": false, "error": error, "details": details }).to_string();
        for status in [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::CONFLICT, StatusCode::BAD_GATEWAY]
        {
            let message = refusal(status, body.clone().into_bytes()).await?.to_string();
            assert!(message.contains("ERROR b") && !message.contains(is_unprintable), "{message:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_text_of_an_error_is_bounded() -> anyhow::Result<()> {
    let error = "x".repeat(200_000);
    for details in [json!(null), json!({ "fields": { "size": [error] } }), json!({ "reason": error })] {
        let body = json!({ "success": false, "error": error, "details": details }).to_string();
        for status in [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::OK] {
            let message = refusal(status, body.clone().into_bytes()).await?.to_string();
            assert!(message.chars().count() < MAX_SHOWN + 200, "{}", message.len());
        }
    }
    Ok(())
}

#[test]
fn an_answer_without_data_confirms_nothing() -> serde_json::Result<()> {
    assert!(serde_json::from_str::<Success<Option<u8>>>("{}").is_err());
    assert_eq!(serde_json::from_slice::<Success<Option<u8>>>(MINIMAL)?.data, None);
    Ok(())
}

#[test]
fn a_refusal_names_the_wrong_fields() {
    let details = json!({"fields": {"size": ["must not be negative", "must be a number"]}});
    assert_eq!(
        explain("Validation failed", Some(&details)),
        "Validation failed: size: must not be negative, must be a number"
    );
}

#[test]
fn an_invalid_server_address_is_a_mistake_of_the_configuration() {
    for server in ["", ":8080", "localhost:8080", "ftp://example.com", "http://", "http://user:secret@h"] {
        let refused = HttpClient::new(server, &ConnectionSettings::default()).err();
        let is_right = |error: anyhow::Error| error.is::<ConfigError>() && !error.to_string().contains("secret");
        assert!(refused.is_some_and(is_right), "{server}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_said_to_have_none() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let ca_file = dir.path().join("ca.pem");
    std::fs::write(&ca_file, rcgen::generate_simple_self_signed(["localhost".to_owned()])?.cert.pem())?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let settings = ConnectionSettings { ca_file: Some(ca_file), ..ConnectionSettings::default() };
    let client = HttpClient::new(&format!("https://{}", listener.local_addr()?), &settings)?;
    let answering = async {
        let (mut stream, _) = listener.accept().await?;
        anyhow::ensure!(stream.read(&mut [0; 8192]).await? > 0, "there is no request");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await?;
        // Open until the client has read.
        anyhow::Ok(stream)
    };
    let (stream, time) = tokio::join!(answering, client.time(client.request(Method::GET, "/")));
    drop(stream?);
    let error = time.err().context("it answered")?.to_string();
    assert!(error.ends_with("cannot be reached (it does not speak TLS on this port; try http://)"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_named() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    drop(listener);
    let client = HttpClient::new(&format!("http://{address}/"), &ConnectionSettings::default())?;
    let error = client.time(client.request(Method::GET, "/")).await.err().context("it answered")?.to_string();
    assert!(error.starts_with(&format!("the server at http://{address} cannot be reached (")), "{error}");
    Ok(())
}
