//! Agents that authenticate with client certificates, on a real listener with TLS.

use std::{sync::Arc, time::Duration};

use backend::{
    actor::{Actor, CertificateDigest},
    app::App,
    error::Error,
    server::{certificate::ServerCertificate, issued_certificate::IssuedCertificate, tls::Tls},
    service::{AgentCredentials, CertificateAuthority, Credentials},
    transport::ConnectionLimits,
};
use chrono::TimeDelta;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{
    Log, TestApp, TestListener,
    app::{TestAgent, TestDatabase},
    connected,
    tls::{AgentKey, TestCertificate},
};

const PATH: &str = "/api/agents/directives";

/// A server that accepts client certificates, and an agent with one.
struct Story {
    app: TestApp,
    certificate: TestCertificate,
    listening: TestListener,
    agent: TestAgent,
    key: AgentKey,
    issued: String,
}

async fn listen(app: &App, router: axum::Router, certificate: &TestCertificate) -> TestListener {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let shown = ServerCertificate::load(certificate.write(folder.path())).await.expect("a certificate");
    let authority = app.authority.as_ref().expect("an authority");
    let tls = Tls::mutual(shown, authority, app.clock.clone()).expect("TLS");
    TestListener::of_tls(router, ConnectionLimits::of_api(100), tls).await
}

impl Story {
    async fn begin() -> Self {
        let app = TestApp::with_authority().await;
        let certificate = TestCertificate::of_server();
        let listening = listen(&app.app, app.router.clone(), &certificate).await;
        let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
        let key = AgentKey::generate();
        let issued = app.certificate(&agent, &key).await;
        Self { app, certificate, listening, agent, key, issued }
    }

    /// A client with the agent's certificate.
    fn client(&self) -> reqwest::Client {
        self.certificate.client_as(self.key.identity(&self.issued))
    }

    /// The status of a request, with an API key if there is one; none if there is no answer.
    async fn status(&self, client: &reqwest::Client, key: Option<&str>) -> Option<u16> {
        let mut request = client.get(format!("https://{}{PATH}", self.listening.address));
        if let Some(key) = key {
            request = request.header("X-API-Key", key);
        }
        request.send().await.ok().map(|answer| answer.status().as_u16())
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("https://{}{path}", self.listening.address);
        let answer = self.client().post(url).json(body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

/// Counts refused certificates of this test: its tasks share its thread.
fn counted(handle: &PrometheusHandle, reason: &str) -> bool {
    handle.render().lines().any(|line| {
        line.starts_with("mftplus_client_certificates_refused_total") && line.contains(&format!("\"{reason}\""))
    })
}

/// Whether the log says that a certificate was refused for this reason. Of several within 10 seconds it says it once.
fn logged(log: &Log, reason: &str) -> bool {
    log.lines("a client certificate was refused").iter().any(|line| line["fields"]["reason"] == reason)
}

#[tokio::test]
async fn a_certificate_authenticates_alone_and_with_the_key_of_its_agent() {
    let story = Story::begin().await;
    let client = story.client();
    assert_eq!(story.status(&client, None).await, Some(200));
    assert_eq!(story.status(&client, Some(&story.agent.key)).await, Some(200));
    let (status, body) = story.post("/api/agents/heartbeat", &json!({ "load": 1 })).await;
    assert_eq!((status, &body["data"]["agent"]["id"]), (200, &json!(story.agent.id)));
    let transfer = json!({
        "sourceUrl": "/a", "destinationPath": "/b", "direction": "pull", "protocol": "local", "agentId": story.agent.id,
    });
    assert_eq!(story.post("/api/transfers", &transfer).await.0, 201);
}

#[tokio::test]
async fn users_see_until_when_the_certificate_of_an_agent_is_valid() {
    let story = Story::begin().await;
    let question = "query ($id: ID!) { agentCertificates(id: $id) { issuedAt expiresAt } }";
    let user = story.app.admin().await;
    let found = user.data(question, &json!({ "id": story.agent.id })).await;
    let expected = json!([{ "issuedAt": "2026-04-25T13:00:00Z", "expiresAt": "2026-07-24T13:00:00Z" }]);
    assert_eq!(found["agentCertificates"], expected, "90 days");
}

#[tokio::test]
async fn the_key_of_another_agent_or_none_that_is_valid_makes_the_certificate_worthless() {
    let story = Story::begin().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recorder = ::metrics::set_default_local_recorder(&recorder);
    let other = story.app.agent(story.app.customer("other").await.id, "edge-2").await;
    let client = story.client();
    for key in [other.key.as_str(), "mft_ak_0123456789012345678901234567890123456789012", ""] {
        assert_eq!(story.status(&client, Some(key)).await, Some(401), "{key}");
    }
    assert!(counted(&handle, "other_agent"));
    assert_eq!(story.status(&client, None).await, Some(200));
}

#[tokio::test]
async fn certificates_of_other_authorities_and_none_at_all_are_refused_counted_and_logged() {
    let story = Story::begin().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recorder = ::metrics::set_default_local_recorder(&recorder);
    let (log, _logging) = Log::capture();
    assert_eq!(story.status(&story.certificate.client(), Some(&story.agent.key)).await, None);
    assert!(counted(&handle, "none") && !counted(&handle, "other_authority"));
    assert!(logged(&log, "none"));

    // Another authority, and a certificate that signs itself. Each listener bounds its log lines.
    let story = Story::begin().await;
    let key = Some(story.agent.key.as_str());
    let foreign = TestApp::with_authority().await;
    let agent_of_another_server = foreign.agent(foreign.customer("acme").await.id, "edge-1").await;
    let own = AgentKey::generate();
    let issued = foreign.certificate(&agent_of_another_server, &own).await;
    let alone = TestCertificate::of_server();
    let alone = reqwest::Identity::from_pem(format!("{}{}", alone.certificate, alone.key).as_bytes()).expect("both");
    for identity in [own.identity(&issued), alone] {
        assert_eq!(story.status(&story.certificate.client_as(identity), key).await, None);
    }
    assert!(counted(&handle, "other_authority"), "{}", handle.render());
    assert!(logged(&log, "other_authority"));
    assert_eq!(story.status(&story.client(), key).await, Some(200));
}

#[tokio::test]
async fn an_expired_certificate_is_refused_by_the_clock_of_the_server() {
    let story = Story::begin().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recorder = ::metrics::set_default_local_recorder(&recorder);
    let (log, _logging) = Log::capture();
    let open = story.client();
    assert_eq!(story.status(&open, None).await, Some(200));
    story.app.advance(TimeDelta::days(90) - TimeDelta::seconds(1));
    assert_eq!(story.status(&story.client(), None).await, Some(200));
    assert!(!counted(&handle, "expired"));
    story.app.advance(TimeDelta::seconds(2));
    assert_eq!(story.status(&story.client(), None).await, None);
    assert!(counted(&handle, "expired") && logged(&log, "expired"));
    // The key needs no certificate on the other listener, and gets a new one there.
    let renewed = story.app.certificate(&story.agent, &story.key).await;
    let client = story.certificate.client_as(story.key.identity(&renewed));
    assert_eq!(story.status(&client, None).await, Some(200));
}

#[tokio::test]
async fn a_connection_outlives_neither_the_end_of_its_certificate_nor_its_revocation() {
    let story = Story::begin().await;
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _recorder = ::metrics::set_default_local_recorder(&recorder);
    let (log, _logging) = Log::capture();
    let client = story.client();
    assert_eq!(story.status(&client, None).await, Some(200));
    story.app.cp().revoke_agent(&Actor::System, story.agent.id).await.expect("revoked");
    assert_eq!(story.status(&client, None).await, Some(401), "on the same connection");
    assert!(counted(&handle, "revoked") && logged(&log, "revoked"));
    assert_eq!(story.status(&story.client(), None).await, Some(401), "and on a new one");

    let story = Story::begin().await;
    let client = story.client();
    assert_eq!(story.status(&client, None).await, Some(200));
    story.app.advance(TimeDelta::days(90) + TimeDelta::seconds(1));
    let status = story.status(&client, None).await;
    // The client may have closed the connection: then the handshake fails.
    assert!(matches!(status, Some(401) | None), "{status:?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL and Redis"]
async fn a_revocation_is_effective_on_every_server() {
    let database = TestDatabase::shared().await;
    let flags = ["--rate-limits", "off", "--mtls-listen", "127.0.0.1:0"];
    let (one, two) = (TestApp::on(&database, &flags).await, TestApp::on(&database, &flags).await);
    connected(&one).await;
    connected(&two).await;
    let agent = one.agent(one.customer("acme").await.id, "edge-1").await;
    let key = AgentKey::generate();
    let issued = one.certificate(&agent, &key).await;
    let certificate = TestCertificate::of_server();
    let listening = listen(&two.app, two.router.clone(), &certificate).await;
    let client = certificate.client_as(key.identity(&issued));
    let status = async || {
        let answer = client.get(format!("https://{}{PATH}", listening.address)).send().await.expect("an answer");
        answer.status().as_u16()
    };
    assert_eq!(status().await, 200, "issued by the other server");
    one.cp().revoke_agent(&Actor::System, agent.id).await.expect("revoked");
    let refused = async {
        while status().await != 401 {
            tokio::task::yield_now().await;
        }
    };
    // What the other server has cached does not expire: the message of the revocation removes it.
    tokio::time::timeout(Duration::from_mins(1), refused).await.expect("refused by the other server");
}

#[tokio::test]
async fn a_certificate_alone_gets_a_new_key_and_a_new_certificate() {
    let story = Story::begin().await;
    let path = format!("/api/agents/{}", story.agent.id);
    let (status, body) = story.post(&format!("{path}/key"), &json!({ "overlapSeconds": 0 })).await;
    assert_eq!(status, 201, "{body}");
    let client = story.client();
    assert_eq!(story.status(&client, Some(&story.agent.key)).await, Some(401), "the old key has ended");
    assert_eq!(story.status(&client, body["data"]["apiKey"].as_str()).await, Some(200));

    let next = AgentKey::generate();
    let (status, body) = story.post(&format!("{path}/certificate"), &json!({ "csr": next.csr() })).await;
    assert_eq!(status, 201, "{body}");
    let renewed = next.identity(body["data"]["certificate"]["pem"].as_str().expect("PEM"));
    assert_eq!(story.status(&story.certificate.client_as(renewed), None).await, Some(200));
    assert_eq!(story.status(&story.client(), None).await, Some(200), "the old certificate remains");
}

#[tokio::test]
async fn an_exchange_with_a_certificate_alone_acknowledges_the_request_for_it() {
    let story = Story::begin().await;
    story.app.cp().request_key_rotation(&Actor::System, story.agent.id).await.expect("a request");
    let (client, url) = (story.client(), format!("https://{}{PATH}", story.listening.address));
    let waiting = async || {
        let answer: Value = client.get(&url).send().await.expect("an answer").json().await.expect("JSON");
        answer["data"]["directives"].as_array().expect("directives").len()
    };
    assert_eq!(waiting().await, 1);
    let (status, body) = story.post(&format!("/api/agents/{}/key", story.agent.id), &json!({})).await;
    assert_eq!(status, 201, "{body}");
    assert_eq!(waiting().await, 0);
}

#[tokio::test]
async fn an_agent_has_its_newest_certificates_only() {
    let story = Story::begin().await;
    // Three remain beside a new one.
    for expected in [200, 200, 200, 200, 401] {
        assert_eq!(story.status(&story.client(), None).await, Some(expected));
        story.app.advance(TimeDelta::seconds(1));
        story.app.certificate(&story.agent, &AgentKey::generate()).await;
    }
}

#[tokio::test]
async fn a_long_poll_ends_with_the_certificate_of_its_connection() {
    let story = Story::begin().await;
    let (_, issued) = x509_parser::pem::parse_x509_pem(story.issued.as_bytes()).expect("PEM");
    let certificate = Some(CertificateDigest(Sha256::digest(&issued.contents).into()));
    let credentials = AgentCredentials { key: None, certificate };
    let cp = story.app.cp();
    let actor = cp.authenticate(Credentials::Agent(credentials)).await.expect("an agent").actor;
    let poll = cp.list_directives(&actor, credentials, Duration::from_mins(1), None);
    let (polled, revoked) = tokio::join!(poll, cp.revoke_agent(&Actor::System, story.agent.id));
    revoked.expect("revoked");
    assert!(matches!(polled, Err(Error::Unauthenticated(_))), "{polled:?}");
}

#[tokio::test]
async fn the_listener_shows_a_certificate_of_the_authority_where_the_operator_chose_none() {
    let now = std::time::SystemTime::now().into();
    let database = TestDatabase::fresh().await;
    let flags = ["--rate-limits", "off", "--mtls-listen", "127.0.0.1:0"];
    let app = TestApp::with_files(&database, &[], &flags, now).await;
    let authority: &Arc<CertificateAuthority> = app.app.authority.as_ref().expect("an authority");
    let names = vec!["127.0.0.1".to_owned()];
    let shown = IssuedCertificate::issue(Arc::clone(authority), names, app.app.clock.clone()).expect("a certificate");
    let tls = Tls::mutual(Arc::clone(&shown), authority, app.app.clock.clone()).expect("TLS");
    let listening = TestListener::of_tls(app.router.clone(), ConnectionLimits::of_api(100), tls).await;
    let agent = app.agent(app.customer("acme").await.id, "edge-1").await;
    let key = AgentKey::generate();
    let identity = key.identity(&app.certificate(&agent, &key).await);
    let root = app.anonymous().get("/api/ca").await.bytes;
    let root = reqwest::Certificate::from_pem(&root).expect("a certificate");
    let client = || {
        let builder = reqwest::Client::builder().tls_certs_only([root.clone()]).no_proxy().identity(identity.clone());
        builder.build().expect("a client").get(format!("https://{}{PATH}", listening.address))
    };
    assert_eq!(client().send().await.expect("an answer").status().as_u16(), 200);
    shown.renew();
    assert_eq!(client().send().await.expect("an answer").status().as_u16(), 200);
}
