//! The server behind a proxy, below a base path.

use serde_json::{Value, json};

use crate::support::{PASSWORD, TestApp};

const BELOW_A_PATH: &[&str] = &["--rate-limits", "off", "--public-url", "https://example.com/mft"];

#[tokio::test]
async fn the_api_answers_whether_or_not_the_proxy_removes_the_path() {
    let app = TestApp::with(BELOW_A_PATH).await;
    let admin = app.admin().await;
    for path in ["/api/agents", "/mft/api/agents", "/mft/api/agents?limit=1"] {
        assert_eq!(admin.get(path).await.status, 200, "{path}");
    }
    assert_eq!(admin.get("/mftplus/api/agents").await.status, 404);
}

#[tokio::test]
async fn the_cookie_is_for_the_path_that_the_browser_sees_and_for_tls() {
    let app = TestApp::with(BELOW_A_PATH).await;
    let ops = app.create_user("ops", None).await;
    let body = json!({ "email": ops.email, "password": PASSWORD, "cookie": true });
    for path in ["/api/auth/login", "/mft/api/auth/login"] {
        let answer = app.anonymous().post(path, &body).await;
        let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
        assert!(cookie.contains("Path=/mft/api/auth") && cookie.contains("Secure"), "{cookie}");
    }
}

#[tokio::test]
async fn the_document_names_the_path_and_the_reference_page_is_relative() {
    let app = TestApp::with(BELOW_A_PATH).await;
    let document = app.anonymous().get("/openapi.json").await;
    assert_eq!(document.body["servers"][0]["url"], Value::from("/mft"));
    let page = app.anonymous().get("/api/docs").await;
    let page = String::from_utf8_lossy(&page.bytes);
    assert!(!page.contains("=\"/"), "{page}");
    let settings = app.anonymous().get("/api/docs/swagger-initializer.js").await;
    let settings = String::from_utf8_lossy(&settings.bytes);
    assert!(settings.contains("\"../openapi.json\""), "{settings}");
}

#[tokio::test]
async fn pages_of_the_public_origin_may_use_graphql() {
    let app = TestApp::with(BELOW_A_PATH).await;
    let ask = async |origin: &str| {
        let client = app.anonymous().with("Origin", origin).with("Host", "10.0.0.7:8080");
        client.post("/graphql", &json!({ "query": "{ __typename }" })).await.status
    };
    assert_eq!(ask("https://example.com").await, 200);
    assert_eq!(ask("https://example.org").await, 403);
}
