//! The common form of all answers: section 1 of the contract.

use chrono::{DateTime, TimeDelta, Utc};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use crate::support::{
    Answer, Client, TestApp,
    app::{START, TestAgent},
};

const MIB: usize = 1024 * 1024;

/// A server with an agent, and the client of that agent.
async fn with_agent() -> (TestApp, TestAgent, Client) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    let agent = app.agent(customer.id, "server1").await;
    let client = app.key(&agent.key);
    (app, agent, client)
}

fn assert_failure(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", String::from_utf8_lossy(&answer.bytes));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.body["success"], false, "{}", String::from_utf8_lossy(&answer.bytes));
    assert!(answer.body["error"].as_str().is_some_and(|error| !error.is_empty()), "{}", answer.body);
    assert!(answer.body.get("details").is_some(), "{}", answer.body);
}

fn transfer_body() -> Value {
    json!({
        "sourceUrl": "sftp://ftp.example.com/data.csv", "destinationPath": "/data.csv", "direction": "pull",
        "protocol": "sftp",
    })
}

#[rstest]
#[case("GET", "/api")]
#[case("GET", "/api/")]
#[case("GET", "/api/nothing")]
#[case("POST", "/api/transfers/0199c1f0-6c00-7000-8000-000000000001/nothing")]
#[case("GET", "/api/agents/")]
#[case("GET", "/api//agents")]
#[case("GET", "/api/docs/nothing.js")]
#[tokio::test]
async fn a_route_that_is_not_there_is_404_in_the_envelope(#[case] method: &str, #[case] path: &str) {
    let app = TestApp::start().await;
    assert_failure(&app.anonymous().send(method, path, None).await, 404);
}

#[rstest]
#[case("DELETE", "/api/agents", &["GET"])]
#[case("PUT", "/api/transfers", &["GET", "POST", "PATCH"])]
#[case("POST", "/api/transfers/0199c1f0-6c00-7000-8000-000000000001", &["GET", "PATCH"])]
#[case("GET", "/api/agents/register", &["POST"])]
#[case("GET", "/api/agents/heartbeat", &["POST"])]
#[case("OPTIONS", "/api/health", &["GET"])]
#[case("PATCH", "/api/docs", &["GET"])]
#[tokio::test]
async fn a_method_that_a_route_has_not_is_405_and_says_which_it_has(
    #[case] method: &str,
    #[case] path: &str,
    #[case] allowed: &[&str],
) {
    let app = TestApp::start().await;
    let answer = app.anonymous().send(method, path, None).await;
    assert_failure(&answer, 405);
    let allow: Vec<&str> = answer.header("allow").expect("Allow").split(',').map(str::trim).collect();
    assert!(allowed.iter().all(|method| allow.contains(method)), "{allow:?}");
    assert!(!allow.contains(&method), "{allow:?}");
}

#[rstest]
#[case("/api/transfers/17")]
#[case("/api/transfers/0199c1f06c0070008000000000000001")]
#[case("/api/transfers/%7B0199c1f0-6c00-7000-8000-000000000001%7D")]
#[case("/api/transfers/%ff")]
#[case("/api/agents/server1")]
#[case("/api/agents/server1/transfers")]
#[tokio::test]
async fn an_id_that_is_none_is_404(#[case] path: &str) {
    let app = TestApp::start().await;
    assert_failure(&app.admin().await.get(path).await, 404);
}

#[rstest]
#[case(MIB + 1)]
#[case(5 * MIB)]
#[tokio::test]
async fn a_body_over_one_mebibyte_is_413_where_the_caller_may_send_one(#[case] size: usize) {
    let (app, _, agent) = with_agent().await;
    for (client, path) in [(&agent, "/api/transfers"), (&app.anonymous(), "/api/auth/login")] {
        let answer = client.send_bytes("POST", path, Some("application/json"), vec![b' '; size]).await;
        assert_failure(&answer, 413);
    }
}

#[tokio::test]
async fn a_caller_is_refused_and_counted_before_a_body_is_read() {
    let app = TestApp::with(&["--rate-limits", "agent=1"]).await;
    let anonymous = app.key("mft_ak_unknown");
    let body = || vec![b' '; 5 * MIB];
    for status in [401, 429] {
        let answer = anonymous.send_bytes("POST", "/api/transfers", Some("application/json"), body()).await;
        assert_failure(&answer, status);
        assert_eq!(answer.header("x-ratelimit-limit"), Some("1"));
    }
    let answer = app.anonymous().send_bytes("POST", "/api/nothing", Some("application/json"), body()).await;
    assert_failure(&answer, 404);
}

#[tokio::test]
async fn a_body_of_one_mebibyte_is_read() {
    let (_app, _, agent) = with_agent().await;
    let mut body = transfer_body().to_string().into_bytes();
    body.resize(MIB, b' ');
    let answer = agent.send_bytes("POST", "/api/transfers", Some("application/json"), body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[tokio::test]
async fn a_chunked_body_over_the_limit_is_read_to_its_end_so_that_its_sender_sees_the_413() {
    let (app, _, _) = with_agent().await;
    let listening = app.listen().await;
    let head = "POST /api/auth/login HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let mut stream = listening.raw(head).await;
    let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x10000], b"\r\n"].concat();
    for _ in 0..48 {
        stream.write_all(&chunk).await.expect("a chunk is taken");
    }
    stream.write_all(b"0\r\n\r\n").await.expect("an end");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains(r#"{"success":false,"error":"#), "{answer}");
}

#[rstest]
#[case(None)]
#[case(Some("text/plain"))]
#[case(Some("application/x-www-form-urlencoded"))]
#[case(Some("application/jsonp"))]
#[tokio::test]
async fn a_body_that_is_not_sent_as_json_is_415(#[case] content_type: Option<&str>) {
    let (_app, _, agent) = with_agent().await;
    let body = transfer_body().to_string().into_bytes();
    assert_failure(&agent.send_bytes("POST", "/api/transfers", content_type, body).await, 415);
}

#[rstest]
#[case("application/json; charset=utf-8")]
#[case("Application/JSON")]
#[case("application/vnd.mftplus+json")]
#[tokio::test]
async fn json_may_be_named_in_several_ways(#[case] content_type: &str) {
    let (_app, _, agent) = with_agent().await;
    let body = transfer_body().to_string().into_bytes();
    let answer = agent.send_bytes("POST", "/api/transfers", Some(content_type), body).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

#[rstest]
#[case(b"")]
#[case(b"{")]
#[case(b"[]")]
#[case(b"null")]
#[case(b"\"text\"")]
#[case(b"{} {}")]
#[case(b"{\"size\": 1e999}")]
#[case(b"{\"size\": \xff}")]
#[case(b"{\"sourceUrl\": \"\\ud800\"}")]
#[tokio::test]
async fn a_body_that_is_no_json_object_is_400(#[case] body: &[u8]) {
    let (_app, _, agent) = with_agent().await;
    let answer = agent.send_bytes("POST", "/api/transfers", Some("application/json"), body.to_vec()).await;
    assert_failure(&answer, 400);
}

#[tokio::test]
async fn json_nested_without_end_is_400_and_affects_no_other_request() {
    let (_app, _, agent) = with_agent().await;
    let body = "[".repeat(MIB).into_bytes();
    assert_failure(&agent.send_bytes("POST", "/api/transfers", Some("application/json"), body).await, 400);
}

/// An hour's overlap is added to the last representable hour: the only panic that a request can cause.
#[tokio::test]
async fn a_panic_is_a_500_that_says_nothing_of_it() {
    let (app, agent, client) = with_agent().await;
    let now: DateTime<Utc> = START.parse().expect("an instant");
    app.advance(DateTime::<Utc>::MAX_UTC - now - TimeDelta::minutes(1));
    let answer = client.post(&format!("/api/agents/{}/key", agent.id), &json!({})).await;
    assert_failure(&answer, 500);
    assert_eq!(answer.body, json!({ "success": false, "error": "internal error", "details": null }));
    assert_eq!(app.anonymous().get("/api/health/live").await.status, 200);
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let (_app, _, agent) = with_agent().await;
    let mut body = transfer_body();
    body["colour"] = json!({ "deep": [1, 2, 3] });
    assert_eq!(agent.post("/api/transfers", &body).await.status, 201);
}

#[rstest]
#[case("page=0", &["page"])]
#[case("page=-1", &["page"])]
#[case("page=one", &["page"])]
#[case("page=", &["page"])]
#[case("page=1.5", &["page"])]
#[case("page=9223372036854775808", &["page"])]
#[case("limit=0", &["limit"])]
#[case("limit=101", &["limit"])]
#[case("limit=true", &["limit"])]
#[case("page=0&limit=101&status=asleep", &["limit", "page", "status"])]
#[tokio::test]
async fn a_query_outside_its_bounds_is_400_and_not_clamped(#[case] query: &str, #[case] wrong: &[&str]) {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for path in ["/api/agents", "/api/transfers"] {
        let answer = admin.get(&format!("{path}?{query}")).await;
        assert_failure(&answer, 400);
        assert_eq!(answer.wrong_fields(), wrong, "{path}");
    }
}

#[tokio::test]
async fn a_page_past_the_end_is_an_empty_200_and_an_empty_list_has_no_pages() {
    let (app, _, _) = with_agent().await;
    let admin = app.admin().await;
    let past = admin.get("/api/agents?page=9223372036854775807&limit=100").await;
    assert_eq!(past.status, 200);
    assert_eq!(
        past.body["data"],
        json!({
            "agents": [], "pagination": { "page": i64::MAX, "limit": 100, "total": 1, "pages": 1 },
        })
    );
    for query in ["", "?page=7&limit=3", "?status=running", "?protocol=ftp"] {
        let answer = admin.get(&format!("/api/transfers{query}")).await;
        assert_eq!((answer.status, &answer.body["data"]["transfers"]), (200, &json!([])));
        let pagination = &answer.body["data"]["pagination"];
        assert_eq!((&pagination["total"], &pagination["pages"]), (&json!(0), &json!(0)), "{query}");
    }
}

#[tokio::test]
async fn a_list_without_a_page_and_a_limit_is_the_first_page_of_twenty() {
    let (app, _, _) = with_agent().await;
    let answer = app.admin().await.get("/api/agents").await;
    let expected = json!({ "page": 1, "limit": 20, "total": 1, "pages": 1 });
    assert_eq!(answer.body["data"]["pagination"], expected);
}

#[tokio::test]
async fn everything_wrong_with_a_body_is_said_at_once() {
    let (_app, _, agent) = with_agent().await;
    let body = json!({
        "sourceUrl": 7, "direction": "sideways", "protocol": null, "size": -1, "agentId": "me", "checksumSha256": "abc",
    });
    let answer = agent.post("/api/transfers", &body).await;
    assert_failure(&answer, 400);
    assert_eq!(
        answer.body["details"],
        json!({ "fields": {
        "sourceUrl": ["must be a string"],
        "destinationPath": ["is required"],
        "direction": ["must be one of pull, push"],
        "protocol": ["is required"],
        "size": ["must be between 0 and 1152921504606846976"],
        "agentId": ["must be a UUID"],
        "checksumSha256": ["must be a SHA-256 as 64 hexadecimal digits"],
    } })
    );
}

#[rstest]
#[case(json!({ "source": "/a" }), json!({ "sourceUrl": "/b" }), "sourceUrl")]
#[case(json!({ "destination": "/a" }), json!({ "destinationPath": "/b" }), "destinationPath")]
#[case(json!({ "bytesTotal": 7 }), json!({ "size": 8 }), "size")]
#[tokio::test]
async fn the_names_of_answers_are_aliases_in_requests_unless_they_contradict(
    #[case] alias: Value,
    #[case] name: Value,
    #[case] field: &str,
) {
    let (_app, _, agent) = with_agent().await;
    let with = |parts: &[&Value]| {
        let mut body = transfer_body();
        let fields = body.as_object_mut().expect("an object");
        fields.remove(field);
        for part in parts {
            fields.extend(part.as_object().expect("an object").clone());
        }
        body
    };
    let (answered, said) = alias.as_object().and_then(|alias| alias.iter().next()).expect("a field");
    let alone = agent.post("/api/transfers", &with(&[&alias])).await;
    assert_eq!(alone.status, 201, "{}", alone.body);
    assert_eq!(&alone.body["data"]["transfer"][answered], said);
    let agreeing = agent.post("/api/transfers", &with(&[&alias, &json!({ field: said })])).await;
    assert_eq!(agreeing.status, 201, "{}", agreeing.body);
    let contradicting = agent.post("/api/transfers", &with(&[&alias, &name])).await;
    assert_failure(&contradicting, 400);
    assert_eq!(contradicting.wrong_fields(), [field]);
}

#[tokio::test]
async fn in_an_update_null_clears_what_may_be_null_and_is_400_elsewhere() {
    let (app, agent, client) = with_agent().await;
    let transfer = app.transfer(&agent).await;
    let path = format!("/api/transfers/{}", transfer["id"].as_str().expect("an id"));
    client.patch(&path, &json!({ "latencyMs": 7, "error": "slow" })).await;
    let cleared = client.patch(&path, &json!({ "latencyMs": null, "errorMessage": null })).await;
    assert_eq!(cleared.body["data"]["transfer"]["network"]["latencyMs"], Value::Null);
    assert_eq!(cleared.body["data"]["transfer"]["errorMessage"], Value::Null);
    let nulls = json!({
        "status": null, "progress": null, "bytesTransferred": null, "speed": null, "size": null, "attempt": null,
    });
    let answer = client.patch(&path, &nulls).await;
    assert_failure(&answer, 400);
    assert_eq!(answer.wrong_fields(), ["attempt", "bytesTransferred", "progress", "size", "speed", "status"]);
}

#[tokio::test]
async fn instants_end_in_z_and_ids_are_uuids_of_version_7() {
    let (app, agent, _) = with_agent().await;
    app.advance(TimeDelta::milliseconds(250));
    let transfer = app.transfer(&agent).await;
    assert_eq!(transfer["createdAt"], "2026-04-25T13:00:00.250Z");
    for name in ["id", "agentId", "customerId"] {
        let id: Uuid = transfer[name].as_str().expect("an id").parse().expect("a UUID");
        assert_eq!(id.get_version_num(), 7, "{name}");
    }
}

/// `Authorization` takes precedence where both credentials are allowed; all other routes look for their own credential.
#[tokio::test]
async fn of_two_credentials_the_token_counts() {
    let (app, agent, client) = with_agent().await;
    let other = app.customer("Other").await;
    let admin = app.admin().await;
    let path = format!("/api/agents/{}/key", agent.id);
    let with_garbage = client.with("Authorization", "Bearer garbage");
    assert_failure(&with_garbage.post(&path, &json!({})).await, 401);
    assert_failure(&client.with("Authorization", "Basic dXNlcjpwYXNz").post(&path, &json!({})).await, 401);
    let with_other = client.with("Authorization", &format!("Bearer {}", other.token));
    assert_failure(&with_other.post(&path, &json!({})).await, 404);
    let with_garbage_key = admin.with("X-API-Key", "mft_ak_garbage");
    assert_eq!(with_garbage_key.post(&path, &json!({})).await.status, 201);
}

#[tokio::test]
async fn the_documents_are_served_without_an_envelope() {
    let app = TestApp::start().await;
    let anyone = app.anonymous();
    let page = anyone.get("/api/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let yaml = anyone.get("/mftplus-api.yaml").await;
    assert_eq!(yaml.status, 200);
    assert!(yaml.bytes.starts_with(b"openapi: 3.1"), "{}", String::from_utf8_lossy(&yaml.bytes[..40]));
    let json = anyone.get("/openapi.json").await;
    assert_eq!((json.status, &json.body["info"]["title"]), (200, &json!("MFTPlus API")));
}
