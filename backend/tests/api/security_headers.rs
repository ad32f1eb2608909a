//! Headers of every answer that protect it in a browser.

use tokio::io::AsyncReadExt;

use crate::support::TestApp;

#[tokio::test]
async fn no_answer_may_be_taken_for_another_type_than_it_says() {
    let app = TestApp::start().await;
    let listening = app.listen().await;
    for (line, accept) in [
        ("GET /api/health", "*/*"),
        ("GET /openapi.json", "*/*"),
        ("GET /mftplus-api.yaml", "*/*"),
        ("GET /api/docs", "text/html"),
        ("GET /api/agents", "text/csv"),
        ("GET /api/nothing", "*/*"),
        ("GET /graphql", "text/html"),
        ("GET /graphql?query=%7B__typename%7D", "*/*"),
        ("PUT /graphql", "*/*"),
        ("GET /graphql/ws", "*/*"),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: {accept}\r\n\r\n");
        let mut answer = String::new();
        listening.raw(&request).await.read_to_string(&mut answer).await.expect("an answer");
        let head = answer.split("\r\n\r\n").next().expect("a head");
        let values = head.lines().filter(|line| line.to_ascii_lowercase().starts_with("x-content-type-options:"));
        assert_eq!(values.collect::<Vec<_>>(), ["X-Content-Type-Options: nosniff"], "{line}: {head}");
    }
}
