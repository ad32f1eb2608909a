//! Compression of answers, over REST and GraphQL.

use rstest::rstest;
use serde_json::json;

use crate::support::{Answer, Client, TestApp};

const QUERY: &str = "{ agents(first: 50) { nodes { id hostname status customerId } } }";

/// A server with enough agents for lists of more than 1 KiB, and a client of an administrator.
async fn with_agents() -> (TestApp, Client) {
    let app = TestApp::start().await;
    let customer = app.customer("Acme").await;
    for number in 0..20 {
        app.agent(customer.id, &format!("server{number}.example.com")).await;
    }
    let admin = app.admin().await;
    (app, admin)
}

/// Fails unless the answer was sent in this encoding.
fn assert_compressed(answer: &Answer, encoding: &str) {
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some(encoding)), "{}", answer.body);
    assert!(answer.sent_size * 2 < answer.bytes.len(), "{} of {}", answer.sent_size, answer.bytes.len());
    let length = answer.header("content-length").map(str::parse::<usize>);
    assert!(length.is_none_or(|length| length == Ok(answer.sent_size)));
    let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
    assert!(vary.iter().any(|value| *value == "Accept-Encoding"), "{vary:?}");
}

#[rstest]
#[case("br, gzip", "br")]
#[case("gzip, deflate", "gzip")]
#[tokio::test]
async fn large_answers_are_compressed_for_clients_that_accept_it(#[case] accepted: &str, #[case] encoding: &str) {
    let (_app, admin) = with_agents().await;
    let client = admin.with("Accept-Encoding", accepted);
    for path in ["/api/agents?limit=20", "/openapi.json", "/mftplus-api.yaml", "/api/docs/swagger-ui.css"] {
        let plain = admin.get(path).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, None), "{path}");
        assert_eq!(plain.header("vary"), Some("Accept-Encoding"), "{path}");
        let answer = client.get(path).await;
        assert_compressed(&answer, encoding);
        assert!(answer.bytes == plain.bytes, "{path}");
    }
    let answer = client.post("/graphql", &json!({ "query": QUERY })).await;
    assert_compressed(&answer, encoding);
    assert_eq!(answer.body["data"]["agents"]["nodes"].as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn small_answers_are_not_compressed() {
    let (_app, admin) = with_agents().await;
    let client = admin.with("Accept-Encoding", "br, gzip");
    let answers = [
        client.get("/api/agents?limit=1").await,
        client.get("/api/health/live").await,
        client.get("/api/nothing").await,
        client.post("/graphql", &json!({ "query": "{ __typename }" })).await,
    ];
    for answer in answers {
        assert_eq!((answer.header("content-encoding"), answer.sent_size), (None, answer.bytes.len()));
    }
}

#[tokio::test]
async fn a_client_that_accepts_no_encoding_of_the_server_gets_its_answer() {
    let (_app, admin) = with_agents().await;
    for accepted in ["identity", "br;q=0, gzip;q=0", "identity;q=0", "zstd"] {
        let answer = admin.with("Accept-Encoding", accepted).get("/api/agents?limit=20").await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, None), "{accepted}");
        assert_eq!(answer.body["data"]["agents"].as_array().map(Vec::len), Some(20), "{accepted}");
    }
}
