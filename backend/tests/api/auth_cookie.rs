//! The refresh token as a cookie, for browsers.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Client, PASSWORD, TestApp};

async fn sign_in(app: &TestApp, client: &Client) -> Answer {
    let ops = app.create_user("ops", None).await;
    let body = json!({ "email": ops.email, "password": PASSWORD, "cookie": true });
    let answer = client.post("/api/auth/login", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

/// The cookie's name and value, as a browser sends it back, and its attributes in alphabetical order.
fn cookie(answer: &Answer) -> (String, Vec<String>) {
    let mut parts = answer.header("set-cookie").expect("a cookie").split("; ").map(ToOwned::to_owned);
    let pair = parts.next().expect("a name and a value");
    let mut attributes: Vec<String> = parts.collect();
    attributes.sort();
    (pair, attributes)
}

#[tokio::test]
async fn with_cookie_the_refresh_token_is_in_a_cookie_and_not_in_the_body() {
    let app = TestApp::start().await;
    let answer = sign_in(&app, &app.anonymous()).await;
    assert_eq!(answer.body["data"].get("refreshToken"), None);
    let (pair, attributes) = cookie(&answer);
    assert!(pair.starts_with("mftplus_refresh=mft_rt_"), "{pair}");
    assert_eq!(attributes, ["HttpOnly", "Max-Age=604800", "Path=/api/auth", "SameSite=Strict"]);
}

#[rstest]
#[case::a_trusted_proxy("10.0.0.1", "https", true)]
#[case::in_capitals("10.0.0.1", "HTTPS", true)]
#[case::without_tls("10.0.0.1", "http", false)]
#[case::proxies_that_differ("10.0.0.1", "http, https", false)]
#[case::a_client("192.0.2.1", "https", false)]
#[tokio::test]
async fn the_cookie_is_secure_if_a_trusted_proxy_names_https(
    #[case] peer: &str,
    #[case] scheme: &str,
    #[case] is_secure: bool,
) {
    let app = TestApp::with(&["--rate-limits", "off", "--trusted-proxies", "10.0.0.0/8"]).await;
    let answer = sign_in(&app, &app.anonymous().from(peer).with("X-Forwarded-Proto", scheme)).await;
    assert_eq!(cookie(&answer).1.contains(&"Secure".to_owned()), is_secure);
}

#[tokio::test]
async fn refresh_takes_the_cookie_and_gives_the_next_one() {
    let app = TestApp::start().await;
    let (first, _) = cookie(&sign_in(&app, &app.anonymous()).await);
    let browser = app.anonymous().with("Cookie", &format!("theme=dark; {first}"));
    let answer = browser.send("POST", "/api/auth/refresh", None).await;
    assert_eq!((answer.status, answer.body["data"].get("refreshToken")), (200, None));
    let (second, attributes) = cookie(&answer);
    assert_ne!(first, second);
    assert_eq!(attributes, ["HttpOnly", "Max-Age=604800", "Path=/api/auth", "SameSite=Strict"]);
    let token = answer.body["data"]["token"].as_str().unwrap_or_default();
    assert_eq!(app.bearer(token).get("/api/auth/me").await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_from_the_body_may_move_into_a_cookie() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let session = app.sign_in(&ops.email, PASSWORD).await;
    let body = json!({ "refreshToken": session.body["data"]["refreshToken"], "cookie": true });
    let answer = app.anonymous().post("/api/auth/refresh", &body).await;
    assert_eq!((answer.status, answer.body["data"].get("refreshToken")), (200, None));
    assert!(cookie(&answer).0.starts_with("mftplus_refresh=mft_rt_"));
}

#[tokio::test]
async fn signing_out_takes_the_cookie_and_removes_it() {
    let app = TestApp::start().await;
    let answer = sign_in(&app, &app.anonymous()).await;
    let token = answer.body["data"]["token"].as_str().unwrap_or_default();
    let (pair, _) = cookie(&answer);
    let browser = app.anonymous().with("Cookie", &pair);
    let gone = browser.send("POST", "/api/auth/logout", None).await;
    assert_eq!((gone.status, &gone.body["data"]), (200, &json!({ "loggedOut": true })));
    let (pair, attributes) = cookie(&gone);
    assert_eq!(pair, "mftplus_refresh=");
    assert!(attributes.contains(&"Max-Age=0".to_owned()) && attributes.contains(&"Path=/api/auth".to_owned()));
    assert_eq!(app.bearer(token).get("/api/auth/me").await.status, 401);
    assert_eq!(browser.send("POST", "/api/auth/refresh", None).await.status, 401);
}

#[tokio::test]
async fn refresh_with_neither_a_token_nor_a_cookie_names_the_field() {
    let app = TestApp::start().await;
    let answer = app.anonymous().send("POST", "/api/auth/refresh", None).await;
    assert_eq!(answer.status, 400);
    assert_ne!(answer.body["details"]["fields"]["refreshToken"], Value::Null);
}

#[tokio::test]
async fn the_cookie_is_no_way_in_elsewhere() {
    let app = TestApp::start().await;
    let (pair, _) = cookie(&sign_in(&app, &app.anonymous()).await);
    assert_eq!(app.anonymous().with("Cookie", &pair).get("/api/auth/me").await.status, 401);
}

#[tokio::test]
async fn a_page_of_another_origin_neither_uses_the_cookie_nor_sets_it() {
    let app = TestApp::start().await;
    let (pair, _) = cookie(&sign_in(&app, &app.anonymous()).await);
    let browser = app.anonymous().with("Cookie", &pair).with("Host", "fleet.example.com:443");
    let foreign = browser.with("Origin", "https://other.example.com");
    for path in ["/api/auth/refresh", "/api/auth/logout"] {
        let answer = foreign.send("POST", path, None).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (403, None), "{path}");
    }
    let ops = app.create_user("other", None).await;
    let login = json!({ "email": ops.email, "password": PASSWORD, "cookie": true });
    assert_eq!(foreign.post("/api/auth/login", &login).await.status, 403);
    let own = browser.with("Origin", "https://fleet.example.com");
    let renewed = own.send("POST", "/api/auth/refresh", None).await;
    assert_eq!(renewed.status, 200, "the same host, with the port that its scheme has by default: {}", renewed.body);
    let own = app.anonymous().with("Cookie", &cookie(&renewed).0).with("Host", "fleet.example.com");
    assert_eq!(
        own.with("Origin", "https://fleet.example.com").send("POST", "/api/auth/logout", None).await.status,
        200
    );
}

#[tokio::test]
async fn what_takes_no_cookie_asks_for_no_origin() {
    let app = TestApp::start().await;
    let ops = app.create_user("ops", None).await;
    let foreign = app.anonymous().with("Host", "fleet.example.com").with("Origin", "https://other.example.com");
    let login = foreign.post("/api/auth/login", &json!({ "email": ops.email, "password": PASSWORD })).await;
    let token = &login.body["data"]["refreshToken"];
    assert_eq!((login.status, token.is_string()), (200, true));
    let body = json!({ "refreshToken": token });
    let ended = foreign.post("/api/auth/logout", &body).await;
    assert_eq!((ended.status, ended.header("set-cookie")), (200, None), "the cookie of the browser stays");
}

#[tokio::test]
async fn the_origin_of_the_settings_may_use_the_cookie() {
    let app = TestApp::with(&["--rate-limits", "off", "--allowed-origins", "https://fleet.example.com"]).await;
    let (pair, _) = cookie(&sign_in(&app, &app.anonymous()).await);
    let page = app.anonymous().with("Cookie", &pair).with("Host", "10.0.0.7:8080");
    assert_eq!(
        page.with("Origin", "https://fleet.example.com").send("POST", "/api/auth/refresh", None).await.status,
        200
    );
    assert_eq!(
        page.with("Origin", "http://fleet.example.com").send("POST", "/api/auth/refresh", None).await.status,
        403
    );
}
