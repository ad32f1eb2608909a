//! TLS of the API on a real listener: what is served, how the certificate is replaced, and how a handshake ends.

use std::{sync::Arc, time::Duration};

use backend::{
    server::{certificate::ServerCertificate, tls::Tls},
    transport::ConnectionLimits,
};
use serde_json::json;
use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::support::{
    PASSWORD, TestApp, TestListener,
    tls::{TestCertificate, tls_of},
};

/// Longer than anything may take.
const FOR_EVER: Duration = Duration::from_mins(1);

/// All bytes until the server closes the connection; a reset is an end, too.
async fn to_the_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    drop(stream.read_to_end(&mut bytes).await);
    bytes
}

async fn serve(app: &TestApp, certificate: &TestCertificate, limits: ConnectionLimits) -> TestListener {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tls = tls_of(certificate.write(folder.path())).await;
    TestListener::of_tls(app.router.clone(), limits, tls).await
}

#[tokio::test]
async fn the_api_is_served_over_tls_with_a_secure_cookie() {
    let app = TestApp::start().await;
    let certificate = TestCertificate::of_server();
    let listening = serve(&app, &certificate, ConnectionLimits::of_api(100)).await;
    let user = app.create_user("ops", None).await;
    let url = format!("https://{}", listening.address);
    let body = json!({ "email": user.email, "password": PASSWORD, "cookie": true });
    let client = certificate.client();
    let answer = client.post(format!("{url}/api/auth/login")).json(&body).send().await.expect("an answer");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(answer.status() == 200 && cookie.split("; ").any(|part| part == "Secure"), "{cookie}");

    // Larger than the buffers of TLS.
    let document = client.get(format!("{url}/openapi.json")).send().await.expect("an answer");
    let length = document.content_length().expect("a length");
    assert_eq!(document.bytes().await.expect("a document").len() as u64, length);
    assert!(length > 100_000, "{length}");
}

#[tokio::test]
async fn a_page_of_http_is_foreign_to_a_server_with_tls() {
    let app = TestApp::start().await;
    let certificate = TestCertificate::of_server();
    let listening = serve(&app, &certificate, ConnectionLimits::of_api(100)).await;
    let user = app.create_user("ops", None).await;
    let body = json!({ "email": user.email, "password": PASSWORD, "cookie": true });
    for (scheme, status) in [("https", 200_u16), ("http", 403)] {
        let request = certificate.client().post(format!("https://{}/api/auth/login", listening.address));
        let origin = format!("{scheme}://{}", listening.address);
        let answer = request.header("Origin", origin).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{scheme}");
    }
}

#[tokio::test]
async fn a_request_without_tls_gets_no_answer() {
    let app = TestApp::start().await;
    let listening = serve(&app, &TestCertificate::of_server(), ConnectionLimits::of_api(100)).await;
    let mut stream = listening.raw("GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = to_the_end(&mut stream).await;
    assert!(!answer.windows(4).any(|window| window == b"HTTP"), "{answer:?}");
}

#[tokio::test]
async fn a_replaced_certificate_is_used_at_once_and_one_that_does_not_fit_its_key_never() {
    let app = TestApp::start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (first, second, third) =
        (TestCertificate::of_server(), TestCertificate::of_server(), TestCertificate::of_server());
    let certificate = ServerCertificate::load(first.write(folder.path())).await.expect("a certificate");
    let tls = Tls::new(Arc::clone(&certificate)).expect("TLS");
    let listening = TestListener::of_tls(app.router.clone(), ConnectionLimits::of_api(100), tls).await;
    let is_shown = async |certificate: &TestCertificate| {
        let url = format!("https://{}/api/health/live", listening.address);
        certificate.client().get(url).send().await.is_ok()
    };
    assert!(is_shown(&first).await && !is_shown(&second).await);

    second.write(folder.path());
    certificate.reload().await;
    assert!(!is_shown(&first).await && is_shown(&second).await);

    let files = third.write(folder.path());
    for damaged in [second.key.as_str(), "", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
        std::fs::write(&files.key, damaged).expect("written");
        certificate.reload().await;
        assert!(is_shown(&second).await && !is_shown(&third).await, "{damaged}");
    }
    std::fs::remove_file(&files.key).expect("removed");
    certificate.reload().await;
    assert!(is_shown(&second).await);

    third.write(folder.path());
    certificate.reload().await;
    assert!(is_shown(&third).await && !is_shown(&second).await);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start_with_the_name_of_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let files = TestCertificate::of_server().write(folder.path());
    std::fs::write(&files.key, TestCertificate::of_server().key).expect("written");
    let error = format!("{:#}", ServerCertificate::load(files.clone()).await.expect_err("another key"));
    assert!(error.contains("server.key is not the key of ") && error.contains("MFTPLUS_TLS_KEY"), "{error}");
    std::fs::write(&files.certificate, "no certificate").expect("written");
    let error = format!("{:#}", ServerCertificate::load(files.clone()).await.expect_err("no certificate"));
    assert!(error.contains("server.pem contains no certificate in PEM"), "{error}");
    std::fs::remove_file(&files.certificate).expect("removed");
    let error = format!("{:#}", ServerCertificate::load(files).await.expect_err("no file"));
    assert!(error.contains("server.pem cannot be read: "), "{error}");
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_closed_after_the_time_of_a_head() {
    let app = TestApp::start().await;
    let limits = ConnectionLimits { head: Duration::from_millis(1), ..ConnectionLimits::of_api(100) };
    let listening = serve(&app, &TestCertificate::of_server(), limits).await;
    // The second one is the begin of a handshake.
    for sent in ["", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}"] {
        assert_eq!(to_the_end(&mut listening.raw(sent).await).await, b"");
    }
    listening.listeners.connections().closed().await;
}

#[tokio::test]
async fn a_handshake_counts_as_a_connection_and_does_not_delay_the_end_of_the_server() {
    let app = TestApp::start().await;
    // The handshake itself never ends in this test.
    let hour = Duration::from_hours(1);
    let limits = ConnectionLimits { head: hour, ..ConnectionLimits::of_api(100) };
    let listening = serve(&app, &TestCertificate::of_server(), limits).await;
    let mut stream = listening.raw("\u{16}\u{3}\u{1}").await;
    while listening.listeners.connections().is_empty() {
        tokio::task::yield_now().await;
    }
    let closed = timeout(FOR_EVER, listening.listeners.close(Instant::now() + hour)).await;
    assert!(closed.expect("an end without the handshake's"), "nothing remains");
    assert_eq!(to_the_end(&mut stream).await, b"");
}
